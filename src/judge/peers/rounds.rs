//! The figures of each process of each round, and whether the round counts.

use std::collections::BTreeMap;

use crate::engine::openvino::DeviceKind;
use crate::judge::PairedProcess;
use crate::judge::environment::{between, of_process};
use crate::measure::protocol::InferSpan;
use crate::measure::{Metric, Role, Sample};
use crate::record::{PeerRecord, PeersRecord, ProcessPurpose, ProcessRecord, ProvenDevice};

/// One round.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundFigures {
    /// Engines by their place, in the order in which they ran.
    pub order: Vec<usize>,
    /// What the process of each engine gave.
    processes: BTreeMap<usize, ProcessFigures>,
    /// Each guard that spoilt it, with the readings.
    pub spoilt_because: Vec<String>,
    /// Whether it counts: no guard spoilt it, or the user took that.
    pub counts: bool,
}

/// The figures of one process: means over its prompts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProcessFigures {
    of_metric: BTreeMap<Metric, f64>,
}

impl RoundFigures {
    /// What the process of an engine gave; None where it is not in the round.
    #[must_use]
    pub fn of(&self, engine: usize) -> Option<&ProcessFigures> {
        self.processes.get(&engine)
    }
}

impl ProcessFigures {
    /// Of a process that has just run: only what its generations tell.
    #[must_use]
    pub fn of_samples(samples: &[Sample]) -> Self {
        let measured: Vec<&Sample> = samples.iter().filter(|sample| sample.role == Role::Measured).collect();
        let mut figures = Self::default();
        for metric in Metric::ALL {
            // A geometric mean, so that a ratio of two is the mean ratio of their prompts.
            let of_prompts = measured.iter().map(|sample| Some(metric.of(sample)?.value.ln()));
            let Some(of_prompts) = of_prompts.collect::<Option<Vec<f64>>>() else { continue };
            if !of_prompts.is_empty() {
                let mean_ln = of_prompts.iter().sum::<f64>() / of_prompts.len() as f64;
                figures.of_metric.insert(metric, mean_ln.exp());
            }
        }
        figures
    }

    /// One of them.
    #[must_use]
    pub fn of(&self, metric: Metric) -> Option<f64> {
        self.of_metric.get(&metric).copied()
    }
}

/// Figures that are of a whole process.
pub mod process_figure {
    use crate::record::{ProcessRecord, RunRecord};

    /// `load@1`, s.
    #[must_use]
    pub fn load_s(process: &ProcessRecord) -> Option<f64> {
        Some(process.load.as_ref()?.load_ns as f64 / 1e9)
    }

    /// The highest `peak_rss@1` of all its phases and generations, bytes.
    #[must_use]
    pub fn peak_rss_bytes(run: &RunRecord, process: &ProcessRecord) -> Option<u64> {
        let memory = &process.memory;
        let phases = [&memory.load, &memory.prefill, &memory.decode].map(|phase| phase.peak_rss_bytes);
        let samples = run.samples.iter().filter(|sample| sample.process == process.index);
        phases.into_iter().chain(samples.map(|sample| sample.peak_rss_bytes)).flatten().max()
    }
}

/// Every round of a record, in order.
#[must_use]
pub fn round_figures(record: &PeersRecord) -> Vec<RoundFigures> {
    let engines: Vec<&PeerRecord> = record.engines().collect();
    let at = |engine: usize, round: usize| engines.get(engine).and_then(|engine| recorded(engine, round));
    let first = record.rounds.first().and_then(|round| at(*round.order.first()?, 0));
    let rounds = record.rounds.iter().enumerate().map(|(round, of_round)| {
        let processes: Vec<(usize, Recorded<'_>)> =
            of_round.order.iter().filter_map(|engine| Some((*engine, at(*engine, round)?))).collect();
        let paired: Vec<NamedProcess<'_>> = processes
            .iter()
            .filter_map(|(engine, recorded)| {
                Some(NamedProcess { name: &engines.get(*engine)?.asked, process: &recorded.paired })
            })
            .collect();
        let spoilt_because = spoilt_because(&paired, first.as_ref().map(|first| &first.paired));
        RoundFigures {
            counts: record.despite_guards || spoilt_because.is_empty(),
            order: of_round.order.clone(),
            processes: processes.iter().map(|(engine, recorded)| (*engine, recorded.figures())).collect(),
            spoilt_because,
        }
    });
    rounds.collect()
}

/// A process of a round with its engine's name.
#[derive(Debug, Clone, Copy)]
pub struct NamedProcess<'a> {
    /// As it was asked for.
    pub name: &'a str,
    /// The process.
    pub process: &'a PairedProcess<'a>,
}

/// Which guards spoil a round; `first` is the process that the run began with.
#[must_use]
pub fn spoilt_because(processes: &[NamedProcess<'_>], first: Option<&PairedProcess<'_>>) -> Vec<String> {
    let first = first.and_then(PairedProcess::judged);
    let judged: Vec<_> =
        processes.iter().filter_map(|named| Some((named.name, named.process.judged()?))).collect();
    let mut spoilt = Vec::new();
    for (name, guards) in &judged {
        // Load that was there before the run began is others'; later it may be an engine's own.
        let first = first.as_ref().filter(|first| !std::ptr::eq(first.log, guards.log));
        let troubles = of_process(guards, first);
        let troubles = troubles.iter().filter(|finding| finding.invalidates());
        spoilt.extend(
            troubles.map(|finding| format!("`{}` on `{name}`: {}", finding.guard.id(), finding.because)),
        );
    }
    let Some(((reference, one), others)) = judged.split_first() else { return spoilt };
    for (name, other) in others {
        let troubles = between(one, other);
        let troubles = troubles.iter().filter(|finding| finding.invalidates());
        spoilt.extend(troubles.map(|finding| {
            format!("`{}` between `{reference}` and `{name}`: {}", finding.guard.id(), finding.because)
        }));
    }
    spoilt
}

/// A process as it stands in a record.
struct Recorded<'a> {
    engine: &'a PeerRecord,
    process: &'a ProcessRecord,
    paired: PairedProcess<'a>,
}

impl Recorded<'_> {
    fn figures(&self) -> ProcessFigures {
        let measured = self.paired.samples.iter().filter(|sample| sample.role == Role::Measured).count();
        // Of a wrong answer no time is kept. A mean over some of the prompts would be the mean of something
        // else, and without its tokens no other figure of an engine is worth a comparison.
        if measured != self.engine.run.workload.prompts.len() {
            return ProcessFigures::default();
        }
        let mut figures = ProcessFigures::of_samples(&self.paired.samples);
        if self.engine.infer_span == InferSpan::Step {
            figures.of_metric.remove(&Metric::HostOverhead);
        }
        if let Some(load_s) = process_figure::load_s(self.process) {
            figures.of_metric.insert(Metric::Load, load_s);
        }
        if let Some(bytes) = process_figure::peak_rss_bytes(&self.engine.run, self.process) {
            figures.of_metric.insert(Metric::PeakRss, bytes as f64);
        }
        figures
    }
}

fn recorded(engine: &PeerRecord, round: usize) -> Option<Recorded<'_>> {
    let run = &engine.run;
    let mut processes = run.processes.iter();
    let process = processes.find(|it| it.index == round && it.purpose == ProcessPurpose::Measured)?;
    let samples = run.samples.iter().filter(|sample| sample.process == round);
    let paired = PairedProcess {
        samples: samples.filter_map(crate::record::SampleRecord::timed).collect(),
        guards: process.guards.as_ref(),
        device: run.device.ran.as_ref().map_or(DeviceKind::Cpu, ProvenDevice::kind),
    };
    Some(Recorded { engine, process, paired })
}
