//! Files by which processes take turns: the system lets go of a lock however its holder ends. The device lock is held
//! for a whole job, so that a machine makes one measurement at a time.

use std::env;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::files::open_with;
use crate::sys::{for_all, os};

/// How often a lock that another holds is tried again.
const TRY_FILE_EVERY: Duration = Duration::from_millis(50);

/// A held lock.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock of this file, which is made where it is not there. `goes_on` is called again and
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
                Err(TryLockError::WouldBlock) if goes_on() => thread::sleep(TRY_FILE_EVERY),
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

/// How often a lock that another holds is tried again.
const TRY_DEVICE_EVERY: Duration = Duration::from_millis(250);

/// The lock's file in the folder of locks.
const FILE_NAME: &str = "arcgauge-device.lock";

/// How the file of a held lock begins; any other is not ours to write to.
const MARK: &str = "held by arcgauge: ";

/// Of a longer text the beginning is read, bytes.
const LONGEST_HOLDER: u64 = 4096;

/// The held lock.
#[derive(Debug)]
pub struct DeviceLock {
    file: File,
}

/// Who waits, and how long.
pub struct Waiting<'a> {
    /// At most this long.
    pub patience: Duration,
    /// Called with the holder, when the wait begins and every few moments after; false gives up.
    pub goes_on: &'a mut dyn FnMut(&str, Duration) -> bool,
}

impl DeviceLock {
    /// The lock's file that all users of a machine share: in `/run/lock`, which is emptied at each
    /// start, else in the folder of temporary files. On some systems only root may write to the
    /// former; a lock that is there already holds for all who may read it.
    pub fn usual_file() -> PathBuf {
        Self::usual_file_in(Path::new(os::LOCKS), &env::temp_dir())
    }

    fn usual_file_in(shared: &Path, temporary: &Path) -> PathBuf {
        let file = shared.join(FILE_NAME);
        if is_usable(&file) { file } else { temporary.join(FILE_NAME) }
    }

    /// Takes the lock, waiting where another holds it; `holder` says who this is to those who wait.
    ///
    /// # Errors
    /// When the file cannot be made, or the lock was not free in time.
    pub fn take(path: &Path, holder: &str, waiting: &mut Waiting<'_>) -> Result<Self> {
        let mut file = open(path)?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(cause)) => return Err(Error::io("lock", path, &cause).as_input()),
            }
            let by = read_holder(&mut file);
            if waited >= waiting.patience || !(waiting.goes_on)(&by, waited) {
                return Err(Error::harness(format!(
                    "the device is held by `{by}`, and was not free within {} s (`{}`)",
                    waited.as_secs(),
                    path.display()
                ))
                .hint("wait for it to end, or raise `--lock-wait-s`; two at once would measure each other"));
            }
            thread::sleep(TRY_DEVICE_EVERY);
            waited += TRY_DEVICE_EVERY;
        }
        // For people alone: what holds is the lock, not the text. Another user's file stays as it is.
        let text = format!("{MARK}{holder}\n");
        let _ = file.rewind().and_then(|()| file.set_len(0)).and_then(|()| file.write_all(text.as_bytes()));
        Ok(Self { file })
    }

    /// Who holds the lock now; None where it is free or not there.
    pub fn holder(path: &Path) -> Option<String> {
        let mut file = open_with(OpenOptions::new().read(true), path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(read_holder(&mut file)),
            _ => None,
        }
    }
}

impl Drop for DeviceLock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// Whether this user can open the file, or create one beside it. Only trying shows it: rights are not all
/// that counts.
fn is_usable(file: &Path) -> bool {
    if open_with(OpenOptions::new().read(true), file).is_ok() {
        return true;
    }
    let beside = file.with_file_name(format!(".arcgauge-{}", process::id()));
    match OpenOptions::new().write(true).create_new(true).open(&beside) {
        Ok(_) => {
            let _ = fs::remove_file(beside);
            true
        }
        // Another thread of this process has just created it.
        Err(cause) => cause.kind() == ErrorKind::AlreadyExists,
    }
}

/// Opens the file, made for all users where it is not there. Another's file is left as it is.
fn open(path: &Path) -> Result<File> {
    let failed = |cause: &dyn std::fmt::Display| {
        Error::input(format!("cannot open the device lock `{}`: {cause}", path.display()))
            .hint("name a file that can be written with `--lock FILE`")
    };
    match OpenOptions::new().read(true).write(true).create_new(true).open(path) {
        Ok(file) => {
            // The mask took the others' right to write; only the owner can give it back.
            let _ = fs::set_permissions(path, for_all());
            return Ok(file);
        }
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
        Err(cause) => return Err(failed(&cause)),
    }
    // In a folder that protects another user's file reading is enough to lock it.
    let opened = open_with(OpenOptions::new().read(true).write(true), path)
        .or_else(|_| open_with(OpenOptions::new().read(true), path));
    let file = opened.map_err(|cause| failed(&cause))?;
    let mut begins = Vec::new();
    (&file).take(MARK.len() as u64).read_to_end(&mut begins).map_err(|cause| failed(&cause))?;
    if !begins.is_empty() && begins != MARK.as_bytes() {
        return Err(failed(&"it is a file of something else").hint(format!(
            "if an earlier arcgauge left it, remove it: `rm {}`; else name another with `--lock FILE`",
            path.display()
        )));
    }
    Ok(file)
}

fn read_holder(file: &mut File) -> String {
    let mut text = String::new();
    let _ =
        file.seek(SeekFrom::Start(0)).and_then(|_| (&*file).take(LONGEST_HOLDER).read_to_string(&mut text));
    let text = text.trim().trim_start_matches(MARK);
    if text.is_empty() { "another process".to_owned() } else { text.to_owned() }
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

    fn take(path: &Path, who: &str, patience: Duration, heard: &mut Vec<String>) -> Result<DeviceLock> {
        let mut goes_on = |holder: &str, _: Duration| {
            heard.push(holder.to_owned());
            true
        };
        DeviceLock::take(path, who, &mut Waiting { patience, goes_on: &mut goes_on })
    }

    #[test]
    fn the_second_waits_is_told_who_holds_the_lock_and_gives_up_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut heard = Vec::new();
        let first = take(&path, "bench, process 7", Duration::ZERO, &mut heard).unwrap();
        assert_eq!(DeviceLock::holder(&path).as_deref(), Some("bench, process 7"));
        let error = take(&path, "ab", TRY_DEVICE_EVERY * 2, &mut heard).unwrap_err();
        assert!(error.to_string().contains("held by `bench, process 7`"), "{error}");
        assert_eq!(heard, ["bench, process 7"; 2]);
        drop(first);
        assert_eq!(DeviceLock::holder(&path), None);
        take(&path, "ab", Duration::ZERO, &mut Vec::new()).unwrap();
    }

    #[test]
    fn a_file_of_something_else_is_not_taken_for_a_lock_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letters");
        fs::write(&path, "Dear all").unwrap();
        let error = take(&path, "bench", Duration::ZERO, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("a file of something else"), "{error}");
        let hint = error.hint_text().unwrap();
        assert!(hint.contains(&format!("`rm {}`", path.display())), "the lock of an older build: {hint}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "Dear all");
        let link = folder.path().join("link");
        crate::sys::symlink(&path, &link).unwrap();
        assert!(take(&link, "bench", Duration::ZERO, &mut Vec::new()).is_err());
        let pipe = folder.path().join("pipe");
        assert!(process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = take(&pipe, "bench", Duration::ZERO, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("it is a pipe"), "{error}");
        assert_eq!(DeviceLock::holder(&pipe), None, "to look must not wait either");
        for named in [path.as_path(), &link, &pipe, folder.path(), Path::new("/dev/null"), &pipe.join("x")] {
            let error = take(named, "bench", Duration::ZERO, &mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), crate::error::ErrorKind::Input, "{error}");
        }
    }

    #[test]
    fn the_usual_lock_is_where_this_user_may_make_or_open_it_and_looking_makes_none() {
        let (shared, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let usual = |shared: &Path| DeviceLock::usual_file_in(shared, temporary.path());
        let fallback = temporary.path().join(FILE_NAME);
        assert_eq!(usual(shared.path()), shared.path().join(FILE_NAME));
        assert_eq!(fs::read_dir(shared.path()).unwrap().count(), 0);
        // Not even root can make a file there.
        assert_eq!(usual(Path::new("/proc/self")), fallback);
        assert_eq!(usual(&shared.path().join("none")), fallback);
        assert!(is_usable(Path::new("/proc/self/status")), "one that is there can still be opened");
    }

    #[test]
    fn whoever_waits_may_give_up_before_the_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let _held = take(&path, "bench", Duration::ZERO, &mut Vec::new()).unwrap();
        let mut requested = 0;
        let mut goes_on = |_: &str, _: Duration| {
            requested += 1;
            requested < 2
        };
        let mut waiting = Waiting { patience: Duration::from_hours(1), goes_on: &mut goes_on };
        assert!(DeviceLock::take(&path, "ab", &mut waiting).is_err());
    }
}
