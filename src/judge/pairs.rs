//! The pairs of an A/B: what each process of the head gave as a multiple of the base's process beside it.
//!
//! Everything is a natural logarithm of head / base: 0 is no change, and a slow-down and its inverse are
//! as far from it as each other.

use std::collections::HashMap;

use crate::judge::round::{Recorded, RoundProcess, first_recorded, invalidated_by, recorded};
use crate::measure::{Metric, Role, Sample};
use crate::record::{Experiment, Side};

/// One prompt in one pair, ln(head / base).
#[derive(Debug, Clone, PartialEq)]
pub struct PromptDifference {
    /// The prompt's id.
    pub prompt_id: String,
    /// Of `tpot@1`.
    pub tpot_ln: f64,
    /// Of `ttft@1`.
    pub ttft_ln: f64,
}

/// One pair, ln(head / base).
#[derive(Debug, Clone, PartialEq)]
pub struct PairFigures {
    /// Which side ran first.
    pub first: Side,
    /// By prompt, in the order requested; empty where a side has no speed.
    pub prompts: Vec<PromptDifference>,
    /// Of `load@1`; None where the loads are not of one kind.
    pub load_ln: Option<f64>,
    /// Of `peak_rss@1` over the measured generations.
    pub peak_rss_ln: Option<f64>,
    /// Of `peak_device_memory@1`, as OpenVINO tells it.
    pub device_memory_ln: Option<f64>,
    /// Figures that one side has and the other has not.
    pub one_sided: Vec<Metric>,
    /// Each guard that invalidated the pair, with the readings; empty where it counts.
    pub invalidated_by: Vec<String>,
}

impl PairFigures {
    /// Mean over the prompts of ln(head / base) of `tpot@1`: what the sequential test is of.
    #[must_use]
    pub fn tpot_ln(&self) -> Option<f64> {
        mean(self.prompts.iter().map(|prompt| prompt.tpot_ln))
    }

    /// The same of `ttft@1`.
    #[must_use]
    pub fn ttft_ln(&self) -> Option<f64> {
        mean(self.prompts.iter().map(|prompt| prompt.ttft_ln))
    }

    /// Whether no guard invalidated it.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.invalidated_by.is_empty()
    }
}

/// By prompt of the base, where both sides have a figure of every one.
#[must_use]
pub fn prompt_differences(base: &[Sample], head: &[Sample]) -> Vec<PromptDifference> {
    fn measured(samples: &[Sample]) -> impl DoubleEndedIterator<Item = &Sample> {
        samples.iter().filter(|sample| sample.role == Role::Measured)
    }
    let heads: HashMap<&str, &Sample> =
        measured(head).rev().map(|sample| (sample.prompt_id.as_str(), sample)).collect();
    let differences = measured(base).map(|base| {
        let head = *heads.get(base.prompt_id.as_str())?;
        let ln = |metric: Metric| finite((metric.of(head)?.value / metric.of(base)?.value).ln());
        Some(PromptDifference {
            prompt_id: base.prompt_id.clone(),
            tpot_ln: ln(Metric::TimePerOutputToken)?,
            ttft_ln: ln(Metric::TimeToFirstToken)?,
        })
    });
    // A mean over some of the prompts would be the mean of something else.
    differences.collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// Every pair of a record, in order.
#[must_use]
pub fn pair_figures(record: &Experiment) -> Vec<PairFigures> {
    let first = first_recorded(record).map(|first| first.of_round);
    (0..record.rounds.len()).filter_map(|round| figures(record, round, first.as_ref())).collect()
}

fn figures(record: &Experiment, round: usize, first: Option<&RoundProcess<'_>>) -> Option<PairFigures> {
    let base = recorded(record, round, Side::Base.arm())?;
    let head = recorded(record, round, Side::Head.arm())?;
    let ln = |figure: fn(&Recorded<'_>) -> Option<f64>| finite((figure(&head)? / figure(&base)?).ln());
    let load = |recorded: &Recorded<'_>| recorded.process.load.as_ref().map(|load| load.compiled_model_cache);
    Some(PairFigures {
        first: record.rounds[round].first(),
        prompts: prompt_differences(&base.of_round.samples, &head.of_round.samples),
        load_ln: if load(&base) == load(&head) { ln(load_ns) } else { None },
        peak_rss_ln: ln(peak_rss_bytes),
        device_memory_ln: ln(device_memory_bytes),
        one_sided: one_sided(&base, &head),
        invalidated_by: invalidated_by(&[base.of_round, head.of_round], first),
    })
}

/// What was reported of one process and not of the other: it may have been lost by the change.
fn one_sided(base: &Recorded<'_>, head: &Recorded<'_>) -> Vec<Metric> {
    let is_lost = |figure: fn(&Recorded<'_>) -> Option<f64>| figure(base).is_some() != figure(head).is_some();
    let figures = [
        (Metric::Load, is_lost(load_ns)),
        (Metric::PeakRss, is_lost(peak_rss_bytes)),
        (Metric::PeakDeviceMemory, is_lost(device_memory_bytes)),
    ];
    figures.into_iter().filter(|(_, is_lost)| *is_lost).map(|(metric, _)| metric).collect()
}

fn load_ns(recorded: &Recorded<'_>) -> Option<f64> {
    Some(recorded.process.load.as_ref()?.load_ns as f64)
}

fn device_memory_bytes(recorded: &Recorded<'_>) -> Option<f64> {
    recorded.process.device_memory_bytes.map(|bytes| bytes as f64)
}

fn peak_rss_bytes(recorded: &Recorded<'_>) -> Option<f64> {
    let measured = recorded.of_round.samples.iter().filter(|sample| sample.role == Role::Measured);
    measured.filter_map(|sample| sample.memory.peak_rss_bytes).max().map(|bytes| bytes as f64)
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
