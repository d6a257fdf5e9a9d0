//! JUnit's XML, in the form that nextest writes: an A/B has a case for its verdict, for each check and for each
//! comparison; a run has a case a prompt. The root has no more attributes than Jenkins' schema knows.
//!
//! What is worse or wrong is a failure, a machine that could not be trusted an error, and what could not be reported is
//! skipped, with its reason. A skipped case counts as green for most readers: the exit code and the status are what to
//! act on.

use std::fmt::Write;

use crate::golden::GoldenResult;
use crate::judge::PromptSummary;
use crate::judge::comparability::ComparedSide;
use crate::measure::{Metric, MetricValues};
use crate::record::{
    ArmView, CheckResult, DecisionRecord, Experiment, Outcome, PlanKind, PromptRecord, Verdict,
};
use crate::report::decision::{Subject, standing};
use crate::report::document::escape_xml;
use crate::report::exchange::{benchmark, group};
use crate::report::mark::Mark;
use crate::report::number::{every_digit, four_digits};
use crate::visible::one_line;

/// How a case ended, by the element that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Passed,
    /// Passed, with something to be read.
    PassedBut,
    /// What it checks does not hold.
    Failure,
    /// It could not be carried out.
    Error,
    /// It could not be reported.
    Skipped,
}

/// One case. Every text may be of others.
#[derive(Debug)]
struct Case {
    class: String,
    name: String,
    ending: Ending,
    kind: &'static str,
    reason: String,
    /// How long it took; None where that is not reported.
    seconds: Option<f64>,
}

#[derive(Debug)]
struct Suite {
    name: String,
    /// When it was judged, UTC.
    when_utc: String,
    cases: Vec<Case>,
}

fn document(suites: &[Suite]) -> String {
    let all = counts(suites.iter().flat_map(|suite| &suite.cases));
    let mut text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"arcgauge\" {all}>\n");
    for suite in suites {
        let skipped = count(suite.cases.iter(), Ending::Skipped);
        let (name, counts, utc) = (xml(&suite.name), counts(suite.cases.iter()), xml(&suite.when_utc));
        let _ = writeln!(
            text,
            "    <testsuite name=\"{name}\" {counts} skipped=\"{skipped}\" timestamp=\"{utc}\">"
        );
        for case in &suite.cases {
            let _ = writeln!(text, "        {}", case.reported());
        }
        text.push_str("    </testsuite>\n");
    }
    text + "</testsuites>\n"
}

fn counts<'a>(cases: impl Iterator<Item = &'a Case> + Clone) -> String {
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        cases.clone().count(),
        count(cases.clone(), Ending::Failure),
        count(cases, Ending::Error)
    )
}

fn count<'a>(cases: impl Iterator<Item = &'a Case>, ending: Ending) -> usize {
    cases.filter(|case| case.ending == ending).count()
}

impl Case {
    fn new(
        class: impl Into<String>,
        name: impl Into<String>,
        ending: Ending,
        kind: &'static str,
        reason: impl Into<String>,
    ) -> Self {
        let (class, name, reason) = (class.into(), name.into(), reason.into());
        Self { class, name, ending, kind, reason, seconds: None }
    }

    fn reported(&self) -> String {
        let time = self.seconds.and_then(every_digit).map(|seconds| format!(" time=\"{seconds}\""));
        let (name, class, time) = (xml(&self.name), xml(&self.class), time.unwrap_or_default());
        let opened = format!("<testcase name=\"{name}\" classname=\"{class}\"{time}");
        let (kind, reason) = (self.kind, xml(&self.reason));
        let element = match self.ending {
            Ending::Passed => return format!("{opened}/>"),
            Ending::PassedBut => {
                return format!("{opened}><system-out>{kind}: {reason}</system-out></testcase>");
            }
            Ending::Failure => "failure",
            Ending::Error => "error",
            Ending::Skipped => "skipped",
        };
        format!("{opened}><{element} message=\"{reason}\" type=\"{kind}\"/></testcase>")
    }
}

/// A text within an attribute or an element. What XML cannot hold even as an entity, the line has
/// already written as its number.
fn xml(text: &str) -> String {
    escape_xml(&one_line(text))
}

/// A decision as JUnit's XML.
pub fn decision_junit(subject: Subject<'_>, decision: &DecisionRecord) -> String {
    document(&[decision_suite(subject, decision)])
}

/// A decision as a suite of cases.
fn decision_suite(subject: Subject<'_>, decision: &DecisionRecord) -> Suite {
    Suite { name: subject.title().to_text(), when_utc: decision.judged_utc.clone(), cases: cases(decision) }
}

fn cases(decision: &DecisionRecord) -> Vec<Case> {
    let (verdict, reason) = (decision.verdict, &decision.reason);
    let is_invalid = verdict == Verdict::InvalidEnvironment;
    let ending = if is_invalid { Ending::Error } else { Mark::from(verdict).into() };
    let first = Case::new("verdict", "verdict", ending, verdict.as_str(), reason);
    let checks = decision.checks.iter().map(|check| {
        // What a check that fails means depends on what was made of it.
        let ending = match (check.result, verdict) {
            (CheckResult::Fails, Verdict::Inconclusive) => Ending::Skipped,
            (CheckResult::Fails, Verdict::InvalidEnvironment) => Ending::Error,
            (result, _) => Mark::from(result).into(),
        };
        Case::new("check", &check.id, ending, check.result.as_str(), &check.reason)
    });
    let comparisons = decision.comparisons.iter().map(|comparison| {
        let prompt = comparison.prompt.as_deref().unwrap_or("mean");
        let name = format!("{} {prompt}", comparison.metric.id());
        // Where the machine cannot be trusted, neither can a speed.
        let ending = if is_invalid { Ending::Skipped } else { Mark::from(comparison.result).into() };
        Case::new("comparison", name, ending, standing(comparison, verdict).1, &comparison.reason)
    });
    [first].into_iter().chain(checks).chain(comparisons).collect()
}

impl From<Mark> for Ending {
    fn from(mark: Mark) -> Self {
        match mark {
            Mark::Holds => Self::Passed,
            Mark::Warns => Self::PassedBut,
            Mark::Fails => Self::Failure,
            Mark::Unknown | Mark::NotJudged => Self::Skipped,
        }
    }
}

const METRICS: [Metric; 3] =
    [Metric::TimePerOutputToken, Metric::TimeToFirstToken, Metric::EndToEndThroughput];

pub(super) fn records_junit(records: &[Experiment]) -> String {
    let suites = records.iter().flat_map(|record| match record.plan {
        PlanKind::Bench | PlanKind::Soak => vec![of_run(record.subject())],
        PlanKind::Ab => vec![of_ab(record)],
        PlanKind::Peers | PlanKind::Kv => of_peers(record),
    });
    document(&suites.collect::<Vec<_>>())
}

fn of_ab(ab: &Experiment) -> Suite {
    if let Some(decision) = ab.decision.as_ref().or(ab.gate_decision.as_ref()) {
        return decision_suite(Subject::of(ab), decision);
    }
    let name = format!("A/B of {}, record {}", group(ab.head()), ab.run_id);
    let case = ending("verdict", ab.outcome, ab.failure.as_deref()).unwrap_or_else(|| {
        Case::new("verdict", "verdict", Ending::Skipped, "undecided", "it came to no decision")
    });
    Suite { name, when_utc: ab.when_utc.clone(), cases: vec![case] }
}

fn of_run(run: ArmView<'_>) -> Suite {
    let side = ComparedSide::of(&run);
    let mut cases: Vec<Case> = ending("run", run.outcome, run.failure.as_deref()).into_iter().collect();
    if let Some(reason) = &side.doubted_reason {
        let reason = format!("a guard tripped: {reason}");
        cases.push(Case::new("run", "guards", Ending::Error, "invalid-environment", reason));
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
    let engines = peers.views().map(|engine| {
        let suite = of_run(engine);
        Suite { name: format!("engine {}, {}", engine.label, suite.name), ..suite }
    });
    ended.into_iter().chain(engines).collect()
}

/// What there is to say of a run as a whole; None where it came to its end.
fn ending(class: &str, outcome: Outcome, failure: Option<&str>) -> Option<Case> {
    let (ending, kind, reason) = match outcome {
        // The prompts say which.
        Outcome::Complete | Outcome::WrongOutput => return None,
        Outcome::Interrupted => (Ending::Skipped, "interrupted", "it was interrupted: no speed is stored"),
        Outcome::Failed => (Ending::Error, "failed", "it failed, and nobody said why"),
        Outcome::NotMeasured => (Ending::Skipped, "not-measured", "there was nothing to measure"),
    };
    Some(Case::new(class, "outcome", ending, kind, failure.unwrap_or(reason)))
}

fn of_prompt(run: ArmView<'_>, prompt: &PromptSummary) -> Case {
    let metric_values = prompt.metric_values.as_ref().map(|metric_values| &metric_values.mean);
    let (ending, kind, reason) = match prompt.golden {
        Some(GoldenResult::Break) => (Ending::Failure, "wrong-output", wrong(run, &prompt.id)),
        Some(GoldenResult::None) => (
            Ending::Skipped,
            "unverified",
            "there is no golden: its output and its speed are unverified".to_owned(),
        ),
        None => (Ending::Skipped, "not-judged", "the run ended before its output was judged".to_owned()),
        Some(word) => match metric_values {
            Some(metric_values) => (Ending::PassedBut, word.as_str(), reported(metric_values)),
            None => (Ending::Passed, word.as_str(), String::new()),
        },
    };
    Case {
        seconds: metric_values
            .filter(|_| ending == Ending::PassedBut)
            .and_then(|metric_values| metric_values.get(Metric::EndToEndLatency)),
        ..Case::new(group(run), benchmark(run, &prompt.id), ending, kind, reason)
    }
}

fn reported(metric_values: &MetricValues) -> String {
    let reported = METRICS.into_iter().filter_map(|metric| {
        Some(format!("{} {} {}", metric.id(), four_digits(metric_values.get(metric)?), metric.unit()))
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
