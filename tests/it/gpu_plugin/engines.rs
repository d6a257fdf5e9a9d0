//! What measures several processes against each other: `ab`, `peers` and the walk of `first-light`.

use arcgauge::record::{AnyRecord, History, Outcome};

use crate::gpu_plugin::{EmulatedGpu, measured_tokens};

on_the_default_release!(
    ab_of_identical_sides_has_equal_golden_tokens,
    openvino_genai_has_the_golden_tokens_with_each_attention_and_cache,
    first_light_walks_to_its_end_and_takes_the_device_for_no_arc,
);

fn ab_of_identical_sides_has_equal_golden_tokens(release: &'static str) {
    let gpu = EmulatedGpu::with_one_golden(release);
    let sides = ["ab", "--base", "device=GPU", "--head", "device=GPU", "--measure-identical"];
    let short = ["--max-new-tokens", "4", "--prompt", "fibonacci", "--despite-guards", "--budget", "60s"];
    let ended = gpu.run_on_gpu(&[&sides[..], &short].concat());
    let AnyRecord::Ab(record) = History::read_any(&gpu.checkout.record_files()[0]).unwrap().record else {
        panic!("no record of an A/B\n{ended}")
    };
    let (base, head) = (&record.base.run, &record.head.run);
    assert_eq!((base.outcome, head.outcome), (Outcome::Complete, Outcome::Complete), "{ended}");
    let answers = [measured_tokens(base), measured_tokens(head)].concat();
    assert!(answers.len() >= 2 && answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    ended.prints("emulated");
}

fn openvino_genai_has_the_golden_tokens_with_each_attention_and_cache(release: &'static str) {
    let gpu = EmulatedGpu::with_one_golden(release);
    let engines = ["peers", "--engines", "stateful,genai,genai-pa,genai-pa-i8", "--rounds", "1"];
    let short = ["--max-new-tokens", "24", "--prompt", "fibonacci", "--despite-guards"];
    let ended = gpu.run_on_gpu(&[&engines[..], &short].concat());
    for row in ["ok    stateful     match", "ok    genai        match", "ok    genai-pa     match"] {
        ended.prints(row);
    }
    ended.prints("ok    genai-pa-i8  match");
    ended.prints("openvino_genai  sdpa       f16").prints("openvino_genai  paged      f16");
    ended.prints("openvino_genai  paged      i8").prints("emulated");
}

fn first_light_walks_to_its_end_and_takes_the_device_for_no_arc(release: &'static str) {
    let gpu = EmulatedGpu::with_one_golden(release);
    // A build of this commit against itself says nothing of the GPU; `ab` above compares it with itself.
    let flags = ["first-light", "--quick", "--without", "against-itself", "--output", "bundle.zip"];
    let ended = gpu.run_on_gpu(&flags);
    assert!(matches!(ended.code, Some(13 | 20)), "a claim about an Arc was seen to hold\n{ended}");
    ended.prints("emulated");
    assert!(gpu.checkout.path("bundle.zip").is_file());
    let answer = |claim: &str| {
        let of_claim = |line: &&str| line.split_whitespace().any(|word| word == claim);
        ended.stdout.lines().find(of_claim).unwrap_or_else(|| panic!("no line of {claim}\n{ended}"))
    };
    for claim in ["gpu-decodes", "states-read", "states-put-back"] {
        assert!(answer(claim).starts_with(" yes "), "{}\n{ended}", answer(claim));
    }
    assert!(!answer("arc-140v").starts_with(" yes "), "{ended}");
}
