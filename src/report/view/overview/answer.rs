//! The status of a timeline. Wrong output goes before a regression, a regression before what is unknown, and only
//! what was decided is called well.

#[cfg(test)]
mod tests;

use crate::golden::GoldenResult;
use crate::judge::policy::Policy;
use crate::measure::Metric;
use crate::record::{Outcome, Verdict};
use crate::report::decision::Mark;
use crate::report::number::{change_percent, counted, signed_percent};
use crate::report::view::overview::levels::{Track, losses};
use crate::report::view::{Badge, Point, Timeline, short};

/// A status and its reason.
pub(super) struct Answer {
    pub(super) mark: Mark,
    pub(super) badge: Badge,
    pub(super) reason: String,
    /// The place of the commit since which it is so.
    pub(super) since: Option<usize>,
    /// The metric that it is about.
    pub(super) metric: Metric,
}

/// The status of a timeline.
pub(super) fn answer(timeline: &Timeline<'_>, tracks: &[Track], policy: &Policy) -> Answer {
    let points = &timeline.points;
    wrong(points)
        .or_else(|| regressed(timeline))
        .or_else(|| broken(points))
        .or_else(|| worse(timeline, tracks, policy))
        .unwrap_or_else(|| decided(points))
}

fn said(mark: Mark, word: &str, reason: impl Into<String>, since: Option<usize>) -> Answer {
    let metric = Metric::TimePerOutputToken;
    Answer { mark, badge: Badge::new(mark, word), reason: reason.into(), since, metric }
}

/// A wrong answer stands until a later commit gave the right one.
fn wrong(points: &[Point<'_>]) -> Option<Answer> {
    let is_wrong = |point: &Point<'_>| {
        point.entry.golden == Some(GoldenResult::Break) || verdict(point) == Some(Verdict::WrongOutput)
    };
    let is_right = |point: &Point<'_>| {
        let golden = point.entry.golden;
        golden.is_some_and(GoldenResult::is_verified) && point.entry.outcome == Outcome::Complete
    };
    let last = points.iter().rposition(|point| is_wrong(point) || is_right(point))?;
    is_wrong(&points[last]).then(|| {
        let reason = "the output differs from its golden, and no later commit matches again";
        said(Mark::Fails, Verdict::WrongOutput.as_str(), reason, Some(last))
    })
}

/// A regression that was decided stands until an A/B shows an improvement, or shows that a later commit is
/// no worse than what was before it; and no longer than its epoch.
pub(super) fn open_verdict(timeline: &Timeline<'_>) -> Option<(usize, Verdict)> {
    let points = &timeline.points;
    let place = |sha: &str| points.iter().position(|point| point.sha == sha);
    let mut standing: Option<(usize, Verdict)> = None;
    for (at, point) in points.iter().enumerate() {
        match verdict(point) {
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

fn regressed(timeline: &Timeline<'_>) -> Option<Answer> {
    let (at, verdict) = open_verdict(timeline)?;
    let change = timeline.points[at].ab_summary().and_then(|ab| ab.tpot_change);
    let reported = change.map(|it| format!("time per output token {}, ", percent_of(it.ratio)));
    let reason = format!("{}decided by an A/B, open", reported.unwrap_or_default());
    Some(said(Mark::Fails, verdict.as_str(), reason, Some(at)))
}

fn percent_of(ratio: f64) -> String {
    signed_percent(change_percent(ratio))
}

/// The newest run did not reach its end.
fn broken(points: &[Point<'_>]) -> Option<Answer> {
    let newest = points.last()?;
    let at = Some(points.len() - 1);
    match newest.newest.outcome {
        Outcome::Failed => Some(said(Mark::Warns, "failed", "the newest run failed", at)),
        Outcome::Interrupted => Some(said(Mark::Unknown, "unknown", "the newest run was interrupted", at)),
        _ => None,
    }
}

/// Levels of this epoch, found by their change points: advice where nothing was decided.
fn worse(timeline: &Timeline<'_>, tracks: &[Track], policy: &Policy) -> Option<Answer> {
    let losses = losses(timeline, tracks, policy);
    let largest = losses.iter().max_by(|one, other| one.ratio.total_cmp(&other.ratio))?;
    let watched = largest.watched;
    let reason = format!("{} {}, found by change points, open", watched.name, percent_of(largest.ratio));
    let answer = said(Mark::Warns, watched.worse, reason, Some(largest.since));
    Some(Answer { metric: watched.metric, ..answer })
}

/// Nothing is worse: was anything decided?
fn decided(points: &[Point<'_>]) -> Answer {
    let Some(newest) = points.last() else {
        return said(Mark::NotJudged, "nothing measured", "there is no record", None);
    };
    let last = points.iter().enumerate().rev().find_map(|(at, point)| Some((at, point, verdict(point)?)));
    let Some((at, point, verdict)) = last else {
        let measured = points.iter().filter(|point| point.figures().is_some()).count();
        let reason = if measured == 0 {
            "no run is valid".to_owned()
        } else {
            format!(
                "no change in {}; no A/B yet: `cargo xtask ab` decides",
                counted(measured, "valid commit")
            )
        };
        return said(Mark::Unknown, "not decided", reason, None);
    };
    let since = points.len() - 1 - at;
    let age =
        if since == 0 { String::new() } else { format!(", {} before the newest", counted(since, "commit")) };
    let reason = format!("the newest A/B, of {}{age}: {}", short(point.sha), verdict.as_str());
    match verdict {
        Verdict::Inconclusive => said(Mark::Unknown, "inconclusive", reason, Some(at)),
        Verdict::InvalidEnvironment => said(Mark::Warns, "invalid environment", reason, Some(at)),
        _ if newest.figures().is_none() && newest.ab.is_none() => {
            let reason = format!("{} has no valid run; {reason}", short(newest.sha));
            said(Mark::Unknown, "unknown", reason, Some(points.len() - 1))
        }
        Verdict::Pass | Verdict::Improved => match point.ab_summary().filter(|ab| ab.passes_with_warning()) {
            Some(ab) => {
                let badge = Badge::of_ab(ab).unwrap_or_else(|| verdict.into());
                Answer { badge, ..said(Mark::Warns, "", reason, Some(at)) }
            }
            None => said(Mark::Holds, "all well", format!("{reason}; no open regression"), None),
        },
        // That it is no longer open says nothing of what came after it.
        Verdict::Regressed | Verdict::Mixed | Verdict::WrongOutput => {
            let reason = format!("{reason}, fixed since; nothing was decided after it");
            said(Mark::Unknown, "not decided", reason, None)
        }
    }
}

/// The verdict of the newest A/B of a commit: the gate's, where there is one.
pub(super) fn verdict(point: &Point<'_>) -> Option<Verdict> {
    let ab = point.ab_summary()?;
    ab.gate_verdict.or(ab.verdict)
}
