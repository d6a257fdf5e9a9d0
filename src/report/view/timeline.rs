//! Timelines: the commits of one machine, model, device and workload in their order, with what was
//! measured and decided of each, and where it changed.

use std::cmp::Reverse;

use crate::error::Result;
use crate::golden::GoldenResult;
use crate::judge::Validity;
use crate::judge::change_point::{ChangePoint, Detection, change_points};
use crate::record::{
    AbSummary, Ancestry, Entry, EpochChange, Line, Outcome, PlanKind, Series, Setting, SummaryRow, Verdict,
    keep_line, sort_along,
};
use crate::report::view::place_in;

/// The commits of one machine, model, device and workload. Of the runtime there may be several: a new one
/// begins an epoch.
#[derive(Debug, Clone)]
pub struct Timeline<'a> {
    /// The series of its newest record.
    pub series: &'a Series,
    /// The setting of its newest record on a device.
    pub setting: &'a Setting,
    /// Its commits, oldest first.
    pub points: Vec<Point<'a>>,
    /// Where the environment of the measurement changed.
    pub epochs: Vec<EpochStart>,
}

/// A commit.
#[derive(Debug, Clone)]
pub struct Point<'a> {
    /// 40 hexadecimal digits.
    pub sha: &'a str,
    /// When it was authored, UTC.
    pub author_date_utc: &'a str,
    /// Its newest valid run with values; else the head of its newest such A/B; else its newest record.
    pub entry: &'a Entry,
    /// Its newest record.
    pub newest: &'a Entry,
    /// Its newest A/B against another commit.
    pub ab: Option<&'a Entry>,
    /// How many records it has here.
    pub records: usize,
}

/// The first commit of an epoch, but for the first of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochStart {
    /// Its place among the points.
    pub at: usize,
    /// What changed.
    pub changes: Vec<EpochChange>,
}

/// A commit from which on a value is another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Its place among the points.
    pub at: usize,
    /// What was found.
    pub point: ChangePoint,
}

impl Point<'_> {
    /// Its values, where the output is verified and the times are valid.
    pub fn metric_values(&self) -> Option<&SummaryRow> {
        self.entry.metric_values.as_ref().filter(|_| is_valid(self.entry))
    }

    /// What its newest A/B against another commit came to.
    pub fn ab_summary(&self) -> Option<&AbSummary> {
        self.ab.and_then(|entry| entry.ab.as_ref())
    }

    /// The verdict of that A/B: the gate's, where there is one.
    pub fn verdict(&self) -> Option<Verdict> {
        let ab = self.ab_summary()?;
        ab.gate_verdict.or(ab.verdict)
    }
}

impl Timeline<'_> {
    /// Where the epoch of the newest values begins: what was before it lay on something else.
    pub fn newest_epoch(&self) -> usize {
        self.epochs.last().map_or(0, |epoch| epoch.at)
    }
}

/// Every timeline: those that stand beside the published value first, then the longest. Records of changed
/// trees and of no commit are in none, and of other branches only where none is of this one.
pub fn timelines<'a>(entries: &'a [Entry], ancestry: &Ancestry) -> Vec<Timeline<'a>> {
    // An arm among others is measured under other conditions than a run by itself.
    let is_clean = |entry: &&Entry| {
        entry.plan.is_of_commit() && entry.commit.as_ref().is_some_and(|commit| !commit.dirty)
    };
    let mut chosen: Vec<&Entry> = entries.iter().filter(is_clean).collect();
    keep_line(&mut chosen, ancestry);
    sort_along(&mut chosen, ancestry);
    chosen.reverse();
    let mut timelines: Vec<Timeline<'_>> =
        by_line(&chosen).iter().filter_map(|group| timeline(group)).collect();
    timelines.sort_by_cached_key(|timeline| {
        let metric_values = || timeline.points.iter().filter_map(Point::metric_values);
        let newest = timeline.points.iter().map(|point| point.newest.when_utc.clone()).max();
        let is_published = metric_values().any(|metric_values| metric_values.published_tok_s.is_some());
        Reverse((is_published, metric_values().count(), newest))
    });
    timelines
}

/// Records of one line together, in the order given. A run that failed on its way to a device is reported with
/// those of its machine, model and workload that ran.
fn by_line<'a>(entries: &[&'a Entry]) -> Vec<Vec<&'a Entry>> {
    let mut lines: Vec<Line> = Vec::new();
    for entry in entries {
        place_in(&mut lines, entry.setting.line());
    }
    let ran: Vec<Line> = lines.iter().filter(|line| !line.is_of_no_device()).cloned().collect();
    let home = |entry: &Entry| {
        let line = entry.setting.line();
        let beside = ran.iter().find(|other| line.is_of_no_device() && other.is_beside(&line));
        beside.cloned().unwrap_or(line)
    };
    let homes: Vec<Line> = entries.iter().map(|entry| home(entry)).collect();
    let group = |line: &Line| {
        let of_line = entries.iter().zip(&homes).filter(|(_, home)| *home == line);
        of_line.map(|(entry, _)| *entry).collect::<Vec<_>>()
    };
    lines.iter().map(group).filter(|group| !group.is_empty()).collect()
}

/// The records of one line, oldest first; None where there are none.
fn timeline<'a>(group: &[&'a Entry]) -> Option<Timeline<'a>> {
    let sha = |entry: &'a Entry| entry.commit.as_ref().map_or("", |commit| commit.sha.as_str());
    let points: Vec<Point<'a>> =
        group.chunk_by(|one, other| sha(one) == sha(other)).filter_map(point).collect();
    let on_a_device = group.iter().rev().find(|entry| !entry.setting.line().is_of_no_device());
    let newest = on_a_device.or(group.last())?;
    let epochs = epoch_starts(&points);
    Some(Timeline { series: &newest.setting.series, setting: &newest.setting, points, epochs })
}

fn point<'a>(of_commit: &[&'a Entry]) -> Option<Point<'a>> {
    let newest = *of_commit.last()?;
    let commit = newest.commit.as_ref()?;
    let with_values = |kind: PlanKind| {
        let mut newest_first = of_commit.iter().rev();
        newest_first.find(|entry| entry.plan == kind && entry.metric_values.is_some() && is_valid(entry))
    };
    let entry = with_values(PlanKind::Bench).or_else(|| with_values(PlanKind::Ab));
    // A wrong answer stands, whatever was measured beside it.
    let wrong = of_commit.iter().rev().find(|entry| entry.golden == Some(GoldenResult::Break));
    // One program against itself says nothing of a commit, and must not hide what does.
    let judges = |entry: &&&Entry| {
        entry.ab.as_ref().is_some_and(|ab| ab.is_of_commits && !ab.is_against_itself && ab.verdict.is_some())
    };
    Some(Point {
        sha: &commit.sha,
        author_date_utc: &commit.author_date_utc,
        entry: wrong.or(entry).copied().unwrap_or(newest),
        newest: of_commit.iter().max_by_key(|entry| &entry.when_utc).copied().unwrap_or(newest),
        ab: of_commit.iter().rev().find(judges).copied(),
        records: of_commit.len(),
    })
}

/// Whether a record has verified output and valid times.
pub(in crate::report) fn is_valid(entry: &Entry) -> bool {
    entry.outcome == Outcome::Complete
        && entry.golden.is_some_and(GoldenResult::is_verified)
        && Validity::of_entry(entry) == Validity::Valid
}

fn epoch_starts(points: &[Point<'_>]) -> Vec<EpochStart> {
    let with_values = points.iter().enumerate().filter(|(_, point)| point.metric_values().is_some());
    let measured: Vec<(usize, &Entry)> = with_values.map(|(at, point)| (at, point.entry)).collect();
    let starts = measured.windows(2).filter_map(|pair| {
        let [(_, before), (at, after)] = pair else { return None };
        let (before, after) = (&before.setting.epoch, &after.setting.epoch);
        (before.id != after.id).then(|| EpochStart { at: *at, changes: after.changes_since(before) })
    });
    starts.collect()
}

/// Where a value changed, within each epoch: across two of them a step need not be the commit's.
///
/// # Errors
/// A value that is no number.
pub fn changes_of(
    points: &[Point<'_>],
    epochs: &[EpochStart],
    metric_value: impl Fn(&SummaryRow) -> Option<f64>,
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let ends = epochs.iter().map(|epoch| epoch.at).chain([points.len()]);
    let mut start = 0;
    for end in ends {
        let value = |at: usize| Some((at, metric_value(points[at].metric_values()?)?));
        let (places, values): (Vec<usize>, Vec<f64>) = (start..end).filter_map(value).unzip();
        for point in change_points(&values, &Detection::default())? {
            changes.extend(places.get(point.index).map(|at| Change { at: *at, point }));
        }
        start = end;
    }
    Ok(changes)
}
