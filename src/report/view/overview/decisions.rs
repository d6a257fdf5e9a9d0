//! The newest decisions on commits.

use std::cmp::Reverse;

use serde::Serialize;

use crate::record::Entry;
use crate::report::number::{change_percent, counted, signed_percent};
use crate::report::view::overview::OverviewSources;
use crate::report::view::{Badge, CommitLink};
use crate::visible::one_line;

/// So many decisions are reported.
const SHOWN: usize = 10;

/// What an A/B came to.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DecisionRow {
    commit: Option<CommitLink>,
    base: Option<CommitLink>,
    when_utc: String,
    machine: String,
    badge: Badge,
    /// The change of the time per output token with its interval.
    change: Option<String>,
    pairs: Option<String>,
    subject: Option<String>,
}

/// The newest A/B runs between commits, on whichever machine.
pub(super) fn newest(sources: OverviewSources<'_>) -> Vec<DecisionRow> {
    let is_of_commits = |entry: &&Entry| {
        entry.ab.as_ref().is_some_and(|ab| ab.is_of_commits && !ab.is_against_itself && ab.verdict.is_some())
    };
    let mut entries: Vec<&Entry> = sources.entries.iter().filter(is_of_commits).collect();
    entries.sort_by_key(|entry| Reverse((&entry.when_utc, &entry.run_id)));
    entries.truncate(SHOWN);
    entries.into_iter().map(|entry| row(entry, sources)).collect()
}

fn row(entry: &Entry, sources: OverviewSources<'_>) -> DecisionRow {
    let ab = entry.ab.as_ref();
    let change = ab.and_then(|ab| ab.tpot_change);
    let percent = |ratio: f64| signed_percent(change_percent(ratio));
    DecisionRow {
        commit: entry.commit.as_ref().and_then(|commit| CommitLink::of(&commit.sha)),
        base: ab
            .and_then(|ab| ab.base_sha.as_deref())
            .filter(|sha| has_page(sha, sources))
            .and_then(CommitLink::of),
        when_utc: entry.when_utc.clone(),
        machine: one_line(&entry.setting.series.machine),
        badge: Badge::of_entry(entry),
        change: change
            .map(|it| format!("{} [{}, {}]", percent(it.ratio), percent(it.lower), percent(it.upper))),
        pairs: change.map(|it| counted(it.pairs, "pair")),
        subject: (sources.subject_of)(entry).map(|subject| one_line(&subject)),
    }
}

/// Every commit with a record has a page, and no other.
fn has_page(sha: &str, sources: OverviewSources<'_>) -> bool {
    sources.entries.iter().any(|entry| entry.commit.as_ref().is_some_and(|commit| commit.sha == sha))
}
