//! `doctor`: what is ready and what is not, each with the command that fixes it.
//!
//! It goes on after each failing check, fetches nothing, removes nothing, and writes nothing but a
//! probe file that it takes away again. Each subject has a room: `runtime`, `gpu`, `model`, `asking`
//! (tokenizer, prompts, goldens), `published` (its value), `memory`, `guards`, `device_lock`, `workplace` (settings, git,
//! folders), `records` and `stale files` (of processes that were killed). What is said of a GPU follows
//! what OpenVINO and the kernel document; its list of devices ran on the GPU plugin over a stand-in, the way to
//! them on fixtures.

mod gpu;
mod guards;
mod model;
mod published;
mod runtime;
mod stale_files;
mod windows;
mod workplace;

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;

use clap::Args;

use crate::cli::flags::ModelFlags;
use crate::cli::root::Root;
use crate::cli::settings::StoreFlag;
use crate::cli::{exit_code, print, say};
use crate::error::Result;
use crate::record::first_light::{Check, CheckStatus as Status};
use crate::sys::SysfsRoot;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    model: ModelFlags,

    /// OpenVINO to look at: a pinned version, or the folder of an installation
    #[arg(long, value_name = "VERSION|DIR")]
    openvino: Option<String>,

    /// Device to check; only GPU may fall back to the CPU, any other device must be present
    #[arg(long, value_name = "DEVICE", default_value = "GPU")]
    device: String,

    /// File of the lock that keeps two measurements apart [default: one for the whole machine]
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,

    #[command(flatten)]
    store: StoreFlag,
}

/// Prints every check; fails where something must be fixed before a model can run.
pub(super) fn doctor(args: &DoctorArgs) -> Result<u8> {
    let mut statuses = Vec::new();
    // The checks go on, and what was not printed is known at the end.
    let mut printed = Ok(());
    examine(args, &mut |check| {
        printed = printed.clone().and_then(|()| print(&check.render()));
        statuses.push(check.status);
    });
    say(&format!("doctor: {}", tally(&statuses)));
    printed?;
    Ok(code(&statuses))
}

/// Makes every check, each reported once it is made.
pub(super) fn examine(args: &DoctorArgs, report: &mut dyn FnMut(Check)) {
    let root = Root::find();
    let store = args.store.or_default(&root);
    let level = level(&args.device);
    // Before all other work, which would show up in the load that is read here.
    let guards = group("guards", || guards::examine(&guards::read(SysfsRoot::this_machine())));
    let mut report = |checks: Vec<Check>| checks.into_iter().for_each(&mut *report);
    let (checks, openvino) =
        examined("openvino", || runtime::examine(args.openvino.as_deref(), &args.device));
    report(checks);
    let openvino = openvino.as_ref();
    report(group("windows", windows::examine));
    report(group("intel gpu", || gpu::examine(&gpu::Machine::this(openvino), level, openvino)));
    report(group("settings", || vec![workplace::settings(args.model.model_dir.as_deref())]));
    let (checks, model) = examined("model", || model::examine(&args.model, &root));
    report(checks);
    let model = model.as_ref();
    report(group("goldens", || model::examine_prompts(&args.model, args.openvino.as_ref(), model, &root)));
    report(group("published value", || published::examine(&args.device, model, openvino, &root)));
    report(group("memory", || runtime::examine_memory(model, openvino, level)));
    report(guards);
    report(group("device lock", || vec![workplace::examine_lock(args.lock.as_deref())]));
    report(group("git", || workplace::examine(&root, &store)));
    report(group("records", || workplace::examine_records(store.folder())));
    report(group("peers", || workplace::examine_peers(&root)));
    report(group("stale files", || stale_files::examine(&stale_files::Scene::this(store.folder()))));
}

/// The checks of a group that later ones need nothing of.
fn group(subject: &str, work: impl FnOnce() -> Vec<Check>) -> Vec<Check> {
    examined(subject, || (work(), ())).0
}

/// How bad trouble with a GPU is: whoever names one exactly needs it, the default falls back.
fn level(device: &str) -> Status {
    if device.starts_with("GPU") && device != "GPU" { Status::Fail } else { Status::Warn }
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

/// How often each status was given, as the last line says it.
pub(super) fn tally(statuses: &[Status]) -> String {
    let count = |status: Status| {
        let given = statuses.iter().filter(|given| **given == status).count();
        format!("{given} {}", status.as_str())
    };
    [Status::Ok, Status::Warn, Status::Fail, Status::Skip].map(count).join(", ")
}

/// Passes unless something failed.
fn code(statuses: &[Status]) -> u8 {
    if statuses.contains(&Status::Fail) { exit_code::HARNESS_FAILED } else { exit_code::PASS }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::error::Error;

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

    #[test]
    fn a_report_has_a_line_a_check_and_the_command_below_it() {
        let checks = [
            Check::ok("openvino", "2026.4.1, pinned"),
            Check::fail("device requested", "no `GPU.1`\nhere:\n  only `CPU`\n", "try `--device CPU`"),
            Check::skip("intel gpu", "none"),
            Check::warn("memory of GPU.0", "12.0 GB are needed", "line one\nline two"),
        ];
        let report: String = checks.iter().map(Check::render).collect();
        assert_snapshot!(report, @r"
        ok    openvino           2026.4.1, pinned
        FAIL  device requested   no `GPU.1`\nhere:\n  only `CPU`
              hint: try `--device CPU`
        skip  intel gpu          none
        warn  memory of GPU.0    12.0 GB are needed
              hint: line one\nline two
        ");
    }

    #[test]
    fn an_error_without_a_hint_is_given_one() {
        let error = Error::input("no such thing");
        assert_eq!(Check::of_error("a", &error, "do this").fix.as_deref(), Some("do this"));
        let hinting = error.hint("do that");
        assert_eq!(Check::of_error("a", &hinting, "do this").fix.as_deref(), Some("do that"));
    }

    #[test]
    fn only_a_failure_fails_the_verb() {
        use Status::{Fail, Ok, Skip, Warn};
        assert_eq!(code(&[Ok, Warn, Skip]), 0);
        assert_eq!(code(&[Ok, Fail, Warn]), 20);
        assert_eq!(tally(&[Ok, Ok, Warn, Fail]), "2 ok, 1 warn, 1 FAIL, 0 skip");
    }
}
