//! JUnit's XML: an A/B as its decision is told anywhere, and a run with a case a prompt.

use crate::golden::GoldenResult;
use crate::judge::likeness::ComparedSide;
use crate::judge::{PromptSummary, RunFigures};
use crate::measure::Metric;
use crate::record::{AbRecord, AnyRecord, Outcome, PeerRecord, PeersRecord, PromptRecord, RunRecord};
use crate::report::decision::{Subject, decision_suite, pair_lines};
use crate::report::exchange::naming::{benchmark, group};
use crate::report::junit::{Case, Ending, Suite, document};
use crate::report::number::four_digits;

/// The figures that a case tells.
const TOLD: [Metric; 3] = [Metric::TimePerOutputToken, Metric::TimeToFirstToken, Metric::EndToEndThroughput];

pub(super) fn text(records: &[AnyRecord]) -> String {
    let suites = records.iter().flat_map(|record| match record {
        AnyRecord::Run(run) => vec![of_run(run)],
        AnyRecord::Ab(ab) => vec![of_ab(ab)],
        AnyRecord::Peers(peers) => of_peers(peers),
    });
    document(&suites.collect::<Vec<_>>())
}

fn of_ab(ab: &AbRecord) -> Suite {
    let pairs = pair_lines(ab);
    let subject = Subject::Ab { record: ab, pairs: &pairs };
    if let Some(decision) = ab.decision.as_ref().or(ab.gate_decision.as_ref()) {
        return decision_suite(subject, decision);
    }
    let name = format!("A/B of {}, record {}", group(&ab.head.run), ab.run_id);
    let case = ending("verdict", ab.outcome, ab.failure.as_deref()).unwrap_or_else(|| {
        case("verdict", "verdict", Ending::Skipped, "undecided", "it came to no decision".to_owned())
    });
    Suite { name, when_utc: ab.when_utc.clone(), cases: vec![case] }
}

fn of_run(run: &RunRecord) -> Suite {
    let side = ComparedSide::of(run);
    let mut cases: Vec<Case> = ending("run", run.outcome, run.failure.as_deref()).into_iter().collect();
    if let Some(because) = &side.doubted_because {
        let because = format!("a guard tripped: {because}");
        cases.push(case("run", "guards", Ending::Error, "invalid-environment", because));
    }
    cases.extend(side.summary.prompts.iter().map(|prompt| of_prompt(run, prompt)));
    Suite { name: format!("{}, record {}", group(run), run.run_id), when_utc: run.when_utc.clone(), cases }
}

fn of_peers(peers: &PeersRecord) -> Vec<Suite> {
    let ended = ending("engines", peers.outcome, peers.failure.as_deref()).map(|case| Suite {
        name: format!("engines side by side, record {}", peers.run_id),
        when_utc: peers.when_utc.clone(),
        cases: vec![case],
    });
    ended.into_iter().chain(peers.engines().map(of_engine)).collect()
}

fn of_engine(engine: &PeerRecord) -> Suite {
    let suite = of_run(&engine.run);
    Suite { name: format!("engine {}, {}", engine.asked, suite.name), ..suite }
}

/// What there is to say of a run as a whole; None where it came to its end.
fn ending(class: &str, outcome: Outcome, failure: Option<&str>) -> Option<Case> {
    let (ending, kind, because) = match outcome {
        // The prompts say which.
        Outcome::Complete | Outcome::WrongOutput => return None,
        Outcome::Interrupted => (Ending::Skipped, "interrupted", "it was interrupted: no speed is kept"),
        Outcome::Failed => (Ending::Error, "failed", "it failed, and nobody said why"),
        Outcome::NotMeasured => (Ending::Skipped, "not-measured", "there was nothing to measure"),
    };
    Some(case(class, "outcome", ending, kind, failure.unwrap_or(because).to_owned()))
}

fn of_prompt(run: &RunRecord, prompt: &PromptSummary) -> Case {
    let figures = prompt.figures.as_ref().map(|figures| figures.mean);
    let (ending, kind, because) = match prompt.golden {
        Some(GoldenResult::Break) => (Ending::Failure, "wrong-output", wrong(run, &prompt.id)),
        Some(GoldenResult::None) => (
            Ending::Skipped,
            "unverified",
            "there is no golden: its output and its speed are unverified".to_owned(),
        ),
        None => (Ending::Skipped, "not-judged", "the run ended before its output was judged".to_owned()),
        Some(word) => match figures {
            Some(figures) => (Ending::PassedBut, word.word(), told(&figures)),
            None => (Ending::Passed, word.word(), String::new()),
        },
    };
    Case {
        seconds: figures.filter(|_| ending == Ending::PassedBut).map(|figures| figures.latency_s),
        ..case(&group(run), &benchmark(run, &prompt.id), ending, kind, because)
    }
}

fn told(figures: &RunFigures) -> String {
    let told = TOLD.into_iter().filter_map(|metric| {
        Some(format!("{} {} {}", metric.id(), four_digits(figures.value(metric)?), metric.unit()))
    });
    told.collect::<Vec<_>>().join(", ")
}

fn wrong(run: &RunRecord, prompt_id: &str) -> String {
    let judged = run.prompts.iter().find(|prompt| prompt.id == prompt_id);
    match judged.and_then(|prompt: &PromptRecord| prompt.divergence.as_ref()) {
        Some(divergence) => format!(
            "its output is wrong: token {} is {}, and must be {}",
            divergence.position, divergence.got, divergence.expected
        ),
        None => "its output is wrong".to_owned(),
    }
}

fn case(class: &str, name: &str, ending: Ending, kind: &'static str, because: String) -> Case {
    Case { class: class.to_owned(), name: name.to_owned(), ending, kind, because, seconds: None }
}
