//! What a fresh worker does of which nothing is timed: a profile of decode steps, a comparison of distributions.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::error::{Error, Result};
use crate::golden::TextDrift;
use crate::measure::Profile;
use crate::measure::protocol::{Command, DistributionsCommand, Event, LoadCommand, ProfileCommand};
use crate::measure::supervisor::conversation::{Conversation, Link, ended};
use crate::measure::supervisor::{Awaited, ExitReason, Limits};

/// What a worker loads to profile.
const PROFILING: &str = "PERF_COUNT=YES";

/// Profiles decode steps with a fresh worker, on a compiled model of its own.
///
/// # Errors
/// A worker that makes no profile, as one of an older arcgauge; how it ended, where it did not end well.
pub fn profile(
    link: Box<dyn Link>,
    load: &LoadCommand,
    command: ProfileCommand,
    limits: Limits,
    stop: &Arc<AtomicBool>,
) -> Result<Profile> {
    let mut conversation = Conversation::new(link, limits, Arc::clone(stop));
    let profiled = profiled(&mut conversation, load, command).map_err(|exit_reason| ended(&exit_reason))?;
    finished(conversation, profiled)
}

fn profiled(
    conversation: &mut Conversation,
    load: &LoadCommand,
    command: ProfileCommand,
) -> Result<Profile, ExitReason> {
    let mut load = load.clone();
    load.properties.push(PROFILING.to_owned());
    if !conversation.load(&load)?.profiles {
        let error = Error::input("the worker makes no profile");
        return Err(conversation.end_as(ExitReason::Refused(error)));
    }
    conversation.depth_tokens = command.input().depth_tokens();
    let requested = (command.prompt_id.clone(), command.input().depth_tokens(), command.steps);
    conversation.send(&Command::Profile(command));
    match conversation.next(Awaited::Replay)? {
        Event::Profiled(profile)
            if (&profile.prompt_id, profile.depth_tokens, profile.steps)
                == (&requested.0, requested.1, requested.2) =>
        {
            Ok(profile)
        }
        other => Err(conversation.unexpected(&other, Awaited::Replay)),
    }
}

/// How far the next-token distributions of a fresh worker are from the reference in a folder of goldens. `load` has
/// dynamic quantisation off.
///
/// # Errors
/// How the worker ended, as one of an older arcgauge does, which knows of no distributions.
pub fn distribution_drift(
    link: Box<dyn Link>,
    load: &LoadCommand,
    goldens: &Path,
    limits: Limits,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<TextDrift>> {
    let mut conversation = Conversation::new(link, limits, Arc::clone(stop));
    let compared = |conversation: &mut Conversation| {
        conversation.load(load)?;
        let goldens = goldens.to_owned();
        conversation.send(&Command::CompareDistributions(DistributionsCommand { goldens }));
        match conversation.next(Awaited::Replay)? {
            Event::DistributionsCompared { texts } => Ok(texts),
            other => Err(conversation.unexpected(&other, Awaited::Replay)),
        }
    };
    let texts = compared(&mut conversation).map_err(|exit_reason: ExitReason| ended(&exit_reason))?;
    finished(conversation, texts)
}

/// What a worker gave, where it also ended well.
fn finished<T>(mut conversation: Conversation, given: T) -> Result<T> {
    match conversation.finish() {
        ExitReason::Done => Ok(given),
        exit_reason => Err(ended(&exit_reason)),
    }
}
