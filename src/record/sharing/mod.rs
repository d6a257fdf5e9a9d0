//! Records shared on a branch of their own.
//!
//! They travel through a bare repository in the cache folder, by objects alone: nothing is checked out,
//! and the user's index, branches and work tree are never touched. Nothing is ever forced: who comes late
//! adds to what came first.

mod transfer;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use git2::{ObjectType, Oid, Repository};

use crate::error::{Error, Result};
use crate::files::{FileKind, is_file_name};
use crate::record::{run_id, sha256_of_bytes};
use crate::sys::limit_child;

pub use transfer::{Pulled, Pushed};

/// What would make git look at another repository than the one that it is given, as inside a hook.
const OTHERS_REPOSITORY: [&str; 15] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Address space of a git that fetches: packs are mapped, so it is more than is in memory.
const MOST_MEMORY_BYTES: u64 = 4 << 30;
/// Its processor time. Ten thousand records take a few seconds.
const MOST_PROCESSOR_S: u64 = 120;

/// `git`, to be run in a folder, deaf to whoever runs us, speaking English.
pub(in crate::record) fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).env("LC_ALL", "C").stdin(Stdio::null());
    for variable in OTHERS_REPOSITORY {
        command.env_remove(variable);
    }
    command
}

/// Runs it to its end, whatever that is.
fn ended(command: &mut Command) -> Result<Output> {
    command.output().map_err(|cause| {
        Error::harness(format!("cannot start `git`: {cause}")).hint("install git; `git --version` shows it")
    })
}

/// The same for what a stranger's repository decides on: a pack may unfold to any size.
fn ended_within_limits(command: &mut Command) -> Result<Output> {
    let failed = |cause: std::io::Error| Error::harness(format!("cannot run `git`: {cause}"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().map_err(failed)?;
    // Of one that has ended already there is nothing to limit.
    let _ = limit_child(&child, MOST_MEMORY_BYTES, MOST_PROCESSOR_S);
    child.wait_with_output().map_err(failed)
}

/// Runs it, hands it the input, and gives what it printed. Errors: when it fails, in its own words.
fn fed(command: &mut Command, input: &[u8]) -> Result<Vec<u8>> {
    let start = |cause: std::io::Error| {
        Error::harness(format!("cannot run `git`: {cause}")).hint("install git; `git --version` shows it")
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(start)?;
    let stdin = child.stdin.take();
    // Its input and its output are served at once, for either pipe may fill while the other waits.
    let output = thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output()
    });
    successful(command, output.map_err(start)?).map(|output| output.stdout)
}

/// Runs it and gives the text that it printed, without the last line's end. Errors: when it fails, in its own
/// words.
pub(in crate::record) fn reported(command: &mut Command) -> Result<String> {
    let output = ended(command)?;
    let output = successful(command, output)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

fn successful(command: &Command, output: Output) -> Result<Output> {
    if output.status.success() { Ok(output) } else { Err(failed(command, &output)) }
}

fn failed(command: &Command, output: &Output) -> Error {
    let mut words = command.get_args().filter_map(OsStr::to_str);
    let is_verb = |word: &&str| !word.starts_with('-') && !word.contains(['/', '=']);
    let verb = words.find(is_verb).unwrap_or_default();
    Error::harness(format!("`git {verb}` failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
        .hint("see that the remote can be reached: `git ls-remote origin`")
}

/// A branch of a remote, and the private repository beside it.
#[derive(Debug)]
pub struct Relay {
    /// The user's repository, from which relative addresses are seen.
    checkout: PathBuf,
    /// The private repository.
    repository: PathBuf,
    /// As it was named.
    remote: String,
    url: String,
    branch: String,
    /// A name that no other process uses.
    own: String,
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
        let name = sha256_of_bytes(format!("{url}\n{branch}"));
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
    fn git(&self) -> Command {
        let mut command = git(&self.checkout);
        command.arg("--git-dir").arg(&self.repository);
        // No hook of the user's has a say, and nothing is packed while others use the same objects.
        command.args(["-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false"]);
        command.args(["-c", "user.name=arcgauge", "-c", "user.email=arcgauge@localhost"]);
        command.args(["-c", "commit.gpgSign=false", "-c", "protocol.ext.allow=never"]);
        command
    }

    /// A file of this process in the private repository.
    fn scratch(&self) -> PathBuf {
        self.repository.join(format!("arcgauge-index-{}", self.own))
    }

    /// The branch as it is on the remote now; None where it is not there yet.
    fn fetch(&self) -> Result<Option<Tip>> {
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
        successful(&fetch, output)?;
        let commit = reported(self.git().args(["rev-parse", "--verify", &format!("{own}^{{commit}}")]))?;
        Tip::of(&self.objects()?, commit).map(Some)
    }

    /// The objects of the private repository. They are read without git's program: of each the size is known
    /// before it is in memory.
    fn objects(&self) -> Result<git2::Repository> {
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

/// Folders around a record: its machine's and its commit's.
const DEEPEST: usize = 2;
/// A store of ten thousand commits has a tenth of it.
const MOST_ENTRIES: usize = 200_000;
/// A folder of so many entries has less.
const LARGEST_TREE_BYTES: usize = 16 << 20;
/// What of a mode says which kind an entry is, and the kinds.
const KIND: i32 = 0o170_000;
const FOLDER: i32 = 0o040_000;
const FILE: i32 = 0o100_000;

/// A state of the branch.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tip {
    commit: String,
    /// The files that have the names of records: the path, and the object.
    files: BTreeMap<String, Oid>,
    /// What has such a name and is no file, and what lies where no record does; and why it is not taken.
    refused: Vec<(String, Error)>,
}

impl Tip {
    fn of(objects: &Repository, commit: String) -> Result<Self> {
        let tree = Oid::from_str(&commit).and_then(|id| Ok(objects.find_commit(id)?.tree_id()));
        let tree = tree.map_err(|cause| unreadable(&commit, &cause))?;
        let mut list = List { objects, entries: 0, deeper: 0, files: BTreeMap::new(), refused: Vec::new() };
        list.folder(tree, "", 0);
        if list.deeper > 0 {
            let what = format!("{} folders lie deeper than records do, and are not looked into", list.deeper);
            list.refused.push((commit.clone(), Error::input(what)));
        }
        Ok(Self { commit, files: list.files, refused: list.refused })
    }
}

/// The content of a file of the branch. Errors: an object that is no file, cannot be read, or is larger than
/// a record may be.
fn content(objects: &Repository, id: Oid, name: &str) -> Result<Vec<u8>> {
    let failed = |cause: git2::Error| unreadable(name, &cause);
    let objects = objects.odb().map_err(failed)?;
    let (bytes, kind) = objects.read_header(id).map_err(failed)?;
    if kind != ObjectType::Blob || bytes as u64 > FileKind::Record.largest_bytes() {
        let largest = FileKind::Record.largest_bytes();
        return Err(Error::input(format!(
            "record `{name}` is not taken: it has {bytes} bytes, and a record has at most {largest}"
        )));
    }
    Ok(objects.read(id).map_err(failed)?.data().to_vec())
}

fn unreadable(name: &str, cause: &git2::Error) -> Error {
    Error::input(format!("`{name}` cannot be read from git: {}", cause.message())).hint("try again")
}

struct List<'a> {
    objects: &'a Repository,
    entries: usize,
    deeper: usize,
    files: BTreeMap<String, Oid>,
    refused: Vec<(String, Error)>,
}

impl List<'_> {
    fn folder(&mut self, tree: Oid, below: &str, depth: usize) {
        let size = self.objects.odb().and_then(|objects| objects.read_header(tree));
        let tree = match size {
            Ok((bytes, _)) if bytes > LARGEST_TREE_BYTES => {
                return self.refuse(
                    below,
                    &format!("it is a folder of {bytes} bytes, more than {LARGEST_TREE_BYTES}"),
                );
            }
            Ok(_) => self.objects.find_tree(tree),
            Err(cause) => Err(cause),
        };
        let tree = match tree {
            Ok(tree) => tree,
            Err(cause) => return self.refused.push((below.to_owned(), unreadable(below, &cause))),
        };
        for entry in &tree {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                if self.entries == MOST_ENTRIES + 1 {
                    self.refuse(below, &format!("the branch has more than {MOST_ENTRIES} entries"));
                }
                return;
            }
            let name = String::from_utf8_lossy(entry.name_bytes());
            let path = if below.is_empty() { name.clone().into_owned() } else { format!("{below}/{name}") };
            match entry.filemode_raw() & KIND {
                FOLDER if depth < DEEPEST => self.folder(entry.id(), &path, depth + 1),
                FOLDER => self.deeper += 1,
                _ if !name.ends_with(".json") => {}
                _ if !path.split('/').all(is_file_name) => self.refuse(&path, "no record has such a name"),
                FILE => drop(self.files.insert(path, entry.id())),
                _ => self.refuse(&path, "it is a link or a submodule, not a file"),
            }
        }
    }

    fn refuse(&mut self, path: &str, why: &str) {
        let what = format!("`{path}` of the branch is not taken: {why}");
        self.refused.push((path.to_owned(), Error::input(what)));
    }
}
