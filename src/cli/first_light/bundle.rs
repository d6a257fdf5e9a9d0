//! The one file for an issue: answers, reports and records, without what identifies a person.

use std::path::Path;
use std::{env, fs};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::first_light::walk::Walked;
use crate::cli::root::Root;
use crate::cli::say;
use crate::error::{Error, Result};
use crate::judge::first_light::{Answered, ClaimResult, StepSeen};
use crate::places;
use crate::record::first_light::Check;
use crate::record::{ArchivedFile, Commit, Experiment, Personal, Trace, encode, whoami};
use crate::report::first_light::{FirstLight, StepReport, first_light_document, first_light_json};

/// The files of the bundle: all that was seen, cleaned. A file that cannot be cleaned is left out, and named.
pub(super) fn bundle(reported: &FirstLight<'_>, walked: &Walked, personal: &Personal) -> Vec<ArchivedFile> {
    let mut bundle = Bundle { personal, files: Vec::new(), left_out: Vec::new() };
    bundle.answers(reported);
    bundle.document("machine.json", &walked.evidence.machine);
    bundle.document("states.json", &walked.evidence.states);
    bundle.document("cross-check.json", &walked.evidence.cross_check);
    bundle.record("bench-record.json", &walked.evidence.bench);
    bundle.record("ab-record.json", &walked.evidence.against_itself);
    bundle.record("peers-record.json", &walked.evidence.peers);
    if let StepSeen::Reported(checks) = &walked.evidence.doctor {
        bundle.text("doctor.txt", &checks.iter().map(Check::render).collect::<String>());
    }
    for log in &walked.logs {
        if let Some(report) = &log.report {
            bundle.text(&format!("{}.txt", log.step), report);
        }
        bundle.text(&format!("{}.log.txt", log.step), &log.output_tail);
    }
    bundle.list_left_out();
    bundle.files
}

/// The bytes of a file that was cleaned, and what stands for somebody that it still has.
type Cleaned = (Vec<u8>, Option<&'static str>);

struct Bundle<'a> {
    personal: &'a Personal,
    files: Vec<ArchivedFile>,
    left_out: Vec<String>,
}

impl Bundle<'_> {
    /// The answers are cleaned before they are reported: what is reported in Markdown has other letters.
    fn answers(&mut self, reported: &FirstLight<'_>) {
        let personal = self.personal;
        let clean = |text: &str| personal.taken_from(text);
        let answered: Vec<Answered> = reported
            .answers
            .iter()
            .map(|answered| Answered {
                claim: answered.claim,
                result: ClaimResult { reason: clean(&answered.result.reason), ..answered.result.clone() },
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
            Ok((serde_json::to_vec_pretty(&value)?, self.personal.left_in_document(&value)))
        });
        self.put_checked(name, cleaned.map_err(|cause| cause.to_string()));
    }

    fn record(&mut self, name: &str, seen: &StepSeen<Experiment>) {
        let StepSeen::Reported(record) = seen else { return };
        let cleaned = without(record, self.personal).and_then(|record| {
            let value = serde_json::to_value(&record)
                .map_err(|cause| Error::harness(format!("it cannot be looked at once more: {cause}")))?;
            Ok((encode(&record)?, self.personal.left_in_document(&value)))
        });
        self.put_checked(name, cleaned.map_err(|error| error.to_string()));
    }

    fn text(&mut self, name: &str, text: &str) {
        let text = self.personal.taken_from(text);
        let left = self.personal.left_in(&text);
        self.put_checked(name, Ok((text.into_bytes(), left)));
    }

    /// A name that was put together by what was taken out around it would not have been seen.
    fn put_checked(&mut self, name: &str, cleaned: std::result::Result<Cleaned, String>) {
        match cleaned {
            Ok((bytes, None)) => self.put(name, bytes),
            Ok((_, Some(kind))) => {
                self.left_out.push(format!("{name}: it would still have what stands for {kind}"));
            }
            Err(reason) => self.left_out.push(format!("{name}: {reason}")),
        }
    }

    fn put(&mut self, name: &str, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.files.push(ArchivedFile { name: name.to_owned(), bytes });
        }
    }

    fn list_left_out(&mut self) {
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

/// Shorter parts of a name are words of a language more often than names.
const SHORTEST_PART: usize = 3;

/// All that the bundle must not have: besides what no record has, the author, the user's full name, and the folders
/// that are `named`.
pub(super) fn traces(root: &Root, model: &Path, named: Vec<Trace>) -> Personal {
    let mut traces = named;
    for (folder, becomes) in [
        (Some(root.path().to_owned()), "<checkout>"),
        (Some(model.to_owned()), "<model>"),
        (places::cache_dir(), "<cache>"),
        (places::config_dir(), "<config>"),
        (env::current_dir().ok(), "<here>"),
    ] {
        traces.extend(folder.iter().flat_map(|folder| Trace::of_path(folder, becomes)));
    }
    let home = env::home_dir();
    let list = fs::read_to_string("/etc/passwd").unwrap_or_default();
    traces.extend(list.lines().flat_map(|line| listed(line, home.as_deref())));
    traces.extend(author(&whoami(root.path())));
    if let Some(commit) = Commit::at(root.path()).ok().flatten() {
        traces.extend(commit.branch.map(|branch| Trace::new(branch, "<branch>")));
        traces.push(Trace::new(commit.subject, "<subject>"));
    }
    Personal::of_this_user(traces)
}

/// Name and full name of whoever has this home folder.
fn listed(line: &str, home: Option<&Path>) -> Vec<Trace> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, _, _, full, folder, ..] = fields[..] else { return Vec::new() };
    if home != Some(Path::new(folder)) {
        return Vec::new();
    }
    let full = full.split(',').next().unwrap_or_default();
    [vec![Trace::new(name, "<user>")], parts_of(full, "<user>")].concat()
}

/// Whoever commits here, as in `Jane Doe <jane@example.org>`.
fn author(signature: &str) -> Vec<Trace> {
    let (name, mail) = signature.split_once('<').unwrap_or((signature, ""));
    let mail = mail.trim_end_matches('>');
    let before_the_sign = mail.split('@').next().unwrap_or_default();
    let mut traces = parts_of(name, "<author>");
    traces.extend([Trace::new(mail, "<e-mail>"), Trace::new(before_the_sign, "<author>")]);
    traces
}

/// A name as a whole, and its parts.
fn parts_of(name: &str, becomes: &'static str) -> Vec<Trace> {
    let name = name.trim();
    let parts = name.split_whitespace().filter(|part| part.chars().count() >= SHORTEST_PART);
    std::iter::once(name).chain(parts).map(|part| Trace::new(part, becomes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_goes_whole_in_parts_and_by_the_address() {
        let personal = Personal::of(author("Jane Q Zimmer <jz77@mail.example.org>"));
        let text = "by Jane Q Zimmer, zimmer or jz77 <jz77@mail.example.org> about Q";
        assert_eq!(personal.taken_from(text), "by <author>, <author> or <author> <<e-mail>> about Q");
    }

    #[test]
    fn the_full_name_is_that_of_whoever_has_the_home_folder() {
        let personal = |home| {
            let line = "jz:x:1000:1000:Jane Zimmer,room 7,,:/home/jz:/bin/bash";
            Personal::of(listed(line, Some(Path::new(home))))
        };
        assert_eq!(personal("/home/jz").taken_from("jz is Jane Zimmer"), "<user> is <user>");
        assert_eq!(personal("/home/other").taken_from("jz is Jane Zimmer"), "jz is Jane Zimmer");
    }
}
