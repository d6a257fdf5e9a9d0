//! The temporary folder beside the target in which a release is put together.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{io, process};

use crate::failure::Failure;
use crate::say;

/// Locked while a set-up runs. It stays there, empty: removing a lock file under those who wait for it is a race.
const LOCK: &str = ".setup.lock";
/// The end of every temporary folder's name.
const SUFFIX: &str = ".tmp";
/// A temporary folder older than this is nobody's, even where locks do not work.
const STALE: Duration = Duration::from_hours(24);

/// Leaves a folder complete, or leaves nothing. One that is ready stays as it is; else `fill` puts everything into an
/// empty folder, which is then renamed into place.
pub(crate) fn provide(
    place: &Path,
    name: &str,
    is_ready: impl Fn() -> bool,
    fill: impl FnOnce(&Workbench, &Path) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if is_ready() {
        return Ok(());
    }
    let workbench = Workbench::open(place.parent().unwrap_or(place), name)?;
    if is_ready() {
        return Ok(()); // by the set-up we waited for
    }
    let made = workbench.folder.join("made");
    fs::create_dir(&made).map_err(|error| cannot_write(&made, &error))?;
    fill(&workbench, &made)?;
    workbench.move_into_place(&made, place, is_ready)
}

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
    fn open(parent: &Path, version: &str) -> Result<Self, Failure> {
        let unwritable = |error: io::Error| cannot_write(parent, &error);
        fs::create_dir_all(parent).map_err(unwritable)?;
        let lock = lock(&parent.join(LOCK)).map_err(unwritable)?;
        // With the lock held no other set-up runs, so what lies there is nobody's, however young.
        sweep(parent, |path| lock.is_some() || is_stale(path));
        let folder = parent.join(format!(".{version}.{}{SUFFIX}", process::id()));
        fs::create_dir_all(&folder).map_err(unwritable)?;
        Ok(Self { folder, _lock: lock })
    }

    /// A file on it with this text.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let file = self.folder.join(name);
        fs::write(&file, text).map_err(|error| cannot_write(&file, &error))?;
        Ok(file)
    }

    /// Renames what was made here to where it belongs.
    ///
    /// Whoever renames first wins, and who comes second finds it complete and drops its own copy.
    fn move_into_place(&self, made: &Path, place: &Path, is_ready: impl Fn() -> bool) -> Result<(), Failure> {
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
    // Read too: Windows locks no file that is opened for appending alone.
    let file = File::options().read(true).create(true).append(true).open(path)?;
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

/// There is no cache folder; `again` is the command to type with one.
pub(crate) fn no_home(what: &str, again: &str) -> Failure {
    Failure::harness(
        format!("no home folder to keep {what}"),
        format!("name a cache folder: XDG_CACHE_HOME=/ABSOLUTE/DIR {again}"),
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
}
