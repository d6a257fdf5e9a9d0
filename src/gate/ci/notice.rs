//! What a verdict is on a forge: the status of a commit, which lets it be merged or not.

use serde::Serialize;

use crate::record::{DecisionRecord, Status};
use crate::report::decision::title;

/// What the status is called; to be required of the default branch.
pub const CONTEXT: &str = "arcgauge/gate";
/// How the description begins where there is none.
pub(super) const NO_VERDICT: &str = "no verdict: ";
/// As much as a forge shows.
const LONGEST_DESCRIPTION: usize = 140;

/// What a status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It may be merged.
    Success,
    /// It may not.
    Failure,
}

/// The status of a commit, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommitStatus {
    /// What it says.
    pub state: State,
    /// Its name.
    pub context: &'static str,
    /// Why, in a line.
    pub description: String,
    /// The run that it comes from.
    pub target_url: String,
}

impl CommitStatus {
    /// Of a verdict.
    #[must_use]
    pub fn of(decision: &DecisionRecord, page: String) -> Self {
        let state = match decision.status {
            Status::Green | Status::GreenWithWarning => State::Success,
            Status::Red => State::Failure,
        };
        Self { state, context: CONTEXT, description: cut(&title(decision)), target_url: page }
    }

    /// Where there is none: what was not judged may not be merged.
    #[must_use]
    pub fn none(reason: &str, page: String) -> Self {
        let description = cut(&format!("{NO_VERDICT}{reason}"));
        Self { state: State::Failure, context: CONTEXT, description, target_url: page }
    }
}

fn cut(text: &str) -> String {
    let text = crate::visible::one_line(text);
    if text.chars().count() <= LONGEST_DESCRIPTION {
        return text;
    }
    text.chars().take(LONGEST_DESCRIPTION - 3).collect::<String>() + "..."
}
