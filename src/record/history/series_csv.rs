//! Figures as CSV, a file a series: what is not comparable never stands in one column.

use crate::error::{Error, Result};
use crate::measure::Metric;
use crate::record::history::entry::Entry;
use crate::record::history::summary_row::SummaryRow;
use crate::visible::cell;

/// A column of a series.
#[derive(Debug, Clone, Copy)]
pub struct SeriesColumn {
    /// Its definition, whose id is the column's name.
    pub metric: Metric,
    value: fn(&SummaryRow) -> f64,
}

impl SeriesColumn {
    /// Its value, in the definition's unit.
    #[must_use]
    pub fn value(&self, figures: &SummaryRow) -> f64 {
        (self.value)(figures)
    }
}

/// The columns after time and commit. Each row has all of them: readers take no gaps.
pub const SERIES_COLUMNS: [SeriesColumn; 4] = [
    SeriesColumn { metric: Metric::TimeToFirstToken, value: |figures| figures.ttft_ms },
    SeriesColumn { metric: Metric::TimePerOutputToken, value: |figures| figures.tpot_ms },
    SeriesColumn { metric: Metric::EndToEndLatency, value: |figures| figures.latency_s },
    SeriesColumn { metric: Metric::EndToEndThroughput, value: |figures| figures.throughput_tok_s },
];

/// One row a record, in the order given: `time,commit,<metric>...`. The time is the commit's, so that a
/// commit that was measured late stands where it belongs. Records that can be no baseline have no row.
///
/// # Errors
/// None in practice: it is written to memory.
pub fn series_csv(entries: &[&Entry]) -> Result<String> {
    let header = ["time", "commit"].into_iter().chain(SERIES_COLUMNS.iter().map(|column| column.metric.id()));
    let rows = entries.iter().filter(|entry| entry.may_be_baseline()).filter_map(|entry| {
        let (commit, figures) = (entry.commit.as_ref()?, entry.figures.as_ref()?);
        let values = SERIES_COLUMNS.iter().map(|column| column.value(figures).to_string());
        Some([commit.author_date_utc.clone(), commit.sha.clone()].into_iter().chain(values).collect())
    });
    csv_text([header.map(str::to_owned).collect()].into_iter().chain(rows))
}

/// Rows as CSV, the one way in which it is written: what a spreadsheet would take for a formula stands behind an
/// apostrophe, and every cell is a line.
///
/// # Errors
/// None in practice: it is written to memory.
pub fn csv_text(rows: impl IntoIterator<Item = Vec<String>>) -> Result<String> {
    let failed = |cause: &dyn std::fmt::Display| Error::harness(format!("cannot write CSV: {cause}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(|text| cell(text))).map_err(|cause| failed(&cause))?;
    }
    let bytes = writer.into_inner().map_err(|cause| failed(&cause))?;
    String::from_utf8(bytes).map_err(|cause| failed(&cause))
}
