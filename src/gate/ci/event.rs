//! The event that began a run of the gate.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::gate::ci::forge::{
    PullRequestWire, RepositoryWire, UserWire, parse, repository_name, sha, shortened,
};
use crate::gate::side::changed_inputs;
use crate::record::{ChangedInput, Commit, Repository, Source};

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
    pull_request: Typed,
    head: String,
}

/// What was typed as a number comes as text or as a number.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Typed {
    Text(String),
    Number(u64),
}

impl GateEvent {
    /// Reads a payload; `name` is the event's, as the runner gives it.
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
    match event {
        GateEvent::PullRequest(event) => {
            check_pull_request(event)?;
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
        GateEvent::Dispatch(event) => {
            check_dispatch(event)?;
            Ok(Candidate {
                repository: repository_name(&event.repository.full_name)?,
                pull_request: number(&event.inputs.pull_request)?,
                head: sha(&event.inputs.head, "the head that was requested")?,
                base: None,
                merge: None,
            })
        }
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

/// What GitHub calls those who belong to a repository. Not all of them may write; that the head lies in the
/// repository itself says that somebody did.
const MAY_WRITE: [&str; 3] = ["OWNER", "MEMBER", "COLLABORATOR"];
/// What brings a head that was not judged.
const BRINGS_A_HEAD: [&str; 3] = ["opened", "synchronize", "reopened"];

/// Refuses a pull request that may not be measured at once.
fn check_pull_request(event: &PullRequestEvent) -> Result<()> {
    let pull_request = &event.pull_request;
    let refused = |why: String| {
        Err(Error::input(format!("the pull request may not be measured at once: {why}")).hint(
            "read its code; then label it `arc-gate`, or: `gh workflow run gate.yml -f pull_request=N -f head=SHA`",
        ))
    };
    if !BRINGS_A_HEAD.contains(&event.action.as_str()) {
        return refused(format!("it was `{}`, which brings no new head", shortened(&event.action)));
    }
    let Some(from) = &pull_request.head.repo else {
        return refused("the repository of its head is gone".to_owned());
    };
    if from.full_name != event.repository.full_name {
        return refused(format!("its head is of `{}`", shortened(&from.full_name)));
    }
    if !MAY_WRITE.contains(&pull_request.author_association.as_str()) {
        let who = shortened(&pull_request.author_association);
        return refused(format!("its author is `{who}` here, who may not write"));
    }
    if pull_request.base.reference != event.repository.default_branch {
        let into = shortened(&pull_request.base.reference);
        return refused(format!("it goes into `{into}`, and heads of the default branch alone are gated"));
    }
    Ok(())
}

/// Only who may write can dispatch; that main's workflow runs, and no branch's, is looked at here.
fn check_dispatch(event: &DispatchEvent) -> Result<()> {
    let main = format!("refs/heads/{}", event.repository.default_branch);
    if event.reference == main {
        return Ok(());
    }
    Err(Error::input(format!("the run was dispatched on `{}`, not on `{main}`", shortened(&event.reference)))
        .hint(format!("dispatch it there: `gh workflow run gate.yml --ref {}`", branch_or_main(event))))
}

fn branch_or_main(event: &DispatchEvent) -> &str {
    let branch = &event.repository.default_branch;
    if crate::files::is_file_name(branch) { branch } else { "main" }
}

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
    pub fn reference(&self) -> String {
        format!("refs/pull/{}/head", self.pull_request)
    }
}

/// A candidate whose commits are at hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// What was admitted.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// The tip of the branch that it is to be merged into.
    pub tip: String,
    /// The commit at which it branched off, which it is compared with: what the branch has gone on with since is
    /// no change of the head's.
    pub merge_base: String,
    /// What of its own judge the head changes: as in "goldens".
    pub changes: Vec<String>,
}

impl Resolved {
    /// Fetches the head, and finds what is around it.
    ///
    /// # Errors
    /// When the pull request has moved on, has a conflict, is merged already, or rests on a base whose prompts,
    /// goldens or policy are not those of today; or when git fails.
    pub fn of(candidate: Candidate, repository: &Repository, remote: &str) -> Result<Self> {
        let fetched = repository.fetch(remote, &candidate.reference())?;
        if fetched != candidate.head {
            return Err(Error::input(format!(
                "pull request #{} has moved on to {} since {} was to be measured",
                candidate.pull_request,
                short(&fetched),
                short(&candidate.head)
            ))
            .hint("look at what was pushed, and give the word for that commit"));
        }
        let tip = match &candidate.base {
            Some(base) => repository.resolve(base)?,
            None => repository.head()?,
        };
        let merge_base = repository.merge_base(&tip.sha, &candidate.head)?;
        if merge_base == candidate.head {
            return Err(Error::input(format!("{} is in the base already", short(&candidate.head)))
                .hint("there is nothing to gate: close the pull request"));
        }
        if !repository.merges_cleanly(&tip.sha, &candidate.head)? {
            return Err(Error::input(format!(
                "{} conflicts with {}: what would be measured is not what would be merged",
                short(&candidate.head),
                tip.short()
            ))
            .hint("resolve the conflict on the branch: `git merge origin/main`, or rebase it"));
        }
        refuse_another_judge(repository, &merge_base, &tip)?;
        let head = repository.resolve(&candidate.head)?;
        let inputs = changed_inputs(repository, &merge_base, &Source::Commit(head))?;
        let mut changes: Vec<String> = inputs.into_iter().map(|input| input.kind).collect();
        changes.dedup();
        Ok(Self { candidate, tip: tip.sha, merge_base, changes })
    }
}

/// A branch that is old enough would be judged by what has been tightened since.
pub(super) fn refuse_another_judge(repository: &Repository, merge_base: &str, tip: &Commit) -> Result<()> {
    let changed = changed_inputs(repository, merge_base, &Source::Commit(tip.clone()))?;
    let Some(ChangedInput { kind, .. }) = changed.first() else { return Ok(()) };
    Err(Error::input(format!(
        "the base has other {kind} since {}, where the head branched off, and a head is judged by those of today",
        short(merge_base)
    ))
    .hint("bring the branch up to date: `git merge origin/main`"))
}

/// Twelve digits for people.
pub(super) fn short(sha: &str) -> &str {
    sha.get(..12).unwrap_or(sha)
}
