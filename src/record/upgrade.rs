//! Brings the payload of an older schema into today's form. What the older form did not know stays
//! unknown.

use serde_json::{Map, Value, json};

/// Schema 1: one process made all runs, and the device was told and not proven.
pub(super) fn from_schema_1(payload: &mut Value) {
    let Some(record) = payload.as_object_mut() else { return };
    let load_ns = record.remove("load_ns");
    let load_peak = record.remove("load_peak_rss_bytes").unwrap_or_default();
    let outcome = record.get("outcome").and_then(Value::as_str);
    let ending = match outcome {
        Some("interrupted") => "interrupted",
        Some("failed") => "failed",
        _ => "done",
    };
    let cached = record["runtime"]["properties_asked"].get("CACHE_DIR").is_some();
    let order: Vec<Value> = record["workload"]["prompts"]
        .as_array()
        .map(|prompts| prompts.iter().map(|prompt| prompt["id"].clone()).collect())
        .unwrap_or_default();
    let process = json!({
        "purpose": "measured",
        "index": 0,
        "ending": ending,
        "prompt_order": order,
        "load": load_ns.map(|load_ns| json!({
            "load_ns": load_ns,
            // Whether a cache that was set was warm was not noted; without one there is no doubt.
            "compiled_model_cache": if cached { "cold" } else { "off" },
        })),
        "memory": {
            "load": peak(&load_peak), "prefill": {}, "decode": {},
        },
        "started_ns": 0,
        "ended_ns": 0,
    });
    record.insert("processes".to_owned(), json!([process]));
    if let Some(device) = record.get_mut("device").and_then(Value::as_object_mut) {
        let told = std::mem::take(device);
        *device = device_of(told);
    }
}

fn peak(bytes: &Value) -> Value {
    if bytes.is_null() { json!({}) } else { json!({ "peak_rss_bytes": bytes }) }
}

fn device_of(mut told: Map<String, Value>) -> Map<String, Value> {
    let mut device = Map::new();
    for kept in ["requested", "reason"] {
        device.insert(kept.to_owned(), told.remove(kept).unwrap_or_default());
    }
    if let Some(kind) = told.remove("actual") {
        told.insert("kind".to_owned(), kind);
        told.insert("grade".to_owned(), json!("property"));
        device.insert("ran".to_owned(), Value::Object(told));
    }
    device
}
