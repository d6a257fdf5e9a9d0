//! What changed on a timeline: change points and epochs, newest first.

use serde::Serialize;

use crate::judge::change_point::Detection;
use crate::measure::Metric;
use crate::report::decision::Mark;
use crate::report::number::{change_percent, four_digits, signed_percent};
use crate::report::one_line;
use crate::report::view::overview::OverviewSources;
use crate::report::view::{Badge, Change, CommitLink, EpochStart, Timeline, exchanged};

/// So many changes are told.
const SHOWN: usize = 8;

/// A change and its reason.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ChangeRow {
    /// The commit from which on it is so.
    commit: Option<CommitLink>,
    /// When that was authored, UTC.
    date_utc: String,
    /// Its subject; None where it is not known.
    subject: Option<String>,
    /// Slower, faster, or something else.
    badge: Badge,
    /// By how much, as in "+4.80 %"; None for an epoch.
    change: Option<String>,
    /// Why it is thought so.
    because: String,
    #[serde(skip)]
    at: usize,
}

/// The newest changes of a timeline, newest first.
pub(super) fn rows(timeline: &Timeline<'_>, sources: OverviewSources<'_>) -> Vec<ChangeRow> {
    let points = timeline.tpot_changes.iter().map(|change| of_change(timeline, *change));
    let epochs = timeline.epochs.iter().map(|epoch| of_epoch(timeline, epoch));
    let mut rows: Vec<ChangeRow> = epochs.chain(points).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    rows.truncate(SHOWN);
    for row in &mut rows {
        let subject = (sources.subject_of)(timeline.points[row.at].entry);
        row.subject = subject.map(|subject| one_line(&subject)).filter(|subject| !subject.is_empty());
    }
    rows
}

fn of_change(timeline: &Timeline<'_>, change: Change) -> ChangeRow {
    let percent = change.point.ratio().map_or(f64::NAN, change_percent);
    let is_slower = change.point.mean_after > change.point.mean_before;
    let badge = if is_slower { Badge::new(Mark::Fails, "slower") } else { Badge::new(Mark::Holds, "faster") };
    let because = format!(
        "{} {} before, {} from here on ({}); p {:.0e}, below {}",
        four_digits(change.point.mean_before),
        Metric::TimePerOutputToken.unit(),
        four_digits(change.point.mean_after),
        Metric::TimePerOutputToken.id(),
        change.point.p_value,
        Detection::default().largest_p_value,
    );
    ChangeRow { badge, change: Some(signed_percent(percent)), because, ..row(timeline, change.at) }
}

fn of_epoch(timeline: &Timeline<'_>, epoch: &EpochStart) -> ChangeRow {
    let changes: Vec<String> = epoch.changes.iter().map(exchanged).collect();
    ChangeRow {
        badge: Badge::new(Mark::NotJudged, "new epoch"),
        because: format!("what lies under the measurement was exchanged: {}", changes.join(", ")),
        ..row(timeline, epoch.at)
    }
}

fn row(timeline: &Timeline<'_>, at: usize) -> ChangeRow {
    let point = &timeline.points[at];
    ChangeRow {
        commit: CommitLink::of(point.sha),
        date_utc: point.author_date_utc.to_owned(),
        subject: None,
        badge: Badge::new(Mark::NotJudged, ""),
        change: None,
        because: String::new(),
        at,
    }
}
