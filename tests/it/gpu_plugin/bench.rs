//! The main job: every token on a GPU is the golden one, and the record is of no real GPU.

use arcgauge::golden::GoldenResult;
use arcgauge::record::Outcome;

use crate::gpu_plugin::{EmulatedGpu, NAME, measured_tokens};

on_each_release!(
    at_the_defaults_every_token_is_the_golden_one_and_the_record_is_marked_emulated,
    with_an_i8_cache_every_token_is_the_golden_one,
);

const TOKENS: [&str; 3] = ["bench", "--max-new-tokens", "24"];

fn at_the_defaults_every_token_is_the_golden_one_and_the_record_is_marked_emulated(release: &'static str) {
    let gpu = EmulatedGpu::new(release);
    gpu.checkout.commit();
    let ended = gpu.run_on_gpu(&TOKENS);
    ended.exits(0).prints(&format!("tiny-gpt-oss on emulated GPU ({NAME} (iGPU), vendor Intel"));
    ended.prints("f16 with a f16 KV cache").says("warning: `GPU` is emulated");

    let record = gpu.checkout.only_record();
    assert_eq!((record.outcome, record.arms[0].device.actual()), (Outcome::Complete, "GPU"));
    let golden: Vec<_> = record.arms[0].prompts.iter().map(|prompt| prompt.golden).collect();
    assert_eq!(golden, [GoldenResult::Match; 3]);
    let answers = measured_tokens(&record.arms[0]);
    assert_eq!(answers.iter().map(|(_, tokens)| tokens.len()).collect::<Vec<_>>(), [24; 9]);
    assert!(record.arms[0].state_seen_empty, "the cache held what was fed, and nothing else");

    assert!(
        record.arms[0].device.emulated_reason().is_some_and(|reason| reason.contains("a runtime for CPUs"))
    );
    gpu.run(&["history", "list"]).exits(0).prints("emulated GPU");
    let file = &gpu.checkout.record_files()[0];
    let pin = gpu.run(&["baseline", "pin", file.to_str().unwrap(), "--reason", "a test"]);
    pin.exits(2).says("can be no baseline: the device is emulated");
}

fn with_an_i8_cache_every_token_is_the_golden_one(release: &'static str) {
    let gpu = EmulatedGpu::without_goldens(&["probe"], release);
    let ended = gpu.run_on_gpu(&[&TOKENS[..], &["--property", "KV_CACHE_PRECISION=i8"]].concat());
    ended.exits(0).prints("f16 with a i8 KV cache");
    let record = gpu.checkout.only_record();
    assert!(record.arms[0].prompts.iter().all(|prompt| prompt.golden == GoldenResult::Match), "{ended}");
}
