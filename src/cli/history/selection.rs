//! Which records of a store: filters that several verbs share.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use crate::cli::named_record::{ANY, is_file, resolve};
use crate::cli::root::Root;
use crate::cli::{say, warn};
use crate::error::{Error, Result};
use crate::record::{Ancestry, Entry, History, Index, RecordFile, Repository, sort_along};

/// Filters.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Only records of this machine: its slug, or a part of it
    #[arg(long, value_name = "TEXT")]
    machine: Option<String>,

    /// Only records of this commit: the first digits of its sha
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,

    /// Only records of this series, as `list --format json` names it
    #[arg(long, value_name = "ID")]
    series: Option<String>,

    /// At most this many records, the newest
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl Selection {
    /// Whether nothing is left out.
    pub(super) fn is_everything(&self) -> bool {
        let Self { machine, commit, series, limit } = self;
        machine.is_none() && commit.is_none() && series.is_none() && limit.is_none()
    }

    /// The records that are meant, along the commits of the checkout, newest first.
    pub(super) fn of<'a>(&self, index: &'a Index, root: &Root) -> Result<Vec<&'a Entry>> {
        if let Some(sha) = &self.commit
            && (sha.is_empty() || !sha.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            return Err(Error::input(format!("`{sha}` does not begin a commit's sha"))
                .hint("`git log` lists them; \"HEAD\" is `git rev-parse HEAD`"));
        }
        let ancestry = Ancestry::of_head(root.path())?;
        if let Some(warning) = ancestry.warning() {
            warn(&warning);
        }
        let mut chosen: Vec<&Entry> = index.entries.iter().filter(|entry| self.has(entry)).collect();
        sort_along(&mut chosen, &ancestry);
        chosen.truncate(self.limit.unwrap_or(usize::MAX));
        Ok(chosen)
    }

    fn has(&self, entry: &Entry) -> bool {
        let sha = entry.commit.as_ref().map_or("", |commit| commit.sha.as_str());
        let series = &entry.setting.series;
        self.machine.as_ref().is_none_or(|part| series.machine.contains(part))
            && self.commit.as_ref().is_none_or(|begin| sha.starts_with(&begin.to_lowercase()))
            && self.series.as_ref().is_none_or(|id| series.id == *id)
    }
}

/// Names what is damaged, and why the index could not be stored.
pub(in crate::cli) fn report_damaged(index: &Index) {
    for (_, error) in &index.damaged {
        say(&format!("warning: {error}"));
    }
    if !index.damaged.is_empty() {
        say("  `cargo xtask doctor` says what fixes it");
    }
    if let Some(error) = &index.unkept {
        say(&format!("warning: the index is not stored: {error}"));
    }
}

/// What stands between the ends of a range of commits.
const RANGE: &str = "..";

/// The records that are meant: those named in their order, a range oldest first; or all that the filters
/// leave, oldest first.
pub(super) fn chosen(
    names: &[String],
    selection: &Selection,
    history: &History,
    index: &Index,
    root: &Root,
) -> Result<Vec<RecordFile>> {
    let of_store = selection.of(index, root)?;
    if names.is_empty() {
        return Ok(of_store.into_iter().rev().map(|entry| RecordFile::stored(history, entry)).collect());
    }
    let mut chosen: Vec<RecordFile> = Vec::new();
    let mut known = BTreeSet::new();
    for name in names {
        for record in named(name, &of_store, history, root)? {
            // A record that is named twice is one record; two of one id are two.
            if known.insert(History::payload_sha256(&record.file)?) {
                chosen.push(record);
            }
        }
    }
    Ok(chosen)
}

fn named(name: &str, of_store: &[&Entry], history: &History, root: &Root) -> Result<Vec<RecordFile>> {
    if is_file(name) {
        let file = PathBuf::from(name);
        let record = History::read(&file)?.record;
        return Ok(vec![RecordFile { entry: Entry::of(file.clone(), &record), file }]);
    }
    let stored = |entry: &&Entry| RecordFile::stored(history, entry);
    let Some((from, to)) = name.split_once(RANGE) else {
        return resolve(name, of_store, history, root, ANY).map(|(entry, _)| vec![stored(&entry)]);
    };
    let range = Range::of(from, to, root)?;
    let of_range: Vec<RecordFile> =
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
