//! The program for Windows under Wine, with OpenVINO's own libraries for Windows: tokens, states, an A/B, a report, Ctrl-C,
//! and what it says of what it cannot observe. Only by `cargo xtask test --windows`; no real Windows has run it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use arcgauge::judge::environment::{Guard, GuardState, of_record};
use arcgauge::record::{Experiment, History, Outcome};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::checkout::Checkout;
use crate::ended::Ended;

/// Wine's settings, which all tests share and nobody else does.
static WINE_FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
/// A process under Wine is there and has said something within this.
const PATIENCE: Duration = Duration::from_mins(1);

/// As Windows calls a file of this machine.
fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

fn named(variable: &str) -> PathBuf {
    env::var_os(variable).expect("run by `cargo xtask test --windows`").into()
}

fn arcgauge(checkout: &Checkout, arguments: &[&str]) -> Command {
    let mut command = Command::new(named("ARCGAUGE_WINE"));
    command.arg(named("ARCGAUGE_WINDOWS_PROGRAM")).args(arguments).current_dir(checkout.path(""));
    command.env("WINEPREFIX", WINE_FOLDER.path()).env("WINEDEBUG", "-all");
    command
        .env("WINEDLLOVERRIDES", "msvcp140,vcruntime140,vcruntime140_1,bcryptprimitives=n,b;mscoree,mshtml=");
    // No kernel of the host is to be seen, and no installation of the user's.
    command.env_remove("OPENVINO_INSTALL_DIR").env_remove("INTEL_OPENVINO_DIR");
    command.stdin(Stdio::null());
    command
}

/// A checkout with a commit.
fn checkout() -> Checkout {
    let checkout = Checkout::new();
    checkout.commit();
    checkout
}

fn measured(checkout: &Checkout, verb: &[&str]) -> Ended {
    let openvino = windows_path(&named("ARCGAUGE_WINDOWS_OPENVINO"));
    let common = ["--device", "CPU", "--openvino", &openvino];
    Ended::of(arcgauge(checkout, &[verb, &common].concat()).output().unwrap())
}

/// The record that a run left, read by the program for this system.
fn only_record(checkout: &Checkout) -> Experiment {
    let mut records: Vec<_> = History::at(checkout.path("reports/history")).examine().collect();
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0).record.unwrap()
}

#[test]
#[ignore = "run by `cargo xtask test --windows`"]
fn bench_finds_every_golden_token_keeps_a_record_and_observes_nothing_of_the_host() {
    let checkout = checkout();
    let ended = measured(&checkout, &["bench", "--quick"]);
    ended.exits(0);
    assert_eq!(ended.stdout.matches("  match").count(), 3, "{ended}");
    let record = only_record(&checkout);
    assert_eq!(record.outcome, Outcome::Complete);
    let findings = of_record(&record.arms[0]).into_iter().flat_map(|it| it.findings);
    let observed: Vec<Guard> =
        findings.filter(|it| it.state != GuardState::NotObserved).map(|it| it.guard).collect();
    // Windows itself knows these.
    let by_windows = |guard: &Guard| [Guard::Suspend, Guard::AcPower].contains(guard);
    assert!(observed.contains(&Guard::Suspend) && observed.iter().all(by_windows), "{observed:?}");
    let machine = &record.machine;
    assert!(machine.kernel.is_none() || !machine.kernel.as_ref().unwrap().contains("Linux"), "{machine:?}");
    assert!(machine.microcode.is_none() && machine.firmware.is_none(), "{machine:?}");
    let page = checkout.path("reports/site/index.html");
    assert!(fs::read_to_string(page).unwrap().contains("tiny-gpt-oss"), "{ended}");
    let list = Ended::of(arcgauge(&checkout, &["history", "list"]).output().unwrap());
    list.exits(0).prints(&record.run_id);
}

/// Checks that each path is written as people write it on Windows: with backslashes alone, and nothing before the drive.
#[track_caller]
fn assert_paths(ended: &Ended) {
    let text = [&ended.stdout[..], &ended.stderr].concat();
    let words = text.split(|sign: char| sign.is_whitespace() || "`'\"<>".contains(sign));
    let paths: Vec<&str> = words.filter(|word| word.contains(":\\") || word.contains(r"\\")).collect();
    assert!(!paths.is_empty(), "no path in\n{ended}");
    let odd: Vec<&&str> = paths.iter().filter(|path| path.contains('/') || path.contains(r"\\?\")).collect();
    assert!(odd.is_empty(), "{odd:?} in\n{ended}");
}

#[test]
#[ignore = "run by `cargo xtask test --windows`"]
fn paths_have_backslashes_alone_and_nothing_before_the_drive() {
    let checkout = checkout();
    let run = |arguments: &[&str]| Ended::of(arcgauge(&checkout, arguments).output().unwrap());
    assert_paths(&measured(&checkout, &["bench", "--quick"]));
    assert_paths(&measured(&checkout, &["doctor"]));
    assert_paths(&run(&["model", "list"]));
    assert_paths(&run(&["report"]));
    // Nothing of the pinned release is set up for this user.
    assert_paths(&run(&["bench", "--quick", "--device", "CPU"]));
    let record = serde_json::to_string(&only_record(&checkout)).unwrap();
    assert!(!record.contains(r"\\?\"), "{record}");
}

#[test]
#[ignore = "run by `cargo xtask test --windows`"]
fn the_kv_states_are_read_reset_and_put_back() {
    let ended = measured(&checkout(), &["states", "--prompt", "fibonacci"]);
    ended.exits(0).prints("# before: 48 states").prints("came out the same after the states were put back");
}

#[test]
#[ignore = "run by `cargo xtask test --windows`"]
fn two_settings_are_compared_in_pairs() {
    let checkout = checkout();
    let sides = ["ab", "--base", "INFERENCE_NUM_THREADS=2", "--head", "INFERENCE_NUM_THREADS=1"];
    let short = ["--max-new-tokens", "12", "--settle-limit-s", "0", "--ignore-guards"];
    let ended = measured(&checkout, &[&sides[..], &short].concat());
    // Whatever the noise of this machine lets it say.
    assert!(matches!(ended.code, Some(0 | 10 | 12 | 13)), "{ended}");
    let record = only_record(&checkout);
    assert!(record.decision.is_some() && record.rounds.len() >= 5, "{ended}");
}

/// Processes of this machine that run the program with the files of this checkout.
fn processes_of(checkout: &Checkout) -> Vec<u32> {
    let place = checkout.path("");
    let runs_there = |pid: &u32| {
        let process = Path::new("/proc").join(pid.to_string());
        let is_there = fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == place);
        is_there
            && fs::read(process.join("cmdline")).is_ok_and(|it| it.windows(8).any(|it| it == b"arcgauge"))
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(runs_there).collect()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// A run whose worker is there.
fn begun(checkout: &Checkout) -> Child {
    let openvino = windows_path(&named("ARCGAUGE_WINDOWS_OPENVINO"));
    let arguments = ["bench", "--device", "CPU", "--settle-limit-s", "0", "--openvino", &openvino];
    let errors = fs::File::create(checkout.path("errors.txt")).unwrap();
    let table = fs::File::create(checkout.path("table.txt")).unwrap();
    let child = arcgauge(checkout, &arguments).stdout(table).stderr(errors).spawn().unwrap();
    wait_until("there is no worker", || processes_of(checkout).len() >= 3);
    child
}

/// Its first number. Before 9, SIGINT ends a program at once, and no event of a console comes of it.
fn wine_version() -> u32 {
    let output = Command::new(named("ARCGAUGE_WINE")).arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim_start_matches("wine-").split('.').next().unwrap().parse().unwrap()
}

#[test]
#[ignore = "run by `cargo xtask test --windows`"]
fn ctrl_c_keeps_what_was_measured_and_leaves_no_process() {
    let checkout = checkout();
    let mut child = begun(&checkout);
    let text = |name: &str| fs::read_to_string(checkout.path(name)).unwrap();
    wait_until("no process came to its end", || text("errors.txt").contains("process 1/3: "));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let status = child.wait().unwrap();
    if wine_version() >= 9 {
        assert_eq!(status.code(), Some(130), "{}", text("errors.txt"));
        assert!(text("table.txt").contains("INTERRUPTED"), "{}", text("table.txt"));
        assert_eq!(only_record(&checkout).outcome, Outcome::Interrupted);
    }
    wait_until("a process is left", || processes_of(&checkout).is_empty());
}

#[test]
#[ignore = "run by `cargo xtask test --windows`"]
fn a_run_that_is_killed_takes_its_worker_along() {
    let checkout = checkout();
    let mut child = begun(&checkout);
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("a process is left", || processes_of(&checkout).is_empty());
}
