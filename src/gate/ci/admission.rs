//! Whose code may run on the runner, and who says so.
//!
//! The head of a pull request is built and run there. At once that is done only for what somebody pushed who
//! may write to the repository anyway; for all else somebody who may write names one exact commit.

use crate::error::Error;
use crate::gate::ci::event::{DispatchEvent, GateEvent, PullRequestEvent};
use crate::gate::ci::wire::shortened;

/// What GitHub calls those who belong to a repository. Not all of them may write; that the head lies in the
/// repository itself says that somebody did.
const MAY_WRITE: [&str; 3] = ["OWNER", "MEMBER", "COLLABORATOR"];
/// What brings a head that was not judged.
const BRINGS_A_HEAD: [&str; 3] = ["opened", "synchronize", "reopened"];

/// Why this event may not lead to a measurement; None where it may.
pub(super) fn refusal_of(event: &GateEvent) -> Option<Error> {
    match event {
        GateEvent::PullRequest(event) => of_pull_request(event),
        GateEvent::Dispatch(event) => of_dispatch(event),
    }
}

fn of_pull_request(event: &PullRequestEvent) -> Option<Error> {
    let pull_request = &event.pull_request;
    let refused = |why: String| Some(needs_a_word(&why));
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
    None
}

/// Only who may write can dispatch; that main's workflow runs, and no branch's, is looked at here.
fn of_dispatch(event: &DispatchEvent) -> Option<Error> {
    let main = format!("refs/heads/{}", event.repository.default_branch);
    (event.reference != main).then(|| {
        Error::input(format!("the run was dispatched on `{}`, not on `{main}`", shortened(&event.reference)))
            .hint(format!("dispatch it there: `gh workflow run gate.yml --ref {}`", branch_or_main(event)))
    })
}

fn branch_or_main(event: &DispatchEvent) -> &str {
    let branch = &event.repository.default_branch;
    if crate::files::is_file_name(branch) { branch } else { "main" }
}

fn needs_a_word(why: &str) -> Error {
    Error::input(format!("the pull request may not be measured at once: {why}"))
        .hint("read its code; then label it `arc-gate`, or: `gh workflow run gate.yml -f pull_request=N -f head=SHA`")
}
