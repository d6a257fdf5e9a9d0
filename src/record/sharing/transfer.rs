//! Adding this store's records to the branch, and taking the branch's records into this store.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::record::history::{place_of, without_password};
use crate::record::personal::each_text;
use crate::record::sharing::{Relay, Tip, content, ended, failed, fed, reported};
use crate::record::{History, Personal, RecordSource, Taken, run_id};
use crate::sys::canonicalize;

/// How often it is tried again where another came first.
const ATTEMPTS: u32 = 10;
/// The longest first pause, ms; it doubles, up to eight times.
const FIRST_PAUSE_MS: u64 = 100;

/// What was pushed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Records that the branch has now and had not, by their place in a store.
    pub added: Vec<String>,
    /// Environment variables in them, as `NAME=value`.
    pub variables: BTreeSet<String>,
    /// Records of this store that it had.
    pub there: usize,
    /// Files that were not pushed, and why.
    pub refused: Vec<(PathBuf, Error)>,
    /// How often another came first.
    pub retries: u32,
}

impl Relay {
    /// Adds the store's records that the branch has not. The first push makes the branch, without a
    /// parent. Nothing is forced.
    ///
    /// # Errors
    /// A remote that cannot be reached, or that refuses ten times.
    pub fn push(&self, history: &History) -> Result<Pushed> {
        let mut refusal = Error::harness("nothing was tried");
        for retries in 0..=ATTEMPTS {
            if retries > 0 {
                thread::sleep(pause(retries));
            }
            let tip = self.fetch()?;
            let mut pushed = Pushed { retries, ..Pushed::default() };
            let missing = missing(history, tip.as_ref(), &mut pushed);
            if missing.is_empty() {
                return Ok(pushed);
            }
            let commit = self.commit(tip.as_ref(), &missing)?;
            pushed.added = missing.iter().map(|(below, _)| below.clone()).collect();
            match self.offer(&commit)? {
                None => return Ok(pushed),
                Some(error) => refusal = error,
            }
        }
        Err(refusal.hint("others push all the time, or the remote refuses: `git push` there shows which"))
    }

    /// Offers a commit to the remote; Some where it was refused, as where another came first.
    fn offer(&self, commit: &str) -> Result<Option<Error>> {
        let mut push = self.git();
        push.args(["push", "--porcelain", "--no-verify", "--", &self.url]);
        push.arg(format!("{commit}:refs/heads/{}", self.branch));
        let output = ended(&mut push)?;
        if output.status.success() {
            return Ok(None);
        }
        let error = failed(&push, &output);
        let is_refused = String::from_utf8_lossy(&output.stdout).lines().any(|line| line.starts_with('!'));
        if is_refused { Ok(Some(error)) } else { Err(error) }
    }

    /// A commit with these files more than the tip has.
    fn commit(&self, tip: Option<&Tip>, files: &[(String, PathBuf)]) -> Result<String> {
        let index = self.scratch();
        let _ = fs::remove_file(&index);
        let git = || {
            let mut git = self.git();
            git.env("GIT_INDEX_FILE", &index);
            git
        };
        if let Some(tip) = tip {
            reported(git().args(["read-tree", &tip.commit]))?;
        }
        let paths: Vec<String> = files.iter().map(|(_, path)| path.display().to_string()).collect();
        let objects = fed(
            git().args(["hash-object", "-w", "--no-filters", "--stdin-paths"]),
            paths.join("\n").as_bytes(),
        )?;
        let objects = String::from_utf8_lossy(&objects).into_owned();
        let lines = files.iter().zip(objects.lines());
        let lines: Vec<String> =
            lines.map(|((below, _), object)| format!("100644 {object}\t{below}\n")).collect();
        fed(git().args(["update-index", "--index-info"]), lines.concat().as_bytes())?;
        let tree = reported(git().arg("write-tree"))?;
        let message = format!("Add {} records", files.len());
        let mut commit = git();
        commit.args(["commit-tree", &tree, "-m", &message]);
        if let Some(tip) = tip {
            commit.args(["-p", &tip.commit]);
        }
        reported(&mut commit)
    }
}

/// A path as git has it on every system.
fn in_git(path: &Path) -> String {
    path.iter().map(OsStr::to_string_lossy).collect::<Vec<_>>().join("/")
}

/// The store's records that the branch has not. Each is read whole first: what is damaged stays here.
fn missing(history: &History, tip: Option<&Tip>, pushed: &mut Pushed) -> Vec<(String, PathBuf)> {
    let mut missing = Vec::new();
    let personal = Personal::of_this_user(Vec::new());
    pushed.refused.extend(history.closed());
    for path in history.files() {
        let below = in_git(path.strip_prefix(history.root()).unwrap_or(&path));
        if tip.is_some_and(|tip| tip.files.contains_key(&below)) {
            pushed.there += 1;
            continue;
        }
        let name = path.display().to_string();
        let read = files::read(&path, FileKind::Record);
        let placed = read.and_then(|bytes| {
            let place = place_of(&bytes, &name)?;
            if in_git(&place) != below {
                return Err(Error::input(format!("record `{name}` belongs at `{}`", place.display())));
            }
            named_by_nobody(&bytes, &name, &personal)
        });
        match (placed, canonicalize(&path)) {
            (Ok(variables), Ok(path)) => {
                pushed.variables.extend(variables);
                missing.push((below, path));
            }
            (Err(error), _) => pushed.refused.push((path, error)),
            (_, Err(cause)) => pushed.refused.push((path.clone(), Error::io("find", &path, &cause))),
        }
    }
    missing
}

/// The environment variables of a record that names neither this user nor this machine, as it was stored.
/// Errors: one that does: its encoded bytes stay as they are, and so it stays here.
fn named_by_nobody(bytes: &[u8], name: &str, personal: &Personal) -> Result<Vec<String>> {
    let payload = bytes.splitn(2, |byte| *byte == b'\n').nth(1).unwrap_or_default();
    let mut record: Value = serde_json::from_slice(payload)
        .map_err(|cause| Error::input(format!("record `{name}` cannot be read: {cause}")))?;
    if let Some(kind) = personal.left_in_record(&record) {
        return Err(Error::input(format!(
            "record `{name}` is not pushed: it has the text that `{kind}` stands for"
        ))
        .hint(
            "records that are measured from now on are stored without it: measure again, and remove this one",
        ));
    }
    let mut variables = Vec::new();
    each_text(&mut record, "", "", &mut |value, place, _| {
        variables
            .extend(place.split_once("/environment_variables/").map(|(_, name)| format!("{name}={value}")));
    });
    Ok(variables)
}

/// A pause of a length that no other has: those who met once must not meet again.
fn pause(retry: u32) -> Duration {
    let longest = FIRST_PAUSE_MS << retry.min(4);
    let jitter = u64::from_str_radix(&run_id()[..8], 16).unwrap_or(0) % longest;
    Duration::from_millis(1 + jitter)
}

/// What was pulled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Records that the store has now and had not.
    pub added: Vec<PathBuf>,
    /// Records of the branch that it had.
    pub there: usize,
    /// Files of the branch that were not taken, and why.
    pub refused: Vec<(String, Error)>,
}

impl Relay {
    /// Takes the branch's records that the store has not. What comes from others is read whole first; what
    /// is damaged, or lies where it does not belong, is named and not taken.
    ///
    /// # Errors
    /// A remote that cannot be reached or has no such branch; a store that cannot be written.
    pub fn pull(&self, history: &History) -> Result<Pulled> {
        let source =
            RecordSource::Pulled { remote: without_password(&self.remote), branch: self.branch.clone() };
        let Some(tip) = self.fetch()? else {
            return Err(Error::input(format!("`{}` has no branch `{}`", self.url, self.branch))
                .hint("the first `cargo xtask history push` makes it"));
        };
        let mut pulled = Pulled { refused: tip.refused, ..Pulled::default() };
        let objects = self.objects()?;
        for (path, object) in tip.files {
            // Only what the store does not have is read.
            if history.root().join(&path).symlink_metadata().is_ok_and(|found| found.is_file()) {
                pulled.there += 1;
                continue;
            }
            let name = format!("{}:{path}", self.branch);
            let taken = content(&objects, object, &name).and_then(|bytes| {
                let place = place_of(&bytes, &name)?;
                if in_git(&place) != path {
                    return Err(Error::input(format!("record `{name}` belongs at `{}`", place.display())));
                }
                history.take(&bytes, &name, &source)
            });
            match taken {
                Ok(Taken::Added(path)) => pulled.added.push(path),
                Ok(Taken::There(_)) => pulled.there += 1,
                // A full disk is no fault of the record's.
                Err(error) if error.kind() == crate::error::ErrorKind::Harness => return Err(error),
                Err(error) => pulled.refused.push((path, error)),
            }
        }
        Ok(pulled)
    }
}
