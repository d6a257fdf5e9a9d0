//! A git repository: which commits it has, copies of its files at one of them, and what differs.
//! Nothing here writes to the repository itself, but for what is fetched, under names of ours.

mod checkout;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{DiffOptions, ErrorCode, ObjectType, Oid};

use crate::error::{Error, Result};
use crate::files::text::text_of;
use crate::files::{self, FileKind, other_than_file};
use crate::record::Commit;
use crate::record::sharing::git;
use crate::sys::{is_socket, path_of_bytes};

pub use checkout::CLONE_MARK;

/// Where the files of a side come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A commit.
    Commit(Commit),
    /// The files as they lie in the work tree over this commit: tracked ones, and untracked ones that git
    /// does not ignore.
    WorkTree(Commit),
}

impl Source {
    /// The commit; of a work tree with the state of the files over it.
    pub fn commit(&self) -> &Commit {
        match self {
            Self::Commit(commit) | Self::WorkTree(commit) => commit,
        }
    }
}

/// A repository, bare or with a work tree, its own or one of several.
pub struct Repository {
    git: git2::Repository,
    folder: PathBuf,
}

impl Repository {
    /// The repository that a folder is in.
    ///
    /// # Errors
    /// When there is none, or git cannot read it.
    pub fn open(folder: &Path) -> Result<Self> {
        let git = discover(folder)?.ok_or_else(|| no_repository(folder))?;
        let folder = git.workdir().unwrap_or(git.path()).to_owned();
        Ok(Self { git, folder })
    }

    /// Its work tree; of a bare repository the folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A value of git's configuration; None where it is not set.
    pub fn setting(&self, key: &str) -> Option<String> {
        self.git.config().ok()?.get_string(key).ok()
    }

    /// What is checked out, with the state of the work tree.
    ///
    /// # Errors
    /// When there is no commit yet, or no work tree, or git cannot read the repository.
    pub fn head(&self) -> Result<Commit> {
        if self.git.is_bare() {
            return Err(Error::input(format!(
                "repository `{}` is bare: it has no work tree",
                self.folder.display()
            ))
            .hint("name a commit, or work in a clone: `git clone REPOSITORY FOLDER`"));
        }
        Commit::at(&self.folder)?.ok_or_else(|| unborn(&self.folder))
    }

    /// The commit of this name: a sha, a branch, a tag, or whatever else git understands, as `HEAD~1`.
    ///
    /// # Errors
    /// When the name is of nothing, of several things or of no commit; or when a shallow clone lacks it.
    pub fn resolve(&self, revision: &str) -> Result<Commit> {
        let (object, reference) =
            self.git.revparse_ext(revision).map_err(|cause| self.unknown(revision, &cause))?;
        let commit = object.peel_to_commit().map_err(|cause| {
            if cause.code() == ErrorCode::NotFound {
                return self.unknown(revision, &cause);
            }
            let kind = object.kind().map_or("something else", |kind: ObjectType| kind.str());
            Error::input(format!("`{revision}` in `{}` is a {kind}, not a commit", self.folder.display()))
                .hint("name a commit: `git log --oneline`")
        })?;
        // `HEAD` itself is no branch; what it stands for may be one.
        let reference = reference.and_then(|reference| reference.resolve().ok());
        let branch = reference.filter(git2::Reference::is_branch);
        let branch = branch.and_then(|branch| branch.shorthand().ok().map(str::to_owned));
        Ok(Commit::named(&commit, branch))
    }

    /// The last commit that both have in common.
    ///
    /// # Errors
    /// When one of them is missing, or they have nothing in common that this repository could see.
    pub fn merge_base(&self, one: &str, other: &str) -> Result<String> {
        let (one, other) = (self.commit(one)?.id(), self.commit(other)?.id());
        match self.git.merge_base(one, other) {
            Ok(base) => Ok(base.to_string()),
            Err(cause) if cause.code() == ErrorCode::NotFound => {
                let what = format!("commits `{one}` and `{other}` have no merge base");
                Err(if self.git.is_shallow() {
                    missing(&self.folder, &what, true)
                } else {
                    Error::input(format!(
                        "{what} in `{}`: their histories are unrelated",
                        self.folder.display()
                    ))
                    .hint("name a base that the head was made from: `git log --oneline --graph --all`")
                })
            }
            Err(cause) => Err(unreadable(&self.folder, &cause)),
        }
    }

    /// The commits on the line of first parents after `good` up to `bad`, in their order. At most `most` of them.
    ///
    /// # Errors
    /// When one of them is missing, `good` is not on the line or further away, or git cannot read the repository.
    pub fn first_parents(&self, good: &str, bad: &str, most: usize) -> Result<Vec<Commit>> {
        let good = self.commit(good)?.id();
        let mut commit = self.commit(bad)?;
        let mut line = Vec::new();
        while commit.id() != good {
            line.push(Commit::named(&commit, None));
            commit = match commit.parent(0) {
                Ok(parent) if line.len() < most => parent,
                Err(cause) if cause.code() != ErrorCode::NotFound => {
                    return Err(unreadable(&self.folder, &cause));
                }
                _ => {
                    let what = format!(
                        "commit `{good}` is not among the last {} first parents of `{bad}`",
                        line.len()
                    );
                    return Err(missing(&self.folder, &what, self.git.is_shallow()).hint(format!(
                        "name a good one on its line: `git log --first-parent --oneline {bad}`"
                    )));
                }
            };
        }
        line.reverse();
        Ok(line)
    }

    /// The content of a file at a commit; None where the commit has no such file.
    ///
    /// # Errors
    /// When the commit is missing or git cannot read it.
    pub fn file_at(&self, sha: &str, path: &str) -> Result<Option<Vec<u8>>> {
        let failed = |cause: git2::Error| unreadable(&self.folder, &cause);
        let tree = self.commit(sha)?.tree().map_err(failed)?;
        let entry = match tree.get_path(Path::new(path)) {
            Ok(entry) => entry,
            Err(cause) if cause.code() == ErrorCode::NotFound => return Ok(None),
            Err(cause) => return Err(failed(cause)),
        };
        let size = self.git.odb().and_then(|objects| objects.read_header(entry.id()));
        let (bytes, _) = size.map_err(failed)?;
        let largest = FileKind::Fixture.largest_bytes();
        if bytes as u64 > largest {
            return Err(Error::input(format!(
                "`{path}` of {sha} has {bytes} bytes, and at most {largest} are read"
            )));
        }
        let object = entry.to_object(&self.git).map_err(failed)?;
        Ok(object.as_blob().map(|blob| blob.content().to_vec()))
    }

    /// The text of a file as a commit has it; None where it has none.
    ///
    /// # Errors
    /// As for [`Self::file_at`]; bytes that are no text.
    pub fn text_at(&self, sha: &str, path: &str) -> Result<Option<String>> {
        let Some(bytes) = self.file_at(sha, path)? else { return Ok(None) };
        let text = text_of(&bytes).map_err(|cause| cause.of_file(Path::new(path)))?;
        Ok(Some(text.into_owned()))
    }

    /// The commit of a full sha. Only 40 digits are one: anything else could be a branch of that name.
    fn commit(&self, sha: &str) -> Result<git2::Commit<'_>> {
        let id = Oid::from_str(sha).ok().filter(|_| sha.len() == 40).ok_or_else(|| {
            Error::input(format!("`{sha}` is no sha of a commit"))
                .hint("give all its 40 digits: `git rev-parse REVISION`")
        })?;
        self.git.find_commit(id).map_err(|cause| match cause.code() {
            ErrorCode::NotFound => {
                missing(&self.folder, &format!("commit `{sha}` is not there"), self.git.is_shallow())
            }
            _ => unreadable(&self.folder, &cause),
        })
    }

    /// Why a revision could not be resolved, and what helps.
    fn unknown(&self, revision: &str, cause: &git2::Error) -> Error {
        let folder = self.folder.display();
        let remote = format!("origin/{revision}");
        match cause.code() {
            ErrorCode::Ambiguous => {
                Error::input(format!("revision `{revision}` could be several commits of `{folder}`"))
                    .hint("give more digits, or the full name, as `refs/heads/NAME`")
            }
            ErrorCode::NotFound | ErrorCode::UnbornBranch => {
                if self.is_unborn(revision) {
                    return unborn(&self.folder);
                }
                let what = format!("revision `{revision}` is not there");
                let is_remote = self.git.find_reference(&format!("refs/remotes/{remote}")).is_ok();
                let error = missing(&self.folder, &what, self.git.is_shallow());
                if is_remote { error.hint(format!("name the remote's: `{remote}`")) } else { error }
            }
            _ => Error::input(format!("`{revision}` is no revision of `{folder}`: {}", cause.message()))
                .hint("name a commit, a branch or a tag: `git log --oneline --all`"),
        }
    }
    /// Whether a revision is not there because nothing is: it is the head's, or there is not one branch.
    fn is_unborn(&self, revision: &str) -> bool {
        let is_unborn = self.git.head().is_err_and(|cause| cause.code() == ErrorCode::UnbornBranch);
        let has_none = || self.git.references().is_ok_and(|mut all| all.next().is_none());
        is_unborn && (revision == "HEAD" || has_none())
    }
}

impl Repository {
    /// The files below these files and folders that differ between the commit of this sha and `head`:
    /// added, changed, removed, of another kind or another mode; of a renamed one both names. Sorted, with
    /// `/` between folders. No paths means all.
    ///
    /// # Errors
    /// When a commit is missing, or git cannot read the repository.
    pub fn changed_between(&self, base: &str, head: &Source, paths: &[&str]) -> Result<Vec<String>> {
        let failed = |cause: git2::Error| unreadable(self.folder(), &cause);
        let mut options = DiffOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).include_typechange(true);
        // A name is a name, even with a star in it.
        options.disable_pathspec_match(true);
        for path in paths {
            options.pathspec(*path);
        }
        let base = self.commit(base)?.tree().map_err(failed)?;
        let difference = match head {
            Source::Commit(commit) => {
                let head = self.commit(&commit.sha)?.tree().map_err(failed)?;
                self.git.diff_tree_to_tree(Some(&base), Some(&head), Some(&mut options))
            }
            Source::WorkTree(_) => self.git.diff_tree_to_workdir_with_index(Some(&base), Some(&mut options)),
        };
        let difference = difference.map_err(failed)?;
        let names = difference.deltas().flat_map(|delta| [delta.old_file(), delta.new_file()]);
        let names = names.filter_map(|file| Some(String::from_utf8_lossy(file.path_bytes()?).into_owned()));
        Ok(names.collect::<BTreeSet<_>>().into_iter().collect())
    }
}

impl Repository {
    /// Fetches one reference of a remote, as `refs/pull/12/head`, stores it under a name of ours, and gives the
    /// commit that it stands for. Nothing is checked out, and no branch of the user's moves.
    ///
    /// # Errors
    /// When the remote cannot be reached or has no such reference, or this is a shallow clone.
    pub fn fetch(&self, remote: &str, reference: &str) -> Result<String> {
        if self.git.is_shallow() {
            return Err(Error::input(format!("`{}` is a shallow clone", self.folder().display()))
                .hint("fetch the whole history: `git fetch --unshallow`"));
        }
        let stored = format!("refs/arcgauge/{}", reference.trim_start_matches("refs/"));
        if !git2::Reference::is_valid_name(&stored) || remote.starts_with('-') {
            return Err(Error::input(format!("`{reference}` of `{remote}` is nothing that can be fetched"))
                .hint("name a reference of a remote, as `refs/pull/12/head` of `origin`"));
        }
        let mut command = git(self.folder());
        command.env("GIT_TERMINAL_PROMPT", "0");
        command.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]);
        command.arg(remote).arg(format!("+{reference}:{stored}"));
        crate::record::sharing::reported(&mut command).map_err(|error| {
            let what = format!("`{reference}` of `{remote}` cannot be fetched: {error}");
            Error::harness(what).hint("see that the remote can be reached: `git ls-remote`")
        })?;
        let failed = |cause: git2::Error| unreadable(self.folder(), &cause);
        let fetched = self.git.find_reference(&stored).map_err(failed)?;
        Ok(fetched.peel_to_commit().map_err(failed)?.id().to_string())
    }

    /// Whether two commits merge without a conflict, by trying it in memory.
    ///
    /// # Errors
    /// When a commit is missing, or git cannot read the repository.
    pub fn merges_cleanly(&self, ours: &str, theirs: &str) -> Result<bool> {
        let failed = |cause: git2::Error| unreadable(self.folder(), &cause);
        let (ours, theirs) = (self.commit(ours)?, self.commit(theirs)?);
        let merged = self.git.merge_commits(&ours, &theirs, None).map_err(failed)?;
        Ok(!merged.has_conflicts())
    }

    /// Whether this repository has a commit.
    pub fn has_commit(&self, sha: &str) -> bool {
        Oid::from_str(sha).is_ok_and(|id| self.git.find_commit(id).is_ok())
    }
}

fn no_repository(folder: &Path) -> Error {
    Error::input(format!("`{}` is in no git repository", folder.display()))
        .hint("run it in a clone of the repository: `git clone REPOSITORY FOLDER`")
}

fn unborn(folder: &Path) -> Error {
    Error::input(format!("the repository of `{}` has no commit yet", folder.display()))
        .hint("make the first: `git add --all && git commit`")
}

/// A commit is not in the repository; `what` says which.
fn missing(folder: &Path, what: &str, shallow: bool) -> Error {
    let folder = folder.display();
    if shallow {
        Error::input(format!("{what} in `{folder}`, a shallow clone"))
            .hint("fetch the whole history: `git fetch --unshallow`")
    } else {
        Error::input(format!("{what} in `{folder}`")).hint("fetch it: `git fetch --all --tags`")
    }
}

/// What git reads whole and without a question whenever it opens a repository.
const READ_WHOLE: [&str; 4] = ["HEAD", "config", "index", "packed-refs"];

/// The repository around a folder; None where there is none.
///
/// # Errors
/// When git cannot read it, or would wait for a pipe or fill the memory.
pub(in crate::record) fn discover(folder: &Path) -> Result<Option<git2::Repository>> {
    let there = |result: std::result::Result<_, git2::Error>| match result {
        Err(cause) if cause.code() == ErrorCode::NotFound => Ok(None),
        result => result.map(Some).map_err(|cause| unreadable(folder, &cause)),
    };
    let none: [&Path; 0] = [];
    let found = git2::Repository::discover_path(folder, none);
    let Some(path) = there(found)? else { return Ok(None) };
    refuse_pipes(&path)?;
    for file in READ_WHOLE.map(|name| path.join(name)).iter().filter(|file| file.exists()) {
        files::open(file, FileKind::Git).map_err(|error| error.hint(DAMAGED))?;
    }
    // Of one of several work trees: what all of them share.
    let shared = files::read_text_if_there(&path.join("commondir"), FileKind::Git)?;
    let shared = shared.map_or_else(|| path.clone(), |shared| path.join(shared.trim()));
    if shared != path {
        refuse_pipes(&shared)?;
    }
    refuse_included_pipes(&shared.join("config"))?;
    let repository = git2::Repository::open(&path).map_err(|cause| unreadable(folder, &cause))?;
    refuse_ignoring_pipes(&repository)?;
    Ok(Some(repository))
}

/// What to do about a repository with something in it that is no file.
const DAMAGED: &str = "`git fsck` and `git status` there report what is damaged";
/// Repositories and files of others below a repository's own folder.
const OF_OTHERS: [&str; 3] = ["lfs", "modules", "worktrees"];

/// Refuses pipes and devices among the files of a repository: git would open them, and wait.
fn refuse_pipes(repository: &Path) -> Result<()> {
    let mut folders = vec![repository.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_file() {
                continue;
            }
            if !kind.is_dir() {
                refuse_pipe(&entry.path())?;
            } else if folder != repository || !OF_OTHERS.iter().any(|name| entry.file_name() == *name) {
                folders.push(entry.path());
            }
        }
    }
    Ok(())
}

/// The same of the files that a configuration includes, and that these include.
fn refuse_included_pipes(config: &Path) -> Result<()> {
    let mut configs = vec![config.to_owned()];
    let mut at = 0;
    while let Some(config) = configs.get(at).cloned() {
        at += 1;
        let Ok(Some(text)) = files::read_text_if_there(&config, FileKind::Git) else { continue };
        // Paths of other sections are followed, too: nothing is refused but what nobody can read.
        let paths = text.lines().filter_map(|line| line.split_once('=')).filter(|(key, _)| {
            key.rsplit(']').next().is_some_and(|key| key.trim().eq_ignore_ascii_case("path"))
        });
        for (_, path) in paths {
            let path = path.trim().trim_matches('"');
            let from_home = path.strip_prefix("~/").zip(env::home_dir()).map(|(rest, home)| home.join(rest));
            let included = from_home.unwrap_or_else(|| config.with_file_name(path));
            refuse_pipe(&included)?;
            if !configs.contains(&included) {
                configs.push(included);
            }
        }
    }
    Ok(())
}

/// The same of the files by which git ignores others: those beside tracked files, and those that its
/// configuration names.
fn refuse_ignoring_pipes(repository: &git2::Repository) -> Result<()> {
    let (Some(root), Ok(index)) = (repository.workdir(), repository.index()) else { return Ok(()) };
    if let Ok(settings) = repository.config() {
        let keys = ["core.excludesfile", "core.attributesfile"];
        keys.iter().filter_map(|key| settings.get_path(key).ok()).try_for_each(|file| refuse_pipe(&file))?;
    }
    let paths: Vec<PathBuf> = index.iter().map(|tracked| path_of_bytes(&tracked.path)).collect();
    let folders: BTreeSet<&Path> = paths.iter().flat_map(|path| path.ancestors().skip(1)).collect();
    let named = |folder: &Path| [".gitignore", ".gitattributes"].map(|name| root.join(folder).join(name));
    let there = [Path::new("")].into_iter().chain(folders);
    there.flat_map(named).try_for_each(|file| refuse_pipe(&file))
}

/// Refuses a pipe or a device, also behind a link. A socket cannot be opened, so that nothing waits for it.
fn refuse_pipe(path: &Path) -> Result<()> {
    let other = fs::metadata(path).ok().and_then(|found| {
        let kind = found.file_type();
        other_than_file(kind).filter(|_| !kind.is_dir() && !is_socket(kind))
    });
    other.map_or(Ok(()), |other| {
        let what = format!("cannot read `{}`: it is {other}, not a regular file", path.display());
        Err(Error::input(what).hint(DAMAGED))
    })
}

/// Git cannot read the repository. `git status` reads formats that the library here does not, so that it
/// helps with nothing but damage.
pub(in crate::record) fn unreadable(folder: &Path, cause: &git2::Error) -> Error {
    let folder = folder.display();
    if let Some((format, hint)) = unsupported_format(cause.message()) {
        return Error::input(format!(
            "the git repository of `{folder}` has {format}, which cannot be read here"
        ))
        .hint(hint);
    }
    let what = format!("git cannot read the repository of `{folder}`: {}", cause.message());
    match cause.code() {
        ErrorCode::Owner => Error::input(what).hint(format!(
            "it belongs to another user; if you trust it: `git config --global --add safe.directory {folder}`"
        )),
        ErrorCode::NotFound => Error::harness(what)
            .hint("objects are missing; `git fsck` says which, `git fetch --refetch` gets them again"),
        _ => Error::harness(what).hint("run `git fsck` there: it reports what is damaged"),
    }
}

/// A format of repositories that libgit2 refuses, by its message, and what can be read instead.
fn unsupported_format(message: &str) -> Option<(String, &'static str)> {
    let message = message.to_lowercase();
    let after = |prefix: &str| {
        let (_, rest) = message.split_once(prefix)?;
        Some(
            rest.split_whitespace().next().unwrap_or_default().trim_matches(['\'', ';', ',', ':']).to_owned(),
        )
    };
    let files = "references as files can be read: `git refs migrate --ref-format=files` (git 2.46 or newer)";
    let sha1 = "repositories with SHA-1 object ids, git's default, can be read, and git converts none: \
                measure in one made by `git init --object-format=sha1`";
    if let Some(format) = after("unknown object format ") {
        return Some((format!("the object format `{format}`"), sha1));
    }
    if let Some(extension) = after("unsupported extension name extensions.") {
        return Some(match extension.as_str() {
            "refstorage" => ("its references in the `reftable` format".to_owned(), files),
            "objectformat" | "compatobjectformat" => (format!("the extension `{extension}`"), sha1),
            "partialclone" => (
                "left out objects (a partial clone, `extensions.partialclone`)".to_owned(),
                "a full clone can be read: `git clone REPOSITORY FOLDER`, without `--filter`",
            ),
            _ => (
                format!("the extension `{extension}`"),
                "repositories in git's default format can be read: `git clone --ref-format=files REPOSITORY FOLDER`",
            ),
        });
    }
    // Of git's list of tracked files; both kinds are optional, and `git status` reads them.
    if let Some(extension) = after("unsupported mandatory extension: ") {
        return Some(match extension.as_str() {
            "link" => ("a split index".to_owned(), "join it: `git update-index --no-split-index`"),
            "sdir" => ("a sparse index".to_owned(), "check out everything: `git sparse-checkout disable`"),
            _ => (
                format!("an index with the extension `{extension}`"),
                "a plain index can be read: `git clone REPOSITORY FOLDER` makes one",
            ),
        });
    }
    let version = after("unsupported repository version ")?;
    Some((
        format!("the format version `{version}`"),
        "versions 0 and 1 can be read: `git config core.repositoryformatversion` shows it, `git clone` makes a new one",
    ))
}
