//! The page of a commit: what was measured and decided of it, on what, and how to do it again.

mod ab;
mod charts;
mod divergence;
mod environment;
mod figures;
mod run;
mod standing;
#[cfg(test)]
mod tests;
mod warnings;

use serde::Serialize;

use crate::record::{Commit, Entry, Experiment, Origin, PlanKind};
use crate::report::view::peers::PeersPart;
use crate::report::view::{Badge, CommitLink, CommitRange, Forge, is_valid};
use crate::visible::one_line;
use ab::AbPart;
use run::RunPart;

pub(in crate::report) use charts::strip_of_two;

/// A record of the commit, and what the page needs beside it.
#[derive(Debug, Clone)]
pub struct RecordOfCommit<'a> {
    /// What the index says.
    pub entry: &'a Entry,
    /// The record.
    pub record: &'a Experiment,
    /// Its file, from the site's folder.
    pub file: String,
    /// The commit before it that has figures, on the same machine with the same model, device and workload.
    pub before: Option<&'a Entry>,
    /// Shas of other commits that have a page.
    pub linked: &'a [&'a str],
}

impl RecordOfCommit<'_> {
    /// The link to a commit, where that has a page.
    fn link(&self, sha: &str) -> Option<CommitLink> {
        let is_own = self.entry.commit.as_ref().is_some_and(|commit| commit.sha == sha);
        if is_own || self.linked.contains(&sha) { CommitLink::of(sha) } else { None }
    }
}

/// The commits beside it that have a page, and where commits are compared on the web.
#[derive(Debug, Clone, Copy, Default)]
pub struct Neighbours<'a> {
    /// The one measured before it on its timeline; beside every timeline its first parent.
    pub previous: Option<&'a str>,
    /// The one measured after it on its timeline.
    pub next: Option<&'a str>,
    /// None where the forge is not known.
    pub forge: Option<&'a Forge>,
}

/// The page of a commit.
#[derive(Debug, Clone, Serialize)]
pub struct CommitView {
    short: String,
    sha: Option<String>,
    subject: String,
    author_date_utc: Option<String>,
    branch: Option<String>,
    previous: Option<CommitLink>,
    next: Option<CommitLink>,
    /// From the previous commit to this one.
    range: Option<CommitRange>,
    /// The part that is open: the newest valid record, else the newest.
    open: String,
    /// Every record, newest first: a way to each part of the page.
    records: Vec<RecordLine>,
    decisions: Vec<AbPart>,
    peers: Vec<PeersPart>,
    runs: Vec<RunPart>,
}

/// A record in the list at the page's top.
#[derive(Debug, Clone, Serialize)]
struct RecordLine {
    /// The part of the page.
    anchor: String,
    kind: &'static str,
    when_utc: String,
    machine: String,
    badge: Badge,
    is_dirty: bool,
}

impl CommitView {
    /// The page of a commit from its records, newest first; without a commit, of what was measured outside
    /// of a repository.
    #[must_use]
    pub fn of(commit: Option<&Commit>, neighbours: Neighbours<'_>, records: &[RecordOfCommit<'_>]) -> Self {
        let Neighbours { previous, next, forge } = neighbours;
        let valid = records.iter().find(|record| is_valid(record.entry)).or(records.first());
        let (mut decisions, mut runs, mut peers) = (Vec::new(), Vec::new(), Vec::new());
        for of_commit in records {
            let record = of_commit.record;
            match record.plan {
                PlanKind::Ab => decisions.push(AbPart::of(record, of_commit)),
                PlanKind::Bench => runs.push(RunPart::of(record.subject(), of_commit)),
                PlanKind::Peers => {
                    peers.push(PeersPart::of(record, of_commit.entry, &of_commit.file, "../").on_its_page());
                }
            }
        }
        let said = |of: fn(&Commit) -> &str| commit.map(|commit| one_line(of(commit)));
        Self {
            short: said(Commit::short).unwrap_or_else(|| "no commit".to_owned()),
            sha: said(|commit| &commit.sha),
            subject: said(|commit| &commit.subject)
                .unwrap_or_else(|| "measured outside of a repository".to_owned()),
            author_date_utc: said(|commit| &commit.author_date_utc),
            branch: commit.and_then(|commit| commit.branch.as_deref()).map(one_line),
            previous: previous.and_then(CommitLink::of),
            next: next.and_then(CommitLink::of),
            range: previous
                .zip(commit)
                .and_then(|(previous, commit)| CommitRange::of(previous, &commit.sha, forge)),
            open: valid.map(|record| one_line(&record.entry.run_id)).unwrap_or_default(),
            records: records.iter().map(line).collect(),
            decisions,
            peers,
            runs,
        }
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.short, self.subject)
    }
}

fn line(of_commit: &RecordOfCommit<'_>) -> RecordLine {
    let entry = of_commit.entry;
    // Of a store without origins, as of an invented one, every line would say the same.
    let origin = match &entry.origin {
        Origin::Here | Origin::Unknown => String::new(),
        elsewhere => format!(" ({})", elsewhere.in_words()),
    };
    RecordLine {
        anchor: one_line(&entry.run_id),
        kind: match of_commit.record.plan {
            PlanKind::Ab => "A/B",
            PlanKind::Bench => "run",
            PlanKind::Peers => "engines",
        },
        when_utc: entry.when_utc.clone(),
        machine: one_line(&format!("{}{origin}", entry.setting.series.machine)),
        badge: Badge::of_entry(entry),
        is_dirty: entry.commit.as_ref().is_some_and(|commit| commit.dirty),
    }
}
