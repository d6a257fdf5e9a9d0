//! The runs of records that have a speed which may be told.

use crate::error::{Error, Result};
use crate::judge::likeness::ComparedSide;
use crate::judge::{PromptFigure, prompt_figures};
use crate::measure::{Figure, Metric, Role, Sample};
use crate::record::{AbRecord, AnyRecord, RunRecord, SampleRecord, Side};
use crate::report::one_line;

/// Reasons that are told where nothing is left.
const MOST_REASONS: usize = 3;

/// Which sides of an A/B are told.
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
    pub(super) run: &'a RunRecord,
    /// Of which side of an A/B it is; None for a run of its own.
    pub(super) side: Option<Side>,
    believed: ComparedSide,
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
        let mut figures = prompt_figures(self.run, &self.believed, prompt_id);
        let asked = self.believed.summary.prompts.iter().find(|prompt| prompt.id == prompt_id);
        figures.extend(asked.and_then(|prompt| prompt.peak_rss_bytes).map(|bytes| PromptFigure {
            figure: Figure { metric: Metric::PeakRss, value: bytes as f64 },
            processes: Vec::new(),
        }));
        figures.retain(|figure| figure.figure.value.is_finite());
        figures
    }

    /// The measured generations of a prompt, in the order in which they were made.
    pub(super) fn samples(&self, prompt_id: &str) -> Vec<Sample> {
        let of_prompt = self.run.samples.iter().filter(|sample| sample.prompt_id == prompt_id);
        of_prompt.filter_map(SampleRecord::timed).filter(|sample| sample.role == Role::Measured).collect()
    }

    /// The ids of its prompts, in the order asked.
    pub(super) fn prompts(&self) -> impl Iterator<Item = &str> {
        self.run.workload.prompts.iter().map(|prompt| prompt.id.as_str())
    }
}

/// The runs of these records that have a speed.
///
/// # Errors
/// None has.
pub(super) fn measured(records: &[AnyRecord], sides: Sides) -> Result<Measured<'_>> {
    let mut measured = Measured { runs: Vec::new(), warnings: Vec::new() };
    for record in records {
        match record {
            AnyRecord::Run(run) => measured.take(&run.run_id, run, None),
            AnyRecord::Ab(ab) => measured.take_ab(ab, sides),
            AnyRecord::Peers(peers) => measured.warnings.push(format!(
                "record `{}` is left out: it is of several engines; `peers --format json` and `history show` tell it",
                one_line(&peers.run_id)
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
pub fn invalidated(records: &[AnyRecord]) -> Vec<String> {
    let of_run = |record_id: &str, run: &RunRecord, side| {
        let compared = ComparedSide::of(run);
        let has_speed = compared.no_speed_because.is_none();
        compared.doubted_because.filter(|_| has_speed).map(|reason| warning(&named(record_id, side), &reason))
    };
    let of_record = |record: &AnyRecord| match record {
        AnyRecord::Run(run) => vec![of_run(&run.run_id, run, None)],
        AnyRecord::Ab(ab) => vec![
            of_run(&ab.run_id, &ab.base.run, Some(Side::Base)),
            of_run(&ab.run_id, &ab.head.run, Some(Side::Head)),
        ],
        AnyRecord::Peers(_) => Vec::new(),
    };
    records.iter().flat_map(of_record).flatten().collect()
}

fn warning(named: &str, reason: &str) -> String {
    format!("{named} is told though a guard tripped: {}", one_line(reason))
}

fn named(record_id: &str, side: Option<Side>) -> String {
    let of_side = side.map(|side| format!(", its {},", side.word())).unwrap_or_default();
    format!("record `{}`{of_side}", one_line(record_id))
}

impl<'a> Measured<'a> {
    fn take_ab(&mut self, ab: &'a AbRecord, sides: Sides) {
        if sides == Sides::Both {
            self.take(&ab.run_id, &ab.base.run, Some(Side::Base));
        }
        self.take(&ab.run_id, &ab.head.run, Some(Side::Head));
    }

    fn take(&mut self, record_id: &str, run: &'a RunRecord, side: Option<Side>) {
        let believed = ComparedSide::of(run);
        let named = named(record_id, side);
        if let Some(because) = &believed.no_speed_because {
            self.warnings.push(format!("{named} is left out: {}", one_line(because)));
            return;
        }
        if let Some(because) = &believed.doubted_because {
            self.warnings.push(warning(&named, because));
        }
        self.runs.push(MeasuredRun { run, side, believed });
    }
}
