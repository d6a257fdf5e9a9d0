//! The temporary folder beside the target in which a release is put together.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime};

use crate::failure::Failure;
use crate::say;

/// Locked while a set-up runs. It stays there, empty: removing a lock file under those who wait for it is a race.
const LOCK: &str = ".setup.lock";
/// The end of every temporary folder's name.
const SUFFIX: &str = ".tmp";
/// A temporary folder older than this is nobody's, even where locks do not work.
const STALE: Duration = Duration::from_hours(24);

/// A fresh folder on the target's own file system, so that the finished work can be renamed into place.
///
/// It goes away with the value. A set-up that was killed leaves its folder behind, and the next set-up removes it.
#[derive(Debug)]
pub(crate) struct Workbench {
    /// Where things may be put.
    pub(crate) folder: PathBuf,
    /// Held until the end; the system frees it however the process ends. None where locks do not work.
    _lock: Option<File>,
}

impl Workbench {
    /// Waits for another set-up in the same cache folder, then makes the folder.
    pub(crate) fn open(parent: &Path, version: &str) -> Result<Self, Failure> {
        let unwritable = |error: io::Error| cannot_write(parent, &error);
        fs::create_dir_all(parent).map_err(unwritable)?;
        let lock = lock(&parent.join(LOCK)).map_err(unwritable)?;
        // With the lock held no other set-up runs, so what lies there is nobody's, however young.
        sweep(parent, |path| lock.is_some() || is_stale(path));
        let folder = parent.join(format!(".{version}.{}{SUFFIX}", process::id()));
        fs::create_dir_all(&folder).map_err(unwritable)?;
        Ok(Self { folder, _lock: lock })
    }

    /// An empty folder on it.
    pub(crate) fn new_folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(name);
        fs::create_dir(&folder).map_err(|error| cannot_write(&folder, &error))?;
        Ok(folder)
    }

    /// Renames what was made here to where it belongs.
    ///
    /// Whoever renames first wins, and who comes second finds it complete and drops its own copy.
    pub(crate) fn move_into_place(
        &self,
        made: &Path,
        place: &Path,
        is_ready: impl Fn() -> bool,
    ) -> Result<(), Failure> {
        if place.exists() && !is_ready() {
            say(&format!("replacing the damaged `{}`", place.display()));
            let _ = fs::rename(place, self.folder.join("damaged"));
        }
        match fs::rename(made, place) {
            Err(error) if !is_ready() => Err(cannot_write(place, &error)),
            _ => Ok(()),
        }
    }
}

impl Drop for Workbench {
    fn drop(&mut self) {
        // A failure to tidy up must not hide why the set-up ended; the next set-up tries again.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// One set-up at a time saves the second download. Where locks do not work, renaming alone keeps it correct.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).append(true).open(path)?;
    let held = match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::Error(_)) => false,
        Err(TryLockError::WouldBlock) => {
            say(&format!("waiting for another set-up, which holds `{}`", path.display()));
            file.lock().is_ok()
        }
    };
    Ok(held.then_some(file))
}

/// Removes what set-ups that were killed left behind, once it is certain that none of them still runs.
pub(crate) fn sweep_stale(parent: &Path) {
    sweep(parent, is_stale);
}

fn sweep(parent: &Path, is_left_over: impl Fn(&Path) -> bool) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(SUFFIX) && is_left_over(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_stale(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|then| SystemTime::now().duration_since(then).is_ok_and(|age| age > STALE))
}

/// The cache folder cannot be used.
pub(crate) fn cannot_write(folder: &Path, error: &io::Error) -> Failure {
    Failure::harness(
        format!("cannot write to the cache folder `{}`: {error}", folder.display()),
        "make it writable, or name another: XDG_CACHE_HOME=/ABSOLUTE/DIR cargo xtask setup",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-workbench-{}-{name}", process::id()));
        fs::create_dir_all(&folder).expect("a folder for the test");
        folder
    }

    #[test]
    fn the_folder_goes_away_with_the_workbench() {
        let parent = folder("drop");
        let workbench = Workbench::open(&parent, "1.0").expect("a workbench");
        let inside = workbench.folder.clone();
        assert!(inside.is_dir());
        drop(workbench);
        assert!(!inside.exists());
        fs::remove_dir_all(parent).expect("clean");
    }

    #[test]
    fn what_a_killed_set_up_left_is_removed_at_once_under_the_lock() {
        let parent = folder("killed");
        let left = parent.join(".1.0.4242.tmp");
        fs::create_dir_all(left.join("half")).expect("a left-over");
        let workbench = Workbench::open(&parent, "1.0").expect("a workbench");
        assert!(!left.exists());
        drop(workbench);
        fs::remove_dir_all(parent).expect("clean");
    }

    #[test]
    fn without_the_lock_only_what_is_older_than_a_day_is_removed() {
        let parent = folder("aged");
        let (young, old) = (parent.join(".1.0.1.tmp"), parent.join(".1.0.2.tmp"));
        fs::create_dir_all(&young).expect("a young folder");
        fs::create_dir_all(&old).expect("an old folder");
        let two_days_ago = SystemTime::now() - 2 * STALE;
        File::open(&old).expect("open").set_modified(two_days_ago).expect("make it old");
        sweep_stale(&parent);
        assert!(young.exists() && !old.exists());
        fs::remove_dir_all(parent).expect("clean");
    }

    #[test]
    fn a_finished_release_is_never_swept() {
        let parent = folder("finished");
        fs::create_dir_all(parent.join("2026.4.1")).expect("a release");
        sweep(&parent, |_| true);
        assert!(parent.join("2026.4.1").exists());
        fs::remove_dir_all(parent).expect("clean");
    }
}
