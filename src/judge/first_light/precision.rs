//! The precisions of the GPU's default series, as they are in force.

use crate::judge::first_light::{ClaimResult, Evidence};

const F16: &str = "f16";

pub(super) fn inference(evidence: &Evidence) -> ClaimResult {
    in_force(evidence, "INFERENCE_PRECISION_HINT")
}

pub(super) fn kv_cache(evidence: &Evidence) -> ClaimResult {
    in_force(evidence, "KV_CACHE_PRECISION")
}

fn in_force(evidence: &Evidence, property: &str) -> ClaimResult {
    let record = match evidence.bench_on_gpu() {
        Ok(record) => record,
        Err(word) => return word,
    };
    let runtime = record.runtime.as_ref();
    if let Some(requested) = runtime.and_then(|runtime| runtime.properties_requested.get(property))
        && requested != F16
    {
        return ClaimResult::not_observed(format!("`{property}={requested}` was requested"));
    }
    match runtime.and_then(|runtime| runtime.properties_effective.get(property)) {
        None => ClaimResult::not_observed(format!("OpenVINO does not tell which `{property}` is in force")),
        Some(value) if value == F16 => {
            ClaimResult::yes(format!("the compiled model reports `{property}` as `{value}`"))
        }
        Some(value) => {
            ClaimResult::no(format!("the compiled model reports `{property}` as `{value}`, not `{F16}`"))
        }
    }
}
