//! What the invented history must show, and that nobody can take it for a measured one.

use super::*;
use crate::judge::Validity;
use crate::judge::bisect::Ending;
use crate::judge::change_point::{Detection, change_points};
use crate::judge::kv::kv_arms;
use crate::judge::peers::{Facet, steps};
use crate::judge::soak::SoakResult;
use crate::record::{
    ArmView, DecisionRecord, Entry, Experiment, Outcome, PlanKind, PublishedReference, Status, Verdict,
    contradictions, encode,
};
use crate::report::demo::story::Story;
use crate::report::stored_ending;

const POLICY: &str = include_str!("../../../ci/gate.json");

/// A gate of its own stands after this room; here every A/B passes.
fn passes(_: &Experiment, judged_utc: &str) -> DemoDecisions {
    let decision = DecisionRecord {
        judged_utc: judged_utc.to_owned(),
        verdict: Verdict::Pass,
        reason: "nothing is judged here".to_owned(),
        status: Status::Green,
        checks: Vec::new(),
        comparisons: Vec::new(),
        sensitivity: None,
    };
    DemoDecisions { gate_decision: decision.clone(), decision }
}

fn all(plan: DemoPlan) -> Vec<Experiment> {
    let published =
        PublishedReference::parse(include_str!("../../../fixtures/baselines/published.json")).unwrap();
    let inputs = DemoInputs { policy_text: POLICY, published: &published, decide: &passes };
    records(plan, inputs).unwrap().collect()
}

/// The sample's story with as little of everything as possible.
fn short() -> DemoPlan {
    DemoPlan { new_tokens: 12, ..DemoPlan::sample() }
}

fn runs(records: &[Experiment]) -> Vec<ArmView<'_>> {
    records.iter().filter(|record| record.plan == PlanKind::Bench).map(Experiment::subject).collect()
}

fn of_first_machine(records: &[Experiment], story: Story, at: usize) -> Vec<ArmView<'_>> {
    let subject = story.subject(at);
    let sha = &commits(&short())[at].sha;
    let of_commit = runs(records).into_iter().filter(|run| run.commit.as_ref().unwrap().sha == *sha);
    let first = of_commit.filter(|run| run.experiment.machine.slug.contains("140v"));
    first.inspect(|run| assert_eq!(run.commit.as_ref().unwrap().subject, subject)).collect()
}

fn bytes(records: &[Experiment]) -> Vec<Vec<u8>> {
    records.iter().map(|record| encode(record).unwrap()).collect()
}

#[test]
fn a_seed_gives_the_same_bytes_again_and_another_seed_others() {
    let plan = DemoPlan { commits: 24, ..short() };
    let once = bytes(&all(plan));
    assert_eq!(once, bytes(&all(plan)));
    assert!(bytes(&all(DemoPlan { seed: 21, ..plan })).iter().all(|record| !once.contains(record)));
}

#[test]
fn every_record_says_that_nothing_was_measured() {
    let records = all(short());
    for run in runs(&records) {
        assert!(run.warnings.iter().any(|warning| warning.id == "demo"), "{}", run.experiment.run_id);
        assert!(run.experiment.machine.slug.starts_with("demo-"));
        assert!(run.experiment.machine.cpu.ends_with("(demo)"));
        let named = run.device.ran.as_ref().and_then(|ran| ran.facts().full_name.as_deref());
        assert!(named.is_none_or(|name| name.ends_with("(demo)")), "{named:?}");
    }
    let mut contests = 0;
    for record in &records {
        if record.plan == PlanKind::Bench {
            continue;
        }
        let warned = record.arms.iter().map(|arm| &arm.warnings).chain([&record.warnings]);
        assert!(warned.into_iter().all(|warnings| warnings.iter().any(|warning| warning.id == "demo")));
        contests += 1;
    }
    assert!(contests > 25, "{contests}");
}

#[test]
fn every_way_in_which_a_run_can_end_is_there() {
    let (records, story) = (all(short()), Story::of(short().commits));
    let at = |percent: usize| of_first_machine(&records, story, short().commits * percent / 100);
    let wrong = &of_first_machine(&records, story, story.wrong)[0];
    assert_eq!(wrong.outcome, Outcome::WrongOutput);
    let broken: Vec<_> = wrong.prompts.iter().filter(|prompt| prompt.divergence_text.is_some()).collect();
    assert_eq!(broken.len(), 1);
    let timed =
        |id: &str| wrong.samples.iter().any(|sample| sample.prompt_id == id && sample.times.is_some());
    assert!(!timed(&broken[0].id) && timed("moe-vs-dense"));
    assert_eq!(at(62)[0].outcome, Outcome::Interrupted);
    assert_eq!(at(48)[0].outcome, Outcome::Failed);
    assert!(at(48)[0].failure.as_ref().unwrap().contains("SIGSEGV"));
    let dirty: Vec<bool> = at(10).iter().map(|run| run.commit.as_ref().unwrap().dirty).collect();
    assert_eq!(dirty, [false, true]);
    assert_eq!(at(66).len(), 2, "one commit is measured twice");
    for percent in [14, 15, 52, 91] {
        assert!(at(percent).is_empty(), "nobody measured the commit at {percent} %");
    }
}

/// The time per output token of a machine's runs that may be a baseline, oldest first, epoch by epoch.
fn epochs(records: &[Experiment], machine: &str) -> Vec<Vec<(String, f64)>> {
    let entries: Vec<Entry> =
        records.iter().map(|record| Entry::of("a-record.json".into(), record)).collect();
    let entries: Vec<&Entry> = entries
        .iter()
        .filter(|entry| entry.may_be_baseline() && entry.setting.series.machine.contains(machine))
        .collect();
    let epochs = entries.chunk_by(|one, other| one.setting.epoch.id == other.setting.epoch.id);
    let value = |entry: &&Entry| {
        (entry.commit.as_ref().unwrap().sha.clone(), entry.metric_values.as_ref().unwrap().tpot_ms)
    };
    epochs.map(|epoch| epoch.iter().map(value).collect()).collect()
}

#[test]
fn the_planted_steps_are_found_where_they_are() {
    let plan = DemoPlan { machines: 1, ..DemoPlan::sample() };
    let (records, story, line) = (all(plan), Story::of(plan.commits), commits(&plan));
    let mut found = Vec::new();
    for epoch in epochs(&records, "140v") {
        let metric_values: Vec<f64> = epoch.iter().map(|(_, tpot_ms)| *tpot_ms).collect();
        for point in change_points(&metric_values, &Detection::default()).unwrap() {
            let at = line.iter().position(|commit| commit.sha == epoch[point.index].0).unwrap();
            found.push((at, point.ratio().unwrap()));
        }
    }
    let planted =
        [(story.dearer, 0.97), (story.slower, 1.048), (story.fixed, 1.0 / 1.048), (story.faster, 0.91)];
    for (at, ratio) in planted {
        let near = found.iter().find(|(place, _)| *place == at);
        let Some((_, seen)) = near else { panic!("{plan:?}: nothing at {at}: {found:?}") };
        assert!((seen / ratio - 1.0).abs() < 0.02, "{plan:?}: {seen} for {ratio} at {at}");
    }
    assert!(found.len() <= planted.len() + 1, "{plan:?}: {found:?}");
}

/// Each is what it stands for only where its page shows what such a page is for.
#[test]
fn every_kind_of_record_is_there() {
    let (records, story) = (all(short()), Story::of(short().commits));
    let of = |plan: PlanKind| {
        let of_plan: Vec<&Experiment> = records.iter().filter(|record| record.plan == plan).collect();
        let [record] = of_plan[..] else { panic!("{} of {plan:?}", of_plan.len()) };
        assert_eq!(Validity::of(record), Validity::Valid, "{plan:?}");
        assert_eq!(contradictions(record), [], "{plan:?}");
        record
    };
    let arms = kv_arms(of(PlanKind::Kv));
    assert!(arms.iter().any(|arm| arm.free_running.equal_prompts < 3), "{arms:#?}");
    assert!(arms[1].tpot_ratio.unwrap().lower.unwrap() > 1.0, "{arms:#?}");
    let facets: Vec<Facet> = steps(of(PlanKind::Peers)).into_iter().map(|step| step.facet).collect();
    for facet in [Facet::HostLoop, Facet::Attention, Facet::KvCachePrecision] {
        assert!(facets.contains(&facet), "{facets:?}");
    }
    let soak = SoakResult::of(&of(PlanKind::Soak).subject());
    assert!(!soak.changes.is_empty() && soak.after_pause.unwrap() < 0.97, "{soak:?}");
    let compared: Vec<Experiment> = records.into_iter().filter(|record| record.bisect.is_some()).collect();
    let found = stored_ending(&compared);
    let (good, _) = story.bisected().unwrap();
    assert_eq!(found, Some(Ending::Found { at: story.slower - good }), "{} comparisons", compared.len());
}

#[test]
fn a_run_and_an_ab_of_one_commit_are_both_judged_by_the_published_value() {
    for record in all(short()) {
        let is_of_large_model = record.subject().model.name.contains("20b");
        let published = record.published.as_ref().unwrap();
        let accepted = published.model.accepted(&record.subject().model.sha256);
        assert_eq!(accepted.is_some(), is_of_large_model, "{}", record.run_id);
    }
}
