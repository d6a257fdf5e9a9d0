//! OpenVINO's own GPU plugin, unmodified, on an emulated GPU: an OpenCL layer presents Intel's OpenCL CPU runtime as
//! an Intel GPU. It shows what the plugin's host code and its OpenCL kernels do with the shipped model, and nothing
//! of speed, memory, drivers or matrix instructions.
//!
//! `cargo xtask test --gpu-plugin` sets it up and runs these tests; no other run includes them. They pass the
//! runtime and the layer to the processes that they start, and to nothing else.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use arcgauge::measure::Role;
use arcgauge::places;
use arcgauge::record::Arm;
use tempfile::TempDir;

use crate::checkout::{Checkout, repository};
use crate::ended::Ended;

/// Defines each of these tests for the default release and for that of the published benchmark. `--quick` selects
/// some of the modules `default_release` by name.
macro_rules! on_each_release {
    ($($test:ident),+ $(,)?) => {
        mod default_release {
            $(#[test]
            #[ignore = "run by `cargo xtask test --gpu-plugin`"]
            fn $test() {
                super::$test("2026.4.1");
            })+
        }
        mod published_release {
            $(#[test]
            #[ignore = "run by `cargo xtask test --gpu-plugin`"]
            fn $test() {
                super::$test("2026.1.0");
            })+
        }
    };
}

/// Defines each of these tests for the default release alone.
macro_rules! on_the_default_release {
    ($($test:ident),+ $(,)?) => {
        mod default_release {
            $(#[test]
            #[ignore = "run by `cargo xtask test --gpu-plugin`"]
            fn $test() {
                super::$test("2026.4.1");
            })+
        }
    };
}

mod bench;
mod compiled_models;
mod engines;
mod states;
mod verbs;

/// What the layer calls the device.
const NAME: &str = "Emulated GPU on Intel(R) OpenCL CPU runtime";

/// A checkout on a machine with an emulated GPU and an empty cache of compiled models.
struct EmulatedGpu {
    checkout: Checkout,
    cache: TempDir,
    release: &'static str,
    /// Variables of the layer.
    reports: Vec<(&'static str, &'static str)>,
}

impl EmulatedGpu {
    fn new(release: &'static str) -> Self {
        Self::with(Checkout::new(), release)
    }

    /// Has one golden of the shipped model and no probe text, where a test is not about all tokens.
    fn with_one_golden(release: &'static str) -> Self {
        Self::without_goldens(&["moe-vs-dense", "openvino-advantages", "near-tie", "probe"], release)
    }

    fn without_goldens(removed: &[&str], release: &'static str) -> Self {
        let checkout = Checkout::with_own_goldens();
        for name in removed {
            fs::remove_file(checkout.golden(name)).unwrap();
        }
        Self::with(checkout, release)
    }

    fn with(checkout: Checkout, release: &'static str) -> Self {
        symlink(repository().join("benches"), checkout.path("benches")).unwrap();
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir(cache.path().join("arcgauge")).unwrap();
        let usual = places::cache_dir().unwrap();
        for part in ["openvino", "peers", "web"] {
            symlink(usual.join(part), cache.path().join("arcgauge").join(part)).unwrap();
        }
        Self { checkout, cache, release, reports: Vec::new() }
    }

    /// Has memory of its own, unlike a GPU in the processor.
    fn discrete(mut self) -> Self {
        self.reports.push(("EMULATED_GPU_DISCRETE", "1"));
        self.reports.push(("EMULATED_GPU_MEMORY_BYTES", "8589934592"));
        self
    }

    /// The binary, with an emulated GPU.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.checkout.command(arguments);
        if arguments[0] == "ab" {
            command.arg("--lock").arg(self.checkout.lock()).args(["--settle-limit-s", "0"]);
        }
        self.emulate(&mut command);
        command
    }

    /// Gives a program an emulated GPU.
    fn emulate(&self, command: &mut Command) {
        let (runtime, layer) = (prepared("ARCGAUGE_OPENCL_RUNTIME"), prepared("ARCGAUGE_OPENCL_LAYER"));
        let libraries = runtime.join("lib");
        command
            .env("XDG_CACHE_HOME", self.cache.path())
            .env("LD_LIBRARY_PATH", &libraries)
            .env("OCL_ICD_FILENAMES", libraries.join("libintelocl.so"))
            .env("OPENCL_LAYERS", layer.join("opencl_layer.so"))
            .env("EMULATED_GPU_PROGRAMS", layer.join("programs"))
            .envs(self.reports.iter().copied());
    }

    /// Runs a verb that has no flags of a device.
    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// Runs a verb on the GPU, with the release of this test.
    fn run_on_gpu(&self, arguments: &[&str]) -> Ended {
        self.run(&[arguments, &["--device", "GPU", "--openvino", self.release]].concat())
    }

    /// The folders of compiled models.
    fn compiled_models(&self) -> Vec<PathBuf> {
        let folder = self.cache.path().join("arcgauge/compiled-models");
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    }
}

/// A folder that xtask has prepared.
fn prepared(variable: &str) -> PathBuf {
    let folder = env::var_os(variable).map(PathBuf::from);
    folder.unwrap_or_else(|| panic!("`{variable}` is not set; run `cargo xtask test --gpu-plugin`"))
}

/// The one compiled model in a folder.
fn blob(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let blobs: Vec<_> = files.filter(|file| file.extension().is_some_and(|it| it == "blob")).collect();
    let [blob] = &blobs[..] else { panic!("not one blob but {blobs:?}") };
    blob.clone()
}

/// The tokens of all measured answers.
fn measured_tokens(record: &Arm) -> Vec<(&str, &[u32])> {
    let measured = record.samples.iter().filter(|sample| sample.role == Role::Measured);
    measured.map(|sample| (sample.prompt_id.as_str(), &sample.token_ids[..])).collect()
}
