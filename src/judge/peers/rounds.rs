//! The figures of each process of each round, and whether the round counts.

use std::collections::BTreeMap;

use crate::judge::round::{Recorded, RoundProcess, first_recorded, invalidated_by, recorded};
use crate::measure::protocol::InferSpan;
use crate::measure::{Metric, MetricValues, Role, Sample};
use crate::record::Experiment;

/// One round.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundFigures {
    /// Engines by their place, in the order in which they ran.
    pub order: Vec<usize>,
    /// What the process of each engine gave.
    processes: BTreeMap<usize, MetricValues>,
    /// Each guard that invalidated it, with the readings.
    pub invalidated_by: Vec<String>,
    /// Whether it counts: no guard invalidated it, or the user took that.
    pub counts: bool,
}

impl RoundFigures {
    /// What the process of an engine gave; None where it is not in the round.
    #[must_use]
    pub fn of(&self, engine: usize) -> Option<&MetricValues> {
        self.processes.get(&engine)
    }
}

/// Of each metric the geometric mean over the prompts of a process that has just run.
#[must_use]
pub fn geometric_means(samples: &[Sample]) -> MetricValues {
    let measured: Vec<&Sample> = samples.iter().filter(|sample| sample.role == Role::Measured).collect();
    MetricValues::geometric_means(measured.iter().copied())
}

/// Figures that are of a whole process.
pub mod process_figure {
    use crate::record::{Arm, ProcessRecord};

    /// `load@1`, s.
    #[must_use]
    pub fn load_s(process: &ProcessRecord) -> Option<f64> {
        Some(process.load.as_ref()?.load_ns as f64 / 1e9)
    }

    /// The highest `peak_rss@1` of all its phases and generations, bytes.
    #[must_use]
    pub fn peak_rss_bytes(run: &Arm, process: &ProcessRecord) -> Option<u64> {
        let memory = &process.memory;
        let phases = [&memory.load, &memory.prefill, &memory.decode].map(|phase| phase.peak_rss_bytes);
        let samples = run.samples.iter().filter(|sample| sample.process == process.index);
        phases.into_iter().chain(samples.map(|sample| sample.peak_rss_bytes)).flatten().max()
    }
}

/// Every round of a record, in order.
#[must_use]
pub fn round_figures(record: &Experiment) -> Vec<RoundFigures> {
    let first = first_recorded(record).map(|first| first.of_round);
    let rounds = record.rounds.iter().enumerate().map(|(round, of_round)| {
        let engines = of_round.order.iter();
        let ran: Vec<(usize, Recorded<'_>)> =
            engines.filter_map(|engine| Some((*engine, recorded(record, round, *engine)?))).collect();
        let processes = ran.iter().map(|(engine, recorded)| (*engine, figures(recorded))).collect();
        let of_rounds: Vec<RoundProcess<'_>> =
            ran.into_iter().map(|(_, recorded)| recorded.of_round).collect();
        let invalidated_by = invalidated_by(&of_rounds, first.as_ref());
        RoundFigures {
            counts: record.sampling.ignore_guards || invalidated_by.is_empty(),
            order: of_round.order.clone(),
            processes,
            invalidated_by,
        }
    });
    rounds.collect()
}

fn figures(recorded: &Recorded<'_>) -> MetricValues {
    let measured = recorded.of_round.samples.iter().filter(|sample| sample.role == Role::Measured).count();
    // Of a wrong answer no time is kept. A mean over some of the prompts would be the mean of something
    // else, and without its tokens no other figure of an engine is worth a comparison.
    if measured != recorded.arm.workload.prompts.len() {
        return MetricValues::default();
    }
    let mut figures = geometric_means(&recorded.of_round.samples);
    if recorded.arm.infer_span == InferSpan::Step {
        figures.remove(Metric::HostOverhead);
    }
    if let Some(load_s) = process_figure::load_s(recorded.process) {
        figures.insert(Metric::Load, load_s);
    }
    if let Some(bytes) = process_figure::peak_rss_bytes(recorded.arm, recorded.process) {
        figures.insert(Metric::PeakRss, bytes as f64);
    }
    figures
}
