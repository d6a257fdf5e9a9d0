//! Fixed values: each judges what it is of, and nothing else.

use arcgauge::gate::Strictness;
use arcgauge::golden::GoldenResult;
use arcgauge::record::{CheckResult, Experiment, Verdict};

use super::{
    Edit, PASSES, PASSES_WITH_WARNING, REGRESSES, check, edited, reason, says, swapping, with_policy,
};
use crate::forged;
use crate::forged_pairs::{PROMPTS, ab_by_prompt, anchor_of, both, decided};

/// No change, at this many tokens a second, prompt and all.
fn at_speed(token_s: f64) -> Experiment {
    ab_by_prompt(&[[0.0; 3]; 5], 1e9 / token_s)
}

/// The same of the published model on the published device.
pub(super) fn published_at(token_s: f64) -> Experiment {
    let mut record = at_speed(token_s);
    for run in both(&mut record) {
        run.device = forged::arc(Some(true));
    }
    let published = record.published.as_mut().unwrap();
    published.model.accepted = vec![forged::accepted(&record.arms[1].model.sha256)];
    published.prompts = PROMPTS.map(str::to_owned).to_vec();
    published.new_tokens = record.arms[1].workload.new_tokens;
    record
}

#[test]
fn the_published_value_warns_below_itself_and_fails_five_percent_lower() {
    for (token_s, word, check_word) in [
        (22.0, PASSES, CheckResult::Holds),
        (21.0, PASSES_WITH_WARNING, CheckResult::Warns),
        (20.0, REGRESSES, CheckResult::Fails),
    ] {
        let record = published_at(token_s);
        says(&format!("{token_s} token/s"), &record, word, word);
        assert_eq!(check(&decided(&record, Strictness::Gate), "published-anchor").0, check_word);
    }
}

/// A guard tripped in a pair, which counts all the same.
fn despite(record: &mut Experiment) {
    swapping(record, &[4], true);
    record.sampling.ignore_guards = true;
}

#[test]
fn a_pair_that_was_invalidated_and_measured_again_is_no_part_of_the_speed() {
    let record = edited(published_at(20.0), |record| swapping(record, &[4], true));
    let decision = decided(&record, Strictness::Ab);
    let reported = "20.00 token/s is below the failing bound 20.18 (published)";
    assert_eq!(check(&decision, "published-anchor"), (CheckResult::Fails, reported));
}

#[test]
fn the_published_value_is_shown_and_not_judged_elsewhere() {
    let edits: [Edit<'_>; 4] = [
        ("another model", &|record| record.arms[1].model.sha256 = "9".repeat(64)),
        ("another device", &|record| record.arms[1].device = forged::a_gpu()),
        ("other prompts", &|record| record.arms[1].workload.new_tokens += 1),
        ("a guard tripped", &|record| despite(record)),
    ];
    for (why, edit) in edits {
        let decision = decided(&edited(published_at(1.0), |record| edit(record)), Strictness::Ab);
        let (word, reported) = check(&decision, "published-anchor");
        assert_eq!(word, CheckResult::NotJudged, "{why}");
        assert!(reported.starts_with("21.24 token/s was published") && reported.contains(why), "{reported}");
        assert_ne!(decision.verdict, Verdict::Regressed, "{why}");
    }
    says("far slower without a published value", &at_speed(1.0), PASSES, PASSES);
}

#[test]
fn a_pinned_value_judges_its_own_machine_model_and_prompts_alone() {
    let pinned = |token_s: f64, edit: &dyn Fn(&mut Experiment)| {
        let record = at_speed(token_s);
        let anchor = serde_json::to_value(anchor_of(record.head())).unwrap();
        edited(with_policy(record, "anchors", anchor), |record| edit(record))
    };
    says("22", &pinned(22.0, &|_| {}), PASSES, PASSES);
    says("21", &pinned(21.0, &|_| {}), PASSES_WITH_WARNING, PASSES_WITH_WARNING);
    says("20", &pinned(20.0, &|_| {}), REGRESSES, REGRESSES);
    let reported = reason(&pinned(20.0, &|_| {}));
    assert_eq!(reported, "20.00 token/s is below the failing bound 20.18 (pinned)");
    let by_word =
        &|record: &mut Experiment| record.arms[1].device.ran = Some(forged::a_cpu_by_its_word_alone());
    let unlike: [Edit<'_>; 7] = [
        ("another machine", &|record| record.machine.sha256 = "9".repeat(64)),
        ("another model", &|record| record.arms[1].model.sha256 = "9".repeat(64)),
        ("another device", &|record| record.arms[1].device = forged::a_gpu()),
        ("other prompts", &|record| record.arms[1].workload.sha256 = "9".repeat(64)),
        ("a guard tripped", &|record| despite(record)),
        ("not verified", &|record| record.arms[1].prompts[0].golden = GoldenResult::None),
        ("reported by OpenVINO alone", by_word),
    ];
    for (why, edit) in unlike {
        let decision = decided(&pinned(20.0, edit), Strictness::Ab);
        let (word, reported) = check(&decision, "anchor ours");
        assert_eq!(word, CheckResult::NotJudged, "{why}: {decision:#?}");
        assert!(reported.starts_with("21.24 token/s was pinned") && reported.contains(why), "{reported}");
        assert_ne!(decision.verdict, Verdict::Regressed, "{why}");
    }
}

#[test]
fn a_value_that_was_pinned_for_one_openvino_judges_that_one_alone() {
    let pinned = |openvino: &str| {
        let record = at_speed(20.0);
        let mut anchor = anchor_of(record.head());
        anchor.openvino = Some(openvino.into());
        with_policy(record, "anchors", serde_json::to_value(anchor).unwrap())
    };
    says("the same", &pinned("2026.4.1"), REGRESSES, REGRESSES);
    says("another", &pinned("2026.1.0"), PASSES, PASSES);
}
