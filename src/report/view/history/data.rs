//! The data of the page's script: columns instead of rows, for ten thousand commits weigh.

use serde::Serialize;
use serde_json::{Value, json};

use crate::report::chart::Reference;
use crate::report::number::four_digits;
use crate::report::view::history::{Standing, TimelineParts, day, runtime_name};
use crate::report::view::track::{Track, percent_of};
use crate::report::view::{Change, changed};
use crate::visible::one_line;

/// Digits by which a commit is shown and found in an address.
const SHA_DIGITS: usize = 12;
/// Digits behind the first one of a value: the page shows four.
const MORE_DIGITS: usize = 3;

/// One value a commit; None where there is none.
type Column = Vec<Option<f64>>;

/// A timeline. A script knows a commit by its place.
#[derive(Debug, Serialize)]
pub(super) struct TimelineData {
    id: String,
    machine: String,
    model: String,
    device: String,
    workload: String,
    runtimes: Vec<String>,
    runtime_starts: Vec<RuntimeStart>,
    shas: Vec<String>,
    /// The author's day of each commit, as in "2026-11-24".
    days: Vec<String>,
    /// Results on commits; a letter in `standings` is the place here, "." none.
    words: Vec<StandingData>,
    standings: String,
    epochs: Vec<EpochData>,
    metrics: Vec<MetricData>,
}

#[derive(Debug, Serialize)]
struct RuntimeStart {
    at: usize,
    runtime: usize,
}

#[derive(Debug, Serialize)]
struct StandingData {
    class: &'static str,
    glyph: &'static str,
    word: &'static str,
}

#[derive(Debug, Serialize)]
struct EpochData {
    at: usize,
    text: String,
}

#[derive(Debug, Serialize)]
struct MetricData {
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
    changes: Vec<Value>,
}

#[derive(Debug, Serialize)]
struct ReferenceData {
    #[serde(flatten)]
    reference: Reference,
    reported: String,
}

#[derive(Debug, Serialize)]
struct PromptData {
    id: String,
    #[serde(rename = "figures")]
    metric_values: Column,
}

impl TimelineData {
    pub(super) fn of(parts: TimelineParts<'_>) -> Self {
        let TimelineParts { timeline, id, runtimes, .. } = parts;
        let (points, series) = (&timeline.points, timeline.series);
        let mut words: Vec<Standing> = Vec::new();
        let letter = |standing: &Option<Standing>| {
            let Some(standing) = standing else { return '.' };
            let place = words.iter().position(|word| word == standing).unwrap_or_else(|| {
                words.push(*standing);
                words.len() - 1
            });
            // There are fewer words than letters.
            u8::try_from(place).map_or('.', |place| char::from(b'a'.saturating_add(place)))
        };
        let standings = parts.standings.iter().map(letter).collect();
        let runtime = |at: usize| {
            let name = runtime_name(points[at].entry);
            runtimes.iter().position(|it| *it == name).unwrap_or_default()
        };
        let begins = |at: &usize| *at == 0 || runtime(*at) != runtime(at - 1);
        let workload: String = series.workload_sha256.chars().take(SHA_DIGITS).collect();
        let epochs = timeline.epochs.iter().map(|epoch| EpochData {
            at: epoch.at,
            text: epoch.changes.iter().map(changed).collect::<Vec<_>>().join(", "),
        });
        Self {
            id,
            machine: one_line(&series.machine),
            model: one_line(&series.model),
            device: one_line(&series.device_in_words()),
            workload: one_line(&workload),
            runtime_starts: (0..points.len())
                .filter(begins)
                .map(|at| RuntimeStart { at, runtime: runtime(at) })
                .collect(),
            shas: points.iter().map(|point| point.sha.chars().take(SHA_DIGITS).collect()).collect(),
            days: points.iter().map(|point| one_line(day(point.author_date_utc))).collect(),
            words: words
                .iter()
                .map(|it| StandingData { class: it.mark.as_str(), glyph: it.mark.shape(), word: it.word })
                .collect(),
            standings,
            epochs: epochs.collect(),
            metrics: parts.tracks.iter().map(MetricData::of).collect(),
            runtimes,
        }
    }
}

impl MetricData {
    fn of(track: &Track) -> Self {
        let half = track.intervals.iter().map(|it| it.as_ref().map(|it| it.half_width_ln));
        let change = |change: &Change| {
            let percent = percent_of(*change)?;
            let rounded = (percent * 100.0).round() / 100.0;
            Some(json!({ "at": change.at, "percent": rounded, "worse": track.shown.is_worse(percent) }))
        };
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
                    id: prompt.name.clone(),
                    metric_values: rounded(prompt.metric_values.iter().copied()),
                })
                .collect(),
            references: track
                .references
                .iter()
                .map(|it| ReferenceData { reported: four_digits(it.metric_value), reference: it.clone() })
                .collect(),
            changes: track.changes.iter().filter_map(change).collect(),
        }
    }
}

/// A column with four digits of each value.
fn rounded(values: impl Iterator<Item = Option<f64>>) -> Column {
    let four_digits =
        |value: f64| format!("{value:.MORE_DIGITS$e}").parse().ok().filter(|it: &f64| it.is_finite());
    values.map(|value| value.and_then(four_digits)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_four_digits_and_what_is_no_number_is_none() {
        let values =
            [Some(47.123_456), Some(0.000_123_456), None, Some(f64::NAN), Some(201_088.4), Some(0.0)];
        let column = rounded(values.into_iter());
        assert_eq!(column, [Some(47.12), Some(0.000_123_5), None, None, Some(201_100.0), Some(0.0)]);
    }
}
