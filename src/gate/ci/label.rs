//! A maintainer's word by a label: it becomes a dispatch of main's workflow for one exact head.
//!
//! The label runs on a hosted machine with main's code, and nothing of the head is fetched there. A label names
//! no commit, the event does; so nothing may have been pushed shortly before it.

use serde::Deserialize;
use serde_json::json;

use crate::error::{Error, Result};
use crate::gate::ci::forge::{Forge, Method};
use crate::gate::ci::resolved::short;
use crate::gate::ci::wire::{
    Moment, PullRequestWire, RepositoryWire, UserWire, parse, repository_name, sha, shortened,
};
use crate::record::{is_plain, seconds_of_utc};

/// The label that is a word.
const LABEL: &str = "arc-gate";
/// The workflow that is dispatched.
const WORKFLOW: &str = "gate.yml";
/// Who looks at a page for so long has seen what was pushed to it, s.
const STILL_S: i64 = 120;
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
struct PermissionWire {
    permission: String,
    #[serde(default)]
    role_name: String,
}

/// Dispatches the gate for the head of a labelled pull request, and takes the label off: a later push needs
/// another word. None where the label is not ours.
///
/// # Errors
/// A label by somebody who may not write, or put on just after a push; a forge that does not take it.
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
    if !is_plain(who) {
        return Err(Error::input(format!("the label is by `{}`, whose word it cannot be", shortened(who)))
            .hint("somebody who may write labels it"));
    }
    let path = format!("repos/{repository}/collaborators/{who}/permission");
    let permission: PermissionWire = parse(&forge.get(&path, 1 << 20)?, "the permission")?;
    if !MAY_WRITE.iter().any(|may| *may == permission.permission || *may == permission.role_name) {
        return Err(Error::input(format!("the label is by `{who}`, who may not write to `{repository}`"))
            .hint("somebody who may write labels it"));
    }
    if !is_still(pull_request) {
        let head = short(&pull_request.head.sha);
        return Err(Error::input(format!(
            "something was pushed within {STILL_S} s before the label, and the label may have meant what was there before {head}"
        ))
        .hint("look at the head again, then label it again; a dispatch names its commit"));
    }
    Ok(who.to_owned())
}

/// Whether the head's repository has been still for long enough before the label. What cannot be told was not.
fn is_still(pull_request: &PullRequestWire) -> bool {
    let seconds = |moment: Option<&Moment>| match moment? {
        Moment::Seconds(seconds) => Some(*seconds),
        Moment::Text(text) => seconds_of_utc(text),
    };
    let pushed = seconds(pull_request.head.repo.as_ref().and_then(|repo| repo.pushed_at.as_ref()));
    let labelled = seconds(pull_request.updated_at.as_ref());
    pushed.zip(labelled).is_some_and(|(pushed, labelled)| labelled.saturating_sub(pushed) >= STILL_S)
}
