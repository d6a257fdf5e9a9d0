//! What is told, in each form.

use arcgauge::golden::GoldenResult;
use arcgauge::judge::likeness::TwoRuns;
use arcgauge::record::RunRecord;
use arcgauge::report::comparison::{
    ComparedRecord, ComparisonView, comparison_json, comparison_markdown, comparison_text, comparison_view,
};
use serde_json::Value;

use super::{one, other};

fn told(a: &RunRecord, b: &RunRecord, form: fn(&ComparisonView) -> String) -> String {
    let record = |run| ComparedRecord { run, file: "a.json" };
    form(&comparison_view(record(a), record(b), &TwoRuns::of(a, b)))
}

#[test]
fn two_runs_of_one_thing() {
    insta::assert_snapshot!(told(&one(), &other(), comparison_text), @r#"
    00000000000b against 00000000000a
    A  47.00 ms/token (tpot@1), 555555555555 Größer, schneller "und" richtig
       tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, 1 prompt x 3 tokens, 3 processes
       a-machine, 2026-11-23T04:49:20Z, a.json
    B  51.00 ms/token (tpot@1), 555555666666 Größer, schneller "und" richtig
       tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, 1 prompt x 3 tokens, 3 processes
       a-machine, 2026-11-23T05:00:00Z, a.json

    likeness: - same series and same epoch: two runs of one thing

     differs  A             B             breaks
     commit   555555555555  555555666666  nothing

    What breaks machine, model, workload or device makes two things of the runs; series, epoch and surroundings
    leave an observation; "nothing" is what runs of one thing may differ in.

     figure               prompt     unit      better       A       B   change            interval  said
     tpot@1               mean       ms/token  lower    47.00   51.00  +8.51 %  [+3.58 %, +13.7 %]  outside the interval of the processes
     tpot@1               fibonacci  ms/token  lower    47.00   51.00  +8.51 %  [+3.58 %, +13.7 %]  outside the interval of the processes
     ttft@1               mean       ms        lower    200.0   200.0   0.00 %                   -  observed
     ttft@1               fibonacci  ms        lower    200.0   200.0   0.00 %                   -  observed
     e2e_latency@1        mean       s         lower   0.2940  0.3020  +2.72 %  [+1.17 %, +4.30 %]  outside the interval of the processes
     e2e_latency@1        fibonacci  s         lower   0.2940  0.3020  +2.72 %  [+1.17 %, +4.30 %]  outside the interval of the processes
     e2e_throughput@1     mean       token/s   higher   10.20   9.934  -2.65 %  [-4.12 %, -1.16 %]  outside the interval of the processes
     e2e_throughput@1     fibonacci  token/s   higher   10.20   9.934  -2.65 %  [-4.12 %, -1.16 %]  outside the interval of the processes
     decode_throughput@1  mean       token/s   higher   21.28   19.61  -7.84 %  [-12.0 %, -3.46 %]  outside the interval of the processes
     decode_throughput@1  fibonacci  token/s   higher   21.28   19.61  -7.84 %  [-12.0 %, -3.46 %]  outside the interval of the processes
     load@1                          s         lower    1.500   1.500   0.00 %                   -  observed
     peak_rss@1                      MiB       lower    160.0   160.0   0.00 %                   -  observed

    Change: from A to B. Interval: 95 %, by Welch's t on the means of each run's processes, each row for itself.
    How the machine moves from run to run is not in that interval.
    Two separate runs, not interleaved pairs: an observation, and no verdict. `cargo xtask ab` decides.

     output     A         B
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
    insta::assert_snapshot!(told(&one(), &b, comparison_markdown), @r#"
    ### arcgauge: 00000000000b against 00000000000a

    - **A** 47.00 ms/token (tpot@1), 555555555555 Größer, schneller "und" richtig; tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, 1 prompt x 3 tokens, 3 processes; a-machine, `2026-11-23T04:49:20Z`
    - **B** 51.00 ms/token (tpot@1), 555555666666 Größer, schneller "und" richtig; tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, 1 prompt x 3 tokens, 3 processes; a-machine, `2026-11-23T05:00:00Z`

    Likeness: warn same machine, model, workload and device, but not all is alike under and around the measurement.

    | differs | A | B | breaks |
    | --- | --- | --- | --- |
    | kernel | 6.1 | 6.2 | epoch |
    | commit | 555555555555 | 555555666666 | nothing |

    What breaks machine, model, workload or device makes two things of the runs; series, epoch and surroundings
    leave an observation; "nothing" is what runs of one thing may differ in.

    | figure | prompt | unit | better | A | B | change | interval | said |
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

    | output | A | B |
    | --- | --- | --- |
    | fibonacci | ok match | ok match |

    - compare both commits in pairs, all else alike: `cargo xtask ab --base 555555555555 --head 555555666666 --device CPU --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1`
    - measure A again: `git checkout 555555555555 && cargo xtask bench --device CPU --runs 3 --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1`
    - measure B again: `git checkout 555555666666 && cargo xtask bench --device CPU --runs 3 --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1`
    - warning (A and B): what is the case; what to do about it
    "#);
}

#[test]
fn two_runs_on_two_machines() {
    let mut b = other();
    b.machine.sha256 = "9".repeat(64);
    b.machine.slug = "another".into();
    insta::assert_snapshot!(told(&one(), &b, comparison_text), @r#"
    00000000000b against 00000000000a
    A  47.00 ms/token (tpot@1), 555555555555 Größer, schneller "und" richtig
       tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, 1 prompt x 3 tokens, 3 processes
       a-machine, 2026-11-23T04:49:20Z, a.json
    B  51.00 ms/token (tpot@1), 555555666666 Größer, schneller "und" richtig
       tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, 1 prompt x 3 tokens, 3 processes
       another, 2026-11-23T05:00:00Z, a.json

    likeness: - unlike: not the same machine, so nothing is compared

     differs  A             B             breaks
     machine  a-machine     another       machine
     commit   555555555555  555555666666  nothing

    What breaks machine, model, workload or device makes two things of the runs; series, epoch and surroundings
    leave an observation; "nothing" is what runs of one thing may differ in.

     figure               prompt     unit      better       A       B  said
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

     output     A         B
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
    b.prompts[0].golden = GoldenResult::None;
    let text = told(&one(), &b, comparison_text);
    assert!(
        text.contains("B has no speed: its output is unverified: no golden vouches for `fibonacci`\n"),
        "{text}"
    );
    assert!(text.contains("B  no speed, 555555666666 "), "{text}");
    assert!(text.contains(" fibonacci  ok match  - none (unverified)\n"), "{text}");
    assert!(!text.contains('%'), "nothing is compared: {text}");
}

#[test]
fn hostile_text_stays_text_in_every_form() {
    let mut b = other();
    let commit = b.commit.as_mut().unwrap();
    commit.subject = "::error::x\u{1b}[31m\n| <img> @everyone | $(touch x)".into();
    b.machine.slug = "a\u{202e}b".into();
    b.machine.sha256 = "9".repeat(64);
    b.environment_variables.insert("OMP_x`; rm | b".into(), "<script>\n##[error]".into());
    let text = told(&one(), &b, comparison_text);
    let markdown = told(&one(), &b, comparison_markdown);
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
fn json_has_every_figure_unrounded_and_the_code_of_the_verb() {
    let (a, b) = (one(), other());
    let record = |run| ComparedRecord { run, file: "a.json" };
    let text = comparison_json(record(&a), record(&b), &TwoRuns::of(&a, &b), 0);
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&told["likeness"], &told["exit_code"]), (&"same".into(), &0.into()));
    let tpot = &told["figures"][0];
    assert_eq!(
        (&tpot["metric"], &tpot["prompt"], &tpot["a"], &tpot["b"]),
        (&"tpot@1".into(), &Value::Null, &47.0.into(), &51.0.into())
    );
    let ratio = tpot["ratio"].as_f64().unwrap();
    assert!((ratio - 51.0 / 47.0).abs() < 1e-12);
    assert!(tpot["lower"].as_f64().unwrap() < ratio && ratio < tpot["upper"].as_f64().unwrap());
    assert_eq!(told["differences"][0]["what"], "commit");
    assert_eq!(told["differences"][0]["breaks"], "nothing");
}
