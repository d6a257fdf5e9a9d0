//! One A/B on the page of its head's commit.

use serde::Serialize;

use crate::record::{ArmView, Experiment, Side};
use crate::report::decision::{Subject, add_decision, pair_lines};
use crate::report::document::{Document, Line, Place};
use crate::report::reproduce_ab::ab_command;
use crate::report::view::commit::run::{requested, setting};
use crate::report::view::commit::{RecordOfCommit, charts};
use crate::visible::one_line;

/// An A/B.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AbPart {
    anchor: String,
    when_utc: String,
    /// Processes, prompts and tokens of a side.
    requested: String,
    /// All of its report, as HTML.
    report: String,
}

impl AbPart {
    pub(super) fn of(record: &Experiment, of_commit: &RecordOfCommit<'_>) -> Self {
        let pairs = pair_lines(record);
        // What a gate makes of it, where it was asked.
        let decision = record.gate_decision.as_ref().or(record.decision.as_ref());
        let mut document = Document::default();
        for side in Side::BOTH {
            let arm = record.side(side);
            document
                .fact(format!("{}: {}", side.as_str(), arm.label), commit(arm, of_commit).and(setting(arm)));
        }
        let chart = charts::of_pairs(record, &pairs, decision);
        let subject = Subject { record, pairs: &pairs };
        add_decision(&mut document, subject, decision, chart);
        if let Some(decision) = decision.filter(|_| !subject.compares_settings()) {
            let other = record.decision.as_ref().filter(|other| other.verdict != decision.verdict);
            let other = other
                .map_or(String::new(), |other| format!("; outside of a gate: {}", other.verdict.as_str()));
            document.text(
                Line::from(format!("A pull request's check: {}. Judged ", decision.status.as_str()).as_str())
                    .and(Line::moment(&decision.judged_utc))
                    .and(other)
                    .and("."),
            );
        }
        document.command("Measure it again", ab_command(record));
        document.text(Line::link("The raw record", Some(&of_commit.file)).and(": every token and its time."));
        let place = Place { root: "../", level: 3, of: &format!(" of {}", record.run_id) };
        Self {
            anchor: one_line(&record.run_id),
            when_utc: one_line(&record.when_utc),
            requested: requested(record.head()),
            report: document.to_html(place),
        }
    }
}

/// The commit of a side, with a link where it has a page.
fn commit(side: ArmView<'_>, of_commit: &RecordOfCommit<'_>) -> Line {
    side.commit.as_ref().map_or_else(Line::default, |commit| {
        let link = of_commit.link(&commit.sha);
        let short = Line::link(commit.short(), link.as_ref().map(|link| link.href.as_str()));
        short.and(" ").and(&commit.subject).and("; ")
    })
}
