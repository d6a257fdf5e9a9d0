//! `first-light-step`: the hidden verb of a process that looks at one thing and prints it as JSON. People use
//! `first-light`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::doctor::{DoctorArgs, examine, tally};
use crate::cli::flags::{EngineFlags, ModelFlags};
use crate::cli::golden::{LIMIT_LOGIT, other_choices};
use crate::cli::loading::{find_model, load};
use crate::cli::measuring::SupervisionArgs;
use crate::cli::root::Root;
use crate::cli::{exit_code, say, states};
use crate::engine::openvino::{DeviceFacts, Runtime, Sources};
use crate::error::{Error, Result};
use crate::measure::Role;
use crate::measure::guard::Watch;
use crate::measure::supervisor::Control;
use crate::measure::worker::stdout_of_its_own;
use crate::record::first_light::{
    CrossCheckLook, CrossCheckedAnswer, GpuOnBus, MachineLook, RenderNode, RuntimeDevice, RuntimeLook,
};
use crate::record::{History, RequestedPrompt};
use crate::sys::{Clock, IntelGpu, MonotonicClock, Observed, SysfsRoot, end_with_parent, intel_gpus};

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
    /// The checks of `doctor`
    Doctor(DoctorArgs),
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

/// Looks, and prints what was seen.
pub(in crate::cli) fn step(args: &StepArgs) -> Result<u8> {
    end_with_parent();
    // A driver that talks must not talk into what is reported.
    let out = stdout_of_its_own()?;
    match &args.step {
        Step::Machine { openvino, kernel_files } => {
            report(out, &machine_look(openvino.as_deref(), kernel_files))
        }
        Step::Doctor(args) => {
            let mut checks = Vec::new();
            examine(args, &mut |check| checks.push(check));
            let statuses: Vec<_> = checks.iter().map(|check| check.status).collect();
            say(&format!("doctor: {}", tally(&statuses)));
            report(out, &checks)
        }
        Step::States { engine, supervision } => {
            let _lock = alone(supervision)?;
            report(out, &states::look(engine)?)
        }
        Step::CrossCheck { record, openvino, model, supervision } => {
            let _lock = alone(supervision)?;
            report(out, &cross_check_look(record, model, openvino.as_ref())?)
        }
    }
}

/// Waits for a measurement that is under way. Ctrl-C ends this process, whatever it waits for.
fn alone(supervision: &SupervisionArgs) -> Result<impl Sized + use<>> {
    supervision.take_lock(&Control::default(), "first-light")
}

fn report<T: Serialize>(mut out: impl Write, seen: &T) -> Result<u8> {
    let failed = |cause: String| Error::harness(format!("what was seen cannot be reported: {cause}"));
    let text = serde_json::to_vec(seen).map_err(|cause| failed(cause.to_string()))?;
    out.write_all(&text).and_then(|()| out.flush()).map_err(|cause| failed(cause.to_string()))?;
    Ok(exit_code::PASS)
}

/// Looks at the machine whose `sys`, `proc` and `dev` lie here.
fn machine_look(openvino: Option<&str>, kernel_files: &Path) -> MachineLook {
    // Before all other work, which would show up in the load that is read here.
    let guards = Watch::start(SysfsRoot::at(kernel_files), || MonotonicClock.now_ns(), None).finish();
    let sysfs = kernel_files.join("sys");
    let nodes = kernel_files.join("dev/dri");
    let gpus = intel_gpus(&sysfs).into_iter().map(|gpu| on_bus(gpu, &nodes)).collect();
    let runtime = match of_runtime(openvino, &sysfs) {
        Ok(runtime) => Observed::Observed(runtime),
        Err(error) => Observed::not(error.to_string()),
    };
    MachineLook { gpus, runtime, guards }
}

fn on_bus(gpu: IntelGpu, nodes: &Path) -> GpuOnBus {
    let node = |name: String| {
        let opened = OpenOptions::new().read(true).write(true).open(nodes.join(&name));
        RenderNode { name, refused_reason: opened.err().map(|cause| cause.to_string()) }
    };
    GpuOnBus {
        pci_id: gpu.pci_id,
        driver: gpu.driver,
        render_nodes: gpu.render_nodes.into_iter().map(node).collect(),
    }
}

fn of_runtime(openvino: Option<&str>, sysfs: &Path) -> Result<RuntimeLook> {
    let runtime = Runtime::load(Sources::from_environment(openvino.map(str::to_owned)).locate()?)?;
    let device = |name: String| RuntimeDevice { facts: DeviceFacts::read(&runtime, &name, sysfs), name };
    let devices = runtime.available_devices()?.into_iter().map(device).collect();
    Ok(RuntimeLook { version: runtime.version().to_owned(), devices })
}

/// Loads the model on the CPU and feeds it each prompt's first answer.
fn cross_check_look(record: &Path, model: &ModelFlags, openvino: Option<&String>) -> Result<CrossCheckLook> {
    let record = History::read(record)?.record;
    let record = record.subject();
    let flags = EngineFlags::on_cpu(model.clone(), openvino.cloned());
    let model = find_model(&flags.model, flags.openvino.as_ref(), &Root::find())?;
    if model.identity.sha256 != record.model.sha256 {
        return Err(Error::input(format!("the record measured another model, `{}`", record.model.name))
            .hint("name its folder with `--model-dir DIR`"));
    }
    let answer_of = |prompt: &RequestedPrompt| {
        let mut made = record.samples.iter().filter(|sample| {
            sample.role == Role::Measured && sample.prompt_id == prompt.id && !sample.token_ids.is_empty()
        });
        made.next()
    };
    let mut engine = load(&model, &flags)?.engine;
    let mut answers = Vec::new();
    for prompt in &record.workload.prompts {
        let Some(sample) = answer_of(prompt) else { continue };
        let others = other_choices(&mut engine, prompt.input(), &sample.token_ids)?;
        let widest = others.iter().max_by(|one, other| one.choice.margin.total_cmp(&other.choice.margin));
        let answer = CrossCheckedAnswer {
            prompt_id: prompt.id.clone(),
            tokens: sample.token_ids.len(),
            other_preferred: others.len(),
            largest_logit_margin: widest.map_or(0.0, |other| other.choice.margin),
            widest_at: widest.map(|other| other.step + 1),
        };
        say(&format!("{}: {} of {} tokens", answer.prompt_id, answer.tokens - others.len(), answer.tokens));
        answers.push(answer);
    }
    Ok(CrossCheckLook { limit_logit: LIMIT_LOGIT, answers })
}
