//! The main job: a bare `bench`, with the defaults of the published benchmark.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use arcgauge::golden::GoldenResult;
use arcgauge::judge::environment::{Guard, GuardState, of_record};
use arcgauge::judge::{Roofline, roofline_of, summarise};
use arcgauge::measure::Role;
use arcgauge::measure::supervisor::Purpose;
use arcgauge::record::{Experiment, History, Outcome, ProofGrade};
use serde_json::Value;

use crate::checkout::{Checkout, read_json};
use crate::ended::Ended;
use crate::this_machine::has_a_gpu;

/// One run of `bench --output results.json` in a clean checkout, looked at by many tests.
struct MainJob {
    ended: Ended,
    results: Value,
    record: Experiment,
    /// The record's bytes.
    bytes: Vec<u8>,
    /// The record's file, below the store.
    file: PathBuf,
    sha: String,
    /// What git says of the checkout afterwards.
    status: String,
}

static MAIN_JOB: LazyLock<MainJob> = LazyLock::new(|| {
    let checkout = Checkout::new();
    let sha = checkout.commit();
    let elsewhere = tempfile::tempdir().unwrap();
    let output = elsewhere.path().join("results.json");
    let ended = checkout.run(["bench", "--output", output.to_str().unwrap()]);
    let files = checkout.record_files();
    assert_eq!(files.len(), 1, "{ended}");
    MainJob {
        results: read_json(&output),
        record: History::read(&files[0]).unwrap().record,
        bytes: fs::read(&files[0]).unwrap(),
        file: files[0].strip_prefix(checkout.path("reports/history")).unwrap().to_owned(),
        sha,
        status: checkout.git(&["status", "--porcelain"]),
        ended,
    }
});

#[test]
fn a_bare_bench_ends_well_and_every_token_is_the_golden_one() {
    let job = &*MAIN_JOB;
    job.ended.exits(0);
    assert_eq!(job.record.outcome, Outcome::Complete);
    let words: Vec<_> =
        job.record.arms[0].prompts.iter().map(|prompt| (prompt.id.as_str(), prompt.golden)).collect();
    let matches = ["moe-vs-dense", "fibonacci", "openvino-advantages"].map(|id| (id, GoldenResult::Match));
    assert_eq!(words, matches);
}

#[test]
fn the_table_has_the_published_form_with_everything_beside_it() {
    let columns = r"(?m)^((?:MoE|Fibonacci|OpenVINO|average)(?: [A-Za-z]+)*)(?: +\d+\.\d+){3}(?:  |$)";
    insta::with_settings!({ filters => [
        // On a machine with other load.
        (r"\AINVALID: .*\n\n", ""),
        (r"on [CG]PU \(.*\), OpenVINO [\d.]+", "on [device], OpenVINO [version]"),
        (r", f\d+ with a f\d+ KV", ", [precision] with a [precision] KV"),
        (r"commit [0-9a-f]{12}\n", "commit [sha]\n"),
        (columns, "$1 [3 values] "),
        (r"\d+\.\d MiB", "[size]"),
        (r"not judged, .*", "not judged, [why]"),
        (r"(?m)^warning: .*\n.*\n", ""),
        // Columns are as wide as their values.
        (r" {2,}", "  "),
        (r"(?m) +$", ""),
    ] }, { insta::assert_snapshot!(MAIN_JOB.ended.stdout, @r"
    tiny-gpt-oss on [device], OpenVINO [version], [precision] with a [precision] KV cache
    3 fresh processes, 200 greedy tokens a prompt, commit [sha]

    prompt  tok/s  TPOT ms  TTFT ms  output
    MoE vs Dense transformer [3 values] match
    Fibonacci memoization [3 values] match
    OpenVINO advantages [3 values] match
    average [3 values]
    peak memory [size]; KV cache [size]; published 21.24 tok/s: not judged, [why]
    "); });
}

/// Warnings and advice, each with its second line.
fn about_the_machine(line: &str) -> bool {
    ["warning: ", "before measuring: ", " "].iter().any(|begins| line.starts_with(begins))
}

#[test]
fn where_there_is_no_terminal_there_is_no_progress_bar() {
    let stderr = &MAIN_JOB.ended.stderr;
    assert!(!stderr.contains(['\r', '\u{1b}']), "{stderr:?}");
    let lines: Vec<&str> = stderr.lines().filter(|line| !about_the_machine(line)).collect();
    let [measuring, first, second, third, results, record, page, next] = lines[..] else {
        panic!("{stderr}")
    };
    assert_eq!(measuring, "measuring: 3 processes x (1 warm-up + 3 prompts) of 200 tokens");
    assert!(first.starts_with("process 1/3: ") && first.ends_with(" s left"), "{first}");
    assert!(second.starts_with("process 2/3: ") && second.ends_with(" s left"), "{second}");
    assert!(third.starts_with("process 3/3: ") && third.ends_with(" s"), "{third}");
    assert!(results.starts_with("results: ") && results.ends_with("/results.json"), "{results}");
    assert!(record.starts_with("record: ") && record.ends_with(MAIN_JOB.file.to_str().unwrap()), "{record}");
    let file = format!("/reports/site/commit/{}.html", &MAIN_JOB.sha[..12]);
    assert!(page.starts_with("page: ") && page.ends_with(&file), "{page}");
    assert!(next.starts_with("next: ") && next.contains("cargo xtask bench"), "{next}");
}

#[test]
fn the_record_stands_below_its_machine_and_its_commit() {
    let MainJob { record, file, sha, .. } = &*MAIN_JOB;
    let folders: Vec<_> = file.parent().unwrap().iter().map(|part| part.to_str().unwrap()).collect();
    assert_eq!(folders, [record.machine.slug.as_str(), sha.as_str()]);
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(name.ends_with(&format!("-{}.json", record.run_id)), "{name}");
    let commit = record.arms[0].commit.as_ref().unwrap();
    assert_eq!((&commit.sha, commit.subject.as_str(), commit.dirty), (sha, "A first commit", false));
}

#[test]
fn the_record_alone_tells_again_byte_for_byte_what_bench_printed() {
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("a-record.json");
    fs::write(&file, &MAIN_JOB.bytes).unwrap();
    // No repository, no fixtures, no store.
    let mut command = Command::new(env!("CARGO_BIN_EXE_arcgauge"));
    let shown = command.args(["history", "show", "a-record.json"]).current_dir(elsewhere.path()).output();
    let shown = Ended::of(shown.unwrap());
    assert_eq!(shown.exits(0).stdout, MAIN_JOB.ended.stdout);
    let warnings: Vec<&str> = shown.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert!(!warnings.is_empty(), "{shown}");
    for warning in warnings {
        assert_eq!(MAIN_JOB.ended.stderr.matches(warning).count(), 1, "{warning}: {}", MAIN_JOB.ended);
    }
}

#[test]
fn each_process_is_fresh_has_its_own_order_and_tells_its_memory_by_phase() {
    let processes = &MAIN_JOB.record.arms[0].processes;
    let firsts: Vec<&str> = processes.iter().map(|process| process.prompt_order[0].as_str()).collect();
    assert_eq!(firsts, ["moe-vs-dense", "fibonacci", "openvino-advantages"]);
    for process in processes {
        assert_eq!((process.exit_reason.as_str(), process.purpose), ("done", Purpose::Measured));
        assert!(process.load.as_ref().unwrap().load_ns > 0);
        let memory = &process.memory;
        for phase in [&memory.load, &memory.prefill, &memory.decode] {
            let peak = phase.peak_rss_bytes.unwrap();
            let end = phase.rss_anonymous_bytes.unwrap() + phase.rss_file_bytes.unwrap();
            assert!(peak > 8_000_000 && end > 8_000_000, "the weights alone are as much");
        }
        let cache = process.kv_cache.as_ref().unwrap();
        // Keys and values of 24 layers, 8 heads, 64 wide; the last token was never fed.
        assert_eq!(cache.elements, 48 * 8 * 64 * cache.tokens);
        let prompt =
            MAIN_JOB.record.arms[0].workload.prompts.iter().find(|p| p.id == process.prompt_order[0]);
        assert_eq!(cache.tokens, prompt.unwrap().token_ids.len() as u64 + 199);
        assert_eq!((cache.precision.as_str(), cache.bytes), ("f32", Some(cache.elements * 4)));
    }
}

#[test]
fn the_record_says_what_ran_and_what_of_the_machine_was_not_seen() {
    if has_a_gpu() {
        return;
    }
    let record = &MAIN_JOB.record;
    let ran = record.arms[0].device.ran.as_ref().unwrap();
    assert_eq!((ran.kind().name(), ran.grade()), ("CPU", ProofGrade::PropertyAndCounters));
    assert!(record.arms[0].model.manifest_verified && record.arms[0].model.same_after_run);
    for process in of_record(&record.arms[0]) {
        // Of these a machine always reports something, if only that it cannot be observed.
        let guards: Vec<Guard> = process.findings.iter().map(|finding| finding.guard).collect();
        for guard in [Guard::CpuPolicy, Guard::AcPower, Guard::SwapIn, Guard::Suspend] {
            assert!(guards.contains(&guard), "{guards:?}");
        }
        let seen = process.findings.iter().filter(|finding| finding.state != GuardState::NotObserved);
        assert!(seen.count() < guards.len() || record.machine.firmware.is_some(), "{:?}", process.findings);
    }
    let roofline = roofline_of(record.subject(), &summarise(&record.arms[0]));
    let held = record.machine.last_level_cache_bytes.is_some_and(|cache| cache > 9 << 20);
    if held {
        let reason = "the weights fit in the last-level cache";
        assert_eq!(roofline, Roofline::NotMeaningful { reason });
    }
    assert!(record.bandwidth_after.is_some());
    let drift = record.arms[0].logit_drift.as_ref().unwrap();
    assert!(!drift.limit.as_ref().unwrap().is_exceeded_by(&drift.drift), "{drift:?}");
}

#[test]
fn measuring_does_not_make_the_tree_dirty() {
    assert_eq!(MAIN_JOB.status, "");
}

#[test]
fn every_generation_has_exactly_200_tokens_with_a_time_each() {
    let samples = &MAIN_JOB.record.arms[0].samples;
    assert_eq!(samples.iter().filter(|sample| sample.role == Role::WarmUp).count(), 3);
    assert_eq!(samples.len(), 12);
    for sample in samples {
        let times = sample.times.as_ref().unwrap();
        assert_eq!([sample.token_ids.len(), times.token_ns.len(), times.infer_ns.len()], [200; 3]);
        let all: Vec<u64> = [&[times.submitted_ns][..], &times.token_ns[..]].concat();
        assert!(all.is_sorted_by(|earlier, later| earlier < later), "time goes on");
        let steps = all.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(steps.zip(&times.infer_ns).all(|(step, infer)| *infer <= step), "a step has its inference");
        assert!(sample.peak_rss_bytes.unwrap() > 8_000_000, "the weights alone are as much");
    }
    assert!(MAIN_JOB.record.arms[0].state_seen_empty);
}

#[test]
fn the_results_have_the_documented_fields() {
    let results = &MAIN_JOB.results;
    assert_eq!(results["schema"], "arcgauge-results@1");
    assert_eq!(
        results["runtime"]["openvino_version"],
        MAIN_JOB.record.arms[0].runtime.as_ref().unwrap().openvino_version
    );
    assert_eq!(results["model"]["name"], "tiny-gpt-oss");
    assert_eq!(results["model"]["sha256"], MAIN_JOB.record.arms[0].model.sha256);
    let metric_values = ["latency_s", "ttft_ms", "tpot_ms", "throughput_tok_s", "host_overhead_us"];
    let has_values =
        |value: &Value| metric_values.iter().all(|name| value[name].as_f64().is_some_and(|f| f > 0.0));
    assert!(has_values(&results["average"]), "{results:#}");
    let prompts = results["prompts"].as_array().unwrap();
    let titles: Vec<_> = prompts.iter().map(|prompt| prompt["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["MoE vs Dense transformer", "Fibonacci memoization", "OpenVINO advantages"]);
    for prompt in prompts {
        assert!(prompt["id"].is_string() && has_values(prompt), "{prompt:#}");
        assert_eq!(prompt["golden"], "match");
        let runs = prompt["runs"].as_array().unwrap();
        assert!(runs.len() == 3 && runs.iter().all(has_values), "{prompt:#}");
    }
    let said = results["definitions"]["tpot_ms"].as_str();
    assert_eq!(said, Some("e2e_per_token@1"), "what includes the prefill says so");
}

#[test]
fn every_result_can_be_computed_again_from_the_record() {
    let MainJob { record, results, .. } = &*MAIN_JOB;
    let mut seconds = 0.0;
    for prompt in results["prompts"].as_array().unwrap() {
        let id = prompt["id"].as_str().unwrap();
        let measured =
            record.arms[0].samples.iter().filter(|s| s.role == Role::Measured && s.prompt_id == id);
        for (run, sample) in prompt["runs"].as_array().unwrap().iter().zip(measured) {
            let times = sample.times.as_ref().unwrap();
            let latency_s = (times.token_ns[199] - times.submitted_ns) as f64 / 1e9;
            seconds += latency_s;
            near(&run["latency_s"], latency_s);
            near(&run["tpot_ms"], latency_s * 1e3 / 200.0);
            near(&run["throughput_tok_s"], 200.0 / latency_s);
            near(&run["ttft_ms"], (times.token_ns[0] - times.submitted_ns) as f64 / 1e6);
        }
    }
    near(&results["average"]["throughput_tok_s"], 9.0 * 200.0 / seconds);
}

#[track_caller]
fn near(metric_value: &Value, by_hand: f64) {
    let metric_value = metric_value.as_f64().unwrap();
    assert!((metric_value / by_hand - 1.0).abs() < 1e-12, "{metric_value} is not {by_hand}");
}

#[test]
fn asked_for_the_gpu_where_there_is_none_the_cpu_runs_and_everything_says_so() {
    if has_a_gpu() {
        return;
    }
    let MainJob { ended, results, record, .. } = &*MAIN_JOB;
    let device = &results["device"];
    assert_eq!((&device["requested"], &device["actual"]), (&"GPU".into(), &"CPU".into()));
    assert!(device["reason"].as_str().unwrap().contains("no GPU"), "{device}");
    assert_eq!((record.arms[0].device.requested.as_str(), record.arms[0].device.actual()), ("GPU", "CPU"));
    assert_eq!(record.arms[0].device.ran.as_ref().unwrap().execution_devices(), "CPU");
    assert_eq!(beside_the_machine(record), ["device-fallback"]);
    let warning = "warning: `GPU` was requested and CPU runs";
    ended.says(warning);
    assert!(!ended.stdout.contains("warning:"), "{ended}");
}

/// What is warned of, but for the state of the machine that happens to run the tests.
fn beside_the_machine(record: &Experiment) -> Vec<&str> {
    let of_the_machine = |id: &str| {
        id.starts_with("guard-")
            || id.starts_with("preflight-")
            || ["bandwidth-changed", "ramp"].contains(&id)
    };
    let ids = record.arms[0].warnings.iter().map(|warning| warning.id.as_str());
    ids.filter(|id| !of_the_machine(id)).collect()
}

#[test]
fn asked_for_the_cpu_nothing_is_warned_of() {
    let checkout = Checkout::new();
    let ended = checkout.bench(&["--prompt", "fibonacci"]);
    ended.exits(0).prints("tiny-gpt-oss on CPU (").prints("commit no commit");
    let record = checkout.only_record();
    assert_eq!(beside_the_machine(&record), [""; 0]);
    assert_eq!(
        (record.arms[0].device.requested.as_str(), record.arms[0].device.reason.as_deref()),
        ("CPU", None)
    );
}
