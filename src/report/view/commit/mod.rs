//! The page of a commit: what was measured and decided of it, on what, and how to do it again.

mod ab;
mod charts;
mod divergence;
mod environment;
mod figures;
mod reproduce;
mod run;
mod standing;
#[cfg(test)]
mod tests;
mod warnings;

use serde::Serialize;

use crate::record::{AnyRecord, Commit, Entry, Origin};
use crate::report::one_line;
use crate::report::view::peers::PeersPart;
use crate::report::view::{Badge, CommitLink};
use ab::AbPart;
use run::RunPart;

pub(in crate::report) use charts::strip_of_two;

/// A record of the commit, and what the page needs beside it.
#[derive(Debug, Clone)]
pub struct RecordOfCommit<'a> {
    /// What the index says.
    pub entry: &'a Entry,
    /// The record.
    pub record: &'a AnyRecord,
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

/// The page of a commit.
#[derive(Debug, Clone, Serialize)]
pub struct CommitView {
    short: String,
    sha: Option<String>,
    subject: String,
    author_date_utc: Option<String>,
    branch: Option<String>,
    parent: Option<CommitLink>,
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
    /// of a repository. `parent` is the first parent, where that has a page.
    #[must_use]
    pub fn of(commit: Option<&Commit>, parent: Option<&str>, records: &[RecordOfCommit<'_>]) -> Self {
        let (mut decisions, mut runs, mut peers) = (Vec::new(), Vec::new(), Vec::new());
        for of_commit in records {
            match of_commit.record {
                AnyRecord::Ab(record) => decisions.push(AbPart::of(record, of_commit)),
                AnyRecord::Run(record) => runs.push(RunPart::of(record, of_commit)),
                AnyRecord::Peers(record) => {
                    peers.push(PeersPart::of(record, of_commit.entry, of_commit.file.clone()).on_its_page());
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
            parent: parent.and_then(CommitLink::of),
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
        kind: match of_commit.record {
            AnyRecord::Ab(_) => "A/B",
            AnyRecord::Run(_) => "run",
            AnyRecord::Peers(_) => "engines",
        },
        when_utc: entry.when_utc.clone(),
        machine: one_line(&format!("{}{origin}", entry.setting.series.machine)),
        badge: Badge::of_entry(entry),
        is_dirty: entry.commit.as_ref().is_some_and(|commit| commit.dirty),
    }
}
