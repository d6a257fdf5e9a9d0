//! `doctor`: what is ready and what is not, each with the command that fixes it.
//!
//! It goes on after each failing check, fetches nothing, removes nothing, and writes nothing but a
//! probe file that it takes away again. Each subject has a room: `runtime`, `gpu`, `model`, `asking`
//! (tokenizer, prompts, goldens), `published` (its figure), `memory`, `guards`, `device_lock`, `workplace` (settings, git,
//! folders), `records` and `stale files` (of processes that were killed). What is said of a GPU follows
//! what OpenVINO and the kernel document; its list of devices ran on the GPU plugin over a stand-in, the way to
//! them on fixtures.

mod asking;
mod check;
mod device_lock;
mod gpu;
mod guards;
mod memory;
mod model;
mod peers;
mod published;
mod records;
mod runtime;
mod stale_files;
mod workplace;

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::flags::ModelFlags;
use crate::cli::root::Root;
use crate::cli::store::StoreFlag;
use crate::cli::{print, say};
use crate::error::Result;
use crate::sys::SysfsRoot;
use check::{Check, Status};

/// Flags of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    model: ModelFlags,

    /// OpenVINO to look at: a pinned version, or the folder of an installation
    #[arg(long, value_name = "VERSION|DIR")]
    openvino: Option<String>,

    /// Device that is to be ready; GPU alone may fall back to the CPU, any other must be there
    #[arg(long, value_name = "DEVICE", default_value = "GPU")]
    device: String,

    /// File of the lock that keeps two measurements apart [default: one for the whole machine]
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,

    #[command(flatten)]
    store: StoreFlag,
}

/// Looks at everything; fails where something must be fixed before a model can run.
pub(super) fn doctor(args: &DoctorArgs) -> Result<ExitCode> {
    let root = Root::find();
    let store = args.store.or_default(&root);
    let level = level(&args.device);
    let mut reported = Reported { statuses: Vec::new(), printed: Ok(()) };
    // Before all other work, which would show up in the load that is read here.
    let (guards, ()) = examined("guards", || (guards::examine(&guards::read(SysfsRoot::this_machine())), ()));
    let openvino = reported.group("openvino", || runtime::examine(args.openvino.as_deref(), &args.device));
    let openvino = openvino.as_ref();
    reported.group("intel gpu", || (gpu::examine(&gpu::Machine::this(openvino), level, openvino), ()));
    reported.group("settings", || (vec![workplace::settings(args.model.model_dir.as_deref())], ()));
    let model = reported.group("model", || model::examine(&args.model, &root));
    let model = model.as_ref();
    reported.group("goldens", || (asking::examine(&args.model, model, &root), ()));
    reported.group("published figure", || (published::examine(&args.device, model, openvino, &root), ()));
    reported.group("memory", || (memory::examine(model, openvino, level), ()));
    reported.report(guards);
    reported.group("device lock", || (vec![device_lock::examine(args.lock.as_deref())], ()));
    reported.group("git", || (workplace::examine(&root, &store), ()));
    reported.group("records", || (records::examine(store.folder()), ()));
    reported.group("peers", || (peers::examine(&root), ()));
    reported.group("stale files", || (stale_files::examine(&stale_files::Scene::this(store.folder())), ()));
    say(&format!("doctor: {}", check::tally(&reported.statuses)));
    reported.printed?;
    Ok(ExitCode::from(check::exit_code(&reported.statuses)))
}

/// How bad trouble with a GPU is: whoever names one exactly needs it, the default falls back.
fn level(device: &str) -> Status {
    if device.starts_with("GPU") && device != "GPU" { Status::Fail } else { Status::Warn }
}

/// What was told so far.
struct Reported {
    statuses: Vec<Status>,
    /// Whether all of it could be printed.
    printed: Result<()>,
}

impl Reported {
    /// Runs the checks of a group and prints them.
    fn group<T: Default>(&mut self, subject: &str, work: impl FnOnce() -> (Vec<Check>, T)) -> T {
        let (checks, facts) = examined(subject, work);
        self.report(checks);
        facts
    }

    /// Prints checks that were made.
    fn report(&mut self, checks: Vec<Check>) {
        for check in checks {
            // The checks go on, and what was not printed is known at the end.
            self.printed = self.printed.clone().and_then(|()| print(&check.render()));
            self.statuses.push(check.status);
        }
    }
}

/// What the checks of a group found. A panic in them, as of a library that lacks a function, is a
/// failure of this group alone.
fn examined<T: Default>(subject: &str, work: impl FnOnce() -> (Vec<Check>, T)) -> (Vec<Check>, T) {
    caught(work).unwrap_or_else(|message| {
        let fix = "report this line, and what was requested, to the maintainers";
        (vec![Check::fail(subject, format!("the check itself broke: {message}"), fix)], T::default())
    })
}

/// What the work gives, or the message of its panic, which is reported nowhere else.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(hook);
    done.map_err(|payload| message_of(&*payload))
}

fn message_of(payload: &dyn Any) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_panics_is_a_failure_of_its_group_with_the_panic_s_message() {
        let (checks, facts): (_, Option<u8>) = examined("a", || panic!("no function `{}`", "f"));
        assert_eq!(facts, None);
        assert_eq!(checks[0].status, Status::Fail);
        assert!(checks[0].found.ends_with("no function `f`"), "{}", checks[0].found);
        assert_eq!(examined("b", || (vec![Check::ok("b", "fine")], 7)), (vec![Check::ok("b", "fine")], 7));
    }

    #[test]
    fn only_a_gpu_named_exactly_must_be_there() {
        assert_eq!(["GPU", "CPU", "NPU"].map(level), [Status::Warn; 3]);
        assert_eq!(["GPU.0", "GPU.1", "GPUX"].map(level), [Status::Fail; 3]);
    }
}
