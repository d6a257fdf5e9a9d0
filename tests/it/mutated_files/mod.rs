//! Real files, changed at random: every reader takes what comes or refuses it in words that name the file, and none
//! panics, runs on or fills the memory. The seed of a failing case is in its message.

use std::fs;
use std::time::{Duration, Instant};

use arcgauge::engine::ModelFolder;
use arcgauge::engine::openvino::Graph;
use arcgauge::error::Error;
use arcgauge::gate::ci::GateEvent;
use arcgauge::judge::policy::Policy;
use arcgauge::judge::summarise;
use arcgauge::measure::protocol::{Command, Event};
use arcgauge::record::imported::read_imported;
use arcgauge::record::{Entry, Experiment, accept, sha256_of_bytes};
use arcgauge::report::{Detail, bench_document};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::checkout::repository;

/// How a file is called in errors.
const NAME: &str = "the file of a stranger";
/// Cases of each reader in the usual run.
const CASES: u64 = 150;
/// How long the long run goes on, and how long one case of it may take.
const LONG_RUN: Duration = Duration::from_secs(30);
const LONGEST_CASE: Duration = Duration::from_secs(10);

/// What a reader made of bytes: an error that must name the file, or none.
type Outcome = Result<(), Option<Error>>;

struct Reader {
    what: &'static str,
    seeds: Vec<Vec<u8>>,
    read: fn(&[u8]) -> Outcome,
}

fn readers() -> Vec<Reader> {
    let all = |files: &[&str]| -> Vec<Vec<u8>> {
        files.iter().map(|file| fs::read(repository().join(file)).unwrap()).collect()
    };
    let lines = include_bytes!("worker.jsonl").split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    vec![
        Reader {
            what: "record",
            seeds: all(&["fixtures/records/bench-3.0.json", "fixtures/records/ab-3.0.json"]),
            read: record,
        },
        Reader { what: "policy", seeds: all(&["ci/gate.json"]), read: policy },
        Reader {
            what: "event",
            seeds: all(&[
                "tests/it/rehearsal/payloads/pull_request.json",
                "tests/it/rehearsal/payloads/workflow_dispatch.json",
            ]),
            read: event,
        },
        Reader {
            what: "import",
            seeds: all(&[
                "fixtures/exchange/llama-bench/tiny-llama.json",
                "fixtures/exchange/llm_bench/genai.csv",
                "fixtures/exchange/llm_bench/one-token.json",
                "fixtures/exchange/published/results_optimum.json",
            ]),
            read: import,
        },
        Reader { what: "line of a worker", seeds: lines.map(<[u8]>::to_vec).collect(), read: line },
        Reader { what: "graph", seeds: vec![include_bytes!("graph.xml").to_vec()], read: graph },
    ]
}

fn record(bytes: &[u8]) -> Outcome {
    let bytes = encoded(bytes);
    let record = accept::<Experiment>(&bytes, NAME).map_err(Some)?;
    let run = record.subject();
    // What is taken is shown, listed and judged.
    let _ = (
        Entry::of("a.json".into(), &record),
        summarise(&run),
        bench_document(run, Detail::Wide).to_text(None),
    );
    Ok(())
}

/// The bytes with the hash that they must have, so that what is read is not only the hash.
fn encoded(bytes: &[u8]) -> Vec<u8> {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (header, payload) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Ok(mut header) = serde_json::from_slice::<Value>(header) else { return bytes.to_vec() };
    if let Some(sha256) = header.get_mut("payload_sha256") {
        *sha256 = sha256_of_bytes(payload).into();
    }
    [header.to_string().as_bytes(), b"\n", payload].concat()
}

fn policy(bytes: &[u8]) -> Outcome {
    Policy::parse(&String::from_utf8_lossy(bytes), NAME).map(drop).map_err(Some)
}

fn event(bytes: &[u8]) -> Outcome {
    let read = |name: &str| GateEvent::parse(name, bytes).map(drop).map_err(|_| None);
    read("pull_request").or(read("workflow_dispatch"))
}

fn import(bytes: &[u8]) -> Outcome {
    read_imported(bytes, NAME, None, "2026-01-01T00:00:00Z").map(drop).map_err(|_| None)
}

fn line(bytes: &[u8]) -> Outcome {
    let event = serde_json::from_slice::<Event>(bytes).map(drop);
    event.or_else(|_| serde_json::from_slice::<Command>(bytes).map(drop)).map_err(|_| None)
}

fn graph(bytes: &[u8]) -> Outcome {
    let folder = tempfile::Builder::new().prefix(NAME).tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("openvino_model.xml"), bytes).unwrap();
    fs::write(file("openvino_model.bin"), [0; 52]).unwrap();
    fs::write(file("config.json"), "{}").unwrap();
    let folder = ModelFolder::open(folder.path()).map_err(Some)?;
    Graph::read(&folder).map(drop).map_err(Some)
}

/// Reads a case of a reader; gives how long that took.
fn try_case(reader: &Reader, seed: u64) -> Duration {
    let mut random = Rng::with_seed(seed);
    let bytes = mutated(random.choice(&reader.seeds).unwrap(), &mut random);
    let begun = Instant::now();
    let read = std::panic::catch_unwind(|| (reader.read)(&bytes));
    let took = begun.elapsed();
    let what = format!(
        "{} of seed {seed}: {}",
        reader.what,
        String::from_utf8_lossy(&bytes[..bytes.len().min(2000)])
    );
    let Ok(read) = read else { panic!("the reader panicked at the {what}") };
    if let Err(Some(error)) = read {
        assert!(error.to_string().contains(NAME), "`{error}` names no file, of the {what}");
    }
    took
}

/// One to four changes: of the bytes, or of a value in what is JSON.
fn mutated(seed: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..random.usize(1..5) {
        bytes =
            if random.bool() { with_other_bytes(bytes, random) } else { with_another_value(bytes, random) };
    }
    bytes
}

fn with_other_bytes(mut bytes: Vec<u8>, random: &mut Rng) -> Vec<u8> {
    let at = random.usize(..=bytes.len());
    let end = (at + random.usize(..64)).min(bytes.len());
    let words: [&[u8]; 9] = [
        b"\0",
        b"\xff\xfe",
        b"\"",
        b"[[[[[[[[",
        b"-1e999",
        b"&amp;",
        b"</layer>",
        b"18446744073709551616",
        b"\xed\xa0\x80",
    ];
    match random.u8(..5) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => bytes[at..end].iter_mut().for_each(|byte| *byte = random.u8(..)),
        3 => {
            let again = bytes[at..end].repeat(random.usize(1..50));
            bytes.splice(at..at, again);
        }
        _ => drop(bytes.splice(at..end, random.choice(words).unwrap().to_vec())),
    }
    bytes
}

/// The last line of a record is its payload; of other files all is one value.
fn with_another_value(bytes: Vec<u8>, random: &mut Rng) -> Vec<u8> {
    let begin = if bytes.starts_with(b"{\"arcgauge\"") {
        bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1)
    } else {
        0
    };
    let Ok(mut value) = serde_json::from_slice::<Value>(&bytes[begin..]) else { return bytes };
    change(&mut value, random);
    [&bytes[..begin], value.to_string().as_bytes()].concat()
}

/// Changes a value somewhere, at random.
fn change(value: &mut Value, random: &mut Rng) {
    let goes_down = random.u8(..8) > 0;
    match value {
        Value::Object(fields) if goes_down && !fields.is_empty() => {
            let at = random.usize(..fields.len());
            fields.values_mut().nth(at).into_iter().for_each(|field| change(field, random));
        }
        Value::Array(items) if goes_down && !items.is_empty() => {
            let at = random.usize(..items.len());
            change(&mut items[at], random);
        }
        _ => *value = another(value.take(), random),
    }
}

fn another(value: Value, random: &mut Rng) -> Value {
    let others = [
        json!(null),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e308),
        json!(5e-324),
        json!(""),
        json!("\u{1b}[31m\u{202e}\n::error::x"),
        json!("../../etc/passwd"),
        json!("9".repeat(5000)),
        json!([]),
        json!({}),
        json!([[1]]),
        json!(true),
    ];
    match (random.u8(..4), value) {
        (0, Value::Array(items)) => Value::Array([items.clone(), items].concat()),
        (1, Value::Array(mut items)) => {
            items.reverse();
            items.pop();
            Value::Array(items)
        }
        (0, Value::Object(mut fields)) => {
            let name = fields.keys().nth(random.usize(..fields.len().max(1))).cloned();
            name.and_then(|name| fields.remove(&name));
            Value::Object(fields)
        }
        _ => random.choice(others).unwrap(),
    }
}

#[test]
fn changed_files_are_read_or_refused_by_name() {
    for reader in readers() {
        for seed in 0..CASES {
            try_case(&reader, seed);
        }
    }
}

#[test]
#[ignore = "heavy: half a minute"]
fn changed_files_are_read_or_refused_by_name_for_half_a_minute() {
    let (readers, begun) = (readers(), Instant::now());
    let mut seed = Rng::new().u64(..);
    while begun.elapsed() < LONG_RUN {
        for reader in &readers {
            let took = try_case(reader, seed);
            assert!(took < LONGEST_CASE, "the {} of seed {seed} took {took:?}", reader.what);
        }
        seed = seed.wrapping_add(1);
    }
}
