//! JUnit's XML: an A/B as its decision is reported anywhere, and a run with a case a prompt.

use crate::golden::GoldenResult;
use crate::judge::PromptSummary;
use crate::judge::comparability::ComparedSide;
use crate::measure::{Metric, MetricValues};
use crate::record::{ArmView, Experiment, Outcome, PlanKind, PromptRecord};
use crate::report::decision::{Subject, decision_suite, pair_lines};
use crate::report::exchange::naming::{benchmark, group};
use crate::report::junit::{Case, Ending, Suite, document};
use crate::report::number::four_digits;

/// The figures that a case tells.
const TOLD: [Metric; 3] = [Metric::TimePerOutputToken, Metric::TimeToFirstToken, Metric::EndToEndThroughput];

pub(super) fn text(records: &[Experiment]) -> String {
    let suites = records.iter().flat_map(|record| match record.plan {
        PlanKind::Bench => vec![of_run(record.subject())],
        PlanKind::Ab => vec![of_ab(record)],
        PlanKind::Peers => of_peers(record),
    });
    document(&suites.collect::<Vec<_>>())
}

fn of_ab(ab: &Experiment) -> Suite {
    let pairs = pair_lines(ab);
    let subject = Subject { record: ab, pairs: &pairs };
    if let Some(decision) = ab.decision.as_ref().or(ab.gate_decision.as_ref()) {
        return decision_suite(subject, decision);
    }
    let name = format!("A/B of {}, record {}", group(ab.head()), ab.run_id);
    let case = ending("verdict", ab.outcome, ab.failure.as_deref()).unwrap_or_else(|| {
        case("verdict", "verdict", Ending::Skipped, "undecided", "it came to no decision".to_owned())
    });
    Suite { name, when_utc: ab.when_utc.clone(), cases: vec![case] }
}

fn of_run(run: ArmView<'_>) -> Suite {
    let side = ComparedSide::of(&run);
    let mut cases: Vec<Case> = ending("run", run.outcome, run.failure.as_deref()).into_iter().collect();
    if let Some(reason) = &side.doubted_reason {
        let reason = format!("a guard tripped: {reason}");
        cases.push(case("run", "guards", Ending::Error, "invalid-environment", reason));
    }
    cases.extend(side.summary.prompts.iter().map(|prompt| of_prompt(run, prompt)));
    Suite {
        name: format!("{}, record {}", group(run), run.experiment.run_id),
        when_utc: run.experiment.when_utc.clone(),
        cases,
    }
}

fn of_peers(peers: &Experiment) -> Vec<Suite> {
    let ended = ending("engines", peers.outcome, peers.failure.as_deref()).map(|case| Suite {
        name: format!("engines side by side, record {}", peers.run_id),
        when_utc: peers.when_utc.clone(),
        cases: vec![case],
    });
    ended.into_iter().chain(peers.views().map(of_engine)).collect()
}

fn of_engine(engine: ArmView<'_>) -> Suite {
    let suite = of_run(engine);
    Suite { name: format!("engine {}, {}", engine.label, suite.name), ..suite }
}

/// What there is to say of a run as a whole; None where it came to its end.
fn ending(class: &str, outcome: Outcome, failure: Option<&str>) -> Option<Case> {
    let (ending, kind, reason) = match outcome {
        // The prompts say which.
        Outcome::Complete | Outcome::WrongOutput => return None,
        Outcome::Interrupted => (Ending::Skipped, "interrupted", "it was interrupted: no speed is kept"),
        Outcome::Failed => (Ending::Error, "failed", "it failed, and nobody said why"),
        Outcome::NotMeasured => (Ending::Skipped, "not-measured", "there was nothing to measure"),
    };
    Some(case(class, "outcome", ending, kind, failure.unwrap_or(reason).to_owned()))
}

fn of_prompt(run: ArmView<'_>, prompt: &PromptSummary) -> Case {
    let figures = prompt.figures.as_ref().map(|figures| &figures.mean);
    let (ending, kind, reason) = match prompt.golden {
        Some(GoldenResult::Break) => (Ending::Failure, "wrong-output", wrong(run, &prompt.id)),
        Some(GoldenResult::None) => (
            Ending::Skipped,
            "unverified",
            "there is no golden: its output and its speed are unverified".to_owned(),
        ),
        None => (Ending::Skipped, "not-judged", "the run ended before its output was judged".to_owned()),
        Some(word) => match figures {
            Some(figures) => (Ending::PassedBut, word.as_str(), reported(figures)),
            None => (Ending::Passed, word.as_str(), String::new()),
        },
    };
    Case {
        seconds: figures
            .filter(|_| ending == Ending::PassedBut)
            .and_then(|figures| figures.get(Metric::EndToEndLatency)),
        ..case(&group(run), &benchmark(run, &prompt.id), ending, kind, reason)
    }
}

fn reported(figures: &MetricValues) -> String {
    let reported = TOLD.into_iter().filter_map(|metric| {
        Some(format!("{} {} {}", metric.id(), four_digits(figures.get(metric)?), metric.unit()))
    });
    reported.collect::<Vec<_>>().join(", ")
}

fn wrong(run: ArmView<'_>, prompt_id: &str) -> String {
    let judged = run.prompts.iter().find(|prompt| prompt.id == prompt_id);
    match judged.and_then(|prompt: &PromptRecord| prompt.divergence.as_ref()) {
        Some(divergence) => format!(
            "its output is wrong: token {} is {}, and must be {}",
            divergence.position, divergence.got, divergence.expected
        ),
        None => "its output is wrong".to_owned(),
    }
}

fn case(class: &str, name: &str, ending: Ending, kind: &'static str, reason: String) -> Case {
    Case { class: class.to_owned(), name: name.to_owned(), ending, kind, reason, seconds: None }
}
