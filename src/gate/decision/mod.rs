//! One decision from all rules: output, inputs, device, guards, noise, the paired test, and the anchors.
//!
//! A decision is a function of a record, a policy and the moment at which it is judged: the same three give
//! the same decision, bit for bit.

mod anchors;
mod evidence;
mod finding;
mod regression;
mod speed;
mod words;

use crate::judge::policy::Policy;
use crate::judge::{PairFigures, pair_figures};
use crate::record::{DecisionRecord, Experiment, Side, StopReason};
use anchors::anchors;
use evidence::{answers, commits, device, goldens, guards, guards_of_run, inputs, workload};
use finding::Finding;
use speed::Speed;
use words::combine;

/// Who asks, and so how much is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Somebody at a machine: what is doubtful is said.
    Ab,
    /// A gate: what is doubtful is refused.
    Gate,
}

/// Decides on an A/B; `judged_utc` is the moment, as in `2026-11-24T16:19:10Z`.
#[must_use]
pub fn decide(
    record: &Experiment,
    policy: &Policy,
    judged_utc: &str,
    strictness: Strictness,
) -> DecisionRecord {
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
        let pairs = pair_figures(record);
        findings.push(device(&runs, strictness));
        findings.push(guards(record, &pairs, strictness));
        if record.stop_reason != Some(StopReason::WrongOutput) {
            speed = Speed::of(record, &pairs, policy, judged_utc, strictness);
            findings.append(&mut speed.findings);
            findings.extend(anchors(counted_head(record, &pairs).head(), policy));
        }
    }
    combine(findings, speed, judged_utc)
}

/// The record with those processes of the head alone that count: one that was invalidated and measured again is no
/// part of its speed.
fn counted_head(record: &Experiment, pairs: &[PairFigures]) -> Experiment {
    let mut counted = record.clone();
    let head = &mut counted.arms[Side::Head.arm()];
    let counts = |process: usize| {
        let pair = pairs.get(process);
        record.sampling.ignore_guards || pair.is_some_and(PairFigures::is_valid)
    };
    head.processes.retain(|process| counts(process.index));
    head.samples.retain(|sample| counts(sample.process));
    counted
}

/// Decides on a run that was measured alone: its speed is compared with fixed figures, and against no
/// other session's.
#[must_use]
pub fn decide_run(record: &Experiment, policy: &Policy, judged_utc: &str) -> DecisionRecord {
    let run = record.subject();
    let runs = [("", run.arm)];
    let mut findings =
        vec![goldens(&runs, Strictness::Gate), device(&runs, Strictness::Gate), guards_of_run(run.arm)];
    let relative = Finding::undecided("speed", "not measured against the base: there is no A/B record");
    findings.push(Finding { is_red: true, ..relative });
    findings.extend(anchors(run, policy));
    combine(findings, Speed::default(), judged_utc)
}
