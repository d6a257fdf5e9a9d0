//! Which record is a word on a commit, and which is none.

use std::fs;

use arcgauge::golden::GoldenResult;
use arcgauge::record::{Experiment, WorkloadRecord};

use super::{ab_of, checkout, commit, keep, run_of};
use crate::forged_pairs::{judge, wrong};
use crate::{forged, laid_out};

#[test]
fn a_record_of_another_commit_or_of_a_dirty_tree_is_none() {
    let (checkout, sha) = checkout();
    keep(&checkout, &ab_of(&"5".repeat(40), 0.0));
    let mut dirty = ab_of(&sha, 0.0);
    dirty.arms[1].commit.as_mut().unwrap().dirty = true;
    keep(&checkout, &dirty);
    let mut dirty = run_of(&sha, 0.0);
    dirty.arms[0].commit.as_mut().unwrap().dirty = true;
    keep(&checkout, &dirty);
    checkout.run(["gate"]).exits(20).says("nothing was measured");
}

#[test]
fn a_record_of_what_differs_from_the_commit_is_none_and_one_that_failed_is_not_passed_over() {
    let (checkout, sha) = checkout();
    let mut differs = ab_of(&sha, 0.0);
    differs.arms[1].differences = vec!["KV_CACHE_PRECISION=u8".into()];
    keep(&checkout, &differs);
    checkout.run(["gate"]).exits(20).says("nothing was measured");
    let mut unended = ab_of(&sha, 0.0);
    unended.run_id = "00000000000c".into();
    (unended.decision, unended.gate_decision) = (None, None);
    unended.failure = Some("the head: the worker crashed".into());
    keep(&checkout, &unended);
    let earlier = Experiment { when_utc: "2026-11-20T05:00:00Z".into(), ..ab_of(&sha, 0.0) };
    keep(&checkout, &earlier);
    checkout
        .run(["gate"])
        .exits(20)
        .says("the newest A/B of the commit failed: the head: the worker crashed");
}

#[test]
fn a_commit_against_itself_is_a_word_on_it_only_where_that_is_requested() {
    let (checkout, sha) = checkout();
    let mut itself = ab_of(&sha, 0.0);
    itself.arms[0].commit.as_mut().unwrap().sha.clone_from(&sha);
    keep(&checkout, &itself);
    let ended = checkout.run(["gate"]);
    ended.exits(20).says("nothing was measured of commit");
    ended.says(&format!("it was compared with itself alone; take that with `--base {}`", &sha[..12]));
    checkout.run(["gate", "--base", "HEAD"]).exits(0);
    let mut earlier = ab_of(&sha, 5.0);
    (earlier.run_id, earlier.when_utc) = ("00000000000c".into(), "2026-11-20T05:00:00Z".into());
    keep(&checkout, &earlier);
    checkout.run(["gate"]).exits(10);
}

#[test]
fn the_newest_ab_is_the_word_and_a_base_restricts_it() {
    let (checkout, first) = checkout();
    let second = commit(&checkout, "second");
    let head = commit(&checkout, "head");
    let against = |base: &str, when_utc: &str, slower_percent: f64| {
        let mut record = ab_of(&head, slower_percent);
        record.arms[0].commit.as_mut().unwrap().sha = base.to_owned();
        record.inputs.merge_base = Some(base.to_owned());
        record.when_utc = when_utc.to_owned();
        keep(&checkout, &record);
    };
    against(&first, "2026-11-24T05:00:00Z", 0.0);
    against(&second, "2026-11-24T06:00:00Z", 5.0);
    checkout.run(["gate"]).exits(10);
    checkout.run(["gate", "--base", &first]).exits(0);
    checkout.run(["gate", "--base", "HEAD~2"]).exits(0);
    checkout.run(["gate", "--base", &second]).exits(10);
    checkout.run(["gate", "--head", &second]).exits(20);
    checkout.run(["gate", "--base", "no-such"]).refuses("revision `no-such` is not there", "git fetch");
    against(&first, "2026-11-24T07:00:00Z", -5.0);
    checkout.run(["gate"]).exits(10).says("1 newer A/B of this head do not clear what this one has shown");
    checkout.run(["gate", "--base", &first]).exits(0).prints("IMPROVED: ");
}

#[test]
fn an_ab_goes_before_a_bench_that_is_newer() {
    let (checkout, sha) = checkout();
    keep(&checkout, &ab_of(&sha, 0.0));
    let mut newer = run_of(&sha, 0.0);
    newer.when_utc = "2026-11-25T05:00:00Z".into();
    keep(&checkout, &newer);
    checkout.run(["gate"]).exits(0);
}

#[test]
fn of_benches_the_newest_that_came_to_its_end_is_judged() {
    let (checkout, sha) = checkout();
    let mut unverified = run_of(&sha, 0.0);
    unverified.when_utc = "2026-11-25T05:00:00Z".into();
    unverified.arms[0].prompts[0].golden = GoldenResult::None;
    keep(&checkout, &run_of(&sha, 0.0));
    keep(&checkout, &unverified);
    checkout.run(["gate"]).exits(13).prints("there is no golden to check against: `a`");
}

#[test]
fn a_damaged_record_of_the_commit_is_refused_and_one_of_another_is_no_matter() {
    let (checkout, sha) = checkout();
    let damage = |sha: &str, when_utc: &str| {
        let mut record = ab_of(sha, 0.0);
        record.when_utc = when_utc.to_owned();
        let path = keep(&checkout, &record);
        let altered = fs::read_to_string(&path).unwrap().replacen("\"process\":0", "\"process\":1", 1);
        fs::write(&path, altered).unwrap();
        path.file_name().unwrap().to_str().unwrap().to_owned()
    };
    keep(&checkout, &ab_of(&sha, 0.0));
    damage(&"5".repeat(40), "2026-11-24T06:00:00Z");
    checkout.run(["gate"]).exits(0);
    let damaged = damage(&sha, "2026-11-24T07:00:00Z");
    let ended = checkout.run(["gate"]);
    ended.exits(2).says(&damaged);
    assert_eq!(ended.stdout, "", "nothing is judged");
}

#[test]
fn a_loss_is_cleared_by_as_many_like_passes_as_there_were_losses() {
    let (checkout, sha) = checkout();
    let at = |when_utc: &str, run_id: &str, slower_percent: f64| Experiment {
        when_utc: when_utc.into(),
        run_id: run_id.into(),
        ..ab_of(&sha, slower_percent)
    };
    keep(&checkout, &at("2026-11-24T05:00:00Z", "00000000000a", 5.0));
    keep(&checkout, &at("2026-11-24T06:00:00Z", "00000000000b", 0.0));
    keep(&checkout, &at("2026-11-24T07:00:00Z", "00000000000c", 0.0));
    let ended = checkout.run(["gate"]);
    ended.exits(0).says("the regression that A/B 00000000000a showed was cleared by like experiments since");
    keep(&checkout, &at("2026-11-24T08:00:00Z", "00000000000d", 5.0));
    keep(&checkout, &at("2026-11-24T09:00:00Z", "00000000000e", 0.0));
    checkout.run(["gate"]).exits(10).says("1 newer A/B of this head do not clear what this one has shown");
    keep(&checkout, &at("2026-11-24T10:00:00Z", "00000000000f", 0.0));
    checkout.run(["gate"]).exits(0);
}

/// Another circumstance.
type Change = fn(&mut Experiment);

#[test]
fn a_loss_is_not_cleared_by_a_pass_under_other_circumstances() {
    let changes: [(&str, Change); 7] = [
        ("machine", |run| run.machine.sha256 = "9".repeat(64)),
        ("model", |it| it.arms.iter_mut().for_each(|arm| arm.model.sha256 = "9".repeat(64))),
        ("workload", |it| {
            for arm in &mut it.arms {
                let mut prompts = arm.workload.prompts.clone();
                prompts[0].token_ids = vec![61, 89];
                arm.workload =
                    WorkloadRecord::new(prompts, arm.workload.runs, arm.workload.new_tokens).unwrap();
            }
        }),
        ("device", |it| it.arms.iter_mut().for_each(|arm| arm.device = forged::arc(Some(true)))),
        ("runtime", |it| {
            let runtimes = it.arms.iter_mut().filter_map(|arm| arm.runtime.as_mut());
            runtimes.for_each(|runtime| runtime.openvino_version = "2099.9.9".into());
        }),
        ("setting", |it| {
            for runtime in it.arms.iter_mut().filter_map(|arm| arm.runtime.as_mut()) {
                runtime.properties_effective.insert("KV_CACHE_PRECISION".into(), "u8".into());
            }
        }),
        ("variable", |it| {
            for arm in &mut it.arms {
                arm.environment_variables.insert("OV_GPU_FORCE_PLATFORM".into(), "1".into());
            }
        }),
    ];
    for (name, change) in changes {
        let (checkout, sha) = checkout();
        keep(&checkout, &ab_of(&sha, 5.0));
        let mut later = ab_of(&sha, 0.0);
        (later.run_id, later.when_utc) = ("00000000000b".into(), "2026-11-25T06:00:00Z".into());
        change(&mut later);
        laid_out::record(&mut later);
        keep(&checkout, &later);
        let ended = checkout.run(["gate"]);
        assert_eq!(ended.exits(10).stdout.matches("REGRESSED: ").count(), 1, "{name}: {ended}");
        ended.says("do not clear what this one has shown");
    }
}

#[test]
fn wrong_output_is_cleared_by_nothing() {
    let (checkout, sha) = checkout();
    let mut record = ab_of(&sha, 0.0);
    wrong(&mut record);
    judge(&mut record);
    keep(&checkout, &record);
    for (run_id, when_utc) in
        [("00000000000b", "2026-11-25T06:00:00Z"), ("00000000000c", "2026-11-25T07:00:00Z")]
    {
        keep(&checkout, &Experiment { run_id: run_id.into(), when_utc: when_utc.into(), ..ab_of(&sha, 0.0) });
    }
    checkout.run(["gate"]).exits(11).says("wrong output never");
}

#[test]
fn a_head_cannot_choose_the_base_that_it_is_judged_by() {
    let (checkout, first) = checkout();
    checkout.git(&["branch", "--move", "main"]);
    checkout.git(&["checkout", "--quiet", "-b", "topic"]);
    let slower = commit(&checkout, "slower");
    let head = commit(&checkout, "head");
    let against = |base: &str, run_id: &str, slower_percent: f64| {
        let mut record = Experiment { run_id: run_id.into(), ..ab_of(&head, slower_percent) };
        record.arms[0].commit.as_mut().unwrap().sha = base.to_owned();
        record.inputs.merge_base = Some(base.to_owned());
        record
    };
    keep(&checkout, &against(&slower, "00000000000a", 0.0));
    checkout.run(["gate"]).exits(20).says("nothing was measured");
    keep(&checkout, &against(&first, "00000000000b", 5.0));
    checkout.run(["gate"]).exits(10);
    checkout.run(["gate", "--base", "topic~1"]).exits(0);
}
