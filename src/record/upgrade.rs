//! Brings the payload of an older schema into today's form. What the older form did not know stays
//! unknown, and what it demanded is still demanded.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::measure::protocol::CacheState;
use crate::record::{
    AskedPrompt, LoadRecord, MemoryRecord, Outcome, PhaseMemoryRecord, ProcessPurpose, ProcessRecord,
    RuntimeRecord,
};

/// What schema 1 kept in another place, or demanded where today's form does not.
#[derive(Deserialize)]
struct Schema1 {
    outcome: Outcome,
    device: Device,
    runtime: RuntimeRecord,
    workload: Workload,
    load_ns: u64,
    load_peak_rss_bytes: Option<u64>,
}

#[derive(Deserialize)]
struct Device {
    actual: String,
}

#[derive(Deserialize)]
struct Workload {
    prompts: Vec<AskedPrompt>,
}

/// Schema 1: one process made all runs, and the device was told and not proven.
///
/// # Errors
/// When a piece is missing or of another type.
pub(super) fn from_schema_1(payload: &mut Value) -> serde_json::Result<()> {
    let older = Schema1::deserialize(&*payload)?;
    // Whatever is no object has no fields to move, and is refused as a record of today.
    let Some(record) = payload.as_object_mut() else { return Ok(()) };
    record.remove("load_ns");
    record.remove("load_peak_rss_bytes");
    if let Some(device) = record.get_mut("device").and_then(Value::as_object_mut) {
        *device = device_of(&older.device, std::mem::take(device));
    }
    record.insert("processes".to_owned(), json!([process_of(older)]));
    Ok(())
}

fn process_of(older: Schema1) -> ProcessRecord {
    // Whether a cache that was set was warm was not noted; without one there is no doubt.
    let cached = older.runtime.properties_asked.contains_key("CACHE_DIR");
    let load =
        LoadRecord { load_ns: older.load_ns, compiled_model_cache: CacheState::Off, loaded_from_cache: None };
    ProcessRecord {
        purpose: ProcessPurpose::Measured,
        index: 0,
        ending: match older.outcome {
            Outcome::Complete | Outcome::WrongOutput => "done",
            Outcome::Interrupted => "interrupted",
            Outcome::Failed | Outcome::NotMeasured => "failed",
        }
        .to_owned(),
        ending_because: None,
        talk: Vec::new(),
        prompt_order: older.workload.prompts.into_iter().map(|prompt| prompt.id).collect(),
        load: (!cached).then_some(load),
        memory: PhaseMemoryRecord {
            load: MemoryRecord { peak_rss_bytes: older.load_peak_rss_bytes, ..MemoryRecord::default() },
            ..PhaseMemoryRecord::default()
        },
        kv_cache: None,
        device_memory_bytes: None,
        processor_ns: None,
        canary_before: None,
        guards: None,
        started_ns: None,
        ended_ns: None,
    }
}

fn device_of(older: &Device, mut told: Map<String, Value>) -> Map<String, Value> {
    let mut device = Map::new();
    for kept in ["requested", "reason"] {
        device.insert(kept.to_owned(), told.remove(kept).unwrap_or_default());
    }
    told.remove("actual");
    told.insert("kind".to_owned(), json!(older.actual));
    told.insert("grade".to_owned(), json!("property"));
    device.insert("ran".to_owned(), Value::Object(told));
    device
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::error::{ErrorKind, Result};
    use crate::record::sealed::hex;
    use crate::record::{RunRecord, open};

    /// The payload of the fixture.
    fn payload() -> Value {
        let file = include_str!("../../fixtures/records/schema-1.0.json");
        serde_json::from_str(file.split_once('\n').unwrap().1).unwrap()
    }

    /// Reads a payload from a file of schema 1 whose hash is right.
    fn read(payload: &Value) -> Result<RunRecord> {
        let payload = payload.to_string();
        let sha256 = hex(&Sha256::digest(&payload));
        let schema = r#"{"major":1,"minor":0}"#;
        let header = format!(r#"{{"arcgauge":"run-record","schema":{schema},"payload_sha256":"{sha256}"}}"#);
        open(format!("{header}\n{payload}").as_bytes(), "older.json")
    }

    #[track_caller]
    fn is_refused(payload: &Value, what: &str) {
        let error = read(payload).err().unwrap_or_else(|| panic!("{what} was read"));
        assert_eq!(error.kind(), ErrorKind::Input, "{what}: {error}");
        assert!(error.to_string().contains("`older.json` cannot be read"), "{what}: {error}");
    }

    #[test]
    fn a_payload_that_is_no_record_is_refused() {
        for payload in [json!({}), json!([]), Value::Null, json!(7), json!("a text"), json!([{}, {}])] {
            is_refused(&payload, &payload.to_string());
        }
    }

    #[test]
    fn a_payload_that_lacks_a_piece_is_refused() {
        for piece in ["outcome", "device", "runtime", "workload", "load_ns", "model", "samples", "machine"] {
            let mut payload = payload();
            payload.as_object_mut().unwrap().remove(piece).unwrap();
            is_refused(&payload, piece);
        }
        for piece in ["/device/actual", "/device/requested", "/runtime/properties_asked", "/workload/prompts"]
        {
            let mut payload = payload();
            let (parent, name) = piece.rsplit_once('/').unwrap();
            payload.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
            is_refused(&payload, piece);
        }
    }

    #[test]
    fn a_payload_with_a_piece_of_another_type_is_refused() {
        let pieces = [
            "/outcome",
            "/device",
            "/device/actual",
            "/runtime",
            "/runtime/properties_asked",
            "/workload",
            "/workload/prompts",
            "/workload/prompts/0",
            "/workload/prompts/0/id",
            "/load_ns",
            "/load_peak_rss_bytes",
            "/samples/0",
        ];
        for piece in pieces {
            for wrong in [json!(true), json!(-1), json!({"other": 1}), json!([[]])] {
                let mut payload = payload();
                *payload.pointer_mut(piece).unwrap() = wrong.clone();
                is_refused(&payload, &format!("{piece} = {wrong}"));
            }
        }
    }

    #[test]
    fn what_schema_1_did_not_note_stays_unknown() {
        let process = read(&payload()).unwrap().processes.remove(0);
        assert_eq!((process.started_ns, process.ended_ns), (None, None));
        assert_eq!(process.load.unwrap().compiled_model_cache, CacheState::Off);
        let mut cached = payload();
        cached["runtime"]["properties_asked"]["CACHE_DIR"] = json!("/cache");
        let process = read(&cached).unwrap().processes.remove(0);
        assert_eq!(process.load, None, "a load from a cache that was cold or warm is neither figure");
        assert!(process.memory.load.peak_rss_bytes.is_some());
    }
}
