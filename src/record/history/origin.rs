//! Where the records of a store come from. It stands beside the records, outside of their encoded bytes: a line a
//! record, appended once and never changed. A record without a line has an unknown origin, and so decides nothing.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, FileKind, Overwrite, open_with, read_if_there, write_whole};
use crate::record::history::ORIGINS_FILE;
use crate::record::is_hex;
use crate::record::{History, sha256_of_bytes, utc_now};

/// The file below a user's settings.
const INSTALLATION_FILE: &str = "installation";
/// Hexadecimal digits of an installation's id.
const ID_DIGITS: usize = 32;

/// Who measures here: a random id of the user's settings. The machine's hash would not do, for identical laptops
/// share it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Installation(String);

impl Installation {
    /// The installation of the first of these folders that has one; None where nothing was measured yet.
    ///
    /// # Errors
    /// A file that is there and has no id.
    pub fn read(folders: &[PathBuf]) -> Result<Option<Self>> {
        for folder in folders {
            let file = folder.join(INSTALLATION_FILE);
            let Some(text) = read_if_there(&file, FileKind::Text)? else { continue };
            let text = String::from_utf8_lossy(&text);
            let id = text.trim();
            if !is_hex(id, ID_DIGITS) {
                let what = format!("`{}` has no installation id in it", file.display());
                return Err(Error::input(what).hint(format!(
                    "remove it: `rm {}`; what was measured before then counts as measured elsewhere",
                    file.display()
                )));
            }
            return Ok(Some(Self(id.to_owned())));
        }
        Ok(None)
    }

    /// The same; where there is none yet, it is made in the first folder that can be written.
    ///
    /// # Errors
    /// A file that has no id; no folder that can be written.
    pub fn read_or_make(folders: &[PathBuf]) -> Result<Self> {
        if let Some(known) = Self::read(folders)? {
            return Ok(known);
        }
        let id = random_id();
        let mut refusal = Error::harness("this user has no home folder and so no settings");
        for folder in folders {
            match write_whole(&folder.join(INSTALLATION_FILE), format!("{id}\n").as_bytes(), Overwrite::Never)
            {
                Ok(()) => return Ok(Self(id)),
                Err(error) => refusal = error,
            }
            // Another process may have made it at the same time.
            if let Some(known) = Self::read(folders)? {
                return Ok(known);
            }
        }
        Err(refusal)
    }
}

/// The standard library seeds each of these from the operating system's random numbers.
fn random_id() -> String {
    let random = || RandomState::new().build_hasher().finish();
    let seed = format!("{} {} {}", random(), random(), utc_now());
    sha256_of_bytes(seed.as_bytes())[..ID_DIGITS].to_owned()
}

/// Where a record comes from, seen from here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origin {
    /// This installation measured it: it may decide here.
    Here,
    /// Another installation measured it, into a store that both use.
    OtherInstallation,
    /// `history import` took it in.
    Imported,
    /// `history pull` took it in.
    Pulled {
        /// As in "origin".
        remote: String,
        /// As in "arcgauge-history".
        branch: String,
    },
    /// The store does not say.
    #[default]
    Unknown,
}

impl Origin {
    /// In a few words, for lists.
    pub fn in_words(&self) -> String {
        match self {
            Self::Here => "here".to_owned(),
            Self::OtherInstallation => "another installation".to_owned(),
            Self::Imported => "imported".to_owned(),
            Self::Pulled { remote, branch } => format!("pulled from {remote}/{branch}"),
            Self::Unknown => "unknown".to_owned(),
        }
    }
}

/// How a record came into a store, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "kebab-case")]
pub enum Source {
    /// It was measured.
    Measured {
        /// By whom.
        installation: Installation,
    },
    /// It came as a file.
    Imported,
    /// It came over git.
    Pulled {
        /// The remote, without a password that may be in its address.
        remote: String,
        /// The branch.
        branch: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Line {
    payload_sha256: String,
    when_utc: String,
    #[serde(flatten)]
    source: Source,
}

/// The origins of a store's records, by the sha256 of their payloads: a file that is written over or copied has
/// the origin of its bytes, never that of its name.
#[derive(Debug, Clone, Default)]
pub(in crate::record) struct Origins {
    of: HashMap<String, Origin>,
}

impl Origins {
    /// Where the record with this payload comes from.
    pub(in crate::record) fn get(&self, payload_sha256: &str) -> Origin {
        self.of.get(payload_sha256).cloned().unwrap_or_default()
    }
}

impl History {
    /// What the store knows of its records' origins. Lines that cannot be read are passed over, and so is a file
    /// that is none: unknown is safe.
    pub(in crate::record) fn origins(&self) -> Origins {
        let text = files::read(&self.root().join(ORIGINS_FILE), FileKind::StoreList).unwrap_or_default();
        let mut origins = Origins::default();
        for line in text.split(|byte| *byte == b'\n') {
            let Ok(Line { payload_sha256, source, .. }) = serde_json::from_slice(line) else { continue };
            // The first line counts: a later one may not make a stranger's record one's own.
            origins.of.entry(payload_sha256).or_insert_with(|| self.seen_from_here(source));
        }
        origins
    }

    fn seen_from_here(&self, source: Source) -> Origin {
        match source {
            Source::Measured { installation } if self.installation() == Some(&installation) => Origin::Here,
            Source::Measured { .. } => Origin::OtherInstallation,
            Source::Imported => Origin::Imported,
            Source::Pulled { remote, branch } => Origin::Pulled { remote, branch },
        }
    }

    /// Stores how a record came into the store.
    pub(in crate::record) fn note_origin(&self, payload_sha256: &str, source: Source) -> Result<()> {
        let file = self.root().join(ORIGINS_FILE);
        let failed = |cause: &std::io::Error| {
            Error::io("write", &file, cause).hint(
                "free some space or fix the folder's permissions; until then the record decides nothing",
            )
        };
        let line = Line { payload_sha256: payload_sha256.to_owned(), when_utc: utc_now(), source };
        let line = serde_json::to_string(&line)
            .map_err(|cause| Error::harness(format!("cannot write `{}`: {cause}", file.display())))?;
        let mut options = OpenOptions::new();
        let mut opened =
            open_with(options.append(true).create(true), &file).map_err(|cause| failed(&cause))?;
        // A line begins one of its own, for the writer before may have been killed in its midst. Written at once,
        // it mixes with nobody else's.
        let written = opened.write_all(format!("\n{line}\n").as_bytes()).and_then(|()| opened.sync_data());
        written.map_err(|cause| failed(&cause))
    }
}

/// The address of a remote without the name and the password in it.
pub(in crate::record) fn without_password(remote: &str) -> String {
    match remote.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
            let host = host.rsplit('@').next().unwrap_or(host);
            path.map_or_else(|| format!("{scheme}://{host}"), |path| format!("{scheme}://{host}/{path}"))
        }
        None => remote.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_installation_is_made_once_and_never_another() {
        let scene = tempfile::tempdir().unwrap();
        let folders = [scene.path().join("settings"), scene.path().join("cache")];
        assert_eq!(Installation::read(&folders).unwrap(), None);
        let made = Installation::read_or_make(&folders).unwrap();
        assert_eq!(Installation::read_or_make(&folders).unwrap(), made);
        assert_eq!(Installation::read(&folders).unwrap(), Some(made));
        assert!(!folders[1].exists(), "the settings are enough");
    }

    #[test]
    fn settings_that_cannot_be_written_leave_it_to_the_cache() {
        let scene = tempfile::tempdir().unwrap();
        fs::write(scene.path().join("settings"), "no folder").unwrap();
        let folders = [scene.path().join("settings/arcgauge"), scene.path().join("cache")];
        let made = Installation::read_or_make(&folders).unwrap();
        assert_eq!(Installation::read(&folders).unwrap(), Some(made));
        assert!(folders[1].join(INSTALLATION_FILE).is_file());
    }

    #[test]
    fn a_remote_is_named_without_its_password() {
        let reported = without_password("https://jane:secret@example.com/a/b.git");
        assert_eq!(reported, "https://example.com/a/b.git");
        assert_eq!(without_password("origin"), "origin");
        assert_eq!(without_password("git@example.com:a/b.git"), "git@example.com:a/b.git");
    }
}
