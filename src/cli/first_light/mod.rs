//! `first-light`: the first day on an Intel GPU. It walks through every claim that was written without one,
//! and makes one bundle of what was seen.
//!
//! Each step is a process of its own, with a limit: one that fails or hangs ends itself and not the walk, and
//! this process never loads OpenVINO. What is judged of it stands in `judge::first_light`. It has run on the
//! GPU plugin over a stand-in, and not on the hardware.

mod args;
mod bundle;
mod child;
mod cross_check;
mod look;
mod own_folder;
mod personal;
mod step;
mod step_name;
mod typed;
mod walk;

use std::process::ExitCode;

pub(super) use args::FirstLightArgs;
pub(super) use step::{StepArgs, step};

use crate::cli::loading::model_dir;
use crate::cli::measuring::stoppable;
use crate::cli::root::Root;
use crate::cli::{exit_code, print_document, say};
use crate::engine::ModelFolder;
use crate::error::Result;
use crate::judge::first_light::{Answer, Answered, answers};
use crate::record::{Machine, utc_now};
use crate::report::first_light::{FirstLight, first_light_document};
use bundle::Bundle;
use personal::traces;
use walk::Walk;

/// Walks through all steps, tells what was seen of each claim, and writes the bundle.
pub(super) fn first_light(args: &FirstLightArgs) -> Result<ExitCode> {
    let root = Root::find();
    let when_utc = utc_now();
    let model = model_dir(&args.engine.model, &root)?;
    ModelFolder::open(&model)?;
    let machine = Machine::of_this_host(None).ok();
    let output = args.output(machine.as_ref(), &when_utc, &model)?;
    let personal = traces(&root, &model, args.named_paths(&root));
    let control = stoppable()?;
    let walked = Walk::new(args, &root, &control)?.walk();
    let answered = answers(&walked.evidence);
    let reported = FirstLight {
        when_utc: &when_utc,
        arcgauge_version: env!("CARGO_PKG_VERSION"),
        requested: &args.engine.device,
        machine: walked.machine().or(machine.as_ref()),
        run: walked.run().map(|record| record.subject().arm),
        kernel_files_below: args.kernel_files_below(),
        answers: &answered,
        steps: &walked.steps,
    };
    print_document(first_light_document(&reported))?;
    let bundle = Bundle::of(&reported, &walked, &personal);
    bundle.write(&output)?;
    say(&format!("bundle: {}", output.display()));
    say("  what identifies you was removed where it was recognised: read it, then attach it to an issue");
    if walked.was_interrupted {
        say("interrupted: what came after is not observed");
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    }
    Ok(ExitCode::from(code(&answered)))
}

/// A claim that does not hold is worse than one of which nothing is known.
fn code(answered: &[Answered]) -> u8 {
    let given = |answer| answered.iter().any(|answered| answered.word.answer == answer);
    if given(Answer::No) {
        exit_code::HARNESS_FAILED
    } else if given(Answer::NotObserved) {
        exit_code::INCONCLUSIVE
    } else {
        exit_code::PASS
    }
}
