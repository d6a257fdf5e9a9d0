//! What a repository has at a revision: the commit, and its files with sizes and hashes.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::record::hub::address::{RepositoryName, Revision};
use crate::record::hub::asking::{Hub, wait_after};
use crate::record::hub::attendant::Attendant;
use crate::record::hub::needed::{GRAPH, is_needed, leads_out};
use crate::record::hub::patience::Patience;
use crate::record::hub::refusal::{Asked, Fault, fault};

/// No list of files is longer.
const LONGEST_BYTES: usize = 16 << 20;

/// By what a file's content is known to the hub.
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

/// Asks what a repository has; None where whoever waits was told to stop.
///
/// # Errors
/// A hub that is not reached or refuses, and a repository that has no OpenVINO model or one that nobody
/// should fetch.
pub fn list(
    hub: &Hub,
    repository: &RepositoryName,
    revision: &Revision,
    attendant: &mut dyn Attendant,
) -> Result<Option<Listing>> {
    match ask(hub, repository, revision, attendant) {
        Ok(text) => read(repository, &text).map(Some),
        Err(Fault::Stopped) => Ok(None),
        Err(Fault::Final(error)) => Err(error),
        Err(Fault::Passing { because, .. }) => Err(Error::harness(because)),
    }
}

fn ask(
    hub: &Hub,
    repository: &RepositoryName,
    revision: &Revision,
    attendant: &mut dyn Attendant,
) -> Result<Vec<u8>, Fault> {
    let address = hub.access().listing_address(repository, revision);
    let mut patience = Patience::default();
    loop {
        match ask_once(hub, &address, Asked::list(repository, revision), attendant) {
            Err(Fault::Passing { because, pause }) => {
                wait_after(hub, &because, pause, &mut patience, attendant)?;
            }
            other => return other,
        }
    }
}

fn ask_once(hub: &Hub, address: &str, asked: Asked, attendant: &mut dyn Attendant) -> Result<Vec<u8>, Fault> {
    let answer = hub.ask(address, 0, attendant)?;
    if answer.head.status != 200 {
        return Err(fault(hub, asked, &answer));
    }
    let mut text = Vec::new();
    while let Some(piece) = answer.piece(attendant)? {
        text.extend_from_slice(&piece);
        if text.len() > LONGEST_BYTES {
            let error = Error::harness(format!("`{}` lists more files than a model has", hub.access()));
            return Err(Fault::Final(error.hint(NO_HUB)));
        }
    }
    Ok(text)
}

const NO_HUB: &str = "is `HF_ENDPOINT` a hub? unset it for the usual one";

#[derive(Deserialize)]
struct Told {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    blob_id: Option<String>,
    lfs: Option<Large>,
}

#[derive(Deserialize)]
struct Large {
    sha256: String,
    size: u64,
}

fn read(repository: &RepositoryName, text: &[u8]) -> Result<Listing> {
    let told: Told = serde_json::from_slice(text).map_err(|cause| {
        Error::harness(format!("what the hub says of `{repository}` cannot be read: {cause}")).hint(NO_HUB)
    })?;
    if !is_hex(&told.sha, 40) {
        return Err(Error::harness(format!("the hub names no commit of `{repository}`")).hint(NO_HUB));
    }
    if let Some(stray) = told.siblings.iter().find(|sibling| leads_out(&sibling.rfilename)) {
        return Err(Error::input(format!(
            "`{repository}` names a file `{}`, which would not stay in its folder; nothing is fetched",
            stray.rfilename.escape_debug()
        ))
        .hint("whoever made that repository means no good: fetch another"));
    }
    let needed = told.siblings.into_iter().filter(|sibling| is_needed(&sibling.rfilename));
    let mut files = needed.map(|sibling| file(repository, sibling)).collect::<Result<Vec<_>>>()?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(twice) = files.windows(2).find(|two| two[0].name == two[1].name) {
        return Err(
            Error::harness(format!("the hub names `{}` of `{repository}` twice", twice[0].name)).hint(NO_HUB)
        );
    }
    for name in [GRAPH, "openvino_model.bin", "config.json"] {
        if !files.iter().any(|file| file.name == name) {
            return Err(Error::input(format!(
                "`{repository}` has no `{name}`, so it is no text generator in OpenVINO's format"
            ))
            .hint("fetch one that is, such as those of `OpenVINO` on the hub; or export it: `optimum-cli export openvino`"));
        }
    }
    Ok(Listing { repository: repository.clone(), commit: told.sha, files })
}

fn file(repository: &RepositoryName, sibling: Sibling) -> Result<HubFile> {
    let name = sibling.rfilename;
    let (size_bytes, hash) = match (sibling.lfs, sibling.size, sibling.blob_id) {
        (Some(large), _, _) if is_hex(&large.sha256, 64) => (large.size, HubHash::Sha256(large.sha256)),
        (None, Some(size), Some(blob)) if is_hex(&blob, 40) => (size, HubHash::GitBlob(blob)),
        _ => {
            return Err(Error::harness(format!(
                "the hub states no size and hash of `{name}` of `{repository}`"
            ))
            .hint("a mirror may leave them out: unset `HF_ENDPOINT` for the usual hub"));
        }
    };
    Ok(HubFile { name, size_bytes, hash })
}

pub(super) fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
