//! Reads a store of records: one line per record, the newest last.
//!
//! `cargo run --release --example read_history -- reports/history`
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::env;
use std::path::PathBuf;

use arcgauge::record::History;

fn main() {
    let store = env::args_os().nth(1).map_or_else(|| PathBuf::from("reports/history"), PathBuf::from);
    for line in lines(store) {
        println!("{line}");
    }
}

/// A line per record, then why others cannot be read.
pub(crate) fn lines(store: PathBuf) -> Vec<String> {
    let mut index = History::at(store).index();
    index.entries.sort_by(|one, other| one.when_utc.cmp(&other.when_utc));
    let readable = index.entries.iter().map(|entry| {
        let speed = entry.metric_values.as_ref().map_or("no verified speed".to_owned(), |metric_values| {
            format!("{:.2} tok/s, TPOT {:.2} ms", metric_values.throughput_tok_s, metric_values.tpot_ms)
        });
        // A guard that tripped is among the warnings: then the speed is invalid.
        format!("{} {} {speed}; warnings: [{}]", entry.when_utc, entry.run_id, entry.warning_ids.join(", "))
    });
    let damaged = index.damaged.iter().map(|(_, error)| format!("damaged: {error}"));
    readable.chain(damaged).collect()
}
