//! The walk: every step in turn, whatever came of the one before.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::ValueEnum;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use crate::cli::first_light::FirstLightArgs;
use crate::cli::first_light::child::{self, ChildEnded, ChildReport};
use crate::cli::flags::openvino_as_typed;
use crate::cli::measuring::MeasuringArgs;
use crate::cli::peers::environment;
use crate::cli::root::Root;
use crate::cli::say;
use crate::error::{Error, Result};
use crate::judge::first_light::{Evidence, StepSeen};
use crate::measure::supervisor::Control;
use crate::places::python_in;
use crate::record::{Experiment, History, Machine, PublishedDevice, PublishedReference};
use crate::report::first_light::StepReport;
use crate::sys::{Clock, MonotonicClock};

/// What the walk saw.
pub(super) struct Walked {
    pub(super) evidence: Evidence,
    pub(super) steps: Vec<StepReport>,
    /// What each step said.
    pub(super) logs: Vec<StepLog>,
    pub(super) was_interrupted: bool,
}

/// What a step said.
pub(super) struct StepLog {
    pub(super) step: &'static str,
    /// Its report; of steps that print JSON there is none.
    pub(super) report: Option<String>,
    /// Its talk.
    pub(super) output_tail: String,
}

impl Walked {
    /// The record of `bench`.
    pub(super) fn run(&self) -> Option<&Experiment> {
        match &self.evidence.bench {
            StepSeen::Reported(record) => Some(record),
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
    root: &'a Root,
    control: &'a Arc<Control>,
    arc_140v: PublishedDevice,
    /// What the steps print; no other user may look into it.
    folder: TempDir,
    begun: usize,
    steps: Vec<StepReport>,
    logs: Vec<StepLog>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(args: &'a FirstLightArgs, root: &'a Root, control: &'a Arc<Control>) -> Result<Self> {
        Ok(Self {
            args,
            root,
            control,
            arc_140v: PublishedReference::read(&root.published())?.device,
            folder: tempfile::tempdir().map_err(|cause| Error::io("write", &env::temp_dir(), &cause))?,
            begun: 0,
            steps: Vec::new(),
            logs: Vec::new(),
        })
    }

    /// Runs every step.
    pub(super) fn walk(mut self) -> Walked {
        let FirstLightArgs { quick, measuring, kernel_files, .. } = self.args;
        let MeasuringArgs { store, engine, supervision } = measuring;
        let model = engine.model.as_typed();
        let openvino = openvino_as_typed(engine.openvino.as_ref());
        let kernel_files = vec!["--kernel-files".into(), kernel_files.clone().into_os_string()];
        let words = ["first-light-step", "machine"];
        let machine = self.looked(StepName::Machine, &typed(&words, [openvino.clone(), kernel_files]));
        let lock = supervision.named_lock().map(|lock| vec!["--lock".into(), lock.as_os_str().to_owned()]);
        let flags = [model.clone(), openvino.clone(), store.as_typed(), lock.unwrap_or_default()];
        let words = ["first-light-step", "doctor", "--device", &engine.device];
        let doctor = self.looked(StepName::Doctor, &typed(&words, flags));
        // Not `bench --quick`, which warms no cache: a cold and a warm load are wanted.
        let words = ["bench", "--runs", if *quick { "1" } else { "3" }];
        let (bench, record) = self.recorded(StepName::Bench, &typed(&words, [measuring.as_typed()]));
        let flags = [engine.as_typed(), supervision.as_typed()];
        let states = self.looked(StepName::States, &typed(&["first-light-step", "states"], flags));
        let cross_check = match record {
            Some(record) => {
                let words = ["first-light-step", "cross-check", "--record"];
                let flags = [vec![record.into()], openvino, model, supervision.as_typed()];
                self.looked(StepName::CrossCheck, &typed(&words, flags))
            }
            None => self.not_run(StepName::CrossCheck, "`bench` left no record".to_owned()),
        };
        let (tokens, budget) = if *quick { ("32", "5m") } else { ("100", "30m") };
        let words = ["ab", "--base", "HEAD", "--head", "HEAD", "--measure-identical"];
        let words = [&words[..], &["--max-new-tokens", tokens, "--budget", budget]].concat();
        let (against_itself, _) =
            self.recorded(StepName::AgainstItself, &typed(&words, [measuring.as_typed()]));
        let peers = self.peers();
        Walked {
            evidence: Evidence {
                arc_140v: self.arc_140v,
                requested: self.args.measuring.engine.device.clone(),
                machine,
                doctor,
                bench,
                states,
                cross_check,
                against_itself,
                peers,
            },
            steps: self.steps,
            logs: self.logs,
            was_interrupted: self.control.stop.load(Ordering::Relaxed),
        }
    }

    /// Needs Python and a download, which a machine may do without.
    fn peers(&mut self) -> StepSeen<Experiment> {
        let (step, peer) = (StepName::Peers, "genai");
        let is_set_up = |peer| environment(self.root, peer).map(|folder| python_in(&folder).is_file());
        let missing = match is_set_up(peer) {
            Ok(true) => None,
            Ok(false) => Some(format!("the peer `{peer}` is not set up: `cargo xtask setup --peers={peer}`")),
            Err(error) => Some(error.to_string()),
        };
        let with_optimum = matches!(is_set_up("optimum"), Ok(true));
        match missing {
            Some(reason) if !self.args.without.contains(&step) => self.not_run(step, reason),
            _ => self.recorded(step, &peers_typed(self.args, with_optimum)).0,
        }
    }

    /// A step that prints JSON.
    fn looked<T: DeserializeOwned>(&mut self, step: StepName, typed: &[OsString]) -> StepSeen<T> {
        self.run(step, typed, |reported| {
            let is_reported = reported.ended == ChildEnded::ByItself(Some(0));
            serde_json::from_str(&reported.stdout).ok().filter(|_| is_reported)
        })
    }

    /// A step that keeps a record, which is worth something however it ended.
    fn recorded(&mut self, step: StepName, typed: &[OsString]) -> (StepSeen<Experiment>, Option<PathBuf>) {
        let mut path = None;
        let seen = self.run(step, typed, |reported| {
            let stored = History::read(reported.record()?).ok()?;
            path = Some(stored.path);
            Some(stored.record)
        });
        (seen, path)
    }

    fn run<T>(
        &mut self,
        step: StepName,
        typed: &[OsString],
        read: impl FnOnce(&ChildReport) -> Option<T>,
    ) -> StepSeen<T> {
        if self.args.without.contains(&step) {
            return self.not_run(step, format!("`--without {}` was given", step.as_str()));
        }
        if self.control.stop.load(Ordering::Relaxed) {
            return self.not_run(step, "the walk was interrupted before".to_owned());
        }
        self.begun += 1;
        say(&format!("step {} of {}, {}: {}", self.begun, StepName::COUNT, step.as_str(), step.facts().1));
        let began_ns = MonotonicClock.now_ns();
        let limit = self.args.limit(step);
        let reported = match child::run(typed, self.folder.path(), limit, &self.control.stop) {
            Ok(reported) => reported,
            Err(cause) => {
                let took_s = (MonotonicClock.now_ns() - began_ns) as f64 / 1e9;
                let reason = format!("step `{}` could not be run: {cause}", step.as_str());
                self.report(step, "not-run", Some(reason.clone()), took_s);
                return StepSeen::NotRun(reason);
            }
        };
        let reason = ended_reason(step, &reported, limit);
        let took_s = reported.took.as_secs_f64();
        let seen = match (read(&reported), &reason) {
            (Some(seen), _) => StepSeen::Reported(seen),
            (None, Some(NotDone { was_tried: false, reason })) => StepSeen::NotRun(reason.clone()),
            (None, Some(NotDone { reason, .. })) => StepSeen::Failed(reason.clone()),
            (None, None) => {
                StepSeen::Failed(format!("step `{}` ended well and reported nothing", step.as_str()))
            }
        };
        let ended = match &seen {
            StepSeen::Reported(_) if reason.is_none() => "done",
            StepSeen::Reported(_) | StepSeen::Failed(_) => "failed",
            StepSeen::NotRun(_) => "not-run",
        };
        self.report(step, ended, reason.map(|not_done| not_done.reason), took_s);
        let tells_json =
            matches!(step, StepName::Machine | StepName::Doctor | StepName::States | StepName::CrossCheck);
        let report = (!tells_json && !reported.stdout.is_empty()).then_some(reported.stdout);
        self.logs.push(StepLog { step: step.as_str(), report, output_tail: reported.stderr });
        seen
    }

    fn not_run<T>(&mut self, step: StepName, reason: String) -> StepSeen<T> {
        self.begun += 1;
        self.report(step, "not-run", Some(reason.clone()), 0.0);
        StepSeen::NotRun(reason)
    }

    fn report(&mut self, step: StepName, ended: &'static str, reason: Option<String>, took_s: f64) {
        let reported = reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
        say(&format!("step `{}` {ended} after {took_s:.0} s{reported}", step.as_str()));
        self.steps.push(StepReport { name: step.as_str(), ended, reason, took_s });
    }
}

/// Why a step did not come to a good end.
struct NotDone {
    /// Whether what it was to see had been tried: bad input, a limit or Ctrl-C come before.
    was_tried: bool,
    reason: String,
}

fn ended_reason(step: StepName, reported: &ChildReport, limit: Duration) -> Option<NotDone> {
    let word = step.as_str();
    let (was_tried, reason) = match reported.ended {
        ChildEnded::ByItself(Some(0)) => return None,
        // An A/A comparison may be inconclusive.
        ChildEnded::ByItself(Some(10 | 12 | 13)) if step == StepName::AgainstItself => return None,
        // A machine on which no round counts has still been seen.
        ChildEnded::ByItself(Some(12)) if step == StepName::Peers => return None,
        ChildEnded::Stopped => (false, format!("step `{word}` was interrupted")),
        ChildEnded::TooLong => {
            (false, format!("step `{word}` was not done within {} s and was ended", limit.as_secs()))
        }
        ChildEnded::ByItself(code) => {
            let how = code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
            let error = reported.error().unwrap_or_else(|| format!("it ended by {how}"));
            (code != Some(2), format!("step `{word}`: {error}"))
        }
    };
    Some(NotDone { was_tried, reason })
}

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StepName {
    Machine,
    Doctor,
    Bench,
    States,
    CrossCheck,
    AgainstItself,
    Peers,
}

impl StepName {
    const COUNT: usize = 7;

    /// Its name, what it does, and several times the minutes that it needs with the 12 GB model.
    fn facts(self) -> (&'static str, &'static str, u64) {
        match self {
            Self::Machine => {
                ("machine", "look at the PCI bus, the drivers, OpenVINO's devices and the guards", 2)
            }
            Self::Doctor => ("doctor", "ask `doctor`", 15),
            Self::Bench => ("bench", "measure: cold and warm loads, memory, guards, every token", 120),
            Self::States => ("states", "read, empty and put back the KV states", 30),
            Self::CrossCheck => ("cross-check", "feed the answers to the CPU", 120),
            Self::AgainstItself => ("against-itself", "build this commit and measure it against itself", 120),
            Self::Peers => ("peers", "measure SDPA beside the paged attention of openvino_genai", 120),
        }
    }

    fn as_str(self) -> &'static str {
        self.facts().0
    }

    /// The longest time that it may take.
    pub(super) fn limit(self) -> Duration {
        Duration::from_mins(self.facts().2)
    }
}

/// All engines between which the published values differ; optimum-intel where it is set up.
fn peers_typed(args: &FirstLightArgs, with_optimum: bool) -> Vec<OsString> {
    let optimum = if with_optimum { ",optimum" } else { "" };
    let engines = format!("stateful,genai,genai-pa,genai-pa-i8{optimum}");
    let (rounds, tokens, budget) = if args.quick { ("1", "16", "10m") } else { ("5", "200", "60m") };
    let limits = ["--rounds", rounds, "--max-new-tokens", tokens, "--budget", budget];
    typed(&[&["peers", "--engines", &engines][..], &limits].concat(), [args.measuring.as_typed()])
}

fn typed<const N: usize>(words: &[&str], flags: [Vec<OsString>; N]) -> Vec<OsString> {
    words.iter().map(OsString::from).chain(flags.into_iter().flatten()).collect()
}
