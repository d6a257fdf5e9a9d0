//! `compare`: how two records are named, what is told of them, and with which code it ends.

use std::path::Path;

use arcgauge::golden::GoldenResult;
use arcgauge::judge::likeness::TwoRuns;
use arcgauge::record::{History, Outcome, RunRecord};
use arcgauge::report::comparison::{
    ComparedRecord, comparison_json, comparison_markdown, comparison_text, comparison_view,
};
use serde_json::Value;

use crate::checkout::Checkout;
use crate::forged;
use crate::history_index::verified;

/// The commit of a forged record.
const FIRST: &str = "5555555555555555555555555555555555555555";
/// Another one.
const SECOND: &str = "5555556666666666666666666666666666666666";

/// A run of so many processes, each at a pace of its own, ms per token.
fn paced(run_id: &str, sha: &str, paces_ms: &[u64]) -> RunRecord {
    let mut record = verified(run_id);
    sha.clone_into(&mut record.commit.as_mut().unwrap().sha);
    record.workload.runs = paces_ms.len();
    let (sample, process) = (record.samples.remove(0), record.processes.remove(0));
    for (index, pace_ms) in paces_ms.iter().enumerate() {
        let mut sample = sample.clone();
        sample.process = index;
        let times = sample.times.as_mut().unwrap();
        for (step, token_ns) in (0..).zip(&mut times.token_ns) {
            *token_ns = times.submitted_ns + 200_000_000 + step * pace_ms * 1_000_000;
        }
        record.samples.push(sample);
        let mut process = process.clone();
        process.index = index;
        record.processes.push(process);
    }
    record
}

fn one() -> RunRecord {
    paced("00000000000a", FIRST, &[46, 47, 48])
}

fn other() -> RunRecord {
    RunRecord { when_utc: "2026-11-23T05:00:00Z".into(), ..paced("00000000000b", SECOND, &[50, 52, 51]) }
}

fn told(
    a: &RunRecord,
    b: &RunRecord,
    form: fn(&arcgauge::report::comparison::ComparisonView) -> String,
) -> String {
    let record = |run| ComparedRecord { run, file: "a.json" };
    form(&comparison_view(record(a), record(b), &TwoRuns::of(a, b)))
}

/// A checkout whose store has these.
fn with(records: &[RunRecord]) -> Checkout {
    let checkout = Checkout::new();
    for record in records {
        forged::store(&checkout, record);
    }
    checkout
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

    likeness: ok same series and same epoch: two runs of one thing

     differs  A             B             breaks
     commit   555555555555  555555666666  nothing

    What breaks machine, model, workload or device makes two things of the runs; series, epoch and surroundings
    leave an observation; "nothing" is what runs of one thing may differ in.

     figure               prompt     unit      better       A       B   change            interval  said
     tpot@1               mean       ms/token  lower    47.00   51.00  +8.51 %  [+3.58 %, +13.7 %]  B looks worse
     tpot@1               fibonacci  ms/token  lower    47.00   51.00  +8.51 %  [+3.58 %, +13.7 %]  B looks worse
     ttft@1               mean       ms        lower    200.0   200.0   0.00 %                   -  observed
     ttft@1               fibonacci  ms        lower    200.0   200.0   0.00 %                   -  observed
     e2e_latency@1        mean       s         lower   0.2940  0.3020  +2.72 %  [+1.17 %, +4.30 %]  B looks worse
     e2e_latency@1        fibonacci  s         lower   0.2940  0.3020  +2.72 %  [+1.17 %, +4.30 %]  B looks worse
     e2e_throughput@1     mean       token/s   higher   10.20   9.934  -2.65 %  [-4.12 %, -1.16 %]  B looks worse
     e2e_throughput@1     fibonacci  token/s   higher   10.20   9.934  -2.65 %  [-4.12 %, -1.16 %]  B looks worse
     decode_throughput@1  mean       token/s   higher   21.28   19.61  -7.84 %  [-12.0 %, -3.46 %]  B looks worse
     decode_throughput@1  fibonacci  token/s   higher   21.28   19.61  -7.84 %  [-12.0 %, -3.46 %]  B looks worse
     load@1                          s         lower    1.500   1.500   0.00 %                   -  observed
     peak_rss@1                      MiB       lower    160.0   160.0   0.00 %                   -  observed

    Change: from A to B. Interval: 95 %, by Welch's t on the means of each run's processes, each row for itself.
    Two separate runs, not interleaved pairs: an observation, and no verdict. `cargo xtask ab` decides.

     output     A         B
     fibonacci  ok match  ok match

    decide, in pairs:
      cargo xtask ab --base 555555555555 --head 555555666666 --device CPU --max-new-tokens 3
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

    - compare both commits in pairs, all else alike: `cargo xtask ab --base 555555555555 --head 555555666666 --device CPU --max-new-tokens 3`
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
      cargo xtask ab --base 555555555555 --head 555555666666 --device CPU --max-new-tokens 3
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

#[test]
fn a_record_is_named_by_its_file_its_run_its_commit_or_as_the_latest() {
    let checkout = with(&[one()]);
    let file = forged::store(&checkout, &other());
    for name in ["00000000000b", "5555556", SECOND, "latest", file.to_str().unwrap()] {
        let ended = checkout.run(["compare", "00000000000a", name]);
        ended.exits(0).prints("00000000000b against 00000000000a\n").prints("tpot@1 ");
    }
    let latest = checkout.run(["compare", "5555555", "latest"]);
    latest.says("A: the newest complete run of commit 555555555555: 00000000000a of 2026-11-23T04:49:20Z");
    latest.says("B: `latest` is 00000000000b of 2026-11-23T05:00:00Z on a-machine");
    let json = checkout.run(["compare", "00000000000a", "latest", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&json.exits(0).stdout).unwrap()["likeness"], "same");
    checkout.run(["compare", "00000000000a", "latest", "--format", "markdown"]).prints("### arcgauge: ");
}

#[test]
fn of_a_commit_the_newest_complete_run_of_its_clean_tree_is_taken() {
    let at = |record: RunRecord, when: &str| RunRecord { when_utc: when.into(), ..record };
    let mut dirty = at(paced("00000000000d", SECOND, &[1]), "2026-11-24T05:00:00Z");
    dirty.commit.as_mut().unwrap().dirty = true;
    let mut wrong = at(paced("00000000000e", SECOND, &[1]), "2026-11-25T05:00:00Z");
    wrong.outcome = Outcome::WrongOutput;
    wrong.prompts[0].golden = GoldenResult::Break;
    wrong.samples[0].times = None;
    let newer = at(paced("00000000000c", SECOND, &[49]), "2026-11-23T06:00:00Z");
    let checkout = with(&[one(), other(), newer, dirty, wrong.clone()]);
    checkout.run(["compare", "00000000000a", SECOND]).exits(0).prints("00000000000c against 00000000000a\n");
    let mut alone = wrong;
    alone.commit.as_mut().unwrap().sha = "7".repeat(40);
    alone.run_id = "00000000000f".into();
    forged::store(&checkout, &alone);
    let refused = checkout.run(["compare", "00000000000a", "7777"]);
    refused.refuses("none of the 1 runs of commit 777777777777 is complete", "history list");
    let shown = checkout.run(["compare", "00000000000a", "00000000000f"]);
    shown.exits(13).prints("B has no speed: its output is wrong\n").prints("FAIL break");
}

#[test]
fn a_revision_is_one_of_the_checkout() {
    let checkout = with(&[one()]);
    let sha = checkout.commit();
    forged::store(&checkout, &paced("00000000000b", &sha, &[48]));
    checkout.run(["compare", "00000000000a", "HEAD"]).exits(0).prints("00000000000b against 00000000000a\n");
    checkout.run(["compare", "no-branch", "HEAD"]).refuses("A: no record of `no-branch`", "history list");
}

#[test]
fn what_cannot_be_told_apart_or_is_not_there_is_refused() {
    let checkout = with(&[one(), other()]);
    let refuses = |a: &str, b: &str, fault: &str, help: &str| {
        checkout.run(["compare", a, b]).refuses(fault, help);
    };
    refuses(
        "5555",
        "latest",
        "A: `5555` begins the sha of several commits: `555555555555`, `555555666666`",
        "more digits",
    );
    refuses("latest", "00000000000c", "B: no record of `00000000000c`", "history list");
    refuses("latest", "none.json", "B: cannot read `none.json`", "history list");
    refuses("latest", "00000000000b", "`latest` and `00000000000b` are one record", "history list");
    let ab = History::at(checkout.path("reports/history")).add(&forged::ab_record()).unwrap();
    refuses(ab.to_str().unwrap(), "latest", "is an A/B", "cargo xtask history show");
    std::fs::write(checkout.path("cut.json"), "{\"cut").unwrap();
    refuses("cut.json", "latest", "A: record `cut.json` has no header line", "cargo xtask bench");
    let empty = checkout.run(["compare", "latest", "latest", "--store", "nowhere"]);
    empty.refuses("A: no record of `latest` in `nowhere`: there is no run", "cargo xtask bench");
    assert!(!Path::new("nowhere").exists());
}

#[test]
fn unlike_things_are_shown_and_end_with_a_code_that_no_script_takes_for_equal() {
    let mut b = other();
    b.model.sha256 = "9".repeat(64);
    let checkout = with(&[one(), b]);
    let ended = checkout.run(["compare", "00000000000a", "00000000000b"]);
    ended.exits(13).prints("unlike: not the same model").prints(" 47.00 ").prints(" 51.00 ");
    assert!(!ended.stdout.contains(" %"), "{ended}");
    ended.prints("cargo xtask ab --base 555555555555 --head 555555666666");
}
