//! What OpenVINO's GPU plugin needs on a machine without a GPU, in the user's cache folder, each part complete or
//! not at all: Intel's OpenCL CPU runtime, and the layer of `tests/gpu_plugin` that presents it as a GPU.
//!
//! The runtime is proprietary. It is fetched only when its licence was accepted, and used as it is.

use std::env::{self, consts};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::install::{self, sha256_of};
use super::python::Python;
use super::workbench::{self, cannot_write, no_home};
use crate::failure::Failure;
use crate::{places, say};

/// The flag by which the licence is accepted.
pub(crate) const ACCEPT: &str = "--accept-intel-license";
/// The variable by which it is accepted, as `1`.
const ACCEPT_VARIABLE: &str = "ARCGAUGE_ACCEPT_INTEL_LICENSE";
/// The wheels, each with its hash and its licence.
const REQUIREMENTS: &str = include_str!("../../../tests/gpu_plugin/requirements.txt");
/// Precedes a licence in that list.
const LICENCE: &str = "# licence: ";
/// Its path in the repository, for messages.
const REQUIREMENTS_FILE: &str = "tests/gpu_plugin/requirements.txt";
const LAYER_SOURCE: &str = include_str!("../../../tests/gpu_plugin/opencl_layer.c");
const LAYER: &str = "opencl_layer.so";
/// The runtime in its folder; its presence means that the folder is complete.
const RUNTIME: &str = "lib/libintelocl.so";
/// The wheels and what is unpacked of them.
const NEEDED_BYTES: u64 = 1_500_000_000;
/// The verb, for hints.
const AGAIN: &str = "cargo xtask test --gpu-plugin";

/// Everything the set-up depends on, so that a test can pass its own.
#[derive(Debug)]
pub(crate) struct GpuPlugin {
    /// Who fetches wheels.
    pub(crate) python: Python,
    /// The operating system and the processor, as Rust names them.
    pub(crate) machine: (&'static str, &'static str),
    /// Where both parts will be, each in a folder of its own.
    pub(crate) folder: PathBuf,
    /// Whether the user has accepted the runtime's licence.
    pub(crate) is_accepted: bool,
}

/// The folders of what is ready.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The runtime's libraries are in its `lib`.
    pub(crate) runtime: PathBuf,
    /// Has `opencl_layer.so`, and `programs` for what is built while tests run.
    pub(crate) layer: PathBuf,
}

impl GpuPlugin {
    /// For the user that runs this.
    pub(crate) fn here(has_flag: bool) -> Result<Self, Failure> {
        let folder = places::gpu_plugin_dir().ok_or_else(|| no_home("the OpenCL runtime in", AGAIN))?;
        let is_accepted = has_flag || env::var_os(ACCEPT_VARIABLE).is_some_and(|value| value == "1");
        Ok(Self { python: Python::default(), machine: (consts::OS, consts::ARCH), folder, is_accepted })
    }

    /// Leaves each part in its folder, or leaves nothing of it.
    pub(crate) fn provide(&self) -> Result<Parts, Failure> {
        if self.machine != ("linux", "x86_64") {
            let (system, processor) = self.machine;
            return Err(Failure::harness(
                format!(
                    "no OpenCL CPU runtime is pinned for `{system} {processor}`, only for `linux x86_64`"
                ),
                "run the tests that need no GPU plugin: cargo xtask test",
            ));
        }
        Ok(Parts { runtime: self.runtime()?, layer: self.layer()? })
    }

    fn runtime(&self) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(name("runtime", REQUIREMENTS));
        let is_ready = || folder.join(RUNTIME).is_file();
        if is_ready() {
            return Ok(folder);
        }
        let packages = packages();
        if !self.is_accepted {
            return Err(Failure::usage(
                format!(
                    "`--gpu-plugin` fetches proprietary packages whose licence was not accepted:{packages}"
                ),
                format!(
                    "each wheel has its licence as LICENSE.txt; to accept: {AGAIN} {ACCEPT}, or set \
                     {ACCEPT_VARIABLE}=1"
                ),
            ));
        }
        workbench::provide(&folder, "runtime", is_ready, |workbench, made| {
            self.python.check_space(&workbench.folder, NEEDED_BYTES)?;
            say(&format!("fetching Intel's OpenCL CPU runtime through pip, about 250 MB:{packages}"));
            let list = workbench.write("requirements.txt", REQUIREMENTS)?;
            self.python.download(&list, &workbench.folder, REQUIREMENTS_FILE, AGAIN)?;
            for wheel in install::wheels(&workbench.folder)? {
                self.python.unpack(&wheel, made, &workbench.folder)?;
            }
            if made.join(RUNTIME).is_file() {
                return Ok(());
            }
            Err(Failure::harness(
                format!("the wheels of {REQUIREMENTS_FILE} hold no `{RUNTIME}`"),
                "see which registry pip asks: python3 -m pip config list",
            ))
        })?;
        Ok(folder)
    }

    /// Its folder also depends on the runtime, because the programs in it were built by that.
    fn layer(&self) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(name("layer", &[LAYER_SOURCE, REQUIREMENTS].concat()));
        workbench::provide(
            &folder,
            "layer",
            || folder.join(LAYER).is_file(),
            |workbench, made| {
                say("compiling the OpenCL layer");
                let source = workbench.write("opencl_layer.c", LAYER_SOURCE)?;
                self.compile(&source, &made.join(LAYER))?;
                let programs = made.join("programs");
                fs::create_dir(&programs).map_err(|error| cannot_write(&programs, &error))
            },
        )?;
        Ok(folder)
    }

    fn compile(&self, source: &Path, library: &Path) -> Result<(), Failure> {
        let mut command = Command::new("cc");
        command.envs(self.python.environment.iter().map(|(name, value)| (name, value)));
        command.args(["-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o"]).arg(library).arg(source);
        // The reason of a failure is recognised by its words.
        let output = command.arg("-lpthread").env("LC_ALL", "C").output().map_err(|error| {
            Failure::harness(
                format!("cannot start the C compiler `cc`: {error}"),
                format!("install it (Debian, Ubuntu: sudo apt-get install gcc), then: {AGAIN}"),
            )
        })?;
        if output.status.success() {
            return Ok(());
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        let error = complaint.lines().find(|line| line.contains("error:")).unwrap_or("no error was printed");
        if error.contains("CL/cl") {
            return Err(Failure::harness(
                format!("the headers of OpenCL are missing: `{error}`"),
                format!(
                    "install them (Debian, Ubuntu: sudo apt-get install opencl-c-headers), then: {AGAIN}"
                ),
            ));
        }
        Err(Failure::harness(
            format!("cannot compile `tests/gpu_plugin/opencl_layer.c`: `{error}`"),
            format!(
                "see what the compiler says: cc -fsyntax-only tests/gpu_plugin/opencl_layer.c; then: {AGAIN}"
            ),
        ))
    }
}

/// A folder's name, which changes with what the folder is made from.
fn name(part: &str, made_from: &str) -> String {
    format!("{part}-{}", &sha256_of(made_from)[..12])
}

/// The packages and their licences, a line each.
fn packages() -> String {
    let mut licence = "";
    let mut lines = String::new();
    for line in REQUIREMENTS.lines() {
        if let Some(named) = line.strip_prefix(LICENCE) {
            licence = named;
        } else if let Some((package, version)) = line.split_once("==") {
            let version = version.trim_end_matches([' ', '\\']);
            let _ = write!(lines, "\n  {package} {version}: {licence}"); // into a String it cannot fail
        }
    }
    lines
}
