//! The figures of one prompt of a run, each with what every process of its own says of it.

use crate::judge::PromptSummary;
use crate::judge::mean_interval::MeanInterval;
use crate::judge::summary::figures;
use crate::measure::supervisor::Purpose;
use crate::measure::{Figure, Metric, Role, Sample};
use crate::record::{Arm, ProcessRecord, SampleRecord};

/// A figure of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptFigure {
    /// Over all its measured generations.
    pub figure: Figure,
    /// Over those of each measured process, in order; empty where one has none.
    pub processes: Vec<f64>,
}

impl PromptFigure {
    /// Where the mean of the processes lies, as far as they tell: generations of one process are not
    /// independent. None for fewer than two.
    #[must_use]
    pub fn interval(&self) -> Option<MeanInterval> {
        MeanInterval::of(&self.processes)
    }
}

/// The figures of a prompt's generations, which are `samples` of the run, in the order of [`Metric::ALL`]; none
/// where the run has no speed.
#[must_use]
pub fn prompt_figures(run: &Arm, prompt: &PromptSummary, samples: &[&SampleRecord]) -> Vec<PromptFigure> {
    let Some(whole) = &prompt.figures else { return Vec::new() };
    let of_process = |process: &ProcessRecord| {
        let own = samples.iter().filter(|sample| sample.process == process.index);
        let own = own.filter_map(|sample| sample.timed());
        let samples: Vec<Sample> = own.filter(|sample| sample.role == Role::Measured).collect();
        figures(&samples)
    };
    let measured = run.processes.iter().filter(|process| process.purpose == Purpose::Measured);
    let by_process = measured.map(of_process).collect::<Option<Vec<_>>>().unwrap_or_default();
    let of_metric = |metric: Metric| {
        let processes = by_process.iter().map(|figures| figures.mean.get(metric));
        Some(PromptFigure {
            figure: Figure { metric, value: whole.mean.get(metric)? },
            processes: processes.collect::<Option<_>>().unwrap_or_default(),
        })
    };
    Metric::ALL.iter().copied().filter_map(of_metric).collect()
}
