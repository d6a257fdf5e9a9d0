//! `cargo xtask test`: the tests of the workspace, on every pinned release, and of the pages in a browser; with the
//! heavy ones, or those of OpenVINO's GPU plugin alone.

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::{env, thread};

use crate::cargo::cargo;
use crate::failure::Failure;
use crate::say;
use crate::setup::{self, ACCEPT, GpuPlugin, Parts};
use crate::system;

/// Runs the heavy tests too, which are `#[ignore]`d for cargo.
const ALL: &str = "--all";
/// The modules of the ignored tests that need the GPU plugin.
const NEED_GPU_PLUGIN: [&str; 2] = ["::default_release::", "::published_release::"];
/// Runs those of a fleet's data set on Spark, which no other run includes.
const FLEET: &str = "--fleet";
/// The module of these tests.
const NEED_SPARK: &str = "fleet::spark::";
/// Runs those of the program for Windows under Wine, likewise.
const WINDOWS: &str = "--windows";
/// The module of these tests. No other name of a test has this in it.
const NEED_WINE: &str = "under_wine::";
/// Runs the tests of the GPU plugin, which no other run includes.
const GPU_PLUGIN: &str = "--gpu-plugin";
/// Unit tests that need `sh`, symbolic links or files of the Linux kernel.
const NOT_ON_WINDOWS: [&str; 15] = [
    "cli::doctor::",
    "cli::shell::",
    "cli::tests::every_command",
    "engine::model_folder::",
    "engine::openvino::facts::",
    "engine::openvino::runtime::",
    "files::",
    "gate::side::cargo::",
    "measure::estimates::",
    "measure::guard::",
    "record::personal::",
    "report::peers::",
    "sys::fdinfo::",
    "sys::lock::",
    "sys::sysfs::",
];
/// What the test programs read.
const THREADS: &str = "RUST_TEST_THREADS";
/// Name what is ready to the tests, which set it up for their own child processes alone.
const FOLDERS: [&str; 2] = ["ARCGAUGE_OPENCL_RUNTIME", "ARCGAUGE_OPENCL_LAYER"];
/// What `--quick` runs of them.
const QUICK: [&str; 3] = ["bench", "compiled_models", "states"];
/// Of the benches, the one that `--quick` leaves out.
const SLOWER_BENCH: &str = "with_an_i8_cache";

/// Sets up what the tests need, then runs `cargo test`; other arguments are cargo's, and its exit code is ours.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Failure> {
    if args.iter().any(|arg| arg == GPU_PLUGIN) {
        return gpu_plugin(args);
    }
    if args.iter().any(|arg| arg == FLEET) {
        return fleet(args);
    }
    if args.iter().any(|arg| arg == WINDOWS) {
        return windows(args);
    }
    let mut command = cargo("test");
    if system::IS_WINDOWS {
        setup::releases()?;
        command.args(["--package", "arcgauge"]).args(arguments_on_windows(args));
    } else {
        setup::all()?;
        command.arg("--workspace").args(arguments(args));
    }
    if env::var_os(THREADS).is_none() {
        command.env(THREADS, thread_count().to_string());
    }
    run_tests(command)
}

/// Four more than processors: many tests wait for a process, a browser or the device lock.
fn thread_count() -> usize {
    4 + thread::available_parallelism().map_or(1, usize::from)
}

/// The arguments of cargo.
fn arguments(args: &[OsString]) -> Vec<OsString> {
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let (of_cargo, of_tests) = args.split_at(end);
    let Some(all) = of_cargo.iter().position(|arg| arg == ALL) else { return args.to_vec() };
    let skip = NEED_GPU_PLUGIN.iter().chain([&NEED_SPARK, &NEED_WINE]).flat_map(|module| ["--skip", module]);
    let heavy = ["--", "--include-ignored"].into_iter().chain(skip).map(OsString::from);
    let before = of_cargo[..all].iter().chain(&of_cargo[all + 1..]).cloned();
    before.chain(heavy).chain(of_tests.iter().skip(1).cloned()).collect()
}

/// The same on Windows: the unit tests of the library, for the integration tests are written for Linux. xtask is not among
/// them, because Windows replaces no program that runs.
fn arguments_on_windows(args: &[OsString]) -> Vec<OsString> {
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let (of_cargo, of_tests) = args.split_at(end);
    let skip = ["--lib", "--"].into_iter().chain(NOT_ON_WINDOWS.iter().flat_map(|module| ["--skip", module]));
    let before = of_cargo.iter().filter(|arg| *arg != ALL).cloned();
    before.chain(skip.map(OsString::from)).chain(of_tests.iter().skip(1).cloned()).collect()
}

/// Passes on what the tests say; a run of no test is not a good one.
fn run_tests(mut command: Command) -> Result<ExitCode, Failure> {
    command.stdout(Stdio::piped());
    let broken =
        |error: io::Error| Failure::harness(format!("cannot run cargo: {error}"), "cargo test --locked");
    let mut child = command.spawn().map_err(broken)?;
    let (mut results, mut ran) = (0, 0);
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line.map_err(broken)?;
            if let Some(count) = tests_run(&String::from_utf8_lossy(&line)) {
                (results, ran) = (results + 1, ran + count);
            }
            io::stdout().write_all(&[&line[..], b"\n"].concat()).map_err(broken)?;
        }
    }
    let status = child.wait().map_err(broken)?;
    if status.success() && results > 0 && ran == 0 {
        return Err(Failure::usage(
            "no test ran: none has this name, or it is a heavy one",
            format!("cargo xtask test {ALL} NAME"),
        ));
    }
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(20).into())
}

/// How many tests ran, by the last line of a test program.
fn tests_run(line: &str) -> Option<usize> {
    let counts = line.strip_prefix("test result: ")?.split("; ");
    let ran = counts.filter_map(|count| count.strip_suffix(" passed").or(count.strip_suffix(" failed")));
    Some(ran.filter_map(|count| count.rsplit(' ').next()?.parse::<usize>().ok()).sum())
}

fn fleet(args: &[OsString]) -> Result<ExitCode, Failure> {
    if let Some(arg) = args.iter().find(|arg| *arg != FLEET) {
        return Err(Failure::usage(
            format!("`test {FLEET}` does not take `{}`", arg.to_string_lossy()),
            format!("cargo xtask test {FLEET}"),
        ));
    }
    setup::fleet()?;
    let mut command = cargo("test");
    command.args(["--package", "arcgauge", "--test", "it", "--"]);
    // One at a time: each has a cluster of its own, or measures.
    command.args(["--ignored", "--test-threads", "1", "--nocapture", NEED_SPARK]);
    run_tests(command)
}

/// A program that was built elsewhere may be named.
fn windows(args: &[OsString]) -> Result<ExitCode, Failure> {
    let named: Vec<&OsString> = args.iter().filter(|arg| *arg != WINDOWS).collect();
    if let Some(arg) = named.iter().find(|arg| named.len() > 1 || arg.to_string_lossy().starts_with('-')) {
        return Err(Failure::usage(
            format!("`test {WINDOWS}` does not take `{}`", arg.to_string_lossy()),
            format!("cargo xtask test {WINDOWS} [FILE.exe]"),
        ));
    }
    let ready = setup::windows::provide(named.first().map(Path::new))?;
    let mut command = cargo("test");
    command.env("ARCGAUGE_WINE", ready.wine).env("ARCGAUGE_WINDOWS_PROGRAM", ready.program);
    command.env("ARCGAUGE_WINDOWS_OPENVINO", ready.openvino);
    command.args(["--package", "arcgauge", "--test", "it", "--", "--ignored", "--test-threads", "1"]);
    command.arg(NEED_WINE);
    run_tests(command)
}

fn gpu_plugin(args: &[OsString]) -> Result<ExitCode, Failure> {
    let known = [GPU_PLUGIN, ACCEPT, "--quick"];
    if let Some(arg) = args.iter().find(|arg| !known.iter().any(|flag| arg == flag)) {
        return Err(Failure::usage(
            format!("`test {GPU_PLUGIN}` does not take `{}`", arg.to_string_lossy()),
            format!("cargo xtask test {GPU_PLUGIN} [--quick] [{ACCEPT}]"),
        ));
    }
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    let Parts { runtime, layer } = GpuPlugin::here(has(ACCEPT))?.provide()?;
    say(&format!("ready: the OpenCL CPU runtime in `{}`", runtime.display()));
    say(&format!("ready: the layer that presents it as a GPU in `{}`", layer.display()));
    setup::releases_and_genai()?;
    let mut command = cargo("test");
    command.envs(FOLDERS.into_iter().zip([runtime, layer]));
    command.args(["--package", "arcgauge", "--test", "it", "--"]);
    // One at a time: each uses all processors.
    command.args(["--ignored", "--test-threads", "1"]).args(filters(has("--quick")));
    run_tests(command)
}

/// The names of the tests that run; `--quick` has some of those on the default release.
fn filters(quick: bool) -> Vec<String> {
    if quick {
        let modules = QUICK.iter().map(|module| format!("gpu_plugin::{module}::default_release"));
        modules.chain(["--skip".to_owned(), SLOWER_BENCH.to_owned()]).collect()
    } else {
        vec!["gpu_plugin::".to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_includes_the_heavy_tests_and_none_of_the_gpu_plugin_s() {
        let of = |words: &[&str]| {
            let words = arguments(&words.iter().map(OsString::from).collect::<Vec<_>>());
            words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        let heavy = "-- --include-ignored --skip ::default_release:: --skip ::published_release:: --skip fleet::spark:: --skip under_wine::";
        assert_eq!(of(&["--all"]), heavy);
        assert_eq!(of(&["ab", "--all", "--", "--nocapture"]), format!("ab {heavy} --nocapture"));
        assert_eq!(of(&["ab", "--", "--all"]), "ab -- --all");
        let modules = include_str!("../../tests/it/gpu_plugin/mod.rs");
        for module in NEED_GPU_PLUGIN {
            assert!(modules.contains(&format!("mod {} {{", module.trim_matches(':'))), "{module}");
        }
        assert!(include_str!("../../tests/it/fleet/mod.rs").contains("\nmod spark;\n"), "{NEED_SPARK}");
        assert!(include_str!("../../tests/it/main.rs").contains("\nmod under_wine;\n"), "{NEED_WINE}");
    }

    #[test]
    fn on_windows_the_unit_tests_run_but_for_those_that_need_linux() {
        let of = |words: &[&str]| {
            let words = arguments_on_windows(&words.iter().map(OsString::from).collect::<Vec<_>>());
            words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        let skipped: Vec<String> = NOT_ON_WINDOWS.iter().map(|module| format!("--skip {module}")).collect();
        let skipped = skipped.join(" ");
        assert_eq!(of(&[]), format!("--lib -- {skipped}"));
        let expected = format!("judge:: --lib -- {skipped} --nocapture");
        assert_eq!(of(&["judge::", "--all", "--", "--nocapture"]), expected);
    }

    #[test]
    fn the_tests_that_ran_are_counted_from_the_result_of_a_program() {
        let line = "test result: FAILED. 3 passed; 1 failed; 9 ignored; 0 measured; 2 filtered out; finished in 0.1s";
        assert_eq!(tests_run(line), Some(4));
        assert_eq!(tests_run("test a ... ok"), None);
    }

    #[test]
    fn quick_is_a_part_of_the_tests_on_the_default_release() {
        let [all] = &filters(false)[..] else { panic!("one filter") };
        let mut quick = filters(true);
        assert_eq!(quick.split_off(QUICK.len()), ["--skip", SLOWER_BENCH]);
        assert!(include_str!("../../tests/it/gpu_plugin/bench.rs").contains(SLOWER_BENCH));
        assert!(quick.iter().all(|filter| filter.starts_with(all) && filter.ends_with("::default_release")));
        let modules = include_str!("../../tests/it/gpu_plugin/mod.rs");
        for module in QUICK {
            assert!(
                modules.contains(&format!("\nmod {module};\n")),
                "a filter that matches nothing: {module}"
            );
        }
    }
}
