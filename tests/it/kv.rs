//! `kv`: changes of the KV cache side by side, on the real runtime with the shipped model.

use std::fs;

use arcgauge::measure::kv::KvMethod;
use arcgauge::record::{Experiment, History, Outcome, PlanKind};

use crate::checkout::Checkout;

const SHORT: [&str; 10] =
    ["--device", "CPU", "--rounds", "1", "--max-new-tokens", "8", "--prompt", "fibonacci", "--seeds", "1,2"];

fn only_record(checkout: &Checkout) -> Experiment {
    let files = checkout.record_files();
    let [file] = &files[..] else { panic!("not one record but {files:?}") };
    History::read(file).unwrap().record
}

#[test]
fn arms_are_compared_by_output_bytes_and_time_and_another_token_is_no_failure() {
    let checkout = Checkout::new();
    let arms = [
        "kv",
        "--arm",
        "none",
        "--arm",
        "copy",
        "--arm",
        "turboquant:k1v1,block=1",
        "--arm",
        "streaming-llm:16,allow-cut-window",
        "--arm",
        "plugin:KV_CACHE_PRECISION=u8",
        "--ignore-guards",
    ];
    let ended = checkout.run(arms.iter().chain(&SHORT));
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    for part in ["A small model judges mechanics, not quality", "golden: match", "changed", "plugin"] {
        assert!(ended.stdout.contains(part), "{part}\n{}", ended.stdout);
    }

    let record = only_record(&checkout);
    assert_eq!((record.plan, record.outcome), (PlanKind::Kv, Outcome::Complete));
    let kv: Vec<_> = record.arms.iter().map(|arm| arm.kv.as_ref().unwrap()).collect();
    let methods =
        [KvMethod::Unchanged, KvMethod::States, KvMethod::States, KvMethod::States, KvMethod::Plugin];
    assert_eq!(kv.iter().map(|it| it.method).collect::<Vec<_>>(), methods);
    // The reference text and the probe, of an arm with a seed for each of the seeds.
    assert_eq!(kv.iter().map(|it| it.agreements.len()).collect::<Vec<_>>(), [0, 2, 4, 2, 2]);
    let copied = &kv[1];
    assert!(copied.agreements.iter().all(|it| it.agreed_steps == it.steps && it.largest_kl_nats < 1e-9));
    assert_eq!(copied.uses[0].changes, 8, "after each inference");
    let one_bit = &kv[2];
    assert!(one_bit.agreements.iter().any(|it| it.mean_kl_nats > 1e-3), "{:?}", one_bit.agreements);
    // One bit a coordinate and a 16-bit norm a vector, of keys and values in 24 layers with 8 heads of 64.
    assert_eq!(one_bit.uses[0].packed_bytes, one_bit.uses[0].rows * 24 * 2 * 8 * (64 / 8 + 2));
    let pruned = &kv[3].uses[0];
    assert!(pruned.rows < pruned.tokens, "{pruned:?}");

    let file = &checkout.record_files()[0];
    let again = checkout.run(["history".as_ref(), "show".as_ref(), file.as_os_str()]);
    assert_eq!(again.stdout, ended.stdout, "rendered again from its file alone");
    let page = fs::read_to_string(checkout.path("reports/site/kv.html")).unwrap();
    for part in ["Changes of the KV cache", "turboquant:k1v1,block=1", "Teacher-forced, by text and seed"] {
        assert!(page.contains(part), "{part}");
    }
    let listed = checkout.run(["history", "list"]);
    assert!(listed.stdout.contains("kv"), "{}", listed.stdout);
    let pinned = checkout.run(["baseline", "pin", "latest", "--reason", "a test"]);
    assert_eq!(pinned.code, Some(2), "no baseline: {}", pinned.stderr);
}

#[test]
fn arms_that_cannot_be_meant_are_refused_before_anything_is_measured() {
    let checkout = Checkout::new();
    for (arms, says, helps) in [
        (&["none"][..], "one arm is no comparison", "--arm turboquant:k6v4"),
        (&["copy", "none"], "the first arm is `copy`, not `none`", "--arm none"),
        (&["none", "copy", "copy"], "arm `copy` is named twice", "name each once"),
        (&["none", "turbo:k6v4"], "there is no KV transform `turbo`", "`turboquant:k6v4`"),
        (&["none", "turboquant:k9v4"], "k9v4", "1 to 8"),
        (&["none", "streaming-llm:64"], "64", "allow-cut-window"),
        (&["none", "plugin:KV"], "property `KV` is not of the form KEY=VALUE", "KEY=VALUE"),
    ] {
        let arms = arms.iter().flat_map(|arm| ["--arm", arm]);
        let ended = checkout.run(["kv"].into_iter().chain(arms).chain(SHORT));
        assert_eq!(ended.code, Some(2), "{says}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
        assert!(ended.stderr.contains(helps), "{helps}: {}", ended.stderr);
    }
    assert!(checkout.record_files().is_empty());
}

#[test]
fn rows_are_chosen_by_a_calibration_of_the_model_and_one_of_another_model_is_refused() {
    let checkout = Checkout::new();
    let file = checkout.path("calibration.json");
    let name = file.display().to_string();
    let text = checkout.path("text").display().to_string();
    // The default texts take the runtime a minute.
    fs::write(&text, "fn fibonacci(n: u64) -> u64 { ".repeat(6)).unwrap();
    let ended = checkout.run(["kv", "calibrate", "--device", "CPU", "--text", &text, "--output", &name]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, format!("{name}\n"));
    assert!(ended.stderr.contains(&format!("--arm triattention:128,calibration={name}")), "{}", ended.stderr);

    let arm = format!("triattention:16,calibration={name},period=4,free-prompt,allow-cut-window");
    let arms = ["kv", "--arm", "none", "--arm", &arm, "--ignore-guards"];
    let ended = checkout.run(arms.iter().chain(&SHORT));
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    let record = only_record(&checkout);
    let pruned = record.arms[1].kv.as_ref().unwrap().uses[0];
    assert!(pruned.changes > 0 && pruned.rows < pruned.tokens, "{pruned:?}");

    let text = fs::read_to_string(&file).unwrap();
    let model = record.arms[0].model.sha256.clone();
    assert!(text.contains(&model));
    fs::write(&file, text.replace(&model, &"0".repeat(64))).unwrap();
    let ended = checkout.run(arms.iter().chain(&SHORT));
    assert_eq!(ended.code, Some(2), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("is the calibration of another model"), "{}", ended.stderr);
    assert!(ended.stderr.contains("`cargo xtask kv calibrate`"), "{}", ended.stderr);
}

#[test]
fn a_calibration_that_cannot_be_made_or_written_is_refused_before_the_model_is_loaded() {
    let checkout = Checkout::new();
    fs::write(checkout.path("long.txt"), "word ".repeat(200_000)).unwrap();
    for (flags, says) in [
        (["--text", "long.txt"], "more than the model's context"),
        (["--text", "nosuch.txt"], "nosuch.txt"),
        (["--output", "nosuch/calibration.json"], "nosuch"),
    ] {
        let ended = checkout.run(["kv", "calibrate", "--device", "CPU"].iter().chain(&flags));
        assert_eq!(ended.code, Some(2), "{flags:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{flags:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty(), "{}", ended.stdout);
    }
}

#[test]
fn bench_times_the_states_where_that_is_requested() {
    let checkout = Checkout::new();
    let bench = ["bench", "--quick", "--device", "CPU", "--max-new-tokens", "4", "--prompt", "fibonacci"];
    let ended = checkout.run(bench.iter().chain(&["--states", "--wide"]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let record = only_record(&checkout);
    let access = record.arms[0].processes[0].state_access.as_ref().unwrap();
    let held = record.arms[0].samples[0].prompt_tokens as u64 + 3;
    assert_eq!((access.rows, access.bytes), (held, held * 48 * 8 * 64 * 4));
    assert!(access.read_ns.len() == 9 && access.write_ns.len() == 9);
    assert!(ended.stdout.contains("ms to read all"), "{}", ended.stdout);
    let plain = checkout.run(bench);
    assert!(!plain.stdout.contains("ms to read all"), "{}", plain.stdout);
}
