//! What must hold before a time is looked at: the output, the inputs, the commits, the device.

use arcgauge::cli::exit_code;
use arcgauge::gate::{Strictness, decide_run};
use arcgauge::golden::GoldenResult;
use arcgauge::judge::policy::Policy;
use arcgauge::record::{
    ChangedInput, DistributionDriftRecord, Experiment, ProofGrade, ProvenDevice, Status, Verdict,
};

use serde_json::{Value, json};

use super::anchors::published_at;
use super::{
    CANNOT_BE_TOLD, INVALID, PASSES, PASSES_WITH_WARNING, REGRESSES, WRONG, edited, passing, reason, says,
    slower, swapping,
};
use crate::forged;
use crate::forged_pairs::{JUDGED, both, decided, head_alone, identical, judge_by, policy_text, wrong};

#[test]
fn wrong_output_is_the_verdict_whatever_the_times_say() {
    for percent in [-20.0, 0.0, 20.0] {
        let record = slower(percent, wrong);
        says("a wrong token", &record, WRONG, WRONG);
        assert_eq!(reason(&record), "`b` of the head at token 2 (`9` for `6`)");
        let decision = decided(&record, Strictness::Gate);
        assert_eq!((decision.comparisons.len(), decision.sensitivity), (0, None), "no speed is reported");
    }
    let on_battery = passing(|record| {
        wrong(record);
        swapping(record, &[0, 1], false);
    });
    says("on a machine that cannot be trusted", &on_battery, WRONG, WRONG);
}

/// The drift of a side whose limits are 1e-9 nats and 1e-3 logit.
fn drifted(mean_kl_nats: f64, largest_logit_difference: f64) -> DistributionDriftRecord {
    let drift = json!({
        "texts": [{
            "text": "scripts", "steps": 160, "agreed_steps": 160, "mean_kl_nats": mean_kl_nats, "largest_kl_nats": 1.0,
            "largest_logit_difference": largest_logit_difference, "mean_entropy_change_nats": 0.0,
        }],
        "limit": {
            "device": "CPU", "inference_precision": "f32", "kv_cache_precision": "f32", "mean_kl_nats": 1e-9,
            "largest_logit_difference": 1e-3, "reason": "calibrated",
        },
    });
    serde_json::from_value(drift).unwrap()
}

#[test]
fn a_head_whose_distributions_drift_is_wrong_unless_the_base_s_do_or_policy_only_warns() {
    let of = |base: DistributionDriftRecord, head: DistributionDriftRecord| {
        passing(|record| {
            record.arms[0].distribution_drift = Some(base);
            record.arms[1].distribution_drift = Some(head);
        })
    };
    let none = || drifted(1e-11, 1e-5);
    says("no drift", &of(none(), none()), PASSES, PASSES);
    for (what, head) in [("mean", drifted(1e-8, 1e-5)), ("largest", drifted(1e-11, 0.1))] {
        let record = of(none(), head.clone());
        says(what, &record, WRONG, WRONG);
        assert!(reason(&record).contains("above its limit of 1.0e-"), "{}", reason(&record));
        says(what, &of(head.clone(), head), PASSES_WITH_WARNING, PASSES_WITH_WARNING);
    }
    let under = |metrics: Value, on_exceeded: &str, record: &Experiment| {
        let mut policy: Value = serde_json::from_str(&policy_text()).unwrap();
        policy["drift"] = json!({ "metrics": metrics, "on_exceeded": on_exceeded, "reason": "a test" });
        let mut record = record.clone();
        judge_by(&mut record, policy.to_string());
        record
    };
    let both = json!(["mean_kl@1", "max_logit_difference@1"]);
    let slipped = of(none(), drifted(1e-11, 0.1));
    says("only warned of", &under(both.clone(), "warn", &slipped), PASSES_WITH_WARNING, PASSES_WITH_WARNING);
    says("not judged", &under(json!(["mean_kl@1"]), "fail", &slipped), PASSES, PASSES);
    let not_measured = passing(|_| {});
    says("not measured", &under(both.clone(), "fail", &not_measured), CANNOT_BE_TOLD, PASSES);
    let uncalibrated = || DistributionDriftRecord { limit: None, ..none() };
    let no_steps = || DistributionDriftRecord { texts: Vec::new(), ..none() };
    for (what, head) in [("no limit", uncalibrated()), ("no steps", no_steps())] {
        let record = of(none(), head);
        says(what, &record, PASSES, PASSES);
        says(what, &under(both.clone(), "fail", &record), CANNOT_BE_TOLD, PASSES);
    }
}

#[test]
fn output_that_nothing_was_compared_with_never_passes_a_gate() {
    let unverified =
        |prompt: usize| passing(|record| record.arms[1].prompts[prompt].golden = GoldenResult::None);
    for prompt in 0..3 {
        says("unverified", &unverified(prompt), CANNOT_BE_TOLD, PASSES_WITH_WARNING);
    }
    let close = passing(|record| record.arms[1].prompts[0].golden = GoldenResult::NearTie);
    says("near-tie", &close, PASSES_WITH_WARNING, PASSES_WITH_WARNING);
    for side in [0, 1] {
        let unjudged = passing(|record| both(record)[side].prompts.clear());
        says("a side not judged", &unjudged, CANNOT_BE_TOLD, CANNOT_BE_TOLD);
        let short = passing(|record| drop(both(record)[side].prompts.pop()));
        says("a prompt not judged", &short, CANNOT_BE_TOLD, CANNOT_BE_TOLD);
    }
}

#[test]
fn a_head_that_answers_otherwise_where_there_is_no_golden_passes_nobody() {
    let otherwise = |record: &mut Experiment| {
        for run in both(record) {
            run.prompts[1].golden = GoldenResult::None;
        }
        // Not the first answer: a later one counts as well.
        let mut samples = record.arms[1].samples.iter_mut().rev();
        samples.find(|sample| sample.prompt_id == "b").unwrap().token_ids[2] += 1;
    };
    says("other tokens", &passing(otherwise), CANNOT_BE_TOLD, CANNOT_BE_TOLD);
    let decision = decided(&passing(otherwise), Strictness::Ab);
    assert!(decision.reason.starts_with("`b` is answered in more than one way from token 3 on"));
    let another_model = passing(|record| {
        otherwise(record);
        record.arms[1].model.sha256 = "9".repeat(64);
    });
    says("other tokens of another model", &another_model, CANNOT_BE_TOLD, PASSES_WITH_WARNING);
}

#[test]
fn a_head_that_changes_what_it_would_be_judged_by_is_never_passed() {
    for kind in ["goldens", "prompts", "policy", "baselines"] {
        let change = |record: &mut Experiment| {
            let path = format!("{kind}.json");
            record.inputs.changed_by_head = vec![ChangedInput { kind: kind.into(), path }];
        };
        says(kind, &passing(change), CANNOT_BE_TOLD, CANNOT_BE_TOLD);
        says(kind, &slower(-5.0, change), CANNOT_BE_TOLD, CANNOT_BE_TOLD);
        says(kind, &slower(5.0, change), REGRESSES, REGRESSES);
        says(kind, &edited(identical(), change), CANNOT_BE_TOLD, CANNOT_BE_TOLD);
        let reported = reason(&passing(change));
        assert_eq!(reported, format!("{kind} changed (`{kind}.json`): the head was judged by the base's"));
    }
}

#[test]
fn sides_that_are_the_same_pass_without_being_measured() {
    says("identical", &identical(), PASSES, PASSES);
    let decision = decided(&identical(), Strictness::Gate);
    assert!(decision.reason.contains("are the same, byte for byte"), "{decision:?}");
    assert!(decision.comparisons.is_empty() && decision.sensitivity.is_none());
}

#[test]
fn a_gate_judges_commits_and_nothing_laid_over_them() {
    let dirty_head = passing(|record| record.arms[1].commit.as_mut().unwrap().dirty = true);
    says("dirty head", &dirty_head, CANNOT_BE_TOLD, PASSES);
    assert_eq!(reason(&dirty_head), "the head has changes over 555555555555: a gate judges commits");
    let dirty_base = passing(|record| record.arms[0].commit.as_mut().unwrap().dirty = true);
    says("dirty base", &dirty_base, CANNOT_BE_TOLD, PASSES);
    let no_commit = passing(|record| record.arms[1].commit = None);
    says("no commit", &no_commit, CANNOT_BE_TOLD, PASSES);
    for side in [0, 1] {
        let differs = passing(|record| {
            let side = if side == 0 { &mut record.arms[0] } else { &mut record.arms[1] };
            side.differences = vec!["KV_CACHE_PRECISION=u8".into()];
        });
        says("a difference", &differs, CANNOT_BE_TOLD, PASSES);
        assert!(reason(&differs).contains("differs in KV_CACHE_PRECISION=u8"), "{}", reason(&differs));
    }
    let moved = passing(|record| record.inputs.merge_base = Some("3".repeat(40)));
    says("the base has gone on", &moved, PASSES_WITH_WARNING, PASSES);
}

#[test]
fn a_gate_takes_no_device_that_was_not_requested_or_is_not_proven() {
    for side in [0, 1] {
        let fallback = passing(|record| {
            let device = &mut both(record)[side].device;
            (device.requested, device.reason) = ("GPU".into(), Some("there is no GPU".into()));
        });
        says("fallback", &fallback, INVALID, PASSES);
        let reported = reason(&fallback);
        assert!(
            reported.contains("`GPU` was requested and CPU ran") && reported.contains("never falls back")
        );
        let by_word = passing(|record| {
            let [base, head] = both(record);
            let run = if side == 0 { base } else { head };
            run.device = forged::arc(None);
            assert_eq!(run.device.ran.as_ref().map(ProvenDevice::grade), Some(ProofGrade::Property));
        });
        says("by its word alone", &by_word, INVALID, PASSES_WITH_WARNING);
        let emulated = passing(|record| {
            let [base, head] = both(record);
            let run = if side == 0 { base } else { head };
            run.device = forged::an_emulated_arc();
        });
        says("emulated", &emulated, INVALID, PASSES_WITH_WARNING);
        let reported = reason(&emulated);
        assert!(
            reported.starts_with("the device on the")
                && reported.ends_with("is emulated: a runtime for CPUs"),
            "{reported}"
        );
    }
}

#[test]
fn a_run_alone_is_no_comparison_and_never_passes() {
    let policy = Policy::parse(&policy_text(), "shipped").unwrap();
    let judged = |token_s: f64, edit: &dyn Fn(&mut Experiment)| {
        let record = edited(published_at(token_s), |record| edit(record));
        let decision = decide_run(&head_alone(&record), &policy, JUDGED);
        assert!(decision.comparisons.is_empty() && decision.status == Status::Red, "{decision:?}");
        (decision.verdict, exit_code::of_verdict(decision.verdict))
    };
    let invalid = (Verdict::InvalidEnvironment, 12);
    assert_eq!(judged(22.0, &|_| {}), (Verdict::Inconclusive, 13));
    assert_eq!(judged(20.0, &|_| {}), (Verdict::Regressed, 10), "by the published value");
    assert_eq!(judged(22.0, &wrong), (Verdict::WrongOutput, 11));
    assert_eq!(judged(22.0, &|record| swapping(record, &[1], true)), invalid);
    assert_eq!(judged(22.0, &|record| swapping(record, &[], false)), invalid);
    assert_eq!(judged(22.0, &|record| record.arms[1].device = forged::arc(None)), invalid);
    assert_eq!(judged(22.0, &|record| record.arms[1].device = forged::an_emulated_arc()), invalid);
}

#[test]
fn a_gate_wants_every_reference_prompt_with_every_token() {
    let shorter = passing(|record| {
        record.published.as_mut().unwrap().new_tokens = 200;
    });
    says("fewer tokens", &shorter, CANNOT_BE_TOLD, PASSES);
    let fewer = passing(|record| {
        record.published.as_mut().unwrap().prompts.push("d".into());
    });
    says("fewer prompts", &fewer, CANNOT_BE_TOLD, PASSES);
    assert!(decided(&fewer, Strictness::Gate).reason.contains("and not all reference prompts"));
}

#[test]
fn a_value_that_only_one_side_tells_is_not_passed_over() {
    let lost = passing(|record| {
        for sample in &mut record.arms[1].samples {
            sample.peak_rss_bytes = None;
        }
    });
    says("memory that is no longer reported", &lost, CANNOT_BE_TOLD, CANNOT_BE_TOLD);
    assert_eq!(decided(&lost, Strictness::Ab).reason, "one side reports it and the other does not");
}

#[test]
fn a_device_that_nobody_proved_is_no_ground_for_a_gate() {
    let unknown = passing(|record| record.arms[1].device.ran = None);
    says("no device", &unknown, (Verdict::InvalidEnvironment, Status::Red), PASSES);
}
