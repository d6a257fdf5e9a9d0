//! The probe on the real OpenVINO: it is silent on the shipped model, and sees what no golden sees.

use arcgauge::engine::openvino::OpenVinoEngine;
use arcgauge::engine::{Path, replay};
use arcgauge::golden::{DriftLimit, GoldenResult, GoldenSet, LogitDrift, Probe, Question, judge};
use arcgauge::workload::TokenId;
use serde_json::json;

use crate::checkout::{Checkout, edit_json, repository};
use crate::model_copy::ModelCopy;
use crate::this_machine::{engine, engine_of};

/// A weight whose damage reaches every later layer; its bytes are unsigned, so the highest bit of one
/// is half of its range.
const WEIGHT: &str = "self.model.layers.0.self_attn.v_proj.weight";
/// Bytes of `WEIGHT` that are damaged, a row of 64 apart.
const DAMAGED_BYTES: [usize; 4] = [0, 64, 128, 192];

fn probe() -> Probe {
    Probe::load(&repository().join("fixtures/golden/tiny-gpt-oss")).unwrap().unwrap()
}

fn limit(probe: &Probe) -> &DriftLimit {
    probe.limit(["CPU", "f32", "f32"]).unwrap()
}

fn drift(engine: &mut OpenVinoEngine, probe: &Probe) -> LogitDrift {
    probe.drift(&replay(engine, probe.prompt(), Path::Forced(probe.forced())).unwrap()).unwrap()
}

/// The shipped model with one bit changed in four of its 9.7 million weights.
fn damaged() -> ModelCopy {
    let copy = ModelCopy::new();
    let graph = std::fs::read_to_string(copy.file("openvino_model.xml")).unwrap();
    let layer = graph.find(&format!("name=\"{WEIGHT}\" type=\"Const\"")).unwrap();
    let offset = graph[layer..].split("offset=\"").nth(1).unwrap().split('"').next().unwrap();
    let offset: usize = offset.parse().unwrap();
    copy.with("openvino_model.bin", |bytes| DAMAGED_BYTES.iter().for_each(|at| bytes[offset + at] ^= 0x80))
}

#[test]
fn the_shipped_model_s_logits_are_where_its_probe_has_them() {
    let probe = probe();
    let drift = drift(&mut engine(), &probe);
    assert!(!limit(&probe).is_exceeded_by(&drift), "{drift:?}");
    assert_eq!((drift.flips, drift.steps), (0, probe.forced().len()));
}

#[test]
fn four_damaged_weights_of_which_all_600_golden_tokens_know_nothing_are_seen_by_the_probe() {
    let mut engine = engine_of(&damaged().path());
    let goldens = GoldenSet::load(&repository().join("fixtures/golden/tiny-gpt-oss")).unwrap().goldens;
    let mut matching_tokens = 0;
    for golden in goldens.values() {
        let prompt = &golden.prompt_token_ids;
        let answer = replay(&mut engine, prompt, Path::Greedy(golden.token_ids.len())).unwrap();
        let answer: Vec<TokenId> = answer.iter().map(|choice| choice.token).collect();
        let question = Question {
            input: prompt.into(),
            generations: &[&answer],
            golden: Some(golden),
            epsilon_logit: 0.0,
        };
        assert_eq!(judge(&mut engine, question).unwrap().result, GoldenResult::Match);
        matching_tokens += answer.len();
    }
    assert_eq!(matching_tokens, 600);
    let probe = probe();
    let (drift, limit) = (drift(&mut engine, &probe), limit(&probe));
    assert!(limit.is_exceeded_by(&drift), "{drift:?}");
    assert!(drift.largest_logit > 10.0 * limit.largest_logit, "{drift:?}");
    assert!(drift.mean_logit > 10.0 * limit.mean_logit, "{drift:?}");
}

#[test]
fn golden_check_tells_the_drift_and_one_above_the_limit_warns_and_is_no_wrong_output() {
    let checkout = Checkout::with_own_goldens();
    for other in ["moe-vs-dense", "openvino-advantages"] {
        std::fs::remove_file(checkout.golden(other)).unwrap();
    }
    edit_json(&checkout.golden("probe"), |probe| {
        let margin = probe["logit_margins"][7].as_f64().unwrap();
        probe["logit_margins"][7] = json!(margin + 0.5);
    });
    let ended = checkout.run(["golden", "check", "--device", "CPU"]);
    ended.exits(0).says("warning: on the probe the logits have moved further than is normal");
    ended.prints(
        "probe\tabove limit\t155 steps, 0 flips, logit margins moved by at most 0.5000 of 0.0100 logit, ",
    );

    let at_another_precision = ["golden", "check", "--device", "CPU", "--property", "KV_CACHE_PRECISION=f16"];
    let ended = checkout.run(at_another_precision);
    ended.exits(0).prints("probe\tno limit\t").says("no limit is known for CPU, f32, KV cache f16");
}

#[test]
fn calibrating_on_the_shipped_model_gives_its_limit_again_and_leaves_the_probe_as_it_is() {
    let checkout = Checkout::with_own_goldens();
    edit_json(&checkout.golden("probe"), |probe| probe["limits"] = json!([]));
    checkout.run(["golden", "calibrate", "--device", "CPU"]).exits(0);
    let calibrated = Probe::load(&checkout.path("fixtures/golden/tiny-gpt-oss")).unwrap().unwrap();
    let shipped = probe();
    let limits = |limit: &DriftLimit| (limit.largest_logit, limit.mean_logit);
    assert_eq!(limits(limit(&calibrated)), limits(limit(&shipped)));
    assert_eq!(Probe { limits: shipped.limits.clone(), ..calibrated }, shipped);
}

#[test]
fn a_probe_made_again_has_the_shipped_text_says_why_and_has_no_limit_yet() {
    let checkout = Checkout::with_own_goldens();
    let ended = checkout.run(["golden", "probe", "--reason", "it is a test"]);
    ended.exits(0).says("next: `cargo xtask golden calibrate`");
    let made = Probe::load(&checkout.path("fixtures/golden/tiny-gpt-oss")).unwrap().unwrap();
    let shipped = probe();
    assert_eq!((&made.text, &made.tokens, &made.model), (&shipped.text, &shipped.tokens, &shipped.model));
    assert_eq!((made.made.reason.as_str(), made.limits.len()), ("it is a test", 0));
    assert_eq!(made.preferred_ids, shipped.preferred_ids);
    checkout.run(["golden", "probe", "--reason", " "]).refuses("`--reason` is empty", "say why");
}

#[test]
fn a_probe_of_another_model_is_refused() {
    let checkout = Checkout::with_own_goldens();
    edit_json(&checkout.golden("probe"), |probe| probe["model_sha256"] = json!("0".repeat(64)));
    let ended = checkout.run(["golden", "check", "--device", "CPU"]);
    ended.refuses("was made from other files", "cargo xtask golden probe");
}
