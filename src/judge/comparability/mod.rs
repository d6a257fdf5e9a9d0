//! Two runs that were measured apart, compared with each other: what differs around them first, and the
//! figures only as far as that allows.
//!
//! Nothing here is a verdict. Between two separate runs the machine moves, and by how much neither of them
//! tells; only pairs that were measured interleaved decide.

mod belief;
mod difference;
mod figures;
mod reported;
#[cfg(test)]
mod tests;
mod welch;

use std::collections::{HashMap, HashSet};

use crate::golden::GoldenResult;
use crate::judge::{PromptSummary, Summary, summarise};
use crate::record::{Arm, ArmView, Epoch, Series};
use figures::figure_pairs;

pub use difference::{Breaks, Difference, differences};
pub use figures::{Change, FigurePair, Interval};

/// How far two runs are of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparability {
    /// One series and one epoch: two runs of one thing.
    Same,
    /// One machine, model, workload and device, and something else under the measurement.
    EnvironmentDiffers,
    /// Another machine, model, workload or device: nothing is compared with each other.
    Unlike,
}

/// One of the two runs, as far as its figures can be believed.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedSide {
    /// The figures; of speed none where there is none.
    pub summary: Summary,
    /// Why it has no speed: the output is wrong, was compared with nothing, or the run did not end.
    pub no_speed_reason: Option<String>,
    /// Why its times are invalid, though it has some.
    pub doubted_reason: Option<String>,
}

/// The word on a prompt's output in both runs; None where it was not judged or not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldenPair {
    /// The prompt's id.
    pub prompt: String,
    /// In the first run.
    pub a: Option<GoldenResult>,
    /// In the second.
    pub b: Option<GoldenResult>,
}

/// Two runs beside each other.
#[derive(Debug, Clone, PartialEq)]
pub struct TwoRuns {
    /// How far they are of one thing.
    pub comparability: Comparability,
    /// All that differs around them, what weighs most first.
    pub differences: Vec<Difference>,
    /// The first run.
    pub a: ComparedSide,
    /// The second.
    pub b: ComparedSide,
    /// Figures that either has, by metric, the mean before its prompts.
    pub figures: Vec<FigurePair>,
    /// By prompt, those of the first run in the order requested, then those that only the second asked.
    pub goldens: Vec<GoldenPair>,
}

impl TwoRuns {
    /// Holds a run against an earlier or another one.
    #[must_use]
    pub fn of(a: ArmView<'_>, b: ArmView<'_>) -> Self {
        let differences = differences(a, b);
        let comparability = comparability(a, b, &differences);
        let (one, other) = (ComparedSide::of(&a), ComparedSide::of(&b));
        Self {
            comparability,
            figures: figure_pairs(&a, &b, &one, &other, comparability),
            goldens: goldens(&one.summary, &other.summary),
            differences,
            a: one,
            b: other,
        }
    }

    /// Whether a speed of one was compared with that of the other.
    #[must_use]
    pub fn compares_speed(&self) -> bool {
        self.figures.iter().any(|pair| pair.is_speed() && pair.change.is_some())
    }

    /// What makes them two things, each once, as in "machine".
    #[must_use]
    pub fn unlike_reason(&self) -> Vec<&'static str> {
        let mut kinds: Vec<Breaks> = self.differences.iter().map(|difference| difference.breaks).collect();
        kinds.retain(|breaks| breaks.comparability() == Comparability::Unlike);
        kinds.dedup();
        kinds.into_iter().map(Breaks::as_str).collect()
    }
}

/// The differences decide; the identities that records are filed by must agree with them.
fn comparability(a: ArmView<'_>, b: ArmView<'_>, differences: &[Difference]) -> Comparability {
    let reported = differences.iter().map(|difference| difference.breaks.comparability()).max();
    let reported = reported.unwrap_or(Comparability::Same);
    let is_one = Series::of(a).id == Series::of(b).id && Epoch::of(a).id == Epoch::of(b).id;
    if is_one { reported } else { reported.max(Comparability::EnvironmentDiffers) }
}

fn goldens(a: &Summary, b: &Summary) -> Vec<GoldenPair> {
    let (of_a, of_b) = (a.by_prompt(), b.by_prompt());
    let word = |of: &HashMap<&str, &PromptSummary>, id: &str| of.get(id)?.golden;
    prompt_ids(a, b)
        .into_iter()
        .map(|id| GoldenPair { a: word(&of_a, &id), b: word(&of_b, &id), prompt: id })
        .collect()
}

/// The first run's prompts in the order requested, then those that only the second asked.
fn prompt_ids(a: &Summary, b: &Summary) -> Vec<String> {
    let mut known = HashSet::new();
    let ids = a.prompts.iter().chain(&b.prompts).map(|prompt| &prompt.id);
    ids.filter(|id| known.insert(id.as_str())).cloned().collect()
}

/// The figures of a run that may be shown.
fn summary_of(run: &Arm, has_speed: bool) -> Summary {
    let mut summary = summarise(run);
    if !has_speed {
        summary.average = None;
        for prompt in &mut summary.prompts {
            prompt.figures = None;
            prompt.runs.clear();
        }
    }
    summary
}
