//! The event that began a run of the gate.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::gate::ci::admission::refusal_of;
use crate::gate::ci::candidate::Candidate;
use crate::gate::ci::wire::{
    PullRequestWire, RepositoryWire, UserWire, parse, repository_name, sha, shortened,
};

/// An event by which a gate may begin.
#[derive(Debug, Clone)]
pub enum GateEvent {
    /// A pull request was opened, or something was pushed to it.
    PullRequest(Box<PullRequestEvent>),
    /// Somebody who may write gave the word for one head.
    Dispatch(DispatchEvent),
}

/// `pull_request`.
#[derive(Debug, Clone, Deserialize)]
pub struct PullRequestEvent {
    pub(super) action: String,
    pub(super) repository: RepositoryWire,
    pub(super) pull_request: PullRequestWire,
}

/// `workflow_dispatch`.
#[derive(Debug, Clone, Deserialize)]
pub struct DispatchEvent {
    #[serde(rename = "ref")]
    pub(super) reference: String,
    pub(super) repository: RepositoryWire,
    #[expect(dead_code, reason = "a dispatch without anybody who requested it is none")]
    pub(super) sender: UserWire,
    pub(super) inputs: DispatchInputs,
}

/// What was typed.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct DispatchInputs {
    pub(super) pull_request: Typed,
    pub(super) head: String,
}

/// What was typed as a number comes as text or as a number.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Typed {
    Text(String),
    Number(u64),
}

impl GateEvent {
    /// Reads a payload; `name` is the event's, as the runner tells it.
    ///
    /// # Errors
    /// An event by which no gate begins, or a payload that is not of that event.
    pub fn parse(name: &str, payload: &[u8]) -> Result<Self> {
        match name {
            "pull_request" => parse(payload, "the event `pull_request`").map(Box::new).map(Self::PullRequest),
            "workflow_dispatch" => parse(payload, "the event `workflow_dispatch`").map(Self::Dispatch),
            // The head's own code would run with the rights of the base.
            "pull_request_target" => {
                Err(no_gate(name, "it would measure a head with the rights of the base"))
            }
            _ => Err(no_gate(name, "it is of no pull request")),
        }
    }
}

/// The head that is to be judged, if it may be.
///
/// # Errors
/// A head that may not be measured, with the command of whoever may allow it; names and shas that are none.
pub fn candidate_of(event: &GateEvent) -> Result<Candidate> {
    if let Some(refusal) = refusal_of(event) {
        return Err(refusal);
    }
    match event {
        GateEvent::PullRequest(event) => {
            let pull_request = &event.pull_request;
            let merge = pull_request.merge_commit_sha.as_deref();
            Ok(Candidate {
                repository: repository_name(&event.repository.full_name)?,
                pull_request: pull_request.number,
                head: sha(&pull_request.head.sha, "the head of the pull request")?,
                base: Some(sha(&pull_request.base.sha, "the base of the pull request")?),
                merge: merge.map(|merge| sha(merge, "the merge commit")).transpose()?,
            })
        }
        GateEvent::Dispatch(event) => Ok(Candidate {
            repository: repository_name(&event.repository.full_name)?,
            pull_request: number(&event.inputs.pull_request)?,
            head: sha(&event.inputs.head, "the head that was requested")?,
            base: None,
            merge: None,
        }),
    }
}

/// A number as people type it, and as it is read in a run's title.
fn number(typed: &Typed) -> Result<u64> {
    let text = &match typed {
        Typed::Text(text) => text.clone(),
        Typed::Number(number) => number.to_string(),
    };
    let is_number = !text.is_empty()
        && !text.starts_with('0')
        && text.len() <= 9
        && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_number { text.parse().ok() } else { None };
    number.ok_or_else(|| {
        Error::input(format!("the pull request is `{}`, which is no number", shortened(text)))
            .hint("give its number alone, as 12")
    })
}

fn no_gate(name: &str, why: &str) -> Error {
    Error::input(format!("no gate begins by the event `{}`: {why}", shortened(name)))
        .hint("it begins by `pull_request` and `workflow_dispatch`; by hand: `cargo xtask ab --base main`")
}
