//! The sentences of a comparison, and the words for its figures.

use crate::golden::GoldenResult;
use crate::judge::likeness::{FigurePair, Interval, Likeness, TwoRuns};
use crate::measure::Metric;
use crate::report::badge::Badge;
use crate::report::comparison::view::LikenessView;
use crate::report::decision::Mark;

/// What the columns of differences are called.
pub(super) const DIFFERENCE_HEADINGS: [&str; 4] = ["differs", "A", "B", "breaks"];
/// What the columns of goldens are called.
pub(super) const GOLDEN_HEADINGS: [&str; 3] = ["output", "A", "B"];
/// Said where nothing differs.
pub(super) const NO_DIFFERENCE: &str = "Nothing that is recorded differs around them.";
/// What the classes of differences mean.
pub(super) const BREAKS: &str = "What breaks machine, model, workload or device makes two things of the runs; series, epoch and surroundings\nleave an observation; \"nothing\" is what runs of one thing may differ in.";

/// The word of pages for two runs of one thing. "Same" would be read as said of their figures.
pub(in crate::report) const ALIKE: &str = "alike around them";

/// How far they are of one thing.
pub(super) fn likeness(two: &TwoRuns) -> LikenessView {
    let (id, mark, sentence) = match two.likeness {
        Likeness::Same => {
            // Around them, not in what they came to: so it is no mark of something that holds.
            ("same", Mark::NotJudged, "same series and same epoch: two runs of one thing".to_owned())
        }
        Likeness::EnvironmentDiffers => (
            "environment-differs",
            Mark::Warns,
            "same machine, model, workload and device, but not all is alike under and around the measurement"
                .to_owned(),
        ),
        Likeness::Unlike => {
            let because = match two.unlike_because().as_slice() {
                [] => "thing".to_owned(),
                [one] => (*one).to_owned(),
                [first @ .., last] => format!("{} and {last}", first.join(", ")),
            };
            ("unlike", Mark::NotJudged, format!("unlike: not the same {because}, so nothing is compared"))
        }
    };
    let word = if two.likeness == Likeness::Same { ALIKE.to_owned() } else { id.replace('-', " ") };
    LikenessView { id, mark: mark.glyph(), badge: Badge::new(mark, word), sentence }
}

/// How the changes are to be read.
pub(super) fn caption(two: &TwoRuns) -> String {
    if !two.figures.iter().any(|pair| pair.change.is_some()) {
        return String::new();
    }
    let change = "Change: from A to B.";
    match two.likeness {
        Likeness::Same => {
            let interval = if two.figures.iter().any(|pair| pair.interval().is_some()) {
                format!(
                    "Interval: {:.0} %, by Welch's t on the means of each run's processes, each row for itself.\nHow \
                     the machine moves from run to run is not in that interval.",
                    Interval::CONFIDENCE_PERCENT
                )
            } else {
                "No interval: that takes two processes or more in each run.".to_owned()
            };
            format!(
                "{change} {interval}\nTwo separate runs, not interleaved pairs: an observation, and no verdict. \
                 `cargo xtask ab` decides."
            )
        }
        _ => format!(
            "{change} An observation, not a test: what differs above may be all of it. `cargo xtask ab` decides."
        ),
    }
}

/// What is to be said of a figure.
pub(super) fn said(pair: &FigurePair) -> String {
    let Some(change) = pair.change else {
        if let Some(because) = &pair.uncompared_because {
            return because.clone();
        }
        return match (pair.a, pair.b) {
            (Some(_), None) => "A alone has it",
            (None, Some(_)) => "B alone has it",
            _ => "not compared",
        }
        .to_owned();
    };
    match change.interval {
        Some(interval) if interval.holds_no_change() => "no difference seen",
        Some(_) => "outside the interval of the processes",
        None => "observed",
    }
    .to_owned()
}

/// What a figure is called.
pub(super) fn title(metric: Metric) -> &'static str {
    match metric {
        Metric::TimeToFirstToken => "time to first token",
        Metric::TimePerOutputToken => "time per output token",
        Metric::EndToEndLatency => "latency",
        Metric::EndToEndPerToken => "time per token, prefill included",
        Metric::EndToEndThroughput => "throughput, prefill included",
        Metric::DecodeThroughput => "decode throughput",
        Metric::HostOverhead => "host overhead",
        Metric::Load => "load, mean of the processes",
        Metric::PeakRss => "peak memory, mean of the processes",
        Metric::PeakDeviceMemory => "peak GPU memory, mean of the processes",
        Metric::LogitDrift => "logit drift",
        Metric::EnergyPerToken => "energy per token",
    }
}

/// The word on an output.
pub(super) fn golden(word: Option<GoldenResult>) -> &'static str {
    match word {
        None => "not judged",
        Some(GoldenResult::None) => "none (unverified)",
        Some(word) => word.word(),
    }
}

/// Its mark.
pub(super) fn golden_mark(word: Option<GoldenResult>) -> Mark {
    match word {
        None | Some(GoldenResult::None) => Mark::NotJudged,
        Some(GoldenResult::Match) => Mark::Holds,
        Some(GoldenResult::NearTie) => Mark::Warns,
        Some(GoldenResult::Break) => Mark::Fails,
    }
}
