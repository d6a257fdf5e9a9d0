//! The head of a pull request that may be measured on the runner.

use serde::Serialize;

/// One head of one pull request, admitted by somebody who may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// As in "owner/name".
    pub repository: String,
    /// The pull request's number.
    pub pull_request: u64,
    /// The one commit that may be measured, and none that came later.
    pub head: String,
    /// The tip of the branch that it is to be merged into, where the event names it.
    pub base: Option<String>,
    /// The merge commit that the forge made of both, where the event names one.
    pub merge: Option<String>,
}

impl Candidate {
    /// Under which reference the forge keeps the head, from whichever repository it comes.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("refs/pull/{}/head", self.pull_request)
    }
}
