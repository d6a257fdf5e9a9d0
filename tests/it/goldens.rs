//! Every token is compared with its golden, on every pinned release and precision.

use std::fs;

use arcgauge::golden::GoldenResult;
use arcgauge::record::Outcome;
use serde_json::{Value, json};

use crate::checkout::{Checkout, edit_json, read_json};
use crate::ended::Ended;

/// The three prompts' 200 tokens under these flags.
#[track_caller]
fn all_match(flags: &[&str]) {
    let ended = Checkout::new().run(["golden", "check", "--device", "CPU"].iter().chain(flags));
    ended.exits(0);
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{ended}");
    assert!(lines[3].starts_with("probe\t"), "{ended}");
    for (line, id) in lines.iter().zip(["fibonacci", "moe-vs-dense", "openvino-advantages"]) {
        assert!(line.starts_with(&format!("{id}\tmatch\t200 tokens, ")), "{ended}");
    }
}

#[test]
fn all_600_tokens_match_on_the_default_release_in_f32() {
    all_match(&[]);
}

#[test]
#[ignore = "heavy: ten seconds of both processors"]
fn all_600_tokens_match_on_the_default_release_in_bf16() {
    all_match(&["--property", "INFERENCE_PRECISION_HINT=bf16"]);
}

#[test]
fn all_600_tokens_match_on_the_published_benchmark_s_release_in_f32() {
    all_match(&["--openvino", "2026.1.0"]);
}

#[test]
#[ignore = "heavy: ten seconds of both processors"]
fn all_600_tokens_match_on_the_published_benchmark_s_release_in_bf16() {
    let flags = ["--openvino", "2026.1.0", "--property", "INFERENCE_PRECISION_HINT=bf16"];
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap();
    if ["avx512_bf16", "amx_bf16"].iter().any(|flag| processor.contains(flag)) {
        all_match(&flags);
    } else {
        // This release computes in bf16 only where the processor does: with AVX-512 it fails, without it takes f32.
        let ended = Checkout::new().run(["golden", "check", "--device", "CPU"].iter().chain(&flags));
        if processor.contains("avx512") {
            ended.exits(20).says("OpenVINO cannot compile");
        } else {
            ended.exits(0).says("`INFERENCE_PRECISION_HINT=bf16` was requested, and OpenVINO uses `f32`");
        }
    }
}

#[test]
fn the_release_that_was_requested_is_the_one_that_runs() {
    let checkout = Checkout::new();
    checkout
        .bench(&["--prompt", "fibonacci", "--openvino", "2026.1.0"])
        .exits(0)
        .prints("OpenVINO 2026.1.0, f32");
    assert!(checkout.only_record().arms[0].runtime.as_ref().unwrap().openvino_build.starts_with("2026.1.0-"));
}

#[test]
fn the_graph_as_it_is_gives_the_same_tokens_as_with_the_last_token_s_logits_alone() {
    let checkout = Checkout::new();
    checkout.bench(&["--all-logits"]).exits(0);
    let record = checkout.only_record();
    assert!(record.arms[0].prompts.iter().all(|prompt| prompt.golden == GoldenResult::Match));
    assert_eq!(record.arms[0].model.edited_graph_sha256, None);
    assert_eq!(record.arms[0].model.unedited_reason.as_deref(), Some("it was switched off"));
}

/// A short bench against a golden of `fibonacci` in which the fourth token is another, and what
/// that token was and is.
fn bench_with_a_changed_golden(checkout: &Checkout, more: &[&str]) -> (Ended, u64, u64) {
    let file = checkout.golden("fibonacci");
    let right = read_json(&file)["token_ids"][3].as_u64().unwrap();
    let wrong = right + 1;
    edit_json(&file, |golden| golden["token_ids"][3] = json!(wrong));
    (checkout.bench(more), right, wrong)
}

#[test]
fn a_changed_golden_turns_bench_red_and_that_prompt_has_no_speed_anywhere() {
    let checkout = Checkout::with_own_goldens();
    let output = checkout.path("results.json");
    let (ended, right, wrong) =
        bench_with_a_changed_golden(&checkout, &["--output", output.to_str().unwrap()]);

    // On the terminal: where, what was expected, what came; dashes for values, and no average.
    ended.exits(11).says("next: find what changed the output");
    let place = "BREAK: prompt `fibonacci` differs first at token 4";
    ended.prints(&format!("\n{place}: expected {wrong}, got {right} (logit margin "));
    let row = |title: &str| {
        let line = ended.stdout.lines().find(|line| line.trim_start().starts_with(title)).unwrap();
        line.split_whitespace().rev().take(4).collect::<Vec<_>>()
    };
    let broken = row("Fibonacci");
    assert_eq!(broken, ["break", "-", "-", "-"], "{ended}");
    assert_eq!(row("average"), ["-", "-", "-", "average"], "{ended}");
    let right_one = row("OpenVINO");
    assert!(right_one[0] == "match" && !right_one.contains(&"-"), "{ended}");

    // In the record: tokens, and no times.
    let record = checkout.only_record();
    assert_eq!(record.outcome, Outcome::WrongOutput);
    let payload: Value = read_payload(&checkout);
    for sample in payload["arms"][0]["samples"].as_array().unwrap() {
        let is_broken = sample["prompt_id"] == "fibonacci";
        assert_eq!(sample.get("times").is_none(), is_broken, "{sample}");
        assert_eq!(sample["token_ids"].as_array().unwrap().len(), 8);
    }

    // In the results: null, and the word.
    let results = read_json(&output);
    assert_eq!(results["outcome"], "wrong-output");
    assert!(results["average"]["throughput_tok_s"].is_null());
    let fibonacci = &results["prompts"][1];
    assert_eq!((&fibonacci["golden"], &fibonacci["runs"]), (&json!("break"), &json!([])));
    assert!(fibonacci["latency_s"].is_null(), "{fibonacci:#}");
    assert!(results["prompts"][0]["latency_s"].is_f64());
}

#[test]
fn a_divergence_is_told_in_words_too() {
    let checkout = Checkout::with_own_goldens();
    let (ended, ..) = bench_with_a_changed_golden(&checkout, &["--prompt", "fibonacci"]);
    let text = read_json(&checkout.golden("fibonacci"))["text"].as_str().unwrap().to_owned();
    let reported = |mark: &str| {
        let line = ended.stdout.lines().find_map(|line| line.trim_start().strip_prefix(mark)).unwrap();
        line.trim().trim_matches('"').to_owned()
    };
    let (before, got) = (reported("after "), reported("got "));
    assert!(!before.is_empty() && text.starts_with(&format!("{before}{got}")), "{ended}");
    assert_ne!(reported("expected "), got);
}

#[test]
fn a_difference_below_the_calibrated_gap_is_a_near_tie_which_warns_and_has_its_speed() {
    let checkout = Checkout::with_own_goldens();
    let tolerance = json!([{
        "device": "CPU", "inference_precision": "f32", "kv_cache_precision": "f32", "epsilon_logit": 1000.0,
        "reason": "so wide that everything is a near-tie",
    }]);
    fs::write(checkout.golden("near-tie"), tolerance.to_string()).unwrap();
    let (ended, ..) = bench_with_a_changed_golden(&checkout, &["--prompt", "fibonacci"]);
    ended.exits(0).prints("NEAR-TIE: prompt `fibonacci` differs first at token 4");
    ended.says("warning: `fibonacci` differ from their goldens where two tokens are too close to call");
    let record = checkout.only_record();
    assert_eq!(
        (record.outcome, record.arms[0].prompts[0].golden),
        (Outcome::Complete, GoldenResult::NearTie)
    );
    assert!(record.arms[0].samples.iter().all(|sample| sample.times.is_some()));
}

#[test]
fn golden_check_is_red_where_a_golden_was_changed_and_names_the_place() {
    let checkout = Checkout::with_own_goldens();
    let file = checkout.golden("moe-vs-dense");
    let right = read_json(&file)["token_ids"][12].as_u64().unwrap();
    edit_json(&file, |golden| {
        for list in ["token_ids", "runner_up_ids", "logit_margins"] {
            golden[list].as_array_mut().unwrap().truncate(16);
        }
        golden["token_ids"][12] = json!(right - 1);
    });
    for other in ["fibonacci", "openvino-advantages"] {
        fs::remove_file(checkout.golden(other)).unwrap();
    }
    let ended = checkout.run(["golden", "check", "--device", "CPU"]);
    ended.exits(11).prints("moe-vs-dense\tbreak\t");
    ended.prints(&format!("\tfirst at token 13: expected {}, got {right} (logit margin ", right - 1));
}

#[test]
fn a_golden_that_cannot_be_read_is_refused_with_the_way_to_restore_it() {
    let checkout = Checkout::with_own_goldens();
    let golden = checkout.golden("fibonacci");
    edit_json(&golden, |golden| golden["logit_margins"] = json!([7.5]));
    checkout
        .bench(&[])
        .refuses("fibonacci.json` has lists of different lengths", "git checkout -- fixtures/golden");
    fs::write(&golden, "{").unwrap();
    checkout
        .bench(&[])
        .refuses("fibonacci.json` is not of the expected form", "git checkout -- fixtures/golden");
}

/// The payload of the one record, as JSON.
fn read_payload(checkout: &Checkout) -> Value {
    let file = fs::read_to_string(&checkout.record_files()[0]).unwrap();
    serde_json::from_str(file.split_once('\n').unwrap().1).unwrap()
}

#[test]
fn a_golden_of_other_prompt_tokens_is_refused_and_not_passed_over() {
    let checkout = Checkout::with_own_goldens();
    edit_json(&checkout.golden("fibonacci"), |golden| golden["prompt_token_ids"][0] = json!(60));
    checkout.bench(&[]).refuses("prompt `fibonacci` has other tokens", "git checkout -- fixtures");
    assert!(checkout.record_files().is_empty());
}

#[test]
fn a_golden_that_was_cut_short_still_finds_a_wrong_token() {
    let checkout = Checkout::with_own_goldens();
    edit_json(&checkout.golden("fibonacci"), |golden| {
        for list in ["token_ids", "runner_up_ids", "logit_margins"] {
            golden[list].as_array_mut().unwrap().truncate(7);
        }
        golden["token_ids"][4] = json!(1);
    });
    checkout.bench(&[]).exits(11).prints("prompt `fibonacci` differs first at token 5");
}
