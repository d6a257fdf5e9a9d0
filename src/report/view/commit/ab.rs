//! One A/B on the page of its head's commit.

use serde::Serialize;

use crate::record::{AbRecord, DecisionRecord, Outcome, SideRecord};
use crate::report::chart::Chart;
use crate::report::decision::{
    DecisionParts, PairLine, Subject, decision_parts, interrupted_after_pairs, pair_lines,
};
use crate::report::number::signed_percent;
use crate::report::one_line;
use crate::report::view::commit::divergence::{DivergencePart, divergences};
use crate::report::view::commit::reproduce::ab_command;
use crate::report::view::commit::run::{asked, setting};
use crate::report::view::commit::warnings::{WarningPart, warnings_of};
use crate::report::view::commit::{RecordOfCommit, charts};
use crate::report::view::{Badge, CommitLink};

/// An A/B.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AbPart {
    anchor: String,
    when_utc: String,
    sides: Vec<SidePart>,
    /// Processes, prompts and tokens of a side.
    asked: String,
    /// What a gate makes of it, where it was asked; else what it came to.
    decision: Option<DecisionParts>,
    /// What it came to for whoever ran it, where a gate says something else.
    other_word: Option<Badge>,
    failure: Option<String>,
    /// How far it came, where it was interrupted.
    interrupted: Option<String>,
    chart: Option<Chart>,
    pairs: Vec<PairRow>,
    divergences: Vec<DivergencePart>,
    warnings: Vec<WarningPart>,
    command: String,
    file: String,
}

/// A side.
#[derive(Debug, Clone, Serialize)]
struct SidePart {
    word: &'static str,
    asked: String,
    /// Where that has a page.
    commit: Option<CommitLink>,
    /// Of a commit without one.
    short: Option<String>,
    subject: Option<String>,
    setting: String,
}

/// A pair.
#[derive(Debug, Clone, Serialize)]
struct PairRow {
    number: usize,
    first: &'static str,
    difference: String,
    said: String,
}

impl AbPart {
    pub(super) fn of(record: &AbRecord, of_commit: &RecordOfCommit<'_>) -> Self {
        let pairs = pair_lines(record);
        let subject = Subject::Ab { record, pairs: &pairs };
        let decisions = [record.gate_decision.as_ref(), record.decision.as_ref()];
        let [first, other] = match decisions {
            [None, own] => [own, None],
            both => both,
        };
        let verdict = |decision: &DecisionRecord| decision.verdict;
        let other = other.map(verdict).filter(|other| first.map(verdict) != Some(*other));
        let sides = [&record.base.run, &record.head.run];
        Self {
            anchor: one_line(&record.run_id),
            when_utc: one_line(&record.when_utc),
            sides: vec![side("base", &record.base, of_commit), side("head", &record.head, of_commit)],
            asked: asked(&record.head.run),
            decision: first.map(|decision| decision_parts(subject, decision)),
            other_word: other.map(Badge::from),
            failure: record.failure.as_deref().map(one_line),
            interrupted: (record.outcome == Outcome::Interrupted).then(|| interrupted_after_pairs(&pairs)),
            chart: charts::of_pairs(record, &pairs, first),
            pairs: pairs.iter().enumerate().map(|(index, pair)| row(index, pair)).collect(),
            divergences: sides.into_iter().flat_map(divergences).collect(),
            warnings: warnings_of(record),
            command: ab_command(record),
            file: of_commit.file.clone(),
        }
    }
}

fn side(word: &'static str, side: &SideRecord, of_commit: &RecordOfCommit<'_>) -> SidePart {
    let commit = side.run.commit.as_ref();
    SidePart {
        word,
        asked: one_line(&side.asked),
        commit: commit.and_then(|commit| of_commit.link(&commit.sha)),
        short: commit.map(|commit| one_line(commit.short())),
        subject: commit.map(|commit| one_line(&commit.subject)),
        setting: setting(&side.run),
    }
}

fn row(index: usize, pair: &PairLine) -> PairRow {
    PairRow {
        number: index + 1,
        first: pair.first.word(),
        difference: pair.difference_percent.map_or("-".to_owned(), signed_percent),
        said: match (&pair.spoilt_because, pair.difference_percent) {
            (Some(because), _) => format!("spoilt: {}", one_line(because)),
            (None, Some(_)) => "counts".to_owned(),
            (None, None) => "has no speed".to_owned(),
        },
    }
}
