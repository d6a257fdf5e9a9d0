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

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::record::identified::{has_arms, identified};
use crate::record::unknown_field::unknown_field;
use crate::record::{Experiment, consistency};
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

/// A record that can be kept: sealed in a file of its own, below its machine and its commit.
pub trait Kept: Serialize + DeserializeOwned + PartialEq {
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

impl Kept for Experiment {
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
pub fn encode<R: Kept>(record: &R) -> Result<Vec<u8>> {
    record.check()?;
    let unfit = |cause: serde_json::Error| Error::harness(format!("the record cannot be written: {cause}"));
    let mut payload = serde_json::to_vec(record).map_err(unfit)?;
    // JSON has neither NaN nor infinity, and they would be written as null.
    if serde_json::from_slice::<R>(&payload).ok().as_ref() != Some(record) {
        return Err(Error::harness("the record cannot be written: it holds a float that is not a number"));
    }
    payload.push(b'\n');
    let header = Header {
        kind: R::KIND.to_owned(),
        schema: R::SCHEMA,
        payload_sha256: hex(&Sha256::digest(&payload)),
    };
    let mut file = serde_json::to_vec(&header).map_err(unfit)?;
    file.push(b'\n');
    file.extend(payload);
    Ok(file)
}

/// Reads the bytes of a record file; `name` is for messages. Through here all records are read.
///
/// # Errors
/// Bytes that are no record of this kind, of a schema that is not read, or altered since they were written; a record
/// that contradicts itself.
pub fn open<R: Kept>(bytes: &[u8], name: &str) -> Result<R> {
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
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (first_line, payload) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let found = hex(&Sha256::digest(payload));
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
pub fn accept<R: Kept>(bytes: &[u8], name: &str) -> Result<R> {
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

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
