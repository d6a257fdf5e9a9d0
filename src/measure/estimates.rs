//! What the Criterion benches found, read from the files that they leave, and running them.
//!
//! Criterion 0.8 keeps each benchmark's last run in a folder `new` below its home:
//! `benchmark.json` (which one it is), `estimates.json` (statistics over the sample, ns an iteration)
//! and `sample.json` (the sample).

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::measure::supervisor::ErrorOutput;
use crate::sys::{GroupEnded, GroupPatience, below_reaper, group_end, leads_group};

/// The folder of a benchmark's last run, and the file in it that names the benchmark.
const LAST_RUN: &str = "new";
const BENCHMARK: &str = "benchmark.json";

const AGAIN: &str = "remove the folder and run the benches again: `cargo bench --locked`";

/// How long one iteration of a benchmark takes: the mean over its sample, with the confidence interval
/// that Criterion found by bootstrap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The benchmark's full name, as in "prefill/ttft@1/fibonacci".
    pub id: String,
    /// The mean, ns.
    pub mean_ns: f64,
    /// Lower end of the mean's confidence interval, ns.
    pub mean_lower_ns: f64,
    /// Upper end of the mean's confidence interval, ns.
    pub mean_upper_ns: f64,
    /// The interval's level, as in 0.95.
    pub confidence: f64,
    /// Measurements in the sample; each is of one iteration or of many.
    pub samples: usize,
}

/// `benchmark.json`.
#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

/// `estimates.json`.
#[derive(Deserialize)]
struct Statistics {
    mean: Mean,
}

#[derive(Deserialize)]
struct Mean {
    confidence_interval: Interval,
    point_estimate: f64,
}

#[derive(Deserialize)]
struct Interval {
    confidence_level: f64,
    lower_bound: f64,
    upper_bound: f64,
}

/// `sample.json`.
#[derive(Deserialize)]
struct SampleFile {
    times: Vec<f64>,
}

/// Reads the estimates of all benchmarks below Criterion's home, sorted by id.
///
/// # Errors
/// When there is none, or a file of one is missing or damaged.
pub fn read_estimates(criterion_home: &Path) -> Result<Vec<Estimate>> {
    let mut runs = Vec::new();
    collect_runs(criterion_home, &mut runs)?;
    if runs.is_empty() {
        return Err(Error::input(format!("no bench has left results in `{}`", criterion_home.display()))
            .hint("run them: `cargo bench --locked`"));
    }
    let mut estimates: Vec<Estimate> = runs.iter().map(|run| read_estimate(run)).collect::<Result<_>>()?;
    estimates.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(estimates)
}

fn collect_runs(folder: &Path, runs: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = |cause| Error::io("read", folder, &cause).as_input().hint(AGAIN);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(unreadable(cause)),
    };
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        // A link may lead in a circle.
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        if path.file_name().is_some_and(|name| name == LAST_RUN) {
            runs.push(path);
        } else {
            collect_runs(&path, runs)?;
        }
    }
    Ok(())
}

fn read_estimate(run: &Path) -> Result<Estimate> {
    let benchmark: Benchmark = read(&run.join(BENCHMARK))?;
    let file = run.join("estimates.json");
    let Mean { confidence_interval: interval, point_estimate } = read::<Statistics>(&file)?.mean;
    let SampleFile { times } = read(&run.join("sample.json"))?;
    let estimate = Estimate {
        id: benchmark.full_id,
        mean_ns: point_estimate,
        mean_lower_ns: interval.lower_bound,
        mean_upper_ns: interval.upper_bound,
        confidence: interval.confidence_level,
        samples: times.len(),
    };
    let Estimate { mean_ns, mean_lower_ns, mean_upper_ns, confidence, samples, .. } = estimate;
    let in_order = 0.0 <= mean_lower_ns && mean_lower_ns <= mean_ns && mean_ns <= mean_upper_ns;
    if !in_order || !(0.0..=1.0).contains(&confidence) || samples == 0 {
        return Err(damaged(
            &file,
            &format!(
                "a mean of `{mean_ns}` ns between `{mean_lower_ns}` and `{mean_upper_ns}` at confidence \
                 `{confidence}` from `{samples}` measurements"
            ),
        ));
    }
    Ok(estimate)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = files::read(path, FileKind::Text).map_err(|error| error.hint(AGAIN))?;
    serde_json::from_slice(&text).map_err(|cause| damaged(path, &cause.to_string()))
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::input(format!("`{}` is not what Criterion writes: {what}", path.display())).hint(AGAIN)
}

/// The benches that Criterion makes; `harness_cost` runs whole `bench`es and is none of them.
const BENCHES: [&str; 5] = ["decode", "generate", "prefill", "record", "tokenize"];
/// Longest time for building and running them all: several times what two slow cores need.
const LONGEST: Duration = Duration::from_mins(30);
/// From the request to end until being made to.
const TERMINATE: Duration = Duration::from_secs(3);
/// Pipes end with the benches, unless something that left their group holds them.
const PIPE_GRACE: Duration = Duration::from_secs(2);

/// How the benches ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BenchesEnded {
    /// All of them ran.
    Complete,
    /// They were stopped; what they left is of a part of them.
    Stopped,
}

/// Runs Criterion's benches of a checkout, with their results in a folder of their own, which should be
/// empty: Criterion leaves there what earlier runs found, benchmarks that no longer exist among it.
/// `own` is the file of this program, without which they would outlive it when it is killed.
/// What they print goes to stderr. Setting `stop` ends them, and with them all that they started.
///
/// # Errors
/// When cargo cannot be run, a bench fails, or half an hour is not enough.
pub fn run_benches(
    own: &Path,
    checkout: &Path,
    criterion_home: &Path,
    stop: &AtomicBool,
) -> Result<BenchesEnded> {
    // Cargo names itself to whatever it runs.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let patience = GroupPatience { run: LONGEST, terminate: TERMINATE };
    run_benches_by(below_reaper(own, &cargo), checkout, criterion_home, stop, patience, stderr)
}

fn run_benches_by<W: Write + Send + 'static>(
    mut cargo: Command,
    checkout: &Path,
    criterion_home: &Path,
    stop: &AtomicBool,
    patience: GroupPatience,
    out: impl Fn() -> W,
) -> Result<BenchesEnded> {
    let failed = |what: String| Error::harness(format!("`cargo bench` in `{}` {what}", checkout.display()));
    cargo
        .args(["bench", "--locked"])
        .args(BENCHES.iter().flat_map(|bench| ["--bench", bench]))
        .current_dir(checkout)
        // Cargo runs each bench in its package's folder.
        .env("CRITERION_HOME", absolute(criterion_home)?)
        .stdin(Stdio::null())
        // The texts of a checkout's code and of its benches are those of others.
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // Ctrl-C is for us alone, and all that cargo starts can be ended with it.
    let mut child = leads_group(&mut cargo).spawn().map_err(|cause| {
        Error::harness(format!("cannot run `cargo bench` in `{}`: {cause}", checkout.display()))
            .hint("install Rust with rustup, and name the folder of a checkout")
    })?;
    let printed = child.stdout.take().map(|pipe| ErrorOutput::pass_on_to(pipe, out()));
    let errors = child.stderr.take().map(|pipe| ErrorOutput::pass_on_to(pipe, out()));
    let ended = group_end(&mut child, stop, patience, &mut || ())
        .map_err(|cause| failed(format!("cannot be waited for: {cause}")))?;
    printed.iter().chain(&errors).for_each(|output| output.wait(PIPE_GRACE));
    match ended {
        GroupEnded::Stopped => Ok(BenchesEnded::Stopped),
        GroupEnded::TooLong => {
            Err(failed(format!("did not end within {} s and was ended", patience.run.as_secs()))
                .hint("`cargo bench --locked` runs it alone, without a limit; or leave `--criterion` out"))
        }
        GroupEnded::ByItself(status) if status.success() => Ok(BenchesEnded::Complete),
        GroupEnded::ByItself(status) => Err(failed(format!("failed: {status}"))
            .hint("its own words stand above; `cargo bench --locked` runs it alone")),
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|cause| Error::io("find", path, &cause))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::Ordering;
    use std::thread;
    use std::time::Instant;

    use tempfile::TempDir;

    use super::*;
    use crate::error::{ErrorKind, ErrorKind as Kind};

    const ESTIMATES: &str = r#"{
        "mean":{"confidence_interval":{"confidence_level":0.95,"lower_bound":90.5,"upper_bound":112.25},
                "point_estimate":100.0,"standard_error":5.5},
        "median":{"confidence_interval":{"confidence_level":0.95,"lower_bound":1.0,"upper_bound":3.0},
                  "point_estimate":2.0,"standard_error":0.5},
        "slope":null}"#;
    const SAMPLE: &str = r#"{"sampling_mode":"Flat","iters":[1.0,1.0,2.0],"times":[100.0,90.0,220.0]}"#;

    /// Puts a benchmark's last run into a home.
    fn add(home: &Path, folder: &str, id: &str) -> PathBuf {
        let run = home.join(folder).join("new");
        fs::create_dir_all(&run).unwrap();
        let benchmark = format!(r#"{{"group_id":"g","function_id":null,"full_id":"{id}","title":"{id}"}}"#);
        fs::write(run.join("benchmark.json"), benchmark).unwrap();
        fs::write(run.join("estimates.json"), ESTIMATES).unwrap();
        fs::write(run.join("sample.json"), SAMPLE).unwrap();
        run
    }

    fn home() -> TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn every_benchmark_is_read_whatever_its_depth_and_sorted_by_its_full_name() {
        let home = home();
        add(home.path(), "prefill/ttft@1/fibonacci", "prefill/ttft@1/fibonacci");
        add(home.path(), "argmax over 201,088 logits/hot", "argmax over 201,088 logits/hot");
        add(home.path(), "alone", "alone");
        let estimates = read_estimates(home.path()).unwrap();
        let ids: Vec<&str> = estimates.iter().map(|estimate| estimate.id.as_str()).collect();
        assert_eq!(ids, ["alone", "argmax over 201,088 logits/hot", "prefill/ttft@1/fibonacci"]);
        assert_eq!(
            estimates[0],
            Estimate {
                id: "alone".into(),
                mean_ns: 100.0,
                mean_lower_ns: 90.5,
                mean_upper_ns: 112.25,
                confidence: 0.95,
                samples: 3,
            }
        );
    }

    #[test]
    fn links_lead_in_no_circle() {
        let home = home();
        add(home.path(), "one", "one");
        for name in ["a", "b"] {
            crate::sys::symlink(".", home.path().join(name)).unwrap();
        }
        assert_eq!(read_estimates(home.path()).unwrap().len(), 1);
    }

    #[test]
    fn earlier_runs_and_criterion_s_own_pages_are_no_benchmarks() {
        let home = home();
        let run = add(home.path(), "one", "one");
        for other in ["base", "change", "report"] {
            let folder = run.with_file_name(other);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("estimates.json"), "{}").unwrap();
        }
        fs::create_dir(home.path().join("report")).unwrap();
        assert_eq!(read_estimates(home.path()).unwrap().len(), 1);
    }

    #[test]
    fn a_home_without_results_is_an_error_that_says_how_to_get_some() {
        let home = home();
        for folder in [home.path().to_owned(), home.path().join("no-such-folder")] {
            let error = read_estimates(&folder).unwrap_err();
            assert_eq!(error.kind(), Kind::Input);
            assert!(error.to_string().contains(&folder.display().to_string()), "{error}");
            assert!(error.hint_text().unwrap().contains("cargo bench --locked"));
        }
    }

    #[test]
    fn a_missing_or_damaged_file_is_an_error_with_its_path_and_no_benchmark_left_out() {
        for name in ["benchmark.json", "estimates.json", "sample.json"] {
            let home = home();
            add(home.path(), "whole", "whole");
            let file = add(home.path(), "damaged", "damaged").join(name);
            for damage in ["", "{\"mean\":", "[]", "{\"mean\":{\"point_estimate\":null}}"] {
                fs::write(&file, damage).unwrap();
                let error = read_estimates(home.path()).unwrap_err();
                assert!(error.to_string().contains(&file.display().to_string()), "{error}");
                assert!(error.hint_text().is_some());
            }
            fs::remove_file(&file).unwrap();
            let error = read_estimates(home.path()).unwrap_err();
            assert!(error.to_string().contains(&file.display().to_string()), "{error}");
        }
    }

    #[test]
    fn values_that_cannot_be_a_mean_and_its_interval_are_refused() {
        let home = home();
        let run = add(home.path(), "one", "one");
        for (right, wrong) in [
            ("90.5", "-1.0"),
            ("90.5", "100.5"),
            ("112.25", "99.0"),
            ("\"confidence_level\":0.95,\"lower_bound\":90", "\"confidence_level\":95.0,\"lower_bound\":90"),
        ] {
            fs::write(run.join("estimates.json"), ESTIMATES.replace(right, wrong)).unwrap();
            let error = read_estimates(home.path()).unwrap_err();
            assert!(error.to_string().contains("estimates.json"), "{wrong}: {error}");
        }
        fs::write(run.join("estimates.json"), ESTIMATES).unwrap();
        fs::write(run.join("sample.json"), r#"{"times":[]}"#).unwrap();
        assert!(read_estimates(home.path()).unwrap_err().to_string().contains("from `0` measurements"));
    }

    /// So long that no test waits for it.
    const LONG: GroupPatience =
        GroupPatience { run: Duration::from_hours(1), terminate: Duration::from_hours(1) };
    /// How often something that is waited for is looked for.
    const LOOK_EVERY: Duration = Duration::from_millis(50);
    const SHORT: Duration = Duration::from_millis(100);

    struct Scene {
        folder: TempDir,
        stop: AtomicBool,
    }

    impl Scene {
        fn new(script: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("cargo");
            fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
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

        fn started(&self) -> Option<String> {
            let text = fs::read_to_string(self.path().join("started")).ok()?;
            text.strip_suffix('\n').map(str::to_owned)
        }

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
        let error =
            run_benches_by(missing, scene.path(), scene.path(), &scene.stop, LONG, stderr).unwrap_err();
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
}
