//! The data of one metric: a column of values for its mean, for half of its interval and for each prompt.

use serde::Serialize;

use crate::report::number::four_digits;
use crate::report::view::Change;
use crate::report::view::history::track::{Track, percent_of};

/// Digits behind the first one that a value keeps: the page shows four.
const MORE_DIGITS: usize = 3;

/// One value a commit; None where there is none.
type Column = Vec<Option<f64>>;

/// A figure of a timeline.
#[derive(Debug, Clone, Serialize)]
pub(super) struct MetricData {
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    better: &'static str,
    mean: Column,
    /// Half of the interval's width; nothing where no commit has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    half: Option<Column>,
    prompts: Vec<PromptData>,
    references: Vec<ReferenceData>,
    changes: Vec<ChangeData>,
}

#[derive(Debug, Clone, Serialize)]
struct PromptData {
    id: String,
    figures: Column,
}

#[derive(Debug, Clone, Serialize)]
struct ReferenceData {
    label: String,
    figure: f64,
    reported: String,
}

#[derive(Debug, Clone, Serialize)]
struct ChangeData {
    at: usize,
    percent: f64,
    worse: bool,
}

/// The data of all metrics of a timeline.
pub(super) fn metrics_of(tracks: &[Track]) -> Vec<MetricData> {
    tracks.iter().map(MetricData::of).collect()
}

/// A column with four digits of each value.
fn rounded(values: impl Iterator<Item = Option<f64>>) -> Column {
    let four_digits =
        |value: f64| format!("{value:.MORE_DIGITS$e}").parse().ok().filter(|it: &f64| it.is_finite());
    values.map(|value| value.and_then(four_digits)).collect()
}

impl MetricData {
    fn of(track: &Track) -> Self {
        let half = track.intervals.iter().map(|it| it.as_ref().map(|it| it.half_width));
        Self {
            name: track.shown.name,
            title: track.shown.title,
            unit: track.shown.unit(),
            better: track.shown.metric.direction().as_str(),
            mean: rounded(track.means.iter().copied()),
            half: track.has_intervals().then(|| rounded(half)),
            prompts: track
                .prompts
                .iter()
                .map(|prompt| PromptData {
                    id: prompt.id.clone(),
                    figures: rounded(prompt.figures.iter().copied()),
                })
                .collect(),
            references: track
                .references
                .iter()
                .map(|it| ReferenceData {
                    label: it.label.clone(),
                    figure: it.figure,
                    reported: four_digits(it.figure),
                })
                .collect(),
            changes: track.changes.iter().filter_map(|change| ChangeData::of(*change, track)).collect(),
        }
    }
}

impl ChangeData {
    fn of(change: Change, track: &Track) -> Option<Self> {
        let percent = percent_of(change)?;
        let worse = track.shown.is_worse(percent);
        Some(Self { at: change.at, percent: (percent * 100.0).round() / 100.0, worse })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_four_digits_and_what_is_no_number_is_none() {
        let values =
            [Some(47.123_456), Some(0.000_123_456), None, Some(f64::NAN), Some(201_088.4), Some(0.0)];
        let column = rounded(values.into_iter());
        assert_eq!(column, [Some(47.12), Some(0.000_123_5), None, None, Some(201_100.0), Some(0.0)]);
    }
}
