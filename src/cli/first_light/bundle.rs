//! The one file for an issue: answers, reports and records, without what tells of a person.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::first_light::walk::Walked;
use crate::cli::say;
use crate::error::{Error, Result};
use crate::files::{Overwrite, write_whole};
use crate::judge::first_light::{Answered, ClaimResult, StepSeen};
use crate::record::{ArchivedFile, Experiment, Personal, archive, encode};
use crate::report::first_light::{FirstLight, StepReport, first_light_document, first_light_json};

/// The files of the bundle.
pub(super) struct Bundle {
    files: Vec<ArchivedFile>,
}

impl Bundle {
    /// Gathers and cleans all that was seen. A file that cannot be cleaned is left out, and named.
    pub(super) fn of(reported: &FirstLight<'_>, walked: &Walked, personal: &Personal) -> Self {
        let mut gathered = Gathered { personal, files: Vec::new(), left_out: Vec::new() };
        gathered.answers(reported);
        gathered.document("machine.json", &walked.evidence.machine);
        gathered.document("states.json", &walked.evidence.states);
        gathered.document("cross-check.json", &walked.evidence.cross_check);
        gathered.record("bench-record.json", &walked.evidence.bench);
        gathered.record("ab-record.json", &walked.evidence.against_itself);
        gathered.record("peers-record.json", &walked.evidence.peers);
        for log in &walked.logs {
            if let Some(report) = &log.report {
                gathered.text(&format!("{}.txt", log.step), report);
            }
            gathered.text(&format!("{}.log.txt", log.step), &log.output_tail);
        }
        gathered.own_up();
        Self { files: gathered.files }
    }

    /// Writes it, over nothing.
    pub(super) fn write(&self, output: &Path) -> Result<()> {
        write_whole(output, &archive(&self.files)?, Overwrite::Never)
    }
}

/// A file that was cleaned.
struct Cleaned {
    bytes: Vec<u8>,
    /// What it still has.
    left: Option<&'static str>,
}

struct Gathered<'a> {
    personal: &'a Personal,
    files: Vec<ArchivedFile>,
    left_out: Vec<String>,
}

impl Gathered<'_> {
    /// The answers are cleaned before they are reported: what is reported in Markdown has other letters.
    fn answers(&mut self, reported: &FirstLight<'_>) {
        let personal = self.personal;
        let clean = |text: &str| personal.taken_from(text);
        let answered: Vec<Answered> = reported
            .answers
            .iter()
            .map(|answered| Answered {
                claim: answered.claim,
                word: ClaimResult { reason: clean(&answered.word.reason), ..answered.word.clone() },
            })
            .collect();
        let steps: Vec<StepReport> = reported
            .steps
            .iter()
            .map(|step| StepReport { reason: step.reason.as_deref().map(clean), ..step.clone() })
            .collect();
        let run = reported.run.and_then(|run| without(run, personal).ok());
        let machine = reported.machine.and_then(|machine| without(machine, personal).ok());
        let kernel_files_below = reported.kernel_files_below.map(clean);
        let cleaned = FirstLight {
            requested: &clean(reported.requested),
            machine: machine.as_ref(),
            run: run.as_ref(),
            kernel_files_below: kernel_files_below.as_deref(),
            answers: &answered,
            steps: &steps,
            ..*reported
        };
        self.put("first-light.md", first_light_document(&cleaned).to_markdown().into_bytes());
        self.put("first-light.json", first_light_json(&cleaned).into_bytes());
    }

    fn document<T: Serialize>(&mut self, name: &str, seen: &StepSeen<T>) {
        let StepSeen::Reported(seen) = seen else { return };
        let cleaned = serde_json::to_value(seen).and_then(|mut value: Value| {
            self.personal.take_from_all(&mut value);
            Ok(Cleaned {
                bytes: serde_json::to_vec_pretty(&value)?,
                left: self.personal.left_in_document(&value),
            })
        });
        match cleaned {
            Ok(cleaned) => self.put_checked(name, cleaned),
            Err(cause) => self.left_out.push(format!("{name}: {cause}")),
        }
    }

    fn record(&mut self, name: &str, seen: &StepSeen<Experiment>) {
        let StepSeen::Reported(record) = seen else { return };
        let encoded = without(record, self.personal).and_then(|record| {
            let bytes = encode(&record)?;
            let value = serde_json::to_value(&record)
                .map_err(|cause| Error::harness(format!("it cannot be looked at once more: {cause}")))?;
            Ok(Cleaned { bytes, left: self.personal.left_in_document(&value) })
        });
        match encoded {
            Ok(cleaned) => self.put_checked(name, cleaned),
            Err(error) => self.left_out.push(format!("{name}: {error}")),
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        let text = self.personal.taken_from(text);
        let left = self.personal.left_in(&text);
        self.put_checked(name, Cleaned { bytes: text.into_bytes(), left });
    }

    /// A name that was put together by what was taken out around it would not have been seen.
    fn put_checked(&mut self, name: &str, cleaned: Cleaned) {
        match cleaned.left {
            None => self.put(name, cleaned.bytes),
            Some(kind) => self.left_out.push(format!("{name}: it would still have what stands for {kind}")),
        }
    }

    fn put(&mut self, name: &str, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.files.push(ArchivedFile { name: name.to_owned(), bytes });
        }
    }

    fn own_up(&mut self) {
        if self.left_out.is_empty() {
            return;
        }
        let text = self.left_out.join("\n") + "\n";
        for line in text.lines() {
            say(&format!("left out of the bundle: {line}"));
        }
        let cleaned = self.personal.taken_from(&text);
        self.put("left-out.txt", cleaned.into_bytes());
    }
}

/// The same without anything personal, fields that say what was measured among it.
fn without<T: Serialize + DeserializeOwned>(reported: &T, personal: &Personal) -> Result<T> {
    let unfit = |cause| Error::harness(format!("without what is personal it cannot be read: {cause}"));
    let mut value = serde_json::to_value(reported).map_err(unfit)?;
    personal.take_from_all(&mut value);
    serde_json::from_value(value).map_err(unfit)
}
