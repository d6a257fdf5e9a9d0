//! The cause of a difference: what the operators of a decode step took on both sides, profiled apart.

use std::fs;

use arcgauge::measure::{OperatorTime, Profile};
use arcgauge::record::{Experiment, contradictions};

use crate::ab_settings::slower_head;
use crate::checkout::{Checkout, read_json};
use crate::forged_pairs::{ab, around};

#[test]
fn a_slower_head_is_explained_by_the_operator_that_takes_longer() {
    let checkout = Checkout::new();
    let cause = "Changed most: ScaledDotProductAttentionWithKVCache, 0.300 to 0.800 ms a step (+0.500 ms; the whole \
                 step +0.500 ms).";
    slower_head(&checkout, "profiles").exits(10).prints(cause);
    let page = fs::read_dir(checkout.path("reports/site/commit")).unwrap().next().unwrap().unwrap();
    let page = fs::read_to_string(page.path()).unwrap();
    assert!(
        page.contains("ScaledDotProductAttentionWithKVCache") && page.contains("explained by no operator")
    );
    let record = checkout.record_files().pop().unwrap();
    let ab = record.to_str().unwrap();
    checkout.run(["compare", ab, "--profile"]).exits(0).prints(cause).prints("model.layers.*.self_attn");
    let json = checkout.run(["compare", ab, "--profile", "--format", "json"]);
    let file = checkout.path("profile.json");
    fs::write(&file, &json.exits(0).stdout).unwrap();
    let largest = read_json(&file)["profile"]["by_kind"][0].clone();
    assert_eq!((&largest["base_us"], &largest["head_us"]), (&300.0.into(), &800.0.into()));
}

/// Makes a profile impossible.
type Forge = fn(&mut Profile);

#[test]
fn a_profile_that_cannot_be_of_its_arm_is_refused_by_its_field() {
    let profiled = || -> Experiment {
        let mut record = ab(&around(0.0, 0.3, 5));
        let prompt = &record.arms[1].workload.prompts[0];
        let operator =
            |name: &str| OperatorTime { kind: "Add".into(), name: name.into(), count: 2, time_us: 9.0 };
        record.arms[1].profile = Some(Profile {
            prompt_id: prompt.id.clone(),
            depth_tokens: prompt.input().depth_tokens(),
            steps: 32,
            wall_us: 20.0,
            operators: vec![operator("one"), operator("other")],
        });
        record
    };
    assert_eq!(contradictions(&profiled()), []);
    let forged: [(Forge, &str); 9] = [
        (|it| it.prompt_id = "another".into(), "prompt_id"),
        (|it| it.depth_tokens += 1, "depth_tokens"),
        (|it| it.steps = 0, "steps"),
        (|it| it.wall_us = 0.0, "wall_us"),
        (|it| it.operators = vec![it.operators[0].clone(); 1000], "operators.length"),
        (|it| it.operators[1].name = "n".repeat(1000), "operators[1].name"),
        (|it| it.operators[1].name = "one".into(), "operators[1].name"),
        (|it| it.operators[1].time_us = -1.0, "operators[1].time_us"),
        (|it| it.operators[1].time_us = 1e9, "operators"),
    ];
    for (forge, field) in forged {
        let mut record = profiled();
        forge(record.arms[1].profile.as_mut().unwrap());
        let found = contradictions(&record);
        assert_eq!(
            found.first().map(|it| it.field.clone()),
            Some(format!("arms[1].profile.{field}")),
            "{found:?}"
        );
    }
}

#[test]
#[ignore = "20 s: two runs at a depth of 16,000 tokens"]
fn the_profile_of_another_cache_precision_at_depth_names_attention() {
    let checkout = Checkout::with_own_goldens();
    let run = |precision: &str| {
        let property = format!("KV_CACHE_PRECISION={precision}");
        let prompt = ["--prompt", "depth-16000-filled", "--max-new-tokens", "2", "--unverified"];
        let ended = checkout.run(
            [&["bench", "--quick", "--profile", "--device", "CPU", "--property", &property], &prompt[..]]
                .concat(),
        );
        ended.exits(0).prints("explained by no operator");
    };
    run("f32");
    run("u8");
    let compared = checkout.run(["compare", "latest~1", "latest", "--profile"]);
    compared.exits(0).prints("Changed most: ScaledDotProductAttention");
}
