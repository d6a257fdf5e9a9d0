//! A record is what was written, or it is refused.

use arcgauge::error::ErrorKind;
use arcgauge::judge::summarise;
use arcgauge::record::{History, RunRecord, WitnessRecord, open, seal};
use arcgauge::report::results_json;
use serde_json::Value;
use sha2::{Digest, Sha256};

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
            match open(&altered, "a record") {
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
        assert!(open(&sealed[..length], "a record").is_err(), "{length} bytes of {}", sealed.len());
    }
    let twice = [sealed.clone(), sealed].concat();
    assert!(open(&twice, "a record").is_err());
}

#[test]
fn a_record_of_a_later_major_schema_is_refused_and_of_a_later_minor_is_read() {
    let record = forged::record();
    let with_schema = |schema: &str| {
        let file = String::from_utf8(seal(&record).unwrap()).unwrap();
        open(file.replacen(r#"{"major":2,"minor":0}"#, schema, 1).as_bytes(), "later.json")
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
    payload["machine"]["firmware"] = "1.2".into();
    payload["samples"][0]["energy_joule"] = Value::Null;
    let payload = payload.to_string() + "\n";
    let schema = r#""schema":{"major":2,"minor":1,"patch":3},"written_by":"a later arcgauge""#;
    let header =
        format!(r#"{{"arcgauge":"run-record",{schema},"payload_sha256":"{}"}}"#, sha256(payload.as_bytes()));
    assert_eq!(open(format!("{header}\n{payload}").as_bytes(), "a record").unwrap(), record);
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
