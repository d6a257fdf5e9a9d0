//! A whole timeline as CSV, not rounded, for those who want to count themselves.

use crate::error::{Error, Result};
use crate::report::one_line;
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
    let failed = |cause: &dyn std::fmt::Display| Error::harness(format!("cannot write CSV: {cause}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let fixed = ["author_date_utc", "commit", "openvino", "epoch", "verdict"].map(str::to_owned);
    let header = fixed.into_iter().chain(tracks.iter().flat_map(headings));
    writer.write_record(header).map_err(|cause| failed(&cause))?;
    for (at, point) in timeline.points.iter().enumerate() {
        let openvino = point.entry.setting.series.openvino.as_deref().unwrap_or_default();
        let fixed = [
            cell(point.author_date_utc),
            cell(point.sha),
            cell(openvino),
            epochs[at].to_string(),
            standings[at].map_or("", |it| it.word).to_owned(),
        ];
        let row = fixed.into_iter().chain(tracks.iter().flat_map(|track| figures(track, at)));
        writer.write_record(row).map_err(|cause| failed(&cause))?;
    }
    let bytes = writer.into_inner().map_err(|cause| failed(&cause))?;
    String::from_utf8(bytes).map_err(|cause| failed(&cause))
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

/// A text of a record as a cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let text = one_line(text);
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}
