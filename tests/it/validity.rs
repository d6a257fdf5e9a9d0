//! What invalidates a record, and where it is said: first, in the report, the list and the comparison.

use arcgauge::gate::Strictness;
use arcgauge::judge::Validity;
use arcgauge::record::{Ancestry, CheckResult, Entry, Experiment, Outcome, PlanKind, Warning};
use arcgauge::report::decision::{Subject, decision_document, pair_lines};
use arcgauge::report::peers::{peers_document, peers_json};
use arcgauge::report::view::timelines;
use arcgauge::report::{Detail, bench_document};
use arcgauge::run::invalid_rounds;
use arcgauge::sys::Observed;

use crate::checkout::Checkout;
use crate::first_light::arc;
use crate::forged::{self, store};
use crate::forged_pairs::{ab, around, both, decided, guard_log, judge};

/// A run during which pages were read back from swap.
fn swapped() -> Experiment {
    let mut record = forged::record();
    for process in &mut record.arms[0].processes {
        crate::forged_pairs::watched(process, 12, true);
    }
    record.arms[0].warnings = vec![arcgauge::record::Warning::new(
        "guard-swap-in",
        "guard `swap-in` tripped in process 1: `12` pages were read back from swap",
        "the times of these processes are invalid: measure again on a quiet machine",
    )];
    record
}

/// An A/B on a processor that others kept busy before its first process.
fn busy(ignore_guards: bool) -> Experiment {
    let mut record = ab(&around(0.0, 0.3, 5));
    record.sampling.ignore_guards = ignore_guards;
    for run in both(&mut record) {
        for process in &mut run.processes {
            let mut log = guard_log(0, true);
            for reading in &mut log.readings {
                reading.cpu_some_avg10_percent = Observed::Observed(99.0);
            }
            process.guards = Some(log);
        }
    }
    judge(&mut record);
    record
}

fn entry(record: &Experiment) -> Entry {
    Entry::of("a.json".into(), record)
}

#[test]
fn a_run_under_a_guard_says_so_in_its_first_line_and_once() {
    let record = swapped();
    let text = bench_document(record.subject(), Detail::Brief).to_text(None);
    assert!(text.starts_with("INVALID: `swap-in`: `12` pages were read back from swap\n\n"), "{text}");
    assert_eq!(text.matches("read back from swap").count(), 1, "{text}");
}

#[test]
fn the_record_and_its_index_entry_have_one_validity() {
    let with = |outcome: Outcome| {
        let mut record = forged::record();
        (record.outcome, record.arms[0].outcome) = (outcome, outcome);
        record
    };
    let mut verified = forged::record();
    verified.arms[0].prompts[0].golden = arcgauge::golden::GoldenResult::Match;
    let records = [
        (verified, "valid"),
        (swapped(), "invalid"),
        (forged::record(), "unverified"),
        (with(Outcome::WrongOutput), "wrong-output"),
        (with(Outcome::Failed), "failed"),
        (with(Outcome::Interrupted), "interrupted"),
        (ab(&around(0.0, 0.3, 5)), "valid"),
    ];
    for (record, expected) in records {
        assert_eq!(Validity::of(&record).as_str(), expected);
        assert_eq!(Validity::of_entry(&entry(&record)).as_str(), expected);
    }
}

#[test]
fn load_that_was_there_before_the_first_pair_invalidates_it_and_no_later_one() {
    let lines = pair_lines(&busy(false));
    let reason = lines[0].invalidated_by.as_deref().unwrap();
    assert!(reason.ends_with("tasks waited for a processor for 99.0 % of ten seconds"), "{reason}");
    assert!(lines[1..].iter().all(|line| line.invalidated_by.is_none()), "{lines:?}");
}

#[test]
fn pairs_that_count_despite_a_guard_are_not_called_clean() {
    let record = busy(true);
    let decision = decided(&record, Strictness::Ab);
    let guards = decision.checks.iter().find(|check| check.id == "guards").unwrap();
    assert_eq!(guards.result, CheckResult::Warns);
    let text = decision_document(Subject::of(&record), Some(&decision)).to_text(None);
    assert!(text.starts_with("INVALID: `cpu-pressure` on `base`: "), "{text}");
    assert!(text.contains("kept, guards ignored: `cpu-pressure`"), "{text}");
}

/// Engines side by side, of which a guard invalidates so many rounds.
fn engines(invalidated: usize, ignore_guards: bool) -> Experiment {
    let mut record = arc::peers();
    record.sampling.ignore_guards = ignore_guards;
    for engine in &mut record.arms {
        for process in engine.processes.iter_mut().filter(|process| process.index < invalidated) {
            process.guards = Some(guard_log(12, true));
        }
    }
    record
}

#[test]
fn engines_of_which_no_round_counts_are_invalid_with_the_reason_and_those_with_a_round_are_not() {
    let reason = "`swap-in` on `stateful`: `12` pages were read back from swap";
    for (record, word) in [
        (engines(0, false), "valid"),
        (engines(2, false), "valid"),
        (engines(3, false), "invalid"),
        (engines(0, true), "valid"),
        (engines(1, true), "invalid"),
    ] {
        let validity = Validity::of(&record);
        assert_eq!(validity.as_str(), word);
        let text = peers_document(&record).to_text(None);
        assert_eq!(text.starts_with(&format!("INVALID: {reason}\n")), word == "invalid", "{text}");
        assert!(peers_json(&record).contains(&format!("\"validity\": \"{word}\"")));
    }
}

#[test]
fn the_list_calls_arms_of_which_no_round_counts_invalid_and_those_with_a_round_valid() {
    for plan in [PlanKind::Peers, PlanKind::Kv] {
        let of = |invalidated| {
            let mut record = Experiment { plan, ..engines(invalidated, false) };
            // What each arm is warned of, whether its round counts or not.
            record.arms[0].warnings.push(Warning::new(
                "guard-swap-in",
                "pages were read back",
                "measure again",
            ));
            record
        };
        let mut record = of(3);
        let warning = invalid_rounds(&record).unwrap();
        assert!(warning.message.ends_with("were read back from swap"), "{}", warning.message);
        record.warnings.push(warning);
        assert_eq!(Validity::of_entry(&entry(&record)).as_str(), "invalid");
        assert_eq!(invalid_rounds(&of(2)), None);
        assert_eq!(Validity::of_entry(&entry(&of(2))).as_str(), "valid", "{plan:?}");
    }
}

#[test]
fn arms_beside_each_other_are_on_no_timeline_of_commits() {
    for plan in [PlanKind::Bench, PlanKind::Peers, PlanKind::Kv] {
        let record = Experiment { plan, ..engines(0, false) };
        let entries = [entry(&record)];
        let on_timelines = timelines(&entries, &Ancestry::default()).len();
        assert_eq!(on_timelines, usize::from(plan == PlanKind::Bench), "{plan:?}");
    }
}

#[test]
fn the_list_the_record_and_the_comparison_say_the_same_word_first() {
    let checkout = Checkout::new();
    let invalid = store(&checkout, &swapped());
    let mut valid = forged::record();
    valid.run_id = "00000000000e".into();
    store(&checkout, &valid);
    checkout.run(["history", "list"]).exits(0).prints("INVALID swap-in");
    let shown = checkout.run(["history", "show", invalid.to_str().unwrap()]);
    assert!(shown.exits(0).stdout.starts_with("INVALID: "), "{shown}");
    let compared = checkout.run(["compare", invalid.to_str().unwrap(), "00000000000e"]);
    assert!(compared.exits(13).stdout.starts_with("INVALID: A, `swap-in`"), "{compared}");
}
