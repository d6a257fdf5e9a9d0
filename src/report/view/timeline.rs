//! Timelines: the commits of one machine, model, device and workload in their order, with what was
//! measured and decided of each, and where it changed.

use crate::error::Result;
use crate::judge::change_point::{ChangePoint, Detection, change_points};
use crate::record::{
    AbHeadline, Ancestry, Entry, EpochChange, Headline, Outcome, RecordKind, Series, keep_line, sort_along,
};

/// The commits of one machine, model, device and workload. Of the runtime there may be several: a new one
/// begins an epoch.
#[derive(Debug, Clone)]
pub struct Timeline<'a> {
    /// The series of its newest record.
    pub series: &'a Series,
    /// Its commits, oldest first.
    pub points: Vec<Point<'a>>,
    /// Where something under the measurement was exchanged.
    pub epochs: Vec<EpochStart>,
    /// Where `tpot@1` changed within an epoch.
    pub tpot_changes: Vec<Change>,
}

/// A commit.
#[derive(Debug, Clone)]
pub struct Point<'a> {
    /// 40 hexadecimal digits.
    pub sha: &'a str,
    /// When it was authored, UTC.
    pub author_date_utc: &'a str,
    /// Its newest verified run with figures; else the head of its newest such A/B; else its newest record.
    pub entry: &'a Entry,
    /// Its newest A/B between commits.
    pub ab: Option<&'a Entry>,
    /// How many records it has here.
    pub records: usize,
}

/// The first commit of an epoch, but for the first of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochStart {
    /// Its place among the points.
    pub at: usize,
    /// What was exchanged.
    pub changes: Vec<EpochChange>,
}

/// A commit from which on a figure is another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Its place among the points.
    pub at: usize,
    /// What was found.
    pub point: ChangePoint,
}

impl Point<'_> {
    /// Its figures, where they are verified and nothing was changed over the commit.
    #[must_use]
    pub fn figures(&self) -> Option<&Headline> {
        self.entry.figures.as_ref().filter(|_| is_verified(self.entry))
    }

    /// What its newest A/B came to.
    #[must_use]
    pub fn ab_headline(&self) -> Option<&AbHeadline> {
        self.ab.and_then(|entry| entry.ab.as_ref())
    }
}

/// Every timeline, the one with the newest record first. Records of changed trees and of no commit are in
/// none, and of other branches only where none is of this one.
///
/// # Errors
/// A figure that is no number.
pub fn timelines<'a>(entries: &'a [Entry], ancestry: &Ancestry) -> Result<Vec<Timeline<'a>>> {
    let is_clean = |entry: &&Entry| entry.commit.as_ref().is_some_and(|commit| !commit.dirty);
    let mut chosen: Vec<&Entry> = entries.iter().filter(is_clean).collect();
    keep_line(&mut chosen, ancestry);
    sort_along(&mut chosen, ancestry);
    chosen.reverse();
    let mut groups: Vec<Vec<&Entry>> = Vec::new();
    for entry in chosen {
        match groups.iter_mut().find(|group| is_of_one_line(&group[0].setting.series, &entry.setting.series))
        {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    let newest = |group: &Vec<&'a Entry>| group.iter().map(|entry| entry.when_utc.as_str()).max();
    groups.sort_by(|one, other| newest(other).cmp(&newest(one)));
    groups.into_iter().filter_map(|group| timeline(&group).transpose()).collect()
}

/// Whether figures differ by nothing but commit and runtime.
fn is_of_one_line(one: &Series, other: &Series) -> bool {
    let of = |series: &Series| {
        [&series.machine_sha256, &series.model_sha256, &series.device, &series.workload_sha256]
            .map(Clone::clone)
    };
    of(one) == of(other)
}

/// The records of one line, oldest first; None where there are none.
fn timeline<'a>(group: &[&'a Entry]) -> Result<Option<Timeline<'a>>> {
    let sha = |entry: &'a Entry| entry.commit.as_ref().map_or("", |commit| commit.sha.as_str());
    let points: Vec<Point<'a>> =
        group.chunk_by(|one, other| sha(one) == sha(other)).filter_map(point).collect();
    let Some(newest) = points.last() else { return Ok(None) };
    let epochs = epoch_starts(&points);
    Ok(Some(Timeline {
        series: &newest.entry.setting.series,
        tpot_changes: changes_of(&points, &epochs, |figures| Some(figures.tpot_ms))?,
        points,
        epochs,
    }))
}

fn point<'a>(of_commit: &[&'a Entry]) -> Option<Point<'a>> {
    let newest = *of_commit.last()?;
    let commit = newest.commit.as_ref()?;
    let with_figures = |kind: RecordKind| {
        let mut newest_first = of_commit.iter().rev();
        newest_first.find(|entry| entry.kind == kind && entry.figures.is_some() && is_verified(entry))
    };
    let entry = with_figures(RecordKind::RunRecord).or_else(|| with_figures(RecordKind::AbRecord));
    // A wrong answer stands, whatever was measured beside it.
    let wrong = of_commit.iter().rev().find(|entry| entry.outcome == Outcome::WrongOutput);
    let is_of_commits = |entry: &&&Entry| entry.ab.as_ref().is_some_and(|ab| ab.is_of_commits);
    Some(Point {
        sha: &commit.sha,
        author_date_utc: &commit.author_date_utc,
        entry: wrong.or(entry).copied().unwrap_or(newest),
        ab: of_commit.iter().rev().find(is_of_commits).copied(),
        records: of_commit.len(),
    })
}

fn is_verified(entry: &Entry) -> bool {
    entry.outcome == Outcome::Complete && entry.golden.is_some_and(crate::golden::GoldenResult::is_verified)
}

fn epoch_starts(points: &[Point<'_>]) -> Vec<EpochStart> {
    let measured: Vec<(usize, &Entry)> = points
        .iter()
        .enumerate()
        .filter(|(_, point)| point.figures().is_some())
        .map(|(at, it)| (at, it.entry))
        .collect();
    let starts = measured.windows(2).filter_map(|pair| {
        let [(_, before), (at, after)] = pair else { return None };
        let (before, after) = (&before.setting.epoch, &after.setting.epoch);
        (before.id != after.id).then(|| EpochStart { at: *at, changes: after.changes_since(before) })
    });
    starts.collect()
}

/// Where a figure changed, within each epoch: across two of them a step need not be the commit's.
///
/// # Errors
/// A figure that is no number.
pub fn changes_of(
    points: &[Point<'_>],
    epochs: &[EpochStart],
    figure: impl Fn(&Headline) -> Option<f64>,
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let ends = epochs.iter().map(|epoch| epoch.at).chain([points.len()]);
    let mut start = 0;
    for end in ends {
        let places = start..end;
        let known = places.filter_map(|at| Some(Measured { at, value: figure(points[at].figures()?)? }));
        let known: Vec<Measured> = known.collect();
        let values: Vec<f64> = known.iter().map(|it| it.value).collect();
        for point in change_points(&values, &Detection::default())? {
            changes.extend(known.get(point.index).map(|it| Change { at: it.at, point }));
        }
        start = end;
    }
    Ok(changes)
}

struct Measured {
    at: usize,
    value: f64,
}
