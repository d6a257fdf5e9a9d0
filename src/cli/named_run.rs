//! A record by whatever names it: its file, its run, its commit, or `latest`.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::root::Root;
use crate::error::{Error, Result};
use crate::record::{AnyRecord, Entry, History, Index, Outcome, RecordKind, Repository, RunRecord, utc_now};

/// The word for the newest run.
const LATEST: &str = "latest";
/// Fewer digits are not taken for the beginning of a sha.
const FEWEST_DIGITS: usize = 4;
/// Digits of a run's id.
const RUN_ID_DIGITS: usize = 12;

/// A run that was found.
#[derive(Debug)]
pub(super) struct NamedRun {
    pub(super) run: RunRecord,
    /// Its file, as it is told.
    pub(super) file: String,
    /// Which one was taken, where the name could be of several.
    pub(super) taken: Option<String>,
}

/// Finds the run that is meant.
pub(super) fn find(name: &str, store: &History, root: &Root) -> Result<NamedRun> {
    if is_file(name) {
        return read(Path::new(name), None);
    }
    if name == LATEST {
        let Some(stored) = store.latest()? else { return Err(nothing(name, store, "there is no run")) };
        let taken = Some(format!("`{LATEST}` is {}", told(&stored.record)));
        return Ok(NamedRun { file: stored.path.display().to_string(), run: stored.record, taken });
    }
    let index = store.index();
    if is_hex(name) && name.len() == RUN_ID_DIGITS {
        let mut runs = index.entries.iter().filter(|entry| entry.run_id.eq_ignore_ascii_case(name));
        if let Some(entry) = runs.next() {
            return read(&store.root().join(&entry.path), None);
        }
    }
    let sha = commit(name, &index, store, root)?;
    let entry = newest_of(&sha, name, &index, store)?;
    let named = read(&store.root().join(&entry.path), None)?;
    let taken = Some(format!("the newest complete run of commit {}: {}", short(&sha), told(&named.run)));
    Ok(NamedRun { taken, ..named })
}

/// What is called as records are is a file, whether it is there or not; so is whatever file is there,
/// unless its name is a word of ours.
fn is_file(name: &str) -> bool {
    let path = Path::new(name);
    path.extension().is_some_and(|extension| extension == "json") || (name != LATEST && path.is_file())
}

fn read(path: &Path, taken: Option<String>) -> Result<NamedRun> {
    match History::read_any(path)?.record {
        AnyRecord::Run(run) => Ok(NamedRun { run: *run, file: path.display().to_string(), taken }),
        AnyRecord::Ab(_) => {
            let what = format!("`{}` is an A/B, which has both its sides in it", path.display());
            let hint = format!("`cargo xtask history show {}` tells what it came to", path.display());
            Err(Error::input(what).hint(hint))
        }
        AnyRecord::Peers(_) => {
            let what = format!("`{}` is of several engines, and has all of them in it", path.display());
            let hint = format!("`cargo xtask history show {}` tells how they stand", path.display());
            Err(Error::input(what).hint(hint))
        }
    }
}

/// The sha that is meant: that of records whose commit begins so, else of the checkout's repository.
fn commit(name: &str, index: &Index, store: &History, root: &Root) -> Result<String> {
    if is_hex(name) && name.len() >= FEWEST_DIGITS {
        let begin = name.to_ascii_lowercase();
        let shas = index.entries.iter().filter_map(|entry| Some(entry.commit.as_ref()?.sha.as_str()));
        let shas: BTreeSet<&str> = shas.filter(|sha| sha.starts_with(&begin)).collect();
        let mut found = shas.iter();
        match (found.next(), found.next()) {
            (Some(sha), None) => return Ok((*sha).to_owned()),
            (Some(_), Some(_)) => {
                let named: Vec<String> = shas.iter().map(|sha| format!("`{}`", short(sha))).collect();
                let what = format!("`{name}` begins the sha of several commits: {}", named.join(", "));
                return Err(Error::input(what).hint("give more digits"));
            }
            (None, _) => {}
        }
    }
    match Repository::open(root.path()).and_then(|repository| repository.resolve(name)) {
        Ok(commit) => Ok(commit.sha),
        Err(error) => Err(nothing(name, store, &format!("it is no file and no run, and {error}"))),
    }
}

/// The newest complete run of a commit, of its clean tree where there is one.
fn newest_of<'a>(sha: &str, name: &str, index: &'a Index, store: &History) -> Result<&'a Entry> {
    let of_commit = |entry: &&Entry| {
        entry.kind == RecordKind::RunRecord && entry.commit.as_ref().is_some_and(|commit| commit.sha == sha)
    };
    let runs: Vec<&Entry> = index.entries.iter().filter(of_commit).collect();
    let is_clean = |entry: &Entry| entry.commit.as_ref().is_some_and(|commit| !commit.dirty);
    let now = utc_now();
    let complete = runs.iter().copied().filter(|entry| entry.outcome == Outcome::Complete);
    let complete = complete.filter(|entry| !entry.is_later_than(&now));
    let newest = complete.max_by_key(|entry| (is_clean(entry), entry.moment(), entry.run_id.as_str()));
    newest.ok_or_else(|| {
        let short = short(sha);
        let why = if runs.is_empty() {
            format!("commit {short} has no run")
        } else {
            format!("none of the {} runs of commit {short} is complete; name one by its id", runs.len())
        };
        nothing(name, store, &why)
    })
}

fn nothing(name: &str, store: &History, why: &str) -> Error {
    Error::input(format!("no record of `{name}` in `{}`: {why}", store.root().display()))
        .hint("`cargo xtask history list` names the records; `cargo xtask bench` makes one")
}

fn told(run: &RunRecord) -> String {
    let dirty = run.commit.as_ref().is_some_and(|commit| commit.dirty);
    let dirty = if dirty { ", of a changed tree" } else { "" };
    format!("{} of {} on {}{dirty}", run.run_id, run.when_utc, run.machine.slug)
}

fn short(sha: &str) -> &str {
    sha.get(..12).unwrap_or(sha)
}

fn is_hex(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
