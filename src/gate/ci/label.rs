//! A maintainer's word by a label: it becomes a dispatch of main's workflow for one exact head.
//!
//! The label runs on a hosted machine with main's code, and nothing of the head is fetched there. A label names
//! no commit, and the event names whichever was the newest; so whoever labels must have reviewed that very one,
//! for a review is stored with the commit that was on the reviewer's page.

use serde::Deserialize;
use serde_json::json;

use crate::error::{Error, Result};
use crate::files::is_file_name;
use crate::gate::ci::event::short;
use crate::gate::ci::forge::{
    Forge, Method, PullRequestWire, RepositoryWire, UserWire, find_in_pages, parse, read, repository_name,
    sha, shortened,
};

/// The label that is a word.
const LABEL: &str = "arc-gate";
/// The workflow that is dispatched.
const WORKFLOW: &str = "gate.yml";
/// What a review says that is a word for a measurement: not that changes are wanted first.
const READ: [&str; 2] = ["APPROVED", "COMMENTED"];
/// What GitHub calls those whose word it is.
const MAY_WRITE: [&str; 3] = ["admin", "maintain", "write"];

/// A head that was admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The pull request.
    pub pull_request: u64,
    /// Its head at the moment of the label.
    pub head: String,
    /// Who gave the word.
    pub by: String,
}

#[derive(Deserialize)]
struct EventWire {
    action: String,
    label: LabelWire,
    repository: RepositoryWire,
    pull_request: PullRequestWire,
    sender: UserWire,
}

#[derive(Deserialize)]
struct LabelWire {
    name: String,
}

#[derive(Deserialize)]
struct ReviewWire {
    #[serde(default)]
    user: Option<UserWire>,
    #[serde(default)]
    commit_id: Option<String>,
    #[serde(default)]
    state: String,
}

#[derive(Deserialize)]
struct PermissionWire {
    permission: String,
    #[serde(default)]
    role_name: String,
}

/// Dispatches the gate for the head of a labelled pull request, and takes the label off: a later push needs
/// another word. None where the label is not ours.
///
/// # Errors
/// A label by somebody who may not write, or who has not reviewed that commit; a forge that does not take it.
pub fn admit(payload: &[u8], forge: &mut dyn Forge) -> Result<Option<Admitted>> {
    let event: EventWire = parse(payload, "the event `pull_request_target`")?;
    if event.action != "labeled" || event.label.name != LABEL {
        return Ok(None);
    }
    let repository = repository_name(&event.repository.full_name)?;
    let (number, head) = (event.pull_request.number, sha(&event.pull_request.head.sha, "the head")?);
    // Whatever comes of it, the label has been read.
    let unlabelled =
        forge.send(Method::Delete, &format!("repos/{repository}/issues/{number}/labels/{LABEL}"), &json!({}));
    let admitted = check(&event, &repository, forge)?;
    let branch = &event.repository.default_branch;
    let inputs = json!({ "pull_request": number.to_string(), "head": head });
    forge.send(
        Method::Post,
        &format!("repos/{repository}/actions/workflows/{WORKFLOW}/dispatches"),
        &json!({ "ref": branch, "inputs": inputs }),
    )?;
    unlabelled?;
    Ok(Some(Admitted { pull_request: number, head, by: admitted }))
}

/// Who gave the word, if it is one.
fn check(event: &EventWire, repository: &str, forge: &mut dyn Forge) -> Result<String> {
    let pull_request = &event.pull_request;
    if pull_request.state != "open" || pull_request.base.reference != event.repository.default_branch {
        return Err(Error::input(
            "the pull request is not open, or goes into another branch than the default",
        )
        .hint("heads of open pull requests into the default branch are gated"));
    }
    let who = event.sender.login.as_str();
    // A bot's name has brackets; no bot gives a word.
    if !is_file_name(who) {
        return Err(Error::input(format!("the label is by `{}`, whose word it cannot be", shortened(who)))
            .hint("somebody who may write labels it"));
    }
    let path = format!("repos/{repository}/collaborators/{who}/permission");
    let permission: PermissionWire = read(forge, &path, "the permission")?;
    if !MAY_WRITE.iter().any(|may| *may == permission.permission || *may == permission.role_name) {
        return Err(Error::input(format!("the label is by `{who}`, who may not write to `{repository}`"))
            .hint("somebody who may write labels it"));
    }
    let head = &pull_request.head.sha;
    if !has_reviewed(who, head, &format!("repos/{repository}/pulls/{}", pull_request.number), forge)? {
        return Err(Error::input(format!(
            "`{who}` has no review of {}, the newest commit: the label may have meant what was there before",
            short(head)
        ))
        .hint(
            "review that commit, if only by a comment, and label it again; or dispatch `gate.yml` for it",
        ));
    }
    Ok(who.to_owned())
}

/// Whether somebody has reviewed this very commit, and did not ask for changes.
fn has_reviewed(who: &str, head: &str, pull_request: &str, forge: &mut dyn Forge) -> Result<bool> {
    let is_theirs = |review: &ReviewWire| {
        review.user.as_ref().is_some_and(|user| user.login == who)
            && review.commit_id.as_deref() == Some(head)
            && READ.contains(&review.state.as_str())
    };
    Ok(find_in_pages(forge, &format!("{pull_request}/reviews"), "the reviews", is_theirs)?.is_some())
}
