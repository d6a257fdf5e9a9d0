//! The runs of records that have a speed which may be reported.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::judge::comparability::ComparedSide;
use crate::judge::{PromptFigure, prompt_figures};
use crate::measure::{Figure, Metric, Role, Sample};
use crate::record::{ArmView, Experiment, PlanKind, SampleRecord, Side};
use crate::visible::one_line;

/// Reasons that are told where nothing is left.
const MOST_REASONS: usize = 3;

/// Which sides of an A/B are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sides {
    /// Both, as two runs.
    Both,
    /// What was judged, where a file holds one result of each name.
    Head,
}

/// A run that has a speed.
pub(super) struct MeasuredRun<'a> {
    /// What it says.
    pub(super) run: ArmView<'a>,
    /// Of which side of an A/B it is; None for a run of its own.
    pub(super) side: Option<Side>,
    believed: ComparedSide,
    /// Where a prompt stands in the summary.
    places: HashMap<&'a str, usize>,
    samples: HashMap<&'a str, Vec<&'a SampleRecord>>,
}

/// Runs, and what is to be said of those that are not among them.
pub(super) struct Measured<'a> {
    /// In the order of the records, base before head.
    pub(super) runs: Vec<MeasuredRun<'a>>,
    /// A line each.
    pub(super) warnings: Vec<String>,
}

impl MeasuredRun<'_> {
    /// The figures of a prompt, each finite.
    pub(super) fn figures(&self, prompt_id: &str) -> Vec<PromptFigure> {
        let Some(prompt) = self.places.get(prompt_id).map(|place| &self.believed.summary.prompts[*place])
        else {
            return Vec::new();
        };
        let mut figures = prompt_figures(&self.run, prompt, self.recorded(prompt_id));
        figures.extend(prompt.peak_rss_bytes.map(|bytes| PromptFigure {
            figure: Figure { metric: Metric::PeakRss, value: bytes as f64 },
            processes: Vec::new(),
        }));
        figures.retain(|figure| figure.figure.value.is_finite());
        figures
    }

    /// The measured generations of a prompt, in the order in which they were made.
    pub(super) fn samples(&self, prompt_id: &str) -> Vec<Sample> {
        let timed = self.recorded(prompt_id).iter().filter_map(|sample| sample.timed());
        timed.filter(|sample| sample.role == Role::Measured).collect()
    }

    fn recorded(&self, prompt_id: &str) -> &[&SampleRecord] {
        self.samples.get(prompt_id).map_or(&[], Vec::as_slice)
    }

    /// The ids of its prompts, in the order requested.
    pub(super) fn prompts(&self) -> impl Iterator<Item = &str> {
        self.run.workload.prompts.iter().map(|prompt| prompt.id.as_str())
    }
}

/// The runs of these records that have a speed.
///
/// # Errors
/// None has.
pub(super) fn measured(records: &[Experiment], sides: Sides) -> Result<Measured<'_>> {
    let mut measured = Measured { runs: Vec::new(), warnings: Vec::new() };
    for record in records {
        match record.plan {
            PlanKind::Bench => measured.take(record.subject(), None),
            PlanKind::Ab => {
                let of_file = Side::BOTH.into_iter().filter(|side| sides == Sides::Both || *side == Side::Head);
                of_file.for_each(|side| measured.take(record.side(side), Some(side)));
            }
            PlanKind::Peers => measured.warnings.push(format!(
                "record `{}` is left out: it is of several engines; `peers --format json` and `history show` tell it",
                one_line(&record.run_id)
            )),
        }
    }
    if measured.runs.is_empty() {
        let mut reasons = measured.warnings;
        reasons.truncate(MOST_REASONS);
        return Err(Error::input(format!("no verified speed in these records: {}", reasons.join("; ")))
            .hint("`cargo xtask history list` shows the word on each output; `cargo xtask golden bless` makes goldens"));
    }
    Ok(measured)
}

/// The runs of these records whose times a guard invalidates, a line each: whatever the format, a reader of
/// it is warned.
#[must_use]
pub fn invalidated(records: &[Experiment]) -> Vec<String> {
    let of_arm = |run: ArmView<'_>, side| {
        let compared = ComparedSide::of(&run);
        let has_speed = compared.no_speed_reason.is_none();
        let reason = compared.doubted_reason.filter(|_| has_speed)?;
        Some(warning(&named(&run.experiment.run_id, side), &reason))
    };
    let of_record = |record: &Experiment| match record.plan {
        PlanKind::Bench => vec![of_arm(record.subject(), None)],
        PlanKind::Ab => Side::BOTH.map(|side| of_arm(record.side(side), Some(side))).into(),
        PlanKind::Peers => Vec::new(),
    };
    records.iter().flat_map(of_record).flatten().collect()
}

fn warning(named: &str, reason: &str) -> String {
    format!("{named} is told though a guard tripped: {}", one_line(reason))
}

fn named(record_id: &str, side: Option<Side>) -> String {
    let of_side = side.map(|side| format!(", its {},", side.as_str())).unwrap_or_default();
    format!("record `{}`{of_side}", one_line(record_id))
}

impl<'a> Measured<'a> {
    fn take(&mut self, run: ArmView<'a>, side: Option<Side>) {
        let believed = ComparedSide::of(&run);
        let named = named(&run.experiment.run_id, side);
        if let Some(reason) = &believed.no_speed_reason {
            self.warnings.push(format!("{named} is left out: {}", one_line(reason)));
            return;
        }
        if let Some(reason) = &believed.doubted_reason {
            self.warnings.push(warning(&named, reason));
        }
        let requested = run.arm.workload.prompts.iter().enumerate();
        let places = requested.rev().map(|(place, prompt)| (prompt.id.as_str(), place)).collect();
        self.runs.push(MeasuredRun { run, side, believed, places, samples: run.arm.samples_by_prompt() });
    }
}
