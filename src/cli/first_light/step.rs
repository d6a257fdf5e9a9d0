//! `first-light-step`: the hidden verb of a process that looks at one thing and tells it as JSON. People use
//! `first-light`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::exit_code;
use crate::cli::first_light::{cross_check, look};
use crate::cli::flags::{EngineFlags, ModelFlags};
use crate::cli::measuring::SupervisionArgs;
use crate::cli::states;
use crate::error::{Error, Result};
use crate::measure::supervisor::Control;
use crate::measure::worker::stdout_of_its_own;
use crate::sys::end_with_parent;

/// Flags of `first-light-step`.
#[derive(Debug, Args)]
pub(in crate::cli) struct StepArgs {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// The machine, and what OpenVINO lists
    Machine {
        /// OpenVINO to look at
        #[arg(long)]
        openvino: Option<String>,
        /// Where the kernel's files lie
        #[arg(long, default_value = "/")]
        kernel_files: PathBuf,
    },
    /// The KV states: read, emptied, put back
    States {
        #[command(flatten)]
        engine: EngineFlags,
        #[command(flatten)]
        supervision: SupervisionArgs,
    },
    /// The answers of a record, on the CPU
    CrossCheck {
        /// The record
        #[arg(long)]
        record: PathBuf,
        /// OpenVINO to use
        #[arg(long)]
        openvino: Option<String>,
        #[command(flatten)]
        model: ModelFlags,
        #[command(flatten)]
        supervision: SupervisionArgs,
    },
}

/// Looks, and tells.
pub(in crate::cli) fn step(args: &StepArgs) -> Result<ExitCode> {
    end_with_parent();
    // A driver that talks must not talk into what is reported.
    let out = stdout_of_its_own()?;
    match &args.step {
        Step::Machine { openvino, kernel_files } => report(out, &look::at(openvino.as_deref(), kernel_files)),
        Step::States { engine, supervision } => {
            let _lock = alone(supervision)?;
            report(out, &states::look(engine)?)
        }
        Step::CrossCheck { record, openvino, model, supervision } => {
            let _lock = alone(supervision)?;
            report(out, &cross_check::look(record, model, openvino.as_ref())?)
        }
    }
}

/// Waits for a measurement that is under way. Ctrl-C ends this process, whatever it waits for.
fn alone(supervision: &SupervisionArgs) -> Result<impl Sized + use<>> {
    supervision.take_lock(&Control::default(), "first-light")
}

fn report<T: Serialize>(mut out: impl Write, seen: &T) -> Result<ExitCode> {
    let failed = |cause: String| Error::harness(format!("what was seen cannot be told: {cause}"));
    let text = serde_json::to_vec(seen).map_err(|cause| failed(cause.to_string()))?;
    out.write_all(&text).and_then(|()| out.flush()).map_err(|cause| failed(cause.to_string()))?;
    Ok(ExitCode::from(exit_code::PASS))
}
