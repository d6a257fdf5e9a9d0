//! A whole timeline as CSV, not rounded, for those who want to count themselves.

use crate::error::Result;
use crate::record::csv_text;
use crate::report::view::Timeline;
use crate::report::view::history::standing::Standing;
use crate::report::view::history::track::Track;

/// One row a commit, oldest first. Runtimes and epochs stand in columns of their own, for figures of two of
/// them are not to be compared unseen.
///
/// # Errors
/// None in practice: it is written to memory.
pub(super) fn timeline_csv(
    timeline: &Timeline<'_>,
    standings: &[Option<Standing>],
    epochs: &[usize],
    tracks: &[Track],
) -> Result<String> {
    let fixed = ["author_date_utc", "commit", "openvino", "epoch", "verdict"].map(str::to_owned);
    let header = fixed.into_iter().chain(tracks.iter().flat_map(headings)).collect();
    let rows = timeline.points.iter().enumerate().map(|(at, point)| {
        let fixed = [
            point.author_date_utc.to_owned(),
            point.sha.to_owned(),
            point.entry.setting.series.openvino.clone().unwrap_or_default(),
            epochs[at].to_string(),
            standings[at].map_or("", |it| it.word).to_owned(),
        ];
        fixed.into_iter().chain(tracks.iter().flat_map(|track| figures(track, at))).collect()
    });
    csv_text([header].into_iter().chain(rows))
}

fn headings(track: &Track) -> Vec<String> {
    let name = format!("{} {} ({})", track.shown.name, track.shown.metric.id(), track.shown.unit());
    let bounds = ["lower", "upper"].into_iter().filter(|_| track.shown.processes.is_some());
    [name.clone()]
        .into_iter()
        .chain(bounds.map(|bound| format!("{name}, {bound}")))
        .chain(track.prompts.iter().map(|prompt| format!("{name}, {}", prompt.id)))
        .collect()
}

fn figures(track: &Track, at: usize) -> Vec<String> {
    let bounds = track.intervals[at].map(|it| [it.lower(), it.upper()]);
    let bounds = [0, 1].map(|bound| bounds.map(|it| it[bound]));
    let bounds = bounds.into_iter().filter(|_| track.shown.processes.is_some());
    let figures = [track.means[at]].into_iter().chain(bounds);
    let figures = figures.chain(track.prompts.iter().map(|prompt| prompt.figures[at]));
    figures.map(|figure| figure.map(|it| it.to_string()).unwrap_or_default()).collect()
}
