//! What is read of the forge's payloads: the fields that are needed, and no more.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::files::is_file_name;
use crate::record::is_sha;

/// In whose name workflows speak: anybody else can write the same.
pub(super) const OURS: &str = "github-actions[bot]";

/// A repository.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct RepositoryWire {
    pub(super) full_name: String,
    #[serde(default)]
    pub(super) default_branch: String,
}

/// A branch of a repository, at one commit.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct BranchWire {
    pub(super) sha: String,
    #[serde(default, rename = "ref")]
    pub(super) reference: String,
    /// None where the repository was deleted.
    #[serde(default)]
    pub(super) repo: Option<RepositoryWire>,
}

/// A pull request.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PullRequestWire {
    pub(super) number: u64,
    #[serde(default)]
    pub(super) state: String,
    #[serde(default)]
    pub(super) author_association: String,
    #[serde(default)]
    pub(super) merge_commit_sha: Option<String>,
    pub(super) head: BranchWire,
    pub(super) base: BranchWire,
}

/// Somebody.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct UserWire {
    pub(super) login: String,
}

/// A payload, or the answer of the forge.
pub(super) fn parse<T: DeserializeOwned>(json: &[u8], what: &str) -> Result<T> {
    serde_json::from_slice(json).map_err(|cause| {
        Error::input(format!("{what} cannot be read: {cause}"))
            .hint("it is not of the form that GitHub documents, or not what its name says: look at it")
    })
}

/// A sha that is one: what is not could be an option of git, or a path of the forge.
pub(super) fn sha(text: &str, what: &str) -> Result<String> {
    if is_sha(text) {
        return Ok(text.to_owned());
    }
    Err(Error::input(format!("{what} is `{}`, not the 40 digits of a commit", shortened(text)))
        .hint("a payload of GitHub's has it; by hand: `git rev-parse REVISION`"))
}

/// A repository's name that is one, "owner/name".
pub(super) fn repository_name(text: &str) -> Result<String> {
    match text.split_once('/') {
        Some((owner, name)) if is_file_name(owner) && is_file_name(name) => Ok(text.to_owned()),
        _ => Err(Error::input(format!("the repository is `{}`, not `owner/name`", shortened(text)))
            .hint("see the event's payload: `repository.full_name`")),
    }
}

/// Text of others in a message of ours: one line, and not too long.
pub(super) fn shortened(text: &str) -> String {
    let line = crate::visible::one_line(text);
    let kept: String = line.chars().take(80).collect();
    if kept == line { kept } else { kept + "..." }
}
