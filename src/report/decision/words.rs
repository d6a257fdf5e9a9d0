//! Sentences that every form tells in the same words.

use crate::record::{CheckWord, ComparisonRecord, DecisionRecord, SensitivityRecord, Verdict};
use crate::report::decision::form::Form;
use crate::report::decision::mark::Mark;
use crate::report::decision::subject::Subject;
use crate::report::number::{change_percent, counted, percent, signed_percent};

/// Said where both sides are the same.
pub(super) const IDENTICAL: &str = "Both sides are identical: nothing was measured.";

/// The verdict and its reason.
pub(super) fn verdict(decision: &DecisionRecord, form: Form) -> String {
    let glyph = Mark::from(decision.status).glyph();
    format!("{glyph} {}: {}", decision.verdict.word(), form.said(&decision.because))
}

/// A comparison's glyph and word. Where the machine cannot be trusted, neither can a speed.
pub(super) fn standing(comparison: &ComparisonRecord, verdict: Verdict) -> (Mark, &'static str) {
    if verdict == Verdict::InvalidEnvironment {
        return (Mark::NotJudged, CheckWord::NotJudged.word());
    }
    (comparison.word.into(), comparison.word.word())
}

/// The cells of a comparison: metric, prompt, change, interval, pairs, which way is better, word.
pub(super) fn comparison(comparison: &ComparisonRecord, verdict: Verdict, form: Form) -> [String; 7] {
    let change = |ratio: f64| signed_percent(change_percent(ratio));
    let (mark, word) = standing(comparison, verdict);
    [
        form.id(comparison.metric.id()),
        comparison.prompt.as_deref().map_or("mean".to_owned(), |prompt| form.said(prompt)),
        change(comparison.ratio),
        form.said(&format!("[{}, {}]", change(comparison.lower), change(comparison.upper))),
        comparison.pairs.to_string(),
        comparison.metric.direction().word().to_owned(),
        format!("{} {word}", mark.glyph()),
    ]
}

/// What the columns of a comparison are called.
pub(super) const COMPARISON_HEADINGS: [&str; 7] =
    ["metric", "prompt", "change", "interval", "pairs", "better", "word"];

/// Of what the change is.
pub(super) const CHANGE: &str =
    "Change: head against base, over the pairs that count. Where better is lower, + is worse.";

/// How small a change could have been seen.
pub(super) fn sensitivity(known: &SensitivityRecord) -> String {
    let these = if known.pairs == 1 { "This" } else { "These" };
    format!(
        "{these} {} (sd {}) would have seen a slow-down of {} in four of five sessions; slow-downs of {} or more are excluded.",
        counted(known.pairs, "pair"),
        percent(known.pair_sd_percent),
        percent(known.smallest_seen_percent),
        percent(known.excluded_from_percent)
    )
}

/// What to do about it.
pub(super) fn next(subject: Subject<'_>, decision: &DecisionRecord) -> String {
    let again = measure_again(subject);
    match decision.verdict {
        Verdict::Pass => "nothing to do".to_owned(),
        Verdict::Improved => "nothing to do; the head is better".to_owned(),
        Verdict::Regressed | Verdict::Mixed => {
            "find what made it worse; or, where it is worth it, waive it in the base's `ci/gate.json`, with an issue and a date"
                .to_owned()
        }
        Verdict::Inconclusive if matches!(subject, Subject::Run(_)) => {
            format!("measure it against its base: {again}")
        }
        Verdict::Inconclusive => format!("do what the checks above ask for, then measure with {again}"),
        Verdict::InvalidEnvironment => {
            format!("bring the machine to rest (`cargo xtask doctor` says what it sees), then measure with {again}")
        }
        Verdict::WrongOutput => {
            "see what differs with `cargo xtask golden check`; where the new answer is right, bless it on the base"
                .to_owned()
        }
    }
}

/// The command. A name that a shell would not take as it is stands in none.
fn measure_again(subject: Subject<'_>) -> String {
    let asked = match subject {
        Subject::Ab { record, .. } => record.base.asked.as_str(),
        Subject::Run(_) => "main",
    };
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'=' | b'-');
    let is_word = !asked.is_empty() && asked.len() <= 100 && !asked.starts_with('-');
    let base = if is_word && asked.bytes().all(is_plain) { asked } else { "BASE" };
    format!("`cargo xtask ab --base {base}`")
}
