//! Folders of a cache that somebody uses, and removing those that nobody has used for long.
//!
//! Each has a file in it by which its users are known: they hold a shared lock on it, and its time of
//! change is when it was last taken into use. Whoever takes a folder into use or trims the cache holds
//! the cache's own lock meanwhile.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result};

/// How the names of folders begin that are being made or removed.
const UNFINISHED: &str = ".unfinished-";

/// A folder in use. It stays until this is dropped.
#[derive(Debug)]
pub struct InUse {
    folder: PathBuf,
    _mark: File,
}

impl InUse {
    /// Takes a folder into use by the file in it that stands for it.
    ///
    /// # Errors
    /// When the file is not there or cannot be locked.
    pub fn hold(folder: &Path, mark: &Path) -> Result<Self> {
        let path = folder.join(mark);
        let failed = |cause: &std::io::Error| Error::io("take into use", &path, cause);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(|cause| failed(&cause))?;
        file.lock_shared().map_err(|cause| failed(&cause))?;
        file.set_modified(SystemTime::now()).map_err(|cause| failed(&cause))?;
        Ok(Self { folder: folder.to_owned(), _mark: file })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Where a folder is made before it is whole. Nothing that is unfinished is left there: the caller holds
/// the cache's lock, and so it is of a run that was killed.
///
/// # Errors
/// When what was left cannot be removed, or the cache's folder not be made.
pub(super) fn unfinished_beside(folder: &Path) -> Result<PathBuf> {
    let cache = folder.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(cache).map_err(|cause| Error::io("make", cache, &cause))?;
    for left in entries(cache).filter(|path| name_of(path).starts_with(UNFINISHED)) {
        fs::remove_dir_all(&left).map_err(|cause| Error::io("remove", &left, &cause))?;
    }
    Ok(cache.join(format!("{UNFINISHED}{}", name_of(folder))))
}

/// Whether somebody uses the folder.
pub(super) fn is_in_use(folder: &Path, mark: &Path) -> bool {
    File::open(folder.join(mark)).is_ok_and(|file| file.try_lock().is_err())
}

/// Removes a folder of the cache: first its name, so that nothing half removed can be found.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_unused(folder: &Path) -> Result<()> {
    let failed = |cause: std::io::Error| Error::io("remove", folder, &cause);
    let aside = unfinished_beside(folder)?;
    fs::rename(folder, &aside).map_err(failed)?;
    fs::remove_dir_all(&aside).map_err(failed)
}

/// Removes the folders that were last used longest ago, until so many are left; those in use stay, and so
/// does whatever has no such mark. Gives what was removed.
#[must_use]
pub fn trim_unused(cache: &Path, mark: &Path, keep: usize) -> Vec<PathBuf> {
    let used = |path: &PathBuf| fs::metadata(path.join(mark)).and_then(|told| told.modified()).ok();
    let mut folders: Vec<(SystemTime, PathBuf)> = entries(cache)
        .filter(|path| !name_of(path).starts_with(UNFINISHED))
        .filter_map(|path| Some((used(&path)?, path)))
        .collect();
    folders.sort();
    let surplus = folders.len().saturating_sub(keep);
    let old = folders.into_iter().map(|(_, path)| path).take(surplus);
    old.filter(|path| !is_in_use(path, mark) && remove_unused(path).is_ok()).collect()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MARK: &str = "mark";

    /// Folders by name, each last used one second after the one before.
    fn cache(names: &[&str]) -> tempfile::TempDir {
        let cache = tempfile::tempdir().unwrap();
        let mut when = SystemTime::now() - Duration::from_hours(1);
        for name in names {
            fs::create_dir(cache.path().join(name)).unwrap();
            let mark = File::create(cache.path().join(name).join(MARK)).unwrap();
            mark.set_modified(when).unwrap();
            when += Duration::from_secs(1);
        }
        cache
    }

    fn names(paths: impl IntoIterator<Item = PathBuf>) -> Vec<String> {
        let mut names: Vec<_> = paths.into_iter().map(|path| name_of(&path)).collect();
        names.sort();
        names
    }

    #[test]
    fn the_newest_stay_and_so_does_one_that_has_just_been_used_again() {
        let cache = cache(&["a", "b", "c", "d"]);
        drop(InUse::hold(&cache.path().join("a"), Path::new(MARK)).unwrap());
        assert_eq!(names(trim_unused(cache.path(), Path::new(MARK), 2)), ["b", "c"]);
        assert_eq!(names(entries(cache.path())), ["a", "d"]);
    }

    #[test]
    fn one_in_use_stays_however_old_it_is_and_so_does_what_is_not_of_the_cache() {
        let cache = cache(&["a", "b"]);
        fs::create_dir(cache.path().join("letters")).unwrap();
        let held = InUse::hold(&cache.path().join("a"), Path::new(MARK)).unwrap();
        File::open(cache.path().join("a").join(MARK)).unwrap();
        assert_eq!(names(trim_unused(cache.path(), Path::new(MARK), 0)), ["b"]);
        drop(held);
        assert_eq!(names(trim_unused(cache.path(), Path::new(MARK), 0)), ["a"]);
        assert_eq!(names(entries(cache.path())), ["letters"]);
    }

    #[test]
    fn what_a_killed_run_left_unfinished_goes_with_the_next_that_is_begun() {
        let cache = cache(&[".unfinished-a"]);
        let begun = unfinished_beside(&cache.path().join("b")).unwrap();
        assert_eq!(begun, cache.path().join(".unfinished-b"));
        assert_eq!(entries(cache.path()).count(), 0);
    }
}
