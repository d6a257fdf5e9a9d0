//! The first page: are we all right, what changed, when, by how much, and why do we think so?

mod answer;
mod changes;
mod decisions;
mod gate_health;
mod levels;
mod line;
mod trend;

use serde::Serialize;

use crate::error::Result;
use crate::judge::policy::Policy;
use crate::record::{Entry, PublishedReference};
use crate::report::number::counted;
use crate::report::one_line;
use crate::report::view::Timeline;
use decisions::DecisionRow;
use gate_health::GateHealth;
use line::Line;

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
}

/// The first page.
#[derive(Debug, Clone, Serialize)]
pub struct OverviewView {
    /// Whether there is nothing to tell yet.
    is_empty: bool,
    /// The timelines.
    lines: Vec<Line>,
    /// Timelines that are not shown here.
    more_lines: Option<String>,
    /// The newest decisions, on whichever machine.
    decisions: Vec<DecisionRow>,
    /// How often the gate errs, by machine.
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
        let left = sources.timelines.len().saturating_sub(LINES_SHOWN);
        let damaged = counted(sources.damaged, "file");
        Ok(Self {
            is_empty: sources.entries.is_empty(),
            lines: lines.collect::<Result<_>>()?,
            more_lines: (left > 0).then(|| counted(left, "more timeline")),
            decisions: decisions::newest(sources),
            gate_health: gate_health::by_machine(sources.entries, &sources.policy.sequential.rule()),
            damaged: (sources.damaged > 0).then_some(damaged),
            beside: beside(sources),
            along: sources.along.map(one_line),
        })
    }
}

/// Records that are on no timeline are no word on the commits, and are not hidden either.
fn beside(sources: OverviewSources<'_>) -> Option<String> {
    let told: usize =
        sources.timelines.iter().flat_map(|timeline| &timeline.points).map(|it| it.records).sum();
    let left = sources.entries.len().saturating_sub(told);
    let newest = sources.entries.iter().max_by_key(|entry| &entry.when_utc)?;
    (left > 0).then(|| {
        format!(
            "{} of changed trees, of no commit, or of other branches; the newest record began {}",
            counted(left, "record"),
            newest.when_utc
        )
    })
}
