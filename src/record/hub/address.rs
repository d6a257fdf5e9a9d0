//! Names on a hub: repositories, revisions, files.

use crate::error::{Error, Result};
use crate::visible::one_line;

/// The published model.
pub const DEFAULT_REPOSITORY: &str = "OpenVINO/gpt-oss-20b-int4-ov";

/// A repository, as in `OpenVINO/gpt-oss-20b-int4-ov`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryName {
    owner: String,
    name: String,
}

impl RepositoryName {
    /// Reads an owner and a name.
    ///
    /// # Errors
    /// What is not two plain names with a slash between them.
    pub fn parse(text: &str) -> Result<Self> {
        match text.split_once('/') {
            Some((owner, name)) if is_file_name(owner) && is_file_name(name) => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(Error::input(format!("`{}` is no repository of a hub", one_line(text)))
                .hint(format!("name its owner and itself, as in `{DEFAULT_REPOSITORY}`"))),
        }
    }

    /// Its name without the owner's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of a folder that is this repository's alone.
    #[must_use]
    pub fn folder_name(&self) -> String {
        format!("{}--{}", self.owner, self.name)
    }
}

impl std::fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// A branch, a tag or a commit of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision(String);

impl Revision {
    /// Reads a revision.
    ///
    /// # Errors
    /// What no revision is called.
    pub fn parse(text: &str) -> Result<Self> {
        let fits = (1..=200).contains(&text.len()) && !text.contains(|c: char| c.is_control() || c == ' ');
        if fits && !text.split('/').any(|part| ["", ".", ".."].contains(&part)) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::input(format!("`{}` is no revision of a repository", one_line(text)))
            .hint("name a branch, a tag or a commit, as in `--revision main`"))
    }

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a name can be that of a file or folder without leading anywhere else, and needs no encoding.
pub(super) fn is_file_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=200).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_an_owner_and_a_name_and_gives_one_folder() {
        let published = RepositoryName::parse(DEFAULT_REPOSITORY).unwrap();
        assert_eq!(published.to_string(), DEFAULT_REPOSITORY);
        assert_eq!(published.folder_name(), "OpenVINO--gpt-oss-20b-int4-ov");
    }

    #[test]
    fn what_would_lead_elsewhere_is_no_repository() {
        for text in
            ["gpt2", "", "/", "a/", "/a", "a/b/c", "../a", "a/..", "a/.git", "a b/c", "a/b?c", "a/b#c"]
        {
            let error = RepositoryName::parse(text).unwrap_err();
            assert!(error.hint_text().unwrap().contains(DEFAULT_REPOSITORY), "{text}");
        }
    }

    #[test]
    fn a_revision_has_no_blanks_and_leads_nowhere_else() {
        assert_eq!(Revision::parse("refs/pr/1").unwrap().as_str(), "refs/pr/1");
        for text in ["", "..", "a/../b", "a b", "a\nb", "/a"] {
            assert!(Revision::parse(text).is_err(), "{text:?}");
        }
    }
}
