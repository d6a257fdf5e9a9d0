//! Are we all right? What is wrong goes before what is worse, what is worse before what is not known, and
//! only what was decided is called right.

#[cfg(test)]
mod tests;

use crate::golden::GoldenResult;
use crate::judge::policy::Policy;
use crate::record::{Outcome, Verdict};
use crate::report::decision::Mark;
use crate::report::number::{change_percent, counted, signed_percent};
use crate::report::view::overview::levels::{Track, losses};
use crate::report::view::{Badge, Point, Timeline, short};

/// A word and its reason.
pub(super) struct Answer {
    pub(super) badge: Badge,
    pub(super) because: String,
}

/// The word on a timeline.
pub(super) fn answer(timeline: &Timeline<'_>, tracks: &[Track], policy: &Policy) -> Answer {
    let points = &timeline.points;
    wrong(points)
        .or_else(|| regressed(timeline))
        .or_else(|| broken(points))
        .or_else(|| worse(timeline, tracks, policy))
        .unwrap_or_else(|| decided(points))
}

fn said(mark: Mark, word: &str, because: String) -> Answer {
    Answer { badge: Badge::new(mark, word), because }
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
    let last = points.iter().rev().find(|point| is_wrong(point) || is_right(point))?;
    is_wrong(last).then(|| {
        let because = format!(
            "{} gave another answer than its golden, and no commit since gave the right one",
            short(last.sha)
        );
        said(Mark::Fails, Verdict::WrongOutput.word(), because)
    })
}

/// A regression that was decided stands until an A/B shows an improvement, or shows that a later commit is
/// no worse than what was before it; and no longer than its epoch.
fn regressed(timeline: &Timeline<'_>) -> Option<Answer> {
    let points = &timeline.points;
    let place = |sha: &str| points.iter().position(|point| point.sha == sha);
    let mut standing: Option<(usize, Verdict)> = None;
    for (at, point) in points.iter().enumerate() {
        match verdict(point) {
            Some(verdict @ (Verdict::Regressed | Verdict::Mixed)) => standing = Some((at, verdict)),
            Some(Verdict::Improved) => standing = None,
            Some(Verdict::Pass) => {
                let base = point.ab_headline().and_then(|ab| ab.base_sha.as_deref()).and_then(place);
                let is_held_against_before = standing.zip(base).is_some_and(|((lost, _), base)| base < lost);
                standing = standing.filter(|_| !is_held_against_before);
            }
            _ => {}
        }
    }
    let (at, verdict) = standing.filter(|(at, _)| *at >= timeline.newest_epoch())?;
    let change = points[at].ab_headline().and_then(|ab| ab.tpot_change);
    let told =
        change.map(|it| format!(" ({} time per output token)", signed_percent(change_percent(it.ratio))));
    let because = format!(
        "an A/B decided so on {}{}, and none since shows that it was made good",
        short(points[at].sha),
        told.unwrap_or_default()
    );
    Some(said(Mark::Fails, verdict.word(), because))
}

/// The newest run did not come to its end, or not to figures.
fn broken(points: &[Point<'_>]) -> Option<Answer> {
    let newest = points.last()?;
    let told = short(newest.sha);
    match newest.newest.outcome {
        Outcome::Failed => {
            Some(said(Mark::Warns, "failed", format!("the newest measurement, on {told}, failed")))
        }
        Outcome::Interrupted => {
            let because = format!("the newest measurement, on {told}, was interrupted");
            Some(said(Mark::Unknown, "not known", because))
        }
        _ => None,
    }
}

/// Levels of this epoch, found by their change points: advice where nothing was decided.
fn worse(timeline: &Timeline<'_>, tracks: &[Track], policy: &Policy) -> Option<Answer> {
    let losses = losses(timeline, tracks, policy);
    let first = losses.first()?;
    let told: Vec<String> = losses
        .iter()
        .map(|loss| {
            let percent = signed_percent(change_percent(loss.ratio));
            format!("{} {percent} since {}", loss.watched.name, short(timeline.points[loss.since].sha))
        })
        .collect();
    Some(said(Mark::Warns, first.watched.worse, format!("{}, and not made good", told.join("; "))))
}

/// Nothing is known against it: is anything known for it?
fn decided(points: &[Point<'_>]) -> Answer {
    let Some(newest) = points.last() else {
        return said(Mark::NotJudged, "nothing measured", "there is no record".to_owned());
    };
    let last = points.iter().enumerate().rev().find_map(|(at, point)| Some((at, point, verdict(point)?)));
    let Some((at, point, verdict)) = last else {
        let measured = points.iter().filter(|point| point.figures().is_some()).count();
        let seen = format!("no change for the worse stands in {}", counted(measured, "commit"));
        let because = format!("{seen}, and none was held against another: `cargo xtask ab` decides");
        return said(Mark::Unknown, "not decided", because);
    };
    let since = points.len() - 1 - at;
    let age =
        if since == 0 { String::new() } else { format!(", {} before the newest", counted(since, "commit")) };
    let because = format!("the newest decision, on {}{age}, is {}", short(point.sha), verdict.word());
    match verdict {
        Verdict::Inconclusive => said(Mark::Unknown, "cannot tell", because),
        Verdict::InvalidEnvironment => said(Mark::Warns, "machine not steady", because),
        _ if newest.figures().is_none() && newest.ab.is_none() => {
            let because = format!("{} has no figures that can be believed; {because}", short(newest.sha));
            said(Mark::Unknown, "not known", because)
        }
        Verdict::Pass | Verdict::Improved => {
            said(Mark::Holds, "all right", format!("{because}, and no change for the worse stands"))
        }
        // What stands no longer is no word on what came after it.
        Verdict::Regressed | Verdict::Mixed | Verdict::WrongOutput => {
            let because = format!("{because}, which was made good; nothing was decided since");
            said(Mark::Unknown, "not decided", because)
        }
    }
}

/// What the newest A/B of a commit came to: for a gate, where it was asked.
pub(super) fn verdict(point: &Point<'_>) -> Option<Verdict> {
    let ab = point.ab_headline()?;
    ab.gate_verdict.or(ab.verdict)
}
