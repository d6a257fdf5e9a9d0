//! What is normal on the device and precisions of a session: the drift of logits and the near-tie tolerance.

use crate::engine::openvino::OpenVinoEngine;
use crate::golden::{GoldenSet, LogitDrift, Probe};
use crate::measure::protocol::LoadedEvent;
use crate::measure::supervisor::Session;
use crate::record::{LogitDriftRecord, Warning};
use crate::run::assemble::loaded;

/// A drift with what is normal on the session's device and precisions.
pub(in crate::run) fn drift_record(
    drift: LogitDrift,
    probe: Option<&Probe>,
    session: &Session,
) -> LogitDriftRecord {
    let limit = probe.zip(loaded(session)).and_then(|(probe, loaded)| {
        let effective = |key: &str| loaded.properties_effective.get(key).map_or("", String::as_str);
        let (inference, cache) = (effective("INFERENCE_PRECISION_HINT"), effective("KV_CACHE_PRECISION"));
        probe.limit(kind_word(loaded), inference, cache).cloned()
    });
    LogitDriftRecord { drift, limit }
}

/// Said where the logits have moved further than is normal.
pub(in crate::run) fn drift_warning(record: &LogitDriftRecord) -> Option<Warning> {
    let limit = record.limit.as_ref().filter(|limit| limit.is_exceeded_by(&record.drift))?;
    Some(Warning::new(
        "logit-drift",
        format!(
            "on the probe text the logits moved by up to {:.4} logit ({:.4} on average), and {:.4} ({:.4}) is normal",
            record.drift.largest_logit, record.drift.mean_logit, limit.largest_logit, limit.mean_logit
        ),
        "every token may still be right; find out what changed the arithmetic with `cargo xtask golden check`",
    ))
}

/// "GPU" or "CPU", as limits and tolerances are found by.
fn kind_word(loaded: &LoadedEvent) -> &'static str {
    if loaded.execution_devices.contains("GPU") { "GPU" } else { "CPU" }
}

/// The near-tie tolerance of a session's device and precisions.
pub(in crate::run) fn epsilon_logit(goldens: &GoldenSet, session: &Session) -> f32 {
    let Some(loaded) = loaded(session) else { return 0.0 };
    let effective = |key: &str| loaded.properties_effective.get(key).map_or("", String::as_str);
    goldens.epsilon_logit(
        kind_word(loaded),
        effective("INFERENCE_PRECISION_HINT"),
        effective("KV_CACHE_PRECISION"),
    )
}

/// The near-tie tolerance of an engine that is loaded in this process.
#[must_use]
pub fn epsilon_logit_of(goldens: &GoldenSet, engine: &OpenVinoEngine) -> f32 {
    let effective = |key: &str| engine.properties().get(key).map_or("", String::as_str);
    goldens.epsilon_logit(
        engine.device().kind.name(),
        effective("INFERENCE_PRECISION_HINT"),
        effective("KV_CACHE_PRECISION"),
    )
}
