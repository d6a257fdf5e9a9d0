//! The fastest possible token: what it must read, at the bandwidth that the machine showed.

use crate::engine::openvino::DeviceKind;

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
#[must_use]
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
#[must_use]
pub fn bandwidth_changed(first_bytes_per_s: f64, other_bytes_per_s: f64) -> Option<f64> {
    let ratio = positive(other_bytes_per_s)? / positive(first_bytes_per_s)?;
    ((ratio - 1.0).abs() > BANDWIDTH_CHANGED).then_some(ratio)
}

fn positive(value: f64) -> Option<f64> {
    (value.is_finite() && value > 0.0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GPT-OSS-20B in round figures: 2 of 12 GB a token, 100 GB/s, a cache of 12 MB, 47 ms a token.
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
}
