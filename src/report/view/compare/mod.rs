//! Two runs compared. The newest runs in a table, and what the page's script needs to hold any two of
//! them against each other. It gives no verdict, and of what the index does not hold it knows nothing: the
//! whole comparison is the verb's.

mod data;
mod figures;
mod settings;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::error::Result;
use crate::golden::GoldenResult;
use crate::record::{Entry, Outcome, PlanKind};
use crate::report::number::{counted, four_digits};
use crate::report::render::json_block;
use crate::report::view::CommitLink;
use crate::visible::one_line;
use data::CompareData;

/// Rows of the table.
const ROWS: usize = 30;
/// Runs to choose from.
const MOST_RUNS: usize = 300;
/// What they may weigh; where names are long, there are fewer of them.
const MOST_BYTES: usize = 300_000;

/// The page and what stands beside it.
#[derive(Debug, Clone)]
pub struct ComparePage {
    /// What the template tells.
    pub view: CompareView,
    /// The data of the page's script; None where there are no two runs.
    pub data: Option<String>,
}

/// What the template tells.
#[derive(Debug, Clone, Serialize)]
pub struct CompareView {
    rows: Vec<RunRow>,
    /// How many of all runs are in the table, in words.
    shown: String,
    /// Two that can be compared; None where there are no two.
    example: Option<Example>,
}

/// A run in the table.
#[derive(Debug, Clone, Serialize)]
struct RunRow {
    run_id: String,
    commit: Option<CommitLink>,
    is_dirty: bool,
    when_utc: String,
    machine: String,
    model: String,
    device: String,
    openvino: String,
    throughput: String,
    tpot: String,
}

/// The names of two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Example {
    a: String,
    b: String,
}

impl ComparePage {
    /// The page of these records.
    ///
    /// # Errors
    /// None in practice: data that cannot be written.
    pub fn of(entries: &[Entry]) -> Result<Self> {
        let mut runs: Vec<&Entry> = entries.iter().filter(|entry| can_be_compared(entry)).collect();
        runs.sort_by(|one, other| (&other.when_utc, &other.run_id).cmp(&(&one.when_utc, &one.run_id)));
        let newest = &runs[..runs.len().min(MOST_RUNS)];
        let pair = two_of_one_line(newest);
        let data = data_of(newest)?;
        let rows: Vec<RunRow> = runs.iter().take(ROWS).filter_map(|entry| RunRow::of(entry)).collect();
        let view = CompareView {
            shown: of_all(rows.len(), runs.len()),
            example: pair.map(|pair| Example { a: pair.a.run_id.clone(), b: pair.b.run_id.clone() }),
            rows,
        };
        Ok(Self { view, data })
    }
}

/// As in "the newest 30 of 176 verified runs".
fn of_all(count: usize, all: usize) -> String {
    if count < all {
        format!("the newest {count} of {}", counted(all, "verified run"))
    } else {
        format!("all {}", counted(all, "verified run"))
    }
}

/// Two runs, the older one first.
#[derive(Debug, Clone, Copy)]
struct Pair<'a> {
    a: &'a Entry,
    b: &'a Entry,
}

/// The newest two of one machine, model, device and workload; else the newest two.
fn two_of_one_line<'a>(newest_first: &[&'a Entry]) -> Option<Pair<'a>> {
    let of_one_line = newest_first.iter().enumerate().find_map(|(at, newer)| {
        let mut older = newest_first[at + 1..].iter();
        let line = settings::line_of(newer);
        older.find(|older| settings::line_of(older) == line).map(|older| Pair { a: older, b: newer })
    });
    of_one_line.or(match newest_first {
        [newer, older, ..] => Some(Pair { a: older, b: newer }),
        _ => None,
    })
}

/// The data of as many runs as it may hold; None where these are not two.
fn data_of(newest_first: &[&Entry]) -> Result<Option<String>> {
    let mut runs = newest_first;
    while let Some(pair) = two_of_one_line(runs) {
        let block = json_block(&CompareData::of(runs, &pair))?;
        if block.len() <= MOST_BYTES {
            return Ok(Some(block));
        }
        runs = &runs[..runs.len() / 2];
    }
    Ok(None)
}

/// Whether a run has figures that were compared with goldens, and a name that can be typed.
fn can_be_compared(entry: &Entry) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let id = &entry.run_id;
    entry.plan == PlanKind::Bench
        && entry.outcome == Outcome::Complete
        && entry.golden.is_some_and(GoldenResult::is_verified)
        && entry.figures.is_some()
        && (1..=64).contains(&id.len())
        && id.bytes().all(is_name)
        && !id.starts_with('-')
}

impl RunRow {
    fn of(entry: &Entry) -> Option<Self> {
        let figures = entry.figures.as_ref()?;
        let series = &entry.setting.series;
        Some(Self {
            run_id: entry.run_id.clone(),
            commit: entry.commit.as_ref().and_then(|commit| CommitLink::of(&commit.sha)),
            is_dirty: entry.commit.as_ref().is_some_and(|commit| commit.dirty),
            when_utc: one_line(&entry.when_utc),
            machine: one_line(&series.machine),
            model: one_line(&series.model),
            device: one_line(&series.device_in_words()),
            openvino: series.openvino.as_deref().map_or("-".to_owned(), one_line),
            throughput: four_digits(figures.throughput_tok_s),
            tpot: four_digits(figures.tpot_ms),
        })
    }
}
