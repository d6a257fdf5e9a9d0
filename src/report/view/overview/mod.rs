//! The first page: the status, the newest record, open regressions, and per timeline what changed, when, by how much
//! and why.

mod answer;
mod changes;
mod commit_line;
mod decisions;
mod gate_health;
mod levels;
mod line;
mod newest;
mod open;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::error::Result;
use crate::judge::policy::Policy;
use crate::record::{Entry, PublishedReference};
use crate::report::number::counted;
use crate::report::view::{Forge, Timeline};
use crate::visible::one_line;
use decisions::DecisionRow;
use gate_health::GateHealth;
use line::Line;
use newest::NewestRecord;
use open::OpenRegression;

/// What the first page is made of.
#[derive(Clone, Copy)]
pub struct OverviewSources<'a> {
    /// Every record.
    pub entries: &'a [Entry],
    /// Every timeline, the one that was measured last first.
    pub timelines: &'a [Timeline<'a>],
    /// What was published.
    pub published: &'a PublishedReference,
    /// What the gate decides by.
    pub policy: &'a Policy,
    /// The subject of a record's commit, which the index does not hold.
    pub subject_of: &'a dyn Fn(&Entry) -> Option<String>,
    /// Files of the store that are no whole records.
    pub damaged: usize,
    /// Along which commits the timelines go, in words.
    pub along: Option<&'a str>,
    /// Where commits are compared on the web; None where that is not known.
    pub forge: Option<&'a Forge>,
}

/// The first page.
#[derive(Debug, Clone, Serialize)]
pub struct OverviewView {
    /// Whether there is no record yet.
    is_empty: bool,
    /// The line with the worst status; None where there is one line or none.
    worst: Option<Line>,
    newest: Option<NewestRecord>,
    /// Of all timelines, the largest change first.
    open: Vec<OpenRegression>,
    /// The timelines.
    lines: Vec<Line>,
    /// Timelines that are not shown here.
    more_lines: Option<String>,
    /// The newest decisions, on whichever machine.
    decisions: Vec<DecisionRow>,
    /// False positives of the gate, by machine.
    gate_health: Vec<GateHealth>,
    /// That files of the store are damaged.
    damaged: Option<String>,
    /// What there are besides: records of changed trees, of no commit, or of other branches.
    beside: Option<String>,
    /// Along which commits.
    along: Option<String>,
}

/// More timelines than these are on the page of the history.
const LINES_SHOWN: usize = 6;

impl OverviewView {
    /// The page of these records.
    ///
    /// # Errors
    /// A figure that is no number.
    pub fn of(sources: OverviewSources<'_>) -> Result<Self> {
        let lines = sources.timelines.iter().take(LINES_SHOWN).map(|timeline| Line::of(timeline, sources));
        let lines: Vec<Line> = lines.collect::<Result<_>>()?;
        let worst = lines.iter().min_by_key(|line| line.rank()).filter(|_| lines.len() > 1).cloned();
        let mut open = Vec::new();
        for timeline in sources.timelines {
            open.extend(open::regressions(timeline, &levels::tracks(timeline)?, sources));
        }
        let left = sources.timelines.len().saturating_sub(LINES_SHOWN);
        let damaged = counted(sources.damaged, "file");
        Ok(Self {
            is_empty: sources.entries.is_empty(),
            worst,
            newest: NewestRecord::of(sources),
            open: open::by_size(open),
            lines,
            more_lines: (left > 0).then(|| counted(left, "more timeline")),
            decisions: decisions::newest(sources),
            gate_health: gate_health::by_machine(sources.entries, &sources.policy.sequential.rule()),
            damaged: (sources.damaged > 0).then_some(damaged),
            beside: beside(sources),
            along: sources.along.map(one_line),
        })
    }
}

/// Records that are on no timeline say nothing of the commits, and are named all the same.
fn beside(sources: OverviewSources<'_>) -> Option<String> {
    let reported: usize =
        sources.timelines.iter().flat_map(|timeline| &timeline.points).map(|it| it.records).sum();
    let left = sources.entries.len().saturating_sub(reported);
    let newest = sources.entries.iter().max_by_key(|entry| &entry.when_utc)?;
    (left > 0).then(|| {
        format!(
            "{} of changed trees, of no commit, or of other branches; the newest record began {}",
            counted(left, "record"),
            newest.when_utc
        )
    })
}
