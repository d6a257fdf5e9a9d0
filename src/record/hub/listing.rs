//! What a repository has at a revision: the commit, and its files with sizes and hashes.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::record::hub::address::{RepositoryName, Revision};
use crate::record::hub::client::{ClientEnd, ClientLine, HubClient};
use crate::record::hub::needed::{GRAPH, is_needed, leads_out};
use crate::visible::one_line;

const NO_HUB: &str = "is `HF_ENDPOINT` a hub? unset it for the usual one";

/// By what the hub recognises a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubHash {
    /// Of a large file: its sha256.
    Sha256(String),
    /// Of a small one, which lies in git: the name of its blob.
    GitBlob(String),
}

impl HubHash {
    pub(super) fn text(&self) -> &str {
        let (Self::Sha256(text) | Self::GitBlob(text)) = self;
        text
    }
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubFile {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// What it must be.
    pub hash: HubHash,
}

/// What a model folder needs of a repository, pinned to a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The repository.
    pub repository: RepositoryName,
    /// The commit, 40 hexadecimal digits.
    pub commit: String,
    /// Its files, by name.
    pub files: Vec<HubFile>,
}

impl Listing {
    /// Bytes of all files together.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).fold(0, u64::saturating_add)
    }
}

/// Requests what a repository has; None where the user stopped it.
///
/// # Errors
/// A hub that is not reached or refuses, and a repository that has no OpenVINO model or one that nobody
/// should fetch.
pub fn list(
    client: &HubClient,
    repository: &RepositoryName,
    revision: &Revision,
    on_note: &mut dyn FnMut(&str),
) -> Result<Option<Listing>> {
    let mut found = None;
    let arguments = ["list", &repository.to_string(), revision.as_str()];
    let ended = client.run(arguments, &mut |line| match line {
        ClientLine::Listing(listing) => found = Some(listing),
        ClientLine::Note(note) => on_note(&note),
        ClientLine::Finished(_) | ClientLine::Error(_) => {}
    })?;
    match (ended, found) {
        (ClientEnd::Stopped, _) => Ok(None),
        (ClientEnd::Failed(failure), _) => Err(failure.error(repository, revision.as_str(), None)),
        (ClientEnd::Done, Some(found)) => found.checked(repository).map(Some),
        (ClientEnd::Done, None) => Err(no_commit(repository)),
    }
}

fn no_commit(repository: &RepositoryName) -> Error {
    Error::harness(format!("the hub names no commit of `{repository}`")).hint(NO_HUB)
}

/// What the hub says, before it is checked.
#[derive(Debug, Deserialize)]
pub(super) struct HubListing {
    commit: Option<String>,
    files: Vec<HubListingFile>,
}

#[derive(Debug, Deserialize)]
struct HubListingFile {
    name: String,
    size_bytes: Option<u64>,
    sha256: Option<String>,
    git_blob: Option<String>,
}

impl HubListing {
    fn checked(self, repository: &RepositoryName) -> Result<Listing> {
        let commit = self.commit.filter(|commit| is_hex(commit, 40)).ok_or_else(|| no_commit(repository))?;
        if let Some(stray) = self.files.iter().find(|file| leads_out(&file.name)) {
            return Err(Error::input(format!(
                "`{repository}` names a file `{}`, which would not stay in its folder; nothing is fetched",
                one_line(&stray.name)
            ))
            .hint("such a repository is not to be trusted: fetch another"));
        }
        let needed = self.files.into_iter().filter(|file| is_needed(&file.name));
        let mut files = needed.map(|file| file.checked(repository)).collect::<Result<Vec<_>>>()?;
        files.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(twice) = files.windows(2).find(|two| two[0].name == two[1].name) {
            let message = format!("the hub names `{}` of `{repository}` twice", twice[0].name);
            return Err(Error::harness(message).hint(NO_HUB));
        }
        for name in [GRAPH, "openvino_model.bin", "config.json"] {
            if !files.iter().any(|file| file.name == name) {
                return Err(Error::input(format!(
                    "`{repository}` has no `{name}`, so it is no text generator in OpenVINO's format"
                ))
                .hint("fetch one that is, such as those of `OpenVINO` on the hub; or export it: `optimum-cli export openvino`"));
            }
        }
        Ok(Listing { repository: repository.clone(), commit, files })
    }
}

impl HubListingFile {
    fn checked(self, repository: &RepositoryName) -> Result<HubFile> {
        let hash = match (self.sha256, self.git_blob) {
            (Some(sha256), _) if is_hex(&sha256, 64) => Some(HubHash::Sha256(sha256)),
            (None, Some(blob)) if is_hex(&blob, 40) => Some(HubHash::GitBlob(blob)),
            _ => None,
        };
        match (self.size_bytes, hash) {
            (Some(size_bytes), Some(hash)) => Ok(HubFile { name: self.name, size_bytes, hash }),
            _ => Err(Error::harness(format!(
                "the hub states no size and hash of `{}` of `{repository}`",
                self.name
            ))
            .hint("a mirror may leave them out: unset `HF_ENDPOINT` for the usual hub")),
        }
    }
}

pub(super) fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn checked(files: &[(&str, Value)]) -> Result<Listing> {
        let files: Vec<Value> = files
            .iter()
            .map(|(name, sha256)| json!({ "name": name, "size_bytes": 7, "sha256": sha256, "git_blob": "b".repeat(40) }))
            .collect();
        let reported: HubListing =
            serde_json::from_value(json!({ "commit": "c".repeat(40), "files": files })).unwrap();
        reported.checked(&RepositoryName::parse("owner/model").unwrap())
    }

    #[test]
    fn a_repository_that_would_write_elsewhere_or_has_no_model_is_refused_whole() {
        let (large, small) = (json!("a".repeat(64)), Value::Null);
        let model = [
            ("openvino_model.xml", small.clone()),
            ("openvino_model.bin", large),
            ("config.json", small.clone()),
            ("run.py", small.clone()),
        ];
        let names: Vec<String> = checked(&model).unwrap().files.into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["config.json", "openvino_model.bin", "openvino_model.xml"]);
        let with = |name, sha256| checked(&[&model[..], &[(name, sha256)]].concat()).unwrap_err().to_string();
        assert!(with("../x.json", small.clone()).contains("would not stay in its folder"));
        assert!(with("config.json", small.clone()).contains("twice"));
        assert!(with("tokenizer.json", json!("no hash")).contains("no size and hash"));
        let error = checked(&model[..2]).unwrap_err().to_string();
        assert!(error.contains("has no `config.json`"), "{error}");
    }
}
