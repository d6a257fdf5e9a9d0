//! The walk: every step in turn, whatever came of the one before.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::{env, process};

use clap::ValueEnum;
use serde::de::DeserializeOwned;

use crate::cli::first_light::FirstLightArgs;
use crate::cli::first_light::child::{self, ChildEnded, ChildTold};
use crate::cli::flags::openvino_as_typed;
use crate::cli::root::Root;
use crate::cli::say;
use crate::error::{Error, Result};
use crate::judge::first_light::{Evidence, StepSeen};
use crate::measure::supervisor::Control;
use crate::measure::{Clock, MonotonicClock};
use crate::record::first_light::DoctorLine;
use crate::record::{History, Kept, Machine, PublishedDevice, PublishedReference, RunRecord};
use crate::report::first_light::StepTold;

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StepName {
    Machine,
    Doctor,
    Bench,
    States,
    CrossCheck,
    AgainstItself,
}

impl StepName {
    const COUNT: usize = 6;

    fn word(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Doctor => "doctor",
            Self::Bench => "bench",
            Self::States => "states",
            Self::CrossCheck => "cross-check",
            Self::AgainstItself => "against-itself",
        }
    }

    fn does(self) -> &'static str {
        match self {
            Self::Machine => "look at the PCI bus, the drivers, OpenVINO's devices and the guards",
            Self::Doctor => "ask `doctor`",
            Self::Bench => "measure: cold and warm loads, memory, guards, every token",
            Self::States => "read, empty and put back the KV states",
            Self::CrossCheck => "feed the answers to the CPU",
            Self::AgainstItself => "build this commit and measure it against itself",
        }
    }

    /// Several times what it needs with the 12 GB model.
    pub(super) fn limit(self) -> Duration {
        Duration::from_mins(match self {
            Self::Machine => 2,
            Self::Doctor => 15,
            Self::States => 30,
            Self::Bench | Self::CrossCheck | Self::AgainstItself => 120,
        })
    }
}

/// What the walk saw.
pub(super) struct Walked {
    pub(super) evidence: Evidence,
    pub(super) steps: Vec<StepTold>,
    /// What each step said.
    pub(super) logs: Vec<StepLog>,
    pub(super) was_interrupted: bool,
}

/// What a step said.
pub(super) struct StepLog {
    pub(super) step: &'static str,
    /// Its report; of steps that tell JSON there is none.
    pub(super) report: Option<String>,
    /// Its talk.
    pub(super) talk: String,
}

impl Walked {
    /// The record of `bench`.
    pub(super) fn run(&self) -> Option<&RunRecord> {
        match &self.evidence.bench {
            StepSeen::Told(record) => Some(record),
            StepSeen::Failed(_) | StepSeen::NotRun(_) => None,
        }
    }

    /// The machine as that record knows it.
    pub(super) fn machine(&self) -> Option<&Machine> {
        self.run().map(|record| &record.machine)
    }
}

/// A walk that is under way.
pub(super) struct Walk<'a> {
    args: &'a FirstLightArgs,
    control: &'a Arc<Control>,
    arc_140v: PublishedDevice,
    folder: OwnFolder,
    begun: usize,
    steps: Vec<StepTold>,
    logs: Vec<StepLog>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(args: &'a FirstLightArgs, root: &Root, control: &'a Arc<Control>) -> Result<Self> {
        let published = root.published();
        let text = fs::read_to_string(&published).map_err(|cause| Error::io("read", &published, &cause))?;
        Ok(Self {
            args,
            control,
            arc_140v: PublishedReference::parse(&text)?.device,
            folder: OwnFolder::new()?,
            begun: 0,
            steps: Vec::new(),
            logs: Vec::new(),
        })
    }

    /// Runs every step.
    pub(super) fn walk(mut self) -> Result<Walked> {
        let machine = self.looked(StepName::Machine, self.machine_flags());
        let doctor = self.doctor();
        let (bench, record) = self.recorded::<RunRecord>(StepName::Bench, self.bench_flags());
        let states = self.looked(StepName::States, self.states_flags());
        let cross_check = match record {
            Some(record) => self.looked(StepName::CrossCheck, self.cross_check_flags(&record)),
            None => self.not_run(StepName::CrossCheck, "`bench` left no record".to_owned()),
        };
        let (against_itself, _) = self.recorded(StepName::AgainstItself, self.against_itself_flags());
        Ok(Walked {
            evidence: Evidence {
                arc_140v: self.arc_140v,
                requested: self.args.engine.device.clone(),
                machine,
                doctor,
                bench,
                states,
                cross_check,
                against_itself,
            },
            steps: self.steps,
            logs: self.logs,
            was_interrupted: self.control.stop.load(Ordering::Relaxed),
        })
    }

    fn machine_flags(&self) -> Vec<OsString> {
        let mut typed = words(["first-light-step", "machine"]);
        typed.extend(openvino_as_typed(self.args.engine.openvino.as_ref()));
        typed.extend(["--kernel-files".into(), self.args.kernel_files.clone().into_os_string()]);
        typed
    }

    fn bench_flags(&self) -> Vec<OsString> {
        // Not `bench --quick`, which primes nothing: a cold and a warm load are wanted.
        let runs = if self.args.quick { "1" } else { "3" };
        let mut typed = words(["bench", "--runs", runs]);
        typed.extend(self.args.store.as_typed());
        typed.extend(self.args.engine.as_typed());
        typed.extend(self.args.supervision.as_typed());
        typed
    }

    fn states_flags(&self) -> Vec<OsString> {
        let mut typed = words(["first-light-step", "states"]);
        typed.extend(self.args.engine.as_typed());
        typed.extend(self.args.supervision.as_typed());
        typed
    }

    fn cross_check_flags(&self, record: &Path) -> Vec<OsString> {
        let mut typed = words(["first-light-step", "cross-check", "--record"]);
        typed.push(record.into());
        typed.extend(openvino_as_typed(self.args.engine.openvino.as_ref()));
        typed.extend(self.args.engine.model.as_typed());
        typed.extend(self.args.supervision.as_typed());
        typed
    }

    fn against_itself_flags(&self) -> Vec<OsString> {
        let (tokens, budget) = if self.args.quick { ("32", "5m") } else { ("100", "30m") };
        let mut typed = words(["ab", "--base", "HEAD", "--head", "HEAD", "--measure-identical"]);
        typed.extend(words(["--max-new-tokens", tokens, "--budget", budget]));
        typed.extend(self.args.store.as_typed());
        typed.extend(self.args.engine.as_typed());
        typed.extend(self.args.supervision.as_typed());
        typed
    }

    fn doctor(&mut self) -> StepSeen<Vec<DoctorLine>> {
        let engine = &self.args.engine;
        let mut typed = words(["doctor", "--device", &engine.device]);
        typed.extend(engine.model.as_typed());
        typed.extend(openvino_as_typed(engine.openvino.as_ref()));
        typed.extend(self.args.store.as_typed());
        if let Some(lock) = self.args.supervision.named_lock() {
            typed.extend(["--lock".into(), lock.as_os_str().to_owned()]);
        }
        // What it finds amiss is what is wanted of it.
        self.run(StepName::Doctor, &typed, |told| {
            let lines = DoctorLine::all_of(&told.stdout);
            (matches!(told.ended, ChildEnded::ByItself(_)) && !lines.is_empty()).then_some(lines)
        })
    }

    /// A step that tells JSON.
    fn looked<T: DeserializeOwned>(&mut self, step: StepName, typed: Vec<OsString>) -> StepSeen<T> {
        self.run(step, &typed, |told| {
            let is_told = told.ended == ChildEnded::ByItself(Some(0));
            serde_json::from_str(&told.stdout).ok().filter(|_| is_told)
        })
    }

    /// A step that keeps a record, which is worth something however it ended.
    fn recorded<R: Kept>(&mut self, step: StepName, typed: Vec<OsString>) -> (StepSeen<R>, Option<PathBuf>) {
        let mut path = None;
        let seen = self.run(step, &typed, |told| {
            let stored = History::read_as::<R>(told.record()?).ok()?;
            path = Some(stored.path);
            Some(stored.record)
        });
        (seen, path)
    }

    fn run<T>(
        &mut self,
        step: StepName,
        typed: &[OsString],
        read: impl FnOnce(&ChildTold) -> Option<T>,
    ) -> StepSeen<T> {
        if self.args.without.contains(&step) {
            return self.not_run(step, format!("`--without {}` was given", step.word()));
        }
        if self.control.stop.load(Ordering::Relaxed) {
            return self.not_run(step, "the walk was interrupted before".to_owned());
        }
        self.begun += 1;
        say(&format!("step {} of {}, {}: {}", self.begun, StepName::COUNT, step.word(), step.does()));
        let began_ns = MonotonicClock.now_ns();
        let limit = self.args.limit(step);
        let told = match child::run(typed, &self.folder.0, limit, &self.control.stop) {
            Ok(told) => told,
            Err(cause) => {
                let took_s = (MonotonicClock.now_ns() - began_ns) as f64 / 1e9;
                let because = format!("step `{}` could not be run: {cause}", step.word());
                self.tell(step, "not-run", Some(because.clone()), took_s);
                return StepSeen::NotRun(because);
            }
        };
        let because = ended_because(step, &told, limit);
        let took_s = told.took.as_secs_f64();
        let seen = match (read(&told), &because) {
            (Some(seen), _) => StepSeen::Told(seen),
            (None, Some(NotDone { was_tried: false, because })) => StepSeen::NotRun(because.clone()),
            (None, Some(NotDone { because, .. })) => StepSeen::Failed(because.clone()),
            (None, None) => StepSeen::Failed(format!("step `{}` ended well and told nothing", step.word())),
        };
        let ended = match &seen {
            StepSeen::Told(_) if because.is_none() => "done",
            StepSeen::Told(_) | StepSeen::Failed(_) => "failed",
            StepSeen::NotRun(_) => "not-run",
        };
        self.tell(step, ended, because.map(|not_done| not_done.because), took_s);
        let tells_json = matches!(step, StepName::Machine | StepName::States | StepName::CrossCheck);
        let report = (!tells_json && !told.stdout.is_empty()).then_some(told.stdout);
        self.logs.push(StepLog { step: step.word(), report, talk: told.stderr });
        seen
    }

    fn not_run<T>(&mut self, step: StepName, because: String) -> StepSeen<T> {
        self.begun += 1;
        self.tell(step, "not-run", Some(because.clone()), 0.0);
        StepSeen::NotRun(because)
    }

    fn tell(&mut self, step: StepName, ended: &'static str, because: Option<String>, took_s: f64) {
        let told = because.as_ref().map(|because| format!(", {because}")).unwrap_or_default();
        say(&format!("step `{}` {ended} after {took_s:.0} s{told}", step.word()));
        self.steps.push(StepTold { name: step.word(), ended, because, took_s });
    }
}

/// Why a step did not come to a good end.
struct NotDone {
    /// Whether what it was to see had been tried: bad input, a limit or Ctrl-C come before.
    was_tried: bool,
    because: String,
}

fn ended_because(step: StepName, told: &ChildTold, limit: Duration) -> Option<NotDone> {
    let word = step.word();
    let (was_tried, because) = match told.ended {
        ChildEnded::ByItself(Some(0)) => return None,
        // An A/B of a thing against itself cannot tell, and that is well.
        ChildEnded::ByItself(Some(10 | 12 | 13)) if step == StepName::AgainstItself => return None,
        ChildEnded::ByItself(Some(20)) if step == StepName::Doctor => return None,
        ChildEnded::Stopped => (false, format!("step `{word}` was interrupted")),
        ChildEnded::TooLong => {
            (false, format!("step `{word}` was not done within {} s and was ended", limit.as_secs()))
        }
        ChildEnded::ByItself(code) => {
            let how = code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
            let error = told.error().unwrap_or_else(|| format!("it ended by {how}"));
            (code != Some(2), format!("step `{word}`: {error}"))
        }
    };
    Some(NotDone { was_tried, because })
}

fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// A folder for what the steps write; gone with the walk.
struct OwnFolder(PathBuf);

impl OwnFolder {
    fn new() -> Result<Self> {
        let name = format!("arcgauge-first-light-{}-{}", process::id(), MonotonicClock.now_ns());
        let folder = env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&folder).map_err(|cause| Error::io("write", &folder, &cause))?;
        Ok(Self(folder))
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
