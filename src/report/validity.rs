//! Validity as every report says it: first, and in the same words.

use crate::judge::Validity;
use crate::judge::environment::{Guard, GuardWeight};
use crate::record::{ArmView, Warning};
use crate::report::decision::Mark;
use crate::report::document::Document;
use crate::report::number::counted;

/// The first line of a report on a record that is not valid, as in "INVALID: ...".
pub(in crate::report) fn add_validity(document: &mut Document, validity: &Validity, run: ArmView<'_>) {
    let reason = match validity {
        Validity::Valid => return,
        Validity::Unverified(reason) => reason.clone(),
        Validity::Invalid(reasons) => reasons.join("; "),
        Validity::WrongOutput => {
            "a token differs from its golden; that prompt has no speed, and there is no average".to_owned()
        }
        Validity::Interrupted => {
            format!("after {}; no speed is reported", counted(run.samples.len(), "generation"))
        }
        Validity::Failed => {
            let failure = run.failure.as_deref().unwrap_or("no reason is recorded");
            format!("{failure}; no speed is reported")
        }
    };
    document.status(mark(validity), validity.as_str().replace('-', " "), reason);
}

/// How it is marked.
pub(in crate::report) fn mark(validity: &Validity) -> Mark {
    match validity {
        Validity::Valid => Mark::Holds,
        Validity::Unverified(_) => Mark::Unknown,
        Validity::Invalid(_) => Mark::Warns,
        Validity::WrongOutput | Validity::Failed => Mark::Fails,
        Validity::Interrupted => Mark::NotJudged,
    }
}

/// Whether a warning repeats the first line.
pub(in crate::report) fn is_said_by_validity(validity: &Validity, warning: &Warning) -> bool {
    let guard = warning.id.strip_prefix("guard-");
    let invalidates = |guard: &Guard| guard.weight() == GuardWeight::Invalidates;
    matches!(validity, Validity::Invalid(_))
        && Guard::ALL.iter().filter(|guard| invalidates(guard)).any(|it| Some(it.id()) == guard)
}
