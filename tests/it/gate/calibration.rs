//! What a machine's own runs of one program against itself say of its noise.

use arcgauge::record::Experiment;

use super::{ab_of, checkout, keep};
use crate::forged;
use crate::forged_pairs::{ab, around, both};

/// The same with another id.
fn named(run_id: &str, record: Experiment) -> Experiment {
    Experiment { run_id: run_id.into(), ..record }
}

#[test]
fn runs_of_one_program_against_itself_tell_noise_and_false_alarms() {
    let (checkout, _) = checkout();
    keep(&checkout, &named("00000000000a", ab(&around(0.0, 1.0, 5))));
    keep(&checkout, &named("00000000000b", ab(&around(0.0, 1.0, 15))));
    // What is no run of one program against itself teaches nothing of noise.
    let mut other_program = named("00000000000c", ab(&around(50.0, 9.0, 5)));
    other_program.arms[1].worker.sha256 = Some("9".repeat(64));
    keep(&checkout, &other_program);
    let mut other_property = named("00000000000d", ab(&around(50.0, 9.0, 5)));
    other_property.arms[1].differences = vec!["KV_CACHE_PRECISION=u8".into()];
    keep(&checkout, &other_property);
    let mut emulated = named("00000000000e", ab(&around(50.0, 9.0, 5)));
    for run in both(&mut emulated) {
        run.device = forged::an_emulated_arc();
    }
    keep(&checkout, &emulated);

    let ended = checkout.run(["gate", "calibrate", "--machine", "a-machine"]);
    ended.exits(0).prints("machine a-machine\n").prints("A/A runs      2, with 20 pairs");
    assert_eq!(ended.stdout.matches("A/A runs").count(), 1, "{ended}");
    // 4 of 5 pairs lie 1 % beside the mean: sqrt(4 / 4) %, and sqrt(12 / 14) % over fifteen.
    ended.prints("pair sd       0.94 %");
    ended.prints("with 5 pairs, ").prints("0 of 2 runs said regressed; 0.");
    assert_eq!(checkout.run(["gate", "calibrate", "--machine", "a-machine"]).stdout, ended.stdout);
}

#[test]
fn runs_of_unlike_things_are_not_taken_together() {
    let (checkout, _) = checkout();
    keep(&checkout, &named("00000000000a", ab(&around(0.0, 1.0, 5))));
    let mut other_property = named("00000000000b", ab(&around(0.0, 2.0, 5)));
    for side in &mut other_property.arms {
        side.differences = vec!["KV_CACHE_PRECISION=u8".into()];
    }
    keep(&checkout, &other_property);
    let mut other_model = named("00000000000c", ab(&around(0.0, 3.0, 5)));
    for run in both(&mut other_model) {
        run.model.sha256 = "9".repeat(64);
    }
    keep(&checkout, &other_model);
    let ended = checkout.run(["gate", "calibrate", "--machine", "a-machine"]);
    assert_eq!(ended.exits(0).stdout.matches("A/A runs      1, with 5 pairs").count(), 3, "{ended}");
    ended.prints("3 prompts x 3 tokens, KV_CACHE_PRECISION=u8\n");
}

#[test]
fn a_machine_that_says_regressed_of_itself_is_told_of() {
    let (checkout, _) = checkout();
    keep(&checkout, &ab(&around(5.0, 0.3, 5)));
    let ended = checkout.run(["gate", "calibrate", "--machine", "a-machine"]);
    ended.exits(0).prints("1 of 1 runs said regressed");
}

#[test]
fn where_there_is_nothing_to_learn_from_the_command_is_named() {
    let (checkout, sha) = checkout();
    let help = "cargo xtask ab --base HEAD --head HEAD --measure-identical";
    checkout.run(["gate", "calibrate"]).exits(20).says("there is no A/A record of machine").says(help);
    keep(&checkout, &ab_of(&sha, 0.0));
    let ended = checkout.run(["gate", "calibrate", "--machine", "another"]);
    ended.exits(20).says("there is no A/A record of machine `another`");
}
