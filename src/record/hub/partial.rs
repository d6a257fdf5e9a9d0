//! One file: it comes under a name of its own, goes on where it was cut, and gets its right name only
//! when it is what the hub says that it is.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid};

use crate::error::{Error, Result};
use crate::record::hub::address::RepositoryName;
use crate::record::hub::asking::{Answer, Hub, wait_after};
use crate::record::hub::attendant::{Attendant, Event};
use crate::record::hub::listing::{HubFile, HubHash, is_hex};
use crate::record::hub::patience::Patience;
use crate::record::hub::refusal::{Asked, Fault, fault};
use crate::record::sha256_of_file;

/// Where files are until they are whole, in the model's folder: the same disk.
const UNFINISHED: &str = ".unfinished";
const NO_HUB: &str = "is `HF_ENDPOINT` a hub? unset it for the usual one";

/// Where the parts of a folder's files are.
#[must_use]
pub fn unfinished(folder: &Path) -> PathBuf {
    folder.join(UNFINISHED)
}

/// A file that comes from a hub.
pub(super) struct Partial<'a> {
    pub(super) hub: &'a Hub,
    pub(super) repository: &'a RepositoryName,
    pub(super) commit: &'a str,
    pub(super) file: &'a HubFile,
    /// The folder that it will be in.
    pub(super) folder: &'a Path,
}

impl Partial<'_> {
    /// Where it is until it is whole: of another content it is another file.
    pub(super) fn path(&self) -> PathBuf {
        let HubFile { name, hash, .. } = self.file;
        unfinished(self.folder).join(format!("{name}.{}", &hash.text()[..16]))
    }

    /// What of it has come.
    pub(super) fn there_bytes(&self) -> u64 {
        fs::metadata(self.path()).map_or(0, |told| told.len())
    }

    /// Fetches what is still to come, and gives the file's sha256 when it has its name.
    pub(super) fn fetch(&self, attendant: &mut dyn Attendant) -> Result<String, Fault> {
        let path = self.path();
        let failed = |cause: std::io::Error| Fault::Final(written(&path, &cause));
        let mut part =
            OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        let HubFile { name, size_bytes, .. } = self.file;
        let there_bytes = self.there_bytes();
        attendant.hear(Event::Begins { name, size_bytes: *size_bytes, there_bytes });
        let mut patience = Patience::default();
        let mut furthest = there_bytes;
        while self.there_bytes() != *size_bytes {
            let come = self.come(&mut part, attendant);
            let there = self.there_bytes();
            if there > furthest {
                furthest = there;
                patience.progressed();
            }
            match come {
                Ok(()) => {}
                Err(Fault::Passing { because, pause }) => {
                    wait_after(self.hub, &because, pause, &mut patience, attendant)?;
                }
                Err(fault) => return Err(fault),
            }
        }
        part.sync_all().map_err(failed)?;
        drop(part);
        let sha256 = self.check(&path).map_err(Fault::Final)?;
        fs::set_permissions(&path, Permissions::from_mode(0o444)).map_err(failed)?;
        fs::rename(&path, self.folder.join(name)).map_err(failed)?;
        attendant.hear(Event::Finished { name });
        Ok(sha256)
    }

    /// One request for what is still to come.
    fn come(&self, part: &mut File, attendant: &mut dyn Attendant) -> Result<(), Fault> {
        let HubFile { name, size_bytes, .. } = self.file;
        let failed = |cause: std::io::Error| Fault::Final(written(&self.path(), &cause));
        let mut there = self.there_bytes();
        if there > *size_bytes {
            self.begin_anew(part, "it is longer than the file", attendant)?;
            there = 0;
        }
        let address = self.hub.access().file_address(self.repository, self.commit, name);
        let answer = self.hub.ask(&address, there, attendant)?;
        let asked = Asked { repository: self.repository, revision: self.commit, file: Some(name) };
        match answer.head.status {
            206 if there > 0 && begins_at(&answer) == Some(there) => {}
            200 if there == 0 => {}
            200 => {
                self.begin_anew(part, "the other side cannot go on in the middle", attendant)?;
                there = 0;
            }
            206 | 416 => {
                self.begin_anew(part, "the other side goes on elsewhere", attendant)?;
                return Err(Fault::passing(format!("the rest of `{name}` was not given")));
            }
            _ => return Err(fault(self.hub, asked, &answer)),
        }
        self.check_etag(&answer)?;
        part.seek(SeekFrom::Start(there)).map_err(failed)?;
        while let Some(piece) = answer.piece(attendant)? {
            let more = there.saturating_add(piece.len() as u64);
            if more > *size_bytes {
                self.begin_anew(part, "more came than the file has", attendant)?;
                return Err(Fault::passing(format!("`{name}` is longer than the hub says")));
            }
            part.write_all(&piece).map_err(failed)?;
            there = more;
            attendant.hear(Event::Received { there_bytes: there });
        }
        if there < *size_bytes {
            return Err(Fault::passing(format!("the connection ended after {there} of {size_bytes} bytes")));
        }
        Ok(())
    }

    fn begin_anew(&self, part: &mut File, because: &str, attendant: &mut dyn Attendant) -> Result<(), Fault> {
        attendant.hear(Event::BeginsAnew { because });
        part.set_len(0).map_err(|cause| Fault::Final(written(&self.path(), &cause)))
    }

    /// What the hub names the content now must be what it listed.
    fn check_etag(&self, answer: &Answer) -> Result<(), Fault> {
        let expected = self.file.hash.text();
        let named = answer.etag.as_deref().filter(|etag| is_hex(etag, expected.len()));
        match named {
            Some(named) if named != expected => Err(Fault::Final(
                Error::harness(format!(
                    "the hub has another `{}` now than it listed: {named}, not {expected}",
                    self.file.name
                ))
                .hint(
                    "run the same command again; if it stays so, the mirror in `HF_ENDPOINT` is out of order",
                ),
            )),
            _ => Ok(()),
        }
    }

    /// The sha256 of a file that is what the hub says; another is removed.
    fn check(&self, path: &Path) -> Result<String> {
        if let Some(sha256) = sha256_if(path, &self.file.hash)? {
            return Ok(sha256);
        }
        fs::remove_file(path).map_err(|cause| written(path, &cause))?;
        Err(Error::harness(format!(
            "`{}` of `{}` came wrong: its hash is not the {} that the hub states; it was removed",
            self.file.name,
            self.repository,
            self.file.hash.text()
        ))
        .hint(format!("run the same command again, which fetches that file anew; {NO_HUB}")))
    }
}

/// The sha256 of a file, if it has this hash.
pub(super) fn sha256_if(path: &Path, hash: &HubHash) -> Result<Option<String>> {
    match hash {
        HubHash::Sha256(expected) => Ok(Some(sha256_of_file(path)?).filter(|found| found == expected)),
        HubHash::GitBlob(expected) => {
            let found = Oid::hash_file(ObjectType::Blob, path).map_err(|cause| {
                Error::harness(format!("cannot hash `{}`: {}", path.display(), cause.message()))
            })?;
            if found.to_string() == *expected { sha256_of_file(path).map(Some) } else { Ok(None) }
        }
    }
}

/// Where the bytes of an answer to a range begin.
fn begins_at(answer: &Answer) -> Option<u64> {
    let range = answer.head.header("content-range")?.trim().strip_prefix("bytes")?;
    range.trim().split('-').next()?.parse().ok()
}

pub(super) fn written(path: &Path, cause: &std::io::Error) -> Error {
    Error::io("write", path, cause)
        .hint("free some space or mend the folder's permissions, or name another: `--output DIR`; what has come is kept")
}
