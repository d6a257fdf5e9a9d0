//! Single prompts, and what is beside decoding.

use arcgauge::gate::Strictness;
use arcgauge::record::{CheckResult, ComparisonResult, Experiment, Status, Verdict};
use serde_json::{Value, json};

use super::{PASSES, PASSES_WITH_WARNING, REGRESSES, check, fatter, passing, reason, says, slower};
use crate::forged_pairs::{PROMPTS, TOKEN_NS, ab_by_prompt, around, both, decided, judge_by, policy_text};

#[test]
fn a_value_beside_decoding_turns_red_or_warns_as_policy_says() {
    let fat = passing(|record| fatter(record, 5));
    says("5 % more memory", &fat, REGRESSES, REGRESSES);
    assert!(reason(&fat).starts_with("`peak_rss@1` grew: +5.00 %"), "{}", reason(&fat));
    says("1 % more memory", &passing(|record| fatter(record, 1)), PASSES, PASSES);
    let device = passing(|record| {
        for (run, bytes) in both(record).into_iter().zip([100 << 20, 110 << 20]) {
            run.processes.iter_mut().for_each(|process| process.device_memory_bytes = Some(bytes));
        }
    });
    says("10 % more of the device's", &device, REGRESSES, REGRESSES);
    let first_token = passing(|record| {
        for times in record.arms[1].samples.iter_mut().filter_map(|sample| sample.times.as_mut()) {
            times.token_ns.iter_mut().for_each(|at_ns| *at_ns += 20_000_000);
        }
    });
    let slow_load = passing(|record| {
        for process in &mut record.arms[1].processes {
            process.load.as_mut().unwrap().load_ns *= 2;
        }
    });
    for (id, record) in [("ttft@1", first_token), ("load@1", slow_load)] {
        says(id, &record, PASSES_WITH_WARNING, PASSES_WITH_WARNING);
        let decision = decided(&record, Strictness::Gate);
        assert_eq!(check(&decision, id).0, CheckResult::Warns);
        let reported = decision.comparisons.iter().find(|reported| reported.metric.id() == id).unwrap();
        assert_eq!(reported.result, ComparisonResult::Regressed);
    }
}

#[test]
fn a_head_that_is_faster_and_fatter_is_mixed() {
    let mixed = (Verdict::Mixed, Status::Red);
    says("faster and fatter", &slower(-5.0, |record| fatter(record, 5)), mixed, mixed);
}

#[test]
fn a_loss_on_one_prompt_is_seen_behind_a_mean_that_has_not_changed() {
    let apart = |it: &f64| [it + 8.0, it - 4.0, it - 4.0];
    let changes: Vec<[f64; 3]> = around(0.0, 0.3, 5).iter().map(apart).collect();
    let record = ab_by_prompt(&changes, TOKEN_NS);
    says("one prompt", &record, REGRESSES, REGRESSES);
    let decision = decided(&record, Strictness::Gate);
    assert_eq!(decision.comparisons[0].result, ComparisonResult::Unchanged, "the mean");
    assert!(decision.reason.starts_with("`tpot@1 of a` grew: +8.0"), "{}", decision.reason);
    let prompts = decision.comparisons.iter().filter_map(|reported| reported.prompt.as_deref());
    assert_eq!(prompts.collect::<Vec<_>>(), PROMPTS);
}

#[test]
fn a_growth_that_is_shown_for_itself_and_not_among_several_is_undecided_by_holm_s_correction() {
    let on_one = |it: &f64| [*it, 0.0, 0.0];
    let changes: Vec<[f64; 3]> = around(5.2, 1.05, 5).iter().map(on_one).collect();
    let decision = decided(&ab_by_prompt(&changes, TOKEN_NS), Strictness::Gate);
    let of_prompt = decision.comparisons.iter().find(|it| it.prompt.as_deref() == Some(PROMPTS[0])).unwrap();
    assert!(of_prompt.lower > 1.03, "its own interval lies above what matters: {of_prompt:?}");
    assert_eq!(of_prompt.result, ComparisonResult::Undecided, "{of_prompt:?}");
    let why = "a growth above 3 % is not significant after Holm's correction for several values: +5.2";
    assert!(of_prompt.reason.starts_with(why), "{}", of_prompt.reason);
}

/// The memory of the head's processes has grown, as one is 99.5 % sure and not 99.99 %.
fn perhaps_fatter(record: &mut Experiment) {
    let growth_permille = [40, 90, 50, 80, 65];
    for sample in &mut record.arms[1].samples {
        let ratio_permille = 1000 + growth_permille[sample.process];
        sample.peak_rss_bytes = sample.peak_rss_bytes.map(|bytes| bytes * ratio_permille / 1000);
    }
}

#[test]
fn all_values_beside_the_mean_share_one_error_at_the_strictest_confidence() {
    let judged_by = |edit: fn(&mut Vec<Value>)| {
        let mut policy: Value = serde_json::from_str(&policy_text()).unwrap();
        edit(policy["metrics"].as_array_mut().unwrap());
        let record = passing(|record| {
            perhaps_fatter(record);
            judge_by(record, policy.to_string());
        });
        decided(&record, Strictness::Gate).verdict
    };
    let memory_alone = |metrics: &mut Vec<Value>| metrics.retain(|it| it["metric"] == "peak_rss@1");
    assert_eq!(judged_by(memory_alone), Verdict::Regressed);
    assert_eq!(judged_by(|_| ()), Verdict::Pass, "one of many questions is more often yes by chance");
    let less_sure = |metrics: &mut Vec<Value>| {
        for metric in metrics {
            metric["confidence_percent"] = json!(90.0);
        }
    };
    assert_eq!(judged_by(less_sure), Verdict::Regressed);
    let one_is_strict = |metrics: &mut Vec<Value>| {
        for metric in &mut metrics[1..] {
            metric["confidence_percent"] = json!(90.0);
        }
    };
    assert_eq!(judged_by(one_is_strict), Verdict::Pass);
}
