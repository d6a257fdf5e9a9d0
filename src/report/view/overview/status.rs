//! The status of a timeline and its open regressions. Wrong output goes before a regression, a regression before what
//! is unknown, and only what was decided is called well.

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::golden::GoldenResult;
use crate::judge::policy::Policy;
use crate::measure::Metric;
use crate::record::{Outcome, Verdict};
use crate::report::mark::{Badge, Mark};
use crate::report::number::{change_percent, counted, signed_percent};
use crate::report::view::overview::{OverviewSources, since};
use crate::report::view::track::{Track, Watched};
use crate::report::view::{Change, Point, Timeline, short};
use crate::visible::one_line;

pub(super) struct Status {
    pub(super) mark: Mark,
    pub(super) badge: Badge,
    pub(super) reason: String,
    /// The place of the commit since which it is so.
    pub(super) since: Option<usize>,
    /// The metric that it is about.
    pub(super) metric: Metric,
}

impl Status {
    pub(super) fn of(timeline: &Timeline<'_>, tracks: &[Track], policy: &Policy) -> Self {
        let points = &timeline.points;
        wrong(points)
            .or_else(|| regressed(timeline))
            .or_else(|| broken(points))
            .or_else(|| worse(timeline, tracks, policy))
            .unwrap_or_else(|| decided(points))
    }

    fn new(mark: Mark, word: &str, reason: impl Into<String>, since: Option<usize>) -> Self {
        let metric = Metric::TimePerOutputToken;
        Self { mark, badge: Badge::new(mark, word), reason: reason.into(), since, metric }
    }
}

/// A wrong output stands until a later commit gave the right one.
fn wrong(points: &[Point<'_>]) -> Option<Status> {
    let is_wrong = |point: &Point<'_>| {
        point.entry.golden == Some(GoldenResult::Break) || point.verdict() == Some(Verdict::WrongOutput)
    };
    let is_right = |point: &Point<'_>| {
        let golden = point.entry.golden;
        golden.is_some_and(GoldenResult::is_verified) && point.entry.outcome == Outcome::Complete
    };
    let last = points.iter().rposition(|point| is_wrong(point) || is_right(point))?;
    is_wrong(&points[last]).then(|| {
        let reason = "the output differs from its golden, and no later commit matches again";
        Status::new(Mark::Fails, Verdict::WrongOutput.in_words(), reason, Some(last))
    })
}

/// A regression that was decided stands until an A/B shows an improvement, or shows that a later commit is
/// no worse than what was before it; and no longer than its epoch.
fn open_verdict(timeline: &Timeline<'_>) -> Option<(usize, Verdict)> {
    let points = &timeline.points;
    let place = |sha: &str| points.iter().position(|point| point.sha == sha);
    let mut standing: Option<(usize, Verdict)> = None;
    for (at, point) in points.iter().enumerate() {
        match point.verdict() {
            Some(verdict @ (Verdict::Regressed | Verdict::Mixed)) => standing = Some((at, verdict)),
            Some(Verdict::Improved) => standing = None,
            Some(Verdict::Pass) => {
                let base = point.ab_summary().and_then(|ab| ab.base_sha.as_deref()).and_then(place);
                let is_compared_with_before = standing.zip(base).is_some_and(|((lost, _), base)| base < lost);
                standing = standing.filter(|_| !is_compared_with_before);
            }
            _ => {}
        }
    }
    standing.filter(|(at, _)| *at >= timeline.newest_epoch())
}

fn regressed(timeline: &Timeline<'_>) -> Option<Status> {
    let (at, verdict) = open_verdict(timeline)?;
    let change = timeline.points[at].ab_summary().and_then(|ab| ab.tpot_change);
    let change = change.map(|it| format!("time per output token {}, ", percent_of(it.ratio)));
    let reason = format!("{}decided by an A/B, open", change.unwrap_or_default());
    Some(Status::new(Mark::Fails, verdict.in_words(), reason, Some(at)))
}

fn percent_of(ratio: f64) -> String {
    signed_percent(change_percent(ratio))
}

/// The newest run did not reach its end.
fn broken(points: &[Point<'_>]) -> Option<Status> {
    let newest = points.last()?;
    let at = Some(points.len() - 1);
    match newest.newest.outcome {
        Outcome::Failed => Some(Status::new(Mark::Warns, "failed", "the newest run failed", at)),
        Outcome::Interrupted => {
            Some(Status::new(Mark::Unknown, "unknown", "the newest run was interrupted", at))
        }
        _ => None,
    }
}

/// Levels of this epoch, found by their change points: advice where nothing was decided.
fn worse(timeline: &Timeline<'_>, tracks: &[Track], policy: &Policy) -> Option<Status> {
    let losses = losses(timeline, tracks, policy);
    let largest = losses.iter().max_by(|one, other| one.ratio.total_cmp(&other.ratio))?;
    let Loss { metric, watched, ratio, since } = largest;
    let reason = format!("{} {}, detected by change points, still open", watched.name, percent_of(*ratio));
    let word = format!("{} regression", watched.short);
    Some(Status { metric: *metric, ..Status::new(Mark::Warns, &word, reason, Some(*since)) })
}

/// Nothing is worse: was anything decided?
fn decided(points: &[Point<'_>]) -> Status {
    let Some(newest) = points.last() else {
        return Status::new(Mark::NotJudged, "nothing measured", "there is no record", None);
    };
    let last = points.iter().enumerate().rev().find_map(|(at, point)| Some((at, point, point.verdict()?)));
    let Some((at, point, verdict)) = last else {
        let measured = points.iter().filter(|point| point.metric_values().is_some()).count();
        let reason = if measured == 0 {
            "no valid run yet".to_owned()
        } else {
            format!("no change in {}; no A/B of commits yet", counted(measured, "valid commit"))
        };
        return Status::new(Mark::Unknown, "not decided", reason, None);
    };
    let since = points.len() - 1 - at;
    let age =
        if since == 0 { String::new() } else { format!(", {} before the newest", counted(since, "commit")) };
    let reason = format!("the newest A/B, of {}{age}: {}", short(point.sha), verdict.in_words());
    match verdict {
        Verdict::Inconclusive => Status::new(Mark::Unknown, "inconclusive", reason, Some(at)),
        Verdict::InvalidEnvironment => Status::new(Mark::Warns, verdict.in_words(), reason, Some(at)),
        _ if newest.metric_values().is_none() && newest.ab.is_none() => {
            let reason = format!("{} has no valid run; {reason}", short(newest.sha));
            Status::new(Mark::Unknown, "unknown", reason, Some(points.len() - 1))
        }
        Verdict::Pass | Verdict::Improved => match point.ab_summary().filter(|ab| ab.passes_with_warning()) {
            Some(ab) => {
                let badge = Badge::of_ab(ab).unwrap_or_else(|| verdict.into());
                Status { badge, ..Status::new(Mark::Warns, "", reason, Some(at)) }
            }
            None => Status::new(Mark::Holds, "all well", format!("{reason}; no open regression"), None),
        },
        // That it is no longer open says nothing of what came after it.
        Verdict::Regressed | Verdict::Mixed | Verdict::WrongOutput => {
            let reason = format!("{reason}, fixed since; nothing was decided after it");
            Status::new(Mark::Unknown, "not decided", reason, None)
        }
    }
}

/// A metric that is worse than it was in this epoch.
struct Loss {
    metric: Metric,
    watched: Watched,
    /// By how much, against the best level of the epoch, as in 1.05.
    ratio: f64,
    /// The commit from which on it is above that level.
    since: usize,
}

/// What stands worse than the best level of the newest epoch by more than the policy lets count, the first
/// watched first.
fn losses(timeline: &Timeline<'_>, tracks: &[Track], policy: &Policy) -> Vec<Loss> {
    let epoch = timeline.newest_epoch();
    let loss = |track: &Track| {
        let metric = track.shown.metric;
        let changes: Vec<&Change> = track.changes.iter().filter(|change| change.at > epoch).collect();
        let now = changes.last()?.point.mean_after;
        // The levels before each change; the first that is lower than all later ones is what was lost.
        let best =
            changes.iter().min_by(|one, other| one.point.mean_before.total_cmp(&other.point.mean_before))?;
        let ratio = now / best.point.mean_before;
        let smallest_percent = if metric == Metric::TimePerOutputToken {
            policy.sequential.regressed_beyond_percent
        } else {
            policy.metric(metric).map_or(0.0, |judged| judged.smallest_change_percent)
        };
        let watched = track.shown.watched?;
        (ratio > 1.0 + smallest_percent / 100.0).then_some(Loss { metric, watched, ratio, since: best.at })
    };
    tracks.iter().filter_map(loss).collect()
}

/// The regressions of a timeline that are open, decided by an A/B or found by change points, each with its ratio.
pub(super) fn open_regressions(
    timeline: &Timeline<'_>,
    tracks: &[Track],
    sources: OverviewSources<'_>,
) -> Vec<(f64, Value)> {
    let series = timeline.series;
    let on = format!("{} on {}, {}", series.model, series.device_in_words(), series.machine);
    let row = |mark, word: &str, name: &str, ratio: f64, at: usize| {
        let row = json!({
            "badge": Badge::new(mark, word),
            "metric": name,
            "change": percent_of(ratio),
            "since": since(timeline, at, sources),
            "on": one_line(&on),
        });
        (ratio, row)
    };
    let decided = open_verdict(timeline).and_then(|(at, verdict)| {
        let change = timeline.points[at].ab_summary()?.tpot_change?;
        Some(row(Mark::Fails, verdict.in_words(), "time per output token", change.ratio, at))
    });
    let is_decided = |metric| decided.is_some() && metric == Metric::TimePerOutputToken;
    let found = losses(timeline, tracks, sources.policy).into_iter().filter(|loss| !is_decided(loss.metric));
    let found: Vec<_> = found
        .map(|Loss { watched, ratio, since, .. }| {
            row(Mark::Warns, &format!("{} regression", watched.short), watched.name, ratio, since)
        })
        .collect();
    decided.into_iter().chain(found).collect()
}
