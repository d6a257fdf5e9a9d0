//! The records of a store, as a table for people and as JSON for programs.

use serde_json::{Value, json};

use crate::golden::GoldenResult;
use crate::judge::Validity;
use crate::record::{Entry, Origin, PlanKind, Setting, utc_now};
use crate::report::bench::Detail;
use crate::report::document::{Cell, Document, Table, number, status};
use crate::report::mark::Mark;
use crate::report::number::{change_percent, counted, signed_percent};
use crate::visible;

const HEADINGS: [&str; 7] = ["", "id", "commit", "when UTC", "tok/s", "change", "result"];
const WIDE_HEADINGS: [&str; 12] = [
    "", "id", "commit", "when UTC", "kind", "machine", "model", "device", "tok/s", "TPOT ms", "output",
    "result",
];
/// As in "2026-11-23T04:49".
const TO_THE_MINUTE: usize = 16;

/// A line a record: a table for each setting, with the change to the record before of that setting; or one table
/// with all columns. tok/s includes the prefill, TPOT excludes it, as in the table of `bench`.
pub fn record_list(entries: &[&Entry], detail: Detail) -> Document {
    let mut document = Document::default();
    if detail == Detail::Wide {
        document.table(Table::new(WIDE_HEADINGS).with_rows(entries.iter().map(|entry| wide_row(entry))));
        return document;
    }
    let mut settings: Vec<Vec<&Entry>> = Vec::new();
    for entry in entries {
        let of_setting = |others: &&mut Vec<&Entry>| others[0].setting.series.id == entry.setting.series.id;
        match settings.iter_mut().find(of_setting) {
            Some(others) => others.push(entry),
            None => settings.push(vec![entry]),
        }
    }
    let headings: Vec<String> = settings.iter().map(|entries| heading(&entries[0].setting)).collect();
    for (entries, heading) in settings.iter().zip(&headings) {
        let series = &entries[0].setting.series;
        // Two settings may differ in nothing else: a property is known by the hash over all of them.
        let alike = headings.iter().filter(|other| *other == heading).count();
        let heading = if alike > 1 {
            let openvino = series.openvino.as_deref().unwrap_or("unknown");
            let properties = series.properties_sha256.get(..8).unwrap_or_default();
            format!("{heading}, OpenVINO {openvino}, properties {properties}")
        } else {
            heading.clone()
        };
        // Where all were measured elsewhere, the heading says so once.
        let origin = &entries[0].origin;
        let is_shared = entries.len() > 1 && entries.iter().all(|entry| entry.origin == *origin);
        let heading = match origin {
            Origin::Here => heading,
            Origin::Unknown if is_shared => format!("{heading}, of unknown origin"),
            elsewhere if is_shared => format!("{heading}, {}", elsewhere.in_words()),
            _ => heading,
        };
        let rows = entries.iter().enumerate().map(|(at, entry)| row(entry, &entries[at + 1..], !is_shared));
        document.titled_table(heading, Table::new(HEADINGS).with_keys(3).with_rows(rows));
    }
    document
}

fn heading(setting: &Setting) -> String {
    let series = &setting.series;
    let workload = format!("{} x {} tokens", counted(setting.prompts, "prompt"), setting.new_tokens);
    format!("{} on {}, {workload}, {}", series.model, series.device_in_words(), series.machine)
}

/// A record, and the earlier ones of its setting, newest first.
fn row(entry: &Entry, earlier: &[&Entry], with_origin: bool) -> [Cell; 7] {
    let [mark, id, commit, when] = identity(entry);
    let result = result(entry, with_origin).into();
    [mark, id, commit, when, throughput(entry), number(change(entry, earlier)), result]
}

fn wide_row(entry: &Entry) -> [Cell; 12] {
    let [mark, id, commit, when] = identity(entry);
    let series = &entry.setting.series;
    let tpot = entry.metric_values.as_ref().map(|metric_values| format!("{:.2}", metric_values.tpot_ms));
    [
        mark,
        id,
        commit,
        when,
        entry.plan.as_str().into(),
        (&series.machine).into(),
        (&series.model).into(),
        series.device_in_words().into(),
        throughput(entry),
        number(tpot),
        entry.golden.map_or("-", GoldenResult::as_str).into(),
        result(entry, true).into(),
    ]
}

fn identity(entry: &Entry) -> [Cell; 4] {
    let validity = Validity::of_entry(entry);
    let mark = match (&validity, entry.verdict()) {
        (Validity::Valid, Some(verdict)) => Mark::from(verdict),
        _ => (&validity).into(),
    };
    let when = entry.when_utc.get(..TO_THE_MINUTE).unwrap_or(&entry.when_utc);
    [status(mark, mark.as_str()), (&entry.run_id).into(), commit(entry).into(), when.into()]
}

fn throughput(entry: &Entry) -> Cell {
    number(entry.metric_values.as_ref().map(|metric_values| format!("{:.2}", metric_values.throughput_tok_s)))
}

/// The change of a run's throughput to the newest valid run before it, where nothing else changed than the commit.
fn change(entry: &Entry, earlier: &[&Entry]) -> Option<String> {
    let speed = |entry: &Entry| {
        let is_valid = entry.plan == PlanKind::Bench && Validity::of_entry(entry) == Validity::Valid;
        entry.metric_values.as_ref().filter(|_| is_valid).map(|metric_values| metric_values.throughput_tok_s)
    };
    let epoch = |entry: &Entry| entry.setting.epoch.id.clone();
    let now = speed(entry)?;
    let (before, then) = earlier.iter().find_map(|before| Some((*before, speed(before)?)))?;
    (epoch(entry) == epoch(before)).then(|| signed_percent(change_percent(now / then)))
}

/// The verdict on an A/B, else the validity; then, where that is wanted, where it was measured, if not here.
fn result(entry: &Entry, with_origin: bool) -> String {
    let validity = Validity::of_entry(entry);
    let word = match (&validity, entry.verdict()) {
        (Validity::Invalid(guards), _) => format!("INVALID {}", guards.join(", ")),
        (Validity::Valid, Some(verdict)) => verdict.in_words().to_owned(),
        _ => validity.as_str().replace('-', " "),
    };
    let kind = if entry.plan == PlanKind::Bench { "" } else { entry.plan.as_str() };
    let later = if entry.is_later_than(&utc_now()) { " (later than now)" } else { "" };
    let origin = match &entry.origin {
        elsewhere if with_origin && *elsewhere != Origin::Here => format!(", {}", elsewhere.in_words()),
        _ => String::new(),
    };
    format!("{kind}{}{word}{later}{origin}", if kind.is_empty() { "" } else { ": " })
}

/// The same, with all that the index knows.
pub fn record_list_json(entries: &[&Entry]) -> String {
    let records: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({
                "path": entry.path,
                "kind": entry.plan,
                "run_id": entry.run_id,
                "when_utc": entry.when_utc,
                "commit": entry.commit,
                "outcome": entry.outcome,
                "validity": Validity::of_entry(entry).as_str(),
                "golden": entry.golden,
                "figures": entry.metric_values,
                "verdict": entry.verdict(),
                "origin": entry.origin.in_words(),
                "measured_here": entry.origin == Origin::Here,
                "may_be_baseline": entry.may_be_baseline(),
                "series": entry.setting.series,
                "epoch": entry.setting.epoch,
            })
        })
        .collect();
    visible::json(&format!("{:#}\n", json!({ "records": records })))
}

fn commit(entry: &Entry) -> String {
    let Some(commit) = &entry.commit else { return "-".to_owned() };
    let dirty = if commit.dirty { "+" } else { "" };
    format!("{}{dirty}", commit.sha.get(..12).unwrap_or(&commit.sha))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Experiment, open};

    fn entry(edit: impl Fn(&mut Experiment)) -> Entry {
        let mut record = open(include_bytes!("../../fixtures/records/bench-3.0.json"), "a record").unwrap();
        edit(&mut record);
        Entry::of("a-record.json".into(), &record)
    }

    #[test]
    fn settings_that_differ_in_a_property_or_a_release_alone_have_headings_that_tell_them_apart() {
        let property = |record: &mut Experiment| {
            let runtime = record.arms[0].runtime.as_mut().unwrap();
            runtime.properties_effective.insert("INFERENCE_NUM_THREADS".into(), "1".into());
        };
        let release = |record: &mut Experiment| {
            record.arms[0].runtime.as_mut().unwrap().openvino_version = "2026.1.0".into();
        };
        let entries = [entry(|_| ()), entry(property), entry(release)];
        let headings = |entries: &[&Entry]| -> Vec<String> {
            let text = record_list(entries, Detail::Brief).to_text(Some(200));
            text.lines().filter(|line| line.starts_with("tiny-gpt-oss on CPU")).map(str::to_owned).collect()
        };
        let all = headings(&entries.iter().collect::<Vec<_>>());
        assert_eq!(all.len(), 3, "{all:#?}");
        for (at, heading) in all.iter().enumerate() {
            assert!(!all[..at].contains(heading), "{all:#?}");
            assert!(heading.contains(", OpenVINO 2026.") && heading.contains(", properties "), "{heading}");
        }
        assert!(all[2].contains("OpenVINO 2026.1.0"), "{all:#?}");
        let [alone] = &headings(&[&entries[0]])[..] else { panic!("one setting has one heading") };
        assert!(!alone.contains("properties"), "{alone}");
    }

    #[test]
    fn where_records_were_measured_is_in_the_heading_where_it_is_one_place_and_in_their_rows_otherwise() {
        let at = |origin: Origin| Entry { origin, ..entry(|_| ()) };
        let list = |entries: &[Entry]| {
            record_list(&entries.iter().collect::<Vec<_>>(), Detail::Brief).to_text(Some(200))
        };
        let elsewhere = list(&[at(Origin::OtherInstallation), at(Origin::OtherInstallation)]);
        assert_eq!(elsewhere.matches("another installation").count(), 1, "{elsewhere}");
        assert!(elsewhere.lines().next().unwrap().ends_with(", another installation"), "{elsewhere}");
        let mixed = list(&[at(Origin::Here), at(Origin::OtherInstallation)]);
        assert!(mixed.contains("valid, another installation\n"), "{mixed}");
    }
}
