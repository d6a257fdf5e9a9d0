//! A run of the gate that has ended, by the forge's own word: whose head it was of, and whether its verdict may
//! be looked at.
//!
//! What the payload says of a run is the forge's. What a run says of itself is its author's: the workflow of a
//! pull request is that of the pull request. So a fork's run is never looked at, and one that was dispatched
//! names its head in its title, which main's workflow has written.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::gate::ci::forge::{BranchWire, RepositoryWire, parse, repository_name, sha, shortened};
use crate::record::{is_sha, seconds_of_utc};

/// The workflow whose runs are reported.
const WORKFLOW: &str = ".github/workflows/gate.yml";

/// A run that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GateRun {
    /// As in "owner/name".
    pub(super) repository: String,
    /// The branch whose workflows are ours.
    pub(super) default_branch: String,
    /// The run's number on the forge.
    pub(super) id: u64,
    /// When its latest attempt began, UTC; None where that is not reported.
    pub(super) began_utc: Option<String>,
    /// How it ended, in the forge's word.
    pub(super) conclusion: String,
    /// The head that it was of.
    pub(super) head: String,
    /// The commit whose workflow ran: of a dispatch the tip of main at that time, else the head.
    pub(super) definition: String,
    /// The pull request, where it is known.
    pub(super) pull_request: Option<u64>,
    /// By whose word it ran.
    pub(super) by: By,
}

/// By whose word a head was measured, if it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Somebody dispatched main's workflow for it.
    Dispatch,
    /// It was pushed to the repository itself, whose workflow of that commit ran.
    OwnBranch,
    /// Nobody's: it is a fork's, and whatever it brings is not looked at.
    Nobody,
}

#[derive(Deserialize)]
struct EventWire {
    action: String,
    repository: RepositoryWire,
    workflow_run: RunWire,
}

#[derive(Deserialize)]
struct RunWire {
    id: u64,
    path: String,
    event: String,
    #[serde(default)]
    conclusion: Option<String>,
    head_sha: String,
    #[serde(default)]
    head_branch: Option<String>,
    #[serde(default)]
    head_repository: Option<RepositoryWire>,
    #[serde(default)]
    display_title: String,
    #[serde(default)]
    run_started_at: serde_json::Value,
    #[serde(default)]
    pull_requests: Vec<PullRequestOfRun>,
}

#[derive(Deserialize)]
struct PullRequestOfRun {
    number: u64,
    head: BranchWire,
}

impl GateRun {
    /// Reads the payload of `workflow_run`.
    ///
    /// # Errors
    /// A run that is of no gate, or has not ended; a dispatch that is not main's; a payload that is none.
    pub(super) fn parse(payload: &[u8]) -> Result<Self> {
        let event: EventWire = parse(payload, "the event `workflow_run`")?;
        let run = &event.workflow_run;
        let repository = repository_name(&event.repository.full_name)?;
        if event.action != "completed" {
            return Err(no_word(&format!("the run is `{}`", shortened(&event.action))));
        }
        let path = run.path.split('@').next().unwrap_or_default();
        if path != WORKFLOW {
            return Err(no_word(&format!("the run is of `{}`, not of `{WORKFLOW}`", shortened(path))));
        }
        let is_own = run.head_repository.as_ref().is_some_and(|head| head.full_name == repository);
        let of_run = GateRun {
            repository,
            default_branch: event.repository.default_branch.clone(),
            id: run.id,
            began_utc: run
                .run_started_at
                .as_str()
                .filter(|it| seconds_of_utc(it).is_some())
                .map(str::to_owned),
            conclusion: run.conclusion.clone().unwrap_or_default(),
            head: sha(&run.head_sha, "the head of the run")?,
            definition: run.head_sha.clone(),
            pull_request: None,
            by: By::Nobody,
        };
        match run.event.as_str() {
            "pull_request" => {
                let of_head = run.pull_requests.iter().find(|known| known.head.sha == run.head_sha);
                let pull_request = of_head.map(|known| known.number);
                Ok(Self { pull_request, by: if is_own { By::OwnBranch } else { By::Nobody }, ..of_run })
            }
            "workflow_dispatch" if is_own && run.head_branch.as_ref() == Some(&of_run.default_branch) => {
                let titled = Titled::parse(&run.display_title)?;
                Ok(Self {
                    head: titled.head,
                    pull_request: Some(titled.pull_request),
                    by: By::Dispatch,
                    ..of_run
                })
            }
            "workflow_dispatch" => Err(no_word("the run was dispatched on another branch than main's")),
            other => Err(no_word(&format!("the run began by `{}`", shortened(other)))),
        }
    }

    /// Where people see it.
    pub(super) fn page(&self) -> String {
        format!("https://github.com/{}/actions/runs/{}", self.repository, self.id)
    }
}

/// The title of a dispatched run: `gate #12 at SHA`.
struct Titled {
    pull_request: u64,
    head: String,
}

impl Titled {
    fn parse(title: &str) -> Result<Self> {
        let parsed = title.strip_prefix("gate #").and_then(|rest| rest.split_once(" at "));
        let parsed = parsed.and_then(|(number, head)| {
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
            let pull_request = if is_number { number.parse().ok() } else { None };
            pull_request.filter(|_| is_sha(head)).map(|pull_request| (pull_request, head.to_owned()))
        });
        match parsed {
            Some((pull_request, head)) => Ok(Self { pull_request, head }),
            None => Err(no_word(&format!("the run's title is `{}`, not `gate #N at SHA`", shortened(title)))),
        }
    }
}

fn no_word(why: &str) -> Error {
    Error::input(format!("there is nothing to publish: {why}"))
        .hint("see the run that began this one; a gate's verdict is made by `gate.yml` alone")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "1111111111111111111111111111111111111111";

    #[test]
    fn a_title_names_one_pull_request_and_one_head_or_is_none() {
        let titled = Titled::parse(&format!("gate #12 at {HEAD}")).unwrap();
        assert_eq!((titled.pull_request, titled.head.as_str()), (12, HEAD));
        for wrong in [
            "gate".to_owned(),
            format!("gate #12 at {}", &HEAD[1..]),
            format!("gate #12 at {HEAD} "),
            format!("gate #12 at {HEAD}\n"),
            format!("gate #012 at {HEAD}"),
            format!("gate # at {HEAD}"),
            format!("gate #-1 at {HEAD}"),
            format!("gate #99999999999999999999999 at {HEAD}"),
            format!("gate #12 at #13 at {HEAD}"),
            format!("Gate #12 at {HEAD}"),
            format!("gate #12 at {}", HEAD.replace('1', "A")),
        ] {
            assert!(Titled::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
