//! The pairs of an A/B: what each process of the head gave as a multiple of the base's process beside it.
//!
//! Everything is a natural logarithm of head / base: 0 is no change, and a slow-down and its inverse are
//! as far from it as each other.

use crate::engine::openvino::DeviceKind;
use crate::judge::environment::{GuardFinding, ProcessGuards, TimeSpan, between, of_process};
use crate::measure::guard::GuardLog;
use crate::measure::{Metric, Role, Sample};
use crate::record::{AbRecord, PairRecord, ProcessPurpose, ProcessRecord, ProvenDevice, RunRecord, Side};

/// A process of a pair, whether it has just run or stands in a record.
#[derive(Debug, Clone)]
pub struct PairedProcess<'a> {
    /// Its generations, the warm-up among them.
    pub samples: Vec<Sample>,
    /// What was read of the machine; None where nothing was.
    pub guards: Option<&'a GuardLog>,
    /// What it ran on.
    pub device: DeviceKind,
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
pub struct PairFigures {
    /// Which side ran first.
    pub first: Side,
    /// By prompt, in the order asked; empty where a side has no speed.
    pub prompts: Vec<PromptDifference>,
    /// Of `load@1`; None where the loads are not of one kind.
    pub load_ln: Option<f64>,
    /// Of `peak_rss@1` over the measured generations.
    pub peak_rss_ln: Option<f64>,
    /// Of `peak_device_memory@1`, as OpenVINO tells it.
    pub device_memory_ln: Option<f64>,
    /// Figures that one side has and the other has not.
    pub one_sided: Vec<Metric>,
    /// Each guard that spoilt the pair, with the readings; empty where it counts.
    pub spoilt_because: Vec<String>,
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

    /// Whether no guard spoilt it.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.spoilt_because.is_empty()
    }
}

/// By prompt of the base, where both sides have a figure of every one.
#[must_use]
pub fn prompt_differences(base: &[Sample], head: &[Sample]) -> Vec<PromptDifference> {
    let measured = base.iter().filter(|sample| sample.role == Role::Measured);
    let differences = measured.map(|base| {
        let head =
            head.iter().find(|sample| sample.role == Role::Measured && sample.prompt_id == base.prompt_id)?;
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

/// Which guards spoil a pair; `first` is the process that the run began with.
#[must_use]
pub fn spoilt_because(
    base: &PairedProcess<'_>,
    head: &PairedProcess<'_>,
    first: Option<&PairedProcess<'_>>,
) -> Vec<String> {
    let first = first.and_then(PairedProcess::judged);
    let sides = [(Side::Base, base.judged()), (Side::Head, head.judged())];
    let mut spoilt = Vec::new();
    for (side, guards) in &sides {
        let Some(guards) = guards else { continue };
        let findings = of_process(guards, first.as_ref());
        spoilt.extend(told(&findings, &format!(" on the {}", side.word())));
    }
    if let [(_, Some(base)), (_, Some(head))] = &sides {
        spoilt.extend(told(&between(base, head), ""));
    }
    spoilt
}

fn told(findings: &[GuardFinding], side: &str) -> Vec<String> {
    let troubles = findings.iter().filter(|finding| finding.invalidates());
    troubles.map(|finding| format!("`{}`{side}: {}", finding.guard.id(), finding.because)).collect()
}

impl PairedProcess<'_> {
    /// Its guards with the part of it that was timed; None where nothing was read.
    pub(in crate::judge) fn judged(&self) -> Option<ProcessGuards<'_>> {
        let measured = self.samples.iter().filter(|sample| sample.role == Role::Measured);
        let start_ns = measured.clone().map(|sample| sample.submitted_ns).min();
        let end_ns = measured.filter_map(|sample| sample.token_ns.last().copied()).max();
        let timed = start_ns.zip(end_ns).map(|(start_ns, end_ns)| TimeSpan { start_ns, end_ns });
        Some(ProcessGuards { log: self.guards?, device: self.device, timed })
    }
}

/// Every pair of a record, in order.
#[must_use]
pub fn pair_figures(record: &AbRecord) -> Vec<PairFigures> {
    let first = record.pairs.first().and_then(|pair| {
        let (run, index) = match pair.first {
            Side::Base => (&record.base.run, pair.base_process),
            Side::Head => (&record.head.run, pair.head_process),
        };
        process(run, index)
    });
    let first = first.as_ref().map(|recorded| &recorded.paired);
    record.pairs.iter().filter_map(|pair| figures(record, *pair, first)).collect()
}

fn figures(record: &AbRecord, pair: PairRecord, first: Option<&PairedProcess<'_>>) -> Option<PairFigures> {
    let base = process(&record.base.run, pair.base_process)?;
    let head = process(&record.head.run, pair.head_process)?;
    let ln = |figure: fn(&Recorded<'_>) -> Option<f64>| finite((figure(&head)? / figure(&base)?).ln());
    let load = |recorded: &Recorded<'_>| recorded.process.load.as_ref().map(|load| load.compiled_model_cache);
    Some(PairFigures {
        first: pair.first,
        prompts: prompt_differences(&base.paired.samples, &head.paired.samples),
        load_ln: if load(&base) == load(&head) { ln(load_ns) } else { None },
        peak_rss_ln: ln(peak_rss_bytes),
        device_memory_ln: ln(device_memory_bytes),
        one_sided: one_sided(&base, &head),
        spoilt_because: spoilt_because(&base.paired, &head.paired, first),
    })
}

/// What was told of one process and not of the other: it may have been lost by the change.
fn one_sided(base: &Recorded<'_>, head: &Recorded<'_>) -> Vec<Metric> {
    let is_lost = |figure: fn(&Recorded<'_>) -> Option<f64>| figure(base).is_some() != figure(head).is_some();
    let figures = [
        (Metric::Load, is_lost(load_ns)),
        (Metric::PeakRss, is_lost(peak_rss_bytes)),
        (Metric::PeakDeviceMemory, is_lost(device_memory_bytes)),
    ];
    figures.into_iter().filter(|(_, is_lost)| *is_lost).map(|(metric, _)| metric).collect()
}

/// A process as it stands in a record.
struct Recorded<'a> {
    process: &'a ProcessRecord,
    paired: PairedProcess<'a>,
}

fn process(run: &RunRecord, index: usize) -> Option<Recorded<'_>> {
    let mut processes = run.processes.iter();
    let process = processes.find(|it| it.index == index && it.purpose == ProcessPurpose::Measured)?;
    let samples = run.samples.iter().filter(|sample| sample.process == index);
    let paired = PairedProcess {
        samples: samples.filter_map(crate::record::SampleRecord::timed).collect(),
        guards: process.guards.as_ref(),
        device: run.device.ran.as_ref().map_or(DeviceKind::Cpu, ProvenDevice::kind),
    };
    Some(Recorded { process, paired })
}

fn load_ns(recorded: &Recorded<'_>) -> Option<f64> {
    Some(recorded.process.load.as_ref()?.load_ns as f64)
}

fn device_memory_bytes(recorded: &Recorded<'_>) -> Option<f64> {
    recorded.process.device_memory_bytes.map(|bytes| bytes as f64)
}

fn peak_rss_bytes(recorded: &Recorded<'_>) -> Option<f64> {
    let measured = recorded.paired.samples.iter().filter(|sample| sample.role == Role::Measured);
    measured.filter_map(|sample| sample.memory.peak_rss_bytes).max().map(|bytes| bytes as f64)
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
