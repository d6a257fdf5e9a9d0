//! The figures of one prompt of a run, each with what every process of its own says of it.

use crate::judge::likeness::ComparedSide;
use crate::judge::mean_interval::MeanInterval;
use crate::judge::summary::figures;
use crate::measure::{Figure, Metric, Role, Sample};
use crate::record::{ProcessPurpose, ProcessRecord, RunRecord, SampleRecord};

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

/// The figures of a prompt's generations, in the order of [`Metric::ALL`]; none where the run has no speed.
#[must_use]
pub fn prompt_figures(run: &RunRecord, side: &ComparedSide, prompt_id: &str) -> Vec<PromptFigure> {
    let asked = side.summary.prompts.iter().find(|prompt| prompt.id == prompt_id);
    let Some(whole) = asked.and_then(|prompt| prompt.figures.as_ref()) else { return Vec::new() };
    let of_process = |process: &ProcessRecord| {
        let own = run.samples.iter().filter(|sample| sample.process == process.index);
        let own = own.filter(|sample| sample.prompt_id == prompt_id).filter_map(SampleRecord::timed);
        let samples: Vec<Sample> = own.filter(|sample| sample.role == Role::Measured).collect();
        figures(&samples)
    };
    let measured = run.processes.iter().filter(|process| process.purpose == ProcessPurpose::Measured);
    let by_process = measured.map(of_process).collect::<Option<Vec<_>>>().unwrap_or_default();
    let of_metric = |metric: Metric| {
        let processes = by_process.iter().map(|figures| figures.mean.value(metric));
        Some(PromptFigure {
            figure: Figure { metric, value: whole.mean.value(metric)? },
            processes: processes.collect::<Option<_>>().unwrap_or_default(),
        })
    };
    Metric::ALL.into_iter().filter_map(of_metric).collect()
}
