//! The closed vocabulary of values, each by one definition.
//!
//! t0 is just before the first inference is submitted, after tokenisation; `t_i` is when token i of N
//! is known on the host, argmax included. The published table (9.42 s, 47.1 ms, 21.24 token/s) is
//! end-to-end latency, time per token and throughput: **prefill included**.

use std::collections::BTreeMap;

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
    /// As text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
        }
    }
}

/// How a metric of several generations is made of those of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    /// The arithmetic mean.
    Mean,
    /// Sum of the numerators over sum of the denominators: total tokens over total seconds.
    Total,
}

/// A metric of one generation, as the quotient of two quantities.
#[derive(Debug, Clone, Copy)]
struct Quotient {
    of: f64,
    over: f64,
}

/// The quantities of a generation that metrics are made of.
struct Times {
    /// `t_N - t_0`, ns.
    whole_ns: f64,
    /// `t_1 - t_0`, ns.
    first_ns: f64,
    /// `t_N - t_1`, ns.
    decode_ns: f64,
    /// Sum of the inferences, ns.
    infer_ns: f64,
    /// Tokens of the answer.
    tokens: f64,
    /// Tokens of the prompt.
    prompt_tokens: f64,
}

impl Times {
    fn of(sample: &Sample) -> Option<Self> {
        let (first_ns, last_ns) = (*sample.token_ns.first()?, *sample.token_ns.last()?);
        Some(Self {
            whole_ns: last_ns.saturating_sub(sample.submitted_ns) as f64,
            first_ns: first_ns.saturating_sub(sample.submitted_ns) as f64,
            decode_ns: last_ns.saturating_sub(first_ns) as f64,
            infer_ns: sample.infer_ns.iter().map(|ns| *ns as f64).sum(),
            tokens: sample.token_ns.len() as f64,
            prompt_tokens: sample.prompt_tokens as f64,
        })
    }
}

/// Defines every metric, each in one entry: the name, its title, id, unit, direction and formula; of a generation also how
/// several are aggregated, and the quotient that it is.
macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident $title:literal $id:literal $unit:literal $direction:ident $formula:literal
        $(= $aggregate:ident |$times:ident| $of:expr, $over:expr)?;)*) => {
        /// A definition of a value. It is serialised as its id: values of different ids are never compared.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Metric {
            $($(#[$doc])* #[serde(rename = $id)] $name,)*
        }

        impl Metric {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The definition id.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// What it is called.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// The unit.
            pub fn unit(self) -> &'static str {
                match self { $(Self::$name => $unit,)* }
            }

            /// Which way is better.
            pub fn direction(self) -> Direction {
                match self { $(Self::$name => Direction::$direction,)* }
            }

            /// The definition, as a formula where it is one.
            pub fn formula(self) -> &'static str {
                match self { $(Self::$name => $formula,)* }
            }

            fn aggregate(self) -> Option<Aggregate> {
                match self { $($(Self::$name => Some(Aggregate::$aggregate),)?)* _ => None }
            }

            fn quotient(self, sample: &Sample) -> Option<Quotient> {
                let it = Times::of(sample)?;
                match self {
                    $($(Self::$name => { let $times = &it; Some(Quotient { of: $of, over: $over }) })?)*
                    _ => None,
                }
            }
        }
    };
}

metrics! {
    /// `t_1 - t_0`, ms.
    TimeToFirstToken "time to first token" "ttft@1" "ms" Lower "t_1 - t_0"
        = Mean |it| it.first_ns, 1e6;
    /// `(t_N - t_1) / (N - 1)`, ms per token: prefill excluded.
    TimePerOutputToken "time per output token" "tpot@1" "ms/token" Lower "(t_N - t_1) / (N - 1): prefill excluded"
        = Mean |it| it.decode_ns / (it.tokens - 1.0), 1e6;
    /// `t_N - t_0`, s.
    EndToEndLatency "latency" "e2e_latency@1" "s" Lower "t_N - t_0"
        = Mean |it| it.whole_ns, 1e9;
    /// `(t_N - t_0) / N`, ms per token: prefill included, as in the published table.
    EndToEndPerToken "time per token, prefill included" "e2e_per_token@1" "ms/token" Lower
        "(t_N - t_0) / N: prefill included, as the published time per token"
        = Total |it| it.whole_ns / 1e6, it.tokens;
    /// `N / (t_N - t_0)`, tokens per second: prefill included, as in the published table.
    EndToEndThroughput "end-to-end throughput" "e2e_throughput@1" "token/s" Higher
        "N / (t_N - t_0): prefill included, as the published tok/s"
        = Total |it| it.tokens, it.whole_ns / 1e9;
    /// `(N - 1) / (t_N - t_1)`, tokens per second: prefill excluded.
    DecodeThroughput "decode throughput" "decode_throughput@1" "token/s" Higher "(N - 1) / (t_N - t_1): prefill excluded"
        = Total |it| it.tokens - 1.0, it.decode_ns / 1e9;
    /// `P / (t_1 - t_0)`, tokens of the prompt per second.
    PrefillThroughput "prefill throughput" "prefill_throughput@1" "token/s" Higher "P / (t_1 - t_0): tokens of the prompt"
        = Total |it| it.prompt_tokens, it.first_ns / 1e9;
    /// `(sum over steps of step time - infer time) / N`, us per token.
    HostOverhead "host overhead" "host_overhead@1" "us/token" Lower "(sum over steps of step time - infer time) / N"
        = Mean |it| (it.whole_ns - it.infer_ns) / it.tokens, 1e3;
    /// Compiling and making the first request ready, s; cold and warm are stated apart.
    Load "load, mean of the processes" "load@1" "s" Lower "read, compile, first request ready; cold or warm cache stated";
    /// Highest resident set of a phase (load, prefill or decode), bytes.
    PeakRss "peak memory, mean of the processes" "peak_rss@1" "bytes" Lower "highest resident set in load, prefill or decode, each apart";
    /// Highest memory of the device that was seen, bytes.
    PeakDeviceMemory "peak GPU memory, mean of the processes" "peak_device_memory@1" "bytes" Lower "highest memory of the device that was seen";
    /// Largest difference of the first two logits' logit margin against the fixture, over a probe text, logit.
    LogitDrift "logit drift" "logit_drift@1" "logit" Lower "largest |logit margin - fixture's logit margin| over a teacher-forced probe text";
    /// Mean Kullback-Leibler divergence of next-token distributions from the reference ones, nats, with dynamic
    /// quantisation off.
    MeanKl "mean KL divergence" "mean_kl@1" "nats" Lower
        "mean of KL(reference, next-token distribution) over teacher-forced texts, the 32 most probable tokens apart";
    /// Largest difference of a logit from the reference one, over the same steps.
    MaxLogitDifference "largest logit difference" "max_logit_difference@1" "logit" Lower
        "largest |logit - reference logit| of the 32 most probable tokens over teacher-forced texts";
    /// Reading all KV states, ms; the rows that they hold are stated.
    StateRead "reading all KV states" "state_read@1" "ms" Lower "median time to read all states, at the stated rows";
    /// Writing all KV states back as they are, ms; the rows that they hold are stated.
    StateWrite "writing all KV states" "state_write@1" "ms" Lower "median time to write all states back, at the stated rows";
    /// Both, ms.
    StateRoundTrip "reading and writing all KV states" "state_roundtrip@1" "ms" Lower
        "median of reading and then writing all states, at the stated rows";
    /// Energy of the processor's package over the generations by their tokens, J per token.
    EnergyPerToken "energy per token" "energy_per_token@1" "J/token" Lower
        "energy of the processor's package over generations / tokens";
}

/// A value with its definition: two can be compared only where the definitions are one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricValue {
    /// By which definition.
    pub metric: Metric,
    /// In the definition's unit, not rounded.
    pub value: f64,
}

impl MetricValue {
    /// How this stands to another.
    ///
    /// # Errors
    /// Another definition, or a value that nothing can be a multiple of.
    pub fn ratio_to(self, other: Self) -> Result<f64> {
        if self.metric != other.metric {
            return Err(Error::input(format!(
                "`{}` and `{}` are different definitions: they are not compared",
                self.metric.id(),
                other.metric.id()
            ))
            .hint("compare values of one definition; `--explain` lists them"));
        }
        let ratio = self.value / other.value;
        if !ratio.is_finite() {
            return Err(Error::input(format!("`{}` of {} has no ratio", self.metric.id(), other.value)));
        }
        Ok(ratio)
    }
}

impl Metric {
    /// The value of a sample; None where it is not defined, as for the time between tokens of a
    /// single token, or where it is not of a sample at all, as for a load.
    pub fn of(self, sample: &Sample) -> Option<MetricValue> {
        let Quotient { of, over } = self.quotient(sample)?;
        let value = of / over;
        value.is_finite().then_some(MetricValue { metric: self, value })
    }

    /// The metrics of a generation.
    pub fn of_generations() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|metric| metric.aggregate().is_some())
    }
}

/// Values by metric, in each metric's unit, not rounded. What has no value is not there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MetricValues(BTreeMap<Metric, f64>);

impl MetricValues {
    /// Every metric of one generation.
    pub fn of_sample(sample: &Sample) -> Self {
        Self(Metric::of_generations().filter_map(|it| Some((it, it.of(sample)?.value))).collect())
    }

    /// Every metric over generations: means of times, totals over totals of rates. A metric that one of them lacks
    /// is not there, for it would be of something else.
    pub fn of_samples<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Self {
        let samples: Vec<&Sample> = samples.into_iter().collect();
        let of = |metric: Metric| {
            let quotients = samples.iter().map(|sample| {
                metric.of(sample)?;
                metric.quotient(sample)
            });
            let quotients = quotients.collect::<Option<Vec<Quotient>>>()?;
            let value = match metric.aggregate()? {
                Aggregate::Mean => {
                    quotients.iter().map(|it| it.of / it.over).sum::<f64>() / quotients.len() as f64
                }
                Aggregate::Total => {
                    quotients.iter().map(|it| it.of).sum::<f64>()
                        / quotients.iter().map(|it| it.over).sum::<f64>()
                }
            };
            value.is_finite().then_some((metric, value))
        };
        Self(Metric::of_generations().filter_map(of).collect())
    }

    /// Of each metric the geometric mean over generations, so that a ratio of two is the mean ratio of what they
    /// were requested. A metric that one of them lacks is not there.
    pub fn geometric_means<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Self {
        let samples: Vec<&Sample> = samples.into_iter().collect();
        let of = |metric: Metric| {
            let logarithms = samples.iter().map(|sample| Some(metric.of(sample)?.value.ln()));
            let logarithms = logarithms.collect::<Option<Vec<f64>>>().filter(|all| !all.is_empty())?;
            Some((metric, (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp()))
        };
        Self(Metric::of_generations().filter_map(of).collect())
    }

    /// A value.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.0.get(&metric).copied()
    }

    /// A value that every generation has, as its latency; not a number where there is no generation.
    pub fn get_or_nan(&self, metric: Metric) -> f64 {
        self.get(metric).unwrap_or(f64::NAN)
    }

    /// A value with its definition.
    pub fn metric_value(&self, metric: Metric) -> Option<MetricValue> {
        self.get(metric).map(|value| MetricValue { metric, value })
    }

    /// Puts a value in, in the metric's unit.
    pub fn insert(&mut self, metric: Metric, value: f64) {
        self.0.insert(metric, value);
    }

    /// Takes a value out.
    pub fn remove(&mut self, metric: Metric) {
        self.0.remove(&metric);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every value with its metric, in the order of the definitions.
    pub fn iter(&self) -> impl Iterator<Item = (Metric, f64)> + '_ {
        self.0.iter().map(|(metric, value)| (*metric, *value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Role;
    use crate::sys::MemoryReading;

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
    fn the_published_values_include_the_prefill_and_the_decode_values_do_not() {
        let sample = published();
        let of = |metric: Metric| metric.of(&sample).unwrap().value;
        assert!((of(Metric::EndToEndLatency) - 9.42).abs() < 1e-6);
        assert!((of(Metric::EndToEndPerToken) - 47.1).abs() < 1e-6);
        assert!((of(Metric::EndToEndThroughput) - 21.231_422).abs() < 1e-5);
        assert!((of(Metric::TimeToFirstToken) - 200.0).abs() < 1e-9);
        assert!((of(Metric::TimePerOutputToken) - 46.331_658).abs() < 1e-5);
        assert!((of(Metric::DecodeThroughput) - 21.583_514).abs() < 1e-5);
        assert!((of(Metric::PrefillThroughput) - 11.0 / 0.2).abs() < 1e-9);
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
    fn values_of_unlike_definitions_are_refused_and_never_a_number() {
        let metric_value = |metric| MetricValue { metric, value: 2.0 };
        let (inclusive, exclusive) = (Metric::EndToEndPerToken, Metric::TimePerOutputToken);
        let refused = metric_value(inclusive).ratio_to(metric_value(exclusive)).unwrap_err();
        assert!(refused.to_string().contains("`e2e_per_token@1` and `tpot@1`"), "{refused}");
        assert_eq!(metric_value(exclusive).ratio_to(metric_value(exclusive)), Ok(1.0));
        assert!(metric_value(exclusive).ratio_to(MetricValue { metric: exclusive, value: 0.0 }).is_err());
    }

    #[test]
    fn the_serialised_name_is_the_definition_id() {
        for metric in Metric::ALL.iter().copied() {
            assert_eq!(serde_json::to_string(&metric).unwrap(), format!("\"{}\"", metric.id()));
        }
    }
}
