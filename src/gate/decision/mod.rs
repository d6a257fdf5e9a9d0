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
use crate::record::{AbRecord, DecisionRecord, RunRecord, Undecided};
use anchors::anchors;
use evidence::{answers, commits, device, goldens, guards, guards_of_run, inputs, workload};
use finding::Finding;
use speed::Speed;
use words::combine;

/// Who asks, and so how much is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// Somebody at a machine: what is doubtful is said.
    Ab,
    /// A gate: what is doubtful is refused.
    Gate,
}

/// Decides on an A/B; `judged_utc` is the moment, as in `2026-11-24T16:19:10Z`.
#[must_use]
pub fn decide(record: &AbRecord, policy: &Policy, judged_utc: &str, asker: Asker) -> DecisionRecord {
    let runs = [("base", &record.base.run), ("head", &record.head.run)];
    let identical = record.undecided == Some(Undecided::Identical);
    let mut findings = Vec::new();
    if identical {
        findings.push(Finding::holds(
            "identical",
            "program, runtime, model and inputs of both sides are the same, byte for byte",
        ));
    } else {
        findings.push(goldens(&runs, asker));
        findings.extend(answers(record));
    }
    findings.push(inputs(record));
    findings.extend(commits(record, asker));
    let mut speed = Speed::default();
    if !identical {
        if asker == Asker::Gate {
            findings.push(workload(&runs));
        }
        let pairs = pair_figures(record);
        findings.push(device(&runs, asker));
        findings.push(guards(record, &pairs, asker));
        if record.undecided != Some(Undecided::WrongOutput) {
            speed = Speed::of(record, &pairs, policy, judged_utc, asker);
            findings.append(&mut speed.findings);
            findings.extend(anchors(&counted_head(record, &pairs), policy));
        }
    }
    combine(findings, speed, judged_utc)
}

/// The head with the processes alone that count: one that was spoilt and drawn again is no part of its speed.
fn counted_head(record: &AbRecord, pairs: &[PairFigures]) -> RunRecord {
    let mut run = record.head.run.clone();
    let counts = |pair: &PairFigures| record.despite_guards || pair.is_valid();
    let counted: Vec<usize> = (record.pairs.iter().zip(pairs))
        .filter(|(_, figures)| counts(figures))
        .map(|(pair, _)| pair.head_process)
        .collect();
    run.processes.retain(|process| counted.contains(&process.index));
    run.samples.retain(|sample| counted.contains(&sample.process));
    run
}

/// Decides on a run that was measured alone: its speed is held against fixed figures, and against no
/// other session's.
#[must_use]
pub fn decide_run(run: &RunRecord, policy: &Policy, judged_utc: &str) -> DecisionRecord {
    let runs = [("", run)];
    let mut findings = vec![goldens(&runs, Asker::Gate), device(&runs, Asker::Gate), guards_of_run(run)];
    let relative = Finding::undecided("speed", "not measured against the base: there is no A/B record");
    findings.push(Finding { is_red: true, ..relative });
    findings.extend(anchors(run, policy));
    combine(findings, Speed::default(), judged_utc)
}
