//! `ab` on a copy of this repository, with changes planted as commits: each side is built from its commit
//! and measured on the real OpenVINO with the shipped model.
//!
//! Other tests run beside these, so guards may trip: pairs count in spite of them, which the records say.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use arcgauge::record::{Experiment, History, Outcome, PlanKind, StopReason, Verdict};
use tempfile::TempDir;

use crate::checkout::repository;
use crate::ended::Ended;
use crate::git_repository::{GitRepository, git_in};

/// The loop that decodes, and the two lines of it that are changed.
const LOOP: &str = "src/engine/generate.rs";
const INFER: &str = "        engine.infer()?;\n        observer.infer_ended();\n";
const CHOOSE: &str = "        let token = greedy(engine.last_logits()?)?;\n";

/// This repository as it lies there, in one commit, and branches of it.
pub(crate) struct Planted {
    pub(crate) repository: GitRepository,
}

pub(crate) static PLANTED: LazyLock<Planted> = LazyLock::new(|| {
    let planted = GitRepository::unborn();
    let listed = git_in(repository(), &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    for file in listed.split('\0').filter(|file| !file.is_empty()) {
        let (from, to) = (repository().join(file), planted.path(file));
        if from.is_file() {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(&from, &to).unwrap();
        }
    }
    // What is measured is OpenVINO; the time that rustc takes for each commit is all ours.
    let manifest = fs::read_to_string(planted.path("Cargo.toml")).unwrap();
    planted
        .write("Cargo.toml", &format!("{manifest}\n[profile.release]\nopt-level = 0\nincremental = true\n"));
    let planted = Planted { repository: planted };
    planted.commit("main", "As it is");
    planted.branch("docs", "README.md", |text| text + "\nOne more line.\n");
    planted.branch("three-times-as-slow", LOOP, |text| slowed(&text, 3.0));
    planted.branch("one-other-token", LOOP, |text| {
        let changed = text.replacen(
            CHOOSE,
            &format!("{CHOOSE}        let token = if step == 3 {{ token ^ 1 }} else {{ token }};\n"),
            1,
        );
        assert_ne!(changed, text);
        changed
    });
    planted.branch("golden-edited", "fixtures/golden/tiny-gpt-oss/fibonacci.json", |text| {
        text.replacen("\"reason\": \"", "\"reason\": \"nothing: ", 1)
    });
    planted
});

/// Waits after each inference until it has taken so many times as long.
fn slowed(text: &str, times: f64) -> String {
    let planted = format!(
        "        let planted = std::time::Instant::now();\n        engine.infer()?;\n        \
         let wanted = planted.elapsed().mul_f64({times:?});\n        \
         while planted.elapsed() < wanted {{}}\n        observer.infer_ended();\n"
    );
    let changed = text.replacen(INFER, &planted, 1);
    assert_ne!(changed, text, "the loop reads otherwise now");
    changed
}

impl Planted {
    /// At a fixed time, so that the same files are the same commit: what was built of it is used again.
    fn commit(&self, branch: &str, subject: &str) {
        self.repository.git(&["add", "--all"]);
        let mut command = Command::new("git");
        let ended = command
            .args(["-c", "user.name=A Tester", "-c", "user.email=tester@localhost"])
            .args(["commit", "--quiet", "--message", subject])
            .env("GIT_AUTHOR_DATE", "2026-11-24T12:00:00Z")
            .env("GIT_COMMITTER_DATE", "2026-11-24T12:00:00Z")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .current_dir(self.repository.folder())
            .output()
            .unwrap();
        assert!(ended.status.success(), "{branch}: {}", String::from_utf8_lossy(&ended.stderr));
    }

    fn branch(&self, name: &str, file: &str, change: impl FnOnce(String) -> String) {
        self.repository.git(&["checkout", "--quiet", "-b", name, "main"]);
        let path = self.repository.path(file);
        let text = fs::read_to_string(&path).unwrap();
        let changed = change(text.clone());
        assert_ne!(changed, text, "{name}");
        fs::write(&path, changed).unwrap();
        self.commit(name, name);
        self.repository.git(&["checkout", "--quiet", "main"]);
    }

    /// Runs `ab` there, with a store and a lock of its own.
    fn ab(&self, flags: &[&str]) -> Reported {
        let place = tempfile::tempdir().unwrap();
        let ended = Command::new(env!("CARGO_BIN_EXE_arcgauge"))
            .arg("ab")
            .args(["--device", "CPU", "--max-new-tokens", "24", "--settle-limit-s", "0", "--ignore-guards"])
            .args(flags)
            .arg("--store")
            .arg(place.path().join("store"))
            .arg("--lock")
            .arg(place.path().join("lock"))
            .current_dir(self.repository.folder())
            .env("XDG_CONFIG_HOME", place.path())
            .env_remove("OPENVINO_INSTALL_DIR")
            .env_remove("INTEL_OPENVINO_DIR")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let ended = Ended::of(ended);
        let record = only_record(&place.path().join("store"));
        Reported { ended, record, place }
    }
}

/// What an `ab` said and kept.
struct Reported {
    ended: Ended,
    record: Experiment,
    place: TempDir,
}

impl Reported {
    fn verdict(&self) -> Verdict {
        self.record.decision.as_ref().unwrap().verdict
    }

    /// What a gate says at the same commit.
    fn gate(&self, head: &str) -> Ended {
        let gate = Command::new(env!("CARGO_BIN_EXE_arcgauge"))
            .args(["gate", "--head", head, "--store"])
            .arg(self.place.path().join("store"))
            .current_dir(PLANTED.repository.folder())
            .env("XDG_CONFIG_HOME", self.place.path())
            .output()
            .unwrap();
        Ended::of(gate)
    }
}

#[track_caller]
fn only_record(store: &Path) -> Experiment {
    let mut records: Vec<_> = History::at(store.to_owned()).examine().collect();
    assert_eq!(records.len(), 1, "{records:?}");
    let record = records.remove(0).record.unwrap();
    assert_eq!(record.plan, PlanKind::Ab);
    record
}

#[test]
#[ignore = "heavy: builds both sides"]
fn a_head_that_takes_three_times_as_long_for_a_token_is_regressed() {
    let reported = PLANTED.ab(&["--base", "main", "--head", "three-times-as-slow"]);
    reported.ended.exits(10);
    assert_eq!(reported.verdict(), Verdict::Regressed, "{}", reported.ended);
    let mean = &reported.record.decision.as_ref().unwrap().comparisons[0];
    assert!(mean.lower > 1.01, "{mean:?}");
    let line = |k: usize| format!("pair {k} (");
    assert!(
        reported.ended.stderr.contains(&line(1)) && reported.ended.stderr.contains(&line(5)),
        "{}",
        reported.ended
    );
    assert!(reported.ended.stdout.contains("regressed"), "{}", reported.ended);
    // The same record passes no gate, whatever else it finds fault on this machine.
    let gate = reported.gate("three-times-as-slow");
    assert!(gate.code == Some(10) || gate.code == Some(12), "{gate}");
}

#[test]
#[ignore = "heavy: builds both sides"]
fn a_head_that_changes_one_token_is_wrong_before_any_speed() {
    let reported = PLANTED.ab(&["--base", "main", "--head", "one-other-token"]);
    reported.ended.exits(11);
    assert_eq!(reported.verdict(), Verdict::WrongOutput);
    let record = &reported.record;
    assert_eq!((record.outcome, record.stop_reason), (Outcome::WrongOutput, Some(StopReason::WrongOutput)));
    assert!(record.decision.as_ref().unwrap().comparisons.is_empty(), "{}", reported.ended);
    assert_eq!(record.arms[1].processes.len(), 1, "it was noticed in the first process");
    assert!(record.arms[1].samples.iter().all(|sample| sample.times.is_none()));
    let divergence = record.arms[1].prompts[0].divergence.as_ref().unwrap();
    assert_eq!(divergence.position, 2);
    reported.gate("one-other-token").exits(11);
}

#[test]
#[ignore = "heavy: builds both sides"]
fn a_change_of_documentation_alone_passes_without_measuring_and_says_so() {
    let reported = PLANTED.ab(&["--base", "main", "--head", "docs"]);
    reported.ended.exits(0);
    assert_eq!(
        (reported.verdict(), reported.record.stop_reason),
        (Verdict::Pass, Some(StopReason::Identical))
    );
    assert!(reported.record.arms[1].samples.is_empty() && reported.record.rounds.is_empty());
    assert!(reported.ended.stdout.contains("byte for byte"), "{}", reported.ended);
    reported.gate("docs").exits(0);
}

#[test]
#[ignore = "heavy: builds both sides"]
fn a_change_of_a_golden_is_judged_by_the_base_s_and_does_not_pass() {
    let reported = PLANTED.ab(&["--base", "main", "--head", "golden-edited"]);
    reported.ended.exits(13);
    let changed = &reported.record.inputs.changed_by_head;
    assert_eq!(changed[0].path, "fixtures/golden/tiny-gpt-oss/fibonacci.json");
    assert!(reported.ended.stdout.contains("goldens changed"), "{}", reported.ended);
    reported.gate("golden-edited").exits(13);
}

#[test]
#[ignore = "heavy: builds both sides"]
fn two_releases_of_openvino_are_compared_with_an_interval() {
    let reported =
        PLANTED.ab(&["--base", "openvino=2026.1.0", "--head", "openvino=2026.4.1", "--budget", "90s"]);
    let record = &reported.record;
    let version = |run: &arcgauge::record::Arm| run.runtime.as_ref().unwrap().openvino_version.clone();
    assert_eq!((version(&record.arms[0]), version(&record.arms[1])), ("2026.1.0".into(), "2026.4.1".into()));
    let mean = &record.decision.as_ref().unwrap().comparisons[0];
    assert!(mean.lower < mean.ratio && mean.ratio < mean.upper, "{mean:?}");
    assert!(reported.ended.stdout.contains("2026.1.0") && reported.ended.stdout.contains("2026.4.1"));
}

#[test]
fn a_device_that_is_not_there_is_bad_input_and_leaves_no_record() {
    let place = tempfile::tempdir().unwrap();
    let ended = Command::new(env!("CARGO_BIN_EXE_arcgauge"))
        .args(["ab", "--base", "device=NPU", "--head", "device=CPU", "--settle-limit-s", "0", "--seed", "1"])
        .arg("--store")
        .arg(place.path().join("store"))
        .arg("--lock")
        .arg(place.path().join("lock"))
        .current_dir(repository())
        .env("XDG_CONFIG_HOME", place.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let ended = Ended::of(ended);
    ended.exits(2);
    assert!(ended.stderr.contains("NPU") && ended.stdout.is_empty(), "{ended}");
    assert!(!place.path().join("store").exists());
}
