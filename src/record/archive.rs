//! Several files in one zip: what leaves a machine as one thing, and what is taken from a stranger's.
//!
//! A zip from elsewhere is never unpacked onto the disk. It may claim any name and any size: names are
//! looked up and never followed, and what is read is counted, not trusted.

use std::borrow::Cow;
use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::error::{Error, Result};

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedFile {
    /// Its name, without folders.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A file that an archive may have, and how large it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedFile {
    /// Its name.
    pub name: &'static str,
    /// The most bytes that are read of it.
    pub largest_bytes: u64,
}

/// The files as a zip. The same files give the same bytes: no times and no owners are stored.
///
/// # Errors
/// When a file has another's name, or they are too many or too large for a zip.
pub fn archive(files: &[ArchivedFile]) -> Result<Vec<u8>> {
    let failed = |cause: String| Error::harness(format!("the archive cannot be made: {cause}"));
    let how = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o644);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        writer.start_file(file.name.as_str(), how).map_err(|cause| failed(cause.to_string()))?;
        writer.write_all(&file.bytes).map_err(|cause| failed(cause.to_string()))?;
    }
    let written = writer.finish().map_err(|cause| failed(cause.to_string()))?;
    Ok(written.into_inner())
}

/// The files of a zip from elsewhere, in the order of its list. It may have those that are allowed, each
/// once, and nothing else.
///
/// # Errors
/// Bytes that are no zip; a file of another name, of one name twice, locked, damaged or larger than allowed.
pub fn unarchive(bytes: &[u8], allowed: &[AllowedFile]) -> Result<Vec<ArchivedFile>> {
    let wrong = |what: String| Error::input(format!("the archive is refused: {what}"));
    let mut zip =
        ZipArchive::new(Cursor::new(bytes)).map_err(|cause| wrong(format!("it is no zip ({cause})")))?;
    if zip.len() > allowed.len() {
        return Err(wrong(format!("it has {} files, and {} are expected", zip.len(), allowed.len())));
    }
    let mut files: Vec<ArchivedFile> = Vec::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).map_err(|cause| wrong(format!("file {index}: {cause}")))?;
        let name = file.name().map(Cow::into_owned).unwrap_or_default();
        let Some(known) = allowed.iter().find(|known| known.name == name) else {
            let known: Vec<&str> = allowed.iter().map(|known| known.name).collect();
            return Err(wrong(format!("it has a file that is none of `{}`", known.join("`, `"))));
        };
        if files.iter().any(|there| there.name == known.name) {
            return Err(wrong(format!("it has `{}` twice", known.name)));
        }
        let mut bytes = Vec::new();
        let read = file.by_ref().take(known.largest_bytes + 1).read_to_end(&mut bytes);
        read.map_err(|cause| wrong(format!("`{}` is damaged ({cause})", known.name)))?;
        if bytes.len() as u64 > known.largest_bytes {
            return Err(wrong(format!("`{}` is larger than {} bytes", known.name, known.largest_bytes)));
        }
        files.push(ArchivedFile { name: known.name.to_owned(), bytes });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: [AllowedFile; 2] = [
        AllowedFile { name: "a.json", largest_bytes: 1000 },
        AllowedFile { name: "b.json", largest_bytes: 1000 },
    ];

    fn file(name: &str, bytes: &[u8]) -> ArchivedFile {
        ArchivedFile { name: name.to_owned(), bytes: bytes.to_vec() }
    }

    #[test]
    fn what_was_put_in_comes_out_and_the_same_files_give_the_same_bytes() {
        let files = [file("a.json", b"{}"), file("b.json", &[0; 1000])];
        let packed = archive(&files).unwrap();
        assert_eq!(unarchive(&packed, &ALLOWED).unwrap(), files);
        assert_eq!(archive(&files).unwrap(), packed);
        assert!(packed.len() < 1000, "zeros take little room");
    }

    #[test]
    fn a_file_that_unfolds_to_more_than_is_allowed_is_not_read_to_its_end() {
        let bomb = archive(&[file("a.json", &vec![0; 5_000_000])]).unwrap();
        assert!(bomb.len() < 50_000);
        let error = unarchive(&bomb, &ALLOWED).unwrap_err().to_string();
        assert_eq!(error, "the archive is refused: `a.json` is larger than 1000 bytes");
    }

    #[test]
    fn names_that_lead_elsewhere_are_not_known_here() {
        for name in ["../a.json", "/a.json", "x/a.json", "a.json/", "A.JSON", ""] {
            let error = unarchive(&archive(&[file(name, b"{}")]).unwrap(), &ALLOWED).unwrap_err();
            assert!(error.to_string().contains("none of `a.json`, `b.json`"), "{name}: {error}");
        }
        let three = [file("a.json", b""), file("b.json", b""), file("c", b"")];
        let error = unarchive(&archive(&three).unwrap(), &ALLOWED).unwrap_err();
        assert!(error.to_string().contains("it has 3 files"), "{error}");
    }

    #[test]
    fn a_zip_that_is_damaged_anywhere_is_refused_or_says_the_same_and_never_panics() {
        let files = [file("a.json", b"{\"some\": \"text that is deflated, deflated, deflated\"}")];
        let whole = archive(&files).unwrap();
        for length in 0..whole.len() {
            assert!(unarchive(&whole[..length], &ALLOWED).is_err(), "cut to {length}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            if let Ok(read) = unarchive(&damaged, &ALLOWED) {
                assert!(read == files || read.is_empty(), "byte {at}: {read:?}");
            }
        }
        assert!(unarchive(b"no zip", &ALLOWED).is_err());
    }
}
