//! The files the rules look at: what git tracks, and what it would track.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::failure::Failure;

/// The tree as it lies on disk.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Sorted by path.
    pub(crate) files: Vec<File>,
}

/// One file.
#[derive(Debug)]
pub(crate) struct File {
    /// From the root, with slashes.
    pub(crate) path: String,
    /// None where it is not text.
    pub(crate) text: Option<String>,
}

impl Tree {
    /// Everything below `root` that is tracked or not ignored, and still there.
    pub(crate) fn read(root: &Path) -> Result<Self, Failure> {
        let paths = git_files(root)?;
        let mut files: Vec<File> = paths.into_iter().filter_map(|path| File::read(root, path)).collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { files })
    }

    /// The Rust files and their texts.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&File, &str)> {
        self.files
            .iter()
            .filter(|file| file.extension() == "rs")
            .filter_map(|file| Some((file, file.text()?)))
    }
}

impl File {
    fn read(root: &Path, path: String) -> Option<Self> {
        let on_disk = root.join(&path);
        // A submodule is listed as a folder, a deleted file is still in the index.
        fs::metadata(&on_disk).ok().filter(fs::Metadata::is_file)?;
        let content = fs::read(on_disk).ok()?;
        let text = if content.contains(&0) { None } else { String::from_utf8(content).ok() };
        Some(Self { path, text })
    }

    /// The text, where it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// What follows the last dot of the name, or nothing.
    pub(crate) fn extension(&self) -> &str {
        self.name().rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

fn git_files(root: &Path) -> Result<Vec<String>, Failure> {
    let failed = |how: String| {
        let message = format!("git cannot list the files of `{}`: {how}", root.display());
        Failure::harness(message, "install git, and run this in a clone: git status")
    };
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    // A hook sets these for its own repository, in a form that does not survive `-C`.
    command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let listed = String::from_utf8_lossy(&output.stdout);
    Ok(listed.split_terminator('\0').map(str::to_owned).collect())
}

#[cfg(test)]
pub(crate) mod fixture {
    //! Trees for the tests of the rules.

    use std::path::PathBuf;
    use std::process;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// An empty repository in a temporary folder of its own.
    pub(crate) fn repository() -> PathBuf {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("xtask-tidy-{}-{count}", process::id()));
        fs::create_dir_all(&root).expect("a folder for the test");
        let mut git = Command::new("git");
        git.args(["init", "--quiet"]).arg(&root).env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
        assert!(git.status().is_ok_and(|status| status.success()));
        root
    }

    /// Writes the files, reads them as a tree, and removes them.
    pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
        let root = repository();
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("below the root")).expect("its folder");
            fs::write(path, text).expect("the file");
        }
        let tree = Tree::read(&root).expect("a tree");
        fs::remove_dir_all(root).expect("clean");
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untracked_files_are_seen_and_ignored_ones_are_not() {
        let tree = fixture::tree(&[(".gitignore", "/target\n"), ("a b.rs", ""), ("target/x.rs", "")]);
        let paths: Vec<_> = tree.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, [".gitignore", "a b.rs"]);
    }

    #[test]
    fn a_tracked_file_that_was_deleted_is_not_looked_at() {
        let root = fixture::repository();
        fs::write(root.join("gone.rs"), "").expect("the file");
        let mut add = Command::new("git");
        assert!(add.arg("-C").arg(&root).args(["add", "gone.rs"]).status().is_ok_and(|it| it.success()));
        fs::remove_file(root.join("gone.rs")).expect("deleted");
        assert!(Tree::read(&root).expect("a tree").files.is_empty());
        fs::remove_dir_all(root).expect("clean");
    }

    #[test]
    fn what_is_not_text_has_no_text() {
        let tree = fixture::tree(&[("a.bin", "\0\0")]);
        assert_eq!(tree.files[0].text(), None);
    }

    #[test]
    fn a_folder_that_is_no_repository_says_so() {
        let failure = git_files(Path::new("/")).expect_err("no repository");
        assert!(failure.message.contains("`/`"), "{failure}");
    }
}
