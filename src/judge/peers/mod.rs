//! Engines side by side: what each gave as a multiple of another's process in the same round, and what that
//! difference is made of.
//!
//! Nothing here is a verdict on a commit. Rounds are of fresh processes that ran one right after the other, so a
//! machine that drifts moves both sides of a ratio.

#[cfg(test)]
pub(crate) mod example;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::judge::pairs::{Recorded, RoundProcess, first_recorded, invalidated_by, recorded};
use crate::judge::{MEAN_CONFIDENCE_PERCENT, Summary, interval_at, summarise};
use crate::measure::protocol::InferSpan;
use crate::measure::{Metric, MetricValues, Role, Sample};
use crate::record::{Arm, Experiment};

/// What is compared, in the order in which it is reported.
pub const COMPARED: [Metric; 6] = [
    Metric::TimeToFirstToken,
    Metric::TimePerOutputToken,
    Metric::EndToEndThroughput,
    Metric::HostOverhead,
    Metric::Load,
    Metric::PeakRss,
];

/// A value of one engine as a multiple of another's, over the rounds that both have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
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
    /// Of the same value of the same rounds; None where there is no such round.
    pub fn of(metric: Metric, of_rounds: &[RoundValues], engine: usize, other: usize) -> Option<Self> {
        let ln = |round: &RoundValues| {
            let ratio = round.of(engine)?.get(metric)? / round.of(other)?.get(metric)?;
            Some(ratio.ln()).filter(|ln| ln.is_finite())
        };
        let counted = of_rounds.iter().filter(|round| round.counts);
        let all_ln: Vec<f64> = counted.filter_map(ln).collect();
        if all_ln.is_empty() {
            return None;
        }
        let interval = interval_at(&all_ln, (1.0 - MEAN_CONFIDENCE_PERCENT / 100.0) / 2.0);
        let mean_ln = all_ln.iter().sum::<f64>() / all_ln.len() as f64;
        Some(Self {
            metric,
            rounds: all_ln.len(),
            ratio: mean_ln.exp(),
            lower: interval.as_ref().map(|interval| interval.lower_ln().exp()),
            upper: interval.as_ref().map(|interval| interval.upper_ln().exp()),
        })
    }

    /// How it stands to one, by its interval and the metric's direction.
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
pub struct PeerValues {
    /// Its values by themselves, over every process, whether its round counts or not.
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

/// The values of every engine, in the order requested.
pub fn peer_values(record: &Experiment) -> Vec<PeerValues> {
    let of_rounds = round_values(record);
    let metric_values = record.arms.iter().enumerate().map(|(at, engine)| {
        let multiples = COMPARED.iter().filter_map(|metric| Multiple::of(*metric, &of_rounds, at, 0));
        let multiples = if at == 0 { Vec::new() } else { multiples.collect() };
        of_engine(engine, multiples)
    });
    metric_values.collect()
}

fn of_engine(engine: &Arm, multiples: Vec<Multiple>) -> PeerValues {
    let run = engine;
    let loads: Vec<f64> = run.processes.iter().filter_map(process_value::load_s).collect();
    let highest = |metric_value: fn(&crate::record::SampleRecord) -> Option<u64>| {
        run.samples.iter().filter_map(metric_value).max()
    };
    let summary = summarise(run);
    let average = summary.average.as_ref().filter(|_| engine.infer_span == InferSpan::Inference);
    PeerValues {
        host_overhead_us: average.and_then(|average| average.mean.get(Metric::HostOverhead)),
        summary,
        load_s: (!loads.is_empty()).then(|| loads.iter().sum::<f64>() / loads.len() as f64),
        peak_rss_bytes: run.processes.iter().filter_map(|it| process_value::peak_rss_bytes(run, it)).max(),
        anonymous_bytes: highest(|sample| sample.rss_anonymous_bytes),
        file_backed_bytes: highest(|sample| sample.rss_file_bytes),
        device_memory_bytes: run.processes.iter().filter_map(|it| it.device_memory_bytes).max(),
        multiples,
    }
}

/// One round.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundValues {
    /// Engines by their place, in the order in which they ran.
    pub order: Vec<usize>,
    /// What the process of each engine gave.
    processes: BTreeMap<usize, MetricValues>,
    /// Each guard that invalidated it, with the readings.
    pub invalidated_by: Vec<String>,
    /// Whether it counts: no guard invalidated it, or the user took that.
    pub counts: bool,
}

impl RoundValues {
    /// What the process of an engine gave; None where it is not in the round.
    pub fn of(&self, engine: usize) -> Option<&MetricValues> {
        self.processes.get(&engine)
    }
}

/// Of each metric the geometric mean over the prompts of a process that has just run.
pub fn geometric_means(samples: &[Sample]) -> MetricValues {
    let measured: Vec<&Sample> = samples.iter().filter(|sample| sample.role == Role::Measured).collect();
    MetricValues::geometric_means(measured.iter().copied())
}

/// Values that are of a whole process.
pub mod process_value {
    use crate::record::{Arm, ProcessRecord};

    /// `load@1`, s.
    pub fn load_s(process: &ProcessRecord) -> Option<f64> {
        Some(process.load.as_ref()?.load_ns as f64 / 1e9)
    }

    /// The highest `peak_rss@1` of all its phases and generations, bytes.
    pub fn peak_rss_bytes(run: &Arm, process: &ProcessRecord) -> Option<u64> {
        let memory = &process.memory;
        let phases = [&memory.load, &memory.prefill, &memory.decode].map(|phase| phase.peak_rss_bytes);
        let samples = run.samples.iter().filter(|sample| sample.process == process.index);
        phases.into_iter().chain(samples.map(|sample| sample.peak_rss_bytes)).flatten().max()
    }
}

/// Every round of a record, in order.
pub fn round_values(record: &Experiment) -> Vec<RoundValues> {
    let first = first_recorded(record).map(|first| first.of_round);
    let rounds = record.rounds.iter().enumerate().map(|(round, of_round)| {
        let engines = of_round.order.iter();
        let ran: Vec<(usize, Recorded<'_>)> =
            engines.filter_map(|engine| Some((*engine, recorded(record, round, *engine)?))).collect();
        let processes = ran.iter().map(|(engine, recorded)| (*engine, metric_values(recorded))).collect();
        let of_rounds: Vec<RoundProcess<'_>> =
            ran.into_iter().map(|(_, recorded)| recorded.of_round).collect();
        let invalidated_by = invalidated_by(&of_rounds, first.as_ref());
        RoundValues {
            counts: record.sampling.counts(&invalidated_by),
            order: of_round.order.clone(),
            processes,
            invalidated_by,
        }
    });
    rounds.collect()
}

fn metric_values(recorded: &Recorded<'_>) -> MetricValues {
    let measured = recorded.of_round.samples.iter().filter(|sample| sample.role == Role::Measured).count();
    // Of a wrong answer no time is stored. A mean over some of the prompts would be the mean of something
    // else, and without its tokens no other value of an engine is worth a comparison.
    if measured != recorded.arm.workload.prompts.len() {
        return MetricValues::default();
    }
    let mut metric_values = geometric_means(&recorded.of_round.samples);
    if recorded.arm.infer_span == InferSpan::Step {
        metric_values.remove(Metric::HostOverhead);
    }
    if let Some(load_s) = process_value::load_s(recorded.process) {
        metric_values.insert(Metric::Load, load_s);
    }
    if let Some(bytes) = process_value::peak_rss_bytes(recorded.arm, recorded.process) {
        metric_values.insert(Metric::PeakRss, bytes as f64);
    }
    metric_values
}

/// A thing by which engines differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// Whose loop drives the model from token to token, and prepares its graph.
    HostLoop,
    /// How past tokens are attended to; with paged attention comes the scheduler that batches requests.
    Attention,
    /// The precision of the KV cache.
    KvCachePrecision,
}

impl Facet {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::HostLoop => "host loop",
            Self::Attention => "attention and its scheduler",
            Self::KvCachePrecision => "KV-cache precision",
        }
    }
}

/// What an engine is made of, as far as it was reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facets<'a> {
    /// As in "arcgauge" or "optimum-intel".
    pub host_loop: &'a str,
    /// "sdpa" or "paged"; None where it was not reported.
    pub attention: Option<&'a str>,
    /// As read back; None where it was not reported.
    pub kv_cache_precision: Option<&'a str>,
    /// Every other property that was read back.
    others: BTreeMap<&'a str, &'a str>,
    /// What was requested of this engine alone, the KV cache's precision apart.
    own: Vec<&'a str>,
}

/// The property whose value is a facet of its own.
const KV_CACHE_PRECISION: &str = "KV_CACHE_PRECISION";
/// Hosts in the order in which steps go: from what was published as the slower one.
const HOSTS: [&str; 3] = [Arm::OPTIMUM_INTEL, Arm::OPENVINO_GENAI, Arm::ARCGAUGE];
/// Precisions from the widest to the narrowest.
const PRECISIONS: [&str; 7] = ["f32", "bf16", "f16", "i8", "u8", "i4", "u4"];
const ATTENTIONS: [&str; 2] = ["sdpa", "paged"];

impl<'a> Facets<'a> {
    /// Those of an engine.
    pub fn of(engine: &'a Arm) -> Self {
        let properties = engine.runtime.iter().flat_map(|runtime| &runtime.properties_effective);
        let mut others: BTreeMap<&str, &str> =
            properties.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self {
            host_loop: &engine.host_loop,
            attention: engine.attention.as_deref(),
            kv_cache_precision: others.remove(KV_CACHE_PRECISION),
            others,
            own: engine
                .differences
                .iter()
                .map(String::as_str)
                .filter(|reported| reported.split('=').next() != Some(KV_CACHE_PRECISION))
                .collect(),
        }
    }

    /// The one thing in which another differs; None where it is none, several, or not known.
    pub fn single_difference(&self, other: &Self) -> Option<Facet> {
        let reported = |one: Option<&str>, other: Option<&str>| Some(one? != other?);
        let differ = [
            (Facet::HostLoop, self.host_loop != other.host_loop),
            (Facet::Attention, reported(self.attention, other.attention)?),
            (Facet::KvCachePrecision, reported(self.kv_cache_precision, other.kv_cache_precision)?),
        ];
        let mut differences = differ.into_iter().filter(|(_, differs)| *differs);
        let first = differences.next().filter(|_| self.is_set_as(other))?.0;
        differences.next().is_none().then_some(first)
    }

    /// Whether both run with the same properties, as far as both report, but for the KV cache's precision.
    fn is_set_as(&self, other: &Self) -> bool {
        let both = |name: &&&str| other.others.contains_key(**name);
        let read_back =
            self.others.keys().filter(both).all(|name| self.others.get(name) == other.others.get(name));
        read_back && self.own == other.own
    }

    fn is_compressed(&self) -> bool {
        matches!(self.kv_cache_precision, Some("i8" | "u8"))
    }

    /// This engine's place on the way that steps go.
    fn rank(&self) -> [usize; 3] {
        let place = |known: &[&str], word: Option<&str>| {
            word.and_then(|word| known.iter().position(|it| *it == word)).unwrap_or(known.len())
        };
        [
            place(&HOSTS, Some(self.host_loop)),
            place(&ATTENTIONS, self.attention),
            place(&PRECISIONS, self.kv_cache_precision),
        ]
    }
}

/// From one engine to another that differs in one thing alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// In what.
    pub facet: Facet,
    /// The engine that it goes from, by its place.
    pub from: usize,
    /// The engine that it leads to.
    pub to: usize,
    /// `tpot@1` of `to` as a multiple of that of `from`; None where either has no speed.
    pub tpot: Option<Multiple>,
    /// The same of `e2e_throughput@1`, the published value.
    pub throughput: Option<Multiple>,
}

/// The two engines that were published, and how they stand here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WholeStep {
    /// optimum-intel, by its place.
    pub from: usize,
    /// `openvino_genai`, by its place.
    pub to: usize,
    /// `e2e_throughput@1` of `to` as a multiple of that of `from`.
    pub throughput: Multiple,
}

/// Every step between two engines of the record: by facet, then in the order requested.
pub fn steps(record: &Experiment) -> Vec<Step> {
    let of_rounds = round_values(record);
    let facets: Vec<Facets<'_>> = record.arms.iter().map(Facets::of).collect();
    let mut steps = Vec::new();
    for (at, one) in facets.iter().enumerate() {
        for (later, other) in facets.iter().enumerate().skip(at + 1) {
            let Some(facet) = one.single_difference(other) else { continue };
            let (from, to) = if one.rank() <= other.rank() { (at, later) } else { (later, at) };
            steps.push(step(&of_rounds, facet, from, to));
        }
    }
    steps.sort_by_key(|step| step.facet);
    steps
}

fn step(of_rounds: &[RoundValues], facet: Facet, from: usize, to: usize) -> Step {
    Step {
        facet,
        from,
        to,
        tpot: Multiple::of(Metric::TimePerOutputToken, of_rounds, to, from),
        throughput: Multiple::of(Metric::EndToEndThroughput, of_rounds, to, from),
    }
}

/// From optimum-intel to `openvino_genai` as each comes, stateful with the wider cache to paged with the narrower
/// one: what was published as 21.24 and 27.0. None where the record has not both.
pub fn whole_step(record: &Experiment) -> Option<WholeStep> {
    let facets: Vec<Facets<'_>> = record.arms.iter().map(Facets::of).collect();
    let place = |wanted: &dyn Fn(&Facets<'_>) -> bool| facets.iter().position(wanted);
    let from = place(&|it| it.host_loop == Arm::OPTIMUM_INTEL && !it.is_compressed())?;
    let is_paged =
        |it: &Facets<'_>| it.host_loop == Arm::OPENVINO_GENAI && it.attention == Some(ATTENTIONS[1]);
    let to = place(&|it| is_paged(it) && it.is_compressed() && it.is_set_as(&facets[from]))?;
    let of_rounds = round_values(record);
    let throughput = Multiple::of(Metric::EndToEndThroughput, &of_rounds, to, from)?;
    Some(WholeStep { from, to, throughput })
}
