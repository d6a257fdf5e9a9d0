//! One engine of experiments: a plan goes in, an experiment comes out.
//!
//! `bench`, `ab` and `peers` are plans. Each process is fresh, runs after the machine is idle or has cooled down and
//! after a bandwidth reference run, is watched by the guards, and is judged before the next one begins.

mod assemble;
mod bisect;
mod drift;
mod live;
mod machine_monitor;
mod model;
mod plan;
mod profile;
mod schedule;
mod warnings;

use std::sync::Arc;

use crate::engine::openvino::{COMPILED_MODELS_FOLDER, COMPILED_MODELS_LIMIT_BYTES, trim_compiled_models};
use crate::error::{Error, ErrorKind, Result};
use crate::measure::supervisor::Control;
use crate::places;
use crate::record::{Arm, Experiment};
use crate::sys::{MonotonicClock, SleepInhibitor};
use live::LiveRounds;

pub use assemble::epsilon_logit_of;
pub use bisect::bisect;
pub use drift::{DriftPlan, measure_drift};
pub use model::{FoundModel, known_hashes, template_line};
pub use plan::{
    EditedGraph, ExperimentPlan, FOLDER as EDITED_GRAPHS_FOLDER, Identity, KvComparison, Observer, ReadyArm,
    RequestedKv, ResolvedDevice, process_of as process_of_edited_graph,
};
pub use profile::profile;
pub use schedule::{
    Driven, Ended, MeasuredRound, RoundFailed, RoundReport, Rounds, Schedule, StoppingRule, TimeLeft, drive,
};
pub use warnings::{AsLoaded, invalid_rounds, load_warnings};

/// An experiment that was run.
pub struct Ran {
    /// The record: what was done before a failure stands in it, and the failure.
    pub record: Experiment,
    /// What failed, where something did.
    pub failed: Option<Error>,
}

impl Ran {
    /// Bad input that was found before every arm could be loaded: it leaves nothing to keep.
    pub fn bad_input(&self) -> Option<Error> {
        let has_loaded = |arm: &Arm| arm.processes.iter().any(|process| process.load.is_some());
        let bad_input = self.failed.clone().filter(|error| error.kind() == ErrorKind::Input);
        bad_input.filter(|_| !self.record.arms.iter().all(has_loaded))
    }
}

/// Runs an experiment. It is recorded whatever its end.
///
/// # Errors
/// Where this machine or its files cannot be read: then there is nothing to record.
pub fn run(plan: &ExperimentPlan<'_>, control: &Arc<Control>, observer: &dyn Observer) -> Result<Ran> {
    let _awake = SleepInhibitor::hold();
    let mut live = LiveRounds::new(plan, control, observer);
    let driven = drive(&plan.schedule, &MonotonicClock, &mut live);
    let after = live.context.monitor.finish();
    observer.finish();
    if let Some(root) = places::cache_dir().map(|folder| folder.join(COMPILED_MODELS_FOLDER)) {
        for removed in trim_compiled_models(&root, COMPILED_MODELS_LIMIT_BYTES) {
            observer.say(&format!("removed from the cache of compiled models: {}", removed.display()));
        }
    }
    assemble::measured(plan, live, &driven, after)
}

/// The record of an experiment whose arms are the same, byte for byte: nothing is measured.
///
/// # Errors
/// As [`run`].
pub fn identical(plan: &ExperimentPlan<'_>) -> Result<Experiment> {
    assemble::identical(plan)
}
