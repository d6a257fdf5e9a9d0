//! `bisect`: which of several sides made it slower or wrong. How often the answer is right, over simulated bisects with
//! fixed seeds; and the verb itself on scripted workers.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use arcgauge::gate::{Strictness, decide};
use arcgauge::judge::bisect::{
    Comparison, Doubt, Ending, Next, Step, StepAnswer, most_comparisons, next, rule_of, wrong_name_percent,
    wrong_turn_percent,
};
use arcgauge::judge::policy::Policy;
use arcgauge::judge::sequential::{SequentialOutcome, sequential};
use arcgauge::measure::Metric;
use arcgauge::record::{BisectRecord, Experiment, Verdict, contradictions};
use arcgauge::run::bisect;
use serde_json::json;

use crate::ab_scripted;
use crate::checkout::{Checkout, edit_json};
use crate::ended::Ended;
use crate::fake_worker::fake_worker;
use crate::forged_pairs::policy_text;
use crate::git_repository::{GitRepository, says};
use crate::noisy_machine::NoisyMachine;

const COMMITS: usize = 12;
const BISECTS: usize = 200;
/// Standard deviation of a pair's difference, a share.
const PAIR_SD: f64 = 0.03;

/// What simulated bisects came to.
#[derive(Debug, Default)]
struct Share {
    right: usize,
    cannot_tell: usize,
    wrong: usize,
    wrong_turns: usize,
    most_comparisons: usize,
    pairs: usize,
}

/// Bisects of twelve commits on a noisy machine, one of which is slower by so much; without any, one would be wrong to
/// name a commit.
fn simulated(slower_percent: f64) -> Share {
    let policy = Policy::parse(&policy_text(), "shipped").unwrap();
    let mut share = Share::default();
    for seed in 0..BISECTS {
        let planted = seed % COMMITS + 1;
        let truth = |it: (usize, usize)| it.0 < planted && planted <= it.1 && slower_percent > 0.0;
        let mut machine = NoisyMachine::new(seed as u64, 0.0);
        let (mut steps, mut pairs, mut is_wrong_turn) = (Vec::new(), 0, false);
        let ending = bisect(COMMITS, &mut steps, &mut |it: &Comparison| {
            let factor = if truth((it.base, it.head)) { 1.0 + slower_percent / 100.0 } else { 1.0 };
            let rule = rule_of(Some(&step_record(it)), &policy);
            let mut differences = Vec::new();
            loop {
                differences.push(machine.scripted_pair_ln(factor, PAIR_SD));
                let result = sequential(&differences, &rule).unwrap();
                let answer = match result.outcome {
                    SequentialOutcome::Undecided { .. } => continue,
                    SequentialOutcome::Regressed => StepAnswer::Worse,
                    SequentialOutcome::Pass | SequentialOutcome::Improved => StepAnswer::NotWorse,
                    SequentialOutcome::Inconclusive => StepAnswer::CannotTell,
                };
                pairs += differences.len();
                // Between the thresholds either answer is right.
                is_wrong_turn |= match answer {
                    StepAnswer::Worse => factor.ln() <= rule.regressed_beyond_ln(),
                    StepAnswer::NotWorse => factor.ln() >= rule.passes_within_ln(),
                    _ => false,
                };
                return Ok(Some(Step { base: it.base, head: it.head, answer, interval: result.interval }));
            }
        });
        match ending.unwrap().unwrap() {
            Ending::Found { at } if at == planted && slower_percent > 0.0 => share.right += 1,
            Ending::Found { .. } => share.wrong += 1,
            Ending::NotWorse if slower_percent == 0.0 => share.right += 1,
            Ending::NotWorse | Ending::CannotTell { .. } => share.cannot_tell += 1,
        }
        share.wrong_turns += usize::from(is_wrong_turn);
        share.most_comparisons = share.most_comparisons.max(steps.len());
        share.pairs += pairs;
    }
    share
}

fn step_record(it: &Comparison) -> BisectRecord {
    BisectRecord {
        question_sha256: "1".repeat(64),
        last: COMMITS,
        base: it.base,
        head: it.head,
        metric: Some(Metric::TimePerOutputToken),
        change_percent: it.change_percent,
    }
}

/// `cargo test --test it two_hundred -- --nocapture` prints the table.
#[test]
#[expect(clippy::print_stdout, reason = "a table to be read, and every line of it is asserted")]
fn two_hundred_bisects_of_a_slower_commit_name_a_wrong_one_twice_at_most() {
    for (slower, right) in [(0.0, 60), (2.0, 0), (4.0, 15), (8.0, 190), (16.0, 198)] {
        let share = simulated(slower);
        println!(
            "{slower:4} % slower: {} right, {} cannot tell, {} wrong (bound 1 %); {} wrong turns (bound {} %), {:.0} pairs",
            share.right,
            share.cannot_tell,
            share.wrong,
            share.wrong_turns,
            wrong_turn_percent(share.most_comparisons),
            share.pairs as f64 / BISECTS as f64
        );
        assert!(share.wrong <= 2, "{slower}: {share:?}");
        let bound = wrong_turn_percent(share.most_comparisons) / 100.0 * BISECTS as f64;
        assert!(share.wrong_turns as f64 <= bound, "{slower}: {share:?}");
        assert!(share.right >= right, "{slower}: {share:?}");
    }
}

#[test]
fn without_noise_each_place_of_a_wrong_token_is_found_in_as_many_comparisons_as_are_announced() {
    for last in 1..=40 {
        for planted in 1..=last {
            let mut steps = Vec::new();
            let ending = bisect(last, &mut steps, &mut |it| {
                let is_wrong = it.base < planted && planted <= it.head;
                let answer = if is_wrong { StepAnswer::Worse } else { StepAnswer::NotWorse };
                Ok(Some(Step { base: it.base, head: it.head, answer, interval: None }))
            });
            assert_eq!(ending.unwrap(), Some(Ending::Found { at: planted }), "{planted} of {last}");
            assert!(steps.len() <= most_comparisons(last, false), "{planted} of {last}: {}", steps.len());
        }
    }
}

/// Comparisons of twelve commits by base and head.
fn next_after(answers: &[(usize, usize, StepAnswer)]) -> Next {
    let interval = sequential(&[0.08; 5], &Policy::parse(&policy_text(), "").unwrap().sequential.rule());
    let interval = interval.unwrap().interval;
    let step = |(base, head, answer)| Step { base, head, answer, interval };
    next(COMMITS, &answers.iter().copied().map(step).collect::<Vec<_>>())
}

fn head_after(answers: &[(usize, usize, StepAnswer)]) -> usize {
    match next_after(answers) {
        Next::Compare(comparison) => comparison.head,
        Next::Ended(ending) => panic!("{ending:?}"),
    }
}

#[test]
fn a_side_that_cannot_be_decided_or_built_is_passed_over_for_its_neighbours() {
    use StepAnswer::{CannotTell, NotWorse, Unusable, Worse};
    let ends = (0, 12, Worse);
    assert_eq!(head_after(&[ends]), 6);
    assert_eq!(head_after(&[ends, (0, 6, CannotTell)]), 5);
    assert_eq!(head_after(&[ends, (0, 6, Unusable), (0, 5, Unusable), (0, 7, Unusable)]), 4);
    let twice = [ends, (0, 6, CannotTell), (0, 5, CannotTell)];
    let cannot_tell = |good, bad, reason| Next::Ended(Ending::CannotTell { good, bad, reason });
    assert_eq!(next_after(&twice), cannot_tell(0, 12, Doubt::Undecided));
    // Decided after all, when it is measured again.
    assert_eq!(head_after(&[&twice[..], &[(0, 6, NotWorse)]].concat()), 9);
    let narrow = [ends, (0, 6, NotWorse), (0, 9, Worse), (0, 7, Unusable), (0, 8, Unusable)];
    assert_eq!(next_after(&narrow), cannot_tell(6, 9, Doubt::Undecided));
}

#[test]
fn a_side_is_named_only_after_it_was_compared_with_the_one_before_it() {
    use StepAnswer::{CannotTell, NotWorse, Worse};
    let path = [(0, 12, Worse), (0, 6, NotWorse), (0, 9, Worse), (0, 7, NotWorse), (0, 8, Worse)];
    let Next::Compare(last) = next_after(&path) else { panic!("it is not compared") };
    assert_eq!((last.base, last.head, last.change_percent), (7, 8, None));
    let after = |answer| next_after(&[&path[..], &[(7, 8, answer)]].concat());
    assert_eq!(after(Worse), Next::Ended(Ending::Found { at: 8 }));
    let cannot_tell = |good, bad, reason| Next::Ended(Ending::CannotTell { good, bad, reason });
    assert_eq!(after(CannotTell), cannot_tell(7, 8, Doubt::Undecided));
    assert_eq!(after(NotWorse), cannot_tell(0, 12, Doubt::Contradicted));
    assert_eq!(next_after(&[(0, 12, NotWorse)]), Next::Ended(Ending::NotWorse));
    // Each comparison of the two could have been wrong.
    let step = |answer| Step { base: 7, head: 8, answer, interval: None };
    assert!((wrong_name_percent(&[step(CannotTell), step(Worse)], 8) - 2.0).abs() < 1e-9);
}

/// A scripted A/B as a comparison of this bisect.
fn in_bisect(mut record: Experiment, bisect: BisectRecord) -> Experiment {
    record.bisect = Some(bisect);
    record
}

#[test]
fn a_step_is_judged_between_no_change_and_the_change_that_was_found_and_a_gate_by_its_policy() {
    let step = |change_percent| BisectRecord {
        head: if change_percent > 0.0 { 6 } else { COMMITS },
        change_percent: (change_percent > 0.0).then_some(change_percent),
        ..step_record(&Comparison { base: 0, head: 6, change_percent: None })
    };
    // 5 % are a regression; in a bisect for 30 % they are not the change that is searched for.
    for (change, answer, verdict) in [
        (0.0, StepAnswer::Worse, Verdict::Regressed),
        (6.0, StepAnswer::Worse, Verdict::Regressed),
        (30.0, StepAnswer::NotWorse, Verdict::Pass),
    ] {
        let record = in_bisect(ab_scripted::record(5.0, 1), step(change));
        assert_eq!(Step::of(&record).unwrap().answer, answer, "{change}");
        let policy = Policy::parse(&policy_text(), "shipped").unwrap();
        let decided = |strictness| decide(&record, &policy, "2026-11-30T12:00:00Z", strictness).verdict;
        assert_eq!(decided(Strictness::Ab), verdict, "{change}");
        assert_eq!(decided(Strictness::Gate), Verdict::Regressed, "{change}");
    }
}

#[test]
fn a_wrong_token_is_what_is_searched_for_or_leaves_a_side_without_a_speed() {
    let step = step_record(&Comparison { base: 0, head: COMMITS, change_percent: None });
    // By this seed the base runs first.
    let wrong =
        (0..20).map(ab_scripted::wrong_record).find(|record| !record.arms[0].samples.is_empty()).unwrap();
    let of_metric = in_bisect(wrong.clone(), step.clone());
    assert_eq!(Step::of(&of_metric).unwrap().answer, StepAnswer::Unusable);
    let of_tokens = in_bisect(wrong.clone(), BisectRecord { metric: None, ..step.clone() });
    assert_eq!(Step::of(&of_tokens).unwrap().answer, StepAnswer::Worse);
    // Of a base that never ran it is not known that its output is right.
    let mut alone = of_tokens;
    alone.arms[0].processes.clear();
    assert_eq!(Step::of(&alone), None);
}

#[test]
fn a_record_whose_place_in_a_bisect_cannot_be_is_refused_by_the_name_of_the_field() {
    type Forge = fn(&mut Experiment, &mut BisectRecord);
    let forged: [(Forge, &str); 9] = [
        (|it, _| it.plan = arcgauge::record::PlanKind::Peers, "bisect"),
        (|_, it| it.question_sha256 = "<script>".to_owned(), "bisect.question_sha256"),
        (|_, it| it.last = usize::MAX, "bisect.last"),
        (|_, it| it.head = 13, "bisect.head"),
        (|_, it| it.base = 6, "bisect.base"),
        (|_, it| it.metric = Some(Metric::PeakRss), "bisect.metric"),
        (|_, it| it.change_percent = None, "bisect.change_percent"),
        (|_, it| it.change_percent = Some(-8.0), "bisect.change_percent"),
        (|it, _| it.sampling.rounds_requested = Some(5), "sampling.rounds_requested"),
    ];
    let good = in_bisect(
        ab_scripted::record(0.0, 1),
        step_record(&Comparison { base: 0, head: 6, change_percent: Some(8.0) }),
    );
    assert_eq!(contradictions(&good), []);
    for (forge, field) in forged {
        let mut record = good.clone();
        let mut bisect = record.bisect.take().unwrap();
        forge(&mut record, &mut bisect);
        record.bisect = Some(bisect);
        let found = contradictions(&record);
        assert!(found.iter().any(|it| it.field == field), "{field}: {found:?}");
    }
}

#[test]
fn the_commits_between_are_those_of_the_first_parents() {
    let repository = GitRepository::with(&[("file", "0")]);
    let good = repository.sha("HEAD");
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    let beside = repository.commit("Beside");
    repository.git(&["checkout", "--quiet", "main"]);
    let one = repository.commit("One");
    repository.git(&["merge", "--quiet", "--no-ff", "--message", "Merge", "side"]);
    let merge = repository.sha("HEAD");
    let line = repository.open().first_parents(&good, &merge, 9).unwrap();
    assert_eq!(line.iter().map(|commit| commit.sha.as_str()).collect::<Vec<_>>(), [&one, &merge]);
    let refused = repository.open().first_parents(&beside, &merge, 9);
    says(refused, "is not among the last 3 first parents", "git log --first-parent");
    says(repository.open().first_parents(&good, &merge, 1), "is not among the last 1", "git log");
}

/// The flags of a bisect on scripted workers, which take no device.
fn flags(checkout: &Checkout, sides: &[&str]) -> Vec<String> {
    let worker = fake_worker(checkout, "well");
    let (good, bad) = (sides[0], sides[sides.len() - 1]);
    let over = sides[1..sides.len() - 1].iter().flat_map(|side| ["--over", side]);
    let mut flags: Vec<&str> =
        ["bisect", "--good", good].into_iter().chain(over).chain(["--bad", bad]).collect();
    flags.extend(["--device", "CPU", "--prompt", "fibonacci", "--max-new-tokens", "4", "--ignore-guards"]);
    flags.extend(["--settle-limit-s", "0"]);
    let (worker, lock) = (worker.to_str().unwrap(), checkout.lock());
    flags.extend(["--worker", worker, "--lock", lock.to_str().unwrap()]);
    flags.into_iter().map(str::to_owned).collect()
}

/// Sides of which those from the seventh on answer with other tokens.
const WRONG_FROM_7: [&str; 13] = [
    "env:A=0",
    "env:A=1",
    "env:A=2",
    "env:A=3",
    "env:A=4",
    "env:A=5",
    "env:A=6",
    "env:FAKE_FIRST_TOKEN=2",
    "env:FAKE_FIRST_TOKEN=3",
    "env:FAKE_FIRST_TOKEN=4",
    "env:FAKE_FIRST_TOKEN=5",
    "env:FAKE_FIRST_TOKEN=6",
    "env:FAKE_FIRST_TOKEN=7",
];

#[test]
fn a_wrong_token_among_twelve_is_found_and_a_killed_bisect_goes_on_where_it_was() {
    let checkout = Checkout::new();
    let flags = flags(&checkout, &WRONG_FROM_7);
    let command = |more: &[&str]| {
        let mut command = checkout.command(&flags);
        command.args(["--tokens", "--unverified"]).args(more);
        command
    };
    let planned = Ended::of(command(&["--plan"]).output().unwrap());
    planned.exits(0).prints("13 sides").prints("at most 5 where each decides");
    assert_eq!(checkout.store().files().len(), 0, "a plan measures nothing");

    let mut killed = command(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while checkout.store().files().len() < 2 {
        assert!(killed.try_wait().unwrap().is_none(), "it ended before it could be killed");
        thread::sleep(Duration::from_millis(20));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let before = checkout.store().files();

    let ended = Ended::of(command(&[]).output().unwrap());
    ended
        .exits(0)
        .prints("FOUND: side 7 (env:FAKE_FIRST_TOKEN=2)")
        .says(&format!("{} were made before", before.len()));
    let after = checkout.store().files();
    assert!(before.iter().all(|file| after.contains(file)));
    assert!(after.len() <= most_comparisons(12, false), "nothing is measured twice: {after:?}");

    let again = Ended::of(command(&["--format", "json"]).output().unwrap());
    again.exits(0).says("nothing is measured").prints("\"answer\": \"found\"");
    assert_eq!(checkout.store().files(), after);
    let page = std::fs::read_to_string(checkout.path("reports/site/bisects.html")).unwrap();
    assert!(page.contains("env:FAKE_FIRST_TOKEN=2") && page.contains("FOUND"), "{page}");
}

#[test]
fn where_the_output_of_the_good_side_is_wrong_too_nobody_is_named() {
    let checkout = Checkout::new();
    // Its tokens are not the golden ones.
    let flags = flags(&checkout, &["env:A=0", "env:A=1"]);
    let ended = checkout.run(flags.iter().map(String::as_str).chain(["--tokens"]));
    ended.exits(11).says("the output of side 0 (`env:A=0`) is wrong").says("hint: name a good side");
}

#[test]
fn the_first_side_whose_distributions_drift_beyond_the_limit_is_found() {
    let checkout = Checkout::with_own_goldens();
    // A scripted worker reads back no precision.
    edit_json(&checkout.golden("drift"), |reference| {
        let limit = &mut reference["limits"][0];
        (limit["inference_precision"], limit["kv_cache_precision"]) = (json!(""), json!(""));
    });
    let sides: Vec<String> = (0..=4)
        .map(|side| format!("env:FAKE_MEAN_KL_NATS={}e-{}", side + 1, if side < 3 { 12 } else { 6 }))
        .collect();
    let flags = flags(&checkout, &sides.iter().map(String::as_str).collect::<Vec<_>>());
    let ended = checkout.run(flags.iter().map(String::as_str).chain(["--drift", "--unverified"]));
    ended
        .exits(0)
        .says("bisect for mean_kl@1: 5 sides")
        .says("drift: 2 more loads")
        .prints("FOUND: side 3 (env:FAKE_MEAN_KL_NATS=4e-6) is the first that is wrong");
    let flags = self::flags(&checkout, &["env:FAKE_MEAN_KL_NATS=1", "env:FAKE_MEAN_KL_NATS=2"]);
    let ended = checkout.run(flags.iter().map(String::as_str).chain(["--drift", "--unverified"]));
    ended.exits(11).says("the distributions of side 0").says("hint: name a good side that is right");
}

#[test]
#[ignore = "heavy: fifty processes"]
fn the_slower_of_several_sides_is_found_and_where_none_is_slower_that_is_said() {
    let checkout = Checkout::new();
    let slower = ["FAKE_TOKEN_NS=500000", "FAKE_TOKEN_NS=500001", "FAKE_TOKEN_NS=600000"];
    let run = |sides: &[&str], more: &[&str]| {
        let sides: Vec<String> = sides.iter().map(|side| format!("env:{side}")).collect();
        let flags = flags(&checkout, &sides.iter().map(String::as_str).collect::<Vec<_>>());
        checkout.run(flags.iter().map(String::as_str).chain(["--unverified"]).chain(more.iter().copied()))
    };
    run(&slower, &[])
        .exits(0)
        .prints("FOUND: side 2 (env:FAKE_TOKEN_NS=600000)")
        .prints("probability of a wrong name  at most 1.0 %");
    let same = ["FAKE_TOKEN_NS=500000", "FAKE_TOKEN_NS=500001", "FAKE_TOKEN_NS=500002"];
    run(&same, &["--metric", "ttft@1"]).exits(13).prints("NOT WORSE");
}

#[test]
fn what_cannot_be_bisected_is_refused_before_anything_is_measured() {
    let checkout = Checkout::new();
    let run = |flags: &[&str]| checkout.run([&["bisect", "--device", "CPU"], flags].concat());
    run(&["--good", "A=1", "--bad", "A=2", "--metric", "peak_rss@1"])
        .exits(2)
        .says("pairs are not tested by `peak_rss@1`: use `tpot@1` or `ttft@1`");
    run(&["--good", "A=1", "--bad", "A=1"]).refuses("side `A=1` is named twice", "each side once");
    run(&["--good", "A=1", "--bad", "HEAD"])
        .refuses("some sides name a revision", "for each side, or for none");
}
