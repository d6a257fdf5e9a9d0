//! A run of ours and what another tool measured, side by side and not compared.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use crate::judge::{ForeignAverage, RunFigures, foreign_averages, summarise};
use crate::measure::Metric;
use crate::record::{ForeignRecord, RunRecord};
use crate::report::number::four_digits;
use crate::report::one_line;

/// The definitions that others measure by, too.
const SHARED: [Metric; 3] = [Metric::EndToEndLatency, Metric::EndToEndPerToken, Metric::EndToEndThroughput];

/// Both columns, of definitions with one id alone, and none where the device is another.
#[must_use]
pub fn foreign_beside(ours: &RunRecord, theirs: &ForeignRecord) -> String {
    let told = &theirs.told_by_tool;
    let said = |text: Option<&str>| text.map_or_else(|| "not told".to_owned(), one_line);
    let mut text = format!(
        "Shown, not compared: the tokens of B were never verified, and what it ran is the tool's word alone.\n\
         A: run {}, model {}, device {}, {} tokens a prompt\n\
         B: {}, model {}, device {}, {} tokens a prompt\n",
        one_line(&ours.run_id),
        one_line(&ours.model.name),
        one_line(ours.device.actual()),
        ours.workload.new_tokens,
        theirs.format.title(),
        said(told.model.as_deref()),
        said(told.device.as_deref()),
        tokens(theirs).map_or_else(|| "unlike".to_owned(), |tokens| tokens.to_string()),
    );
    let device = told.device.as_deref();
    if !device.is_some_and(|device| device.eq_ignore_ascii_case(ours.device.actual())) {
        text.push_str("No figure is shown: B is not said to be of the device of A.\n");
        return text;
    }
    match rows(ours, theirs) {
        Some(rows) => _ = write!(text, "\n{rows}"),
        None => text.push_str("No figure is shown: they have none of one definition.\n"),
    }
    text
}

/// The tokens that every row of theirs that counts has made.
fn tokens(theirs: &ForeignRecord) -> Option<u64> {
    foreign_averages(theirs).last()?.new_tokens
}

fn rows(ours: &RunRecord, theirs: &ForeignRecord) -> Option<String> {
    let ours = summarise(ours).average?.mean;
    let theirs = foreign_averages(theirs);
    // The last are of all prompts, or of the only one.
    let whole = &theirs.last()?.prompt;
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["definition", "A", "B", "unit"]);
    for metric in SHARED {
        let is_it = |it: &&_| is_of(it, whole.as_ref(), metric);
        let Some(average) = theirs.iter().find(is_it) else { continue };
        table.add_row([
            metric.id().to_owned(),
            four_digits(of(&ours, metric)),
            four_digits(average.average),
            metric.unit().to_owned(),
        ]);
    }
    if table.row_count() == 0 {
        return None;
    }
    for at in [1, 2] {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    Some(table.lines().map(|line| line.trim_end().to_owned() + "\n").collect())
}

fn is_of(average: &ForeignAverage, prompt: Option<&String>, metric: Metric) -> bool {
    average.prompt.as_ref() == prompt && average.definition.id == metric.id()
}

fn of(figures: &RunFigures, metric: Metric) -> f64 {
    match metric {
        Metric::EndToEndLatency => figures.latency_s,
        Metric::EndToEndPerToken => figures.per_token_ms,
        Metric::EndToEndThroughput => figures.throughput_tok_s,
        _ => f64::NAN,
    }
}
