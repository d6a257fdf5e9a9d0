//! What the machine was like while a record was made: how near decoding came to what memory allows, whether the bandwidth
//! or the pace changed, and the energy of a token.

use crate::engine::openvino::DeviceKind;
use crate::judge::Summary;
use crate::judge::environment::{ProcessGuards, energy, timed_part};
use crate::measure::{BandwidthReading, Metric, MetricValue};
use crate::record::{Arm, ArmView, ProvenDevice};

/// Every reading of the bandwidth reference of a record, in order: one before each process, one after the last.
fn bandwidth_readings(record: ArmView<'_>) -> impl Iterator<Item = &BandwidthReading> {
    let before = record.arm.processes.iter().filter_map(|process| process.bandwidth_before.as_ref());
    before.chain(&record.experiment.bandwidth_after)
}

/// The roofline of a record's average, with the best bandwidth that was read.
pub fn roofline_of(record: ArmView<'_>, summary: &Summary) -> Roofline {
    let weights = record.model.active_weights.as_ref();
    let bandwidths = bandwidth_readings(record).filter_map(BandwidthReading::bandwidth_bytes_per_s);
    roofline(RooflineFacts {
        active_bytes_per_token: weights.map(|weights| weights.active_bytes_per_token),
        total_weight_bytes: weights.map(|weights| weights.total_bytes),
        bandwidth_bytes_per_s: bandwidths.max_by(f64::total_cmp),
        bandwidth_buffer_bytes: bandwidth_readings(record).map(|bandwidth| bandwidth.buffer_bytes).min(),
        last_level_cache_bytes: record.experiment.machine.last_level_cache_bytes,
        tpot_ms: summary.average.as_ref().and_then(|average| average.mean.get(Metric::TimePerOutputToken)),
        device: record.device.ran.as_ref().map_or(DeviceKind::Cpu, ProvenDevice::kind),
    })
}

/// The bandwidth that differs most from the first, as a ratio to it, where it differs by too much.
pub fn bandwidth_change(record: ArmView<'_>) -> Option<f64> {
    let mut bandwidths = bandwidth_readings(record).filter_map(BandwidthReading::bandwidth_bytes_per_s);
    let first = bandwidths.next()?;
    let moved = bandwidths.filter_map(|other| bandwidth_changed(first, other));
    moved.max_by(|one, other| one.ln().abs().total_cmp(&other.ln().abs()))
}

/// Generations whose pace changed, and by how much the worst of them did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramps {
    /// Generations that are long enough to judge.
    pub reported: usize,
    /// Of these, how many changed their pace.
    pub ramps: usize,
    /// The largest change of one of them beyond what its cache explains, as a share.
    pub largest_share: f64,
}

/// Looks at the pace of every measured generation; None where none is long enough.
pub fn ramps(record: &Arm) -> Option<Ramps> {
    let measured = record.measured_samples();
    let times = measured.filter_map(|sample| sample.times.as_ref());
    let paces: Vec<Pace> = times.filter_map(|times| Pace::of(&times.token_ns)).collect();
    if paces.is_empty() {
        return None;
    }
    let ramps = paces.iter().filter(|pace| pace.is_ramp());
    let beyond = ramps.clone().map(|pace| pace.change_share - pace.explained_share);
    let largest = beyond.max_by(|one, other| one.abs().total_cmp(&other.abs()));
    Some(Ramps { reported: paces.len(), ramps: ramps.count(), largest_share: largest.unwrap_or_default() })
}

/// `energy_per_token@1`: the package's energy over the timed parts of all processes, by their tokens;
/// None where a process's counter was not observed.
pub fn energy_per_token(record: &Arm) -> Option<MetricValue> {
    let mut joules = 0.0;
    let mut tokens = 0;
    for process in record.measured_processes() {
        let guards = ProcessGuards {
            log: process.guards.as_ref()?,
            device: DeviceKind::Cpu,
            timed: Some(timed_part(record, process)?),
        };
        joules += energy(&guards).value()?.joules;
        let own = record.measured_samples().filter(|sample| sample.process == process.index);
        tokens += own.map(|sample| sample.token_ids.len()).sum::<usize>();
    }
    (tokens > 0).then(|| MetricValue { metric: Metric::EnergyPerToken, value: joules / tokens as f64 })
}

/// A bandwidth that differs by more from the first of its session: the machine changed its speed.
const BANDWIDTH_CHANGED: f64 = 0.05;
/// The buffer of the bandwidth reference must be so many times larger than a cache for its bandwidth to be memory's.
const BUFFER_TO_CACHE: u64 = 2;

/// What the roofline is drawn from; what is unknown is None.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RooflineFacts {
    /// Bytes of weights that one token must read.
    pub active_bytes_per_token: Option<u64>,
    /// Bytes of all weights.
    pub total_weight_bytes: Option<u64>,
    /// What the bandwidth reference measured, bytes per second.
    pub bandwidth_bytes_per_s: Option<f64>,
    /// Bytes of the buffer that the bandwidth reference read.
    pub bandwidth_buffer_bytes: Option<u64>,
    /// Bytes of the processor's last-level cache.
    pub last_level_cache_bytes: Option<u64>,
    /// `tpot@1`, ms per token.
    pub tpot_ms: Option<f64>,
    /// Where the model ran.
    pub device: DeviceKind,
}

/// How near decoding came to what memory allows.
#[derive(Debug, Clone, PartialEq)]
pub enum Roofline {
    /// It can be determined.
    Share {
        /// `active bytes a token / bandwidth`: no token can be faster while its weights come from
        /// memory. The KV cache is left out, so that the true limit is a little slower.
        fastest_ms_per_token: f64,
        /// `fastest / tpot`: 1 would be all that memory gives.
        share: f64,
        /// What to bear in mind with it.
        caveat: Option<&'static str>,
    },
    /// A share would say nothing.
    NotMeaningful {
        /// Why, as the rest of a sentence.
        reason: &'static str,
    },
}

/// On a GPU. None of this ran on such hardware.
const ON_A_GPU: &str = "the bandwidth reference ran on the host's cores, not on the GPU: the share holds for an \
    integrated GPU, which reads the same memory and may read it faster, and for no other";

/// Draws the roofline, or says why it would mean nothing.
pub fn roofline(facts: RooflineFacts) -> Roofline {
    draw(facts).unwrap_or_else(|reason| Roofline::NotMeaningful { reason })
}

fn draw(facts: RooflineFacts) -> Result<Roofline, &'static str> {
    let active = facts.active_bytes_per_token.ok_or("the weights that a token reads are not known")?;
    let total = facts.total_weight_bytes.ok_or("the size of the weights is not known")?;
    let cache = facts.last_level_cache_bytes.ok_or("the size of the last-level cache is not known")?;
    if active == 0 || active > total {
        return Err("the weights that a token reads are not some of the model's");
    }
    if total <= cache {
        return Err("the weights fit in the last-level cache");
    }
    if active <= cache {
        return Err("the weights that a token reads fit in the last-level cache");
    }
    let bandwidth =
        facts.bandwidth_bytes_per_s.and_then(positive).ok_or("the memory's bandwidth is not known")?;
    let buffer = facts.bandwidth_buffer_bytes.ok_or("what the bandwidth reference read is not known")?;
    if buffer < cache.saturating_mul(BUFFER_TO_CACHE) {
        return Err(
            "the last-level cache holds much of what the bandwidth reference read, so that its bandwidth is not memory's",
        );
    }
    let tpot_ms = facts.tpot_ms.and_then(positive).ok_or("there is no time per token")?;
    let fastest_ms_per_token = active as f64 / bandwidth * 1e3;
    let share = fastest_ms_per_token / tpot_ms;
    if share > 1.0 {
        return Err(
            "a token was faster than the bandwidth reference allows: it was disturbed, or is no bound here",
        );
    }
    let caveat = (facts.device == DeviceKind::Gpu).then_some(ON_A_GPU);
    Ok(Roofline::Share { fastest_ms_per_token, share, caveat })
}

/// The other bandwidth as a ratio to the first, if they differ by more than 5 %: then
/// the machine moved between them. None where it did not, or where that cannot be determined.
pub fn bandwidth_changed(first_bytes_per_s: f64, other_bytes_per_s: f64) -> Option<f64> {
    let ratio = positive(other_bytes_per_s)? / positive(first_bytes_per_s)?;
    ((ratio - 1.0).abs() > BANDWIDTH_CHANGED).then_some(ratio)
}

fn positive(value: f64) -> Option<f64> {
    (value.is_finite() && value > 0.0).then_some(value)
}

/// So many decode steps at either end are compared.
const STEPS: usize = 50;
/// A pace that changed by more than this share is a ramp.
pub const RAMP_SHARE: f64 = 0.03;
/// The most that a growing KV cache is taken to explain between the two ends, as a share of the pace.
/// In GPT-OSS-20B 150 tokens add some 7 MB to the about 2 GB that a step reads anyway: far below this.
const KV_GROWTH_SHARE: f64 = 0.05;

/// How the pace of one generation changed. Its id as a warning is [`Pace::WARNING_ID`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Mean time of the last 50 decode steps over that of the first 50, minus 1.
    pub change_share: f64,
    /// The part of it that a growing KV cache explains.
    pub explained_share: f64,
}

impl Pace {
    /// The id of the warning.
    pub const WARNING_ID: &'static str = "ramp";

    /// The pace of a generation, from the times at which its tokens were known, ns. None where there
    /// are fewer than 150 decode steps: with no middle between the ends there is nothing to explain
    /// them by.
    ///
    /// A growing KV cache makes steps longer, and all of them alike: linearly, from the first to the
    /// last. So the middle, between the two ends, shows its slope: the median of the slopes between
    /// every two of its steps (Theil and Sen), which single stalls do not move. What this slope
    /// predicts from the centre of the first 50 to the centre of the last 50 is explained, within
    /// three bounds. It is not below 0, for a cache does not shrink. It is not above 5 % of the pace,
    /// or else a machine that slows down evenly would pass for a growing cache. And it does not go
    /// beyond the change itself, so that noise in the slope can excuse a ramp but never make one.
    pub fn of(token_ns: &[u64]) -> Option<Self> {
        let steps: Vec<f64> =
            token_ns.windows(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64).collect();
        if steps.len() < 3 * STEPS {
            return None;
        }
        let (first, rest) = steps.split_at(STEPS);
        let (middle, last) = rest.split_at(rest.len() - STEPS);
        let (first, last) = (mean(first), mean(last));
        if first <= 0.0 {
            return None;
        }
        let change_share = last / first - 1.0;
        let between_centres = (steps.len() - STEPS) as f64;
        let predicted = (slope(middle) * between_centres / first).clamp(0.0, KV_GROWTH_SHARE);
        let explained_share = predicted.min(change_share.max(0.0));
        Some(Self { change_share, explained_share })
    }

    /// Whether more than [`RAMP_SHARE`] is left unexplained, in either direction.
    pub fn is_ramp(self) -> bool {
        (self.change_share - self.explained_share).abs() > RAMP_SHARE
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The median of the slopes between every two values; `values` has two or more.
fn slope(values: &[f64]) -> f64 {
    let mut slopes: Vec<f64> = Vec::with_capacity(values.len() * values.len() / 2);
    for (at, one) in values.iter().enumerate() {
        let later = values[at + 1..].iter().enumerate();
        slopes.extend(later.map(|(distance, other)| (other - one) / (distance + 1) as f64));
    }
    slopes.sort_unstable_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GPT-OSS-20B in round numbers: 2 of 12 GB a token, 100 GB/s, a cache of 12 MB, 47 ms a token.
    fn facts() -> RooflineFacts {
        RooflineFacts {
            active_bytes_per_token: Some(2_000_000_000),
            total_weight_bytes: Some(12_000_000_000),
            bandwidth_bytes_per_s: Some(1e11),
            bandwidth_buffer_bytes: Some(256 << 20),
            last_level_cache_bytes: Some(12_000_000),
            tpot_ms: Some(47.0),
            device: DeviceKind::Cpu,
        }
    }

    #[track_caller]
    fn means_nothing(facts: RooflineFacts, why: &str) {
        match roofline(facts) {
            Roofline::NotMeaningful { reason } => assert!(reason.contains(why), "{reason}"),
            Roofline::Share { share, .. } => panic!("a share of {share}"),
        }
    }

    #[test]
    fn the_fastest_token_is_its_bytes_by_the_bandwidth_and_the_share_what_was_reached_of_it() {
        let Roofline::Share { fastest_ms_per_token, share, caveat } = roofline(facts()) else {
            panic!("not meaningful")
        };
        assert!((fastest_ms_per_token - 20.0).abs() < 1e-9);
        assert!((share - 20.0 / 47.0).abs() < 1e-12);
        assert_eq!(caveat, None);
    }

    #[test]
    fn on_a_gpu_it_says_that_the_bandwidth_reference_ran_on_the_host() {
        let on_a_gpu = roofline(RooflineFacts { device: DeviceKind::Gpu, ..facts() });
        let Roofline::Share { caveat, .. } = on_a_gpu else { panic!("not meaningful") };
        assert!(caveat.unwrap().contains("host's cores"));
    }

    #[test]
    fn weights_that_fit_in_the_cache_have_no_roofline() {
        let all = RooflineFacts { last_level_cache_bytes: Some(12_000_000_000), ..facts() };
        means_nothing(all, "the weights fit in");
        let active = RooflineFacts { last_level_cache_bytes: Some(2_000_000_000), ..facts() };
        means_nothing(active, "the weights that a token reads fit in");
    }

    #[test]
    fn a_buffer_that_fits_in_the_cache_is_no_measure_of_memory() {
        let large = RooflineFacts { last_level_cache_bytes: Some(129 << 20), ..facts() };
        means_nothing(large, "its bandwidth is not memory's");
        let half = RooflineFacts { last_level_cache_bytes: Some(128 << 20), ..facts() };
        assert!(matches!(roofline(half), Roofline::Share { .. }));
    }

    #[test]
    fn what_is_unknown_is_said_to_be_unknown() {
        means_nothing(
            RooflineFacts { active_bytes_per_token: None, ..facts() },
            "weights that a token reads",
        );
        means_nothing(RooflineFacts { total_weight_bytes: None, ..facts() }, "size of the weights");
        means_nothing(
            RooflineFacts { bandwidth_buffer_bytes: None, ..facts() },
            "what the bandwidth reference read",
        );
        means_nothing(RooflineFacts { last_level_cache_bytes: None, ..facts() }, "last-level cache is not");
        for none in [None, Some(0.0), Some(f64::NAN), Some(f64::INFINITY)] {
            means_nothing(RooflineFacts { bandwidth_bytes_per_s: none, ..facts() }, "bandwidth is not known");
            means_nothing(RooflineFacts { tpot_ms: none, ..facts() }, "no time per token");
        }
        for active in [0, 12_000_000_001] {
            let facts = RooflineFacts { active_bytes_per_token: Some(active), ..facts() };
            means_nothing(facts, "not some of the model's");
        }
    }

    #[test]
    fn a_token_faster_than_the_bound_is_no_share_above_one() {
        means_nothing(
            RooflineFacts { tpot_ms: Some(19.9), ..facts() },
            "faster than the bandwidth reference",
        );
    }

    #[test]
    fn a_bandwidth_has_changed_beyond_five_percent_either_way() {
        assert_eq!(bandwidth_changed(100.0, 104.9), None);
        assert_eq!(bandwidth_changed(100.0, 95.1), None);
        assert!((bandwidth_changed(100.0, 94.0).unwrap() - 0.94).abs() < 1e-12);
        assert!((bandwidth_changed(100.0, 106.0).unwrap() - 1.06).abs() < 1e-12);
        assert_eq!(bandwidth_changed(0.0, 100.0), None);
        assert_eq!(bandwidth_changed(100.0, f64::NAN), None);
    }

    /// 200 tokens at the published speed, each step so many ten-thousandths of it long.
    fn pace(parts: impl Fn(u64) -> u64) -> Pace {
        let mut token_ns = vec![5_000_000_000];
        for step in 0..199 {
            token_ns.push(token_ns[token_ns.len() - 1] + 4_700 * parts(step));
        }
        Pace::of(&token_ns).unwrap()
    }

    const EVEN: u64 = 10_000;

    #[test]
    fn an_even_pace_is_no_ramp() {
        let even = pace(|_| EVEN);
        assert!(even.change_share.abs() < 1e-12 && !even.is_ramp());
    }

    #[test]
    fn a_growing_cache_is_no_ramp() {
        let growing = pace(|step| EVEN + 3 * step);
        assert!(growing.change_share > 0.04, "{growing:?}");
        assert!(!growing.is_ramp(), "{growing:?}");
    }

    #[test]
    fn a_machine_that_slows_down_evenly_does_not_pass_for_a_cache() {
        assert!(pace(|step| EVEN + 10 * step).is_ramp());
    }

    #[test]
    fn a_change_at_either_end_is_a_ramp() {
        let end = |parts| pace(|step| if step < 149 { EVEN } else { parts });
        assert!(end(10_350).is_ramp());
        assert!(!end(10_250).is_ramp());
        assert!(pace(|step| if step < 50 { 10_400 } else { EVEN }).is_ramp(), "it grew faster");
    }

    #[test]
    fn a_pace_that_falls_is_not_explained_by_a_cache() {
        let falling = pace(|step| EVEN - 3 * step);
        assert!(falling.explained_share.abs() < 1e-12 && falling.is_ramp(), "{falling:?}");
    }

    #[test]
    fn stalls_in_the_middle_neither_make_nor_excuse_a_ramp() {
        let stalled = |end: u64| {
            pace(move |step| match step {
                149.. => end,
                60 | 135..140 => 5 * EVEN,
                _ => EVEN,
            })
        };
        assert!(!stalled(EVEN).is_ramp());
        let late = stalled(11_000);
        assert!(late.is_ramp() && late.explained_share.abs() < 1e-12, "{late:?}");
    }

    #[test]
    fn a_slope_in_the_middle_alone_makes_no_ramp() {
        let hill = pace(|step| if (50..149).contains(&step) { EVEN + 10 * (step - 50) } else { EVEN });
        assert!(!hill.is_ramp(), "{hill:?}");
    }

    #[test]
    fn a_short_generation_is_not_judged() {
        let even = |tokens: u64| (0..tokens).map(|at| at * 1_000).collect::<Vec<u64>>();
        assert_eq!(Pace::of(&even(150)), None);
        assert!(Pace::of(&even(151)).is_some());
        assert_eq!(Pace::of(&[]), None);
        assert_eq!(Pace::of(&[7; 200]), None, "a clock that stands still shows no pace");
    }
}
