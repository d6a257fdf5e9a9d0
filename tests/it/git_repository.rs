//! A repository in a temporary folder, made by git itself.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use arcgauge::error::{Error, ErrorKind};
use arcgauge::record::Repository;
use tempfile::TempDir;

use crate::ended::Ended;

/// Runs git in a folder, free of the settings of whoever runs the tests.
#[track_caller]
pub(crate) fn git_in(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(variable);
    }
    let output = command
        .args(["-c", "user.name=A Tester", "-c", "user.email=tester@localhost"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    Ended::of(output).exits(0).stdout.clone()
}

/// It is refused as bad input, the error names `fault`, and the hint `help`.
#[track_caller]
pub(crate) fn says<T>(result: Result<T, Error>, fault: &str, help: &str) {
    let error = result.err().expect("it was not refused");
    assert_eq!(error.kind(), ErrorKind::Input, "{error}");
    assert!(error.to_string().contains(fault), "{error}");
    assert!(error.hint_text().unwrap_or_default().contains(help), "{error}: {:?}", error.hint_text());
}

/// A repository with room beside it for clones, caches and whatever else a test needs.
pub(crate) struct GitRepository {
    folder: TempDir,
}

impl GitRepository {
    /// One without a commit.
    pub(crate) fn unborn() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(repository.folder()).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository
    }

    /// One with a first commit of these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let repository = Self::unborn();
        for (path, text) in files {
            repository.write(path, text);
        }
        repository.commit("The first");
        repository
    }

    /// Its work tree.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    /// A path beside it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path in the work tree.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder().join(below)
    }

    /// As the library sees it.
    pub(crate) fn open(&self) -> Repository {
        Repository::open(&self.folder()).unwrap()
    }

    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git_in(&self.folder(), arguments)
    }

    /// Writes a file, with the folders around it.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits everything, and gives the sha.
    pub(crate) fn commit(&self, subject: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", subject]);
        self.sha("HEAD")
    }

    /// The sha of a revision, by git's own word.
    pub(crate) fn sha(&self, revision: &str) -> String {
        self.git(&["rev-parse", "--verify", "--end-of-options", revision]).trim().to_owned()
    }

    /// A clone beside it, by these flags.
    pub(crate) fn cloned(&self, flags: &[&str], name: &str) -> PathBuf {
        let (from, to) = (format!("file://{}", self.folder().display()), self.beside(name));
        let arguments: Vec<&str> = ["clone", "--quiet"].iter().chain(flags).copied().collect();
        git_in(self.folder.path(), &[&arguments[..], &[&from, to.to_str().unwrap()]].concat());
        to
    }
}

/// What stands at a path: a link's target, or a file's content and whether it may be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Link(PathBuf),
    File { content: Vec<u8>, executable: bool },
}

/// Everything below a folder but git's own, by path.
pub(crate) fn entries_of(folder: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut entries = BTreeMap::new();
    visit(folder, &mut |path, found| {
        let entry = if found.is_symlink() {
            Entry::Link(fs::read_link(path).unwrap())
        } else {
            let executable = found.permissions().mode() & 0o100 != 0;
            Entry::File { content: fs::read(path).unwrap(), executable }
        };
        entries.insert(path.strip_prefix(folder).unwrap().to_owned(), entry);
    });
    entries.retain(|path, _| !path.starts_with(".git"));
    entries
}

/// Content and times of everything below a folder, git's own among it: whether anything was written.
pub(crate) fn state_of(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, i64, i64)> {
    let mut state = BTreeMap::new();
    visit(folder, &mut |path, found| {
        let content = if found.is_symlink() { Vec::new() } else { fs::read(path).unwrap() };
        state.insert(path.to_owned(), (content, found.mtime(), found.mtime_nsec()));
    });
    state
}

fn visit(folder: &Path, each: &mut dyn FnMut(&Path, &fs::Metadata)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = fs::symlink_metadata(&path).unwrap();
        if found.is_dir() {
            visit(&path, each);
        } else {
            each(&path, &found);
        }
    }
}
