//! Folders of a cache: whole or not there, used by several processes at once, and removed when nobody has
//! used them for long.
//!
//! In each is a file that stands for it: its users hold a shared lock on that, and its time of change is
//! when the folder was last taken into use. A lock of the cache's own, `.lock`, makes whoever makes, takes
//! or removes a folder do so one at a time.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result};
use crate::files::open_with;
use crate::sys::FileLock;

/// How the names of folders begin that are being made or removed.
const UNFINISHED: &str = ".unfinished-";

/// A cache of folders.
#[derive(Debug, Clone, Copy)]
pub struct CacheFolders<'a> {
    /// The folder around them.
    pub cache: &'a Path,
    /// The file in each that stands for it.
    pub mark: &'a str,
}

/// A folder in use. It stays until this is dropped.
#[derive(Debug)]
pub struct InUse {
    folder: PathBuf,
    _mark: File,
}

impl InUse {
    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl CacheFolders<'_> {
    /// Takes the folder of this name into use where it is there and good.
    ///
    /// # Errors
    /// When the cache cannot be written to.
    pub fn find(&self, name: &str, is_good: impl FnOnce(&Path) -> bool) -> Result<Option<InUse>> {
        let _turn = self.turn()?;
        let folder = self.cache.join(name);
        if is_good(&folder) { self.hold(folder).map(Some) } else { Ok(None) }
    }

    /// Takes the folder of this name into use, and makes it before where it is not there or not good:
    /// aside, so that it is whole when it has its name. `make` must leave the mark in it. What a killed
    /// run left unfinished is removed.
    ///
    /// # Errors
    /// When it cannot be made, or is not good and in use by another process.
    pub fn find_or_make(
        &self,
        name: &str,
        is_good: impl FnOnce(&Path) -> bool,
        make: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<InUse> {
        let _turn = self.turn()?;
        let folder = self.cache.join(name);
        if !is_good(&folder) {
            if folder.symlink_metadata().is_ok() {
                self.remove(&folder)?;
            }
            let unfinished = self.begin(name)?;
            make(&unfinished)?;
            fs::rename(&unfinished, &folder).map_err(|cause| Error::io("make", &folder, &cause))?;
        }
        self.hold(folder)
    }

    /// Removes the folders that were last used longest ago, until so many are left; those in use stay, and
    /// so does whatever has no mark. Gives what was removed.
    ///
    /// # Errors
    /// When the cache cannot be written to.
    pub fn trim(&self, keep: usize) -> Result<Vec<PathBuf>> {
        let _turn = self.turn()?;
        let used =
            |path: &PathBuf| fs::metadata(path.join(self.mark)).and_then(|reported| reported.modified()).ok();
        let mut folders: Vec<(SystemTime, PathBuf)> = entries(self.cache)
            .filter(|path| !name_of(path).starts_with(UNFINISHED))
            .filter_map(|path| Some((used(&path)?, path)))
            .collect();
        folders.sort();
        let surplus = folders.len().saturating_sub(keep);
        let old = folders.into_iter().map(|(_, path)| path).take(surplus);
        Ok(old.filter(|path| self.remove(path).is_ok()).collect())
    }

    fn turn(&self) -> Result<FileLock> {
        FileLock::take(&self.cache.join(".lock"), &mut || true)?
            .ok_or_else(|| Error::harness(format!("`{}` is in use", self.cache.display())))
    }

    fn hold(&self, folder: PathBuf) -> Result<InUse> {
        let path = folder.join(self.mark);
        let failed = |cause: std::io::Error| Error::io("take into use", &path, &cause);
        let file = open_with(OpenOptions::new().read(true).write(true), &path).map_err(failed)?;
        file.lock_shared().map_err(failed)?;
        file.set_modified(SystemTime::now()).map_err(failed)?;
        Ok(InUse { folder, _mark: file })
    }

    /// The path at which a folder is made, with nothing there.
    fn begin(&self, name: &str) -> Result<PathBuf> {
        for left in entries(self.cache).filter(|path| name_of(path).starts_with(UNFINISHED)) {
            fs::remove_dir_all(&left).map_err(|cause| Error::io("remove", &left, &cause))?;
        }
        Ok(self.cache.join(format!("{UNFINISHED}{name}")))
    }

    /// Removes a folder that nobody uses: first its name, so that it is never found in part.
    fn remove(&self, folder: &Path) -> Result<()> {
        let mark = open_with(OpenOptions::new().read(true), &folder.join(self.mark));
        let is_used = mark.is_ok_and(|file| file.try_lock().is_err());
        if is_used {
            let what = format!("`{}` must be made again, and another arcgauge uses it", folder.display());
            return Err(Error::harness(what).hint("wait for the other to end, and try again"));
        }
        let failed = |cause: std::io::Error| Error::io("remove", folder, &cause);
        let aside = self.begin(&name_of(folder))?;
        fs::rename(folder, &aside).map_err(failed)?;
        fs::remove_dir_all(&aside).map_err(failed)
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Folders by name, each last used one second after the one before.
    fn cache(names: &[&str]) -> tempfile::TempDir {
        let cache = tempfile::tempdir().unwrap();
        let mut when = SystemTime::now() - Duration::from_hours(1);
        for name in names {
            fs::create_dir(cache.path().join(name)).unwrap();
            let mark = File::create(cache.path().join(name).join("mark")).unwrap();
            mark.set_modified(when).unwrap();
            when += Duration::from_secs(1);
        }
        cache
    }

    fn cached(cache: &tempfile::TempDir) -> CacheFolders<'_> {
        CacheFolders { cache: cache.path(), mark: "mark" }
    }

    fn left(cache: &tempfile::TempDir) -> Vec<String> {
        let mut names: Vec<_> = entries(cache.path()).map(|path| name_of(&path)).collect();
        names.retain(|name| name != ".lock");
        names.sort();
        names
    }

    fn make(folder: &Path) -> Result<()> {
        let made = fs::create_dir(folder).and_then(|()| fs::write(folder.join("mark"), ""));
        made.map_err(|cause| Error::io("make", folder, &cause))
    }

    #[test]
    fn the_newest_stay_and_so_does_one_that_has_just_been_used_again() {
        let cache = cache(&["a", "b", "c", "d"]);
        assert!(cached(&cache).find("a", Path::is_dir).unwrap().is_some());
        assert_eq!(cached(&cache).trim(2).unwrap(), [cache.path().join("b"), cache.path().join("c")]);
        assert_eq!(left(&cache), ["a", "d"]);
    }

    #[test]
    fn one_in_use_stays_however_old_it_is_and_so_does_what_is_not_of_the_cache() {
        let cache = cache(&["a", "b"]);
        fs::create_dir(cache.path().join("letters")).unwrap();
        let held = cached(&cache).find("a", Path::is_dir).unwrap().unwrap();
        assert_eq!(held.folder(), cache.path().join("a"));
        cached(&cache).trim(0).unwrap();
        assert_eq!(left(&cache), ["a", "letters"]);
        let error = cached(&cache).find_or_make("a", |_| false, make).unwrap_err();
        assert!(error.to_string().contains("another arcgauge uses it"), "{error}");
        drop(held);
        cached(&cache).trim(0).unwrap();
        assert_eq!(left(&cache), ["letters"]);
    }

    #[test]
    fn one_that_is_not_good_is_made_again_and_one_that_could_not_be_made_is_not_there() {
        let cache = cache(&["a", ".unfinished-b"]);
        fs::write(cache.path().join("a/old"), "").unwrap();
        let made = cached(&cache).find_or_make("a", |folder| !folder.join("old").exists(), make).unwrap();
        assert!(!made.folder().join("old").exists());
        let failing = |folder: &Path| make(folder).and(Err(Error::harness("full")));
        assert!(cached(&cache).find_or_make("b", Path::exists, failing).is_err());
        assert!(cached(&cache).find("b", Path::exists).unwrap().is_none());
        drop(cached(&cache).find_or_make("b", Path::exists, make).unwrap());
        assert_eq!(left(&cache), ["a", "b"]);
    }
}
