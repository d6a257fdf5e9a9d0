//! The figures and the decision that lists and charts tell of a record without opening it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::measure::protocol::CacheState;
use crate::measure::supervisor::Purpose;
use crate::measure::{Metric, MetricValues, Role, Sample};
use crate::record::{
    ArmView, ComparisonResult, DecisionRecord, Experiment, ProcessRecord, SampleRecord, Status, Verdict,
};

/// The figures of lists: means over all measured generations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SummaryRow {
    /// `ttft@1`, ms.
    pub ttft_ms: f64,
    /// `tpot@1`, ms per token.
    pub tpot_ms: f64,
    /// `e2e_latency@1`, s.
    pub latency_s: f64,
    /// `e2e_throughput@1`: total tokens over total seconds.
    pub throughput_tok_s: f64,
    /// By prompt, in the order requested.
    pub prompts: Vec<PromptSummary>,
    /// `tpot@1` of each measured process, ms per token: an interval of the mean is made of these, for
    /// generations of one process are not independent.
    pub process_tpot_ms: Vec<f64>,
    /// `e2e_throughput@1` of each measured process, tokens per second.
    pub process_throughput_tok_s: Vec<f64>,
    /// `load@1`; None where loads are not of one kind, or were not timed.
    pub load: Option<LoadSummary>,
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
pub struct PromptSummary {
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
pub struct LoadSummary {
    /// Their mean, s.
    pub mean_s: f64,
    /// Cold and warm loads are two different figures.
    pub compiled_model_cache: CacheState,
}

/// What an A/B came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AbSummary {
    /// The commit that the head was compared with; None where that was none.
    pub base_sha: Option<String>,
    /// Whether both sides are the usual runs of clean commits: only such an A/B says something of a commit.
    pub is_of_commits: bool,
    /// Whether one program was compared with itself: what it then finds is noise.
    pub is_against_itself: bool,
    /// Whether pairs count in which a guard tripped, by `--ignore-guards`.
    pub ignores_guards: bool,
    /// What was decided for whoever ran it.
    pub verdict: Option<Verdict>,
    /// What a gate made of it.
    pub gate_verdict: Option<Verdict>,
    /// What a pull request's check shows by the gate's word.
    pub gate_status: Option<Status>,
    /// The change of `tpot@1`, mean over all prompts; None where nothing was compared.
    pub tpot_change: Option<ChangeSummary>,
    /// Means that regressed, with head / base: a verdict may pass with a warning of them.
    pub regressions: Vec<(Metric, f64)>,
    /// Standard deviation of a pair's ratio, percent.
    pub pair_sd_percent: Option<f64>,
}

/// A change with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChangeSummary {
    /// Pairs that count.
    pub pairs: usize,
    /// Geometric mean of head / base.
    pub ratio: f64,
    /// Lower bound of the interval.
    pub lower: f64,
    /// Upper bound of the interval.
    pub upper: f64,
}

impl SummaryRow {
    /// The means of a run; None where a prompt has no speed, for then they would be of something else.
    pub(super) fn of(run: ArmView<'_>) -> Option<Self> {
        let measured = run.samples.iter().filter(|sample| sample.role == Role::Measured);
        let samples: Vec<Sample> = measured.clone().filter_map(SampleRecord::timed).collect();
        let mut by_prompt: HashMap<&str, Vec<&Sample>> = HashMap::new();
        for sample in &samples {
            by_prompt.entry(&sample.prompt_id).or_default().push(sample);
        }
        let prompts = run.workload.prompts.iter().map(|requested| {
            let means = MetricValues::of_samples(by_prompt.get(requested.id.as_str())?.iter().copied());
            Some(PromptSummary {
                id: requested.id.clone(),
                ttft_ms: means.get(Metric::TimeToFirstToken)?,
                tpot_ms: means.get(Metric::TimePerOutputToken)?,
                throughput_tok_s: means.get(Metric::EndToEndThroughput)?,
            })
        });
        let prompts = prompts.collect::<Option<Vec<_>>>()?;
        let all = MetricValues::of_samples(&samples);
        let processes = || run.processes.iter().filter(|it| it.purpose == Purpose::Measured);
        let of_process = |process: &ProcessRecord| {
            MetricValues::of_samples(samples.iter().filter(|sample| sample.process == process.index))
        };
        let by_process: Vec<MetricValues> = processes().map(of_process).collect();
        let of_processes =
            |metric: Metric| by_process.iter().filter_map(|means| means.get(metric)).collect::<Vec<f64>>();
        Some(Self {
            ttft_ms: all.get(Metric::TimeToFirstToken)?,
            tpot_ms: all.get(Metric::TimePerOutputToken)?,
            latency_s: all.get(Metric::EndToEndLatency)?,
            throughput_tok_s: all.get(Metric::EndToEndThroughput)?,
            prompts,
            process_tpot_ms: of_processes(Metric::TimePerOutputToken),
            process_throughput_tok_s: of_processes(Metric::EndToEndThroughput),
            load: LoadSummary::of(processes()),
            peak_rss_bytes: measured.filter_map(|sample| sample.peak_rss_bytes).max(),
            peak_device_memory_bytes: processes().filter_map(|process| process.device_memory_bytes).max(),
            published_tok_s: run
                .experiment
                .published
                .as_ref()
                .filter(|published| published.reference.metric == Metric::EndToEndThroughput)
                .filter(|published| published.difference_to(run.arm).is_none())
                .map(|published| published.reference.value),
        })
    }
}

impl LoadSummary {
    fn of<'a>(processes: impl Iterator<Item = &'a ProcessRecord>) -> Option<Self> {
        let loads: Vec<_> = processes.filter_map(|process| process.load.as_ref()).collect();
        let compiled_model_cache = loads.first()?.compiled_model_cache;
        let seconds: f64 = loads.iter().map(|load| load.load_ns as f64 / 1e9).sum();
        let is_of_one_kind = loads.iter().all(|load| load.compiled_model_cache == compiled_model_cache);
        is_of_one_kind.then(|| Self { mean_s: seconds / loads.len() as f64, compiled_model_cache })
    }
}

impl AbSummary {
    /// Whether the check is green although a metric regressed that only warns.
    #[must_use]
    pub fn passes_with_warning(&self) -> bool {
        let passes = matches!(self.gate_verdict.or(self.verdict), Some(Verdict::Pass | Verdict::Improved));
        passes && (self.gate_status == Some(Status::GreenWithWarning) || !self.regressions.is_empty())
    }

    pub(super) fn of(record: &Experiment) -> Self {
        let sides = [record.base(), record.head()];
        let decision = record.decision.as_ref();
        let gate = record.gate_decision.as_ref();
        let mean_tpot = decision.or(gate).and_then(|decision| {
            let mut comparisons = decision.comparisons.iter();
            comparisons.find(|it| it.metric == Metric::TimePerOutputToken && it.prompt.is_none())
        });
        Self {
            base_sha: record.base().commit.as_ref().map(|commit| commit.sha.clone()),
            is_of_commits: sides.iter().all(|side| {
                side.differences.is_empty() && side.commit.as_ref().is_some_and(|commit| !commit.dirty)
            }),
            is_against_itself: record.is_against_itself(),
            ignores_guards: record.sampling.ignore_guards,
            verdict: decision.map(|decision| decision.verdict),
            gate_verdict: gate.map(|decision| decision.verdict),
            gate_status: gate.map(|decision| decision.status),
            tpot_change: mean_tpot.map(|it| ChangeSummary {
                pairs: it.pairs,
                ratio: it.ratio,
                lower: it.lower,
                upper: it.upper,
            }),
            regressions: gate.or(decision).map(regressions).unwrap_or_default(),
            pair_sd_percent: decision.or(gate).and_then(|it| it.sensitivity).map(|it| it.pair_sd_percent),
        }
    }
}

fn regressions(decision: &DecisionRecord) -> Vec<(Metric, f64)> {
    let of_mean = decision.comparisons.iter().filter(|it| it.prompt.is_none());
    of_mean.filter(|it| it.result == ComparisonResult::Regressed).map(|it| (it.metric, it.ratio)).collect()
}
