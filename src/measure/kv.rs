//! What a change of the KV cache did in one generation, and how far its next-token distributions moved.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::engine::StepComparison;
use crate::engine::transform::TransformSpec;
use crate::measure::{Metric, MetricValues};
use crate::workload::TokenId;

/// Where the KV cache of an arm is changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum KvMethod {
    /// Nowhere: it is as the model makes it.
    #[default]
    Unchanged,
    /// Between two steps: states are read, changed, and written back.
    States,
    /// In the graph, before each concatenation with the cache: no state is copied.
    Graph,
    /// By the plugin's own codec, which properties request.
    Plugin,
}

impl KvMethod {
    /// Where a transform is applied.
    pub fn of(spec: &TransformSpec) -> Self {
        if *spec == TransformSpec::none() {
            Self::Unchanged
        } else if spec.in_graph().is_some() {
            Self::Graph
        } else {
            Self::States
        }
    }

    /// As it is serialised.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What a change of the KV cache took in one generation: bytes at its end, and time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvUse {
    /// Tokens that were fed.
    pub tokens: u64,
    /// Rows that the cache of each layer holds.
    pub rows: u64,
    /// Bytes of the packed rows, norms and scales included, and of the rows that are not packed.
    pub packed_bytes: u64,
    /// Most bytes of the transform's own buffers.
    pub buffer_bytes: u64,
    /// Steps after which states were changed.
    pub changes: u64,
    /// Time of reading states, ns.
    pub read_ns: u64,
    /// Time of changing them, ns.
    pub transform_ns: u64,
    /// Time of writing them back, ns.
    pub write_ns: u64,
}

/// How long all KV states took to be read and to be written back as they are, at the rows that the cache held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateAccess {
    /// Rows that each layer held.
    pub rows: u64,
    /// Of all states together, as the runtime gives them.
    pub bytes: u64,
    /// Time of each reading, ns.
    pub read_ns: Vec<u64>,
    /// Time of each writing, ns.
    pub write_ns: Vec<u64>,
}

impl StateAccess {
    /// `state_read@1`, `state_write@1` and `state_roundtrip@1`, each the median of its times, ms; none without times.
    pub fn values(&self) -> MetricValues {
        let mut values = MetricValues::default();
        let both = self.read_ns.iter().zip(&self.write_ns).map(|(read, write)| read.saturating_add(*write));
        for (metric, times) in [
            (Metric::StateRead, self.read_ns.clone()),
            (Metric::StateWrite, self.write_ns.clone()),
            (Metric::StateRoundTrip, both.collect()),
        ] {
            if let Some(ns) = median(times) {
                values.insert(metric, ns as f64 / 1e6);
            }
        }
        values
    }
}

fn median(mut times: Vec<u64>) -> Option<u64> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

/// How the next-token distributions over a text, teacher-forced, agree with those of the unchanged cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KvAgreement {
    /// Which text.
    pub text: String,
    /// The seed of rotation or choice; None where the arm has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Steps that were compared.
    pub steps: usize,
    /// Steps at which the most probable token is the same.
    pub agreed_steps: usize,
    /// The first step, from 0, at which it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_difference: Option<usize>,
    /// Mean over the steps of the Kullback-Leibler divergence from the reference's distribution, nats.
    pub mean_kl_nats: f64,
    /// The largest of them, nats.
    pub largest_kl_nats: f64,
    /// Largest change of the margin between the reference's first two tokens, logit.
    pub largest_margin_change_logit: f64,
}

impl KvAgreement {
    /// Over the steps of a text.
    pub fn of(text: &str, seed: Option<u64>, steps: &[StepComparison]) -> Self {
        Self {
            text: text.to_owned(),
            seed,
            steps: steps.len(),
            agreed_steps: steps.iter().filter(|step| step.same_token()).count(),
            first_difference: steps.iter().position(|step| !step.same_token()),
            mean_kl_nats: steps.iter().map(|step| step.kl).sum::<f64>() / steps.len().max(1) as f64,
            largest_kl_nats: steps.iter().map(|step| step.kl).fold(0.0, f64::max),
            largest_margin_change_logit: steps
                .iter()
                .map(|step| f64::from(step.margin_change.abs()))
                .fold(0.0, f64::max),
        }
    }
}

/// A text on which distributions are compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvText {
    /// Its name.
    pub id: String,
    /// Tokens that are fed at once.
    pub prompt: Vec<TokenId>,
    /// Tokens that are fed one by one; the last is compared and not fed.
    pub forced: Vec<TokenId>,
}
