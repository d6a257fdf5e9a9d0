//! Files as they come from other systems and with other flags: encodings, averages that cannot be, and the
//! other outputs of llama-bench.

use super::*;
use crate::record::Personal;

/// A file of each kind that is read.
fn one_of_each() -> Vec<String> {
    let names = [
        "llama-bench/tiny-llama.json",
        "llm_bench/genai.json",
        "llm_bench/genai.csv",
        "published/results_optimum.json",
    ];
    let tests = llama_tests("llama-bench/tiny-llama.json");
    let lines: Vec<String> = tests.iter().map(Value::to_string).collect();
    let of_llama_bench = [lines.join("\n") + "\n", llama_csv(&tests)];
    names.map(|name| String::from_utf8(fixture(name)).unwrap()).into_iter().chain(of_llama_bench).collect()
}

/// The CSV that llama-bench would write of its tests.
fn llama_csv(tests: &[Value]) -> String {
    let columns = [
        "build_commit",
        "build_number",
        "model_filename",
        "model_type",
        "n_threads",
        "n_prompt",
        "n_gen",
        "avg_ns",
        "avg_ts",
    ];
    let cell =
        |value: &Value| format!("\"{}\"", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let row = |test: &Value| columns.map(|column| cell(&test[column])).join(",");
    let csv: Vec<String> = std::iter::once(columns.join(",")).chain(tests.iter().map(row)).collect();
    csv.join("\n")
}

#[test]
fn a_text_is_read_in_every_encoding_that_says_which_it_is() {
    for unix in one_of_each() {
        let expected = read(unix.as_bytes()).unwrap().unwrap();
        let text = unix.replace('\n', "\r\n");
        let units = || "\u{feff}".encode_utf16().chain(text.encode_utf16());
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        let marked = "\u{feff}".to_owned() + &text;
        for bytes in [text.as_bytes(), marked.as_bytes(), &little, &big] {
            let read = read(bytes).unwrap().unwrap();
            assert_eq!((read.format, &read.rows), (expected.format, &expected.rows));
            assert_eq!(read.reported_by_tool, expected.reported_by_tool);
        }
        let unmarked: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(refusal(&unmarked).contains("UTF-16 without a byte order mark"));
    }
    assert!(
        refusal(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n").contains("git-lfs")
    );
}

#[test]
fn a_path_of_windows_that_stands_for_a_model_names_no_user() {
    let file = r"C:\Users\carol d'arc\models\gpt-oss-20b";
    let mut tests = llama_tests("llama-bench/tiny-llama.json");
    for test in &mut tests {
        test["model_filename"] = json!(file);
    }
    let csv = String::from_utf8(fixture("llm_bench/genai.csv")).unwrap();
    let results: Value = serde_json::from_slice(&fixture("published/results_optimum.json")).unwrap();
    let (whole, name) = (r"C:\Users\<user>\models\gpt-oss-20b", "llama ?B F16 (gpt-oss-20b)");
    for (text, model) in [
        (String::from_utf8(with("llm_bench/genai.json", "/metadata/model", json!(file))).unwrap(), whole),
        (csv.replace(",gpt,", &format!(",{file},")), whole),
        (json!({ "model": file, "results": results }).to_string(), whole),
        (json!(tests).to_string(), name),
        (llama_csv(&tests), name),
    ] {
        let record = Personal::default().taken_from_record(read(text.as_bytes()).unwrap().unwrap());
        assert_eq!(record.reported_by_tool.model.as_deref(), Some(model));
        assert!(!serde_json::to_string(&record).unwrap().contains("carol"), "{record:?}");
    }
}

#[test]
fn an_average_that_cannot_be_is_a_warning_and_the_rows_are_read() {
    for (pointer, value, expected) in [
        ("/perfdata/results_averaged/latency", json!(-0.45), "results_averaged.latency` is `-0.45`"),
        ("/perfdata/results_averaged/latency", json!("slow"), "is `slow`: not a number"),
        ("/perfdata/results_averaged", json!([]), "its averages are left out"),
    ] {
        let record = read(&with("llm_bench/genai.json", pointer, value)).unwrap().unwrap();
        assert_eq!(record.rows, taken("llm_bench/genai.json").rows);
        assert!(record.warnings.concat().contains(expected), "{:?}", record.warnings);
    }
    let text = String::from_utf8(fixture("llm_bench/genai.json")).unwrap();
    let (rows, averages) = text.split_once("\"results_averaged\"").unwrap();
    for word in ["NaN", "-Infinity"] {
        let averages = averages.replacen("\"latency\": ", &format!("\"latency\": {word}, \"x\": "), 1);
        let record = read(format!("{rows}\"results_averaged\"{averages}").as_bytes()).unwrap().unwrap();
        assert!(record.warnings.concat().contains(word), "{:?}", record.warnings);
    }
    let text = String::from_utf8(fixture("llm_bench/genai.csv")).unwrap();
    let average = text.lines().position(|line| line.starts_with("avg,")).unwrap();
    let latency = text.lines().next().unwrap().split(',').position(|name| name == "latency(ms)").unwrap();
    for wrong in ["-3.5", "nan", "slow"] {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut cells: Vec<&str> = lines[average].split(',').collect();
        cells[latency] = wrong;
        lines[average] = cells.join(",");
        let record = read(lines.join("\n").as_bytes()).unwrap().unwrap();
        assert_eq!(record.rows, taken("llm_bench/genai.csv").rows);
        assert!(record.warnings.concat().contains("latency"), "{wrong}: {:?}", record.warnings);
    }
}

fn llama_tests(name: &str) -> Vec<Value> {
    serde_json::from_slice(&fixture(name)).unwrap()
}

#[test]
fn a_test_a_line_and_a_single_test_are_read_like_a_list() {
    let name = "llama-bench/tiny-llama.json";
    let tests = llama_tests(name);
    let lines: Vec<String> = tests.iter().map(Value::to_string).collect();
    assert_eq!(read((lines.join("\n") + "\n").as_bytes()).unwrap().unwrap().rows, taken(name).rows);
    let first = read(lines[0].as_bytes()).unwrap().unwrap();
    let label = &first.rows[0].prompt;
    let expected: Vec<_> = taken(name).rows.into_iter().filter(|row| row.prompt == *label).collect();
    assert_eq!(first.rows, expected);
}

#[test]
fn the_csv_of_llama_bench_has_a_row_a_test_with_the_mean_of_its_rates() {
    let tests = llama_tests("llama-bench/tiny-llama.json");
    let csv = llama_csv(&tests);
    let record = read(csv.as_bytes()).unwrap().unwrap();
    assert_eq!(record.rows.len(), tests.len());
    let rates: Vec<f64> = record.rows.iter().map(|row| row.metric_values[0].value).collect();
    let expected: Vec<f64> = tests.iter().map(|test| test["avg_ts"].as_f64().unwrap()).collect();
    assert_eq!(rates, expected);
    assert_eq!(
        record.reported_by_tool.tool_version,
        taken("llama-bench/tiny-llama.json").reported_by_tool.tool_version
    );
    let wrong = csv.replacen(&format!("\"{}\"", tests[0]["n_prompt"]), "\"many\"", 1);
    assert!(refusal(wrong.as_bytes()).contains("is `many`, which is no number"));
}

#[test]
fn other_outputs_of_llama_bench_are_refused_with_the_flag_that_writes_what_is_read() {
    let json = String::from_utf8(fixture("llama-bench/tiny-llama.json")).unwrap();
    for (text, named) in [
        ("| model | size | params | backend | test | t/s |\n| --- | --- |\n".to_owned(), "Markdown"),
        (format!("ggml_vulkan: found 1 device\n{}", "| model | test | t/s |\n"), "Markdown"),
        ("CREATE TABLE IF NOT EXISTS llama_bench (\n  build_commit TEXT,\n".to_owned(), "SQL"),
        (format!("ggml_vulkan: found 1 device\n{json}"), "it begins with `ggml_vulkan: found 1 device`"),
        (format!("[2026] a log\n{json}"), "other text in it"),
        (format!("{json}done\n"), "other text in it"),
        ("a log\nbuild_commit,n_prompt,n_gen,avg_ns,avg_ts\n".to_owned(), "other text in it"),
    ] {
        let error = read(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
        assert!(error.hint_text().unwrap().contains("`-o json`"), "{error}");
    }
}
