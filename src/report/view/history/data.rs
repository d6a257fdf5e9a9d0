//! The data of the page's script: columns instead of rows, for ten thousand commits weigh.

use serde_json::{Value, json};

use crate::report::chart::{PromptLine, Reference};
use crate::report::number::four_digits;
use crate::report::view::history::{Standing, TimelineParts, day, runtime_name};
use crate::report::view::track::{Track, percent_of};
use crate::report::view::{Change, EpochStart, changed, place_in};
use crate::visible::one_line;

/// Digits by which a commit is shown and found in an address.
const SHA_DIGITS: usize = 12;
/// Digits behind the first one of a value: the page shows four.
const MORE_DIGITS: usize = 3;

/// A timeline. A script knows a commit by its place.
pub(super) fn timeline_data(parts: TimelineParts<'_>) -> Value {
    let TimelineParts { timeline, id, runtimes, .. } = parts;
    let (points, series) = (&timeline.points, timeline.series);
    let mut words: Vec<Standing> = Vec::new();
    let letter = |standing: &Option<Standing>| {
        let Some(standing) = standing else { return '.' };
        let place = place_in(&mut words, *standing);
        // There are fewer words than letters.
        u8::try_from(place).map_or('.', |place| char::from(b'a'.saturating_add(place)))
    };
    let standings: String = parts.standings.iter().map(letter).collect();
    let word =
        |it: &Standing| json!({ "class": it.mark.as_str(), "glyph": it.mark.shape(), "word": it.word });
    let runtime = |at: usize| {
        let name = runtime_name(points[at].entry);
        runtimes.iter().position(|it| *it == name).unwrap_or_default()
    };
    let begins = |at: &usize| *at == 0 || runtime(*at) != runtime(at - 1);
    let start = |at: usize| json!({ "at": at, "runtime": runtime(at) });
    let epoch = |epoch: &EpochStart| {
        let changes: Vec<String> = epoch.changes.iter().map(changed).collect();
        json!({ "at": epoch.at, "text": changes.join(", ") })
    };
    let digits = |sha: &str| -> String { sha.chars().take(SHA_DIGITS).collect() };
    json!({
        "id": id,
        "machine": one_line(&series.machine),
        "model": one_line(&series.model),
        "device": one_line(&series.device_in_words()),
        "workload": one_line(&digits(&series.workload_sha256)),
        "runtimes": runtimes,
        "runtime_starts": (0..points.len()).filter(begins).map(start).collect::<Value>(),
        "shas": points.iter().map(|point| digits(point.sha)).collect::<Value>(),
        // The author's day of each commit, as in "2026-11-24".
        "days": points.iter().map(|point| one_line(day(point.author_date_utc))).collect::<Value>(),
        // Results on commits; a letter in `standings` is the place here, "." none.
        "words": words.iter().map(word).collect::<Value>(),
        "standings": standings,
        "epochs": timeline.epochs.iter().map(epoch).collect::<Value>(),
        "metrics": parts.tracks.iter().map(metric_data).collect::<Value>(),
    })
}

fn metric_data(track: &Track) -> Value {
    let change = |change: &Change| {
        let percent = percent_of(*change)?;
        let rounded = (percent * 100.0).round() / 100.0;
        Some(json!({ "at": change.at, "percent": rounded, "worse": track.shown.is_worse(percent) }))
    };
    let prompt =
        |it: &PromptLine| json!({ "id": it.name, "figures": rounded(it.metric_values.iter().copied()) });
    let reference = |it: &Reference| {
        let mut value = json!(it);
        value["reported"] = four_digits(it.metric_value).into();
        value
    };
    let mut value = json!({
        "name": track.shown.name,
        "title": track.shown.title,
        "unit": track.shown.unit(),
        "better": track.shown.metric.direction().as_str(),
        "mean": rounded(track.means.iter().copied()),
        "prompts": track.prompts.iter().map(prompt).collect::<Value>(),
        "references": track.references.iter().map(reference).collect::<Value>(),
        "changes": track.changes.iter().filter_map(change).collect::<Value>(),
    });
    if track.has_intervals() {
        // Half of the interval's width.
        value["half"] = json!(rounded(track.intervals.iter().map(|it| it.map(|it| it.half_width_ln))));
    }
    value
}

/// A column, one value a commit, with four digits of each.
fn rounded(values: impl Iterator<Item = Option<f64>>) -> Vec<Option<f64>> {
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
