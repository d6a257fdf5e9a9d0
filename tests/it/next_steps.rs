//! The next steps that are printed: each runs as it is printed, with the flags of the command before it.

use arcgauge::record::Outcome;

use crate::checkout::Checkout;
use crate::ended::Ended;
use crate::fake_worker::fake_worker;

/// The commands in backticks on the line of the next step.
fn next(ended: &Ended) -> Vec<String> {
    let line = ended.stderr.lines().find(|line| line.starts_with("next: "));
    let parts = line.unwrap_or_else(|| panic!("no next step\n{ended}")).split('`');
    parts.filter_map(|part| part.strip_prefix("cargo xtask ")).map(str::to_owned).collect()
}

/// Runs a command as it was printed, without the flags that a checkout gives by itself.
fn pasted(checkout: &Checkout, command: &str) -> Ended {
    let own = format!(" --lock {} --settle-limit-s 0", checkout.lock().display());
    checkout.run(command.replace(&own, "").split(' '))
}

#[test]
fn the_next_step_of_a_run_is_the_command_that_was_given() {
    let checkout = Checkout::new();
    let words = ["bench", "--device", "CPU", "--runs", "1", "--max-new-tokens", "8", "--store", "kept"];
    let ended = checkout.run(words);
    let commands = next(ended.exits(0));
    let again = &commands[0];
    assert!(again.starts_with("bench ") && words.iter().all(|word| again.contains(word)), "{again}");
    for command in &commands {
        pasted(&checkout, command).exits(0);
    }
}

#[test]
fn the_next_step_of_an_undecided_ab_is_the_command_that_was_given() {
    let checkout = Checkout::new();
    let (worker, lock) = (fake_worker(&checkout, "well"), checkout.lock());
    let sides = ["ab", "--base", "env:FAKE_TOKEN_NS=1000000", "--head", "env:FAKE_TOKEN_NS=1000001"];
    let workload = ["--device", "CPU", "--unverified", "--prompt", "fibonacci", "--max-new-tokens", "4"];
    let limits = ["--budget", "1s", "--store", "kept", "--settle-limit-s", "0"];
    let machine = ["--lock", lock.to_str().unwrap(), "--worker", worker.to_str().unwrap()];
    let words = [&sides[..], &workload, &limits, &machine].concat();
    let ended = checkout.run(&words);
    ended.prints(&format!("measure again:\n  cargo xtask {}\n", words.join(" ")));
    let markdown = checkout.run([&words[..], &["--format", "markdown"]].concat()).stdout;
    assert!(markdown.contains(" --budget 1s") && !markdown.contains("--lock"), "{markdown}");
}

#[test]
fn the_next_step_of_an_unverified_run_shows_its_answers_and_blesses_them() {
    let checkout = Checkout::with_own_goldens();
    std::fs::remove_dir_all(checkout.path("fixtures/golden/tiny-gpt-oss")).unwrap();
    checkout.commit();
    let ended = checkout.bench(&["--prompt", "fibonacci"]);
    let commands = next(ended.exits(0));
    let id = checkout.only_record().run_id;
    assert!(commands[1].starts_with(&format!("golden bless {id} --reason WHY")), "{commands:?}");
    for command in &commands {
        pasted(&checkout, command).exits(0);
    }
    assert_eq!(checkout.only_record().outcome, Outcome::Complete);
}
