//! What is reported, in each form.

use arcgauge::golden::GoldenResult;
use arcgauge::judge::comparability::TwoRuns;
use arcgauge::record::Experiment;
use arcgauge::report::comparison::{ComparedRecord, OfPage, comparison_document, comparison_json};
use arcgauge::report::document::Document;
use serde_json::Value;

use super::{one, other};

fn compared(a: &Experiment, b: &Experiment) -> Document {
    let record = |run| ComparedRecord { run, file: "a.json" };
    let (a, b) = (a.subject(), b.subject());
    comparison_document(record(a), record(b), &TwoRuns::of(a, b), OfPage::default())
}

#[test]
fn two_runs_of_one_thing() {
    insta::assert_snapshot!(compared(&one(), &other()).to_text(None), @r#"
    00000000000b compared with 00000000000a
    run       A                                   B
    id        00000000000a                        00000000000b
    speed     47.00 ms/token (tpot@1)             51.00 ms/token (tpot@1)
    commit    555555555555 Größer, schneller      555555666666 Größer, schneller
              "und" richtig                       "und" richtig
    model     tiny-gpt-oss                        tiny-gpt-oss
    device    CPU (A CPU)                         CPU (A CPU)
    OpenVINO  2026.4.1                            2026.4.1
    workload  1 prompt x 3 tokens, 3 processes    1 prompt x 3 tokens, 3 processes
    machine   a-machine                           a-machine
    measured  2026-11-23T04:49:20Z                2026-11-23T05:00:00Z

    record A  a.json
    record B  a.json

    Environment differences
    difference  A             B             affects
    commit      555555555555  555555666666  nothing
    Runs that differ in machine, model, workload or device are not comparable. Where series, epoch or environment differ, the comparison is an observation.
    "nothing" is what comparable runs may differ in.

    COMPARABLE: same series and same epoch: two runs of one thing

    Metrics
    metric               prompt     unit      better       A       B   change
    tpot@1               mean       ms/token  lower    47.00   51.00  +8.51 %
    tpot@1               fibonacci  ms/token  lower    47.00   51.00  +8.51 %
    ttft@1               mean       ms        lower    200.0   200.0   0.00 %
    ttft@1               fibonacci  ms        lower    200.0   200.0   0.00 %
    e2e_latency@1        mean       s         lower   0.2940  0.3020  +2.72 %
    e2e_latency@1        fibonacci  s         lower   0.2940  0.3020  +2.72 %
    e2e_throughput@1     mean       token/s   higher   10.20   9.934  -2.65 %
    e2e_throughput@1     fibonacci  token/s   higher   10.20   9.934  -2.65 %
    decode_throughput@1  mean       token/s   higher   21.28   19.61  -7.84 %
    decode_throughput@1  fibonacci  token/s   higher   21.28   19.61  -7.84 %
    load@1                          s         lower    1.500   1.500   0.00 %
    peak_rss@1                      MiB       lower    160.0   160.0   0.00 %

    metric               prompt               interval  result
    tpot@1               mean       [+3.58 %, +13.7 %]  interval excludes 0
    tpot@1               fibonacci  [+3.58 %, +13.7 %]  interval excludes 0
    ttft@1               mean                        -  observed
    ttft@1               fibonacci                   -  observed
    e2e_latency@1        mean       [+1.17 %, +4.30 %]  interval excludes 0
    e2e_latency@1        fibonacci  [+1.17 %, +4.30 %]  interval excludes 0
    e2e_throughput@1     mean       [-4.12 %, -1.16 %]  interval excludes 0
    e2e_throughput@1     fibonacci  [-4.12 %, -1.16 %]  interval excludes 0
    decode_throughput@1  mean       [-12.0 %, -3.46 %]  interval excludes 0
    decode_throughput@1  fibonacci  [-12.0 %, -3.46 %]  interval excludes 0
    load@1                                           -  observed
    peak_rss@1                                       -  observed
    Change: from A to B. Interval: 95 %, by Welch's t on the means of each run's processes, each row by itself; the machine's variation from run to run is not in that interval.
    Two separate runs, not interleaved pairs: an observation, not a verdict. `cargo xtask ab` decides.

    Output
    prompt     A         B
    fibonacci  ok match  ok match

    decide, in pairs:
      cargo xtask ab --base 555555555555 --head 555555666666 --device CPU --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1
    measure A again:
      git checkout 555555555555 && cargo xtask bench --device CPU --runs 3 --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1
    measure B again:
      git checkout 555555666666 && cargo xtask bench --device CPU --runs 3 --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1

    warning (A and B): what is the case
      what to do about it
    "#);
}

#[test]
fn two_runs_on_two_kernels() {
    let mut b = other();
    b.machine.kernel = Some("6.2".into());
    insta::assert_snapshot!(compared(&one(), &b).to_markdown(), @r#"
    ### 00000000000b compared with 00000000000a

    | run | A | B |
    | --- | --- | --- |
    | id | 00000000000a | 00000000000b |
    | speed | 47.00 ms/token (`tpot@1`) | 51.00 ms/token (`tpot@1`) |
    | commit | 555555555555 Größer, schneller "und" richtig | 555555666666 Größer, schneller "und" richtig |
    | model | tiny-gpt-oss | tiny-gpt-oss |
    | device | CPU (A CPU) | CPU (A CPU) |
    | OpenVINO | 2026.4.1 | 2026.4.1 |
    | workload | 1 prompt x 3 tokens, 3 processes | 1 prompt x 3 tokens, 3 processes |
    | machine | a-machine | a-machine |
    | measured | `2026-11-23T04:49:20Z` | `2026-11-23T05:00:00Z` |

    - record A: a.json
    - record B: a.json

    #### Environment differences

    | difference | A | B | affects |
    | --- | --- | --- | --- |
    | kernel | 6.1 | 6.2 | epoch |
    | commit | 555555555555 | 555555666666 | nothing |

    Runs that differ in machine, model, workload or device are not comparable. Where series, epoch or environment differ, the comparison is an observation.

    "nothing" is what comparable runs may differ in.

    **ENVIRONMENT DIFFERS**: same machine, model, workload and device, but the environment of the measurement differs

    #### Metrics

    | metric | prompt | unit | better | A | B | change | interval | result |
    | --- | --- | --- | --- | --: | --: | --: | --: | --- |
    | `tpot@1` | mean | ms/token | lower | 47.00 | 51.00 | +8.51 % | - | observed |
    | `tpot@1` | fibonacci | ms/token | lower | 47.00 | 51.00 | +8.51 % | - | observed |
    | `ttft@1` | mean | ms | lower | 200.0 | 200.0 | 0.00 % | - | observed |
    | `ttft@1` | fibonacci | ms | lower | 200.0 | 200.0 | 0.00 % | - | observed |
    | `e2e_latency@1` | mean | s | lower | 0.2940 | 0.3020 | +2.72 % | - | observed |
    | `e2e_latency@1` | fibonacci | s | lower | 0.2940 | 0.3020 | +2.72 % | - | observed |
    | `e2e_throughput@1` | mean | token/s | higher | 10.20 | 9.934 | -2.65 % | - | observed |
    | `e2e_throughput@1` | fibonacci | token/s | higher | 10.20 | 9.934 | -2.65 % | - | observed |
    | `decode_throughput@1` | mean | token/s | higher | 21.28 | 19.61 | -7.84 % | - | observed |
    | `decode_throughput@1` | fibonacci | token/s | higher | 21.28 | 19.61 | -7.84 % | - | observed |
    | `load@1` |  | s | lower | 1.500 | 1.500 | 0.00 % | - | observed |
    | `peak_rss@1` |  | MiB | lower | 160.0 | 160.0 | 0.00 % | - | observed |

    Change: from A to B. An observation, not a test: what differs above may be all of it. `cargo xtask ab` decides.

    #### Output

    | prompt | A | B |
    | --- | --- | --- |
    | fibonacci | ok match | ok match |

    - compare both commits in pairs, all else equal: `cargo xtask ab --base 555555555555 --head 555555666666 --device CPU --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1`
    - measure A again: `git checkout 555555555555 && cargo xtask bench --device CPU --runs 3 --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1`
    - measure B again: `git checkout 555555666666 && cargo xtask bench --device CPU --runs 3 --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1`
    - **warning** (A and B): what is the case; what to do about it
    "#);
}

#[test]
fn two_runs_on_two_machines() {
    let mut b = other();
    b.machine.sha256 = "9".repeat(64);
    b.machine.slug = "another".into();
    insta::assert_snapshot!(compared(&one(), &b).to_text(None), @r#"
    00000000000b compared with 00000000000a
    run       A                                   B
    id        00000000000a                        00000000000b
    speed     47.00 ms/token (tpot@1)             51.00 ms/token (tpot@1)
    commit    555555555555 Größer, schneller      555555666666 Größer, schneller
              "und" richtig                       "und" richtig
    model     tiny-gpt-oss                        tiny-gpt-oss
    device    CPU (A CPU)                         CPU (A CPU)
    OpenVINO  2026.4.1                            2026.4.1
    workload  1 prompt x 3 tokens, 3 processes    1 prompt x 3 tokens, 3 processes
    machine   a-machine                           another
    measured  2026-11-23T04:49:20Z                2026-11-23T05:00:00Z

    record A  a.json
    record B  a.json

    Environment differences
    difference  A             B             affects
    machine     a-machine     another       machine
    commit      555555555555  555555666666  nothing
    Runs that differ in machine, model, workload or device are not comparable. Where series, epoch or environment differ, the comparison is an observation.
    "nothing" is what comparable runs may differ in.

    NOT COMPARABLE: not the same machine, so nothing is compared

    Metrics
    metric               prompt     unit      better       A       B  result
    tpot@1               mean       ms/token  lower    47.00   51.00  not compared
    tpot@1               fibonacci  ms/token  lower    47.00   51.00  not compared
    ttft@1               mean       ms        lower    200.0   200.0  not compared
    ttft@1               fibonacci  ms        lower    200.0   200.0  not compared
    e2e_latency@1        mean       s         lower   0.2940  0.3020  not compared
    e2e_latency@1        fibonacci  s         lower   0.2940  0.3020  not compared
    e2e_throughput@1     mean       token/s   higher   10.20   9.934  not compared
    e2e_throughput@1     fibonacci  token/s   higher   10.20   9.934  not compared
    decode_throughput@1  mean       token/s   higher   21.28   19.61  not compared
    decode_throughput@1  fibonacci  token/s   higher   21.28   19.61  not compared
    load@1                          s         lower    1.500   1.500  not compared
    peak_rss@1                      MiB       lower    160.0   160.0  not compared

    Output
    prompt     A         B
    fibonacci  ok match  ok match

    compare both commits in pairs, on one machine:
      cargo xtask ab --base 555555555555 --head 555555666666 --device CPU --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1
    measure A again:
      git checkout 555555555555 && cargo xtask bench --device CPU --runs 3 --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1
    measure B again:
      git checkout 555555666666 && cargo xtask bench --device CPU --runs 3 --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1

    warning (A and B): what is the case
      what to do about it
    "#);
}

#[test]
fn a_run_without_a_golden_has_no_speed_and_the_text_says_so() {
    let mut b = other();
    b.arms[0].prompts[0].golden = GoldenResult::None;
    let text = compared(&one(), &b).to_text(None);
    assert!(text.contains("B has no speed: its output is unverified: no golden for `fibonacci`\n"), "{text}");
    assert!(text.contains("47.00 ms/token (tpot@1)             no speed"), "{text}");
    assert!(text.contains("fibonacci  ok match  - unverified\n"), "{text}");
    assert!(!text.contains('%'), "nothing is compared: {text}");
}

#[test]
fn hostile_text_stays_text_in_every_form() {
    let mut b = other();
    let commit = b.arms[0].commit.as_mut().unwrap();
    commit.subject = "::error::x\u{1b}[31m\n| <img> @everyone | $(touch x)".into();
    b.machine.slug = "a\u{202e}b".into();
    b.machine.sha256 = "9".repeat(64);
    b.arms[0].environment_variables.insert("OMP_x`; rm | b".into(), "<script>\n##[error]".into());
    let text = compared(&one(), &b).to_text(None);
    let markdown = compared(&one(), &b).to_markdown();
    for form in [&text, &markdown] {
        assert!(!form.contains(['\u{1b}', '\u{202e}']) && !form.contains("##["), "{form}");
        assert!(!form.lines().any(|line| line.starts_with("::")), "{form}");
    }
    for made in ["<img>", "<script>", "@everyone", "x` ;"] {
        assert!(!markdown.contains(made), "{made}: {markdown}");
    }
    let cells = markdown.lines().find(|line| line.contains("OMP")).unwrap();
    assert_eq!(cells.matches(" | ").count(), 3, "{cells}");
    let commands: Vec<&str> = markdown.lines().filter(|line| line.starts_with("- measure")).collect();
    assert!(commands.iter().all(|line| !line.contains("touch")), "{commands:?}");
}

#[test]
fn json_has_every_value_unrounded_and_the_code_of_the_verb() {
    let (a, b) = (one(), other());
    let record = |run| ComparedRecord { run, file: "a.json" };
    let text =
        comparison_json(record(a.subject()), record(b.subject()), &TwoRuns::of(a.subject(), b.subject()), 0);
    let reported: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&reported["comparability"], &reported["exit_code"]), (&"same".into(), &0.into()));
    let tpot = &reported["figures"][0];
    assert_eq!(
        (&tpot["metric"], &tpot["prompt"], &tpot["a"], &tpot["b"]),
        (&"tpot@1".into(), &Value::Null, &47.0.into(), &51.0.into())
    );
    let ratio = tpot["ratio"].as_f64().unwrap();
    assert!((ratio - 51.0 / 47.0).abs() < 1e-12);
    assert!(tpot["lower"].as_f64().unwrap() < ratio && ratio < tpot["upper"].as_f64().unwrap());
    assert_eq!(reported["differences"][0]["what"], "commit");
    assert_eq!(reported["differences"][0]["breaks"], "nothing");
}
