//! The suite `depth`: prompts of stated lengths, and decoding over a KV cache that was filled by its states.

use arcgauge::golden::GoldenResult;
use serde_json::json;

use crate::checkout::{Checkout, edit_json};
use crate::fake_worker::fake_worker;

#[test]
fn decoding_over_a_filled_cache_is_measured_at_its_depth_and_checked_against_its_golden() {
    let checkout = Checkout::with_own_goldens();
    let prompts = ["--prompt", "depth-256", "--prompt", "depth-16000-filled", "--max-new-tokens", "3"];
    let ended = checkout.run([&["bench", "--quick", "--device", "CPU"], &prompts[..]].concat());
    ended.exits(0).prints("prompt                prefill tok/s").prints("TPOT grows by ");
    let record = checkout.only_record();
    assert_eq!(record.suite, "depth");
    let run = record.subject();
    assert_eq!(run.workload.prompts[1].cache_tokens, Some(16_000));
    let results: Vec<GoldenResult> = run.prompts.iter().map(|prompt| prompt.golden).collect();
    assert_eq!(results, [GoldenResult::Match; 2]);
    let mut pages = std::fs::read_dir(checkout.path("reports/site/commit")).unwrap();
    let page = std::fs::read_to_string(pages.next().unwrap().unwrap().path()).unwrap();
    assert!(page.contains("Values by depth") && page.contains("Time per output token over depth"));
}

#[test]
fn the_suite_names_its_prompts_and_each_has_exactly_its_tokens() {
    let checkout = Checkout::with_own_goldens();
    let worker = fake_worker(&checkout, "well");
    let worker = worker.to_str().unwrap();
    let suite = [
        "bench",
        "--runs",
        "2",
        "--device",
        "CPU",
        "--suite",
        "depth",
        "--deep",
        "--unverified",
        "--max-new-tokens",
        "4",
        "--worker",
        worker,
    ];
    let ended = checkout.run(suite);
    // The worker does not write states.
    ended.exits(0).says("not measured: `depth-16000-filled`: the KV states cannot be written");
    let record = checkout.only_record();
    let run = record.subject();
    let lengths: Vec<usize> = run.workload.prompts.iter().map(|prompt| prompt.token_ids.len()).collect();
    assert_eq!(lengths, [256, 1024, 4096, 16_384]);
    // The order of its prompts, which is not turned, is no contradiction.
    checkout.run(["history", "show", "latest"]).exits(0);
    checkout.run(["bench", "--deep"]).refuses("`--deep` is of the suite `depth`", "--suite depth");
    let alone = [
        "bench",
        "--quick",
        "--device",
        "CPU",
        "--unverified",
        "--worker",
        worker,
        "--prompt",
        "depth-16000-filled",
    ];
    checkout.run(alone).exits(2).says("the KV states cannot be written");
}

#[test]
fn a_golden_over_a_cache_that_cannot_be_filled_is_bad_input_and_one_of_another_precision_is_not_compared() {
    let checkout = Checkout::with_own_goldens();
    let file = checkout.path("fixtures/golden/tiny-gpt-oss/depth/depth-256.json");
    let check = ["golden", "check", "--suite", "depth", "--device", "CPU"];
    for other in ["depth-1024", "depth-4096", "depth-16000-filled"] {
        std::fs::remove_file(file.with_file_name(format!("{other}.json"))).unwrap();
    }
    for rows in [0, 255, u64::MAX] {
        edit_json(&file, |golden| golden["cache_tokens"] = json!(rows));
        checkout.run(check).refuses(&format!("cannot be filled to `{rows}` tokens"), "from its length");
    }
    edit_json(&file, |golden| {
        golden["cache_tokens"] = json!(2000);
        golden["made"]["properties"]["INFERENCE_PRECISION_HINT"] = json!("f16");
    });
    checkout.run(check).exits(0).says("`depth-256` is not compared");
}
