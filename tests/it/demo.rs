//! The invented history, judged by the real gate: every verdict is there, and it can have any length.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Instant;

use arcgauge::gate::{Strictness, calibrate, decide};
use arcgauge::judge::policy::Policy;
use arcgauge::record::{Ancestry, Entry, Experiment, Outcome, PlanKind, Status, Verdict, sort_along};
use arcgauge::report::demo::{DemoDecisions, DemoInputs, DemoPlan, commits, records};

use crate::forged::published;
use crate::forged_pairs::policy_text;

/// The invented history of a plan, as `report --demo` makes it.
fn history_of(plan: DemoPlan) -> Vec<Experiment> {
    let (text, published) = (policy_text(), published());
    let policy = Policy::parse(&text, "ci/gate.json").unwrap();
    let judged = |record: &Experiment, judged_utc: &str| judge(record, &policy, judged_utc);
    let inputs = DemoInputs { policy_text: &text, published: &published, decide: &judged };
    records(plan, inputs).unwrap().collect()
}

/// What is decided of an invented A/B: the same as of a measured one.
fn judge(record: &Experiment, policy: &Policy, judged_utc: &str) -> DemoDecisions {
    DemoDecisions {
        decision: decide(record, policy, judged_utc, Strictness::Ab),
        gate_decision: decide(record, policy, judged_utc, Strictness::Gate),
    }
}

/// The A/Bs of a commit by itself: those of a bisect are of other commits, too.
fn contests(records: &[Experiment]) -> Vec<&Experiment> {
    let contests = records.iter().filter(|record| record.plan == PlanKind::Ab && record.bisect.is_none());
    contests.collect()
}

#[test]
fn the_gate_says_every_word_over_the_invented_history_and_mostly_pass() {
    let records = history_of(DemoPlan { machines: 1, ..DemoPlan::sample() });
    let mut words: BTreeMap<Verdict, Vec<&str>> = BTreeMap::new();
    for record in contests(&records) {
        for decision in [&record.decision, &record.gate_decision] {
            let commit = record.arms[1].commit.as_ref().unwrap();
            words.entry(decision.as_ref().unwrap().verdict).or_default().push(&commit.subject);
        }
    }
    let once_each = |verdict: Verdict| {
        let both = &words[&verdict];
        assert_eq!(both.len(), 2, "{verdict:?}: {both:?}");
        assert_eq!(both[0], both[1], "both askers say the same");
        both[0]
    };
    assert_eq!(once_each(Verdict::Regressed), "Copy the key cache before each step");
    assert_eq!(once_each(Verdict::Mixed), "Keep the dequantised scales beside the weights");
    assert_eq!(once_each(Verdict::WrongOutput), "Sum the experts in half precision");
    once_each(Verdict::InvalidEnvironment);
    once_each(Verdict::Inconclusive);
    let improved = &words[&Verdict::Improved];
    assert!(improved.contains(&"Fuse the router with the first expert's product"), "{improved:?}");
    assert!(words[&Verdict::Pass].len() > 30, "{words:?}");
}

#[test]
fn a_slower_start_alone_is_a_warning_and_every_ab_is_judged_by_the_published_value() {
    let records = history_of(DemoPlan { machines: 1, ..DemoPlan::sample() });
    let of = |subject: &str| {
        let of_head = |record: &&&Experiment| record.arms[1].commit.as_ref().unwrap().subject == subject;
        contests(&records).iter().find(of_head).unwrap().gate_decision.clone().unwrap()
    };
    let slower_start = of("Check every prompt's tokens against the vocabulary");
    assert_eq!(slower_start.status, Status::GreenWithWarning, "{slower_start:?}");
    let reached = of("Fuse the router with the first expert's product");
    assert_eq!(reached.status, Status::Green, "{reached:?}");
    for record in contests(&records) {
        let Some(decision) = &record.gate_decision else { continue };
        let anchor = decision.checks.iter().find(|check| check.id == "published-anchor");
        let is_judged = anchor.is_none_or(|anchor| {
            anchor.reason.ends_with("21.24 (published)") || record.outcome != Outcome::Complete
        });
        assert!(is_judged, "{}: {anchor:?}", record.run_id);
    }
    assert_eq!(of("Copy the key cache before each step").verdict, Verdict::Regressed);
}

#[test]
fn the_machine_is_calibrated_by_three_runs_of_a_commit_against_itself() {
    let records = history_of(DemoPlan { machines: 1, ..DemoPlan::sample() });
    let contests = contests(&records);
    let of_one: Vec<&Experiment> = contests.into_iter().filter(|record| record.is_against_itself()).collect();
    assert_eq!(of_one.len(), 3);
    let rule = Policy::parse(&policy_text(), "ci/gate.json").unwrap().sequential.rule();
    let calibration = calibrate(&of_one, &rule).unwrap();
    assert!((0.2..1.2).contains(&calibration.pair_sd_percent), "{calibration:?}");
    assert_eq!(calibration.said_regressed, 0, "{calibration:?}");
}

#[test]
fn a_long_history_is_listed_along_its_line_without_a_disk() {
    is_listed_along_its_line(1_000);
}

#[test]
#[ignore = "heavy: half a minute"]
fn ten_thousand_commits_are_listed_along_their_line_without_a_disk() {
    is_listed_along_its_line(10_000);
}

fn is_listed_along_its_line(length: usize) {
    let plan = DemoPlan::of_commits(length);
    let begun = Instant::now();
    let records = history_of(plan);
    let made = begun.elapsed();
    let entries = records.iter().zip(0..).map(|(record, at)| Entry::of(format!("{at}.json").into(), record));
    let entries: Vec<Entry> = entries.collect();
    report(&format!(
        "{} records in {made:.1?}, with their entries in {:.1?}",
        records.len(),
        begun.elapsed()
    ));
    let line = Ancestry::of_line(commits(&plan).into_iter().rev().map(|commit| commit.sha));
    let mut listed: Vec<&Entry> = entries.iter().collect();
    sort_along(&mut listed, &line);
    let distances: Vec<usize> =
        listed.iter().map(|entry| line.distance(&entry.commit.as_ref().unwrap().sha).unwrap()).collect();
    assert!(distances.is_sorted());
    let in_series = listed.iter().filter(|entry| entry.may_be_baseline()).count();
    assert!(in_series > length - 10, "{in_series} of {length}");
}

/// What is seen with `--nocapture`; a time is printed and not judged: machines differ.
fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
