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
    insta::assert_snapshot!(card_of(&verified("00000000000a")).unwrap());
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
