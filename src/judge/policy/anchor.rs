//! Fixed figures that a speed is held against.

use serde::{Deserialize, Serialize};

use crate::measure::Metric;

/// The bounds of the published figure; what it is and for which model and device it holds stands in
/// `fixtures/baselines/published.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedAnchor {
    /// Below this it warns, token/s.
    pub warn_below: f64,
    /// Below this it fails, token/s.
    pub fail_below: f64,
    /// Why.
    pub because: String,
}

/// A figure that an owner pinned from a record, for the same machine, model, device and prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// Names it; one of the same name replaces it.
    pub id: String,
    /// By which definition.
    pub metric: Metric,
    /// The record's figure, in the definition's unit.
    pub value: f64,
    /// Below this it warns.
    pub warn_below: f64,
    /// Below this it fails.
    pub fail_below: f64,
    /// The machine that it holds for.
    pub machine_sha256: String,
    /// The model.
    pub model_sha256: String,
    /// "CPU" or "GPU".
    pub device: String,
    /// Prompts and number of tokens.
    pub workload_sha256: String,
    /// The record.
    pub run_id: String,
    /// The commit that was measured.
    pub commit: String,
    /// When it was pinned, UTC.
    pub pinned_utc: String,
    /// Who pinned it, as git names them.
    pub who: String,
    /// Why.
    pub because: String,
}
