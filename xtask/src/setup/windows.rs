//! What `test --windows` needs to run the program for Windows under Wine: a program, OpenVINO's libraries for Windows, and
//! Microsoft's C++ runtime, for Wine's own does not wait as OpenVINO expects.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::install::Install;
use super::python::Python;
use super::workbench::{cannot_write, no_home};
use crate::cargo::cargo;
use crate::failure::Failure;
use crate::release::{Release, Releases, Wheel};
use crate::{places, root, say};

/// What is built for.
const TARGET: &str = "x86_64-pc-windows-gnu";
const COMPILER: &str = "x86_64-w64-mingw32-gcc";
const WINE: [&str; 2] = ["wine64", "wine"];
const SHIM_SOURCE: &str = "tests/windows/bcryptprimitives.c";
const MACHINE: (&str, &str) = ("windows", "x86_64");
const AGAIN: &str = "cargo xtask test --windows";
/// Microsoft's runtime, as the wheel of it is pinned.
const RUNTIME_VERSION: &str = "14.44.35112";
const RUNTIME_SHA256: &str = "aba7fbe71897d25ed53fbb7f391e9f50289378a8a9ae218ba18530c663448391";

/// Where everything is.
#[derive(Debug)]
pub(crate) struct UnderWine {
    /// The program that runs it.
    pub(crate) wine: &'static str,
    /// `arcgauge.exe`, with the libraries beside it that it needs there.
    pub(crate) program: PathBuf,
    /// The folder of OpenVINO.
    pub(crate) openvino: PathBuf,
}

/// Makes it ready. `built` is a program that was built elsewhere; without one it is built here.
pub(crate) fn provide(built: Option<&Path>) -> Result<UnderWine, Failure> {
    let wine = WINE.into_iter().find(|wine| runs(wine, "--version"));
    let (Some(wine), true) = (wine, runs(COMPILER, "--version")) else {
        return Err(Failure::harness(
            format!("no `{}` or no `{COMPILER}` on the PATH", WINE[0]),
            format!("install them (Debian: sudo apt-get install wine64 g++-mingw-w64-x86-64), then: {AGAIN}"),
        ));
    };
    let folder = places::cache_dir().ok_or_else(|| no_home("Wine's programs in", AGAIN))?.join("windows");
    let (openvino, libraries) = (openvino(&folder)?, runtime(&folder)?);
    let program = match built {
        Some(program) => program.to_owned(),
        None => build()?,
    };
    let beside = folder.join("program");
    copy_into(&beside, &[program])?;
    copy_into(&beside, &libraries)?;
    // What OpenVINO loads is looked for beside itself.
    copy_into(&openvino.join("openvino/libs"), &libraries)?;
    shim(&beside)?;
    Ok(UnderWine { wine, program: beside.join("arcgauge.exe"), openvino })
}

fn runs(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn openvino(folder: &Path) -> Result<PathBuf, Failure> {
    let releases = Releases::pinned_for(MACHINE.0)?;
    let release = releases.default()?;
    installed(&releases.wheel, &release, folder.join("openvino").join(&release.version))
}

/// Microsoft's libraries.
fn runtime(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let wheel = Wheel {
        package: "msvc-runtime".to_owned(),
        title: "Microsoft's C++ runtime",
        size: "about 2 MB",
        needed_bytes: 10_000_000,
        again: AGAIN,
        ..Releases::pinned_for(MACHINE.0)?.wheel
    };
    let release = Release {
        version: RUNTIME_VERSION.to_owned(),
        sha256: Some(RUNTIME_SHA256.to_owned()),
        library: "msvcp140.dll".into(),
        tokenizers: None,
    };
    let folder = installed(&wheel, &release, folder.join("msvc-runtime").join(RUNTIME_VERSION))?;
    let entries = fs::read_dir(&folder).map_err(|error| cannot_write(&folder, &error))?.flatten();
    Ok(entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "dll"))
        .collect())
}

fn installed(wheel: &Wheel, release: &Release, folder: PathBuf) -> Result<PathBuf, Failure> {
    let install =
        Install { python: Python::default(), machine: MACHINE, wheel, release, folder: folder.clone() };
    install.run()?;
    say(&format!("ready: {} {} in `{}`", wheel.title, release.version, folder.display()));
    Ok(folder)
}

fn copy_into(folder: &Path, files: &[PathBuf]) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
    for file in files {
        let to = folder.join(file.file_name().unwrap_or_default());
        fs::copy(file, &to).map_err(|error| {
            Failure::harness(
                format!("cannot copy `{}` to `{}`: {error}", file.display(), to.display()),
                AGAIN,
            )
        })?;
    }
    Ok(())
}

fn shim(folder: &Path) -> Result<(), Failure> {
    let mut command = Command::new(COMPILER);
    command.args(["-shared", "-O2", "-o"]).arg(folder.join("bcryptprimitives.dll"));
    command.arg(root().join(SHIM_SOURCE)).arg("-ladvapi32");
    let ended = command.status();
    if ended.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(Failure::harness(
        format!("`{COMPILER}` cannot compile `{SHIM_SOURCE}`"),
        format!("see above, then: {AGAIN}"),
    ))
}

/// The program, built with the standard library for Windows that rustup has, or else with its sources.
fn build() -> Result<PathBuf, Failure> {
    let mut command = cargo("build");
    command.args(["--package", "arcgauge", "--bin", "arcgauge", "--target", TARGET]);
    match StandardLibrary::here() {
        StandardLibrary::Built => {}
        StandardLibrary::Sources => {
            // Of this child alone; the variable lets a stable compiler take `-Z`.
            command.args(["-Z", "build-std=std,panic_unwind"]).env("RUSTC_BOOTSTRAP", "1");
        }
        StandardLibrary::None => {
            return Err(Failure::harness(
                format!("this Rust has no standard library for `{TARGET}`"),
                format!(
                    "rustup target add {TARGET}; or name a program that was built elsewhere: {AGAIN} FILE.exe"
                ),
            ));
        }
    }
    say(&format!("building arcgauge for {TARGET}"));
    let ended = command.status();
    if !ended.is_ok_and(|status| status.success()) {
        let message = format!("arcgauge cannot be built for `{TARGET}`");
        return Err(Failure::harness(message, format!("see above, then: {AGAIN}")));
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join(TARGET).join("debug/arcgauge.exe"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StandardLibrary {
    Built,
    Sources,
    None,
}

impl StandardLibrary {
    fn here() -> Self {
        let printed = |what: &[&str]| {
            let output = Command::new("rustc").args(what).stderr(Stdio::null()).output().ok()?;
            Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
        };
        let has = |folder: Option<PathBuf>, below: &str| folder.is_some_and(|it| it.join(below).exists());
        if has(printed(&["--print", "target-libdir", "--target", TARGET]), "") {
            Self::Built
        } else if has(printed(&["--print", "sysroot"]), "lib/rustlib/src/rust/library/std") {
            Self::Sources
        } else {
            Self::None
        }
    }
}
