//! A record is what was written, or it is refused.

use arcgauge::error::ErrorKind;
use arcgauge::golden::GoldenResult;
use arcgauge::judge::summarise;
use arcgauge::measure::Metric;
use arcgauge::record::{Experiment, History, Outcome, ProofGrade, ReplayRecord, encode, open};
use arcgauge::report::{Detail, bench_document, results_json};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::checkout::repository;
use crate::forged;

/// Bits without a pattern, always the same: Knuth's linear congruential generator.
struct Bits(u64);

impl Bits {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The low bits have short periods.
        self.0 ^ (self.0 >> 32)
    }
}

fn reopened(record: &Experiment) -> Experiment {
    open(&encode(record).unwrap(), "a record").unwrap()
}

#[test]
fn a_record_comes_back_as_it_was_written() {
    let record = forged::record();
    assert_eq!(reopened(&record), record);
}

#[test]
fn a_record_is_a_header_line_and_the_payload_that_its_hash_is_of() {
    let file = String::from_utf8(encode(&forged::record()).unwrap()).unwrap();
    let (header, payload) = file.split_once('\n').unwrap();
    let header: Value = serde_json::from_str(header).unwrap();
    assert_eq!(header["schema"], serde_json::json!({"major": 3, "minor": 0}));
    assert_eq!(header["payload_sha256"], sha256(payload.as_bytes()));
    assert!(serde_json::from_str::<Value>(payload).unwrap().is_object());
}

#[test]
fn a_thousand_awkward_floats_come_back_bit_for_bit() {
    let mut bits = Bits(20);
    let random = std::iter::from_fn(|| Some(f32::from_bits((bits.next() >> 32) as u32)));
    let subnormal = (1..=100_u32).map(|i| f32::from_bits(i * 83_886));
    let edges = [0.0, -0.0, f32::MIN_POSITIVE, f32::MAX, f32::MIN, f32::EPSILON, 0.1, 16_777_217.0, 1e-45];
    let margins: Vec<f32> =
        edges.into_iter().chain(subnormal).chain(random.filter(|f| f.is_finite())).take(1000).collect();
    assert!(margins.iter().filter(|margin| margin.is_subnormal()).count() >= 100);

    let mut record = forged::record();
    let replay = ReplayRecord { token_ids: vec![], runner_up_ids: vec![], logit_margins: margins.clone() };
    record.arms[0].prompts[0].replay = Some(replay);
    let back = reopened(&record).arms[0].prompts.remove(0).replay.unwrap().logit_margins;
    let as_bits = |floats: &[f32]| floats.iter().map(|float| float.to_bits()).collect::<Vec<_>>();
    assert_eq!(as_bits(&back), as_bits(&margins));
}

#[test]
fn values_of_a_thousand_awkward_times_are_written_with_every_digit() {
    let mut bits = Bits(4);
    for _ in 0..1000 {
        let mut record = forged::record();
        let times = record.arms[0].samples[0].times.as_mut().unwrap();
        let mut now = 0;
        for token_ns in &mut times.token_ns {
            now += 1 + (bits.next() >> 28);
            *token_ns = now;
        }
        let metric_values = summarise(&record.arms[0]).average.unwrap().mean;
        let written: Value = serde_json::from_str(&results_json(record.subject())).unwrap();
        for (name, metric_value) in [
            ("latency_s", metric_values.get_or_nan(Metric::EndToEndLatency)),
            ("tpot_ms", metric_values.get_or_nan(Metric::EndToEndPerToken)),
            ("throughput_tok_s", metric_values.get_or_nan(Metric::EndToEndThroughput)),
            ("ttft_ms", metric_values.get_or_nan(Metric::TimeToFirstToken)),
            ("decode_tpot_ms", metric_values.get_or_nan(Metric::TimePerOutputToken)),
            ("host_overhead_us", metric_values.get_or_nan(Metric::HostOverhead)),
        ] {
            assert_eq!(
                written["average"][name].as_f64().unwrap().to_bits(),
                metric_value.to_bits(),
                "{name}"
            );
        }
    }
}

#[test]
fn a_float_that_is_no_number_is_never_written() {
    for margin in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut record = forged::record();
        record.arms[0].prompts[0].replay.as_mut().unwrap().logit_margins[1] = margin;
        assert!(encode(&record).is_err(), "a logit margin of {margin} was written");
    }
}

#[test]
fn no_altered_byte_gives_another_record() {
    let record = forged::record();
    let encoded = encode(&record).unwrap();
    let payload_starts = encoded.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for at in 0..encoded.len() {
        for flip in [0x01, 0x20, 0x80] {
            let mut altered = encoded.clone();
            altered[at] ^= flip;
            match open::<Experiment>(&altered, "a record") {
                Err(error) => assert_eq!(error.kind(), ErrorKind::Input, "byte {at}: {error}"),
                Ok(read) => {
                    assert!(at < payload_starts, "an altered payload was read, byte {at}");
                    assert_eq!(read, record, "byte {at}");
                }
            }
        }
    }
}

#[test]
fn an_altered_record_says_that_it_is_altered_and_names_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("of-a-run.json");
    let mut encoded = encode(&forged::record()).unwrap();
    let last = encoded.len() - 9;
    encoded[last] ^= 1;
    std::fs::write(&path, encoded).unwrap();
    let error = History::read(&path).unwrap_err();
    assert!(error.to_string().contains("of-a-run.json` is altered"), "{error}");
    assert!(error.hint_text().unwrap().contains("measure again"));
}

#[test]
fn a_record_cut_off_anywhere_is_refused() {
    let encoded = encode(&forged::record()).unwrap();
    for length in 0..encoded.len() {
        assert!(
            open::<Experiment>(&encoded[..length], "a record").is_err(),
            "{length} bytes of {}",
            encoded.len()
        );
    }
    let twice = [encoded.clone(), encoded].concat();
    assert!(open::<Experiment>(&twice, "a record").is_err());
}

#[test]
fn a_record_of_a_later_major_schema_is_refused_and_of_a_later_minor_is_read() {
    let record = forged::record();
    let with_schema = |schema: &str| {
        let file = String::from_utf8(encode(&record).unwrap()).unwrap();
        open::<Experiment>(file.replacen(r#"{"major":3,"minor":0}"#, schema, 1).as_bytes(), "later.json")
    };
    let error = with_schema(r#"{"major":4,"minor":0}"#).unwrap_err();
    assert!(error.to_string().contains("`later.json` has schema `4.0`"), "{error}");
    assert_eq!(error.hint_text(), Some("use a newer arcgauge"));
    assert_eq!(with_schema(r#"{"major":3,"minor":7}"#).unwrap(), record);
}

#[test]
fn fields_that_this_version_does_not_know_do_no_harm() {
    let record = forged::record();
    let mut payload = serde_json::to_value(&record).unwrap();
    payload["noise_floor"] = 0.25.into();
    payload["machine"]["chassis"] = "1.2".into();
    payload["arms"][0]["samples"][0]["energy_joule"] = Value::Null;
    let payload = payload.to_string() + "\n";
    let schema = r#""schema":{"major":3,"minor":1,"patch":3},"written_by":"a later arcgauge""#;
    let header =
        format!(r#"{{"arcgauge":"experiment",{schema},"payload_sha256":"{}"}}"#, sha256(payload.as_bytes()));
    assert_eq!(open::<Experiment>(format!("{header}\n{payload}").as_bytes(), "a record").unwrap(), record);
}

/// Puts a field into every object of a document, one at a time, and gives the places of those that are read.
fn places_where_a_field_is_passed_over(record: &Value) -> Vec<String> {
    let mut places = vec![String::new()];
    let mut passed_over = Vec::new();
    while let Some(place) = places.pop() {
        let below = |name: &str| format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
        match record.pointer(&place).unwrap() {
            Value::Array(values) => places.extend((0..values.len()).map(|at| below(&at.to_string()))),
            Value::Object(fields) => {
                places.extend(fields.keys().map(|name| below(name)));
                let mut altered = record.clone();
                altered.pointer_mut(&place).unwrap()["not_of_the_schema"] = 1.into();
                if sealed_by_hand(&altered).is_ok() {
                    passed_over.push(place);
                }
            }
            _ => {}
        }
    }
    passed_over
}

fn sealed_by_hand(payload: &Value) -> arcgauge::error::Result<Experiment> {
    let payload = payload.to_string();
    let sha256 = sha256(payload.as_bytes());
    let header = r#"{"arcgauge":"experiment","schema":{"major":3,"minor":0},"payload_sha256":""#;
    open(format!("{header}{sha256}\"}}\n{payload}").as_bytes(), "a record")
}

#[test]
fn a_field_that_the_schema_of_a_record_does_not_have_is_refused_wherever_it_stands() {
    for record in [forged::record(), forged::ab_record()] {
        let record = serde_json::to_value(&record).unwrap();
        assert!(sealed_by_hand(&record).is_ok());
        assert_eq!(places_where_a_field_is_passed_over(&record), [""; 0]);
        let mut misplaced = record.clone();
        misplaced["arms"][0]["cost"] = record["cost"].clone();
        let error = sealed_by_hand(&misplaced).unwrap_err();
        let says = "record `a record` has a field `arms[0].cost`, which schema 3.0 does not have";
        assert_eq!(error.to_string(), says);
    }
    let encoded = String::from_utf8(encode(&forged::record()).unwrap()).unwrap();
    let error = open::<Experiment>(encoded.replacen('{', r#"{"by":"me","#, 1).as_bytes(), "it").unwrap_err();
    assert!(error.to_string().contains("has a field `by`"), "{error}");
}

/// A fixture of every schema that this release reads.
#[test]
fn a_record_of_schema_3_0_says_all_that_is_needed_to_trust_it() {
    let record = History::read(&repository().join("fixtures/records/bench-3.0.json")).unwrap().record;
    let arm = record.subject();
    assert_eq!(arm.device.ran.as_ref().unwrap().grade(), ProofGrade::PropertyAndCounters);
    assert!(arm.model.manifest_verified && arm.model.same_after_run);
    assert!(arm.worker.sha256.is_some() && arm.runtime.is_some() && arm.logit_drift.is_some());
    assert_eq!((arm.processes.len(), record.rounds.len()), (3, 3));
    assert!(arm.processes.iter().all(|process| process.guards.is_some()));
    let text = bench_document(arm, Detail::Wide).to_text(None);
    assert!(text.contains("roofline     not meaningful: the weights fit in the last-level cache"), "{text}");
}

/// Writing such a record fails, and says why.
#[track_caller]
fn is_not_stored(edit: impl FnOnce(&mut Experiment), says: &str) {
    let store = tempfile::tempdir().unwrap();
    let mut record = forged::record();
    edit(&mut record);
    let error = History::at(store.path().join("store")).add(&record).unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
    assert_eq!(std::fs::read_dir(store.path()).unwrap().count(), 0, "something was written");
}

#[test]
fn a_record_that_cannot_say_what_it_measured_is_not_kept() {
    is_not_stored(|record| record.arms[0].model.sha256.clear(), "the model's identity is ``");
    is_not_stored(|record| record.arms[0].workload.sha256.push('0'), "the workload's identity");
    is_not_stored(|record| record.machine.sha256 = "G".repeat(64), "the machine's identity");
    is_not_stored(|record| record.arms[0].runtime = None, "does not say what ran where");
    is_not_stored(|record| record.arms[0].device.ran = None, "does not say what ran where");
    is_not_stored(|record| record.arms[0].processes.clear(), "does not say what ran where");
}

#[test]
fn speed_is_not_kept_of_a_run_that_did_not_end_well_or_of_a_wrong_output() {
    is_not_stored(|record| record.arms[0].outcome = Outcome::Failed, "did not come to its end");
    is_not_stored(|record| record.arms[0].outcome = Outcome::Interrupted, "did not come to its end");
    is_not_stored(
        |record| record.arms[0].processes[0].exit_reason = "leaked".into(),
        "process 0 ended `leaked`",
    );
    is_not_stored(|record| record.arms[0].prompts[0].golden = GoldenResult::Break, "its output is wrong");
    is_not_stored(|record| record.arms[0].prompts.clear(), "was not judged");
}

#[test]
fn no_id_leads_out_of_the_store() {
    for hostile in ["../../elsewhere", "/etc", "..", "a/b", "", ".hidden"] {
        is_not_stored(|record| record.machine.slug = hostile.into(), "is no plain name");
        is_not_stored(|record| record.run_id = hostile.into(), "not 12 hexadecimal digits");
        is_not_stored(
            |record| record.arms[0].commit.as_mut().unwrap().sha = hostile.into(),
            "not 40 hexadecimal digits",
        );
    }
    is_not_stored(|record| record.when_utc = "../../2026".into(), "which is no time in UTC");
}

#[test]
fn a_record_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::at(folder.path().to_owned());
    let record = forged::record();
    let path = history.add(&record).unwrap();
    let mut other = record.clone();
    other.cost.wall_ns += 1;
    assert!(history.add(&other).is_err());
    assert_eq!(History::read(&path).unwrap().record, record);
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
