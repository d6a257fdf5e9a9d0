//! A file by which processes take turns. The system lets go of it however its holder ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::files::open_with;

/// How often a lock that another holds is tried again.
const TRY_EVERY: Duration = Duration::from_millis(50);

/// A held lock.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock of this file, which is made where it is not there. `goes_on` is asked again and
    /// again while another holds it; where it says false the wait ends, and there is no lock.
    ///
    /// # Errors
    /// When the file cannot be made or locked.
    pub fn take(path: &Path, goes_on: &mut dyn FnMut() -> bool) -> Result<Option<Self>> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).map_err(|cause| Error::io("make", folder, &cause))?;
        // Never truncated, for it has no content; read too, so that a child can have it as its stdin.
        let mut options = OpenOptions::new();
        let file = open_with(options.read(true).write(true).create(true).truncate(false), path)
            .map_err(|cause| Error::io("open the lock", path, &cause))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self { file })),
                Err(TryLockError::WouldBlock) if goes_on() => thread::sleep(TRY_EVERY),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(cause)) => return Err(Error::io("lock", path, &cause)),
            }
        }
    }

    /// An empty stdin that holds the lock as well: should this process be killed, the lock is only free
    /// when the child has ended, too.
    ///
    /// # Errors
    /// When the system has no more files to give.
    pub fn as_stdin(&self) -> Result<Stdio> {
        let file = self.file.try_clone().map_err(|cause| Error::harness(format!("no file is left: {cause}")));
        file.map(Stdio::from)
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // By word, for a process left behind could keep the file open.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_second_waits_until_the_first_is_done_or_it_has_enough() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/lock");
        let first = FileLock::take(&path, &mut || true).unwrap().unwrap();
        let mut requested = 0;
        let second = FileLock::take(&path, &mut || {
            requested += 1;
            requested < 3
        });
        assert!(second.unwrap().is_none());
        assert_eq!(requested, 3);
        drop(first);
        assert!(FileLock::take(&path, &mut || false).unwrap().is_some());
    }

    #[test]
    fn a_child_that_has_it_as_stdin_keeps_the_lock_while_it_lives() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = FileLock::take(&path, &mut || true).unwrap().unwrap();
        let mut sleep = Command::new("sleep");
        let mut child = sleep.arg("60").stdin(first.as_stdin().unwrap()).spawn().unwrap();
        // The command has a copy of its own.
        drop(sleep);
        // As when this process is killed: the file closes, and no word is said.
        std::mem::forget(first);
        assert!(FileLock::take(&path, &mut || false).unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
