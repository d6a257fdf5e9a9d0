//! The page of a commit: what was measured and decided of it, on what, and how to do it again.

mod charts;
mod run;
#[cfg(test)]
mod tests;

use run::{requested, run_document, setting};
use serde_json::{Value, json};

use crate::record::{ArmView, Commit, Entry, Experiment, Origin, PlanKind, Side};
use crate::report::decision::{Subject, add_decision, pair_lines};
use crate::report::document::{Document, Line, Place};
use crate::report::mark::{Badge, Mark};
use crate::report::reproduce::{ab_command, soak_command};
use crate::report::soak::{add_soak_chart, soak_document};
use crate::report::view::bisect::place_in_bisect;
use crate::report::view::peers::{add_command_and_file, arms_document};
use crate::report::view::{CommitLink, CommitRange, Forge, is_valid};
use crate::visible::one_line;

pub(in crate::report) use charts::strip_of_two;

/// A record of the commit, and what the page needs beside it.
#[derive(Debug, Clone)]
pub(in crate::report) struct RecordOfCommit<'a> {
    pub(in crate::report) entry: &'a Entry,
    pub(in crate::report) record: &'a Experiment,
    /// Its file, from the site's folder.
    pub(in crate::report) file: String,
    /// The commit before it that has values, on the same machine with the same model, device and workload.
    pub(in crate::report) before: Option<&'a Entry>,
    /// Shas of other commits that have a page.
    pub(in crate::report) linked: &'a [&'a str],
}

/// The commits beside it that have a page, and where commits are compared on the web.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::report) struct Neighbours<'a> {
    /// The one measured before it on its timeline; beside every timeline its first parent.
    pub(in crate::report) previous: Option<&'a str>,
    /// The one measured after it on its timeline.
    pub(in crate::report) next: Option<&'a str>,
    /// None where the forge is not known.
    pub(in crate::report) forge: Option<&'a Forge>,
}

/// The title and the page of a commit from its records, newest first; without a commit, of what was measured outside
/// of a repository.
pub(in crate::report) fn commit_page(
    commit: Option<&Commit>,
    neighbours: Neighbours<'_>,
    records: &[RecordOfCommit<'_>],
) -> (String, Value) {
    let Neighbours { previous, next, forge } = neighbours;
    let fails = |record: &&RecordOfCommit<'_>| Badge::of_entry(record.entry).class == Mark::Fails.as_str();
    let is_valid = |record: &&RecordOfCommit<'_>| is_valid(record.entry);
    let open = records.iter().find(fails).or(records.iter().find(is_valid)).or(records.first());
    let of_kind = |plan: PlanKind| records.iter().filter(move |it| it.record.plan == plan);
    let arms = |it: &RecordOfCommit<'_>| {
        let title =
            if it.record.plan == PlanKind::Kv { "Changes of the KV cache" } else { "Engines side by side" };
        part(title, "", it, &arms_document(it.record, &it.file))
    };
    let parts = of_kind(PlanKind::Ab).map(ab_part);
    let parts = parts.chain(of_kind(PlanKind::Peers).chain(of_kind(PlanKind::Kv)).map(arms));
    let soak = |it: &RecordOfCommit<'_>| {
        let (mut document, warnings) = soak_document(it.record.subject()).split_warnings(&[]);
        add_soak_chart(&mut document, it.record);
        document.extend(warnings);
        add_command_and_file(&mut document, soak_command(it.record), &it.file);
        part("Soak", "", it, &document)
    };
    let parts = parts.chain(of_kind(PlanKind::Soak).map(soak));
    let parts = parts.chain(of_kind(PlanKind::Bench).map(run_part));
    let text = |of: fn(&Commit) -> &str| commit.map(|commit| one_line(of(commit)));
    let short = text(Commit::short).unwrap_or_else(|| "no commit".to_owned());
    let subject =
        text(|commit| &commit.subject).unwrap_or_else(|| "measured outside of a repository".to_owned());
    let page = json!({
        "short": short,
        "sha": text(|commit| &commit.sha),
        "subject": subject,
        "author_date_utc": text(|commit| &commit.author_date_utc),
        "branch": commit.and_then(|commit| commit.branch.as_deref()).map(one_line),
        "previous": previous.and_then(CommitLink::of),
        "next": next.and_then(CommitLink::of),
        "range": previous.zip(commit).and_then(|(it, commit)| CommitRange::of(it, &commit.sha, forge)),
        // The part that is open: the newest that fails, else the newest valid record, else the newest.
        "open": open.map(|record| one_line(&record.entry.run_id)).unwrap_or_default(),
        "records": records.iter().map(record_line).collect::<Value>(),
        "parts": parts.collect::<Value>(),
    });
    (format!("{short} {subject}"), page)
}

/// The part of the page that a record has: its title, what was requested, and the report on it.
fn part(title: &str, setting: &str, of_commit: &RecordOfCommit<'_>, document: &Document) -> Value {
    let run_id = &of_commit.record.run_id;
    let place = Place { root: "../", level: 3, of: &format!(" of {run_id}") };
    json!({
        "anchor": one_line(run_id),
        "title": title,
        "setting": setting,
        "when_utc": one_line(&of_commit.record.when_utc),
        "report": document.to_html(place),
    })
}

/// A record in the list at the page's top.
fn record_line(of_commit: &RecordOfCommit<'_>) -> Value {
    let entry = of_commit.entry;
    // Of a store without origins, as of an invented one, every line would say the same.
    let origin = match &entry.origin {
        Origin::Here | Origin::Unknown => String::new(),
        elsewhere => format!(" ({})", elsewhere.in_words()),
    };
    json!({
        "anchor": one_line(&entry.run_id),
        "kind": match of_commit.record.plan {
            PlanKind::Ab => "A/B",
            PlanKind::Bench => "run",
            PlanKind::Peers => "engines",
            PlanKind::Kv => "KV cache",
            PlanKind::Soak => "soak",
        },
        "when_utc": entry.when_utc,
        "machine": one_line(&format!("{}{origin}", entry.setting.series.machine)),
        "badge": Badge::of_entry(entry),
        "is_dirty": entry.commit.as_ref().is_some_and(|commit| commit.dirty),
    })
}

/// An A/B on the page of its head's commit.
fn ab_part(of_commit: &RecordOfCommit<'_>) -> Value {
    let record = of_commit.record;
    let decision = record.shown_decision();
    let mut document = Document::default();
    for side in Side::BOTH {
        let arm = record.side(side);
        // A side that is named by its whole sha is named by its commit.
        let is_sha = arm.commit.as_ref().is_some_and(|commit| arm.label == commit.sha);
        let label =
            if is_sha { side.as_str().to_owned() } else { format!("{}: {}", side.as_str(), arm.label) };
        document.fact(label, commit_of(arm, of_commit).and(setting(arm)));
    }
    if let Some(place) = place_in_bisect(record) {
        document.fact("bisect", place);
    }
    let chart = charts::of_pairs(record, &pair_lines(record), decision);
    add_decision(&mut document, Subject::of(record), decision, chart);
    if let Some(decision) = decision.filter(|_| record.is_of_commits()) {
        let other = record.decision.as_ref().filter(|other| other.verdict != decision.verdict);
        let other =
            other.map_or(String::new(), |other| format!("; outside of a gate: {}", other.verdict.in_words()));
        document.text(
            Line::from(format!("A pull request's check: {}. Judged ", decision.status.as_str()))
                .and(Line::moment(&decision.judged_utc))
                .and(other)
                .and("."),
        );
    }
    add_command_and_file(&mut document, ab_command(record), &of_commit.file);
    let setting = format!("{} a side, in pairs of fresh, interleaved processes", requested(record.head()));
    part("A/B", &setting, of_commit, &document)
}

/// One run.
fn run_part(of_commit: &RecordOfCommit<'_>) -> Value {
    let run = of_commit.record.subject();
    let setting = format!("{}; {}", setting(run), requested(run));
    part("Run", &setting, of_commit, &run_document(run, of_commit))
}

/// The commit of a side, with a link where it has a page.
fn commit_of(side: ArmView<'_>, of_commit: &RecordOfCommit<'_>) -> Line {
    side.commit.as_ref().map_or_else(Line::default, |commit| {
        let own = of_commit.entry.commit.as_ref().map(|own| own.sha.as_str());
        let has_page = own == Some(commit.sha.as_str()) || of_commit.linked.contains(&commit.sha.as_str());
        let link = CommitLink::of(&commit.sha).filter(|_| has_page);
        let short = Line::link(commit.short(), link.as_ref().map(|link| link.href.as_str()));
        short.and(" ").and(&commit.subject).and("; ")
    })
}
