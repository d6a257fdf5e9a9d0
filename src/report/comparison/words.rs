//! The sentences of a comparison, and the words for its results.

use crate::golden::GoldenResult;
use crate::judge::comparability::{Comparability, FigurePair, Interval, TwoRuns};
use crate::report::decision::Mark;

/// What the classes of differences mean.
pub(super) const BREAKS: [&str; 2] = [
    "Runs that differ in machine, model, workload or device are not comparable. Where series, epoch or \
     environment differ, the comparison is an observation.",
    "\"nothing\" is what comparable runs may differ in.",
];

/// The word of pages for two runs of one thing. "Same" would be read as said of their metric values.
pub(in crate::report) const COMPARABLE: &str = "comparable";

/// How far they are of one thing: for filters.
pub(super) fn comparability_id(two: &TwoRuns) -> &'static str {
    match two.comparability {
        Comparability::Same => "same",
        Comparability::EnvironmentDiffers => "environment-differs",
        Comparability::Unlike => "unlike",
    }
}

/// The same in words.
pub(super) fn comparability(two: &TwoRuns) -> (Mark, &'static str, String) {
    match two.comparability {
        // Of their environments, not of their results: so it is no mark of something that holds.
        Comparability::Same => {
            (Mark::NotJudged, COMPARABLE, "same series and same epoch: two runs of one thing".to_owned())
        }
        Comparability::EnvironmentDiffers => (
            Mark::Warns,
            "environment differs",
            "same machine, model, workload and device, but the environment of the measurement differs"
                .to_owned(),
        ),
        Comparability::Unlike => {
            let reason = match two.unlike_reason().as_slice() {
                [] => "thing".to_owned(),
                [one] => (*one).to_owned(),
                [first @ .., last] => format!("{} and {last}", first.join(", ")),
            };
            (Mark::NotJudged, "not comparable", format!("not the same {reason}, so nothing is compared"))
        }
    }
}

/// How the changes are to be read; nothing where there is none.
pub(super) fn caption(two: &TwoRuns) -> Vec<String> {
    if !two.figures.iter().any(|pair| pair.change.is_some()) {
        return Vec::new();
    }
    let change = "Change: from A to B.";
    if two.comparability != Comparability::Same {
        return vec![format!(
            "{change} An observation, not a test: what differs above may be all of it. `cargo xtask ab` decides."
        )];
    }
    let interval = if two.figures.iter().any(|pair| pair.interval().is_some()) {
        format!(
            "Interval: {:.0} %, by Welch's t on the means of each run's processes, each row by itself; the \
             machine's variation from run to run is not in that interval.",
            Interval::CONFIDENCE_PERCENT
        )
    } else {
        "No interval: that takes two processes or more in each run.".to_owned()
    };
    vec![
        format!("{change} {interval}"),
        "Two separate runs, not interleaved pairs: an observation, not a verdict. `cargo xtask ab` decides."
            .to_owned(),
    ]
}

/// How a metric compares.
pub(super) fn result(pair: &FigurePair) -> String {
    let Some(change) = pair.change else {
        if let Some(reason) = &pair.uncompared_reason {
            return reason.clone();
        }
        return match (pair.a, pair.b) {
            (Some(_), None) => "only A has it",
            (None, Some(_)) => "only B has it",
            _ => "not compared",
        }
        .to_owned();
    };
    match change.interval {
        Some(interval) if interval.holds_no_change() => "interval includes 0",
        Some(_) => "interval excludes 0",
        None => "observed",
    }
    .to_owned()
}

/// The result on an output, with its mark.
pub(super) fn golden(result: Option<GoldenResult>) -> (Mark, &'static str) {
    match result {
        None => (Mark::NotJudged, "not judged"),
        Some(GoldenResult::None) => (Mark::NotJudged, "unverified"),
        Some(result) => (result.into(), result.as_str()),
    }
}
