//! The rules by which each reader reads.

use std::collections::BTreeSet;

use serde_json::Value;

use super::forged::{edited, entry, of, run};
use super::{json_of, text_of};
use crate::measure::{Direction, Metric};
use crate::report::exchange::{ExchangeFormat, otava_csv};

#[test]
fn bencher_gets_numbers_alone_and_bounds_around_them() {
    let reported = json_of(ExchangeFormat::MetricFormat, &[of(run())]);
    let benchmarks = reported.as_object().unwrap();
    assert_eq!(benchmarks.keys().collect::<Vec<_>>().len(), 2);
    for (benchmark, measures) in benchmarks {
        assert!(benchmark.starts_with("gpt-oss-20b-int4/arc-140v/"), "{benchmark}");
        for (measure, metric) in measures.as_object().unwrap() {
            assert!(
                measure.len() <= 64 && measure.bytes().all(|it| it == b'-' || it.is_ascii_alphanumeric())
            );
            let known = ["value", "lower_value", "upper_value"];
            let values = metric.as_object().unwrap();
            assert!(
                values.iter().all(|(key, value)| known.contains(&key.as_str()) && value.is_f64()),
                "{values:?}"
            );
            let value = metric["value"].as_f64().unwrap();
            if let (Some(lower), Some(upper)) =
                (metric["lower_value"].as_f64(), metric["upper_value"].as_f64())
            {
                assert!(lower <= value && value <= upper, "{benchmark} {measure}: {metric}");
            }
        }
    }
    let one_process = edited(|run| {
        run.arms[0].processes.truncate(1);
        run.arms[0].samples.retain(|sample| sample.process == 0);
    });
    let reported = json_of(ExchangeFormat::MetricFormat, &[one_process]);
    assert_eq!(
        reported["gpt-oss-20b-int4/arc-140v/fibonacci"]["tpot-1"],
        serde_json::json!({ "value": 47.0 })
    );
}

#[test]
fn the_action_gets_the_fields_that_it_reads_and_one_direction() {
    for direction in [Direction::Lower, Direction::Higher] {
        let reported = json_of(ExchangeFormat::BenchmarkAction(direction), &[of(run())]);
        let entries = reported.as_array().unwrap();
        let mut names = BTreeSet::new();
        for entry in entries {
            let known = ["name", "unit", "value", "range", "extra"];
            assert!(entry.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{entry}");
            assert!(entry["value"].is_f64() && entry["unit"].is_string(), "{entry}");
            let name = entry["name"].as_str().unwrap();
            assert!(names.insert(name), "{name} is there twice");
            let id = name.rsplit(' ').next().unwrap();
            let metric = Metric::ALL.iter().copied().find(|metric| metric.id() == id).unwrap();
            assert_eq!((metric.direction(), metric.unit()), (direction, entry["unit"].as_str().unwrap()));
            assert!(entry["extra"].as_str().unwrap().starts_with(id), "{entry}");
        }
    }
}

/// What `scripts/compare-llama-bench.py` asks of a row, of either age.
const JOINED: [&str; 32] = [
    "build_commit",
    "test_time",
    "avg_ts",
    "cpu_info",
    "gpu_info",
    "backends",
    "n_gpu_layers",
    "n_cpu_moe",
    "tensor_buft_overrides",
    "model_filename",
    "model_type",
    "n_batch",
    "n_ubatch",
    "embeddings",
    "cpu_mask",
    "cpu_strict",
    "poll",
    "n_threads",
    "type_k",
    "type_v",
    "load_mode",
    "use_mmap",
    "no_kv_offload",
    "split_mode",
    "main_gpu",
    "tensor_split",
    "flash_attn",
    "n_prompt",
    "n_gen",
    "n_depth",
    "fit_target",
    "fit_min_ctx",
];

#[test]
fn llama_bench_rows_have_what_its_script_joins_on_and_none_of_it_is_null() {
    let rows = json_of(ExchangeFormat::LlamaBench, &[of(run())]);
    for row in rows.as_array().unwrap() {
        for key in JOINED {
            assert!(!row[key].is_null() && !row[key].is_array(), "{key} in {row}");
        }
        let tokens = row["n_prompt"].as_f64().unwrap() + row["n_gen"].as_f64().unwrap();
        let numbers = |key: &str| -> Vec<f64> {
            row[key].as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).collect()
        };
        let (ns, ts) = (numbers("samples_ns"), numbers("samples_ts"));
        assert_eq!(ns.len(), 2, "a sample a process");
        assert!(ns.iter().zip(&ts).all(|(ns, ts)| (1e9 * tokens / ns - ts).abs() < 1e-9), "{row}");
    }
}

#[test]
fn what_llama_bench_calls_tg_is_the_time_between_tokens() {
    let rows = json_of(ExchangeFormat::LlamaBench, &[of(run())]);
    let decode = &rows[1];
    assert_eq!([&decode["n_prompt"], &decode["n_gen"], &decode["n_depth"]], [0, 2, 2]);
    assert_eq!(decode["samples_ns"], serde_json::json!([94_000_000, 92_000_000]));
    assert_eq!([&decode["avg_ns"], &decode["stddev_ns"]], [93_000_000, 1_414_214]);
    assert_eq!(decode["arcgauge_definition"], "tpot@1");
    assert!(decode["arcgauge_note"].as_str().unwrap().contains("argmax is included"), "{decode}");
}

/// A line of Go's benchmark text.
struct Measurement {
    name: String,
    iterations: u64,
    /// As in "47 ns/op".
    values: Vec<String>,
}

/// A reader of that text, by the rules of its proposal: what it does not know it leaves out.
fn measurements(text: &str) -> Vec<Measurement> {
    let lines = text.lines().filter(|line| line.starts_with("Benchmark"));
    let read = lines.map(|line| {
        let mut fields = line.split_whitespace();
        let name = fields.next().unwrap().to_owned();
        assert!(name["Benchmark".len()..].starts_with(char::is_uppercase), "{line}");
        let iterations = fields.next().unwrap().parse().unwrap();
        let rest: Vec<&str> = fields.collect();
        assert!(rest.len().is_multiple_of(2) && rest.iter().step_by(2).all(|it| it.parse::<f64>().is_ok()));
        Measurement { name, iterations, values: rest.chunks(2).map(|pair| pair.join(" ")).collect() }
    });
    read.collect()
}

#[test]
fn every_line_for_benchstat_is_a_benchmark_a_unit_a_key_or_a_comment() {
    let text = text_of(ExchangeFormat::Benchstat, &[of(run())]);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let is_key = line.split_once(": ").is_some_and(|(key, value)| {
            key.starts_with(char::is_lowercase)
                && !value.is_empty()
                && !key
                    .contains(|letter: char| letter.is_whitespace() || letter.is_uppercase() || letter == ':')
        });
        let is_unit = line.strip_prefix("Unit ").is_some_and(|unit| unit.split(' ').count() == 2);
        assert!(is_key || is_unit || line.starts_with("BenchmarkDecode/prompt="), "{line}");
    }
    let measured = measurements(&text);
    assert_eq!(measured.len(), 4, "a line a generation");
    let first = &measured[0];
    assert_eq!((first.name.as_str(), first.iterations), ("BenchmarkDecode/prompt=fibonacci", 2));
    assert_eq!(first.values[0], "47000000 ns/op");
    assert!(first.values.contains(&"200 ttft@1(ms)".to_owned()), "{:?}", first.values);
    let takes_threads = |name: &str| name.ends_with("-1");
    assert!(!measured.iter().any(|it| takes_threads(&it.name)), "that would be a number of threads");
}

#[test]
fn two_runs_in_two_files_have_one_configuration_and_so_one_table() {
    let keys = |text: &str| -> Vec<String> {
        let keys = text.lines().filter(|line| line.starts_with(char::is_lowercase));
        keys.map(str::to_owned).collect()
    };
    let later = edited(|run| run.arms[0].commit.as_mut().unwrap().sha = "6".repeat(40));
    let (one, other) =
        (text_of(ExchangeFormat::Benchstat, &[of(run())]), text_of(ExchangeFormat::Benchstat, &[later]));
    assert_eq!(keys(&one), keys(&other));
    assert!(one != other);
}

#[test]
fn otava_gets_times_that_only_grow() {
    let of_commit = |date: &str| {
        let mut run = run();
        date.clone_into(&mut run.arms[0].commit.as_mut().unwrap().author_date_utc);
        entry(run)
    };
    let dates = [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z",
        "2025-12-31T00:00:00Z",
        "no date",
        "2026-01-02T00:00:00Z",
    ];
    let entries = dates.map(of_commit);
    let series = otava_csv(&entries.iter().collect::<Vec<_>>()).unwrap();
    let times: Vec<&str> = series.csv.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(
        times,
        ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z", "2026-01-02T00:00:00Z"]
    );
    assert_eq!(series.since_utc, "2026-01-01T00:00:00Z");
    assert!(series.warnings[0].contains("its commit's date is `no date`"), "{:?}", series.warnings);
    assert!(series.warnings[1].starts_with("2 of the times"), "{:?}", series.warnings);
    assert!(otava_csv(&[]).is_err());
}

#[test]
fn a_series_goes_to_otava_with_every_digit() {
    let fixture = include_str!("../../../../fixtures/change-points/step.json");
    let fixture: Value = serde_json::from_str(fixture).unwrap();
    let values: Vec<f64> =
        fixture["series"].as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).collect();
    let entries: Vec<_> = values
        .iter()
        .map(|tpot_ms| {
            let mut entry = entry(run());
            entry.figures.as_mut().unwrap().tpot_ms = *tpot_ms;
            entry
        })
        .collect();
    let series = otava_csv(&entries.iter().collect::<Vec<_>>()).unwrap();
    let reported = series.csv.lines().skip(1).map(|line| line.split(',').nth(3).unwrap().parse().unwrap());
    assert_eq!(reported.collect::<Vec<f64>>(), values);
}
