//! A cargo that is a script.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use super::*;
use crate::error::ErrorKind;

/// So long that no test waits for it.
const LONG: GroupPatience =
    GroupPatience { run: Duration::from_hours(1), terminate: Duration::from_hours(1) };
/// How often something that is waited for is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const SHORT: Duration = Duration::from_millis(100);

/// A checkout with a cargo that is a script; it is Criterion's home, too.
struct Scene {
    folder: TempDir,
    stop: AtomicBool,
}

impl Scene {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cargo");
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, stop: AtomicBool::new(false) }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, patience: GroupPatience) -> Result<BenchesEnded> {
        // By way of the shell: a script just written may still be open in another thread's child.
        let mut command = Command::new("sh");
        command.arg(self.path().join("cargo"));
        let shown = self.path().join("shown");
        let out = || fs::File::options().create(true).append(true).open(&shown).unwrap();
        run_benches_by(command, self.path(), self.path(), &self.stop, patience, out)
    }

    /// Runs it, and stops it when it has said which process it started.
    fn run_and_stop(&self, patience: GroupPatience) -> Result<BenchesEnded> {
        thread::scope(|scope| {
            let run = scope.spawn(|| self.run(patience));
            while self.started().is_none() && !run.is_finished() {
                thread::sleep(LOOK_EVERY);
            }
            self.stop.store(true, Ordering::Relaxed);
            run.join().unwrap()
        })
    }

    /// The process that the script started.
    fn started(&self) -> Option<String> {
        let text = fs::read_to_string(self.path().join("started")).ok()?;
        text.strip_suffix('\n').map(str::to_owned)
    }

    /// Waits until the process that the script started runs no more.
    fn wait_until_it_is_gone(&self) {
        let stat = Path::new("/proc").join(self.started().unwrap()).join("stat");
        let began = Instant::now();
        // One that nobody reaps runs no more, either.
        while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z")) {
            assert!(began.elapsed() < Duration::from_mins(1), "it goes on");
            thread::sleep(LOOK_EVERY);
        }
    }
}

#[test]
fn the_benches_run_locked_in_the_checkout_with_a_home_of_their_own() {
    let scene = Scene::new(r#"{ echo "$*"; pwd; echo "$CRITERION_HOME"; } > "$CRITERION_HOME/said""#);
    assert_eq!(scene.run(LONG).unwrap(), BenchesEnded::Complete);
    let said = fs::read_to_string(scene.path().join("said")).unwrap();
    let folder = fs::canonicalize(scene.path()).unwrap();
    assert_eq!(
        said,
        format!(
            "bench --locked --bench decode --bench generate --bench prefill --bench record --bench tokenize\n{}\n{}\n",
            folder.display(),
            scene.path().display()
        )
    );
}

#[test]
fn benches_that_fail_are_a_failure_with_the_checkout_s_path() {
    let scene = Scene::new("exit 101");
    let error = scene.run(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Harness);
    assert!(error.to_string().contains(&scene.path().display().to_string()), "{error}");
    assert!(error.to_string().contains("101"), "{error}");

    let missing = Command::new(scene.path().join("no-such-cargo"));
    let error = run_benches_by(missing, scene.path(), scene.path(), &scene.stop, LONG, stderr).unwrap_err();
    assert!(error.to_string().starts_with("cannot run `cargo bench`"), "{error}");
}

#[test]
fn what_the_benches_print_is_text_of_others() {
    let hostile = r"printf '\033[2J\342\200\256\n::error::%s\n'";
    let scene = Scene::new(&format!("{hostile} out\n{hostile} err >&2"));
    scene.run(LONG).unwrap();
    let shown = fs::read_to_string(scene.path().join("shown")).unwrap();
    for written in [": :error::out\n", ": :error::err\n", r"\u{1b}[2J\u{202e}"] {
        assert!(shown.contains(written), "{shown}");
    }
    assert!(!shown.contains(['\x1b', '\u{202e}']) && !shown.contains("\n::"), "{shown}");
}

#[test]
fn benches_that_are_stopped_end_at_once_with_all_that_they_started() {
    let scene = Scene::new("sleep 3600 & echo $! > started; wait");
    assert_eq!(scene.run_and_stop(LONG).unwrap(), BenchesEnded::Stopped);
    scene.wait_until_it_is_gone();
}

#[test]
fn benches_that_do_not_listen_are_killed() {
    let scene = Scene::new("trap '' TERM; sleep 3600 & echo $! > started; wait");
    let patience = GroupPatience { terminate: SHORT, ..LONG };
    assert_eq!(scene.run_and_stop(patience).unwrap(), BenchesEnded::Stopped);
    scene.wait_until_it_is_gone();
}

#[test]
fn benches_that_do_not_end_are_ended_and_are_a_failure() {
    let scene = Scene::new("sleep 3600");
    let error = scene.run(GroupPatience { run: SHORT, ..LONG }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Harness);
    assert!(error.to_string().contains("did not end within 0 s"), "{error}");
    assert!(error.hint_text().unwrap().contains("--criterion"));
}

#[test]
fn what_the_benches_leave_behind_does_not_stay() {
    let scene = Scene::new("sleep 3600 & echo $! > started");
    assert_eq!(scene.run(LONG).unwrap(), BenchesEnded::Complete);
    scene.wait_until_it_is_gone();
}
