//! For people, on a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use crate::record::PeersRecord;
use crate::report::peers::view::{EngineRow, MultipleRow, PeersView};

const ENGINE_HEADINGS: [&str; 12] = [
    "engine",
    "loop",
    "attention",
    "KV cache",
    "TTFT ms",
    "TPOT ms",
    "tok/s",
    "host us/token",
    "load s",
    "peak RSS",
    "anonymous",
    "file-backed",
];
const MULTIPLE_HEADINGS: [&str; 6] = ["engine", "metric", "multiple", "95 % interval", "better", "word"];
const STEP_HEADINGS: [&str; 7] =
    ["what", "from", "to", "tok/s x", "95 % interval", "TPOT x", "95 % interval"];

/// The whole text that `peers` prints for a record, and `history show` prints again.
#[must_use]
pub fn peers_text(record: &PeersRecord) -> String {
    let view = PeersView::of(record);
    let mut text = format!("{}\n{}\n", view.title, view.asked);
    if let Some(failure) = &view.failure {
        let failed = if view.is_interrupted { "" } else { "failed: " };
        let _ = writeln!(text, "\n{failed}{failure}");
    }
    let tokens = view
        .tokens
        .iter()
        .map(|row| [row.glyph.to_owned(), row.engine.clone(), row.badge.word.clone(), row.said.clone()]);
    let _ = write!(text, "\ntokens\n{}", table(None, tokens, &[]));
    let engines = view.engines.iter().map(engine_cells);
    let _ = write!(text, "\n{}", table(Some(ENGINE_HEADINGS), engines, &[4, 5, 6, 7, 8, 9, 10, 11]));
    if !view.multiples.is_empty() {
        let rows = view.multiples.iter().map(multiple_cells);
        let _ = write!(
            text,
            "\nagainst `{}`\n{}{}\n",
            view.reference,
            table(Some(MULTIPLE_HEADINGS), rows, &[2, 3]),
            view.caption
        );
    }
    text.push_str(&finding(&view));
    let rounds = view.rounds.iter().map(|row| [row.round.to_string(), row.engines.clone(), row.said.clone()]);
    if rounds.len() > 0 {
        let _ =
            write!(text, "\nrounds, TPOT ms in the order in which they ran\n{}", table(None, rounds, &[0]));
    }
    for row in &view.warnings {
        let of = if row.engine.is_empty() { String::new() } else { format!(" ({})", row.engine) };
        let _ = writeln!(text, "warning{of}: {}\n  {}", row.message, row.advice);
    }
    text
}

fn engine_cells(row: &EngineRow) -> [String; 12] {
    [
        &row.engine,
        &row.host_loop,
        &row.attention,
        &row.kv_cache,
        &row.ttft_ms,
        &row.tpot_ms,
        &row.throughput_tok_s,
        &row.host_overhead_us,
        &row.load_s,
        &row.peak_rss,
        &row.anonymous,
        &row.file_backed,
    ]
    .map(Clone::clone)
}

fn multiple_cells(row: &MultipleRow) -> [String; 6] {
    [
        row.engine.clone(),
        row.metric.to_owned(),
        row.multiple.clone(),
        row.interval.clone(),
        row.better.to_owned(),
        row.badge.word.clone(),
    ]
}

fn finding(view: &PeersView) -> String {
    let finding = &view.finding;
    let mut text = format!("\n{}\n", finding.published);
    if !finding.steps.is_empty() {
        let rows = finding.steps.iter().map(|row| {
            [
                row.what.clone(),
                row.from.clone(),
                row.to.clone(),
                row.throughput.clone(),
                row.throughput_interval.clone(),
                row.tpot.clone(),
                row.tpot_interval.clone(),
            ]
        });
        text.push_str(&table(Some(STEP_HEADINGS), rows, &[3, 4, 5, 6]));
    }
    for line in finding.whole.iter().chain(&finding.missing) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Rows in aligned columns, those of these places to the right, with a line's end after each.
fn table<const N: usize>(
    headings: Option<[&str; N]>,
    rows: impl Iterator<Item = [String; N]>,
    to_the_right: &[usize],
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(headings) = headings {
        table.set_header(headings);
    }
    for row in rows {
        table.add_row(row);
    }
    for at in to_the_right {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
