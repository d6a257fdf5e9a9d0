//! The form of a record file: a header line, and the payload that its hash is of.
//!
//! ```text
//! {"arcgauge":"experiment","schema":{"major":3,"minor":0},"payload_sha256":"..."}
//! { ...payload... }
//! ```
//!
//! Each kind of record has a schema of its own. A change that older readers can ignore raises the minor number; one
//! that they cannot raises the major number, and they refuse it. From 3.0 on, every release reads every earlier
//! schema. A record is never rewritten, so fields that a reader does not know are never lost. Only a file of a later
//! minor version may have such fields: in another they are refused.
//!
//! | kind | schema | since |
//! |---|---|---|
//! | experiment | 3.0 | arms and rounds, whichever verb measured them |
//! | foreign-record | 1.0 | what a file of another tool says |

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files::{FileKind, read};
use crate::record::Experiment;
use crate::record::consistency::{self, has_arms, identified};
use crate::visible::one_line;

/// The kinds of records before there were experiments.
const OLDER_KINDS: [&str; 3] = ["run-record", "ab-record", "peers-record"];
/// The last release that reads them.
const LAST_WITH_OLDER_KINDS: &str = "0.1";

/// The version of a kind's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Raised when older readers must refuse.
    pub major: u32,
    /// Raised when fields are added.
    pub minor: u32,
}

/// A record that can be stored: encoded in a file of its own, below its machine and its commit.
pub trait StoredRecord: Serialize + DeserializeOwned + PartialEq {
    /// As a file's header names it.
    const KIND: &'static str;
    /// The form that is written.
    const SCHEMA: Schema;

    /// Whether it says what it measured, and has speed only where it may.
    ///
    /// # Errors
    /// What is missing or wrong, as a fault of the harness.
    fn check(&self) -> Result<()>;

    /// Where it belongs.
    fn place(&self) -> Place<'_>;

    /// Computes again what is a hash of texts in the record, after some of them were replaced.
    ///
    /// # Errors
    /// None in practice: what is hashed is made of strings and numbers.
    fn identify(&mut self) -> Result<()> {
        Ok(())
    }

    /// Whether it agrees with itself.
    ///
    /// # Errors
    /// The first contradiction, as bad input.
    fn agrees(&self) -> Result<()> {
        Ok(())
    }
}

/// Where a record belongs in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The machine's slug.
    pub machine: &'a str,
    /// The commit's sha; None where nothing was committed.
    pub commit: Option<&'a str>,
    /// When the run began, UTC.
    pub when_utc: &'a str,
    /// The run's id.
    pub run_id: &'a str,
}

impl StoredRecord for Experiment {
    const KIND: &'static str = "experiment";
    const SCHEMA: Schema = Schema { major: 3, minor: 0 };

    fn check(&self) -> Result<()> {
        identified(self)
    }

    fn place(&self) -> Place<'_> {
        Place {
            machine: &self.machine.slug,
            commit: self.subject().arm.commit.as_ref().map(|commit| commit.sha.as_str()),
            when_utc: &self.when_utc,
            run_id: &self.run_id,
        }
    }

    fn identify(&mut self) -> Result<()> {
        self.arms.iter_mut().try_for_each(|arm| {
            arm.workload.sha256 = arm.workload.identity()?;
            Ok(())
        })
    }

    fn agrees(&self) -> Result<()> {
        has_arms(self)?;
        consistency::check(self)
    }
}

/// The first line of a record file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The kind of record.
    #[serde(rename = "arcgauge")]
    pub kind: String,
    /// Its version.
    pub schema: Schema,
    /// The sha256 of all that follows.
    pub payload_sha256: String,
}

/// The bytes of a record file.
///
/// # Errors
/// A record that does not say what it measured, or that would not come back as it is, as one with a
/// float that is not a number.
pub fn encode<R: StoredRecord>(record: &R) -> Result<Vec<u8>> {
    record.check()?;
    let unfit = |cause: serde_json::Error| Error::harness(format!("the record cannot be written: {cause}"));
    let mut payload = serde_json::to_vec(record).map_err(unfit)?;
    // JSON has neither NaN nor infinity, and they would be written as null.
    if serde_json::from_slice::<R>(&payload).ok().as_ref() != Some(record) {
        return Err(Error::harness("the record cannot be written: it holds a float that is not a number"));
    }
    payload.push(b'\n');
    with_header(R::KIND, R::SCHEMA, &payload).map_err(unfit)
}

/// A payload below the line that says what it is.
pub(super) fn with_header(kind: &str, schema: Schema, payload: &[u8]) -> serde_json::Result<Vec<u8>> {
    let header = Header { kind: kind.to_owned(), schema, payload_sha256: sha256_of_bytes(payload) };
    let mut file = serde_json::to_vec(&header)?;
    file.push(b'\n');
    file.extend(payload);
    Ok(file)
}

/// What stands before and after the end of the first line.
pub(super) fn first_line_and_payload(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}

/// Reads the bytes of a record file; `name` is for messages. Through here all records are read.
///
/// # Errors
/// Bytes that are no record of this kind, of a schema that is not read, or altered since they were written; a record
/// that contradicts itself.
pub fn open<R: StoredRecord>(bytes: &[u8], name: &str) -> Result<R> {
    let header = header(bytes, name)?;
    if OLDER_KINDS.contains(&header.kind.as_str()) {
        return Err(Error::input(format!(
            "record `{name}` is a `{}`, which only arcgauge {LAST_WITH_OLDER_KINDS} and earlier read",
            header.kind
        ))
        .hint("measure again: `cargo xtask bench`"));
    }
    if header.kind != R::KIND {
        return Err(Error::input(format!("record `{name}` is a `{}`, not a `{}`", header.kind, R::KIND))
            .hint("name another record, or use a newer arcgauge"));
    }
    let Schema { major, minor } = header.schema;
    if major != R::SCHEMA.major {
        return Err(Error::input(format!(
            "record `{name}` has schema `{major}.{minor}`, and this arcgauge reads {}",
            R::SCHEMA.major
        ))
        .hint("use a newer arcgauge"));
    }
    let (first_line, payload) = first_line_and_payload(bytes);
    let found = sha256_of_bytes(payload);
    if found != header.payload_sha256 {
        let what = format!("is altered: its payload's sha256 is {found}, not {}", header.payload_sha256);
        return Err(damaged(name, &what));
    }
    let record: R = serde_json::from_slice(payload)
        .map_err(|cause| damaged(name, &format!("cannot be read: {cause}")))?;
    let unknown = || unknown_field_of(&header, first_line).or_else(|| unknown_field_of(&record, payload));
    if minor <= R::SCHEMA.minor
        && let Some(field) = unknown()
    {
        let field = one_line(&field);
        return Err(damaged(
            name,
            &format!("has a field `{field}`, which schema {major}.{minor} does not have"),
        ));
    }
    record.agrees().map_err(|contradiction| damaged(name, &contradiction.to_string()))?;
    Ok(record)
}

/// The first field in these bytes that is not in what was read from them.
fn unknown_field_of(read: &impl Serialize, bytes: &[u8]) -> Option<String> {
    // What this version wrote is the same when it is written again, and comparing that costs least.
    if serde_json::to_vec(read).is_ok_and(|again| again == bytes.trim_ascii_end()) {
        return None;
    }
    unknown_field(&serde_json::from_slice(bytes).ok()?, &serde_json::to_value(read).ok()?)
}

/// Reads the bytes of a record file, and takes them only if such a record would have been written, whoever wrote it.
///
/// # Errors
/// Bytes that are no whole record, or one that does not say what it measured.
pub fn accept<R: StoredRecord>(bytes: &[u8], name: &str) -> Result<R> {
    let record: R = open(bytes, name)?;
    record.check().map_err(|error| {
        Error::input(format!("record `{name}` is not taken: {error}")).hint("it is left as it is")
    })?;
    Ok(record)
}

/// Reads the first line of a record file: what kind it is, before its payload is looked at.
///
/// # Errors
/// Bytes that do not begin with a header.
pub fn header(bytes: &[u8], name: &str) -> Result<Header> {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let end = end.ok_or_else(|| no_record(name, "has no header line"))?;
    serde_json::from_slice(&bytes[..end])
        .map_err(|cause| no_record(name, &format!("has a first line that is no header: {cause}")))
}

/// Of a file that does not begin as a record does.
fn no_record(name: &str, what: &str) -> Error {
    Error::input(format!("record `{name}` {what}"))
        .hint("it is no record, or a damaged one: `cargo xtask history list` names those that are whole")
}

fn damaged(name: &str, what: &str) -> Error {
    Error::input(format!("record `{name}` {what}"))
        .hint("it is left as it is; measure again with `cargo xtask bench`")
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The sha256 of these bytes, in lower-case hexadecimal.
pub fn sha256_of_bytes(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// The sha256 of a text as a Content-Security-Policy names it: as in "sha256-47DEQpj8...=".
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

/// The path of the first field that is in a file and not in what was read from it, as in `arms[0].cost`. A field
/// with nothing in it is none: it may be one that is left out where it is empty.
pub(super) fn unknown_field(file: &Value, read: &Value) -> Option<String> {
    match (file, read) {
        (Value::Object(fields), Value::Object(known)) => fields.iter().find_map(|(name, value)| {
            let Some(known) = known.get(name) else { return has_content(value).then(|| name.clone()) };
            let below = unknown_field(value, known)?;
            Some(if below.starts_with('[') { format!("{name}{below}") } else { format!("{name}.{below}") })
        }),
        (Value::Array(values), Value::Array(known)) => {
            values.iter().zip(known).enumerate().find_map(|(at, (value, known))| {
                let below = unknown_field(value, known)?;
                Some(if below.starts_with('[') {
                    format!("[{at}]{below}")
                } else {
                    format!("[{at}].{below}")
                })
            })
        }
        _ => None,
    }
}

fn has_content(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(values) => !values.is_empty(),
        Value::Object(fields) => fields.values().any(has_content),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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

    #[test]
    fn a_field_that_was_not_read_is_named_with_its_path() {
        let read = json!({"a": {"b": 1}, "list": [{"b": 1}, {"b": 1}], "map": {}});
        let found = |file: Value| unknown_field(&file, &read);
        assert_eq!(found(read.clone()), None);
        assert_eq!(found(json!({"other": 0})).as_deref(), Some("other"));
        assert_eq!(found(json!({"a": {"b": 1, "c": "x"}})).as_deref(), Some("a.c"));
        assert_eq!(found(json!({"list": [{"b": 1}, {"c": false}]})).as_deref(), Some("list[1].c"));
        assert_eq!(found(json!({"left_out": null, "too": [], "and": {"this": null}})), None);
        assert_eq!(found(json!({"a": 3, "list": {"c": 3}})), None, "another form of the same field");
    }
}
