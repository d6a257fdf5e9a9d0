//! The form of a record file: a header line, and the payload that its hash is of.
//!
//! ```text
//! {"arcgauge":"run-record","schema":{"major":2,"minor":0},"payload_sha256":"..."}
//! { ...payload... }
//! ```
//!
//! Each kind of record has a schema of its own. A change that older readers can ignore raises the minor number; one that they cannot raises the
//! major number, and they refuse it. A record is never rewritten, so fields that a reader does not
//! know are never lost; one of an older schema is brought into today's form when it is read.
//!
//! | kind | schema | since |
//! |---|---|---|
//! | run-record | 1.0 | the first |
//! | run-record | 2.0 | fresh worker processes, proof of device, memory by phase, cost of the harness |
//! | ab-record | 1.0 | two sides in pairs |
//! | peers-record | 1.0 | engines side by side, in rounds |
//! | foreign-record | 1.0 | what a file of another tool says |

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::record::identified::{ab_identified, ab_named, identified, named, peers_identified, peers_named};
use crate::record::upgrade::from_schema_1;
use crate::record::{AbRecord, PeersRecord, RunRecord};

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
    /// The word for it in a file's header.
    const KIND: &'static str;
    /// The form that is written.
    const SCHEMA: Schema;

    /// Whether it says what it measured, and has speed only where it may.
    ///
    /// # Errors
    /// What is missing or wrong, as a fault of the harness.
    fn check(&self) -> Result<()>;

    /// Whether it has the identities that name its file: all that older schemas are held to, for they
    /// were written by the rules of their day.
    ///
    /// # Errors
    /// What is missing or wrong, as a fault of the harness.
    fn check_names(&self) -> Result<()>;

    /// Brings a payload of an older major schema into today's form.
    ///
    /// # Errors
    /// A payload that is not of that schema.
    fn upgrade(major: u32, payload: &mut Value) -> Result<(), serde_json::Error>;

    /// Where it belongs.
    fn place(&self) -> Place<'_>;
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

impl Kept for RunRecord {
    const KIND: &'static str = "run-record";
    const SCHEMA: Schema = Schema { major: 2, minor: 0 };

    fn check(&self) -> Result<()> {
        identified(self)
    }

    fn check_names(&self) -> Result<()> {
        named(self)
    }

    fn upgrade(_: u32, payload: &mut Value) -> Result<(), serde_json::Error> {
        from_schema_1(payload)
    }

    fn place(&self) -> Place<'_> {
        Place {
            machine: &self.machine.slug,
            commit: self.commit.as_ref().map(|commit| commit.sha.as_str()),
            when_utc: &self.when_utc,
            run_id: &self.run_id,
        }
    }
}

impl Kept for AbRecord {
    const KIND: &'static str = "ab-record";
    const SCHEMA: Schema = Schema { major: 1, minor: 0 };

    fn check(&self) -> Result<()> {
        ab_identified(self)
    }

    fn check_names(&self) -> Result<()> {
        ab_named(self)
    }

    fn upgrade(_: u32, _: &mut Value) -> Result<(), serde_json::Error> {
        Ok(())
    }

    fn place(&self) -> Place<'_> {
        Place { when_utc: &self.when_utc, run_id: &self.run_id, ..self.head.run.place() }
    }
}

impl Kept for PeersRecord {
    const KIND: &'static str = "peers-record";
    const SCHEMA: Schema = Schema { major: 1, minor: 0 };

    fn check(&self) -> Result<()> {
        peers_identified(self)
    }

    fn check_names(&self) -> Result<()> {
        peers_named(self)
    }

    fn upgrade(_: u32, _: &mut Value) -> Result<(), serde_json::Error> {
        Ok(())
    }

    fn place(&self) -> Place<'_> {
        Place { when_utc: &self.when_utc, run_id: &self.run_id, ..self.reference.run.place() }
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
pub fn seal<R: Kept>(record: &R) -> Result<Vec<u8>> {
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

/// Reads the bytes of a record file; `name` is for messages.
///
/// # Errors
/// Bytes that are no record of this kind, of a later major schema, or altered since they were written.
pub fn open<R: Kept>(bytes: &[u8], name: &str) -> Result<R> {
    let header = header(bytes, name)?;
    if header.kind != R::KIND {
        return Err(damaged(name, &format!("is a `{}`, not a {}", header.kind, R::KIND)));
    }
    let Schema { major, minor } = header.schema;
    if major == 0 || major > R::SCHEMA.major {
        return Err(Error::input(format!(
            "record `{name}` has schema `{major}.{minor}`, and this arcgauge reads up to {}",
            R::SCHEMA.major
        ))
        .hint("use a newer arcgauge"));
    }
    let payload = bytes.splitn(2, |byte| *byte == b'\n').nth(1).unwrap_or_default();
    let found = hex(&Sha256::digest(payload));
    if found != header.payload_sha256 {
        let what = format!("is altered: its payload's sha256 is {found}, not {}", header.payload_sha256);
        return Err(damaged(name, &what));
    }
    let unreadable = |cause: serde_json::Error| damaged(name, &format!("cannot be read: {cause}"));
    if major == R::SCHEMA.major {
        return serde_json::from_slice(payload).map_err(unreadable);
    }
    let mut older: Value = serde_json::from_slice(payload).map_err(unreadable)?;
    R::upgrade(major, &mut older).map_err(unreadable)?;
    serde_json::from_value(older).map_err(unreadable)
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
