//! The figures and the decision that lists and charts tell of a record without opening it.

use serde::{Deserialize, Serialize};

use crate::measure::protocol::CacheState;
use crate::measure::{Metric, Sample};
use crate::record::{
    AbRecord, ProcessPurpose, ProcessRecord, RunRecord, SampleRecord, SampleRole, Status, Verdict,
};

/// The figures of lists: means over all measured generations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Headline {
    /// `ttft@1`, ms.
    pub ttft_ms: f64,
    /// `tpot@1`, ms per token.
    pub tpot_ms: f64,
    /// `e2e_latency@1`, s.
    pub latency_s: f64,
    /// `e2e_throughput@1`: total tokens over total seconds.
    pub throughput_tok_s: f64,
    /// By prompt, in the order asked.
    pub prompts: Vec<PromptHeadline>,
    /// `tpot@1` of each measured process, ms per token: an interval of the mean is made of these, for
    /// generations of one process are not independent.
    pub process_tpot_ms: Vec<f64>,
    /// `e2e_throughput@1` of each measured process, tokens per second.
    pub process_throughput_tok_s: Vec<f64>,
    /// `load@1`; None where loads are not of one kind, or were not timed.
    pub load: Option<LoadHeadline>,
    /// `peak_rss@1` of the measured generations, bytes.
    pub peak_rss_bytes: Option<u64>,
    /// `peak_device_memory@1`, as the runtime tells it, bytes.
    pub peak_device_memory_bytes: Option<u64>,
    /// The published figure that it stands beside, tokens per second; None where it is of another model,
    /// device or workload.
    pub published_tok_s: Option<f64>,
}

/// The figures of one prompt: means over its measured generations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptHeadline {
    /// The prompt's id.
    pub id: String,
    /// `ttft@1`, ms.
    pub ttft_ms: f64,
    /// `tpot@1`, ms per token.
    pub tpot_ms: f64,
    /// `e2e_throughput@1`: total tokens over total seconds.
    pub throughput_tok_s: f64,
}

/// The loads of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoadHeadline {
    /// Their mean, s.
    pub mean_s: f64,
    /// Cold and warm loads are two different figures.
    pub compiled_model_cache: CacheState,
}

/// What an A/B came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AbHeadline {
    /// The commit that the head was held against; None where that was none.
    pub base_sha: Option<String>,
    /// Whether both sides are the usual runs of clean commits: only such an A/B says something of a commit.
    pub is_of_commits: bool,
    /// Whether one program was held against itself: what it then finds is noise.
    pub is_against_itself: bool,
    /// What was decided for whoever ran it.
    pub verdict: Option<Verdict>,
    /// What a gate made of it.
    pub gate_verdict: Option<Verdict>,
    /// What a pull request's check shows by the gate's word.
    pub gate_status: Option<Status>,
    /// The change of `tpot@1`, mean over all prompts; None where nothing was compared.
    pub tpot_change: Option<ChangeHeadline>,
    /// Standard deviation of a pair's ratio, percent.
    pub pair_sd_percent: Option<f64>,
}

/// A change with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChangeHeadline {
    /// Pairs that count.
    pub pairs: usize,
    /// Geometric mean of head / base.
    pub ratio: f64,
    /// Lower bound of the interval.
    pub lower: f64,
    /// Upper bound of the interval.
    pub upper: f64,
}

/// Means of some generations; None where there is none, or one has no such figure.
struct Means {
    ttft_ms: f64,
    tpot_ms: f64,
    latency_s: f64,
    throughput_tok_s: f64,
}

impl Means {
    fn of(samples: &[&Sample]) -> Option<Self> {
        let sum = |metric: Metric| {
            let values = samples.iter().map(|sample| metric.of(sample).map(|figure| figure.value));
            values.sum::<Option<f64>>()
        };
        let count = samples.len() as f64;
        let tokens: usize = samples.iter().map(|sample| sample.token_ids.len()).sum();
        let seconds = sum(Metric::EndToEndLatency)?;
        (tokens > 0).then_some(())?;
        Some(Self {
            ttft_ms: sum(Metric::TimeToFirstToken)? / count,
            tpot_ms: sum(Metric::TimePerOutputToken)? / count,
            latency_s: seconds / count,
            throughput_tok_s: tokens as f64 / seconds,
        })
    }
}

impl Headline {
    /// The means of a run; None where a prompt has no speed, for then they would be of something else.
    pub(super) fn of(run: &RunRecord) -> Option<Self> {
        let measured = run.samples.iter().filter(|sample| sample.role == SampleRole::Measured);
        let samples: Vec<Sample> = measured.clone().filter_map(SampleRecord::timed).collect();
        let of_some = |wanted: &dyn Fn(&Sample) -> bool| {
            Means::of(&samples.iter().filter(|sample| wanted(sample)).collect::<Vec<_>>())
        };
        let prompts = run.workload.prompts.iter().map(|asked| {
            let means = of_some(&|sample| sample.prompt_id == asked.id)?;
            Some(PromptHeadline {
                id: asked.id.clone(),
                ttft_ms: means.ttft_ms,
                tpot_ms: means.tpot_ms,
                throughput_tok_s: means.throughput_tok_s,
            })
        });
        let prompts = prompts.collect::<Option<Vec<_>>>()?;
        let all = of_some(&|_| true)?;
        let processes = || run.processes.iter().filter(|it| it.purpose == ProcessPurpose::Measured);
        let of_process = |process: &ProcessRecord| of_some(&|sample| sample.process == process.index);
        let by_process: Vec<Means> = processes().filter_map(of_process).collect();
        Some(Self {
            ttft_ms: all.ttft_ms,
            tpot_ms: all.tpot_ms,
            latency_s: all.latency_s,
            throughput_tok_s: all.throughput_tok_s,
            prompts,
            process_tpot_ms: by_process.iter().map(|means| means.tpot_ms).collect(),
            process_throughput_tok_s: by_process.iter().map(|means| means.throughput_tok_s).collect(),
            load: LoadHeadline::of(processes()),
            peak_rss_bytes: measured.filter_map(|sample| sample.peak_rss_bytes).max(),
            peak_device_memory_bytes: processes().filter_map(|process| process.device_memory_bytes).max(),
            published_tok_s: run
                .published
                .as_ref()
                .filter(|published| published.reference.metric == Metric::EndToEndThroughput)
                .filter(|published| published.difference_to(run).is_none())
                .map(|published| published.reference.value),
        })
    }
}

impl LoadHeadline {
    fn of<'a>(processes: impl Iterator<Item = &'a ProcessRecord>) -> Option<Self> {
        let loads: Vec<_> = processes.filter_map(|process| process.load.as_ref()).collect();
        let compiled_model_cache = loads.first()?.compiled_model_cache;
        let seconds: f64 = loads.iter().map(|load| load.load_ns as f64 / 1e9).sum();
        let is_of_one_kind = loads.iter().all(|load| load.compiled_model_cache == compiled_model_cache);
        is_of_one_kind.then(|| Self { mean_s: seconds / loads.len() as f64, compiled_model_cache })
    }
}

impl AbHeadline {
    pub(super) fn of(record: &AbRecord) -> Self {
        let sides = [&record.base, &record.head];
        let decision = record.decision.as_ref();
        let gate = record.gate_decision.as_ref();
        let mean_tpot = decision.or(gate).and_then(|decision| {
            let mut comparisons = decision.comparisons.iter();
            comparisons.find(|it| it.metric == Metric::TimePerOutputToken && it.prompt.is_none())
        });
        Self {
            base_sha: record.base.run.commit.as_ref().map(|commit| commit.sha.clone()),
            is_of_commits: sides.iter().all(|side| {
                side.differences.is_empty() && side.run.commit.as_ref().is_some_and(|commit| !commit.dirty)
            }),
            is_against_itself: record.is_against_itself(),
            verdict: decision.map(|decision| decision.verdict),
            gate_verdict: gate.map(|decision| decision.verdict),
            gate_status: gate.map(|decision| decision.status),
            tpot_change: mean_tpot.map(|it| ChangeHeadline {
                pairs: it.pairs,
                ratio: it.ratio,
                lower: it.lower,
                upper: it.upper,
            }),
            pair_sd_percent: decision.or(gate).and_then(|it| it.sensitivity).map(|it| it.pair_sd_percent),
        }
    }
}
