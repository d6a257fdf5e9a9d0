//! The records of a store, as a table for people and as JSON for programs.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::golden::GoldenResult;
use crate::record::{Entry, Origin, Outcome, RecordKind, utc_now};

const HEAD: [&str; 9] =
    ["commit", "when", "kind", "machine", "model", "device", "tok/s", "TPOT ms", "verdict"];
/// The columns of figures.
const FIGURES: [usize; 2] = [6, 7];

/// A line a record. tok/s includes the prefill, TPOT excludes it, as in the table of `bench`. Where one was not
/// measured here, a column has the origins.
#[must_use]
pub fn record_list(entries: &[&Entry]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let has_origins = entries.iter().any(|entry| entry.origin != Origin::Here);
    table.set_header(HEAD.into_iter().chain(has_origins.then_some("origin")));
    let now = utc_now();
    for entry in entries {
        let series = &entry.setting.series;
        let figure = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        let later = if entry.is_later_than(&now) { " (later than now)" } else { "" };
        let cells = [
            commit(entry),
            format!("{}{later}", plain(&entry.when_utc)),
            kind(entry).to_owned(),
            series.machine.clone(),
            plain(&series.model),
            series.device_in_words(),
            figure(entry.figures.as_ref().map(|figures| figures.throughput_tok_s)),
            figure(entry.figures.as_ref().map(|figures| figures.tpot_ms)),
            verdict(entry),
        ];
        table.add_row(cells.into_iter().chain(has_origins.then(|| plain(&entry.origin.in_words()))));
    }
    for at in FIGURES {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect()
}

/// The same, with all that the index knows.
#[must_use]
pub fn record_list_json(entries: &[&Entry]) -> String {
    let records: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({
                "path": entry.path,
                "kind": entry.kind,
                "run_id": entry.run_id,
                "when_utc": entry.when_utc,
                "commit": entry.commit,
                "outcome": entry.outcome,
                "golden": entry.golden,
                "figures": entry.figures,
                "verdict": entry.verdict(),
                "origin": entry.origin.in_words(),
                "measured_here": entry.origin == Origin::Here,
                "may_be_baseline": entry.may_be_baseline(),
                "series": entry.setting.series,
                "epoch": entry.setting.epoch,
            })
        })
        .collect();
    format!("{:#}\n", json!({ "records": records }))
}

/// A text of a record from elsewhere must not steer a terminal.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "?")
}

fn kind(entry: &Entry) -> &'static str {
    match entry.kind {
        RecordKind::RunRecord => "bench",
        RecordKind::AbRecord => "ab",
        RecordKind::PeersRecord => "peers",
    }
}

fn commit(entry: &Entry) -> String {
    let Some(commit) = &entry.commit else { return "-".to_owned() };
    let dirty = if commit.dirty { " dirty" } else { "" };
    format!("{}{dirty}", commit.sha.get(..12).unwrap_or(&commit.sha))
}

/// What an A/B came to; of a run the word on its output, or how it ended otherwise.
fn verdict(entry: &Entry) -> String {
    let golden = entry.golden.map_or("-", GoldenResult::word);
    let ended = match entry.outcome {
        Outcome::Complete => golden,
        Outcome::WrongOutput => "wrong output",
        Outcome::Interrupted => "interrupted",
        Outcome::Failed => "failed",
        Outcome::NotMeasured => "not measured",
    };
    entry.verdict().map_or(ended, |verdict| verdict.word()).to_owned()
}
