//! A decision in every form in which it is reported: whole texts, and that text of others stays text.

mod hostile;
mod json;
mod markdown;
mod programs;
mod text;
mod words;

use arcgauge::cli::exit_code;
use arcgauge::record::{DecisionRecord, Experiment, Verdict, encode};
use arcgauge::report::decision::{
    PairLine, Subject, decision_document, decision_json, decision_junit, decision_markdown,
    github_annotations,
};

use crate::forged_ab::{self, ab};

/// An A/B, and what each of its pairs says.
type Reported = (Experiment, Vec<PairLine>);

fn identical() -> Reported {
    (forged_ab::identical(), Vec::new())
}

fn decided((record, pairs): &Reported) -> (Subject<'_>, &DecisionRecord) {
    (Subject { record, pairs, given: None }, record.decision.as_ref().unwrap())
}

fn text_of((record, pairs): &Reported) -> String {
    decision_document(Subject { record, pairs, given: None }, record.decision.as_ref()).to_text(Some(10_000))
}

fn markdown_of(reported: &Reported) -> String {
    let (subject, decision) = decided(reported);
    decision_markdown(subject, decision)
}

fn junit_of(reported: &Reported) -> String {
    let (subject, decision) = decided(reported);
    decision_junit(subject, decision)
}

fn annotations_of(reported: &Reported) -> String {
    let (subject, decision) = decided(reported);
    github_annotations(subject, decision)
}

fn json_of(reported: &Reported) -> String {
    let (subject, decision) = decided(reported);
    decision_json(subject, Some(decision), exit_code::of_verdict(decision.verdict))
}

#[test]
fn every_record_that_is_told_here_could_be_kept() {
    for (record, _) in Verdict::ALL.map(ab).iter().chain([&identical()]) {
        encode(record).unwrap();
    }
}
