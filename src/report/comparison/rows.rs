//! Rows of a comparison, ready to be shown.

use crate::judge::likeness::{Difference, FigurePair, Interval};
use crate::measure::Metric;
use crate::report::comparison::view::{DifferenceRow, FigureRow};
use crate::report::comparison::words;
use crate::report::number::{change_percent, four_digits, signed_percent};
use crate::report::one_line::one_line;

/// Stands where there is nothing.
pub(super) const NOTHING: &str = "-";
/// Of memory nobody reads bytes.
const BYTES_PER_MEBIBYTE: f64 = 1_048_576.0;

/// A difference.
pub(super) fn difference(difference: &Difference) -> DifferenceRow {
    let told = |value: &Option<String>| one_line(value.as_deref().unwrap_or(difference.absent));
    DifferenceRow {
        what: one_line(&difference.what),
        a: told(&difference.a),
        b: told(&difference.b),
        breaks: difference.breaks.word(),
    }
}

/// A figure of both.
pub(super) fn figure(pair: &FigurePair) -> FigureRow {
    let is_memory = matches!(pair.metric, Metric::PeakRss | Metric::PeakDeviceMemory);
    let told = |value: Option<f64>| {
        let shown = value.map(|value| if is_memory { value / BYTES_PER_MEBIBYTE } else { value });
        shown.map_or(NOTHING.to_owned(), four_digits)
    };
    let has_prompts = !matches!(
        pair.metric,
        Metric::Load | Metric::PeakRss | Metric::PeakDeviceMemory | Metric::LogitDrift
    );
    let all = if has_prompts { "mean" } else { "" };
    FigureRow {
        metric: pair.metric.id(),
        title: words::title(pair.metric),
        prompt: pair.prompt.as_deref().map_or(all.to_owned(), one_line),
        unit: if is_memory { "MiB" } else { pair.metric.unit() },
        better: pair.metric.direction().word(),
        a: told(pair.a),
        b: told(pair.b),
        change: pair.change.map_or(NOTHING.to_owned(), |change| percent(change.ratio)),
        interval: pair.interval().map_or(NOTHING.to_owned(), interval),
        said: words::said(pair),
    }
}

fn interval(Interval { lower, upper }: Interval) -> String {
    format!("[{}, {}]", percent(lower), percent(upper))
}

fn percent(ratio: f64) -> String {
    signed_percent(change_percent(ratio))
}
