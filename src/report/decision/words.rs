//! Sentences that every form has in the same words.

use crate::judge::policy::Policy;
use crate::judge::sequential::LOOK_ALPHA;
use crate::measure::Metric;
use crate::record::{
    CheckResult, ComparisonRecord, ComparisonResult, DecisionRecord, SensitivityRecord, Status, Verdict,
};
use crate::report::decision::subject::Subject;
use crate::report::mark::Mark;
use crate::report::number::{change_percent, counted, percent, signed_percent};
use crate::report::reproduce::device_flag;

/// Said where both sides are the same.
pub(super) const IDENTICAL: &str = "Both sides are identical: nothing was measured.";

/// The verdict, and of what it warns: as in "pass with warning: TTFT +12.8 %".
pub(super) fn verdict(decision: &DecisionRecord) -> String {
    let word = decision.verdict.in_words().to_owned();
    if decision.status != Status::GreenWithWarning {
        return word;
    }
    let means = decision.comparisons.iter().filter(|it| it.prompt.is_none());
    let regressed = means.filter(|it| it.result == ComparisonResult::Regressed);
    with_warning(&word, regressed.map(|it| (it.metric, it.ratio)))
}

/// The verdict on two settings: which is faster is a finding, no failure.
pub(super) fn of_settings(decision: &DecisionRecord) -> (Mark, String) {
    match decision.verdict {
        Verdict::Pass => (Mark::Holds, "head is not slower".to_owned()),
        Verdict::Improved => (Mark::Holds, "head is faster".to_owned()),
        Verdict::Regressed => (Mark::Warns, "head is slower".to_owned()),
        other => (other.into(), other.in_words().to_owned()),
    }
}

/// A verdict that passes with a warning of these metrics, each with head / base.
pub(in crate::report) fn with_warning(
    verdict: &str,
    regressions: impl Iterator<Item = (Metric, f64)>,
) -> String {
    let changes: Vec<String> = regressions
        .map(|(metric, ratio)| format!("{} {}", short_name(metric), signed_percent(change_percent(ratio))))
        .collect();
    let of = if changes.is_empty() { "" } else { ": " };
    format!("{verdict} with warning{of}{}", changes.join(", "))
}

/// What a metric is called where there is no room for its title.
fn short_name(metric: Metric) -> String {
    let name = metric.id().split('@').next().unwrap_or_default();
    if matches!(name, "tpot" | "ttft") { name.to_uppercase() } else { name.replace('_', " ") }
}

/// A comparison's glyph and word. Where the machine cannot be trusted, neither can a speed; a regression with
/// which the decision passes is a warning.
pub(in crate::report) fn standing(comparison: &ComparisonRecord, verdict: Verdict) -> (Mark, &'static str) {
    if verdict == Verdict::InvalidEnvironment {
        return (Mark::NotJudged, CheckResult::NotJudged.as_str());
    }
    let is_warning = comparison.result == ComparisonResult::Regressed
        && matches!(verdict, Verdict::Pass | Verdict::Improved);
    let word = match comparison.result {
        // The test is of a growth alone: the value may have fallen.
        ComparisonResult::Unchanged => "not worse",
        other => other.as_str(),
    };
    (if is_warning { Mark::Warns } else { comparison.result.into() }, word)
}

/// The change of a metric, as in "+2.13 %".
pub(super) fn change(comparison: &ComparisonRecord) -> String {
    signed_percent(change_percent(comparison.ratio))
}

pub(super) fn interval(comparison: &ComparisonRecord) -> String {
    let percent = |ratio| signed_percent(change_percent(ratio));
    format!("[{}, {}]", percent(comparison.lower), percent(comparison.upper))
}

/// What the columns of the comparisons are.
pub(super) fn change_note() -> String {
    format!(
        "Change: from base to head, over the pairs that count. Where better is lower, + is worse. Intervals: {:.1} % for the \
         first row, the policy's level for the others.",
        (1.0 - 2.0 * LOOK_ALPHA) * 100.0
    )
}

/// How small a change could have been seen.
pub(super) fn sensitivity(known: &SensitivityRecord) -> String {
    format!(
        "Minimum detectable slow-down of {} (sd {}): {} at 80 % power; slow-downs of {} or more are excluded.",
        counted(known.pairs, "pair"),
        percent(known.pair_sd_percent),
        percent(known.smallest_seen_percent),
        percent(known.excluded_from_percent)
    )
}

/// What to do about it, and the command for it where there is one.
pub(super) fn next(subject: Subject<'_>, decision: &DecisionRecord) -> (&'static str, Option<String>) {
    if subject.compares_settings() {
        match decision.verdict {
            Verdict::Pass if may_be_faster(subject, decision) => {
                return ("the head's setting may be faster: measure more pairs on a quiet machine", None);
            }
            Verdict::Pass => return ("choose either setting; for a smaller difference run more pairs", None),
            Verdict::Improved => return ("use the head's setting", None),
            Verdict::Regressed => return ("keep the base's setting", None),
            Verdict::Mixed => return ("weigh the metrics above against each other", None),
            _ => {}
        }
    }
    match decision.verdict {
        Verdict::Pass | Verdict::Improved if decision.status == Status::GreenWithWarning => {
            ("see whether the change that is warned of is intended; the gate lets it pass", None)
        }
        Verdict::Pass => ("nothing to do", None),
        Verdict::Improved => ("nothing to do; the head is better", None),
        Verdict::Regressed | Verdict::Mixed => (
            "find what made it worse; or, where it is worth it, waive it in the base's `ci/gate.json`, with an issue and a date",
            None,
        ),
        Verdict::Inconclusive | Verdict::InvalidEnvironment if !subject.is_ab() => {
            let run = subject.record.subject();
            let branch = run.arm.commit.as_ref().and_then(|commit| commit.branch.as_deref());
            // A commit of main has no base but the one before it.
            let base = if branch == Some("main") { "HEAD~1" } else { "main" };
            let command = || format!("cargo xtask ab --base {base} {}", device_flag(run));
            ("measure it against its base", Some(subject.given.map_or_else(command, str::to_owned)))
        }
        Verdict::Inconclusive => ("follow the checks above, then measure again", Some(subject.again())),
        Verdict::InvalidEnvironment => {
            ("reduce the background load (`top` shows it), then measure again", Some(subject.again()))
        }
        Verdict::WrongOutput => (
            "see what differs with `cargo xtask golden check`; where the new output is right, `cargo xtask golden bless --reason \"...\"` in a pull request of its own, and merge that first",
            None,
        ),
    }
}

/// Whether a head that is not slower may be faster by as much as is excluded as a slow-down.
fn may_be_faster(subject: Subject<'_>, decision: &DecisionRecord) -> bool {
    let policy = Policy::parse(&subject.record.inputs.policy.text, "the record's").ok();
    let mean = decision.comparisons.first();
    policy.zip(mean).is_some_and(|(policy, mean)| {
        mean.lower < 1.0 / (1.0 + policy.sequential.passes_within_percent / 100.0)
    })
}

/// The verdict, and the mean over all prompts where it was measured; nothing of it is text of others.
pub fn title(decision: &DecisionRecord) -> String {
    let verdict = verdict(decision);
    let trusted = !matches!(decision.verdict, Verdict::InvalidEnvironment | Verdict::WrongOutput);
    match decision.comparisons.first().filter(|_| trusted) {
        Some(first) => format!(
            "{verdict}: {} (mean) {} {} over {} pairs",
            first.metric.id(),
            change(first),
            interval(first),
            first.pairs
        ),
        None => verdict,
    }
}
