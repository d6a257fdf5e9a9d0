//! Two runs compared. The newest runs in a table, and what the page's script needs to compare any two of them. It
//! gives no verdict, and of what the index does not hold it knows nothing: the whole comparison is the verb's.

mod data;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::error::Result;
use crate::golden::GoldenResult;
use crate::record::{Entry, Outcome, PlanKind};
use crate::report::number::{counted, four_digits};
use crate::report::render::json_block;
use crate::report::view::CommitLink;
use crate::visible::one_line;

const ROWS: usize = 30;
const MOST_RUNS: usize = 300;
/// What they may weigh; where names are long, there are fewer of them.
const MOST_BYTES: usize = 300_000;

/// The page and what stands beside it.
#[derive(Debug, Clone)]
pub(in crate::report) struct ComparePage {
    pub(in crate::report) view: Value,
    /// The data of the page's script; None where there are no two runs.
    pub(in crate::report) data: Option<String>,
}

impl ComparePage {
    /// The page of these records.
    ///
    /// # Errors
    /// None in practice: data that cannot be written.
    pub(in crate::report) fn of(entries: &[Entry]) -> Result<Self> {
        let mut runs: Vec<&Entry> = entries.iter().filter(|entry| can_be_compared(entry)).collect();
        runs.sort_by(|one, other| (&other.when_utc, &other.run_id).cmp(&(&one.when_utc, &one.run_id)));
        let newest = &runs[..runs.len().min(MOST_RUNS)];
        let rows: Vec<Value> = runs.iter().take(ROWS).filter_map(|entry| row(entry)).collect();
        let all = counted(runs.len(), "verified run");
        let view = json!({
            "shown": if rows.len() < runs.len() {
                format!("the newest {} of {all}", rows.len())
            } else {
                format!("all {all}")
            },
            "rows": rows,
            // Two that can be compared.
            "example": two_of_one_line(newest).map(|[a, b]| json!({ "a": a.run_id, "b": b.run_id })),
        });
        Ok(Self { view, data: data_of(newest)? })
    }
}

/// The newest two of one machine, model, device and workload, else the newest two; the older one first.
fn two_of_one_line<'a>(newest_first: &[&'a Entry]) -> Option<[&'a Entry; 2]> {
    let of_one_line = newest_first.iter().enumerate().find_map(|(at, newer)| {
        let line = newer.setting.line();
        let older = newest_first[at + 1..].iter().find(|older| older.setting.line() == line)?;
        Some([*older, *newer])
    });
    of_one_line.or(match newest_first {
        [newer, older, ..] => Some([older, newer]),
        _ => None,
    })
}

/// The data of as many runs as it may hold; None where these are not two.
fn data_of(newest_first: &[&Entry]) -> Result<Option<String>> {
    let mut runs = newest_first;
    while let Some(first) = two_of_one_line(runs) {
        let block = json_block(&data::of_runs(runs, first))?;
        if block.len() <= MOST_BYTES {
            return Ok(Some(block));
        }
        runs = &runs[..runs.len() / 2];
    }
    Ok(None)
}

/// Whether a run has values that were compared with goldens, and a name that can be typed.
fn can_be_compared(entry: &Entry) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let id = &entry.run_id;
    entry.plan == PlanKind::Bench
        && entry.outcome == Outcome::Complete
        && entry.golden.is_some_and(GoldenResult::is_verified)
        && entry.metric_values.is_some()
        && (1..=64).contains(&id.len())
        && id.bytes().all(is_name)
        && !id.starts_with('-')
}

fn row(entry: &Entry) -> Option<Value> {
    let run = entry.metric_values.as_ref()?;
    let series = &entry.setting.series;
    Some(json!({
        "run_id": entry.run_id,
        "commit": CommitLink::of_entry(entry),
        "is_dirty": entry.commit.as_ref().is_some_and(|commit| commit.dirty),
        "when_utc": one_line(&entry.when_utc),
        "machine": one_line(&series.machine),
        "model": one_line(&series.model),
        "device": one_line(&series.device_in_words()),
        "openvino": series.openvino.as_deref().map_or("-".to_owned(), one_line),
        "throughput": four_digits(run.throughput_tok_s),
        "tpot": four_digits(run.tpot_ms),
    }))
}
