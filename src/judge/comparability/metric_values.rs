//! The values of two runs side by side, and how far they differ where they may be compared with each other.

use std::collections::HashMap;

use crate::judge::PromptSummary;
use crate::judge::comparability::{Comparability, ComparedSide, prompt_ids};
use crate::judge::statistics::{self, Spread};
use crate::judge::summary::metric_values;
use crate::measure::guard::GuardLog;
use crate::measure::protocol::CacheState;
use crate::measure::{Metric, Role, Sample};
use crate::record::{Arm, DistributionDriftRecord, ProcessRecord, SampleRecord};

/// The values of generations: decoding first, for that is what changes are judged by.
const OF_GENERATIONS: [Metric; 5] = [
    Metric::TimePerOutputToken,
    Metric::TimeToFirstToken,
    Metric::EndToEndLatency,
    Metric::EndToEndThroughput,
    Metric::DecodeThroughput,
];

/// A value of both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct ValuePair {
    /// By which definition.
    pub metric: Metric,
    /// Of which prompt; None for the mean over all, or for what is of no prompt.
    pub prompt: Option<String>,
    /// In the first run, in the definition's unit; None where it has none.
    pub a: Option<f64>,
    /// In the second.
    pub b: Option<f64>,
    /// How far the second lies from the first; None where they are not compared with each other.
    pub change: Option<Change>,
    /// Why not, where that is this value's own.
    pub uncompared_reason: Option<String>,
}

impl ValuePair {
    /// Whether it is one of speed, and not of memory or output.
    pub fn is_speed(&self) -> bool {
        is_speed(self.metric)
    }

    /// Where the change may lie, where that is known.
    pub fn interval(&self) -> Option<Interval> {
        self.change?.interval
    }
}

/// How far one value lies from another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Second / first.
    pub ratio: f64,
    /// Where the ratio may lie, by the spread of each run's own processes; None where that reports nothing.
    pub interval: Option<Interval>,
}

/// From one ratio to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The smaller.
    pub lower: f64,
    /// The larger.
    pub upper: f64,
}

impl Interval {
    /// The share of such intervals that hold the ratio, percent.
    pub const CONFIDENCE_PERCENT: f64 = CONFIDENCE * 100.0;

    /// Whether no change at all lies in it.
    pub fn holds_no_change(self) -> bool {
        (self.lower..=self.upper).contains(&1.0)
    }
}

/// A side with what it is computed from.
struct Measured<'a> {
    run: &'a Arm,
    side: &'a ComparedSide,
    prompts: HashMap<&'a str, &'a PromptSummary>,
    samples: HashMap<&'a str, Vec<&'a SampleRecord>>,
}

pub(super) fn value_pairs(
    a: &Arm,
    b: &Arm,
    one: &ComparedSide,
    other: &ComparedSide,
    comparability: Comparability,
) -> Vec<ValuePair> {
    let (a, b) = (Measured::of(a, one), Measured::of(b, other));
    let mut prompts = vec![None];
    prompts.extend(prompt_ids(&one.summary, &other.summary).into_iter().map(Some));
    let mut pairs = Vec::new();
    for metric in OF_GENERATIONS {
        for prompt in &prompts {
            let of = |from: &Measured<'_>| from.of_generations(metric, prompt.as_deref());
            pairs.push(pair(metric, prompt.clone(), &of(&a), &of(&b)));
        }
    }
    pairs.push(load(&a, &b));
    for (metric, of) in [
        (Metric::PeakRss, peak_rss_bytes as fn(&Arm, &ProcessRecord) -> Option<f64>),
        (Metric::PeakDeviceMemory, device_memory_bytes),
    ] {
        pairs.push(pair(metric, None, &a.highest(of), &b.highest(of)));
    }
    for metric in [Metric::LogitDrift, Metric::MeanKl, Metric::MaxLogitDifference] {
        pairs.push(ValuePair {
            uncompared_reason: Some("each is compared with its own limit".to_owned()),
            change: None,
            ..pair(metric, None, &a.drift(metric), &b.drift(metric))
        });
    }
    pairs.retain(|pair| pair.a.is_some() || pair.b.is_some());
    for pair in &mut pairs {
        hold_back(pair, &[one, other], comparability);
    }
    pairs
}

/// Takes a change away where nothing may be compared with each other, and an interval where the runs are
/// not of one thing: the processes of a run say nothing of another driver.
fn hold_back(pair: &mut ValuePair, sides: &[&ComparedSide; 2], comparability: Comparability) {
    let is_refused = sides.iter().any(|side| side.no_speed_reason.is_some());
    let is_doubted = is_speed(pair.metric) && sides.iter().any(|side| side.doubted_reason.is_some());
    if comparability == Comparability::Unlike || is_refused || is_doubted {
        pair.change = None;
    }
    if let Some(change) = &mut pair.change {
        change.interval = change.interval.filter(|_| comparability == Comparability::Same);
    }
}

/// A value of a run, and of each of its processes.
#[derive(Debug, Default)]
struct Values {
    whole: Option<f64>,
    processes: Vec<f64>,
}

fn pair(metric: Metric, prompt: Option<String>, a: &Values, b: &Values) -> ValuePair {
    let ratio = a.whole.zip(b.whole).map(|(a, b)| b / a).filter(|ratio| ratio.is_finite() && *ratio > 0.0);
    let change = ratio.map(|ratio| Change { ratio, interval: welch_interval(&a.processes, &b.processes) });
    ValuePair { metric, prompt, a: a.whole, b: b.whole, change, uncompared_reason: None }
}

impl<'a> Measured<'a> {
    fn of(run: &'a Arm, side: &'a ComparedSide) -> Self {
        Self { run, side, prompts: side.summary.by_prompt(), samples: run.samples_by_prompt() }
    }

    fn of_generations(&self, metric: Metric, prompt: Option<&str>) -> Values {
        let Some(whole) = self.summarised(metric, prompt) else { return Values::default() };
        let all = || self.run.samples.iter().collect();
        let requested = prompt.map_or_else(all, |id| self.samples.get(id).cloned().unwrap_or_default());
        let of_process = |process: &ProcessRecord| {
            let own = requested.iter().filter(|sample| sample.process == process.index);
            let timed = own.filter_map(|sample| sample.timed());
            let samples: Vec<Sample> = timed.filter(|sample| sample.role == Role::Measured).collect();
            metric_values(&samples)?.mean.get(metric)
        };
        let processes = self.run.measured_processes().map(of_process).collect::<Option<Vec<f64>>>();
        Values { whole: Some(whole), processes: processes.unwrap_or_default() }
    }

    /// What each process has one of, and its mean; none where one process lacks it.
    fn of_processes(&self, of: impl Fn(&Arm, &ProcessRecord) -> Option<f64>) -> Values {
        let values =
            self.run.measured_processes().map(|process| of(self.run, process)).collect::<Option<Vec<f64>>>();
        let processes = values.unwrap_or_default();
        let mean = processes.iter().sum::<f64>() / processes.len() as f64;
        Values { whole: Some(mean).filter(|mean| mean.is_finite()), processes }
    }

    /// The highest of all processes, as every report shows it; a single value has no interval.
    fn highest(&self, of: impl Fn(&Arm, &ProcessRecord) -> Option<f64>) -> Values {
        let whole = self.of_processes(of).processes.into_iter().reduce(f64::max);
        Values { whole, processes: Vec::new() }
    }

    fn loads(&self) -> Values {
        if self.side.no_speed_reason.is_some() {
            return Values::default();
        }
        self.of_processes(|_, process| Some(process.load.as_ref()?.load_ns as f64 / 1e9))
    }

    /// How the cache of compiled models stood before every load; None where not all are alike.
    fn cache(&self) -> Option<CacheState> {
        let mut states =
            self.run.measured_processes().map(|process| Some(process.load.as_ref()?.compiled_model_cache));
        let first = states.next()??;
        states.all(|state| state == Some(first)).then_some(first)
    }

    fn summarised(&self, metric: Metric, prompt: Option<&str>) -> Option<f64> {
        let metric_values = match prompt {
            None => self.side.summary.average.as_ref(),
            Some(id) => self.prompts.get(id)?.metric_values.as_ref(),
        };
        metric_values?.mean.get(metric)
    }

    fn drift(&self, metric: Metric) -> Values {
        let distributions = self.run.distribution_drift.as_ref().and_then(DistributionDriftRecord::whole);
        let whole = match metric {
            Metric::MeanKl => distributions.map(|drift| drift.mean_kl_nats),
            Metric::MaxLogitDifference => distributions.map(|drift| drift.largest_logit_difference),
            _ => self.run.logit_drift.as_ref().map(|found| f64::from(found.drift.largest_logit)),
        };
        Values { whole, processes: Vec::new() }
    }
}

/// A load from a cache and one that compiles are two different values.
fn load(a: &Measured<'_>, b: &Measured<'_>) -> ValuePair {
    let pair = pair(Metric::Load, None, &a.loads(), &b.loads());
    let reason = match (a.cache(), b.cache()) {
        (Some(one), Some(other)) if one == other => return pair,
        (Some(one), Some(other)) => format!("{} and {} loads are two values", word(one), word(other)),
        _ => "the loads of one run are not of one kind".to_owned(),
    };
    ValuePair { change: None, uncompared_reason: Some(reason), ..pair }
}

fn word(cache: CacheState) -> &'static str {
    match cache {
        CacheState::Off => "uncached",
        CacheState::Cold => "cold",
        CacheState::Warm => "warm",
    }
}

fn is_speed(metric: Metric) -> bool {
    OF_GENERATIONS.contains(&metric) || metric == Metric::Load
}

/// The highest of its measured generations.
fn peak_rss_bytes(run: &Arm, process: &ProcessRecord) -> Option<f64> {
    let own = run.measured_samples().filter(|it| it.process == process.index && it.times.is_some());
    own.filter_map(|sample| sample.peak_rss_bytes).max().map(|bytes| bytes as f64)
}

/// What the kernel showed of the worker, and what OpenVINO reported of itself: the higher of the two.
fn device_memory_bytes(_: &Arm, process: &ProcessRecord) -> Option<f64> {
    let sampled = process.guards.as_ref().and_then(GuardLog::peak_device_memory_bytes);
    sampled.max(process.device_memory_bytes).map(|bytes| bytes as f64)
}

/// The share of such intervals that hold the ratio, were there nothing but chance between the runs.
pub(super) const CONFIDENCE: f64 = 0.95;

/// The interval of b / a by Welch's t on the logarithms, which asks neither for pairs nor for equal
/// spreads. None where a side has fewer than two values, where a value is not positive, or where none
/// differs from the others: then nothing is known of chance.
fn welch_interval(a: &[f64], b: &[f64]) -> Option<Interval> {
    let (a, b) = (logarithms(a)?, logarithms(b)?);
    let (of_a, of_b) = (a.standard_error().powi(2), b.standard_error().powi(2));
    let variance = of_a + of_b;
    if variance <= 0.0 {
        return None;
    }
    let degrees =
        variance.powi(2) / (of_a.powi(2) / a.degrees_of_freedom() + of_b.powi(2) / b.degrees_of_freedom());
    let reach = statistics::quantile(f64::midpoint(1.0, CONFIDENCE), degrees)? * variance.sqrt();
    let middle = b.mean - a.mean;
    Some(Interval { lower: (middle - reach).exp(), upper: (middle + reach).exp() })
}

fn logarithms(values: &[f64]) -> Option<Spread> {
    let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    logarithms.iter().all(|value| value.is_finite()).then(|| Spread::of(&logarithms)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the formula in Python, with a t quantile from integrating its density.
    #[test]
    fn the_interval_is_welch_s() {
        let found = welch_interval(&[47.0, 47.4, 46.8], &[48.1, 49.0, 48.3, 48.8]).unwrap();
        assert!((found.lower - 1.016_422_226_378_482_6).abs() < 1e-8, "{found:?}");
        assert!((found.upper - 1.046_803_580_586_364_2).abs() < 1e-8, "{found:?}");
    }

    #[test]
    fn what_tells_nothing_of_chance_has_no_interval() {
        assert_eq!(welch_interval(&[47.0], &[48.0, 49.0]), None);
        assert_eq!(welch_interval(&[47.0, 47.0], &[48.0, 48.0]), None);
        assert_eq!(welch_interval(&[0.0, 1.0], &[48.0, 49.0]), None);
    }
}
