//! The card of a run: the published tables, and only of what may be published.

use arcgauge::golden::GoldenResult;
use arcgauge::record::{Experiment, Outcome};
use arcgauge::report::{CardRecord, card};

use crate::forged;
use crate::history_index::verified;

fn card_of(run: &Experiment) -> arcgauge::error::Result<String> {
    card(CardRecord {
        run: run.subject(),
        file_name: "20261123T044920Z-00000000000a.json",
        payload_sha256: &"a".repeat(64),
    })
}

/// A run of the published model on the published device.
fn published_run() -> Experiment {
    let mut record = verified("00000000000a");
    record.arms[0].model.name = "gpt-oss-20b-int4".into();
    record.arms[0].device = forged::arc(Some(true));
    record.arms[0].warnings.clear();
    let published = record.published.as_mut().unwrap();
    published.model.accepted = vec![forged::accepted(&record.arms[0].model.sha256)];
    published.prompts = vec!["fibonacci".into()];
    published.new_tokens = record.arms[0].workload.new_tokens;
    record
}

#[test]
fn the_card_of_a_small_model_has_metadata_and_says_that_it_is_not_the_published_one() {
    insta::assert_snapshot!(card_of(&verified("00000000000a")).unwrap(), @r#"
    ---
    model-index:
    - name: "tiny-gpt-oss"
      results:
      - task:
          type: text-generation
        dataset:
          type: arcgauge-prompts
          name: "arcgauge, reference prompts"
          revision: "75e0b4d46ec4947d56c491bd4c9cb9fc1e7458cdd60ecf6fd30978e3231619af"
          args:
            prompts: 1
            new_tokens: 3
            processes: 1
            model_sha256: "1111111111111111111111111111111111111111111111111111111111111111"
            device: "CPU (A CPU)"
            openvino: "2026.4.1"
            inference_precision: "f32"
            kv_cache_precision: "f32"
            commit: "5555555555555555555555555555555555555555"
            measured_utc: "2026-11-23T04:49:20Z"
            record: "20261123T044920Z-00000000000a.json"
            record_sha256: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        metrics:
        - type: "ttft@1"
          name: "time to first token (ms)"
          value: 200.0
        - type: "tpot@1"
          name: "time per output token (ms/token)"
          value: 47.00
        - type: "e2e_latency@1"
          name: "latency (s)"
          value: 0.2940
        - type: "e2e_per_token@1"
          name: "time per token, prefill included (ms/token)"
          value: 98.00
        - type: "e2e_throughput@1"
          name: "end-to-end throughput (token/s)"
          value: 10.20
        - type: "decode_throughput@1"
          name: "decode throughput (token/s)"
          value: 21.28
        - type: "prefill_throughput@1"
          name: "prefill throughput (token/s)"
          value: 10.00
        - type: "host_overhead@1"
          name: "host overhead (us/token)"
          value: 1000
    ---

    > Not the published benchmark: another model and device. These values are of tiny-gpt-oss on CPU.

    ## tiny-gpt-oss on A CPU

    | Setting | Value |
    | --- | --- |
    | Model | tiny-gpt-oss, sha256 `1111111111111111111111111111111111111111111111111111111111111111` |
    | Device | CPU (A CPU), reported by OpenVINO and verified by the kernel's counters |
    | OpenVINO | 2026.4.1 (2026.4.1-1) |
    | Inference precision | f32 |
    | KV cache | f32, 0.4 MiB for 4 tokens |
    | Answers | 3 new tokens each, greedy, stateful |
    | Prompts | 1 of 2 tokens |
    | Runs | 1 fresh process, each prompt once per process, after a discarded warm-up |
    | Machine | A CPU, 2 logical processors, 24 GiB, Linux, kernel 6.1 |

    | Prompt | Latency (s) | TPOT (ms/token) | Throughput (tok/s) | Output |
    | --- | --: | --: | --: | --- |
    | Fibonacci | 0.2940 | 98.00 | 10.20 | verified |
    | **Average** | 0.2940 | 98.00 | 10.20 | verified |

    Published: 21.24 tok/s (optimum-intel, gpt-oss-20b INT4 on Intel Arc 140V GPU); not compared: another model and device.

    Latency, TPOT and throughput include the prefill, as in the published card (`e2e_latency@1`,
    `e2e_per_token@1`, `e2e_throughput@1`): what is called TPOT there is latency / tokens, not the time between
    tokens. The average is total tokens over total seconds, and its inverse. "Verified": every token is the
    golden one; "near-tie": tokens differ only where the first two logits are too close to call.

    Measured `2026-11-23T04:49:20Z` at commit `5555555555555555555555555555555555555555`, by arcgauge 0.1.0. Record `20261123T044920Z-00000000000a.json`, sha256 of its payload `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`.

    - warning: what is the case

    Reproduce:

    ```sh
    git checkout 5555555555555555555555555555555555555555
    cargo xtask bench --device CPU --runs 1 --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1
    ```
    "#);
}

#[test]
fn the_published_model_on_its_device_has_its_share_of_the_published_value() {
    let text = card_of(&published_run()).unwrap();
    assert!(text.contains("---\n\n## gpt-oss-20b-int4 on Intel(R) Graphics"), "{text}");
    // 3 tokens in 294 ms are 10.20 tok/s, of 21.24.
    assert!(text.contains("; this run reaches 48.0 % of it.\n"), "{text}");
    assert!(text.contains("| Fibonacci | 0.2940 | 98.00 | 10.20 | verified |\n"), "{text}");
    assert!(
        text.contains("cargo xtask bench --device GPU --runs 1 --max-new-tokens 3 --model-dir MODEL"),
        "{text}"
    );
}

#[test]
fn what_is_wrong_unverified_or_unfinished_has_no_card() {
    let refused = |edit: fn(&mut Experiment)| {
        let mut run = published_run();
        edit(&mut run);
        let error = card_of(&run).unwrap_err();
        assert!(error.hint_text().is_some_and(|hint| hint.contains("cargo xtask bench")), "{error}");
        error.to_string()
    };
    let wrong = refused(|run| run.arms[0].outcome = Outcome::WrongOutput);
    assert_eq!(wrong, "record `00000000000a` has no card: its output is wrong");
    assert!(refused(|run| run.arms[0].outcome = Outcome::Interrupted).ends_with("it was interrupted"));
    assert!(refused(|run| run.arms[0].prompts[0].golden = GoldenResult::None).contains("is unverified"));
    assert!(refused(|run| run.arms[0].samples[0].times = None).ends_with("a prompt of it has no times"));
}

#[test]
fn invalid_times_have_no_metadata_and_a_hostile_name_stays_one_scalar() {
    let mut run = published_run();
    run.arms[0].device = forged::an_emulated_arc();
    let text = card_of(&run).unwrap();
    assert!(
        text.contains("> Times are invalid, so the card has no metadata: the device is emulated"),
        "{text}"
    );
    assert!(!text.contains("model-index"), "{text}");

    let mut run = published_run();
    run.arms[0].model.name = "x\"\n- y: \u{202e}".into();
    let text = card_of(&run).unwrap();
    assert!(text.starts_with("---\nmodel-index:\n- name: \"x\\\"\\\\n- y: \\\\u{202e}\"\n"), "{text}");
}

#[test]
fn a_near_tie_a_changed_tree_and_hostile_names_are_told_as_what_they_are() {
    let mut run = published_run();
    run.arms[0].prompts[0].golden = GoldenResult::NearTie;
    run.arms[0].commit.as_mut().unwrap().dirty = true;
    run.arms[0].workload.prompts[0].title = "a | <b> `c`\n@d".into();
    run.arms[0].model.name = "## x".into();
    let text = card_of(&run).unwrap();
    assert!(text.contains("| near-tie |") && text.contains(", with changes that are not in it"), "{text}");
    assert!(!text.contains("<b>") && !text.contains("@d"), "{text}");
    let row = text.lines().find(|line| line.ends_with("near-tie |")).unwrap();
    assert_eq!(row.matches('|').count(), 6, "{row}");
}
