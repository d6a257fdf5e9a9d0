//! The lock that keeps two measurements on a machine apart: free, or who holds it.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;

use crate::cli::doctor::check::Check;
use crate::files::check_writable;
use crate::files::open_with;
use crate::sys::DeviceLock;

const LOCK: &str = "device lock";
const NAME_ANOTHER: &str = "name a file that can be written: `cargo xtask bench --lock FILE`";

/// Looks at this lock, or at the one that all users of the machine share.
pub(super) fn examine(file: Option<&Path>) -> Check {
    let usual = DeviceLock::usual_file();
    let path = file.unwrap_or(&usual);
    let at = path.display();
    match open_with(OpenOptions::new().read(true), path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => match check_writable(path) {
            Ok(()) => Check::ok(LOCK, format!("free; `{at}` is made when it is first taken")),
            Err(error) => Check::warn(LOCK, error.to_string(), NAME_ANOTHER),
        },
        Err(cause) => Check::warn(LOCK, format!("cannot open `{at}`: {cause}"), NAME_ANOTHER),
        Ok(_) => match DeviceLock::holder(path) {
            None => Check::ok(LOCK, format!("free, `{at}`")),
            Some(holder) => Check::warn(
                LOCK,
                format!("held by `{holder}`, `{at}`"),
                "wait for it to end; `cargo xtask bench` waits by itself, at most for `--lock-wait-s`",
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;
    use crate::cli::doctor::check::Status;
    use crate::sys::Waiting;

    #[test]
    fn a_held_lock_names_its_holder_and_is_free_again_when_that_ends() {
        let scene = tempfile::tempdir().unwrap();
        let path = scene.path().join("lock");
        let mut goes_on = |_: &str, _: Duration| false;
        let mut waiting = Waiting { patience: Duration::ZERO, goes_on: &mut goes_on };
        let held = DeviceLock::take(&path, "bench, process 7", &mut waiting).unwrap();
        let check = examine(Some(&path));
        assert_eq!(check.status, Status::Warn);
        assert!(check.found.starts_with("held by `bench, process 7`"), "{}", check.found);
        assert!(check.fix.unwrap().contains("--lock-wait-s"));
        drop(held);
        assert_eq!(examine(Some(&path)), Check::ok(LOCK, format!("free, `{}`", path.display())));
    }

    #[test]
    fn looking_makes_no_lock() {
        let scene = tempfile::tempdir().unwrap();
        assert_eq!(examine(Some(&scene.path().join("lock"))).status, Status::Ok);
        assert_eq!(fs::read_dir(scene.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_lock_that_cannot_be_made_or_opened_is_a_warning_with_the_way_out() {
        let scene = tempfile::tempdir().unwrap();
        let file = scene.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [Path::new("/proc/arcgauge/lock"), &file.join("lock")] {
            let check = examine(Some(path));
            assert_eq!((check.status, check.fix.as_deref()), (Status::Warn, Some(NAME_ANOTHER)));
            assert!(check.found.contains(&path.display().to_string()), "{}", check.found);
        }
    }
}
