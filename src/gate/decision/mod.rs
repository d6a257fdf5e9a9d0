//! One decision from all rules: output, inputs, device, guards, noise, the paired test, and the anchors.
//!
//! A decision is a function of a record, a policy and the moment at which it is judged: the same three give
//! the same decision, bit for bit.

mod evidence;
mod speed;

use crate::gate::decision::evidence::{
    anchors, answers, commits, device, drift, goldens, guards, guards_of_run, inputs, workload,
};
use crate::gate::decision::speed::Speed;
use crate::judge::bisect::rule_of;
use crate::judge::policy::Policy;
use crate::judge::{PairValues, pair_values};
use crate::record::{
    CheckRecord, CheckResult, DecisionRecord, Experiment, Side, Status, StopReason, Verdict,
};

/// Who asks, and so how much is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Somebody at a machine: what is doubtful is said.
    Ab,
    /// A gate: what is doubtful is refused.
    Gate,
}

/// Decides on an A/B; `judged_utc` is the moment, as in `2026-11-24T16:19:10Z`.
pub fn decide(
    record: &Experiment,
    policy: &Policy,
    judged_utc: &str,
    strictness: Strictness,
) -> DecisionRecord {
    let of_step = policy_of_step(record, policy).filter(|_| strictness == Strictness::Ab);
    let policy = of_step.as_ref().unwrap_or(policy);
    let runs = [("base", record.base().arm), ("head", record.head().arm)];
    let identical = record.stop_reason == Some(StopReason::Identical);
    let mut findings = Vec::new();
    if identical {
        findings.push(Finding::holds(
            "identical",
            "program, runtime, model and inputs of both sides are the same, byte for byte",
        ));
    } else {
        findings.push(goldens(&runs, strictness));
        findings.extend(answers(record));
    }
    findings.push(inputs(record));
    findings.extend(commits(record, strictness));
    let mut speed = Speed::default();
    if !identical {
        if strictness == Strictness::Gate {
            findings.push(workload(&runs, record.published.as_ref()));
        }
        let pairs = pair_values(record);
        findings.push(device(&runs, strictness));
        findings.push(guards(record, &pairs, strictness));
        if record.stop_reason != Some(StopReason::WrongOutput) {
            findings.extend(drift(record, policy, strictness));
            speed = Speed::of(record, &pairs, policy, judged_utc, strictness);
            findings.append(&mut speed.findings);
            findings.extend(anchors(counted_head(record, &pairs).head(), policy));
        }
    }
    combine(findings, speed, judged_utc)
}

/// The policy with the thresholds of a step of a bisect; None of any other A/B.
fn policy_of_step(record: &Experiment, policy: &Policy) -> Option<Policy> {
    record.bisect.as_ref()?.change_percent?;
    let rule = rule_of(record.bisect.as_ref(), policy);
    let mut policy = policy.clone();
    policy.sequential.regressed_beyond_percent = rule.regressed_beyond_percent;
    policy.sequential.passes_within_percent = rule.passes_within_percent;
    Some(policy)
}

/// The record with those processes of the head alone that count: one that was invalidated and measured again is no
/// part of its speed.
fn counted_head(record: &Experiment, pairs: &[PairValues]) -> Experiment {
    let mut counted = record.clone();
    let head = &mut counted.arms[Side::Head.arm()];
    let counts = |process: usize| pairs.get(process).is_some_and(|pair| pair.counts);
    head.processes.retain(|process| counts(process.index));
    head.samples.retain(|sample| counts(sample.process));
    counted
}

/// Decides on a run that was measured alone: its speed is compared with fixed values, and against no
/// other session's.
pub fn decide_run(record: &Experiment, policy: &Policy, judged_utc: &str) -> DecisionRecord {
    let run = record.subject();
    let runs = [("", run.arm)];
    let mut findings =
        vec![goldens(&runs, Strictness::Gate), device(&runs, Strictness::Gate), guards_of_run(run.arm)];
    findings.push(Finding::red("speed", "not measured against the base: there is no A/B record"));
    findings.extend(anchors(run, policy));
    combine(findings, Speed::default(), judged_utc)
}

/// A rule's word before the verdict is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) check: CheckRecord,
    /// The verdict that it alone would be; None where it speaks for no other than a pass.
    pub(super) alone: Option<Verdict>,
    /// Whether it leaves an inconclusive verdict red, whatever slow-down is excluded.
    pub(super) is_red: bool,
}

impl Finding {
    fn new(id: &str, word: CheckResult, reason: impl Into<String>) -> Self {
        let check = CheckRecord { id: id.to_owned(), result: word, reason: reason.into() };
        Self { check, alone: None, is_red: false }
    }

    pub(super) fn holds(id: &str, reason: impl Into<String>) -> Self {
        Self::new(id, CheckResult::Holds, reason)
    }

    pub(super) fn warns(id: &str, reason: impl Into<String>) -> Self {
        Self::new(id, CheckResult::Warns, reason)
    }

    pub(super) fn not_judged(id: &str, reason: impl Into<String>) -> Self {
        Self::new(id, CheckResult::NotJudged, reason)
    }

    pub(super) fn fails(id: &str, verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { alone: Some(verdict), is_red: true, ..Self::new(id, CheckResult::Fails, reason) }
    }

    /// What cannot be relied on: a warning to somebody at a machine, an invalid environment to a gate.
    fn doubtful(id: &str, strictness: Strictness, reason: impl Into<String>) -> Self {
        match strictness {
            Strictness::Ab => Self::warns(id, reason),
            Strictness::Gate => Self::fails(id, Verdict::InvalidEnvironment, reason),
        }
    }

    /// Undecided, and red whatever slow-down is excluded.
    fn red(id: &str, reason: impl Into<String>) -> Self {
        Self { is_red: true, ..Self::undecided(id, reason) }
    }

    /// Neither well nor wrong: the verdict is open, and policy says what that means for a status.
    pub(super) fn undecided(id: &str, reason: impl Into<String>) -> Self {
        Self { alone: Some(Verdict::Inconclusive), ..Self::new(id, CheckResult::NotJudged, reason) }
    }
}

/// The weightiest verdict first: one that takes the ground from under the others comes before them.
const WEIGHT: [Verdict; 4] =
    [Verdict::WrongOutput, Verdict::InvalidEnvironment, Verdict::Regressed, Verdict::Inconclusive];

/// One verdict, with its reason and what a check shows.
fn combine(findings: Vec<Finding>, speed: Speed, judged_utc: &str) -> DecisionRecord {
    let decisive = WEIGHT.iter().find_map(|verdict| {
        let finding = findings.iter().find(|finding| finding.alone == Some(*verdict))?;
        Some((*verdict, finding.check.reason.clone()))
    });
    let (verdict, reason) = match decisive {
        Some((Verdict::Regressed, reason)) if speed.improves => (Verdict::Mixed, reason),
        Some((verdict, reason)) => (verdict, reason),
        None => (if speed.improves { Verdict::Improved } else { Verdict::Pass }, because_of_pass(&findings)),
    };
    let warned = findings.iter().any(|finding| finding.check.result == CheckResult::Warns);
    let status = match verdict {
        Verdict::Pass | Verdict::Improved if warned => Status::GreenWithWarning,
        Verdict::Pass | Verdict::Improved => Status::Green,
        // Undecided by the pairs alone, where a slow-down that would matter much is excluded.
        Verdict::Inconclusive if findings.iter().all(|finding| !finding.is_red) => Status::GreenWithWarning,
        _ => Status::Red,
    };
    DecisionRecord {
        judged_utc: judged_utc.to_owned(),
        verdict,
        reason,
        status,
        checks: findings.into_iter().map(|finding| finding.check).collect(),
        comparisons: speed.comparisons,
        sensitivity: speed.sensitivity,
    }
}

/// The paired test, where there is one; else what was judged first.
fn because_of_pass(findings: &[Finding]) -> String {
    let speed = findings.iter().find(|finding| finding.check.id == "speed");
    speed.or(findings.first()).map(|finding| finding.check.reason.clone()).unwrap_or_default()
}
