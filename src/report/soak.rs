//! A soak: the pace over time, where it changed, and whether it came back after a pause and after a restart.

use serde_json::json;

use crate::judge::Validity;
use crate::judge::soak::{SoakResult, SoakWindow};
use crate::record::{ArmView, Experiment};
use crate::report::bench::title;
use crate::report::chart::soak_chart;
use crate::report::document::{Cell, Document, Table, number};
use crate::report::mark::{add_validity, repeats_validity};
use crate::report::number::{change_percent, counted, signed_percent};

const HEADINGS: [&str; 7] = ["process", "min", "TPOT ms", "chip C", "GPU MHz", "W", "peak MiB"];
/// The table has so many rows at most; the page's chart has every window.
const MOST_ROWS: usize = 12;

/// The report on a record of `soak`.
pub fn soak_document(record: ArmView<'_>) -> Document {
    let validity = Validity::of_run(&record);
    let mut document = Document::default();
    add_validity(&mut document, &validity, record);
    let result = SoakResult::of(&record);
    if validity == Validity::Interrupted && result.windows.is_empty() {
        return document;
    }
    document.title(title(record));
    let tokens: usize = record.measured_samples().map(|sample| sample.token_ids.len()).sum();
    document.text(format!(
        "soak: {}, {} generations of {} tokens, {tokens} tokens",
        counted(record.measured_processes().count(), "process"),
        record.measured_samples().count(),
        record.workload.new_tokens
    ));
    if result.on_battery {
        document.text("on battery: some of it ran without AC power");
    }
    let change = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |it| signed_percent(change_percent(it)));
    document.fact("TPOT, last tenth to first", change(result.last_over_first()));
    document.fact("TPOT after the pause", change(result.after_pause));
    document.fact("TPOT after the restart", change(result.after_restart));
    let changes = result.changes.iter().map(|it| {
        let change = signed_percent(change_percent(it.after_ms / it.before_ms));
        format!("{:.2} to {:.2} ms ({change}) after {:.1} min", it.before_ms, it.after_ms, it.at_s / 60.0)
    });
    let changes: Vec<String> = changes.collect();
    document.fact("changes of TPOT", if changes.is_empty() { "none".to_owned() } else { changes.join("; ") });
    let every = result.windows.len().div_ceil(MOST_ROWS).max(1);
    document.table(Table::new(HEADINGS).with_rows(result.windows.iter().step_by(every).map(row)));
    for warning in record.warnings.iter().filter(|warning| !repeats_validity(&validity, warning)) {
        document.warning("", warning);
    }
    document
}

fn row(window: &SoakWindow) -> [Cell; 7] {
    let of = |value: Option<f64>, decimals: usize| number(value.map(|value| format!("{value:.decimals$}")));
    let peak = window.peak_rss_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20));
    [
        number(Some((window.process + 1).to_string())),
        of(Some(window.at_s / 60.0), 1),
        of(Some(window.tpot_ms), 2),
        of(window.celsius, 0),
        of(window.gpu_mhz, 0),
        of(window.watts, 1),
        of(peak, 1),
    ]
}

/// Adds the chart of a soak; none without a window.
pub(in crate::report) fn add_soak_chart(document: &mut Document, record: &Experiment) {
    let result = SoakResult::of(&record.subject());
    if !result.windows.is_empty() {
        document.chart(Some(soak_chart("Time per output token over time", &result)));
    }
}

/// The windows of a soak, as text. What was not observed is null.
pub fn soak_json(record: &Experiment) -> String {
    let result = SoakResult::of(&record.subject());
    let value = json!({
        "schema": "arcgauge-soak@1",
        "run_id": record.run_id,
        "validity": Validity::of(record).as_str(),
        "soak": record.sampling.soak,
        "on_battery": result.on_battery,
        "last_over_first": result.last_over_first(),
        "after_pause": result.after_pause,
        "after_restart": result.after_restart,
        "changes": result.changes,
        "windows": result.windows,
    });
    format!("{value:#}\n")
}
