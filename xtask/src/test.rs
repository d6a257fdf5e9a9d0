//! `cargo xtask test`: every test of the workspace, on every pinned release, and of the pages in a browser; or those
//! of OpenVINO's GPU plugin alone.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cargo::{become_program, cargo};
use crate::failure::Failure;
use crate::say;
use crate::setup::{self, ACCEPT, GpuPlugin, Parts};

/// Runs the tests of the GPU plugin, which no other run includes.
const GPU_PLUGIN: &str = "--gpu-plugin";
/// Name what is ready to the tests, which set it up for their own child processes alone.
const FOLDERS: [&str; 2] = ["ARCGAUGE_OPENCL_RUNTIME", "ARCGAUGE_OPENCL_LAYER"];
/// What `--quick` runs of them.
const QUICK: [&str; 3] = ["bench", "compiled_models", "states"];

/// Sets up what the tests need, then becomes `cargo test`; the arguments are cargo's, and its exit code is ours.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Failure> {
    if args.iter().any(|arg| arg == GPU_PLUGIN) {
        return gpu_plugin(args);
    }
    setup::all()?;
    let mut command = cargo("test");
    command.arg("--workspace").args(args);
    become_program(command)
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
    become_program(command)
}

/// The names of the tests that run; `--quick` has some of those on the default release.
fn filters(quick: bool) -> Vec<String> {
    if quick {
        QUICK.iter().map(|module| format!("gpu_plugin::{module}::default_release")).collect()
    } else {
        vec!["gpu_plugin::".to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_is_a_part_of_the_tests_on_the_default_release() {
        let [all] = &filters(false)[..] else { panic!("one filter") };
        let quick = filters(true);
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
