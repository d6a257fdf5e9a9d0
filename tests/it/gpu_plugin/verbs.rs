//! The verbs that look or answer, and a GPU that is not in the processor.

use serde_json::Value;

use crate::checkout::read_json;
use crate::gpu_plugin::{EmulatedGpu, NAME};

on_each_release!(
    doctor_names_the_device_and_that_it_is_emulated,
    a_discrete_gpu_is_named_and_every_token_is_the_golden_one,
    infer_goes_on_as_the_golden_does,
    golden_check_finds_every_token_right,
);

fn doctor_names_the_device_and_that_it_is_emulated(release: &'static str) {
    let gpu = EmulatedGpu::new(release);
    gpu.run_on_gpu(&["doctor"]).prints(&format!("{NAME} (iGPU)")).prints("emulated").prints("`GPU` is there");
}

fn a_discrete_gpu_is_named_and_every_token_is_the_golden_one(release: &'static str) {
    let gpu = EmulatedGpu::with_one_golden(release).discrete();
    gpu.run_on_gpu(&["doctor"]).prints(&format!("{NAME} (dGPU)")).prints("8.6 GB of memory");
    let ended = gpu.run_on_gpu(&["bench", "--quick", "--max-new-tokens", "24", "--prompt", "fibonacci"]);
    ended.exits(0).prints(&format!("{NAME} (dGPU)")).prints("match");
}

fn infer_goes_on_as_the_golden_does(release: &'static str) {
    let gpu = EmulatedGpu::new(release);
    let golden = read_json(&gpu.checkout.golden("fibonacci"));
    let prompt: Vec<String> =
        golden["prompt_token_ids"].as_array().unwrap().iter().map(ToString::to_string).collect();
    let flags = ["infer", "--token-ids", &prompt.join(","), "--max-new-tokens", "8", "--format", "json"];
    let ended = gpu.run_on_gpu(&flags);
    let answer: Value = serde_json::from_str(&ended.exits(0).stdout).unwrap();
    assert_eq!(answer["token_ids"].as_array().unwrap()[..], golden["token_ids"].as_array().unwrap()[..8]);
}

fn golden_check_finds_every_token_right(release: &'static str) {
    let gpu = EmulatedGpu::with_one_golden(release);
    gpu.run_on_gpu(&["golden", "check"]).exits(0).prints("fibonacci\tmatch\t200 tokens");
}
