//! The processes of a round, what invalidates it, and the pairs of an A/B: what each process of the head gave as a multiple
//! of the base's process beside it.
//!
//! Differences are natural logarithms of head / base: 0 is no change, and a slow-down and its inverse are as far from it as
//! each other.

use std::collections::HashMap;

use crate::engine::openvino::DeviceKind;
use crate::judge::environment::{GuardFinding, ProcessGuards, TimeSpan, between, of_process};
use crate::measure::guard::GuardLog;
use crate::measure::supervisor::Purpose;
use crate::measure::{Metric, Role, Sample};
use crate::record::{Arm, Experiment, ProcessRecord, ProvenDevice, SampleRecord, Side};

/// A process of a round, whether it has just run or stands in a record.
#[derive(Debug, Clone)]
pub struct RoundProcess<'a> {
    /// The name of its arm: a side of an A/B, or an engine.
    pub name: &'a str,
    /// Its generations, the warm-up among them.
    pub samples: Vec<Sample>,
    /// What was read of the machine; None where nothing was.
    pub guards: Option<&'a GuardLog>,
    /// What it ran on.
    pub device: DeviceKind,
}

impl RoundProcess<'_> {
    /// Its guards with the part of it that was timed; None where nothing was read.
    fn judged(&self) -> Option<ProcessGuards<'_>> {
        let measured = self.samples.iter().filter(|sample| sample.role == Role::Measured);
        let start_ns = measured.clone().map(|sample| sample.submitted_ns).min();
        let end_ns = measured.filter_map(|sample| sample.token_ns.last().copied()).max();
        let timed = start_ns.zip(end_ns).map(|(start_ns, end_ns)| TimeSpan { start_ns, end_ns });
        Some(ProcessGuards { log: self.guards?, device: self.device, timed })
    }
}

/// Which guards invalidate a round; `first` is the process that the experiment began with.
pub fn invalidated_by(processes: &[RoundProcess<'_>], first: Option<&RoundProcess<'_>>) -> Vec<String> {
    let first = first.and_then(RoundProcess::judged);
    let judged: Vec<_> =
        processes.iter().filter_map(|process| Some((process.name, process.judged()?))).collect();
    let mut invalidated = Vec::new();
    for (name, guards) in &judged {
        // Load that was there before the first process is others'; later it may be an arm's own.
        let first = first.as_ref().filter(|first| !std::ptr::eq(first.log, guards.log));
        invalidated.extend(troubles(&of_process(guards, first), &format!("on `{name}`")));
    }
    let Some(((one_name, one), others)) = judged.split_first() else { return invalidated };
    for (name, other) in others {
        invalidated.extend(troubles(&between(one, other), &format!("between `{one_name}` and `{name}`")));
    }
    invalidated
}

fn troubles(findings: &[GuardFinding], place: &str) -> Vec<String> {
    let troubles = findings.iter().filter(|finding| finding.invalidates());
    troubles.map(|finding| format!("`{}` {place}: {}", finding.guard.id(), finding.reason)).collect()
}

pub(in crate::judge) struct Recorded<'a> {
    pub(in crate::judge) arm: &'a Arm,
    pub(in crate::judge) process: &'a ProcessRecord,
    pub(in crate::judge) of_round: RoundProcess<'a>,
}

/// The process that an arm ran in a round; None where it took no part.
pub(in crate::judge) fn recorded(record: &Experiment, round: usize, at: usize) -> Option<Recorded<'_>> {
    let (arm, index) = (record.arms.get(at)?, record.process_of(round, at)?);
    let mut processes = arm.processes.iter();
    let process = processes.find(|it| it.index == index && it.purpose == Purpose::Measured)?;
    let samples = arm.samples.iter().filter(|sample| sample.process == index);
    let of_round = RoundProcess {
        name: record.plan.arm_name(at, &arm.label),
        samples: samples.filter_map(SampleRecord::timed).collect(),
        guards: process.guards.as_ref(),
        device: arm.device.ran.as_ref().map_or(DeviceKind::Cpu, ProvenDevice::kind),
    };
    Some(Recorded { arm, process, of_round })
}

/// The process that the experiment began with.
pub(in crate::judge) fn first_recorded(record: &Experiment) -> Option<Recorded<'_>> {
    recorded(record, 0, *record.rounds.first()?.order.first()?)
}

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
pub struct PairValues {
    /// Which side ran first.
    pub first: Side,
    /// By prompt, in the order requested; empty where a side has no speed.
    pub prompts: Vec<PromptDifference>,
    /// Of `load@1`; None where the loads are not of one kind.
    pub load_ln: Option<f64>,
    /// Of `peak_rss@1` over the measured generations.
    pub peak_rss_ln: Option<f64>,
    /// Of `peak_device_memory@1`, as OpenVINO reports it.
    pub device_memory_ln: Option<f64>,
    /// Values that one side has and the other has not.
    pub one_sided: Vec<Metric>,
    /// Each guard that invalidated the pair, with the readings.
    pub invalidated_by: Vec<String>,
    /// Whether it counts: none did, or guards are ignored.
    pub counts: bool,
}

impl PairValues {
    /// Mean over the prompts of ln(head / base) of `tpot@1`: what the sequential test is of.
    pub fn tpot_ln(&self) -> Option<f64> {
        mean_tpot_ln(&self.prompts)
    }

    /// ln(head / base) of a metric over all prompts; None of one that pairs are not compared by.
    pub fn ln(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Load => self.load_ln,
            Metric::PeakRss => self.peak_rss_ln,
            Metric::PeakDeviceMemory => self.device_memory_ln,
            _ => mean_ln(&self.prompts, metric),
        }
    }

    /// Whether no guard invalidated it.
    pub fn is_valid(&self) -> bool {
        self.invalidated_by.is_empty()
    }
}

/// Mean over the prompts of ln(head / base) of `tpot@1`; None where there are none.
pub fn mean_tpot_ln(prompts: &[PromptDifference]) -> Option<f64> {
    mean_ln(prompts, Metric::TimePerOutputToken)
}

/// The same of `tpot@1` or `ttft@1`; None of another metric.
pub fn mean_ln(prompts: &[PromptDifference], metric: Metric) -> Option<f64> {
    let value: fn(&PromptDifference) -> f64 = match metric {
        Metric::TimePerOutputToken => |prompt| prompt.tpot_ln,
        Metric::TimeToFirstToken => |prompt| prompt.ttft_ln,
        _ => return None,
    };
    mean(prompts.iter().map(value))
}

/// By prompt of the base, where both sides have a value of every one.
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
pub fn pair_values(record: &Experiment) -> Vec<PairValues> {
    let first = first_recorded(record).map(|first| first.of_round);
    (0..record.rounds.len()).filter_map(|round| metric_values(record, round, first.as_ref())).collect()
}

fn metric_values(record: &Experiment, round: usize, first: Option<&RoundProcess<'_>>) -> Option<PairValues> {
    let base = recorded(record, round, Side::Base.arm())?;
    let head = recorded(record, round, Side::Head.arm())?;
    let ln = |metric_value: fn(&Recorded<'_>) -> Option<f64>| {
        finite((metric_value(&head)? / metric_value(&base)?).ln())
    };
    let load = |recorded: &Recorded<'_>| recorded.process.load.as_ref().map(|load| load.compiled_model_cache);
    let mut pair = PairValues {
        first: record.rounds[round].first(),
        prompts: prompt_differences(&base.of_round.samples, &head.of_round.samples),
        load_ln: if load(&base) == load(&head) { ln(load_ns) } else { None },
        peak_rss_ln: ln(peak_rss_bytes),
        device_memory_ln: ln(device_memory_bytes),
        one_sided: one_sided(&base, &head),
        invalidated_by: invalidated_by(&[base.of_round, head.of_round], first),
        counts: false,
    };
    pair.counts = record.sampling.counts(&pair.invalidated_by);
    Some(pair)
}

/// What was reported of one process and not of the other: it may have been lost by the change.
fn one_sided(base: &Recorded<'_>, head: &Recorded<'_>) -> Vec<Metric> {
    let is_lost = |metric_value: fn(&Recorded<'_>) -> Option<f64>| {
        metric_value(base).is_some() != metric_value(head).is_some()
    };
    let metric_values = [
        (Metric::Load, is_lost(load_ns)),
        (Metric::PeakRss, is_lost(peak_rss_bytes)),
        (Metric::PeakDeviceMemory, is_lost(device_memory_bytes)),
    ];
    metric_values.into_iter().filter(|(_, is_lost)| *is_lost).map(|(metric, _)| metric).collect()
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
