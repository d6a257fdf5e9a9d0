//! The precisions of the GPU's default series, as they are in force.

use crate::judge::first_light::{Evidence, Word};

const F16: &str = "f16";

pub(super) fn inference(evidence: &Evidence) -> Word {
    in_force(evidence, "INFERENCE_PRECISION_HINT")
}

pub(super) fn kv_cache(evidence: &Evidence) -> Word {
    in_force(evidence, "KV_CACHE_PRECISION")
}

fn in_force(evidence: &Evidence, property: &str) -> Word {
    let record = match evidence.bench_on_gpu() {
        Ok(record) => record,
        Err(word) => return word,
    };
    let runtime = record.runtime.as_ref();
    if let Some(asked) = runtime.and_then(|runtime| runtime.properties_asked.get(property))
        && asked != F16
    {
        return Word::not_observed(format!("`{property}={asked}` was asked for"));
    }
    match runtime.and_then(|runtime| runtime.properties_effective.get(property)) {
        None => Word::not_observed(format!("OpenVINO does not tell which `{property}` is in force")),
        Some(value) if value == F16 => {
            Word::yes(format!("`{property}` is `{value}` by the compiled model's word"))
        }
        Some(value) => {
            Word::no(format!("`{property}` is `{value}` by the compiled model's word, not `{F16}`"))
        }
    }
}
