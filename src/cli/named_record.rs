//! A record as every verb names it: a file, an id or the beginning of one, a commit, `latest`, or `latest~1` before it.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::root::Root;
use crate::cli::say;
use crate::error::{Error, Result};
use crate::record::{Entry, Experiment, History, Outcome, PlanKind, Repository, utc_now};

/// The word for the newest record.
const LATEST: &str = "latest";
/// Fewer digits are not taken for the beginning of a sha.
const FEWEST_DIGITS: usize = 4;

pub(super) const RUNS: &[PlanKind] = &[PlanKind::Bench];
pub(super) const ABS: &[PlanKind] = &[PlanKind::Ab];
/// Records of any verb.
pub(super) const ANY: &[PlanKind] =
    &[PlanKind::Bench, PlanKind::Ab, PlanKind::Peers, PlanKind::Kv, PlanKind::Soak];

/// A record that was found.
#[derive(Debug)]
pub(super) struct NamedRecord {
    pub(super) record: Experiment,
    /// Its file, as it is printed.
    pub(super) file: String,
    /// Which one was taken, where the name could be of several.
    pub(super) taken: Option<String>,
}

impl NamedRecord {
    pub(super) fn path(&self) -> &Path {
        Path::new(&self.file)
    }

    /// Says which record was taken, where the name does not.
    pub(super) fn announced(self) -> Self {
        self.taken.iter().for_each(|taken| say(taken));
        self
    }
}

/// Finds the record that is meant. A commit and `latest` mean a record of these kinds; a file and an id mean that
/// record, whatever its kind.
pub(super) fn find(name: &str, store: &History, root: &Root, kinds: &[PlanKind]) -> Result<NamedRecord> {
    if is_file(name) {
        return read(Path::new(name), None);
    }
    // A damaged record may be the newest: then no older one is the latest.
    if name == LATEST && kinds == RUNS {
        let Some(stored) = store.latest()? else { return Err(nothing(name, store, "there is no run")) };
        let file = stored.path.display().to_string();
        let taken = format!("`{LATEST}` is {}", reported(&Entry::of(stored.path, &stored.record)));
        return Ok(NamedRecord { file, record: stored.record, taken: Some(taken) });
    }
    let index = store.index();
    let (entry, taken) = resolve(name, &index.entries.iter().collect::<Vec<_>>(), store, root, kinds)?;
    read(&store.root().join(&entry.path), taken)
}

pub(super) fn find_run(name: &str, store: &History, root: &Root) -> Result<NamedRecord> {
    let named = find(name, store, root, RUNS)?;
    let (has, shows) = match named.record.plan {
        PlanKind::Bench => return Ok(named),
        PlanKind::Ab => ("is an A/B, which has both its sides in it", "prints its result"),
        PlanKind::Peers => ("is of several engines, and has all of them in it", "compares them"),
        PlanKind::Soak => ("is a soak", "prints it"),
        PlanKind::Kv => ("is of changes of the KV cache, and has all of them in it", "compares them"),
    };
    Err(Error::input(format!("`{}` {has}", named.file))
        .hint(format!("`cargo xtask history show {}` {shows}", named.file)))
}

/// The record of these that is meant by an id, a commit or `latest`, and which one that is where the name does not
/// say it.
pub(super) fn resolve<'a>(
    name: &str,
    entries: &[&'a Entry],
    store: &History,
    root: &Root,
    kinds: &[PlanKind],
) -> Result<(&'a Entry, Option<String>)> {
    if let Some(back) = back_from_latest(name) {
        let now = utc_now();
        let by_now = |entry: &&&Entry| kinds.contains(&entry.plan) && !entry.is_later_than(&now);
        let mut newest_first: Vec<&Entry> = entries.iter().filter(by_now).copied().collect();
        newest_first.sort_by_key(|entry| Reverse((entry.moment(), entry.run_id.as_str())));
        return newest_first
            .get(back)
            .map(|entry| (*entry, Some(format!("`{name}` is {}", reported(entry)))))
            .ok_or_else(|| {
                let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{}`", kind.as_str())).collect();
                let found = newest_first.len();
                nothing(name, store, &format!("of {} it has {found}", kinds.join(", ")))
            });
    }
    let begin = name.to_ascii_lowercase();
    if is_hex(name) {
        let of_id: Vec<&&Entry> = entries.iter().filter(|entry| entry.run_id.starts_with(&begin)).collect();
        match of_id[..] {
            [] => {}
            [entry] if shas(&begin, entries).is_empty() || entry.run_id == begin => {
                let taken = (entry.run_id != begin).then(|| format!("`{name}` is {}", reported(entry)));
                return Ok((entry, taken));
            }
            [one, ..]
                if of_id.iter().all(|entry| entry.run_id == one.run_id)
                    && shas(&begin, entries).is_empty() =>
            {
                let file = |entry: &&&Entry| store.root().join(&entry.path).display().to_string();
                let files: Vec<String> = of_id.iter().map(file).collect();
                let files = quoted(files.iter().map(String::as_str));
                return Err(Error::input(format!("`{name}` is the id of {} records: {files}", of_id.len()))
                    .hint("name the file of one of them"));
            }
            _ => {
                let ids = of_id.iter().map(|entry| entry.run_id.as_str());
                let named = quoted(ids.chain(shas(&begin, entries).into_iter().map(short)));
                return Err(
                    Error::input(format!("`{name}` begins several ids: {named}")).hint("give more digits")
                );
            }
        }
    }
    let sha = commit(name, entries, store, root)?;
    let entry = newest_of(&sha, name, entries, store, kinds)?;
    let what = if kinds == RUNS { "complete run" } else { "record" };
    Ok((entry, Some(format!("the newest {what} of commit {}: {}", short(&sha), reported(entry)))))
}

/// How many records before the newest one are meant: 0 by `latest`, 2 by `latest~2`; None by another name.
fn back_from_latest(name: &str) -> Option<usize> {
    match name.strip_prefix(LATEST)? {
        "" => Some(0),
        back => back.strip_prefix('~')?.parse().ok(),
    }
}

/// Shas of these records that begin so.
fn shas<'a>(begin: &str, entries: &[&'a Entry]) -> BTreeSet<&'a str> {
    let shas = entries.iter().filter_map(|entry| Some(entry.commit.as_ref()?.sha.as_str()));
    shas.filter(|sha| begin.len() >= FEWEST_DIGITS && sha.starts_with(begin)).collect()
}

/// What is called as records are is a file, whether it is there or not; so is whatever file is there,
/// unless its name is a word of ours.
pub(super) fn is_file(name: &str) -> bool {
    let path = Path::new(name);
    path.extension().is_some_and(|extension| extension == "json") || (name != LATEST && path.is_file())
}

fn read(path: &Path, taken: Option<String>) -> Result<NamedRecord> {
    let record = History::read(path)?.record;
    Ok(NamedRecord { record, file: path.display().to_string(), taken })
}

/// The sha that is meant: that of records whose commit begins so, else of the checkout's repository.
fn commit(name: &str, entries: &[&Entry], store: &History, root: &Root) -> Result<String> {
    if is_hex(name) {
        let shas = shas(&name.to_ascii_lowercase(), entries);
        let mut found = shas.iter();
        match (found.next(), found.next()) {
            (Some(sha), None) => return Ok((*sha).to_owned()),
            (Some(_), Some(_)) => {
                let named = quoted(shas.iter().copied().map(short));
                let what = format!("`{name}` begins the sha of several commits: {named}");
                return Err(Error::input(what).hint("give more digits"));
            }
            (None, _) => {}
        }
    }
    match Repository::open(root.path()).and_then(|repository| repository.resolve(name)) {
        Ok(commit) => Ok(commit.sha),
        Err(error) => Err(nothing(name, store, &format!("it is no file and no id, and {error}"))),
    }
}

/// The newest record of a commit, of a clean tree where there is one; of a run a complete one.
fn newest_of<'a>(
    sha: &str,
    name: &str,
    entries: &[&'a Entry],
    store: &History,
    kinds: &[PlanKind],
) -> Result<&'a Entry> {
    let of_commit = |entry: &&Entry| {
        kinds.contains(&entry.plan) && entry.commit.as_ref().is_some_and(|commit| commit.sha == sha)
    };
    let found: Vec<&Entry> = entries.iter().copied().filter(of_commit).collect();
    let is_clean = |entry: &Entry| entry.commit.as_ref().is_some_and(|commit| !commit.dirty);
    let is_complete = |entry: &Entry| entry.outcome == Outcome::Complete;
    let now = utc_now();
    let mut usable = found.iter().copied().filter(|entry| is_complete(entry) || kinds != RUNS);
    let usable = usable.by_ref().filter(|entry| !entry.is_later_than(&now));
    let newest = usable
        .max_by_key(|entry| (is_complete(entry), is_clean(entry), entry.moment(), entry.run_id.as_str()));
    newest.ok_or_else(|| {
        let short = short(sha);
        let what = if kinds == RUNS { "run" } else { "record" };
        let why = if found.is_empty() {
            format!("commit {short} has no {what}")
        } else {
            format!("none of the {} {what}s of commit {short} is complete; name one by its id", found.len())
        };
        nothing(name, store, &why)
    })
}

fn nothing(name: &str, store: &History, why: &str) -> Error {
    Error::input(format!("no record of `{name}` in `{}`: {why}", store.root().display()))
        .hint("`cargo xtask history list` prints the ids; `cargo xtask bench` makes a record")
}

fn reported(entry: &Entry) -> String {
    let dirty = entry.commit.as_ref().is_some_and(|commit| commit.dirty);
    let dirty = if dirty { ", of a changed tree" } else { "" };
    format!("{} of {} on {}{dirty}", entry.run_id, entry.when_utc, entry.setting.series.machine)
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn short(sha: &str) -> &str {
    sha.get(..12).unwrap_or(sha)
}

fn is_hex(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
