//! Records without what tells of a person.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::record::{AbRecord, PeersRecord, RunRecord};
use crate::report::first_light::Personal;

/// Stands for a folder or file that a variable names.
const PATH: &str = "<path>";

/// A run without what tells of a person: branch and subject of its commit are left out, and of variables the
/// paths.
///
/// # Errors
/// When it would no longer be a record.
pub fn cleaned_run(record: &RunRecord, personal: &Personal) -> Result<RunRecord> {
    without(&unnamed(record.clone()), personal)
}

/// The same of an A/B.
///
/// # Errors
/// When it would no longer be a record.
pub fn cleaned_ab(record: &AbRecord, personal: &Personal) -> Result<AbRecord> {
    let mut record = record.clone();
    record.base.run = unnamed(record.base.run);
    record.head.run = unnamed(record.head.run);
    without(&record, personal)
}

/// The same of engines side by side.
///
/// # Errors
/// When it would no longer be a record.
pub fn cleaned_peers(record: &PeersRecord, personal: &Personal) -> Result<PeersRecord> {
    let mut record = record.clone();
    for engine in std::iter::once(&mut record.reference).chain(&mut record.others) {
        engine.run = unnamed(engine.run.clone());
    }
    without(&record, personal)
}

fn unnamed(mut run: RunRecord) -> RunRecord {
    if let Some(commit) = &mut run.commit {
        commit.branch = None;
        commit.subject = String::new();
    }
    for value in run.environment_variables.values_mut().filter(|value| value.contains('/')) {
        PATH.clone_into(value);
    }
    run
}

fn without<R: Serialize + DeserializeOwned>(record: &R, personal: &Personal) -> Result<R> {
    let mut value = serde_json::to_value(record).map_err(|cause| no_record(&cause))?;
    personal.take_from_all(&mut value);
    serde_json::from_value(value).map_err(|cause| no_record(&cause))
}

fn no_record(cause: &serde_json::Error) -> Error {
    Error::harness(format!("without what tells of a person it is no record: {cause}"))
}
