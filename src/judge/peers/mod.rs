//! Engines side by side: what each gave as a multiple of another's process in the same round, and what that
//! difference is made of.
//!
//! Nothing here is a verdict on a commit. Rounds are of fresh processes that ran one right after the other, so a
//! machine that drifts moves both sides of a ratio.

#[cfg(test)]
pub(crate) mod example;
mod facets;
mod rounds;
#[cfg(test)]
mod tests;

use crate::judge::{MeanInterval, Summary, summarise};
use crate::measure::Metric;
use crate::measure::protocol::InferSpan;
use crate::record::{Arm, Experiment};

pub use facets::{Facet, Facets, Step, WholeStep, steps, whole_step};
pub use rounds::{RoundFigures, geometric_means, process_figure, round_figures};

/// What is compared, in the order in which it is reported.
pub const COMPARED: [Metric; 6] = [
    Metric::TimeToFirstToken,
    Metric::TimePerOutputToken,
    Metric::EndToEndThroughput,
    Metric::HostOverhead,
    Metric::Load,
    Metric::PeakRss,
];

/// A figure of one engine as a multiple of another's, over the rounds that both have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Multiple {
    /// By which definition.
    pub metric: Metric,
    /// Rounds that it rests on.
    pub rounds: usize,
    /// Geometric mean of engine / other.
    pub ratio: f64,
    /// The lower end of its 95 % interval, by Student's t on the logarithms; None for a single round.
    pub lower: Option<f64>,
    /// The upper end.
    pub upper: Option<f64>,
}

/// How a multiple stands to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// Better than the other, all of the interval.
    Better,
    /// Worse, all of it.
    Worse,
    /// The interval holds one: they cannot be distinguished.
    Alike,
    /// There is no interval.
    Unknown,
}

impl Multiple {
    /// Of the same figure of the same rounds; None where there is no such round.
    #[must_use]
    pub fn of(metric: Metric, of_rounds: &[RoundFigures], engine: usize, other: usize) -> Option<Self> {
        let ln = |round: &RoundFigures| {
            let ratio = round.of(engine)?.get(metric)? / round.of(other)?.get(metric)?;
            Some(ratio.ln()).filter(|ln| ln.is_finite())
        };
        let counted = of_rounds.iter().filter(|round| round.counts);
        let all_ln: Vec<f64> = counted.filter_map(ln).collect();
        if all_ln.is_empty() {
            return None;
        }
        let interval = MeanInterval::of(&all_ln);
        let mean_ln = all_ln.iter().sum::<f64>() / all_ln.len() as f64;
        Some(Self {
            metric,
            rounds: all_ln.len(),
            ratio: mean_ln.exp(),
            lower: interval.map(|interval| interval.lower().exp()),
            upper: interval.map(|interval| interval.upper().exp()),
        })
    }

    /// How it stands to one, by its interval and the metric's direction.
    #[must_use]
    pub fn stands(&self) -> Stands {
        let (Some(lower), Some(upper)) = (self.lower, self.upper) else { return Stands::Unknown };
        let lower_is_better = self.metric.direction() == crate::measure::Direction::Lower;
        if upper < 1.0 {
            if lower_is_better { Stands::Better } else { Stands::Worse }
        } else if lower > 1.0 {
            if lower_is_better { Stands::Worse } else { Stands::Better }
        } else {
            Stands::Alike
        }
    }
}

/// One engine, as it is reported.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerFigures {
    /// Its figures by themselves, over every process, whether its round counts or not.
    pub summary: Summary,
    /// Mean `host_overhead@1`, us per token; None where the engine notes no inferences by themselves.
    pub host_overhead_us: Option<f64>,
    /// Mean `load@1`, s.
    pub load_s: Option<f64>,
    /// Highest `peak_rss@1` of load, prefill, decode and every generation, bytes.
    pub peak_rss_bytes: Option<u64>,
    /// Highest anonymous memory at the end of a generation, bytes.
    pub anonymous_bytes: Option<u64>,
    /// Highest file-backed memory at the end of a generation, bytes.
    pub file_backed_bytes: Option<u64>,
    /// Highest memory of the device that OpenVINO reported of, bytes.
    pub device_memory_bytes: Option<u64>,
    /// What is compared, as multiples of the reference; empty for the reference itself, and where either has
    /// no speed.
    pub multiples: Vec<Multiple>,
}

/// The figures of every engine, in the order requested.
#[must_use]
pub fn peer_figures(record: &Experiment) -> Vec<PeerFigures> {
    let of_rounds = round_figures(record);
    let figures = record.arms.iter().enumerate().map(|(at, engine)| {
        let multiples = COMPARED.iter().filter_map(|metric| Multiple::of(*metric, &of_rounds, at, 0));
        let multiples = if at == 0 { Vec::new() } else { multiples.collect() };
        of_engine(engine, multiples)
    });
    figures.collect()
}

fn of_engine(engine: &Arm, multiples: Vec<Multiple>) -> PeerFigures {
    let run = engine;
    let loads: Vec<f64> = run.processes.iter().filter_map(process_figure::load_s).collect();
    let highest =
        |figure: fn(&crate::record::SampleRecord) -> Option<u64>| run.samples.iter().filter_map(figure).max();
    let summary = summarise(run);
    let average = summary.average.as_ref().filter(|_| engine.infer_span == InferSpan::Inference);
    PeerFigures {
        host_overhead_us: average.and_then(|average| average.mean.get(Metric::HostOverhead)),
        summary,
        load_s: (!loads.is_empty()).then(|| loads.iter().sum::<f64>() / loads.len() as f64),
        peak_rss_bytes: run.processes.iter().filter_map(|it| process_figure::peak_rss_bytes(run, it)).max(),
        anonymous_bytes: highest(|sample| sample.rss_anonymous_bytes),
        file_backed_bytes: highest(|sample| sample.rss_file_bytes),
        device_memory_bytes: run.processes.iter().filter_map(|it| it.device_memory_bytes).max(),
        multiples,
    }
}
