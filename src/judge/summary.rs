//! The values of a record: a mean over the runs of a prompt, and one over all.

use std::collections::HashMap;

use crate::golden::GoldenResult;
use crate::judge::statistics::MeanInterval;
use crate::measure::{Metric, MetricValue, MetricValues, Role, Sample};
use crate::record::{Arm, ProcessRecord, SampleRecord};

/// Means over generations. Throughput is total tokens over total seconds, and so is its inverse.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanValues {
    /// The means.
    pub mean: MetricValues,
    /// Longest minus shortest latency of a prompt's runs, as a share of their mean; None where there
    /// is a single run, and over all prompts, which are not runs of the same thing.
    pub spread: Option<f64>,
}

/// A prompt of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptSummary {
    /// The prompt's id.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// The word on its output; None where the run ended before it was judged.
    pub golden: Option<GoldenResult>,
    /// Its measured generations; none where there is no speed.
    pub runs: Vec<MetricValues>,
    /// Their means; None where there is no speed.
    pub metric_values: Option<MeanValues>,
    /// Highest resident set of its measured generations, bytes.
    pub peak_rss_bytes: Option<u64>,
}

impl MeanValues {
    /// The published metric; every generation has it.
    pub fn throughput(&self) -> MetricValue {
        let metric = Metric::EndToEndThroughput;
        MetricValue { metric, value: self.mean.get_or_nan(metric) }
    }
}

/// A record's values.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// By prompt, in the order requested.
    pub prompts: Vec<PromptSummary>,
    /// Over all measured generations; None where a prompt has no speed, for then it would be the
    /// average of something else.
    pub average: Option<MeanValues>,
    /// The worst word of all prompts; None where one was not judged.
    pub golden: Option<GoldenResult>,
    /// Highest resident set of all measured generations, bytes.
    pub peak_rss_bytes: Option<u64>,
}

impl Summary {
    /// Its prompts by their ids.
    pub fn by_prompt(&self) -> HashMap<&str, &PromptSummary> {
        self.prompts.iter().rev().map(|prompt| (prompt.id.as_str(), prompt)).collect()
    }
}

/// Computes the values of a record from its samples.
pub fn summarise(record: &Arm) -> Summary {
    let mut all = Vec::new();
    let mut prompts = Vec::new();
    let (by_prompt, judged) = (record.samples_by_prompt(), record.judged_by_prompt());
    for requested in &record.workload.prompts {
        let of_prompt = by_prompt.get(requested.id.as_str()).into_iter().flatten();
        let measured = of_prompt.filter(|sample| sample.role == Role::Measured);
        let samples: Vec<Sample> = measured.clone().filter_map(|sample| sample.timed()).collect();
        let word = judged.get(requested.id.as_str());
        prompts.push(PromptSummary {
            id: requested.id.clone(),
            title: requested.title.clone(),
            golden: word.map(|prompt| prompt.golden),
            runs: samples.iter().map(MetricValues::of_sample).collect(),
            metric_values: metric_values(&samples),
            peak_rss_bytes: measured.filter_map(|sample| sample.peak_rss_bytes).max(),
        });
        all.extend(samples);
    }
    let complete = prompts.iter().all(|prompt| prompt.metric_values.is_some());
    let results = prompts.iter().map(|prompt| prompt.golden).collect::<Option<Vec<_>>>();
    Summary {
        average: if complete {
            metric_values(&all).map(|all| MeanValues { spread: None, ..all })
        } else {
            None
        },
        golden: results.and_then(|results| results.into_iter().max()),
        peak_rss_bytes: prompts.iter().filter_map(|prompt| prompt.peak_rss_bytes).max(),
        prompts,
    }
}

/// The means over generations; None where there are none.
pub(super) fn metric_values(samples: &[Sample]) -> Option<MeanValues> {
    let mean = MetricValues::of_samples(samples);
    let latency = |sample: &Sample| Some(Metric::EndToEndLatency.of(sample)?.value);
    let latencies: Vec<f64> = samples.iter().filter_map(latency).collect();
    let longest = latencies.iter().copied().fold(f64::MIN, f64::max);
    let shortest = latencies.iter().copied().fold(f64::MAX, f64::min);
    let spread = (longest - shortest) / mean.get(Metric::EndToEndLatency)?;
    Some(MeanValues { mean, spread: (latencies.len() > 1).then_some(spread) })
}

/// A value of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptValue {
    /// Over all its measured generations.
    pub metric_value: MetricValue,
    /// Over those of each measured process, in order; empty where one has none.
    pub processes: Vec<f64>,
}

impl PromptValue {
    /// Where the mean of the processes lies, as far as they show: generations of one process are not
    /// independent. None for fewer than two.
    pub fn interval(&self) -> Option<MeanInterval> {
        MeanInterval::of(&self.processes)
    }
}

/// The values of a prompt's generations, which are `samples` of the run, in the order of [`Metric::ALL`]; none
/// where the run has no speed.
pub fn prompt_values(run: &Arm, prompt: &PromptSummary, samples: &[&SampleRecord]) -> Vec<PromptValue> {
    let Some(whole) = &prompt.metric_values else { return Vec::new() };
    let of_process = |process: &ProcessRecord| {
        let own = samples.iter().filter(|it| it.process == process.index && it.role == Role::Measured);
        metric_values(&own.filter_map(|sample| sample.timed()).collect::<Vec<Sample>>())
    };
    let by_process = run.measured_processes().map(of_process).collect::<Option<Vec<_>>>().unwrap_or_default();
    let of_metric = |metric: Metric| {
        let processes = by_process.iter().map(|metric_values| metric_values.mean.get(metric));
        Some(PromptValue {
            metric_value: MetricValue { metric, value: whole.mean.get(metric)? },
            processes: processes.collect::<Option<_>>().unwrap_or_default(),
        })
    };
    Metric::ALL.iter().copied().filter_map(of_metric).collect()
}
