//! Adding this store's records to the branch.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::record::history::place_of;
use crate::record::sharing::Relay;
use crate::record::sharing::git::{ended, failed, fed, told};
use crate::record::sharing::relay::Tip;
use crate::record::{History, run_id};

/// How often it is tried again where another came first.
const ATTEMPTS: u32 = 10;
/// The longest first pause, ms; it doubles, up to eight times.
const FIRST_PAUSE_MS: u64 = 100;

/// What was pushed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Records that the branch has now and had not.
    pub added: usize,
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
            pushed.added = missing.len();
            match self.offer(&commit)? {
                None => return Ok(pushed),
                Some(error) => refusal = error,
            }
        }
        Err(refusal.hint("others push all the time, or the remote refuses: `git push` there tells which"))
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
        let error = failed(&push, &String::from_utf8_lossy(&output.stderr));
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
            told(git().args(["read-tree", &tip.commit]))?;
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
        let tree = told(git().arg("write-tree"))?;
        let message = format!("Add {} records", files.len());
        let mut commit = git();
        commit.args(["commit-tree", &tree, "-m", &message]);
        if let Some(tip) = tip {
            commit.args(["-p", &tip.commit]);
        }
        told(&mut commit)
    }
}

/// The store's records that the branch has not. Each is read whole first: what is damaged stays here.
fn missing(history: &History, tip: Option<&Tip>, pushed: &mut Pushed) -> Vec<(String, PathBuf)> {
    let mut missing = Vec::new();
    for path in history.files() {
        let below = path.strip_prefix(history.root()).unwrap_or(&path).display().to_string();
        if tip.is_some_and(|tip| tip.files.contains_key(&below)) {
            pushed.there += 1;
            continue;
        }
        let name = path.display().to_string();
        let read = fs::read(&path).map_err(|cause| Error::io("read", &path, &cause));
        let placed = read.and_then(|bytes| place_of(&bytes, &name)).and_then(|place| {
            if place.display().to_string() == below {
                Ok(())
            } else {
                Err(Error::input(format!("record `{name}` belongs at `{}`", place.display())))
            }
        });
        match (placed, fs::canonicalize(&path)) {
            (Ok(()), Ok(path)) => missing.push((below, path)),
            (Err(error), _) => pushed.refused.push((path, error)),
            (_, Err(cause)) => pushed.refused.push((path.clone(), Error::io("find", &path, &cause))),
        }
    }
    missing
}

/// A pause of a length that no other has: those who met once must not meet again.
fn pause(retry: u32) -> Duration {
    let longest = FIRST_PAUSE_MS << retry.min(4);
    let jitter = u64::from_str_radix(&run_id()[..8], 16).unwrap_or(0) % longest;
    Duration::from_millis(1 + jitter)
}
