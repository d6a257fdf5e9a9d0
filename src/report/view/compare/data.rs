//! The data of the page's script: runs that know their setting, and figures that know their row, by place.

use serde::Serialize;

use crate::record::{Entry, SummaryRow};
use crate::report::Badge;
use crate::report::comparison::COMPARABLE;
use crate::report::decision::Mark;
use crate::report::number::four_digits;
use crate::report::view::compare::Pair;
use crate::report::view::compare::figures::{self, FigureLists, RowData};
use crate::report::view::compare::settings::{Environment, PartData, SettingData};
use crate::report::view::doubt::is_doubted;
use crate::report::view::{CommitLink, short};
use crate::visible::one_line;

/// All that the script knows.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CompareData {
    words: Words,
    /// The two that are shown first, by name.
    first: First,
    /// What runs are grouped by in a list.
    groups: Vec<String>,
    /// What may differ around two runs.
    parts: Vec<PartData>,
    values: Vec<String>,
    settings: Vec<SettingData>,
    rows: Vec<RowData>,
    runs: Vec<RunData>,
}

/// What is said of two runs; the same words as the verb's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Words {
    same: Word,
    environment_differs: Word,
    unlike: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Word {
    badge: Badge,
    sentence: &'static str,
    /// How the differences of figures are to be read.
    caption: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct First {
    a: String,
    b: String,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct RunData {
    id: String,
    /// In a list of runs.
    label: String,
    when_utc: String,
    commit: Option<CommitLink>,
    /// The commit in words; with changes, where it had some.
    commit_reported: String,
    speed: String,
    setting: usize,
    /// A guard tripped: its times are invalid.
    is_doubted: bool,
    figures: FigureLists,
}

impl CompareData {
    /// Of these runs, the newest first.
    pub(super) fn of(runs: &[&Entry], pair: &Pair<'_>) -> Self {
        let summary_rows: Vec<&SummaryRow> = runs.iter().filter_map(|entry| entry.figures.as_ref()).collect();
        let prompts = figures::prompts(&summary_rows);
        let around = Environment::of(runs);
        let reported = runs.iter().zip(&around.of_runs);
        Self {
            words: Words::all(),
            first: First { a: pair.a.run_id.clone(), b: pair.b.run_id.clone() },
            rows: figures::rows(&prompts),
            runs: reported.filter_map(|(entry, setting)| RunData::of(entry, *setting, &prompts)).collect(),
            groups: around.groups,
            parts: around.parts,
            values: around.values,
            settings: around.settings,
        }
    }
}

impl RunData {
    fn of(entry: &Entry, setting: usize, prompts: &[String]) -> Option<Self> {
        let summary_row = entry.figures.as_ref()?;
        let commit_reported = entry.commit.as_ref().map_or("no commit".to_owned(), |commit| {
            format!("{}{}", one_line(short(&commit.sha)), if commit.dirty { " (dirty)" } else { "" })
        });
        let when = entry.when_utc.get(..16).unwrap_or(&entry.when_utc).replacen('T', " ", 1);
        let tpot = format!("{} ms/token", four_digits(summary_row.tpot_ms));
        Some(Self {
            id: entry.run_id.clone(),
            label: format!("{}: {commit_reported}, {tpot}", one_line(&when)),
            when_utc: one_line(&entry.when_utc),
            commit: entry.commit.as_ref().and_then(|commit| CommitLink::of(&commit.sha)),
            commit_reported,
            speed: format!("{tpot}, {} token/s", four_digits(summary_row.throughput_tok_s)),
            setting,
            is_doubted: is_doubted(entry),
            figures: figures::figures(summary_row, prompts),
        })
    }
}

impl Words {
    fn all() -> Self {
        Self {
            same: Word {
                badge: Badge::new(Mark::NotJudged, COMPARABLE),
                sentence: "same series and same epoch: two runs of one thing",
                caption: "Change: from A to B. Two separate runs, not interleaved pairs: an observation, not a \
                          test; cargo xtask ab decides.",
            },
            environment_differs: Word {
                badge: Badge::new(Mark::Warns, "environment differs"),
                sentence: "same machine, model, workload and device, but not all is alike under the measurement",
                caption: "Change: from A to B. An observation, not a test: what differs above may be all of it; \
                          cargo xtask ab decides.",
            },
            unlike: Word {
                badge: Badge::new(Mark::NotJudged, "unlike"),
                sentence: "so nothing is compared",
                caption: "",
            },
        }
    }
}
