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
    Subject, decision_document, decision_json, decision_junit, decision_markdown, github_annotations,
};

use crate::forged_ab::{ab, identical};

fn decision_of(record: &Experiment) -> &DecisionRecord {
    record.decision.as_ref().unwrap()
}

fn text_of(record: &Experiment) -> String {
    decision_document(Subject::of(record), record.decision.as_ref()).to_text(Some(10_000))
}

fn markdown_of(record: &Experiment) -> String {
    decision_markdown(Subject::of(record), decision_of(record))
}

fn junit_of(record: &Experiment) -> String {
    decision_junit(Subject::of(record), decision_of(record))
}

fn annotations_of(record: &Experiment) -> String {
    github_annotations(Subject::of(record), decision_of(record))
}

fn json_of(record: &Experiment) -> String {
    let decision = decision_of(record);
    decision_json(Subject::of(record), Some(decision), exit_code::of_verdict(decision.verdict))
}

#[test]
fn every_record_that_is_told_here_could_be_kept() {
    for record in Verdict::ALL.map(ab).iter().chain([&identical()]) {
        encode(record).unwrap();
    }
}
