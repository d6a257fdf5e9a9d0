//! Which records of a store, by names: of any kind, and of a range of commits.

use std::path::PathBuf;

use crate::cli::history::selection::Selection;
use crate::cli::named_record::{ANY, is_file, resolve};
use crate::cli::root::Root;
use crate::error::{Error, Result};
use crate::record::{Ancestry, Entry, Experiment, History, Index, Repository};

/// What stands between the ends of a range of commits.
const RANGE: &str = "..";

/// A record that is meant.
#[derive(Debug, Clone)]
pub(super) struct ChosenRecord {
    /// What the index says of it.
    pub(super) entry: Entry,
    /// Its file.
    pub(super) file: PathBuf,
}

impl ChosenRecord {
    /// Reads it.
    pub(super) fn read(&self) -> Result<Experiment> {
        Ok(History::read(&self.file)?.record)
    }

    fn stored(history: &History, entry: &Entry) -> Self {
        Self { entry: entry.clone(), file: history.root().join(&entry.path) }
    }
}

/// The records that are meant: those named in their order, a range oldest first; or all that the filters
/// leave, oldest first.
pub(super) fn chosen(
    names: &[String],
    selection: &Selection,
    history: &History,
    index: &Index,
    root: &Root,
) -> Result<Vec<ChosenRecord>> {
    let of_store = selection.of(index, root)?;
    if names.is_empty() {
        return Ok(of_store.into_iter().rev().map(|entry| ChosenRecord::stored(history, entry)).collect());
    }
    let mut chosen: Vec<ChosenRecord> = Vec::new();
    for name in names {
        for record in named(name, &of_store, history, root)? {
            // A record that is named twice is one record.
            if !chosen.iter().any(|known| known.entry.run_id == record.entry.run_id) {
                chosen.push(record);
            }
        }
    }
    Ok(chosen)
}

fn named(name: &str, of_store: &[&Entry], history: &History, root: &Root) -> Result<Vec<ChosenRecord>> {
    if is_file(name) {
        let file = PathBuf::from(name);
        let record = History::read(&file)?.record;
        return Ok(vec![ChosenRecord { entry: Entry::of(file.clone(), &record), file }]);
    }
    let stored = |entry: &&Entry| ChosenRecord::stored(history, entry);
    let Some((from, to)) = name.split_once(RANGE) else {
        return resolve(name, of_store, history, root, ANY).map(|(entry, _)| vec![stored(&entry)]);
    };
    let range = Range::of(from, to, root)?;
    let of_range: Vec<ChosenRecord> =
        of_store.iter().rev().filter(|entry| range.has(entry)).map(stored).collect();
    if of_range.is_empty() { Err(nothing(name, history)) } else { Ok(of_range) }
}

/// Commits along a line of first parents, without the one that it begins after, as git has it.
struct Range {
    line: Ancestry,
    /// How far from its end it begins.
    length: usize,
}

impl Range {
    fn of(from: &str, to: &str, root: &Root) -> Result<Self> {
        let repository = Repository::open(root.path())?;
        let resolved = |name: &str| repository.resolve(if name.is_empty() { "HEAD" } else { name });
        let (from, to) = (resolved(from)?, resolved(to)?);
        let line = Ancestry::of(root.path(), &to.sha)?;
        let Some(length) = line.distance(&from.sha) else {
            let what =
                format!("commit {} is no first parent of {}, however far back", from.short(), to.short());
            return Err(
                Error::input(what).hint("begin the range at a commit of that line: `git log --first-parent`")
            );
        };
        Ok(Self { line, length })
    }

    fn has(&self, entry: &Entry) -> bool {
        let distance = entry.commit.as_ref().and_then(|commit| self.line.distance(&commit.sha));
        distance.is_some_and(|distance| distance < self.length)
    }
}

fn nothing(name: &str, history: &History) -> Error {
    Error::input(format!("no record of `{name}` in `{}`", history.root().display()))
        .hint("name a range of commits `A..B` that have records: `cargo xtask history list`")
}
