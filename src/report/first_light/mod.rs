//! The report of `first-light`, for whoever ran it and for whoever is sent the bundle. It names no person.

use serde::Serialize;
use serde_json::json;

use crate::judge::first_light::{Answer, Answered};
use crate::record::{Arm, Machine};
use crate::report::document::{Document, Line, Table, number, status};
use crate::report::mark::Mark;
use crate::visible;

/// What of the GPU path ran where before this day, in Markdown; the README has the same text.
pub const WHAT_RAN_WHERE: &str = include_str!("what_ran_where.md");

/// What is reported.
#[derive(Debug, Clone, Copy)]
pub struct FirstLight<'a> {
    /// When it began, UTC.
    pub when_utc: &'a str,
    /// The version of arcgauge.
    pub arcgauge_version: &'a str,
    /// The device that was requested.
    pub requested: &'a str,
    /// The machine; None where the system does not report what it is.
    pub machine: Option<&'a Machine>,
    /// The record of `bench`, where there is one.
    pub run: Option<&'a Arm>,
    /// Where the kernel's files were looked at, where those were not the machine's own.
    pub kernel_files_below: Option<&'a str>,
    /// Every answer.
    pub answers: &'a [Answered],
    /// Every step, in order.
    pub steps: &'a [StepReport],
}

/// A step of the walk, as it is reported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepReport {
    /// Its name.
    pub name: &'static str,
    /// How it ended: "done", "failed" or "not-run".
    pub ended: &'static str,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took, s.
    pub took_s: f64,
}

/// The answers, the steps, and what ran where before this run.
pub fn first_light_document(reported: &FirstLight<'_>) -> Document {
    let mut document = Document::default();
    document.title(format!("Hardware validation: {}", reported.subject()));
    let requested = Line::from(", ").and(Line::prose(&format!("`--device {}`", reported.requested)));
    let version = Line::from(format!("arcgauge {}, ", reported.arcgauge_version));
    document.text(
        version.and(Line::moment(reported.when_utc)).and(requested).and(". ").and(tally(reported)).and("."),
    );
    if let Some(note) = reported.note() {
        document.text(Line::prose(&note));
    }
    let answers = reported.answers.iter().map(|answered| {
        let mark = match answered.result.answer {
            Answer::Yes => Mark::Holds,
            Answer::No => Mark::Fails,
            Answer::NotObserved => Mark::NotJudged,
        };
        let claim = Line::prose(answered.claim.text).and(": ");
        [
            answered.claim.id.into(),
            status(mark, answered.result.answer.as_str()),
            claim.and(Line::prose(&answered.result.reason)).into(),
        ]
    });
    document.titled_table("Claims", Table::new(["claim", "answer", "observed"]).with_rows(answers));
    let steps = reported.steps.iter().map(|step| {
        let reason = step.reason.as_deref().map_or_else(Line::default, Line::prose);
        [step.name.into(), step.ended.into(), number(Some(format!("{:.1}", step.took_s))), reason.into()]
    });
    document.titled_table("Steps", Table::new(["step", "result", "took s", "reason"]).with_rows(steps));
    document.section("What ran where before this run");
    document.verbatim(WHAT_RAN_WHERE);
    document
}

/// How often each answer was given.
fn tally(reported: &FirstLight<'_>) -> String {
    let counts = [Answer::Yes, Answer::No, Answer::NotObserved]
        .map(|answer| format!("{} {}", reported.count(answer), answer.as_str()));
    format!("{} claims: {}", reported.answers.len(), counts.join(", "))
}

impl FirstLight<'_> {
    fn count(&self, answer: Answer) -> usize {
        self.answers.iter().filter(|answered| answered.result.answer == answer).count()
    }

    /// What must be known before an answer is read; nothing where a GPU ran on a machine of its own.
    fn note(&self) -> Option<String> {
        if let Some(folder) = self.kernel_files_below {
            return Some(format!("the kernel's files are those below `{folder}`, not this machine's"));
        }
        match self.run.map(|run| run.device.actual()) {
            Some("GPU") => None,
            Some("CPU") => Some("the CPU ran: its results do not apply to a GPU".to_owned()),
            Some(_) | None => Some("nothing was measured".to_owned()),
        }
    }

    /// What ran on what, in a line.
    fn subject(&self) -> String {
        let machine = self.machine.map_or("an unknown machine", |machine| {
            if machine.cpu.is_empty() { &machine.slug } else { &machine.cpu }
        });
        let Some(run) = self.run else { return format!("{machine}, nothing ran") };
        let openvino = run.runtime.as_ref().map_or("unknown", |runtime| &runtime.openvino_version);
        format!("{machine}, {} on {}, OpenVINO {openvino}", run.model.name, run.device.actual())
    }
}

/// What the form is called; raised when a reader of the old one would be misled.
const SCHEMA: &str = "arcgauge-first-light@2";

/// The answers, the steps, and what ran where.
pub fn first_light_json(reported: &FirstLight<'_>) -> String {
    let run = reported.run;
    let runtime = run.and_then(|run| run.runtime.as_ref());
    let commit = run.and_then(|run| run.commit.as_ref());
    let mut value = json!({
        "schema": SCHEMA,
        "arcgauge_version": reported.arcgauge_version,
        "when_utc": reported.when_utc,
        "requested": reported.requested,
        "ran": run.map_or("none", |run| run.device.actual()),
        "machine": reported.machine,
        "openvino_version": runtime.map(|runtime| &runtime.openvino_version),
        "model": run.map(|run| json!({ "name": run.model.name, "sha256": run.model.sha256 })),
        "commit": commit.map(|commit| json!({ "sha": commit.sha, "dirty": commit.dirty })),
        "answers": reported.answers,
        "steps": reported.steps,
    });
    if let Some(folder) = reported.kernel_files_below {
        value["kernel_files_below"] = folder.into();
    }
    visible::json(&format!("{value:#}\n"))
}
