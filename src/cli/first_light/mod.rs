//! `first-light`: the first day on an Intel GPU. It walks through every claim that was written without one,
//! and makes one bundle of what was seen.
//!
//! Each step is a process of its own, with a limit: one that fails or hangs ends itself and not the walk, and
//! this process never loads OpenVINO. What is judged of it stands in `judge::first_light`. It has run on the
//! GPU plugin over a stand-in, and not on the hardware.

mod bundle;
mod child;
mod step;
mod walk;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::cli::first_light::bundle::{bundle, traces};
use crate::cli::first_light::walk::{StepName, Walk};
use crate::cli::loading::model_dir;
use crate::cli::measuring::{MeasuringArgs, stoppable};
use crate::cli::root::Root;
use crate::cli::settings::absolute;
use crate::cli::{exit_code, print_document, say};
use crate::engine::ModelFolder;
use crate::error::{Error, Result};
use crate::files::{Overwrite, check_writable, write_whole};
use crate::judge::first_light::{Answer, Answered, answers};
use crate::record::{Machine, Trace, archive, utc_now};
use crate::report::first_light::{FirstLight, first_light_document};
use crate::sys::canonicalize;

pub(super) use crate::cli::first_light::step::{StepArgs, step};

/// Walks through all steps, reports what was seen of each claim, and writes the bundle.
pub(super) fn first_light(args: &FirstLightArgs) -> Result<u8> {
    let root = Root::find();
    let when_utc = utc_now();
    let model = model_dir(&args.measuring.engine.model, &root)?;
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
        requested: &args.measuring.engine.device,
        machine: walked.machine().or(machine.as_ref()),
        run: walked.run().map(|record| record.subject().arm),
        kernel_files_below: args.kernel_files_below(),
        answers: &answered,
        steps: &walked.steps,
    };
    print_document(first_light_document(&reported))?;
    let files = bundle(&reported, &walked, &personal);
    write_whole(&output, &archive(&files)?, Overwrite::Never)?;
    say(&format!("bundle: {}", output.display()));
    say("  what identifies you was removed where it was recognised: read it, then attach it to an issue");
    if walked.was_interrupted {
        say("interrupted: what came after is not observed");
        return Ok(exit_code::INTERRUPTED);
    }
    Ok(code(&answered))
}

/// A claim that does not hold is worse than one of which nothing is known.
fn code(answered: &[Answered]) -> u8 {
    let given = |answer| answered.iter().any(|answered| answered.result.answer == answer);
    if given(Answer::No) {
        exit_code::HARNESS_FAILED
    } else if given(Answer::NotObserved) {
        exit_code::INCONCLUSIVE
    } else {
        exit_code::PASS
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0    every claim was seen to hold
  13   something was not observed; nothing was seen not to hold
  20   a claim does not hold, or the harness failed
  2    usage or bad input
  130  interrupted: the bundle has what was seen until then

Examples:
  cargo xtask first-light --quick
  cargo xtask first-light --output first-light.zip")]
pub(super) struct FirstLightArgs {
    /// Fewer processes and tokens: takes minutes; a complete run may take hours with the 12 GB model
    #[arg(long)]
    pub(super) quick: bool,

    /// File of the bundle; never one that is there [default: `first-light-MACHINE-UTC.zip`, here]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Skip this step; claims that only it can check are then not observed; may be repeated
    #[arg(long = "without", value_name = "STEP", value_enum)]
    without: Vec<StepName>,

    /// Longest time of a step, s [default: 2 minutes to 2 hours, by step]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..))]
    step_limit_s: Option<u64>,

    /// Where the kernel's `sys`, `proc` and `dev` lie, for tests
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    pub(super) kernel_files: PathBuf,

    #[command(flatten)]
    pub(super) measuring: MeasuringArgs,
}

impl FirstLightArgs {
    /// Where the bundle goes: a file that can be written, is not there, and is not the model's.
    pub(super) fn output(&self, machine: Option<&Machine>, when_utc: &str, model: &Path) -> Result<PathBuf> {
        let output = self.output.clone().unwrap_or_else(|| {
            let slug = machine.map_or("unknown-machine", |machine| machine.slug.as_str());
            let moment: String = when_utc.chars().filter(|sign| !"-:".contains(*sign)).collect();
            PathBuf::from(format!("first-light-{slug}-{moment}.zip"))
        });
        let refuse = |reason: &str| {
            Err(Error::input(format!("cannot write `{}`: {reason}", output.display()))
                .hint("name another file: `--output FILE`"))
        };
        if output.symlink_metadata().is_ok() {
            return refuse("it is there already");
        }
        let folder = absolute(output.clone()).parent().and_then(|folder| canonicalize(folder).ok());
        let model = canonicalize(model).ok();
        if let (Some(folder), Some(model)) = (folder, model)
            && folder.starts_with(model)
        {
            return refuse("the model's folder is only read");
        }
        check_writable(&output)?;
        Ok(output)
    }

    /// Files and folders that the user named.
    fn named_paths(&self, root: &Root) -> Vec<Trace> {
        let mut named = Trace::of_path(self.measuring.store.or_default(root).folder(), "<store>");
        let openvino = self.measuring.engine.openvino.as_deref().map(Path::new);
        // A pinned release is no path.
        named.extend(
            openvino.filter(|it| it.is_dir()).into_iter().flat_map(|it| Trace::of_path(it, "<openvino>")),
        );
        named.extend(
            self.measuring.engine.model.tokenizer.iter().flat_map(|it| Trace::of_path(it, "<tokenizer>")),
        );
        named.extend(
            self.measuring.supervision.named_files().into_iter().flat_map(|it| Trace::of_path(it, "<file>")),
        );
        named
    }

    /// The limit of a step.
    fn limit(&self, step: StepName) -> Duration {
        self.step_limit_s.map_or_else(|| step.limit(), Duration::from_secs)
    }

    /// Where the kernel's files were looked at, where those are not this machine's.
    pub(super) fn kernel_files_below(&self) -> Option<&str> {
        (self.kernel_files != Path::new("/")).then(|| self.kernel_files.to_str().unwrap_or("another folder"))
    }
}
