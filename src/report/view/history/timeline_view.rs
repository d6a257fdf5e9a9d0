//! One timeline on the page: its metrics with their tables, its epochs, and the same as CSV.

use serde_json::{Value, json};

use crate::error::Result;
use crate::record::csv_text;
use crate::report::mark::{Badge, Mark};
use crate::report::number::{counted, four_digits, signed_percent};
use crate::report::view::history::line_chart::chart_of;
use crate::report::view::history::{Extent, FEW_ROWS, ROWS, Standing, TimelineParts, day};
use crate::report::view::track::{Track, percent_of};
use crate::report::view::{Change, CommitLink, EpochStart, changed};
use crate::visible::one_line;

/// Change points of a metric in the page, the newest ones.
const CHANGES: usize = 8;

pub(super) fn timeline_view(parts: &TimelineParts<'_>, extent: Extent) -> Value {
    let timeline = parts.timeline;
    let series = timeline.series;
    let [model, device, machine] =
        [&series.model, &series.device_in_words(), &series.machine].map(|name| one_line(name));
    let measured = timeline.points.iter().filter(|point| point.metric_values().is_some()).count();
    let epoch = |(number, epoch): (usize, &EpochStart)| {
        let reason = epoch.changes.iter().map(changed).collect::<Vec<_>>().join("; ");
        let point = &timeline.points[epoch.at];
        let day = day(point.author_date_utc);
        json!({ "number": number, "commit": CommitLink::of(point.sha), "day": day, "reason": reason })
    };
    json!({
        "id": parts.id,
        "title": format!("{model} on {device} of {machine}"),
        "setting": parts.runtimes.join(", "),
        "measured": format!(
            "{}, {measured} with a valid run; {}",
            counted(timeline.points.len(), "commit"),
            counted(timeline.epochs.len() + 1, "epoch")
        ),
        "is_open": extent.is_open,
        "csv_href": parts.csv_file(),
        "metrics": parts.tracks.iter().map(|track| metric_view(parts, track, extent)).collect::<Value>(),
        "epochs": (2..).zip(&timeline.epochs).map(epoch).collect::<Value>(),
    })
}

fn metric_view(parts: &TimelineParts<'_>, track: &Track, extent: Extent) -> Value {
    let changes = counted(track.changes.len(), "change point");
    json!({
        "name": track.shown.name,
        "title": track.shown.title,
        "unit": track.shown.unit(),
        "measure": track.shown.measure(),
        "definition": track.shown.metric.id(),
        // Without one only the script draws it.
        "chart": extent.has_charts.then(|| chart_of(parts.timeline, &parts.standings, track)),
        "changed": if track.changes.len() > CHANGES {
            format!("the newest {CHANGES} of {changes}")
        } else {
            changes
        },
        "changes": changes_of(parts, track),
        "table": table(parts, track, if extent.has_charts { ROWS } else { FEW_ROWS }),
    })
}

/// The newest change points, newest first.
fn changes_of(parts: &TimelineParts<'_>, track: &Track) -> Vec<Value> {
    let row = |change: &Change| {
        let percent = percent_of(*change)?;
        let is_worse = track.shown.is_worse(percent);
        let badge =
            if is_worse { Badge::new(Mark::Fails, "worse") } else { Badge::new(Mark::Holds, "better") };
        let point = &parts.timeline.points[change.at];
        Some(json!({
            "badge": badge,
            "percent": signed_percent(percent),
            "commit": CommitLink::of(point.sha),
            "day": day(point.author_date_utc),
        }))
    };
    track.changes.iter().rev().filter_map(row).take(CHANGES).collect()
}

/// The newest values as a table, for those who read no chart. A commit without any value has a row, for it says why.
fn table(parts: &TimelineParts<'_>, track: &Track, most: usize) -> Value {
    let points = &parts.timeline.points;
    let is_shown = |at: &usize| track.means[*at].is_some() || points[*at].metric_values().is_none();
    let places: Vec<usize> = (0..points.len()).rev().filter(is_shown).collect();
    let row = |at: usize| {
        let prompts =
            track.prompts.iter().map(|prompt| prompt.metric_values[at].map(four_digits).unwrap_or_default());
        json!({
            "commit": CommitLink::of(points[at].sha),
            "day": day(points[at].author_date_utc),
            "figure": track.means[at].map(four_digits),
            "interval": track.intervals[at]
                .map(|it| format!("{} to {}", four_digits(it.lower()), four_digits(it.upper()))),
            "prompts": prompts.collect::<Value>(),
            "standing": parts.standings[at].map(Standing::badge),
            "epoch": parts.epochs[at],
        })
    };
    let shown = places.len().min(most);
    json!({
        "caption": if shown < places.len() {
            format!("The newest {shown} of {}", places.len())
        } else {
            format!("All {shown}")
        },
        "has_intervals": track.has_intervals(),
        "prompts": track.prompts.iter().map(|prompt| &prompt.name).collect::<Vec<_>>(),
        "rows": places.into_iter().take(most).map(row).collect::<Value>(),
    })
}

/// A whole timeline as CSV, not rounded: a row a commit, oldest first. Runtimes and epochs stand in columns of their
/// own, for values of two of them are not to be compared unseen.
///
/// # Errors
/// None in practice: it is written to memory.
pub(super) fn timeline_csv(parts: &TimelineParts<'_>) -> Result<String> {
    let fixed = ["author_date_utc", "commit", "openvino", "epoch", "verdict"].map(str::to_owned);
    let header = fixed.into_iter().chain(parts.tracks.iter().flat_map(csv_headings)).collect();
    let rows = parts.timeline.points.iter().enumerate().map(|(at, point)| {
        let fixed = [
            point.author_date_utc.to_owned(),
            point.sha.to_owned(),
            point.entry.setting.series.openvino.clone().unwrap_or_default(),
            parts.epochs[at].to_string(),
            parts.standings[at].map_or("", |it| it.word).to_owned(),
        ];
        fixed.into_iter().chain(parts.tracks.iter().flat_map(|track| csv_values(track, at))).collect()
    });
    csv_text([header].into_iter().chain(rows))
}

fn csv_headings(track: &Track) -> Vec<String> {
    let name = format!("{} {} ({})", track.shown.name, track.shown.metric.id(), track.shown.unit());
    let bounds = ["lower", "upper"].into_iter().filter(|_| track.shown.processes.is_some());
    [name.clone()]
        .into_iter()
        .chain(bounds.map(|bound| format!("{name}, {bound}")))
        .chain(track.prompts.iter().map(|prompt| format!("{name}, {}", prompt.name)))
        .collect()
}

fn csv_values(track: &Track, at: usize) -> Vec<String> {
    let interval = track.intervals[at];
    let bounds = [interval.map(|it| it.lower()), interval.map(|it| it.upper())];
    let bounds = bounds.into_iter().filter(|_| track.shown.processes.is_some());
    let values = [track.means[at]].into_iter().chain(bounds);
    let values = values.chain(track.prompts.iter().map(|prompt| prompt.metric_values[at]));
    values.map(|value| value.map(|it| it.to_string()).unwrap_or_default()).collect()
}
