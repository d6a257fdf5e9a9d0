//! Profiles the arms of an experiment after all that is timed, to name the cause of a difference.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::measure::protocol::ProfileCommand;
use crate::measure::supervisor::{Control, WorkerProcess, profile as profile_worker};
use crate::record::{Experiment, Warning, check_consistency};
use crate::run::plan::{ExperimentPlan, Observer};

/// Decode steps that a profile is the mean of.
const STEPS: usize = 32;
/// The same after more tokens than these: each step takes longer, and varies less.
const DEEP_STEPS: usize = 8;
const DEEP_TOKENS: usize = 2048;

/// Adds a profile to each arm, at the depth of its deepest prompt, by a process of its own. An arm without one says
/// why; nothing else of the record changes.
pub fn profile(
    plan: &ExperimentPlan<'_>,
    control: &Arc<Control>,
    observer: &dyn Observer,
    record: &mut Experiment,
) {
    for (at, ready) in plan.arms.iter().enumerate() {
        if control.stop.load(Ordering::Relaxed) {
            return;
        }
        let prompts = &record.arms[at].workload.prompts;
        let Some(prompt) = prompts.iter().max_by_key(|prompt| prompt.input().depth_tokens()) else { return };
        let name = record.plan.arm_name(at, &ready.label).to_owned();
        let steps = if prompt.input().depth_tokens() > DEEP_TOKENS { DEEP_STEPS } else { STEPS };
        observer.say(&format!("profiling {name}: prompt `{}`, {steps} decode steps", prompt.id));
        let command = ProfileCommand {
            prompt_id: prompt.id.clone(),
            token_ids: prompt.token_ids.clone(),
            cache_tokens: prompt.cache_tokens,
            steps,
        };
        let started = WorkerProcess::start(ready.program);
        let profiled = started
            .and_then(|link| profile_worker(Box::new(link), ready.load, command, plan.limits, &control.stop));
        let profiled = profiled.and_then(|profile| {
            record.arms[at].profile = Some(profile);
            check_consistency(record)
        });
        if let Err(error) = profiled {
            let warning = Warning::new(
                "no-profile",
                format!("there is no profile of {name}: {error}"),
                "the values of the record do not depend on it; profile a commit that can: `cargo xtask bench --profile`",
            );
            record.arms[at].profile = None;
            observer.warn(&warning);
            record.arms[at].warnings.push(warning);
        }
    }
}
