//! Every format, whole, of one small record.

use super::forged::{ab, entry, run};
use crate::measure::Direction;
use crate::report::exchange::{ExchangeFormat, exchange, otava_config, otava_csv};

fn text(format: ExchangeFormat) -> String {
    exchange(format, &[run()]).unwrap().text
}

fn text_of_ab(format: ExchangeFormat) -> String {
    exchange(format, &[ab()]).unwrap().text
}

#[test]
fn a_table_of_samples_has_a_row_a_generation() {
    insta::assert_snapshot!(text(ExchangeFormat::SampleCsv), @r#"
    run_id,side,commit,dirty,when_utc,machine,model,device,openvino,process,prompt,prompt_tokens,ttft@1 (ms),tpot@1 (ms/token),e2e_latency@1 (s),e2e_per_token@1 (ms/token),e2e_throughput@1 (token/s),decode_throughput@1 (token/s),prefill_throughput@1 (token/s),host_overhead@1 (us/token),peak_rss@1 (bytes)
    0123456789ab,,5555555555555555555555555555555555555555,false,2026-11-23T09:01:57Z,a-machine,gpt-oss-20b-int4,Intel(R) Arc(TM) 140V GPU (16GB) (iGPU),2026.4.1,0,fibonacci,2,200,47,0.294,98,10.204081632653061,21.27659574468085,10,1000,167772160
    0123456789ab,,5555555555555555555555555555555555555555,false,2026-11-23T09:01:57Z,a-machine,gpt-oss-20b-int4,Intel(R) Arc(TM) 140V GPU (16GB) (iGPU),2026.4.1,1,fibonacci,2,200,46,0.292,97.33333333333333,10.273972602739727,21.73913043478261,10,1000,167772160
    0123456789ab,,5555555555555555555555555555555555555555,false,2026-11-23T09:01:57Z,a-machine,gpt-oss-20b-int4,Intel(R) Arc(TM) 140V GPU (16GB) (iGPU),2026.4.1,0,own-1,2,200,48,0.296,98.66666666666667,10.135135135135135,20.833333333333332,10,1000,167772160
    0123456789ab,,5555555555555555555555555555555555555555,false,2026-11-23T09:01:57Z,a-machine,gpt-oss-20b-int4,Intel(R) Arc(TM) 140V GPU (16GB) (iGPU),2026.4.1,1,own-1,2,200,50,0.3,100,10,20,10,1000,167772160
    "#);
}

#[test]
fn llama_bench_has_a_row_of_the_tokens_after_the_prompt() {
    let text = text(ExchangeFormat::LlamaBench);
    let second = text.split_inclusive("},\n").nth(1).unwrap();
    insta::assert_snapshot!(second, @r#"
    {
      "build_commit": "555555555555",
      "cpu_info": "A CPU",
      "gpu_info": "Intel(R) Arc(TM) 140V GPU (16GB) (iGPU)",
      "backends": "OpenVINO",
      "model_filename": "gpt-oss-20b-int4",
      "model_type": "gpt-oss-20b-int4",
      "model_size": 8280029,
      "n_threads": 2,
      "type_k": "f32",
      "type_v": "f32",
      "n_gpu_layers": -1,
      "n_cpu_moe": 0,
      "split_mode": "none",
      "main_gpu": 0,
      "no_kv_offload": false,
      "tensor_split": "0.00",
      "tensor_buft_overrides": "none",
      "embeddings": false,
      "n_batch": 0,
      "n_ubatch": 0,
      "cpu_mask": "",
      "cpu_strict": false,
      "poll": 0,
      "flash_attn": 0,
      "load_mode": "unknown",
      "use_mmap": false,
      "fit_target": 0,
      "fit_min_ctx": 0,
      "n_prompt": 0,
      "n_gen": 2,
      "n_depth": 2,
      "test_time": "2026-11-23T09:01:57Z",
      "avg_ns": 93000000,
      "stddev_ns": 1414214,
      "avg_ts": 21.507863089731728,
      "stddev_ts": 0.3270614159049718,
      "samples_ns": [
        94000000,
        92000000
      ],
      "samples_ts": [
        21.27659574468085,
        21.73913043478261
      ],
      "arcgauge_definition": "tpot@1",
      "arcgauge_note": "prefill is excluded as in llama-bench's tg; each token's argmax is included, which it leaves out",
      "arcgauge_prompt": "fibonacci",
      "arcgauge_run_id": "0123456789ab"
    },
    "#);
}

#[test]
fn the_action_has_an_entry_a_value() {
    insta::assert_snapshot!(text(ExchangeFormat::BenchmarkAction(Direction::Higher)), @r#"
    [
      {
        "name": "gpt-oss-20b-int4/arc-140v/fibonacci e2e_throughput@1",
        "unit": "token/s",
        "value": 10.238907849829353,
        "range": "9.804 to 10.69",
        "extra": "e2e_throughput@1 = N / (t_N - t_0): prefill included, as the published tok/s; range: 95 % t interval over 2 processes; run 0123456789ab of 2026-11-23T09:01:57Z; commit 5555555555555555555555555555555555555555; machine a-machine; OpenVINO 2026.4.1"
      },
      {
        "name": "gpt-oss-20b-int4/arc-140v/fibonacci decode_throughput@1",
        "unit": "token/s",
        "value": 21.50537634408602,
        "range": "18.76 to 24.66",
        "extra": "decode_throughput@1 = (N - 1) / (t_N - t_1): prefill excluded; range: 95 % t interval over 2 processes; run 0123456789ab of 2026-11-23T09:01:57Z; commit 5555555555555555555555555555555555555555; machine a-machine; OpenVINO 2026.4.1"
      },
      {
        "name": "gpt-oss-20b-int4/arc-140v/fibonacci prefill_throughput@1",
        "unit": "token/s",
        "value": 10.0,
        "range": "10.00 to 10.00",
        "extra": "prefill_throughput@1 = P / (t_1 - t_0): tokens of the prompt; range: 95 % t interval over 2 processes; run 0123456789ab of 2026-11-23T09:01:57Z; commit 5555555555555555555555555555555555555555; machine a-machine; OpenVINO 2026.4.1"
      },
      {
        "name": "gpt-oss-20b-int4/arc-140v/own-1 e2e_throughput@1",
        "unit": "token/s",
        "value": 10.067114093959733,
        "range": "9.245 to 10.96",
        "extra": "e2e_throughput@1 = N / (t_N - t_0): prefill included, as the published tok/s; range: 95 % t interval over 2 processes; run 0123456789ab of 2026-11-23T09:01:57Z; commit 5555555555555555555555555555555555555555; machine a-machine; OpenVINO 2026.4.1"
      },
      {
        "name": "gpt-oss-20b-int4/arc-140v/own-1 decode_throughput@1",
        "unit": "token/s",
        "value": 20.408163265306122,
        "range": "15.75 to 26.46",
        "extra": "decode_throughput@1 = (N - 1) / (t_N - t_1): prefill excluded; range: 95 % t interval over 2 processes; run 0123456789ab of 2026-11-23T09:01:57Z; commit 5555555555555555555555555555555555555555; machine a-machine; OpenVINO 2026.4.1"
      },
      {
        "name": "gpt-oss-20b-int4/arc-140v/own-1 prefill_throughput@1",
        "unit": "token/s",
        "value": 10.0,
        "range": "10.00 to 10.00",
        "extra": "prefill_throughput@1 = P / (t_1 - t_0): tokens of the prompt; range: 95 % t interval over 2 processes; run 0123456789ab of 2026-11-23T09:01:57Z; commit 5555555555555555555555555555555555555555; machine a-machine; OpenVINO 2026.4.1"
      }
    ]
    "#);
}

#[test]
fn bencher_has_a_measure_a_definition() {
    let text = text(ExchangeFormat::MetricFormat);
    let first = text.split_inclusive("  },\n  \"").next().unwrap();
    insta::assert_snapshot!(first, @r#"
    {
      "gpt-oss-20b-int4/arc-140v/fibonacci": {
        "decode-throughput-1": {
          "value": 21.50537634408602,
          "lower_value": 18.76123430640262,
          "upper_value": 24.656595996393353
        },
        "e2e-latency-1": {
          "value": 0.293,
          "lower_value": 0.28056536343642147,
          "upper_value": 0.3059857387544351
        },
        "e2e-per-token-1": {
          "value": 97.66666666666667,
          "lower_value": 93.52178781214046,
          "upper_value": 101.99524625147838
        },
        "e2e-throughput-1": {
          "value": 10.238907849829353,
          "lower_value": 9.80449271164458,
          "upper_value": 10.692820057116135
        },
        "host-overhead-1": {
          "value": 1000.0,
          "lower_value": 1000.0,
          "upper_value": 1000.0
        },
        "peak-rss-1": {
          "value": 167772160.0
        },
        "prefill-throughput-1": {
          "value": 10.0,
          "lower_value": 10.0,
          "upper_value": 10.0
        },
        "tpot-1": {
          "value": 46.5,
          "lower_value": 40.56178857044248,
          "upper_value": 53.307560544202424
        },
        "ttft-1": {
          "value": 200.0,
          "lower_value": 200.0,
          "upper_value": 200.0
        }
      },
      "
    "#);
}

#[test]
fn benchstat_has_a_line_a_generation() {
    insta::assert_snapshot!(text(ExchangeFormat::Benchstat), @r#"
    definition-of-ns/op: tpot@1 = (t_N - t_1) / (N - 1): prefill excluded
    definition-of-tok/s: decode_throughput@1 = (N - 1) / (t_N - t_1): prefill excluded
    Unit tok/s better=higher
    Unit ttft@1(ms) better=lower
    Unit e2e_latency@1(s) better=lower
    Unit e2e_per_token@1(ms/token) better=lower
    Unit e2e_throughput@1(token/s) better=higher
    Unit host_overhead@1(us/token) better=lower

    # run 0123456789ab of 2026-11-23T09:01:57Z
    machine: a-machine
    model: gpt-oss-20b-int4
    device: Intel(R) Arc(TM) 140V GPU (16GB) (iGPU)
    workload: 38f9b2dab66b
    new-tokens: 3
    # commit: 5555555555555555555555555555555555555555
    # openvino: 2026.4.1
    BenchmarkDecode/prompt=fibonacci	2	47000000 ns/op	21.27659574468085 tok/s	200 ttft@1(ms)	0.294 e2e_latency@1(s)	98 e2e_per_token@1(ms/token)	10.204081632653061 e2e_throughput@1(token/s)	1000 host_overhead@1(us/token)
    BenchmarkDecode/prompt=fibonacci	2	46000000 ns/op	21.73913043478261 tok/s	200 ttft@1(ms)	0.292 e2e_latency@1(s)	97.33333333333333 e2e_per_token@1(ms/token)	10.273972602739727 e2e_throughput@1(token/s)	1000 host_overhead@1(us/token)
    BenchmarkDecode/prompt=own_1	2	48000000 ns/op	20.833333333333332 tok/s	200 ttft@1(ms)	0.296 e2e_latency@1(s)	98.66666666666667 e2e_per_token@1(ms/token)	10.135135135135135 e2e_throughput@1(token/s)	1000 host_overhead@1(us/token)
    BenchmarkDecode/prompt=own_1	2	50000000 ns/op	20 tok/s	200 ttft@1(ms)	0.3 e2e_latency@1(s)	100 e2e_per_token@1(ms/token)	10 e2e_throughput@1(token/s)	1000 host_overhead@1(us/token)
    "#);
}

#[test]
fn the_sides_of_an_ab_are_columns_to_benchstat() {
    let text = text_of_ab(ExchangeFormat::Benchstat);
    let keys: Vec<&str> =
        text.lines().filter(|line| line.contains("side") || line.contains("commit")).collect();
    insta::assert_snapshot!(keys.join("\n"), @r#"
    side: base
    commit: 4444444444444444444444444444444444444444
    side: head
    commit: 5555555555555555555555555555555555555555
    "#);
}

#[test]
fn junit_has_a_case_a_prompt() {
    insta::assert_snapshot!(text(ExchangeFormat::Junit), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="arcgauge" tests="2" failures="0" errors="0">
        <testsuite name="gpt-oss-20b-int4/arc-140v, record 0123456789ab" tests="2" failures="0" errors="0" skipped="0" timestamp="2026-11-23T09:01:57Z">
            <testcase name="gpt-oss-20b-int4/arc-140v/fibonacci" classname="gpt-oss-20b-int4/arc-140v" time="0.293"><system-out>match: tpot@1 46.50 ms/token, ttft@1 200.0 ms, e2e_throughput@1 10.24 token/s</system-out></testcase>
            <testcase name="gpt-oss-20b-int4/arc-140v/own-1" classname="gpt-oss-20b-int4/arc-140v" time="0.298"><system-out>match: tpot@1 49.00 ms/token, ttft@1 200.0 ms, e2e_throughput@1 10.07 token/s</system-out></testcase>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn junit_has_the_decision_of_an_ab() {
    insta::assert_snapshot!(text_of_ab(ExchangeFormat::Junit), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="arcgauge" tests="3" failures="0" errors="0">
        <testsuite name="head `a-branch` compared with base `main`: 1 pair of fresh processes, interleaved" tests="3" failures="0" errors="0" skipped="0" timestamp="2026-11-24T05:10:00Z">
            <testcase name="verdict" classname="verdict"/>
            <testcase name="goldens" classname="check"/>
            <testcase name="tpot@1 mean" classname="comparison"/>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn github_has_the_decision_as_a_summary_and_as_annotations() {
    let reported = exchange(ExchangeFormat::Github, &[ab()]).unwrap();
    let first = reported.text.lines().next().unwrap();
    insta::assert_snapshot!(format!("{first}\n{}", reported.annotations), @r#"
    ### arcgauge: PASS: no change that matters
    ::notice title=arcgauge%3A pass::no change that matters (head `a-branch` compared with base `main`: 1 pair of fresh processes, interleaved)
    "#);
}

#[test]
fn otava_has_a_row_a_commit_and_a_configuration_that_says_which_way_is_better() {
    let entries = [entry(&run())];
    let entries: Vec<_> = entries.iter().collect();
    let series = otava_csv(&entries).unwrap();
    let config = otava_config(&entries, "a \"series\".csv", &series.since_utc).unwrap();
    insta::assert_snapshot!(series.csv + &config, @r#"
    time,commit,ttft@1,tpot@1,e2e_latency@1,e2e_throughput@1
    2026-11-23T04:00:00Z,5555555555555555555555555555555555555555,200,47.75,0.2955,10.152284263959391
    # otava analyze gpt-oss-20b-int4-gpu --config-file THIS_FILE --since 2026-11-23
    # series 10ce748a2708
    tests:
      "gpt-oss-20b-int4-gpu":
        type: csv
        file: "a \"series\".csv"
        time_column: time
        attributes: [commit]
        metrics:
          "ttft@1": {column: "ttft@1", direction: -1, scale: 1}
          "tpot@1": {column: "tpot@1", direction: -1, scale: 1}
          "e2e_latency@1": {column: "e2e_latency@1", direction: -1, scale: 1}
          "e2e_throughput@1": {column: "e2e_throughput@1", direction: 1, scale: 1}
    "#);
}
