//! A decision in every form in which it is told: whole texts, and that text of others stays text.

mod hostile;
mod json;
mod markdown;
mod programs;
mod text;
mod words;

use arcgauge::cli::exit_code;
use arcgauge::record::{AbRecord, DecisionRecord, Verdict, seal};
use arcgauge::report::decision::{
    PairLine, Subject, ab_text, decision_json, decision_junit, decision_markdown, github_annotations,
};

use crate::forged_ab::{self, ab};

/// An A/B, and what each of its pairs says.
type Told = (AbRecord, Vec<PairLine>);

fn identical() -> Told {
    (forged_ab::identical(), Vec::new())
}

fn decided((record, pairs): &Told) -> (Subject<'_>, &DecisionRecord) {
    (Subject::Ab { record, pairs }, record.decision.as_ref().unwrap())
}

fn text_of((record, pairs): &Told) -> String {
    ab_text(record, pairs)
}

fn markdown_of(told: &Told) -> String {
    let (subject, decision) = decided(told);
    decision_markdown(subject, decision)
}

fn junit_of(told: &Told) -> String {
    let (subject, decision) = decided(told);
    decision_junit(subject, decision)
}

fn annotations_of(told: &Told) -> String {
    let (subject, decision) = decided(told);
    github_annotations(subject, decision)
}

fn json_of(told: &Told) -> String {
    let (subject, decision) = decided(told);
    decision_json(subject, Some(decision), exit_code::of_verdict(decision.verdict))
}

#[test]
fn every_record_that_is_told_here_could_be_kept() {
    for (record, _) in Verdict::ALL.map(ab).iter().chain([&identical()]) {
        seal(record).unwrap();
    }
}
