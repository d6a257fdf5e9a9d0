//! Files that the tools wrote, and what is refused of files that say too little, or two things.

mod other_outputs;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use strum::VariantArray;

use super::{ImportedFormat, ImportedRecord, LARGEST_IMPORTED_BYTES, read_imported};
use crate::error::Result;
use crate::measure::Role;
use crate::record::{Experiment, History, StoredRecord, Taken, encode, open};

const UTC: &str = "2026-11-25T03:00:00Z";

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/exchange").join(name)).unwrap()
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/exchange");
    let tools = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = tools.filter(|path| path.is_dir()).flat_map(|tool| std::fs::read_dir(tool).unwrap());
    files.map(|entry| entry.unwrap().path()).collect()
}

fn read(bytes: &[u8]) -> Result<Option<ImportedRecord>> {
    read_imported(bytes, "file", None, UTC)
}

fn taken(name: &str) -> ImportedRecord {
    read(&fixture(name)).unwrap().unwrap()
}

/// What is said of a file that is refused; it must have a hint.
fn refusal(bytes: &[u8]) -> String {
    let error = read(bytes).expect_err("it is refused");
    assert!(error.hint_text().is_some(), "{error}");
    error.to_string()
}

/// A file of a tool, with one thing changed.
fn with(name: &str, pointer: &str, value: Value) -> Vec<u8> {
    let mut file: Value = serde_json::from_slice(&fixture(name)).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match file.pointer_mut(parent).unwrap() {
        Value::Object(map) => _ = map.insert(key.to_owned(), value),
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
        other => panic!("{other}"),
    }
    file.to_string().into_bytes()
}

fn assert_refused(name: &str, changes: &[(&str, Value, &str)]) {
    for (pointer, value, expected) in changes {
        let said = refusal(&with(name, pointer, value.clone()));
        assert!(said.contains(expected), "{pointer} = {value}: {said}");
    }
}

#[test]
fn a_report_of_llm_bench_is_read_row_by_row_and_every_value_has_its_definition() {
    let record = taken("llm_bench/genai.json");
    assert_eq!(record.format, ImportedFormat::LlmBenchJson);
    assert_eq!((record.rows.len(), record.reported_by_tool.model.as_deref()), (12, Some("gpt")));
    let row = serde_json::to_value(&record.rows[3]).unwrap();
    let expected = json!({
        "prompt": "P0", "iteration": 1, "role": "measured", "prompt_tokens": 20, "new_tokens": 32,
        "figures": [
            {"definition": "e2e_latency@1", "value": 0.83535, "unit": "s"},
            {"definition": "e2e_per_token@1", "value": 26.1048, "unit": "ms/token"},
            {"definition": "e2e_throughput@1", "value": 32.0 / 0.83535, "unit": "token/s"},
            {"definition": "llm_bench.first_latency@1", "value": 45.53184, "unit": "ms"},
            {"definition": "llm_bench.second_avg_latency@1", "value": 25.47354, "unit": "ms/token"},
            {"definition": "llm_bench.first_infer_latency@1", "value": 45.457, "unit": "ms"},
            {"definition": "llm_bench.second_infer_avg_latency@1", "value": 25.4719, "unit": "ms/token"},
            {"definition": "llm_bench.tokenization_time@1", "value": 0.86363, "unit": "ms"},
            {"definition": "llm_bench.detokenization_time@1", "value": 2.68972, "unit": "ms"},
        ],
    });
    assert_eq!(row, expected);
}

#[test]
fn the_csv_of_a_run_says_what_its_json_says() {
    for run in ["genai", "optimum", "one-token"] {
        let [json, csv] = ["json", "csv"].map(|ending| taken(&format!("llm_bench/{run}.{ending}")));
        assert_eq!(json.rows, csv.rows, "{run}");
        assert_eq!(json.reported_by_tool, csv.reported_by_tool, "{run}");
        assert_eq!(csv.format, ImportedFormat::LlmBenchCsv);
    }
}

#[test]
fn a_value_that_the_tool_does_not_have_is_absent_and_not_minus_one() {
    for name in ["llm_bench/one-token.json", "llm_bench/one-token.csv"] {
        let record = taken(name);
        let ids: Vec<&str> = record.rows[4]
            .metric_values
            .iter()
            .map(|metric_value| metric_value.definition.as_str())
            .collect();
        assert!(ids.contains(&"llm_bench.first_latency@1"), "{name}: {ids:?}");
        assert!(!ids.iter().any(|id| id.contains("second")), "{name}: {ids:?}");
    }
}

#[test]
fn iteration_0_of_every_prompt_is_a_warm_up() {
    let record = taken("llm_bench/optimum.json");
    let warm_ups: Vec<(&str, u64)> = record
        .rows
        .iter()
        .filter(|row| row.role == Role::WarmUp)
        .map(|row| (row.prompt.as_str(), row.iteration))
        .collect();
    assert_eq!(warm_ups, [("P0", 0), ("P1", 0), ("P2", 0)]);
}

#[test]
fn rates_of_llama_bench_are_made_from_its_times_and_have_ids_of_their_own() {
    let record = taken("llama-bench/depths.json");
    let tests: Vec<&str> =
        record.rows.iter().filter(|row| row.iteration == 1).map(|row| row.prompt.as_str()).collect();
    assert_eq!(tests, ["pp16", "tg32", "pp16+tg32", "pp16 @ d64", "tg32 @ d64", "pp16+tg32 @ d64"]);
    let ids = record
        .rows
        .iter()
        .flat_map(|row| &row.metric_values)
        .map(|metric_value| metric_value.definition.as_str());
    assert!(ids.clone().all(|id| id.starts_with("llama_bench.")));
    let first = &taken("llama-bench/tiny-llama.json").rows[0];
    assert!((first.metric_values[0].value - 16e9 / 292_325.0).abs() < 1e-6, "{first:?}");
    assert_eq!(record.reported_by_tool.tool_version.as_deref(), Some("build 1 (0c1e570)"));
}

#[test]
fn of_a_models_path_only_the_name_is_kept_for_a_folder_can_name_a_user() {
    let mut file: Value = serde_json::from_slice(&fixture("llama-bench/tiny-llama.json")).unwrap();
    for test in file.as_array_mut().unwrap() {
        test["model_filename"] = json!("/home/someone/models/a.gguf");
    }
    let record = read(file.to_string().as_bytes()).unwrap().unwrap();
    assert_eq!(record.reported_by_tool.model.as_deref(), Some("llama ?B F16 (a.gguf)"));
    assert!(!serde_json::to_string(&record).unwrap().contains("someone"));
}

#[test]
fn tokens_of_the_published_results_are_made_from_its_time_and_its_time_a_token() {
    let record = taken("published/results_optimum.json");
    let tokens: Vec<Option<u64>> = record.rows.iter().map(|row| row.new_tokens).collect();
    assert_eq!(tokens, [Some(200); 3]);
    // The published row itself, in which each value is rounded.
    let row = json!([{"latency_s": 9.42, "tpot_ms": 47.1, "throughput": 21.24}]);
    let inside = json!({"model": "gpt-oss-20b", "results": row});
    let record = read(inside.to_string().as_bytes()).unwrap().unwrap();
    assert_eq!((record.rows[0].new_tokens, record.rows[0].prompt.as_str()), (Some(200), "prompt 1"));
    assert_eq!(record.reported_by_tool.model.as_deref(), Some("gpt-oss-20b"));
}

#[test]
fn a_report_of_llm_bench_that_leaves_open_what_was_measured_is_refused() {
    let row = "/perfdata/results/5";
    let at = |key: &str| format!("{row}/{key}");
    let changes = [
        ("/metadata/num_beams".to_owned(), json!(4), "`metadata.num_beams` is `4`, and only 1 is read"),
        ("/metadata/batch_size".to_owned(), json!(8), "`metadata.batch_size` is `8`, and only 1 is read"),
        ("/metadata/batch_size".to_owned(), json!(""), "`metadata.batch_size` is missing"),
        ("/metadata".to_owned(), json!(null), "`metadata` is missing"),
        ("/metadata/model".to_owned(), json!("x".repeat(1001)), "`metadata.model` is longer than 1000"),
        ("/metadata/model".to_owned(), json!(["gpt"]), "`metadata.model` is `[...]`: not a text"),
        ("/perfdata/results".to_owned(), json!([]), "it has no row"),
        ("/perfdata/results".to_owned(), json!({}), "`perfdata.results` is `{...}`: not a list"),
        (row.to_owned(), json!(7), "`perfdata.results[5]` is `7`: not an object"),
        (at("output_size"), json!(0), "`perfdata.results[5].output_size` is missing or `0`"),
        (at("output_size"), json!(""), "`perfdata.results[5].output_size` is missing or `0`"),
        (at("output_size"), json!(31.5), "`perfdata.results[5].output_size` is `31.5`: not a count"),
        (at("generation_time"), json!(-1), "`perfdata.results[5].generation_time` is missing"),
        (at("generation_time"), json!(0), "nothing takes no time"),
        (at("generation_time"), json!(-3.5), "is `-3.5`: less than nothing"),
        (at("generation_time"), json!("fast"), "is `fast`: not a number"),
        (at("latency"), json!(99.0), "`perfdata.results[5].latency` is `99` ms for each of 32 tokens"),
        (at("first_latency"), json!(-2), "`perfdata.results[5].first_latency` is `-2`"),
        (at("chat_idx"), json!(0), "`perfdata.results[5].chat_idx` is set: in a chat"),
        (at("iteration"), json!(0), "prompt `P2` has iteration `0` twice"),
        (at("prompt_idx"), json!(3), "prompt `P3` has no iteration 0"),
        (at("prompt_idx"), json!(null), "`perfdata.results[5].prompt_idx` is missing"),
    ];
    let changes: Vec<(&str, Value, &str)> =
        changes.iter().map(|(pointer, value, said)| (pointer.as_str(), value.clone(), *said)).collect();
    assert_refused("llm_bench/optimum.json", &changes);
    let said = refusal(&fixture("llm_bench/warm-up-only.json"));
    assert!(said.contains("prompt `P0` has a warm-up and nothing else"), "{said}");
    let said = refusal(&fixture("llm_bench/batch-of-2.json"));
    assert!(said.contains("`metadata.batch_size` is `2`"), "{said}");
}

#[test]
fn a_csv_that_leaves_open_what_was_measured_is_refused() {
    let text = String::from_utf8(fixture("llm_bench/optimum.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let changed = |line: usize, from: &str, to: &str| {
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        assert!(lines[line].contains(from), "{}", lines[line]);
        lines[line] = lines[line].replacen(from, to, 1);
        refusal(lines.join("\n").as_bytes())
    };
    let said = changed(4, ",gpt,", ",llama,");
    assert!(said.contains("line 5 is of another model, device or setting"), "{said}");
    assert!(changed(4, ",CPU,", ",GPU,").contains("`gpt` on `GPU`"));
    assert!(changed(4, "1,gpt,", "first,gpt,").contains("`line 5.iteration` is `first`, which is none"));
    let seconds = lines[4].split(',').nth(13).unwrap();
    assert!(changed(4, seconds, "nan").contains("`line 5.generation_time(s)` is `nan`, which is no number"));
    assert!(changed(4, seconds, "1e400").contains("`1e400`, which is no number"));
    assert!(changed(4, seconds, "").contains("`line 5.generation_time` is missing"));
    assert!(changed(4, "1,gpt,", "1,gpt").contains("cannot be read as CSV"));
    assert!(changed(0, "model", "iteration").contains("it has two columns `iteration`"));
}

#[test]
fn an_output_of_llama_bench_that_leaves_open_what_was_measured_is_refused() {
    assert_refused(
        "llama-bench/tiny-llama.json",
        &[
            ("/1/n_gpu_layers", json!(99), "its tests are of several settings: `n_gpu_layers` is `-1`"),
            ("/1/model_filename", json!("b.gguf"), "`model_filename` is `\"tiny-llama-f16.gguf\"`"),
            ("/1/new_setting", json!(true), "`new_setting` is `missing` in the first and `true` in test 2"),
            ("/0/samples_ns", json!([]), "`[0].samples_ns` is empty"),
            ("/0/samples_ns", json!(null), "`[0].samples_ns` is missing"),
            ("/0/samples_ns", json!([1, 2, 0]), "samples_ts"),
            ("/0/samples_ts", json!([1.0]), "`[0].samples_ns` has 3 values and `[0].samples_ts` has 1"),
            ("/0/samples_ts/2", json!(60000), "16 tokens in `310739` ns are 51490.157"),
            ("/0/samples_ns/2", json!("slow"), "`[0].samples_ns[2]` is `slow`: no whole time above 0"),
            ("/0/n_prompt", json!(0), "`[0].n_prompt` and `[0].n_gen` are both `0`"),
            ("/0/n_prompt", json!(-16), "`[0].n_prompt` is `-16`: not a count"),
        ],
    );
    let mut file: Value = serde_json::from_slice(&fixture("llama-bench/tiny-llama.json")).unwrap();
    file[1] = file[0].clone();
    assert!(refusal(file.to_string().as_bytes()).contains("it has the test `pp16` twice"));
    assert!(
        refusal(&fixture("llama-bench/threads.json")).contains("`n_threads` is `1` in the first and `2`")
    );
}

#[test]
fn published_results_that_contradict_themselves_are_refused() {
    assert_refused(
        "published/results_optimum.json",
        &[
            ("/1/tpot_ms", json!(45.0), "are of 211.1 tokens and of 200.0"),
            ("/1/throughput", json!(-2), "`[1].throughput` is `-2`"),
            ("/1/prompt", json!("moe-vs-dense"), "a row of this prompt is there already"),
        ],
    );
    let rows = json!([{"latency_s": 0.01, "tpot_ms": 4.0, "throughput": 250.0}]);
    assert!(refusal(rows.to_string().as_bytes()).contains("is 2.50 tokens, which is no count"));
    let two = json!({"gpu": rows, "cpu": rows});
    assert!(refusal(two.to_string().as_bytes()).contains("it has 2 lists of rows"));
}

#[test]
fn a_file_that_could_be_of_two_tools_or_of_none_is_asked_about() {
    let both = json!({"perfdata": {}, "rows": [{"latency_s": 1, "tpot_ms": 5, "throughput": 200}]});
    let error = read(both.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "it could be any of `llm-bench-json`, `published-results`");
    assert_eq!(error.hint_text(), Some("say which with `--as FORMAT`"));
    let said =
        read_imported(both.to_string().as_bytes(), "file", Some(ImportedFormat::PublishedResults), UTC);
    assert_eq!(said.unwrap().unwrap().rows[0].new_tokens, Some(200));
    assert!(refusal(b"{\"some\": \"json\"}").contains("neither a record nor a file of a tool"));
    assert_eq!(read(b"no JSON, no CSV of a tool").unwrap(), None);
    for format in ImportedFormat::VARIANTS.iter().copied() {
        assert!(read_imported(b"[1]", "file", Some(format), UTC).is_err(), "{format:?}");
        assert_eq!(ImportedFormat::named(format.name()), Some(format));
        assert_eq!(serde_json::to_value(format).unwrap(), format.name());
    }
}

#[test]
fn bytes_that_were_made_to_harm_are_refused_and_never_a_panic() {
    for path in fixtures() {
        let whole = std::fs::read(&path).unwrap();
        for length in (0..whole.len()).step_by(50) {
            let _ = read(&whole[..length]);
        }
        for format in ImportedFormat::VARIANTS.iter().copied() {
            let _ = read_imported(&whole[..whole.len() / 2], "file", Some(format), UTC);
            let _ = read_imported(&whole, "file", Some(format), UTC);
        }
    }
    let deep = "[".repeat(100_000);
    assert!(refusal(deep.as_bytes()).contains("recursion limit"));
    for number in ["1e400", "NaN", "-Infinity"] {
        let text = String::from_utf8(fixture("llm_bench/optimum.json")).unwrap();
        let text =
            text.replacen("\"generation_time\": ", &format!("\"generation_time\": {number}, \"x\": "), 1);
        assert!(refusal(text.as_bytes()).contains("cannot be read as JSON"), "{number}");
    }
    assert!(refusal(b"[\xff\xfe]").contains("cannot be read as JSON"));
    let large = vec![b' '; usize::try_from(LARGEST_IMPORTED_BYTES).unwrap() + 1];
    assert!(refusal(&large).contains("it has more than 16777216 bytes"));
    // The largest and the smallest that JSON has: no value of a row becomes infinite.
    let tiny = with("llama-bench/tiny-llama.json", "/0/samples_ns", json!([1e-300, 1e-300, 1e-300]));
    assert!(read(&tiny).is_err());
    let rows = json!([{"latency_s": 1e308, "tpot_ms": 1e-308, "throughput": 1e308}]);
    assert!(read(rows.to_string().as_bytes()).is_err());
}

#[test]
fn a_text_with_a_byte_order_mark_is_the_same_text() {
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    bytes.extend(fixture("llm_bench/optimum.csv"));
    assert_eq!(read(&bytes).unwrap().unwrap().rows, taken("llm_bench/optimum.csv").rows);
}

#[test]
fn a_file_is_kept_once_where_no_index_looks_and_is_no_record_of_ours() {
    let scene = tempfile::tempdir().unwrap();
    let history = History::at(scene.path().to_owned());
    let record = taken("llm_bench/genai.json");
    let Taken::Added(path) = history.take_imported(&record).unwrap() else { panic!("it is new") };
    assert_eq!(path, scene.path().join(format!("foreign/llm-bench-json-{}.json", record.id())));
    // On another day it is the same file.
    let later = ImportedRecord { imported_utc: "2027-01-01T00:00:00Z".into(), ..record.clone() };
    assert_eq!(history.take_imported(&later).unwrap(), Taken::There(path.clone()));
    assert_eq!(History::read_imported(&path).unwrap().record, record);
    assert_eq!(history.imported_found().files, [path.as_path()]);
    assert!(history.files().is_empty() && history.index().entries.is_empty());
    assert!(history.index().damaged.is_empty() && history.latest().unwrap().is_none());
    assert_eq!(history.verify().0, 1);
    assert!(open::<Experiment>(&std::fs::read(&path).unwrap(), "it").is_err());
    std::fs::write(&path, "altered").unwrap();
    assert_eq!(history.verify().1.len(), 1);
}

#[test]
fn a_record_with_a_value_that_cannot_be_is_neither_written_nor_read() {
    let record = taken("llama-bench/tiny-llama.json");
    assert_eq!(open::<ImportedRecord>(&encode(&record).unwrap(), "it").unwrap(), record);
    let changed = |change: fn(&mut ImportedRecord)| {
        let mut changed = record.clone();
        change(&mut changed);
        changed.check().unwrap_err().to_string()
    };
    assert!(
        changed(|it| it.rows[0].metric_values[0].definition = "tpot@1".into())
            .contains("`tpot@1`, which is no")
    );
    assert!(
        changed(|it| it.rows[0].metric_values[0].unit = "ms".into()).contains("is in token/s, not in `ms`")
    );
    assert!(changed(|it| it.rows[0].metric_values[0].value = f64::NAN).contains("`NaN`"));
    assert!(changed(|it| it.rows.clear()).contains("no row that counts"));
    assert!(changed(|it| it.source.sha256 = "../up".into()).contains("`../up`, not a sha256"));
}
