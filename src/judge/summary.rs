//! The figures of a record: a mean over the runs of a prompt, and one over all.

use crate::golden::GoldenResult;
use crate::measure::{Figure, Metric, Role, Sample};
use crate::record::{RunRecord, SampleRole};

/// The figures of one generation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunFigures {
    /// `e2e_latency@1`, s.
    pub latency_s: f64,
    /// `e2e_per_token@1`, ms per token.
    pub per_token_ms: f64,
    /// `e2e_throughput@1`, tokens per second.
    pub throughput_tok_s: f64,
    /// `ttft@1`, ms.
    pub ttft_ms: f64,
    /// `tpot@1`, ms per token; None for a single token.
    pub decode_tpot_ms: Option<f64>,
    /// `decode_throughput@1`, tokens per second; None for a single token.
    pub decode_throughput_tok_s: Option<f64>,
    /// `host_overhead@1`, us per token.
    pub host_overhead_us: f64,
}

impl RunFigures {
    /// The figure by its definition; None where there is none, or it is of no generation.
    #[must_use]
    pub fn value(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::TimeToFirstToken => Some(self.ttft_ms),
            Metric::TimePerOutputToken => self.decode_tpot_ms,
            Metric::EndToEndLatency => Some(self.latency_s),
            Metric::EndToEndPerToken => Some(self.per_token_ms),
            Metric::EndToEndThroughput => Some(self.throughput_tok_s),
            Metric::DecodeThroughput => self.decode_throughput_tok_s,
            Metric::HostOverhead => Some(self.host_overhead_us),
            Metric::Load
            | Metric::PeakRss
            | Metric::PeakDeviceMemory
            | Metric::LogitDrift
            | Metric::EnergyPerToken => None,
        }
    }
}

/// Means over generations. Throughput is total tokens over total seconds, and so is its inverse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// The means.
    pub mean: RunFigures,
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
    pub runs: Vec<RunFigures>,
    /// Their means; None where there is no speed.
    pub figures: Option<Figures>,
    /// Highest resident set of its measured generations, bytes.
    pub peak_rss_bytes: Option<u64>,
}

impl Figures {
    /// The throughput with its definition.
    #[must_use]
    pub fn throughput(&self) -> Figure {
        Figure { metric: Metric::EndToEndThroughput, value: self.mean.throughput_tok_s }
    }
}

/// A record's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// By prompt, in the order asked.
    pub prompts: Vec<PromptSummary>,
    /// Over all measured generations; None where a prompt has no speed, for then it would be the
    /// average of something else.
    pub average: Option<Figures>,
    /// The worst word of all prompts; None where one was not judged.
    pub golden: Option<GoldenResult>,
    /// Highest resident set of all measured generations, bytes.
    pub peak_rss_bytes: Option<u64>,
}

/// Computes the figures of a record from its samples.
#[must_use]
pub fn summarise(record: &RunRecord) -> Summary {
    let mut all = Vec::new();
    let mut prompts = Vec::new();
    for asked in &record.workload.prompts {
        let of_prompt = |id: &str| id == asked.id;
        let kept = record.samples.iter().filter(|sample| of_prompt(&sample.prompt_id));
        let timed = kept.clone().filter_map(crate::record::SampleRecord::timed);
        let samples: Vec<Sample> = timed.filter(|sample| sample.role == Role::Measured).collect();
        let word = record.prompts.iter().find(|prompt| of_prompt(&prompt.id));
        prompts.push(PromptSummary {
            id: asked.id.clone(),
            title: asked.title.clone(),
            golden: word.map(|prompt| prompt.golden),
            runs: samples.iter().filter_map(run_figures).collect(),
            figures: figures(&samples),
            peak_rss_bytes: kept
                .filter(|sample| sample.role == SampleRole::Measured)
                .filter_map(|sample| sample.peak_rss_bytes)
                .max(),
        });
        all.extend(samples);
    }
    let complete = prompts.iter().all(|prompt| prompt.figures.is_some());
    Summary {
        average: if complete { figures(&all).map(|all| Figures { spread: None, ..all }) } else { None },
        golden: prompts
            .iter()
            .map(|prompt| prompt.golden)
            .collect::<Option<Vec<_>>>()
            .and_then(|words| words.into_iter().max()),
        peak_rss_bytes: prompts.iter().filter_map(|prompt| prompt.peak_rss_bytes).max(),
        prompts,
    }
}

fn run_figures(sample: &Sample) -> Option<RunFigures> {
    let value = |metric: Metric| metric.of(sample).map(|figure| figure.value);
    Some(RunFigures {
        latency_s: value(Metric::EndToEndLatency)?,
        per_token_ms: value(Metric::EndToEndPerToken)?,
        throughput_tok_s: value(Metric::EndToEndThroughput)?,
        ttft_ms: value(Metric::TimeToFirstToken)?,
        decode_tpot_ms: value(Metric::TimePerOutputToken),
        decode_throughput_tok_s: value(Metric::DecodeThroughput),
        host_overhead_us: value(Metric::HostOverhead)?,
    })
}

/// The means over generations; None where there are none.
pub(super) fn figures(samples: &[Sample]) -> Option<Figures> {
    let runs: Vec<RunFigures> = samples.iter().filter_map(run_figures).collect();
    if runs.is_empty() {
        return None;
    }
    let count = runs.len() as f64;
    let mean = |figure: fn(&RunFigures) -> f64| runs.iter().map(figure).sum::<f64>() / count;
    let tokens: usize = samples.iter().map(|sample| sample.token_ids.len()).sum();
    let seconds: f64 = runs.iter().map(|run| run.latency_s).sum();
    let decode: Option<Vec<f64>> = runs.iter().map(|run| run.decode_tpot_ms).collect();
    let latency_s = mean(|run| run.latency_s);
    let longest = runs.iter().map(|run| run.latency_s).fold(f64::MIN, f64::max);
    let shortest = runs.iter().map(|run| run.latency_s).fold(f64::MAX, f64::min);
    Some(Figures {
        mean: RunFigures {
            latency_s,
            per_token_ms: seconds * 1e3 / tokens as f64,
            throughput_tok_s: tokens as f64 / seconds,
            ttft_ms: mean(|run| run.ttft_ms),
            decode_throughput_tok_s: decode_throughput(samples),
            decode_tpot_ms: decode.map(|figures| figures.iter().sum::<f64>() / count),
            host_overhead_us: mean(|run| run.host_overhead_us),
        },
        spread: (runs.len() > 1).then_some((longest - shortest) / latency_s),
    })
}

/// Tokens after the first over the seconds that they took, over all generations.
fn decode_throughput(samples: &[Sample]) -> Option<f64> {
    let steps: usize = samples.iter().map(|sample| sample.token_ns.len().saturating_sub(1)).sum();
    let took_ns = |sample: &Sample| Some(sample.token_ns.last()? - sample.token_ns.first()?);
    let ns: u64 = samples.iter().filter_map(took_ns).sum();
    (steps > 0 && ns > 0).then(|| steps as f64 / (ns as f64 / 1e9))
}
