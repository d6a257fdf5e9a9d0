//! Hashes by which equal contents are recognised.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files::{FileKind, read};
use crate::record::encoded::hex;

/// The sha256 of these bytes, in lower-case hexadecimal.
#[must_use]
pub fn sha256_of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The sha256 of a text as a Content-Security-Policy names it: as in "sha256-47DEQpj8...=".
#[must_use]
pub fn sha256_source(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

/// One sha256 over the files and folders of these names below `root`: over path, length and content of
/// each file, by sorted path. What is not there is not part of it.
///
/// # Errors
/// When a file that is there cannot be read.
pub fn sha256_of_files(root: &Path, below: &[&str]) -> Result<String> {
    let mut files = BTreeMap::new();
    for name in below {
        collect(root, Path::new(name), &mut files)?;
    }
    let mut hasher = Sha256::new();
    for (path, content) in &files {
        hasher.update(path.as_os_str().as_encoded_bytes());
        // Neither a path nor a length can be taken for what follows it.
        hasher.update([0]);
        hasher.update((content.len() as u64).to_le_bytes());
        hasher.update(content);
    }
    Ok(hex(&hasher.finalize()))
}

fn collect(root: &Path, below: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    let path = root.join(below);
    let failed = |cause| Error::io("read", &path, &cause).as_input();
    let found = match fs::metadata(&path) {
        Ok(found) => found,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(failed(cause)),
    };
    if found.is_dir() {
        for entry in fs::read_dir(&path).map_err(failed)? {
            collect(root, &below.join(entry.map_err(failed)?.file_name()), files)?;
        }
    } else {
        files.insert(below.to_owned(), read(&path, FileKind::Graph)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn digest(files: &[(&str, &str)]) -> String {
        sha256_of_files(folder(files).path(), &["a", "b.json"]).unwrap()
    }

    #[test]
    fn the_same_files_have_the_same_digest_wherever_they_are_and_others_do_not_count() {
        let once = digest(&[("a/x", "1"), ("a/deep/y", "2"), ("b.json", "3"), ("c", "4")]);
        assert_eq!(once, digest(&[("b.json", "3"), ("a/deep/y", "2"), ("a/x", "1")]));
        assert_eq!(digest(&[]), sha256_of_bytes(b""));
    }

    /// By `printf '' | openssl dgst -sha256 -binary | base64`.
    #[test]
    fn a_hash_is_written_as_browsers_read_it() {
        assert_eq!(sha256_source(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn another_content_name_or_division_has_another() {
        let all = [
            digest(&[("a/x", "1"), ("a/y", "2")]),
            digest(&[("a/x", "12"), ("a/y", "")]),
            digest(&[("a/x", "1"), ("a/z", "2")]),
            digest(&[("a/x", "1")]),
            digest(&[("a/x", "2"), ("a/y", "1")]),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }
}
