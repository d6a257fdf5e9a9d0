//! Records without what tells of a person.

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::record::{AbRecord, RunRecord};
use crate::report::first_light::Personal;

/// Stands for a folder or file that a variable names.
const PATH: &str = "<path>";

/// A run without what tells of a person: branch and subject of its commit are left out, and of variables the
/// paths.
///
/// # Errors
/// When it would no longer be a record.
pub fn cleaned_run(record: &RunRecord, personal: &Personal) -> Result<RunRecord> {
    let mut value = json(&unnamed(record.clone()))?;
    personal.take_from_all(&mut value);
    serde_json::from_value(value).map_err(|cause| no_record(&cause))
}

/// The same of an A/B.
///
/// # Errors
/// When it would no longer be a record.
pub fn cleaned_ab(record: &AbRecord, personal: &Personal) -> Result<AbRecord> {
    let mut record = record.clone();
    record.base.run = unnamed(record.base.run);
    record.head.run = unnamed(record.head.run);
    let mut value = json(&record)?;
    personal.take_from_all(&mut value);
    serde_json::from_value(value).map_err(|cause| no_record(&cause))
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

fn json<T: Serialize>(record: &T) -> Result<Value> {
    serde_json::to_value(record).map_err(|cause| no_record(&cause))
}

fn no_record(cause: &serde_json::Error) -> Error {
    Error::harness(format!("without what tells of a person it is no record: {cause}"))
}
