//! The form of a record file: a header line, and the payload that its hash is of.
//!
//! ```text
//! {"arcgauge":"run-record","schema":{"major":2,"minor":0},"payload_sha256":"..."}
//! { ...payload... }
//! ```
//!
//! A change that older readers can ignore raises the minor number; one that they cannot raises the
//! major number, and they refuse it. A record is never rewritten, so fields that a reader does not
//! know are never lost; one of an older schema is brought into today's form when it is read.
//!
//! | schema | since |
//! |---|---|
//! | 1.0 | the first |
//! | 2.0 | fresh worker processes, proof of device, memory by phase, cost of the harness |

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::record::RunRecord;
use crate::record::identified::identified;
use crate::record::upgrade::from_schema_1;

/// Raised when older readers must refuse.
pub const SCHEMA_MAJOR: u32 = 2;
/// Raised when fields are added.
pub const SCHEMA_MINOR: u32 = 0;

const KIND: &str = "run-record";

#[derive(Serialize, Deserialize)]
struct Header {
    arcgauge: String,
    schema: Schema,
    payload_sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Schema {
    major: u32,
    minor: u32,
}

/// The bytes of a record file.
///
/// # Errors
/// A record that does not say what it measured, or that would not come back as it is, as one with a
/// float that is not a number.
pub fn seal(record: &RunRecord) -> Result<Vec<u8>> {
    identified(record)?;
    let unfit = |cause: serde_json::Error| Error::harness(format!("the record cannot be written: {cause}"));
    let mut payload = serde_json::to_vec(record).map_err(unfit)?;
    // JSON has neither NaN nor infinity, and they would be written as null.
    if serde_json::from_slice::<RunRecord>(&payload).ok().as_ref() != Some(record) {
        return Err(Error::harness("the record cannot be written: it holds a float that is not a number"));
    }
    payload.push(b'\n');
    let header = Header {
        arcgauge: KIND.to_owned(),
        schema: Schema { major: SCHEMA_MAJOR, minor: SCHEMA_MINOR },
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
/// Bytes that are no record, of a later major schema, or altered since they were written.
pub fn open(bytes: &[u8], name: &str) -> Result<RunRecord> {
    let damaged = |what: String| {
        Error::input(format!("record `{name}` {what}"))
            .hint("it is left as it is; measure again with `cargo xtask bench`")
    };
    let end = bytes.iter().position(|b| *b == b'\n').ok_or_else(|| damaged("has no header line".into()))?;
    let header: Header = serde_json::from_slice(&bytes[..end])
        .map_err(|cause| damaged(format!("has a header that cannot be read: {cause}")))?;
    if header.arcgauge != KIND {
        return Err(damaged(format!("is a `{}`, not a {KIND}", header.arcgauge)));
    }
    if header.schema.major == 0 || header.schema.major > SCHEMA_MAJOR {
        return Err(Error::input(format!(
            "record `{name}` has schema `{}.{}`, and this arcgauge reads up to {SCHEMA_MAJOR}",
            header.schema.major, header.schema.minor
        ))
        .hint("use a newer arcgauge"));
    }
    let payload = &bytes[end + 1..];
    let found = hex(&Sha256::digest(payload));
    if found != header.payload_sha256 {
        return Err(damaged(format!(
            "is altered: its payload's sha256 is {found}, not {}",
            header.payload_sha256
        )));
    }
    let unreadable = |cause: serde_json::Error| damaged(format!("cannot be read: {cause}"));
    if header.schema.major == SCHEMA_MAJOR {
        return serde_json::from_slice(payload).map_err(unreadable);
    }
    let mut older: Value = serde_json::from_slice(payload).map_err(unreadable)?;
    from_schema_1(&mut older).map_err(unreadable)?;
    serde_json::from_value(older).map_err(unreadable)
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
