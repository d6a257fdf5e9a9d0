//! The closed vocabulary of figures, each by one definition.
//!
//! t0 is just before the first inference is submitted, after tokenisation; `t_i` is when token i of N
//! is known on the host, argmax included. The published table (9.42 s, 47.1 ms, 21.24 token/s) is
//! end-to-end latency, time per token and throughput: **prefill included**.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::measure::Sample;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Lower is better.
    Lower,
    /// Higher is better.
    Higher,
}

impl Direction {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
        }
    }
}

/// A definition of a figure. The serialised name is its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Metric {
    /// `t_1 - t_0`, ms.
    #[serde(rename = "ttft@1")]
    TimeToFirstToken,
    /// `(t_N - t_1) / (N - 1)`, ms per token: prefill excluded.
    #[serde(rename = "tpot@1")]
    TimePerOutputToken,
    /// `t_N - t_0`, s.
    #[serde(rename = "e2e_latency@1")]
    EndToEndLatency,
    /// `(t_N - t_0) / N`, ms per token: prefill included, as in the published table.
    #[serde(rename = "e2e_per_token@1")]
    EndToEndPerToken,
    /// `N / (t_N - t_0)`, tokens per second: prefill included, as in the published table.
    #[serde(rename = "e2e_throughput@1")]
    EndToEndThroughput,
    /// `(N - 1) / (t_N - t_1)`, tokens per second: prefill excluded.
    #[serde(rename = "decode_throughput@1")]
    DecodeThroughput,
    /// `(sum over steps of step time - infer time) / N`, us per token.
    #[serde(rename = "host_overhead@1")]
    HostOverhead,
    /// Compiling and making the first request ready, s; cold and warm are stated apart.
    #[serde(rename = "load@1")]
    Load,
    /// Highest resident set of a phase (load, prefill or decode), bytes.
    #[serde(rename = "peak_rss@1")]
    PeakRss,
    /// Highest memory of the device that was seen, bytes.
    #[serde(rename = "peak_device_memory@1")]
    PeakDeviceMemory,
    /// Largest difference of the first two logits' gap against the fixture, over a probe text, logit.
    #[serde(rename = "logit_drift@1")]
    LogitDrift,
    /// Energy of the processor's package over the generations by their tokens, J per token.
    #[serde(rename = "energy_per_token@1")]
    EnergyPerToken,
}

/// A figure with its definition: two can be compared only where the definitions are one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// By which definition.
    pub metric: Metric,
    /// In the definition's unit, not rounded.
    pub value: f64,
}

impl Figure {
    /// How this stands to another.
    ///
    /// # Errors
    /// Another definition, or a figure that nothing can be a multiple of.
    pub fn ratio_to(self, other: Self) -> Result<f64> {
        if self.metric != other.metric {
            return Err(Error::input(format!(
                "`{}` and `{}` are different definitions: they are not compared",
                self.metric.id(),
                other.metric.id()
            ))
            .hint("compare figures of one definition; `--explain` lists them"));
        }
        let ratio = self.value / other.value;
        if !ratio.is_finite() {
            return Err(Error::input(format!("`{}` of {} has no ratio", self.metric.id(), other.value)));
        }
        Ok(ratio)
    }
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::TimeToFirstToken,
        Self::TimePerOutputToken,
        Self::EndToEndLatency,
        Self::EndToEndPerToken,
        Self::EndToEndThroughput,
        Self::DecodeThroughput,
        Self::HostOverhead,
        Self::Load,
        Self::PeakRss,
        Self::PeakDeviceMemory,
        Self::LogitDrift,
        Self::EnergyPerToken,
    ];

    /// The definition id: figures of unlike ids are never compared.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::TimeToFirstToken => "ttft@1",
            Self::TimePerOutputToken => "tpot@1",
            Self::EndToEndLatency => "e2e_latency@1",
            Self::EndToEndPerToken => "e2e_per_token@1",
            Self::EndToEndThroughput => "e2e_throughput@1",
            Self::DecodeThroughput => "decode_throughput@1",
            Self::HostOverhead => "host_overhead@1",
            Self::Load => "load@1",
            Self::PeakRss => "peak_rss@1",
            Self::PeakDeviceMemory => "peak_device_memory@1",
            Self::LogitDrift => "logit_drift@1",
            Self::EnergyPerToken => "energy_per_token@1",
        }
    }

    /// The unit.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::TimeToFirstToken => "ms",
            Self::TimePerOutputToken | Self::EndToEndPerToken => "ms/token",
            Self::EndToEndLatency | Self::Load => "s",
            Self::EndToEndThroughput | Self::DecodeThroughput => "token/s",
            Self::HostOverhead => "us/token",
            Self::PeakRss | Self::PeakDeviceMemory => "bytes",
            Self::LogitDrift => "logit",
            Self::EnergyPerToken => "J/token",
        }
    }

    /// The definition, as a formula where it is one.
    #[must_use]
    pub fn formula(self) -> &'static str {
        match self {
            Self::TimeToFirstToken => "t_1 - t_0",
            Self::TimePerOutputToken => "(t_N - t_1) / (N - 1): prefill excluded",
            Self::EndToEndLatency => "t_N - t_0",
            Self::EndToEndPerToken => "(t_N - t_0) / N: prefill included, as the published time per token",
            Self::EndToEndThroughput => "N / (t_N - t_0): prefill included, as the published tok/s",
            Self::DecodeThroughput => "(N - 1) / (t_N - t_1): prefill excluded",
            Self::HostOverhead => "(sum over steps of step time - infer time) / N",
            Self::Load => "read, compile, first request ready; cold or warm cache stated",
            Self::PeakRss => "highest resident set in load, prefill or decode, each apart",
            Self::PeakDeviceMemory => "highest memory of the device that was seen",
            Self::LogitDrift => "largest |gap - fixture's gap| over a teacher-forced probe text",
            Self::EnergyPerToken => "energy of the processor's package over generations / tokens",
        }
    }

    /// Which way is better.
    #[must_use]
    pub fn direction(self) -> Direction {
        match self {
            Self::EndToEndThroughput | Self::DecodeThroughput => Direction::Higher,
            _ => Direction::Lower,
        }
    }

    /// The figure of a sample; None where it is not defined, as for the time between tokens of a
    /// single token, or where it is not of a sample at all, as for a load.
    #[must_use]
    pub fn of(self, sample: &Sample) -> Option<Figure> {
        let first_ns = *sample.token_ns.first()?;
        let last_ns = *sample.token_ns.last()?;
        let tokens = sample.token_ns.len() as f64;
        let whole_ns = (last_ns - sample.submitted_ns) as f64;
        let decode_ns = (last_ns - first_ns) as f64;
        let value = match self {
            Self::TimeToFirstToken => (first_ns - sample.submitted_ns) as f64 / 1e6,
            Self::TimePerOutputToken => decode_ns / (tokens - 1.0) / 1e6,
            Self::EndToEndLatency => whole_ns / 1e9,
            Self::EndToEndPerToken => whole_ns / tokens / 1e6,
            Self::EndToEndThroughput => tokens / (whole_ns / 1e9),
            Self::DecodeThroughput => (tokens - 1.0) / (decode_ns / 1e9),
            Self::HostOverhead => {
                let infer_ns: u64 = sample.infer_ns.iter().sum();
                (whole_ns - infer_ns as f64) / tokens / 1e3
            }
            Self::Load | Self::PeakRss | Self::PeakDeviceMemory | Self::LogitDrift | Self::EnergyPerToken => {
                return None;
            }
        };
        value.is_finite().then_some(Figure { metric: self, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{MemoryReading, Role};

    fn published() -> Sample {
        // 200 tokens in 9.42 s, the first after 200 ms.
        let token_ns = (0..200).map(|i| 1_200_000_000 + i * (9_220_000_000 / 199)).collect();
        Sample {
            role: Role::Measured,
            prompt_id: "moe-vs-dense".into(),
            process: 0,
            prompt_tokens: 11,
            token_ids: vec![0; 200],
            submitted_ns: 1_000_000_000,
            token_ns,
            infer_ns: [vec![200_000_000], vec![9_220_000_000 / 199 - 14_000; 199]].concat(),
            memory: MemoryReading::default(),
        }
    }

    #[test]
    fn the_published_figures_include_the_prefill_and_the_decode_figures_do_not() {
        let sample = published();
        let of = |metric: Metric| metric.of(&sample).unwrap().value;
        assert!((of(Metric::EndToEndLatency) - 9.42).abs() < 1e-6);
        assert!((of(Metric::EndToEndPerToken) - 47.1).abs() < 1e-6);
        assert!((of(Metric::EndToEndThroughput) - 21.231_422).abs() < 1e-5);
        assert!((of(Metric::TimeToFirstToken) - 200.0).abs() < 1e-9);
        assert!((of(Metric::TimePerOutputToken) - 46.331_658).abs() < 1e-5);
        assert!((of(Metric::DecodeThroughput) - 21.583_514).abs() < 1e-5);
        assert!((of(Metric::HostOverhead) - 13.93).abs() < 1e-6);
    }

    #[test]
    fn a_single_token_has_no_time_between_tokens() {
        let mut sample = published();
        sample.token_ns.truncate(1);
        sample.infer_ns.truncate(1);
        assert_eq!(Metric::TimePerOutputToken.of(&sample), None);
        assert_eq!(Metric::DecodeThroughput.of(&sample), None);
        assert!(Metric::TimeToFirstToken.of(&sample).is_some());
    }

    #[test]
    fn figures_of_unlike_definitions_are_refused_and_never_a_number() {
        let figure = |metric| Figure { metric, value: 2.0 };
        let (inclusive, exclusive) = (Metric::EndToEndPerToken, Metric::TimePerOutputToken);
        let refused = figure(inclusive).ratio_to(figure(exclusive)).unwrap_err();
        assert!(refused.to_string().contains("`e2e_per_token@1` and `tpot@1`"), "{refused}");
        assert_eq!(figure(exclusive).ratio_to(figure(exclusive)), Ok(1.0));
        assert!(figure(exclusive).ratio_to(Figure { metric: exclusive, value: 0.0 }).is_err());
    }

    #[test]
    fn the_serialised_name_is_the_definition_id() {
        for metric in Metric::ALL {
            assert_eq!(serde_json::to_string(&metric).unwrap(), format!("\"{}\"", metric.id()));
        }
    }
}
