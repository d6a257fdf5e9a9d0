//! `history verify`, `history rebuild`: what is whole, and what is derived made anew.

use std::collections::BTreeMap;
use std::process::ExitCode;

use crate::cli::history::selection::complain_of;
use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{exit_code, print_line, say};
use crate::error::Result;
use crate::files::{Overwrite, refuse_links, write_whole};
use crate::record::{Ancestry, Entry, keep_line, series_csv, sort_along};

/// Reads every record whole.
pub(super) fn verify(store: &StoreFlag) -> Result<ExitCode> {
    let history = store.find(&Root::find())?;
    let (whole, damaged) = history.verify();
    for (path, error) in &damaged {
        print_line(&format!("damaged: {}", path.display()))?;
        for line in error.lines().chain(error.hint_text().map(str::to_owned)) {
            print_line(&format!("  {line}"))?;
        }
    }
    let at = history.root().display();
    print_line(&format!("{whole} whole, {} damaged in `{at}`", damaged.len()))?;
    Ok(ExitCode::from(if damaged.is_empty() { exit_code::PASS } else { exit_code::HARNESS_FAILED }))
}

/// Makes index and CSV files anew.
pub(super) fn rebuild(store: &StoreFlag) -> Result<ExitCode> {
    let root = Root::find();
    let history = store.find(&root)?;
    let index = history.rebuilt_index();
    complain_of(&index);
    if let Some(error) = index.unkept {
        return Err(error);
    }
    let mut entries: Vec<&Entry> = index.entries.iter().collect();
    let ancestry = Ancestry::of_head(root.path())?;
    keep_line(&mut entries, &ancestry);
    sort_along(&mut entries, &ancestry);
    // Oldest first, as whoever looks for changes reads it.
    entries.reverse();
    let mut by_series: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.into_iter().filter(|entry| entry.may_be_baseline()) {
        by_series.entry(&entry.setting.series.id).or_default().push(entry);
    }
    for (id, entries) in &by_series {
        let series = &entries[0].setting.series;
        let folder = history.root().join("csv");
        let file = folder.join(format!("{}.{}.{id}.csv", series.machine, series.device));
        refuse_links(&file, 2)?;
        write_whole(&file, series_csv(entries)?.as_bytes(), Overwrite::Replace)?;
        say(&format!("series {id}: {} records in `{}`", entries.len(), file.display()));
    }
    say(&format!("index: {} records of `{}`", index.entries.len(), history.root().display()));
    Ok(ExitCode::from(exit_code::PASS))
}
