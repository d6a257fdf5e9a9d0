//! The first day on an Intel GPU, as it is told: a table for whoever ran it, and for whoever is sent the
//! bundle a report in Markdown and the answers as JSON. None of it names a person.

mod cleaned;
mod json;
mod markdown;
mod personal;
mod text;

pub use cleaned::{cleaned_ab, cleaned_peers, cleaned_run};
pub use json::first_light_json;
pub use markdown::first_light_markdown;
pub use personal::{Personal, Trace};
pub use text::{first_light_tally, first_light_text};

use serde::Serialize;

use crate::judge::first_light::{Answer, Answered};
use crate::record::{Machine, RunRecord};

/// What of the GPU path ran where before this day, in Markdown; the README has the same text.
pub const WHAT_RAN_WHERE: &str = include_str!("what_ran_where.md");

/// What is told.
#[derive(Debug, Clone, Copy)]
pub struct FirstLight<'a> {
    /// When it began, UTC.
    pub when_utc: &'a str,
    /// The version of arcgauge.
    pub arcgauge_version: &'a str,
    /// The device that was asked for.
    pub requested: &'a str,
    /// The machine; None where the system does not tell what it is.
    pub machine: Option<&'a Machine>,
    /// The record of `bench`, where there is one.
    pub run: Option<&'a RunRecord>,
    /// Where the kernel's files were looked at, where those were not the machine's own.
    pub kernel_files_below: Option<&'a str>,
    /// Every answer.
    pub answers: &'a [Answered],
    /// Every step, in order.
    pub steps: &'a [StepTold],
}

/// A step of the walk, as it is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepTold {
    /// Its name.
    pub name: &'static str,
    /// How it ended: "done", "failed" or "not-run".
    pub ended: &'static str,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// How long it took, s.
    pub took_s: f64,
}

impl FirstLight<'_> {
    fn count(&self, answer: Answer) -> usize {
        self.answers.iter().filter(|answered| answered.word.answer == answer).count()
    }

    /// What must be known before an answer is read; nothing where a GPU ran on a machine of its own.
    fn note(&self) -> Option<String> {
        if let Some(folder) = self.kernel_files_below {
            return Some(format!("the kernel's files are those below `{folder}`, not this machine's"));
        }
        match self.run.map(|run| run.device.actual()) {
            Some("GPU") => None,
            Some("CPU") => Some("the CPU ran: what it did says nothing of a GPU".to_owned()),
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
