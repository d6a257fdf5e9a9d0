//! The answers for programs.

use serde::Serialize;

use crate::judge::first_light::{Answer, Fact};
use crate::record::Machine;
use crate::report::first_light::{FirstLight, StepReport};
use crate::visible;

/// What the form is called; raised when a reader of the old one would be misled.
const SCHEMA: &str = "arcgauge-first-light@2";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    arcgauge_version: &'a str,
    when_utc: &'a str,
    requested: &'a str,
    ran: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel_files_below: Option<&'a str>,
    machine: Option<&'a Machine>,
    openvino_version: Option<&'a str>,
    model: Option<ModelName<'a>>,
    commit: Option<CommitName<'a>>,
    answers: Vec<AnswerLine<'a>>,
    steps: &'a [StepReport],
}

#[derive(Serialize)]
struct ModelName<'a> {
    name: &'a str,
    sha256: &'a str,
}

#[derive(Serialize)]
struct CommitName<'a> {
    sha: &'a str,
    dirty: bool,
}

#[derive(Serialize)]
struct AnswerLine<'a> {
    id: &'static str,
    claim: &'static str,
    answer: Answer,
    reason: &'a str,
    #[serde(skip_serializing_if = "<[Fact]>::is_empty")]
    facts: &'a [Fact],
}

/// The answers, the steps, and what ran where.
#[must_use]
pub fn first_light_json(reported: &FirstLight<'_>) -> String {
    let run = reported.run;
    let document = Document {
        schema: SCHEMA,
        arcgauge_version: reported.arcgauge_version,
        when_utc: reported.when_utc,
        requested: reported.requested,
        ran: run.map_or("none", |run| run.device.actual()),
        kernel_files_below: reported.kernel_files_below,
        machine: reported.machine,
        openvino_version: run
            .and_then(|run| run.runtime.as_ref())
            .map(|runtime| runtime.openvino_version.as_str()),
        model: run.map(|run| ModelName { name: &run.model.name, sha256: &run.model.sha256 }),
        commit: run
            .and_then(|run| run.commit.as_ref())
            .map(|commit| CommitName { sha: &commit.sha, dirty: commit.dirty }),
        answers: reported
            .answers
            .iter()
            .map(|answered| AnswerLine {
                id: answered.claim.id,
                claim: answered.claim.words,
                answer: answered.word.answer,
                reason: &answered.word.reason,
                facts: &answered.word.facts,
            })
            .collect(),
        steps: reported.steps,
    };
    // Strings and numbers alone: it cannot fail.
    visible::json(&serde_json::to_string_pretty(&document).unwrap_or_default()) + "\n"
}
