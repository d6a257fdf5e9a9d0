//! The private repository through which records travel, and what the remote has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::record::encoded::hex;
use crate::record::run_id;
use crate::record::sharing::git::{ended, ended_within_limits, failed, git, reported};
use crate::record::sharing::tip::Tip;

/// A branch of a remote, and the private repository beside it.
#[derive(Debug)]
pub struct Relay {
    /// The user's repository, from which relative addresses are seen.
    checkout: PathBuf,
    /// The private repository.
    repository: PathBuf,
    /// As it was named.
    pub(super) remote: String,
    pub(super) url: String,
    pub(super) branch: String,
    /// A name that no other process uses.
    pub(super) own: String,
}

impl Relay {
    /// The way to a remote of the repository around `checkout`, or to an address, by a folder below `cache`.
    ///
    /// # Errors
    /// A remote or branch that git would take for a flag, or that is not there; no `git`.
    pub fn to(checkout: &Path, cache: &Path, remote: &str, branch: &str) -> Result<Self> {
        for (what, name) in [("remote", remote), ("branch", branch)] {
            if name.is_empty() || name.starts_with('-') || name.contains(|c: char| c.is_control()) {
                return Err(Error::input(format!("`{name}` is no name of a {what}"))
                    .hint(format!("name it with `--{what} NAME`")));
            }
        }
        let reference = format!("refs/heads/{branch}");
        if !ended(git(checkout).args(["check-ref-format", &reference]))?.status.success() {
            return Err(Error::input(format!("`{branch}` is no name of a branch"))
                .hint("name it with `--branch NAME`"));
        }
        let url = address(checkout, remote)?;
        let name = hex(&Sha256::digest(format!("{url}\n{branch}")));
        let repository = cache.join("history-sharing").join(&name[..16]);
        let relay = Self {
            checkout: checkout.to_owned(),
            repository,
            remote: remote.to_owned(),
            url,
            branch: branch.to_owned(),
            own: run_id(),
        };
        relay.make()?;
        Ok(relay)
    }

    /// `git` in the private repository. Relative addresses begin at the user's.
    pub(super) fn git(&self) -> Command {
        let mut command = git(&self.checkout);
        command.arg("--git-dir").arg(&self.repository);
        // No hook of the user's has a say, and nothing is packed while others use the same objects.
        command.args(["-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false"]);
        command.args(["-c", "user.name=arcgauge", "-c", "user.email=arcgauge@localhost"]);
        command.args(["-c", "commit.gpgSign=false", "-c", "protocol.ext.allow=never"]);
        command
    }

    /// A file of this process in the private repository.
    pub(super) fn scratch(&self) -> PathBuf {
        self.repository.join(format!("arcgauge-index-{}", self.own))
    }

    /// The branch as it is on the remote now; None where it is not there yet.
    pub(super) fn fetch(&self) -> Result<Option<Tip>> {
        let reference = format!("refs/heads/{}", self.branch);
        let listed = reported(self.git().args(["ls-remote", "--", &self.url, &reference]))?;
        if listed.is_empty() {
            return Ok(None);
        }
        let own = format!("refs/arcgauge/{}", self.own);
        let mut fetch = self.git();
        // Large objects are written as they come, and never whole in memory.
        fetch.args(["-c", "core.bigFileThreshold=1m", "-c", "fetch.unpackLimit=1"]);
        fetch.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", &self.url]);
        fetch.arg(format!("+{reference}:{own}"));
        let output = ended_within_limits(&mut fetch)?;
        if !output.status.success() {
            return Err(failed(&fetch, &String::from_utf8_lossy(&output.stderr)));
        }
        let commit = reported(self.git().args(["rev-parse", "--verify", &format!("{own}^{{commit}}")]))?;
        Tip::of(&self.objects()?, commit).map(Some)
    }

    /// The objects of the private repository. They are read without git's program: of each the size is known
    /// before it is in memory.
    pub(super) fn objects(&self) -> Result<git2::Repository> {
        let folder = self.repository.join("objects");
        let open = |folder: &str| {
            let objects = git2::Odb::new()?;
            objects.add_disk_alternate(folder)?;
            git2::Repository::from_odb(objects)
        };
        folder.to_str().ok_or_else(|| git2::Error::from_str("its name is not UTF-8")).and_then(open).map_err(
            |cause| Error::harness(format!("cannot read `{}`: {}", folder.display(), cause.message())),
        )
    }

    fn make(&self) -> Result<()> {
        if self.repository.join("HEAD").is_file() {
            return Ok(());
        }
        fs::create_dir_all(&self.repository).map_err(|cause| {
            Error::io("make", &self.repository, &cause)
                .hint("name another cache folder: `export XDG_CACHE_HOME=DIR`")
        })?;
        // Two processes may both do it: the second finds all as it wants it.
        reported(git(&self.checkout).args(["init", "--quiet", "--bare", "--"]).arg(&self.repository))
            .map(drop)
    }
}

impl Drop for Relay {
    /// What was this process's alone goes with it.
    fn drop(&mut self) {
        let _ = fs::remove_file(self.scratch());
        let _ = ended(self.git().args(["update-ref", "-d", &format!("refs/arcgauge/{}", self.own)]));
    }
}

/// The address of a remote by its name; what looks like an address is one.
fn address(checkout: &Path, remote: &str) -> Result<String> {
    let named = ended(git(checkout).args(["remote", "get-url", "--push", "--", remote]))?;
    if named.status.success() {
        return Ok(String::from_utf8_lossy(&named.stdout).trim_end().to_owned());
    }
    if remote.contains(['/', ':']) {
        return Ok(remote.to_owned());
    }
    Err(Error::input(format!("`{}` has no remote `{remote}`", checkout.display()))
        .hint("`git remote -v` lists the remotes; `git remote add origin URL` adds one"))
}
