//! A record is what was written, or it is refused.

use arcgauge::error::ErrorKind;
use arcgauge::golden::GoldenResult;
use arcgauge::judge::summarise;
use arcgauge::measure::protocol::CacheState;
use arcgauge::record::{History, Outcome, ProofGrade, RunRecord, WitnessRecord, open, seal};
use arcgauge::report::{bench_table, results_json};
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

fn reopened(record: &RunRecord) -> RunRecord {
    open(&seal(record).unwrap(), "a record").unwrap()
}

#[test]
fn a_record_comes_back_as_it_was_written() {
    let record = forged::record();
    assert_eq!(reopened(&record), record);
}

#[test]
fn a_record_is_a_header_line_and_the_payload_that_its_hash_is_of() {
    let file = String::from_utf8(seal(&forged::record()).unwrap()).unwrap();
    let (header, payload) = file.split_once('\n').unwrap();
    let header: Value = serde_json::from_str(header).unwrap();
    assert_eq!(header["schema"], serde_json::json!({"major": 2, "minor": 0}));
    assert_eq!(header["payload_sha256"], sha256(payload.as_bytes()));
    assert!(serde_json::from_str::<Value>(payload).unwrap().is_object());
}

#[test]
fn a_thousand_awkward_floats_come_back_bit_for_bit() {
    let mut bits = Bits(20);
    let random = std::iter::from_fn(|| Some(f32::from_bits((bits.next() >> 32) as u32)));
    let subnormal = (1..=100_u32).map(|i| f32::from_bits(i * 83_886));
    let edges = [0.0, -0.0, f32::MIN_POSITIVE, f32::MAX, f32::MIN, f32::EPSILON, 0.1, 16_777_217.0, 1e-45];
    let gaps: Vec<f32> =
        edges.into_iter().chain(subnormal).chain(random.filter(|f| f.is_finite())).take(1000).collect();
    assert!(gaps.iter().filter(|gap| gap.is_subnormal()).count() >= 100);

    let mut record = forged::record();
    let witness = WitnessRecord { token_ids: vec![], runner_up_ids: vec![], gaps_logit: gaps.clone() };
    record.prompts[0].witness = Some(witness);
    let back = reopened(&record).prompts.remove(0).witness.unwrap().gaps_logit;
    let as_bits = |floats: &[f32]| floats.iter().map(|float| float.to_bits()).collect::<Vec<_>>();
    assert_eq!(as_bits(&back), as_bits(&gaps));
}

#[test]
fn figures_of_a_thousand_awkward_times_are_written_with_every_digit() {
    let mut bits = Bits(4);
    for _ in 0..1000 {
        let mut record = forged::record();
        let times = record.samples[0].times.as_mut().unwrap();
        let mut now = 0;
        for token_ns in &mut times.token_ns {
            now += 1 + (bits.next() >> 28);
            *token_ns = now;
        }
        let figures = summarise(&record).average.unwrap().mean;
        let written: Value = serde_json::from_str(&results_json(&record)).unwrap();
        for (name, figure) in [
            ("latency_s", figures.latency_s),
            ("tpot_ms", figures.per_token_ms),
            ("throughput_tok_s", figures.throughput_tok_s),
            ("ttft_ms", figures.ttft_ms),
            ("decode_tpot_ms", figures.decode_tpot_ms.unwrap()),
            ("host_overhead_us", figures.host_overhead_us),
        ] {
            assert_eq!(written["average"][name].as_f64().unwrap().to_bits(), figure.to_bits(), "{name}");
        }
    }
}

#[test]
fn a_float_that_is_no_number_is_never_written() {
    for gap in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut record = forged::record();
        record.prompts[0].witness.as_mut().unwrap().gaps_logit[1] = gap;
        assert!(seal(&record).is_err(), "a gap of {gap} was written");
    }
}

#[test]
fn no_altered_byte_gives_another_record() {
    let record = forged::record();
    let sealed = seal(&record).unwrap();
    let payload_starts = sealed.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for at in 0..sealed.len() {
        for flip in [0x01, 0x20, 0x80] {
            let mut altered = sealed.clone();
            altered[at] ^= flip;
            match open::<RunRecord>(&altered, "a record") {
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
    let mut sealed = seal(&forged::record()).unwrap();
    let last = sealed.len() - 9;
    sealed[last] ^= 1;
    std::fs::write(&path, sealed).unwrap();
    let error = History::read(&path).unwrap_err();
    assert!(error.to_string().contains("of-a-run.json` is altered"), "{error}");
    assert!(error.hint_text().unwrap().contains("measure again"));
}

#[test]
fn a_record_cut_off_anywhere_is_refused() {
    let sealed = seal(&forged::record()).unwrap();
    for length in 0..sealed.len() {
        assert!(
            open::<RunRecord>(&sealed[..length], "a record").is_err(),
            "{length} bytes of {}",
            sealed.len()
        );
    }
    let twice = [sealed.clone(), sealed].concat();
    assert!(open::<RunRecord>(&twice, "a record").is_err());
}

#[test]
fn a_record_of_a_later_major_schema_is_refused_and_of_a_later_minor_is_read() {
    let record = forged::record();
    let with_schema = |schema: &str| {
        let file = String::from_utf8(seal(&record).unwrap()).unwrap();
        open::<RunRecord>(file.replacen(r#"{"major":2,"minor":0}"#, schema, 1).as_bytes(), "later.json")
    };
    let error = with_schema(r#"{"major":3,"minor":0}"#).unwrap_err();
    assert!(error.to_string().contains("`later.json` has schema `3.0`"), "{error}");
    assert_eq!(error.hint_text(), Some("use a newer arcgauge"));
    assert_eq!(with_schema(r#"{"major":2,"minor":7}"#).unwrap(), record);
}

#[test]
fn fields_that_this_version_does_not_know_do_no_harm() {
    let record = forged::record();
    let mut payload = serde_json::to_value(&record).unwrap();
    payload["noise_floor"] = 0.25.into();
    payload["machine"]["chassis"] = "1.2".into();
    payload["samples"][0]["energy_joule"] = Value::Null;
    let payload = payload.to_string() + "\n";
    let schema = r#""schema":{"major":2,"minor":1,"patch":3},"written_by":"a later arcgauge""#;
    let header =
        format!(r#"{{"arcgauge":"run-record",{schema},"payload_sha256":"{}"}}"#, sha256(payload.as_bytes()));
    assert_eq!(open::<RunRecord>(format!("{header}\n{payload}").as_bytes(), "a record").unwrap(), record);
}

/// A fixture of every schema that was released.
fn released(schema: &str) -> RunRecord {
    let file = repository().join(format!("fixtures/records/schema-{schema}.json"));
    History::read(&file).unwrap().record
}

#[test]
fn a_record_of_schema_1_is_read_in_today_s_form_with_all_its_figures() {
    let record = released("1.0");
    assert_eq!((record.outcome, record.run_id.as_str()), (Outcome::Complete, "c0120fa50ee5"));
    assert_eq!(record.workload.protocol, "bench@1", "what was measured then is not renamed");
    let ran = record.device.ran.as_ref().unwrap();
    assert_eq!((ran.kind().name(), ran.grade()), ("CPU", ProofGrade::Property), "it was told, not proven");
    let [process] = &record.processes[..] else { panic!("{:?}", record.processes) };
    let load = process.load.as_ref().unwrap();
    assert!(load.load_ns > 0 && load.compiled_model_cache == CacheState::Off);
    assert!(process.memory.load.peak_rss_bytes.is_some() && process.memory.decode.peak_rss_bytes.is_none());
    let summary = summarise(&record);
    assert_eq!(summary.prompts.iter().map(|prompt| prompt.runs.len()).collect::<Vec<_>>(), [3; 3]);
    assert!(bench_table(&record).contains("match"));
}

#[test]
fn a_record_of_schema_2_says_all_that_is_needed_to_believe_it() {
    let record = released("2.0");
    assert_eq!(record.device.ran.as_ref().unwrap().grade(), ProofGrade::PropertyAndCounters);
    assert!(record.model.manifest_verified && record.model.same_after_run);
    assert!(record.worker.sha256.is_some() && record.runtime.is_some() && record.logit_drift.is_some());
    assert_eq!(record.processes.len(), 3);
    assert!(record.processes.iter().all(|process| process.guards.is_some()));
    let text = bench_table(&record);
    assert!(text.contains("roofline    not meaningful: the weights fit in the last-level cache"), "{text}");
}

/// Writing such a record fails, and says why.
#[track_caller]
fn is_not_kept(edit: impl FnOnce(&mut RunRecord), says: &str) {
    let store = tempfile::tempdir().unwrap();
    let mut record = forged::record();
    edit(&mut record);
    let error = History::at(store.path().join("store")).add(&record).unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
    assert_eq!(std::fs::read_dir(store.path()).unwrap().count(), 0, "something was written");
}

#[test]
fn a_record_that_cannot_say_what_it_measured_is_not_kept() {
    is_not_kept(|record| record.model.sha256.clear(), "the model's identity is ``");
    is_not_kept(|record| record.workload.sha256.push('0'), "the workload's identity");
    is_not_kept(|record| record.machine.sha256 = "G".repeat(64), "the machine's identity");
    is_not_kept(|record| record.runtime = None, "does not say what ran where");
    is_not_kept(|record| record.device.ran = None, "does not say what ran where");
    is_not_kept(|record| record.processes.clear(), "does not say what ran where");
}

#[test]
fn speed_is_not_kept_of_a_run_that_did_not_end_well_or_of_a_wrong_output() {
    is_not_kept(|record| record.outcome = Outcome::Failed, "did not come to its end");
    is_not_kept(|record| record.outcome = Outcome::Interrupted, "did not come to its end");
    is_not_kept(|record| record.processes[0].ending = "leaked".into(), "process 0 ended `leaked`");
    is_not_kept(|record| record.prompts[0].golden = GoldenResult::Break, "its output is wrong");
    is_not_kept(|record| record.prompts.clear(), "was not judged");
}

#[test]
fn no_id_leads_out_of_the_store() {
    for hostile in ["../../elsewhere", "/etc", "..", "a/b", "", ".hidden"] {
        is_not_kept(|record| record.machine.slug = hostile.into(), "is no plain name");
        is_not_kept(|record| record.run_id = hostile.into(), "not 12 hexadecimal digits");
        is_not_kept(
            |record| record.commit.as_mut().unwrap().sha = hostile.into(),
            "not 40 hexadecimal digits",
        );
    }
    let store = tempfile::tempdir().unwrap();
    let mut record = forged::record();
    record.when_utc = "../../2026".into();
    let path = History::at(store.path().to_owned()).add(&record).unwrap();
    assert!(path.starts_with(store.path().join("a-machine").join("5".repeat(40))), "{}", path.display());
    assert!(!path.to_str().unwrap().contains(".."));
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
