//! Every format, whole, of one small record.

use super::forged::{ab, entry, run};
use super::text_of;
use crate::measure::Direction;
use crate::report::exchange::{ExchangeFormat, otava_config, otava_csv};

fn text(format: ExchangeFormat) -> String {
    text_of(format, &[run()])
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
    insta::assert_snapshot!(second);
}

#[test]
fn the_action_has_an_entry_a_value() {
    insta::assert_snapshot!(text(ExchangeFormat::BenchmarkAction(Direction::Higher)));
}

#[test]
fn bencher_has_a_measure_a_definition() {
    let text = text(ExchangeFormat::MetricFormat);
    let first = text.split_inclusive("  },\n  \"").next().unwrap();
    insta::assert_snapshot!(first);
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
    let text = text_of(ExchangeFormat::Benchstat, &[ab()]);
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
