//! What is typed for each step.

use std::ffi::OsString;
use std::path::Path;

use crate::cli::first_light::FirstLightArgs;
use crate::cli::flags::openvino_as_typed;

pub(super) fn machine(args: &FirstLightArgs) -> Vec<OsString> {
    let mut typed = words(["first-light-step", "machine"]);
    typed.extend(openvino_as_typed(args.engine.openvino.as_ref()));
    typed.extend(["--kernel-files".into(), args.kernel_files.clone().into_os_string()]);
    typed
}

pub(super) fn bench(args: &FirstLightArgs) -> Vec<OsString> {
    // Not `bench --quick`, which primes nothing: a cold and a warm load are wanted.
    let runs = if args.quick { "1" } else { "3" };
    let mut typed = words(["bench", "--runs", runs]);
    typed.extend(args.store.as_typed());
    typed.extend(args.engine.as_typed());
    typed.extend(args.supervision.as_typed());
    typed
}

pub(super) fn states(args: &FirstLightArgs) -> Vec<OsString> {
    let mut typed = words(["first-light-step", "states"]);
    typed.extend(args.engine.as_typed());
    typed.extend(args.supervision.as_typed());
    typed
}

pub(super) fn cross_check(args: &FirstLightArgs, record: &Path) -> Vec<OsString> {
    let mut typed = words(["first-light-step", "cross-check", "--record"]);
    typed.push(record.into());
    typed.extend(openvino_as_typed(args.engine.openvino.as_ref()));
    typed.extend(args.engine.model.as_typed());
    typed.extend(args.supervision.as_typed());
    typed
}

pub(super) fn against_itself(args: &FirstLightArgs) -> Vec<OsString> {
    let (tokens, budget) = if args.quick { ("32", "5m") } else { ("100", "30m") };
    let mut typed = words(["ab", "--base", "HEAD", "--head", "HEAD", "--measure-identical"]);
    typed.extend(words(["--max-new-tokens", tokens, "--budget", budget]));
    typed.extend(args.store.as_typed());
    typed.extend(args.engine.as_typed());
    typed.extend(args.supervision.as_typed());
    typed
}

/// All engines between which the published figures differ; optimum-intel where it is set up.
pub(super) fn peers(args: &FirstLightArgs, with_optimum: bool) -> Vec<OsString> {
    let engines = "stateful,genai,genai-pa,genai-pa-i8";
    let engines = if with_optimum { format!("{engines},optimum") } else { engines.to_owned() };
    let (rounds, tokens, budget) = if args.quick { ("1", "16", "10m") } else { ("5", "200", "60m") };
    let mut typed = words(["peers", "--engines", &engines, "--rounds", rounds]);
    typed.extend(words(["--max-new-tokens", tokens, "--budget", budget]));
    typed.extend(args.store.as_typed());
    typed.extend(args.engine.as_typed());
    typed.extend(args.supervision.as_typed());
    typed
}

pub(super) fn doctor(args: &FirstLightArgs) -> Vec<OsString> {
    let engine = &args.engine;
    let mut typed = words(["doctor", "--device", &engine.device]);
    typed.extend(engine.model.as_typed());
    typed.extend(openvino_as_typed(engine.openvino.as_ref()));
    typed.extend(args.store.as_typed());
    if let Some(lock) = args.supervision.named_lock() {
        typed.extend(["--lock".into(), lock.as_os_str().to_owned()]);
    }
    typed
}

fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
