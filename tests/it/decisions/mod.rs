//! What a gate and what somebody at a machine make of an A/B: one rule at a time, over records in which
//! all is well but that.

mod anchors;
mod evidence;
mod guards;
mod metric_values;
mod speed;

use arcgauge::gate::Strictness;
use arcgauge::record::{CheckResult, DecisionRecord, Experiment, Status, Verdict};
use serde_json::Value;

use crate::forged_pairs::{ab, around, both, decided, guard_log, judge_by, policy_text};

type Expected = (Verdict, Status);

/// What is changed about a record, and the words for it.
type Edit<'a> = (&'a str, &'a dyn Fn(&mut Experiment));

const PASSES: Expected = (Verdict::Pass, Status::Green);
const PASSES_WITH_WARNING: Expected = (Verdict::Pass, Status::GreenWithWarning);
const IMPROVES: Expected = (Verdict::Improved, Status::Green);
const REGRESSES: Expected = (Verdict::Regressed, Status::Red);
const CANNOT_BE_TOLD: Expected = (Verdict::Inconclusive, Status::Red);
const TOLERATED: Expected = (Verdict::Inconclusive, Status::GreenWithWarning);
const INVALID: Expected = (Verdict::InvalidEnvironment, Status::Red);
const WRONG: Expected = (Verdict::WrongOutput, Status::Red);

/// A record that passes, with something else about it.
fn passing(edit: impl FnOnce(&mut Experiment)) -> Experiment {
    edited(ab(&around(0.0, 0.3, 5)), edit)
}

/// One whose head is so much slower, likewise.
fn slower(percent: f64, edit: impl FnOnce(&mut Experiment)) -> Experiment {
    edited(ab(&around(percent, 0.3, 5)), edit)
}

fn edited(mut record: Experiment, edit: impl FnOnce(&mut Experiment)) -> Experiment {
    edit(&mut record);
    record
}

/// What the gate and what `ab` says of it.
#[track_caller]
fn says(what: &str, record: &Experiment, gate: Expected, at_a_machine: Expected) {
    for (strictness, expected) in [(Strictness::Gate, gate), (Strictness::Ab, at_a_machine)] {
        let decision = decided(record, strictness);
        assert_eq!((decision.verdict, decision.status), expected, "{what}, {strictness:?}: {decision:#?}");
        assert!(!decision.reason.is_empty(), "{what}");
    }
}

/// Why the gate says so.
fn reason(record: &Experiment) -> String {
    decided(record, Strictness::Gate).reason
}

/// The word of one rule, and why.
#[track_caller]
fn check<'a>(decision: &'a DecisionRecord, id: &str) -> (CheckResult, &'a str) {
    let found = decision.checks.iter().find(|check| check.id == id);
    let found = found.unwrap_or_else(|| panic!("no check `{id}` in {decision:#?}"));
    (found.result, &found.reason)
}

/// The record, judged by the shipped policy with one more waiver or anchor in it.
fn with_policy(mut record: Experiment, list: &str, entry: Value) -> Experiment {
    let mut policy: Value = serde_json::from_str(&policy_text()).unwrap();
    policy[list].as_array_mut().unwrap().push(entry);
    judge_by(&mut record, policy.to_string());
    record
}

/// Gives every process readings, by which these pairs swapped.
fn swapping(record: &mut Experiment, pairs: &[usize], is_on_ac_power: bool) {
    for run in both(record) {
        for process in &mut run.processes {
            let pages = if pairs.contains(&process.index) { 12 } else { 0 };
            process.guards = Some(guard_log(pages, is_on_ac_power));
        }
    }
}

/// The head's processes hold so many percent more memory.
fn fatter(record: &mut Experiment, percent: u64) {
    for sample in &mut record.arms[1].samples {
        sample.peak_rss_bytes = sample.peak_rss_bytes.map(|bytes| bytes * (100 + percent) / 100);
    }
}
