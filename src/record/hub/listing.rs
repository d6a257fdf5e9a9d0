//! What a repository has at a revision (the commit, and its files with sizes and hashes), which of its files a model folder
//! needs, and where a model's folder came from.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, FileKind, Overwrite, is_file_name, write_whole};
use crate::places;
use crate::record::hub::fetch::{ClientEnd, ClientLine, HubClient};
use crate::record::is_hex;
use crate::sys::canonicalize;
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
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of a folder that is this repository's alone.
    pub fn folder_name(&self) -> String {
        format!("{}--{}", self.owner, self.name)
    }
}

impl std::fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// Whether a branch, a tag or a commit of a repository could be called so.
///
/// # Errors
/// What no revision is called.
pub fn check_revision(text: &str) -> Result<()> {
    let fits = (1..=200).contains(&text.len()) && !text.contains(|c: char| c.is_control() || c == ' ');
    if fits && !text.split('/').any(|part| ["", ".", ".."].contains(&part)) {
        return Ok(());
    }
    Err(Error::input(format!("`{}` is no revision of a repository", one_line(text)))
        .hint("name a branch, a tag or a commit, as in `--revision main`"))
}

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
    revision: &str,
    on_note: &mut dyn FnMut(&str),
) -> Result<Option<Listing>> {
    let mut found = None;
    let arguments = ["list", &repository.to_string(), revision];
    let ended = client.run(arguments, &mut |line| match line {
        ClientLine::Listing(listing) => found = Some(listing),
        ClientLine::Note(note) => on_note(&note),
        ClientLine::Finished(_) | ClientLine::Error(_) => {}
    })?;
    match (ended, found) {
        (ClientEnd::Stopped, _) => Ok(None),
        (ClientEnd::Failed(failure), _) => Err(failure.error(repository, revision, None)),
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

pub(super) const GRAPH: &str = "openvino_model.xml";
/// What the graph and the config are in, and what tokenizers and templates are in.
const ENDINGS: [&str; 6] = [".json", ".jinja", ".txt", ".model", ".tiktoken", ".md"];
/// Documents without an ending, however they go on.
const DOCUMENTS: [&str; 4] = ["LICENSE", "LICENCE", "NOTICE", "USAGE_POLICY"];

/// Whether a file belongs to an OpenVINO model: its graphs with their weights, what is small and says
/// something about them, and the licence. Weights in other formats, folders and hidden files do not; and
/// `manifest.json` is ours to write.
pub(super) fn is_needed(path: &str) -> bool {
    if !is_file_name(path) || path == "manifest.json" || path.ends_with(".index.json") {
        return false;
    }
    let is_graph =
        path.starts_with("openvino_") && [".xml", ".bin"].iter().any(|ending| path.ends_with(ending));
    is_graph
        || ENDINGS.iter().any(|ending| path.ends_with(ending))
        || DOCUMENTS.iter().any(|document| path.starts_with(document))
}

/// Whether a path leads out of the folder that it is in, or is none: no honest repository has such a file.
pub(super) fn leads_out(path: &str) -> bool {
    path.split('/').any(|part| ["", ".", ".."].contains(&part))
        || path.contains(['\\', ':'])
        || path.contains(char::is_control)
}

const FETCHED: &str = ".fetched.json";

/// Where a model's folder came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchedFrom {
    /// Version of this form: 1.
    pub schema: u32,
    /// The repository, as in `OpenVINO/gpt-oss-20b-int4-ov`.
    pub repository: String,
    /// The commit.
    pub commit: String,
}

impl FetchedFrom {
    /// What a folder's file says; None where it was not fetched, or does not say from where.
    pub fn read(folder: &Path) -> Option<Self> {
        let text = files::read(&folder.join(FETCHED), FileKind::Text).ok()?;
        let fetched: Self = serde_json::from_slice(&text).ok()?;
        // It becomes part of a command that is shown.
        let is_named = RepositoryName::parse(&fetched.repository).is_ok() && is_hex(&fetched.commit, 40);
        (fetched.schema == 1 && is_named).then_some(fetched)
    }

    pub(super) fn write(folder: &Path, listing: &Listing) -> Result<()> {
        let (repository, commit) = (listing.repository.to_string(), listing.commit.clone());
        let fetched = Self { schema: 1, repository, commit };
        let file = folder.join(FETCHED);
        let text = serde_json::to_string_pretty(&fetched)
            .map_err(|cause| Error::harness(format!("cannot write `{}`: {cause}", file.display())))?;
        write_whole(&file, (text + "\n").as_bytes(), Overwrite::Replace)
    }

    /// Whether a folder is the one that it is fetched into where no other is named.
    pub fn is_at_home(&self, folder: &Path) -> bool {
        let home = RepositoryName::parse(&self.repository).and_then(|name| folder_of(&name, &self.commit));
        home.is_ok_and(|home| canonicalize(home).ok() == canonicalize(folder).ok())
    }
}

/// Where a repository's model is stored at a commit, unless another folder is named. Nothing is removed from
/// there but by the user.
///
/// # Errors
/// When the user has no home folder.
pub fn folder_of(repository: &RepositoryName, commit: &str) -> Result<PathBuf> {
    let models = places::models_dir().ok_or_else(|| {
        Error::input("this user has no home folder and so no cache folder")
            .hint("name a folder: `--output DIR`")
    })?;
    Ok(models.join(repository.folder_name()).join(commit))
}

/// The folders below that one in which something was fetched, finished or not, by name.
pub fn fetched_folders(models: &Path) -> Vec<PathBuf> {
    let below = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let mut folders: Vec<PathBuf> = below(models).iter().flat_map(|repository| below(repository)).collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
        check_revision("refs/pr/1").unwrap();
        for text in ["", "..", "a/../b", "a b", "a\nb", "/a"] {
            assert!(check_revision(text).is_err(), "{text:?}");
        }
    }

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

    #[test]
    fn of_a_repository_with_weights_in_several_formats_only_openvino_s_come() {
        let needed = [
            "openvino_model.xml",
            "openvino_model.bin",
            "openvino_tokenizer.xml",
            "openvino_detokenizer.bin",
            "config.json",
            "generation_config.json",
            "tokenizer.json",
            "chat_template.jinja",
            "merges.txt",
            "tokenizer.model",
            "README.md",
            "LICENSE",
        ];
        let rest = [
            "model-00001-of-00003.safetensors",
            "model.safetensors.index.json",
            "pytorch_model.bin",
            "model.gguf",
            "original/config.json",
            ".gitattributes",
            ".git/config",
            "manifest.json",
            "run.py",
            "a b.json",
        ];
        assert!(needed.iter().all(|path| is_needed(path)));
        assert_eq!(rest.iter().find(|path| is_needed(path) || leads_out(path)), None);
    }

    #[test]
    fn a_path_that_leads_out_is_told_from_one_that_leads_in() {
        for path in [
            "../x.json",
            "a/../../x.json",
            "/etc/passwd",
            "",
            "a//b",
            "./x",
            "..\\x.json",
            "C:x.json",
            "a\nb.json",
        ] {
            assert!(leads_out(path), "{path:?}");
        }
        assert!(!leads_out("original/config.json"));
    }

    #[test]
    fn what_a_folder_says_of_itself_is_believed_only_where_it_can_stand_in_a_command() {
        let folder = tempfile::tempdir().unwrap();
        let say = |repository: &str, commit: &str| {
            let text = serde_json::json!({ "schema": 1, "repository": repository, "commit": commit });
            fs::write(folder.path().join(FETCHED), text.to_string()).unwrap();
            FetchedFrom::read(folder.path())
        };
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert!(say("OpenVINO/model", commit).is_some_and(|fetched| !fetched.is_at_home(folder.path())));
        for (repository, commit) in
            [("a/b; rm -r ~", commit), ("--output/x y", commit), ("a/b", "main"), ("", commit)]
        {
            assert_eq!(say(repository, commit), None, "{repository} {commit}");
        }
    }

    #[test]
    fn folders_are_found_two_below_and_files_are_none() {
        let models = tempfile::tempdir().unwrap();
        for name in ["b--m/2", "a--m/1"] {
            fs::create_dir_all(models.path().join(name)).unwrap();
        }
        fs::write(models.path().join("a--m/notes"), "").unwrap();
        let found = fetched_folders(models.path());
        assert_eq!(found, ["a--m/1", "b--m/2"].map(|name| models.path().join(name)));
        assert_eq!(fetched_folders(&models.path().join("gone")), Vec::<PathBuf>::new());
    }
}
