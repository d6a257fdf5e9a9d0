//! How a model's files differ from its manifest: every file that is damaged, missing or too many.

use std::fmt;

use crate::record::model::{Manifest, ModelFile};

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFault {
    /// It is there, and the manifest does not know it.
    Extra,
    /// It has another size: of the file, and by the manifest.
    Size {
        /// Bytes that it has.
        found: u64,
        /// Bytes that it should have.
        stated: u64,
    },
    /// It has the right size and another content.
    Altered {
        /// The sha256 that it has.
        found: String,
        /// The sha256 that it should have.
        stated: String,
    },
    /// The manifest lists it, and it is not there.
    Missing,
}

/// A file with what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultyFile {
    /// Its name.
    pub name: String,
    /// What is wrong.
    pub fault: FileFault,
}

impl FileFault {
    /// The fault in a word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Extra => "extra",
            Self::Size { .. } | Self::Altered { .. } => "damaged",
            Self::Missing => "missing",
        }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extra => f.write_str("is not in the model's manifest"),
            Self::Size { found, stated } => write!(f, "has {found} bytes, the manifest says {stated}"),
            Self::Altered { found, stated } => {
                write!(f, "is altered: its sha256 is {found}, the manifest says {stated}")
            }
            Self::Missing => f.write_str("is missing, the manifest lists it"),
        }
    }
}

/// Holds the files of a folder against its manifest: first what is there, then what is not.
pub(super) fn faults(manifest: &Manifest, files: &[ModelFile]) -> Vec<FaultyFile> {
    let stated = |name: &str| manifest.files.iter().find(|file| file.path == name);
    let fault_of = |file: &ModelFile| match stated(&file.path) {
        None => Some(FileFault::Extra),
        Some(stated) if stated.size_bytes != file.size_bytes => {
            Some(FileFault::Size { found: file.size_bytes, stated: stated.size_bytes })
        }
        Some(stated) if stated.sha256 != file.sha256 => {
            Some(FileFault::Altered { found: file.sha256.clone(), stated: stated.sha256.clone() })
        }
        Some(_) => None,
    };
    let there = files
        .iter()
        .filter_map(|file| fault_of(file).map(|fault| FaultyFile { name: file.path.clone(), fault }));
    let missing = manifest.files.iter().filter(|stated| !files.iter().any(|file| file.path == stated.path));
    there
        .chain(missing.map(|stated| FaultyFile { name: stated.path.clone(), fault: FileFault::Missing }))
        .collect()
}
