//! What measures several processes against each other: `ab`, `peers` and the walk of `first-light`.

use arcgauge::record::{History, Outcome, PlanKind};

use crate::gpu_plugin::{EmulatedGpu, measured_tokens};

on_the_default_release!(
    ab_of_identical_sides_has_equal_golden_tokens,
    openvino_genai_has_the_golden_tokens_with_each_attention_and_cache,
    first_light_walks_to_its_end_and_takes_the_device_for_no_arc,
);

fn ab_of_identical_sides_has_equal_golden_tokens(release: &'static str) {
    let gpu = EmulatedGpu::with_one_golden(release);
    let sides = ["ab", "--base", "device=GPU", "--head", "device=GPU", "--measure-identical"];
    let short = ["--max-new-tokens", "4", "--prompt", "fibonacci", "--ignore-guards", "--budget", "60s"];
    let ended = gpu.run_on_gpu(&[&sides[..], &short].concat());
    let record = History::read(&gpu.checkout.record_files()[0]).unwrap().record;
    assert_eq!(record.plan, PlanKind::Ab, "{ended}");
    let (base, head) = (&record.arms[0], &record.arms[1]);
    assert_eq!((base.outcome, head.outcome), (Outcome::Complete, Outcome::Complete), "{ended}");
    let answers = [measured_tokens(base), measured_tokens(head)].concat();
    assert!(answers.len() >= 2 && answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    ended.prints("emulated");
}

fn openvino_genai_has_the_golden_tokens_with_each_attention_and_cache(release: &'static str) {
    let gpu = EmulatedGpu::with_one_golden(release);
    let engines = ["peers", "--engines", "stateful,genai,genai-pa,genai-pa-i8", "--rounds", "1"];
    let short = ["--max-new-tokens", "16", "--prompt", "fibonacci", "--ignore-guards"];
    let ended = gpu.run_on_gpu(&[&engines[..], &short].concat());
    for engine in
        ["stateful     ok match", "genai        ok match", "genai-pa     ok match", "genai-pa-i8  ok match"]
    {
        ended.prints(engine);
    }
    for row in ["sdpa       f16", "paged      f16", "paged      i8"] {
        ended.prints(&format!("openvino_genai  {row}"));
    }
    ended.prints("emulated");
}

fn first_light_walks_to_its_end_and_takes_the_device_for_no_arc(release: &'static str) {
    let gpu = EmulatedGpu::with_one_golden(release);
    // `ab` and `peers` above do what is left out here, without a build.
    let left_out = ["--without", "against-itself", "--without", "peers"];
    let flags = [&["first-light", "--quick", "--output", "bundle.zip"][..], &left_out].concat();
    let ended = gpu.run_on_gpu(&flags);
    assert!(matches!(ended.code, Some(13 | 20)), "a claim about an Arc was seen to hold\n{ended}");
    ended.prints("emulated");
    assert!(gpu.checkout.path("bundle.zip").is_file());
    let answer = |claim: &str| {
        let of_claim = |line: &&str| line.split_whitespace().any(|word| word == claim);
        ended.stdout.lines().find(of_claim).unwrap_or_else(|| panic!("no line of {claim}\n{ended}"))
    };
    for claim in ["openvino-lists-gpu", "kv-states-read", "kv-states-reset", "kv-states-put-back"] {
        assert!(answer(claim).ends_with(" ok yes"), "{}\n{ended}", answer(claim));
    }
    for claim in ["arc-140v", "gpu-decodes", "bench"] {
        assert!(answer(claim).ends_with(" - not observed"), "{}\n{ended}", answer(claim));
    }
}
