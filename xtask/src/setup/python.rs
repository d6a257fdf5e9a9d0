//! What Python is to do, and what its complaints mean.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::{Display, Path};
use std::process::{Command, Output, Stdio};

use super::environment::Environment;
use crate::failure::Failure;
use crate::places;
use crate::release::{Release, Wheel};
use crate::system::{INSTALL_PYTHON, IS_WINDOWS, PYTHON, python};

/// Prints the free bytes of the current folder's file system, which the standard library does not have.
const FREE_BYTES: &str = "import shutil; print(shutil.disk_usage('.').free)";
/// Takes the wheel and the target folder.
const UNPACK: &str = include_str!("unpack.py");
/// What the list pins by its hash, and nothing else.
const ONLY_HASHED: [&str; 3] = ["--no-deps", "--no-cache-dir", "--require-hashes"];
/// Wheels of the named packages alone, and no copy in pip's own cache: a damaged one would come back at every try.
const WHEELS_ALONE: [&str; 7] = [
    "--no-deps",
    "--only-binary=:all:",
    "--no-cache-dir",
    "--disable-pip-version-check",
    "--no-input",
    "--retries",
    "2",
];
/// What wheels before 2026 are tagged with.
const OLDER_PLATFORM: &str = "manylinux2014_x86_64";
/// The words of a full disk and of a full quota, in pip and in Python.
const FULL_DISK: [&str; 2] = ["[Errno 28]", "[Errno 122]"];
/// What pip prints where it reached nobody.
const UNREACHABLE: [&str; 5] =
    ["Retrying (", "Could not fetch URL", "ConnectionError", "connection error", "ReadTimeoutError"];
/// Printed by pip when the registry's own hash already disagrees with what arrived.
const CORRUPTED: &str = "DO NOT MATCH THE HASHES";

/// The Python that fetches and unpacks. Nothing else of Python is used.
#[derive(Debug, Default)]
pub(crate) struct Python {
    /// Variables for the child alone, so that a test can put a fake `python3` on its `PATH`.
    pub(crate) environment: Vec<(OsString, OsString)>,
}

impl Python {
    /// Refuses a disk with less than this free where `folder` is.
    pub(crate) fn check_space(&self, folder: &Path, needed_bytes: u64) -> Result<(), Failure> {
        let output = run(self.command(folder).args(["-c", FREE_BYTES]).stdout(Stdio::piped()))?;
        let free_bytes: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_| {
            Failure::harness(format!("`{PYTHON}` does not run: `{}`", last_line(&output)), make_python_work())
        })?;
        if free_bytes >= needed_bytes {
            return Ok(());
        }
        let how = format!("{} MB free, {} MB needed", free_bytes / 1_000_000, needed_bytes / 1_000_000);
        Err(full_disk(folder, &how))
    }

    /// Downloads the release's wheel into `folder`. Everything pip writes stays in there.
    pub(crate) fn fetch(&self, wheel: &Wheel, release: &Release, folder: &Path) -> Result<(), Failure> {
        let mut command = self.pip(folder, &["download", "-d", "."]);
        command.args(["--python-version", &wheel.python_version]);
        command.args(["--implementation", &wheel.implementation]);
        command.args(["--abi", &wheel.abi, "--platform", &wheel.platform]);
        if release.sha256.is_none() {
            command.args(["--platform", OLDER_PLATFORM]);
        }
        command.args(WHEELS_ALONE).arg(format!("{}=={}", wheel.package, release.version));
        let output = run(command.stdout(progress()))?;
        if output.status.success() { Ok(()) } else { Err(pip_failed(&output, wheel, release, folder)) }
    }

    /// Unpacks the libraries and licences of `wheel` into `target`.
    pub(crate) fn unpack(&self, wheel: &Path, target: &Path, folder: &Path) -> Result<(), Failure> {
        let output =
            run(self.command(folder).args(["-c", UNPACK]).arg(wheel).arg(target).stdout(Stdio::null()))?;
        let complaint = last_line(&output);
        if output.status.success() {
            Ok(())
        } else if is_full_disk(&complaint) {
            Err(full_disk(folder, "it ran full while unpacking"))
        } else {
            Err(Failure::harness(
                format!("cannot unpack the wheel in `{}`: `{complaint}`", cache(folder)),
                "nothing was stored; try again: cargo xtask setup",
            ))
        }
    }

    /// Installs what the list pins below `target`: wheels alone, and none whose hash is not in the list.
    pub(crate) fn install(&self, list: &Path, target: &Path, folder: &Path) -> Result<(), Failure> {
        let mut command = self.pip(folder, &["install", "--no-compile", "--target"]);
        command.arg(target);
        pinned(&mut command, list, folder, "ci/linters/requirements.txt", "cargo xtask lint")
    }

    /// Downloads what the list pins into `folder`, likewise. A failure names the list as `name`, and the command
    /// `again`.
    pub(crate) fn download(
        &self,
        list: &Path,
        folder: &Path,
        name: &str,
        again: &str,
    ) -> Result<(), Failure> {
        pinned(&mut self.pip(folder, &["download", "-d", "."]), list, folder, name, again)
    }

    /// Makes an empty environment; pip stays outside, and installs into it from there.
    pub(crate) fn make_environment(
        &self,
        target: &Path,
        environment: Environment,
        folder: &Path,
    ) -> Result<(), Failure> {
        let mut command = self.command(folder);
        command.args(["-m", "venv", "--without-pip"]).arg(target);
        let output = run(command.stdout(Stdio::null()))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Failure::harness(
            format!("`{PYTHON}` cannot make an environment: `{}`", last_line(&output)),
            format!(
                "make `{PYTHON} -m venv --without-pip ./DIR` work (Debian, Ubuntu: sudo apt-get install \
                 python3-venv), then: {}",
                environment.again
            ),
        ))
    }

    /// Installs what the list pins into an environment, likewise.
    pub(crate) fn install_into(
        &self,
        made: &Path,
        list: &Path,
        environment: Environment,
        folder: &Path,
    ) -> Result<(), Failure> {
        pinned(&mut self.pip_into(made, folder), list, folder, environment.list, environment.again)
    }

    /// Builds what the list pins with what the environment has, and installs it there, likewise.
    pub(crate) fn build_into(
        &self,
        made: &Path,
        list: &Path,
        environment: Environment,
        folder: &Path,
    ) -> Result<(), Failure> {
        let mut command = self.pip_into(made, folder);
        command.arg("--no-build-isolation").args(ONLY_HASHED);
        command.args(["--no-binary=:all:", "--requirement"]).arg(list);
        ended(&mut command, folder, environment.list, environment.again)
    }

    /// Sees that the environment can import its module.
    pub(crate) fn check_import(
        &self,
        made: &Path,
        environment: Environment,
        folder: &Path,
    ) -> Result<(), Failure> {
        let Environment { title, module, pythons, .. } = environment;
        let mut command = Command::new(places::python_in(made));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(folder).stdin(Stdio::null());
        let output =
            run(command.args(["-E", "-s", "-c"]).arg(format!("import {module}")).stdout(Stdio::null()))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Failure::harness(
            format!("{title} was installed and cannot be imported: `{}`", last_line(&output)),
            format!(
                "it is pinned for Python {pythons} on Linux; see `{PYTHON} --version`; nothing was stored"
            ),
        ))
    }

    /// pip that installs into an environment. Modules are compiled once here, so that no process of a measurement compiles
    /// what it imports.
    fn pip_into(&self, made: &Path, folder: &Path) -> Command {
        let mut command = self.pip(folder, &["--python"]);
        command.arg(places::python_in(made)).args(["install", "--compile"]);
        command
    }

    /// pip with these arguments.
    fn pip(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = self.command(folder);
        command.args(["-m", "pip"]).args(arguments);
        command
    }

    /// In `folder`, because Python takes modules from the current one first: a `pip.py` there would be run.
    fn command(&self, folder: &Path) -> Command {
        let python = python();
        let mut command = Command::new(python[0]);
        command.args(&python[1..]);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        // pip and zipfile put their scratch here too, where it is cleaned and the free space was checked.
        command.current_dir(folder).env("TMPDIR", folder).stdin(Stdio::null());
        command
    }
}

fn make_python_work() -> String {
    // What does not run there is most often what offers the Microsoft Store.
    let how = if IS_WINDOWS { INSTALL_PYTHON } else { "make `python3 -c 'print(1)'` work" };
    format!("{how}, then: cargo xtask setup")
}

fn run(command: &mut Command) -> Result<Output, Failure> {
    let spawned = command.stderr(Stdio::piped()).spawn().and_then(std::process::Child::wait_with_output);
    spawned.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::harness(
            format!("no `{PYTHON}` on the PATH; it fetches and unpacks what is pinned"),
            format!("{INSTALL_PYTHON}, then: cargo xtask setup"),
        ),
        _ => Failure::harness(format!("cannot start `{PYTHON}`: {error}"), make_python_work()),
    })
}

/// Lets pip do with the list what the command says: no wheel whose hash is not in it. A failure names the list as
/// `name`, and the command `again`.
fn pinned(command: &mut Command, list: &Path, folder: &Path, name: &str, again: &str) -> Result<(), Failure> {
    command.args(WHEELS_ALONE).args(["--require-hashes", "--requirement"]).arg(list);
    ended(command, folder, name, again)
}

fn ended(command: &mut Command, folder: &Path, name: &str, again: &str) -> Result<(), Failure> {
    let output = run(command.stdout(progress()))?;
    if output.status.success() {
        return Ok(());
    }
    if is_full_disk(&String::from_utf8_lossy(&output.stderr)) {
        return Err(full_disk(folder, "it ran full while fetching"));
    }
    Err(not_installed(&output, name, again))
}

/// pip draws its progress bar on stdout; a terminal shows it, a log does not need it.
fn progress() -> Stdio {
    if io::stderr().is_terminal() { io::stderr().into() } else { Stdio::null() }
}

/// Distinguishes pip's failures by their words; it has no exit codes for them.
fn pip_failed(output: &Output, wheel: &Wheel, release: &Release, folder: &Path) -> Failure {
    let complaint = String::from_utf8_lossy(&output.stderr);
    let (version, Wheel { title, package, .. }) = (&release.version, wheel);
    let says = |words: &[&str]| words.iter().any(|words| complaint.contains(words));
    if says(&["No module named pip", "No module named 'pip'"]) {
        return Failure::harness(
            format!("`{PYTHON}` has no pip, which fetches {title}"),
            format!(
                "install it (Debian, Ubuntu: sudo apt-get install python3-pip; elsewhere: {PYTHON} -m ensurepip), \
                 then: cargo xtask setup"
            ),
        );
    }
    if is_full_disk(&complaint) {
        return full_disk(folder, "it ran full while fetching");
    }
    if says(&[CORRUPTED]) {
        return Failure::harness(
            format!("the wheel of {title} `{version}` arrived damaged: pip's own hash check failed"),
            "nothing was stored; try again: cargo xtask setup",
        );
    }
    if says(&["from versions:"]) && !says(&["from versions: none"])
        || !says(&UNREACHABLE) && says(&["No matching distribution found"])
    {
        return Failure::harness(
            format!("the package registry has no {title} `{version}` for this platform"),
            format!("look where pip looks: {PYTHON} -m pip config list; or name your own: --openvino ./DIR"),
        );
    }
    if says(&UNREACHABLE) {
        return Failure::harness(
            format!("cannot reach the package registry to fetch {title} `{version}`"),
            format!(
                "check the network and the proxy ({PYTHON} -m pip config list), then: cargo xtask setup; \
                 or name your own: --openvino ./DIR"
            ),
        );
    }
    Failure::harness(
        format!("pip could not fetch {title} `{version}`: `{}`", last_line(output)),
        format!("see what pip says: {PYTHON} -m pip download --no-deps {package}=={version}"),
    )
}

/// These failures need no more than pip's own last word.
fn not_installed(output: &Output, list: &str, again: &str) -> Failure {
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains(CORRUPTED) {
        return Failure::harness(
            format!("a wheel is not the one that {list} pins: pip's hash check failed"),
            format!(
                "nothing was stored; see which registry pip asks: {PYTHON} -m pip config list; then: {again}"
            ),
        );
    }
    Failure::harness(
        format!("pip could not install {list}: `{}`", last_line(output)),
        format!("check pip, the network and the proxy ({PYTHON} -m pip config list), then: {again}"),
    )
}

fn is_full_disk(complaint: &str) -> bool {
    FULL_DISK.iter().any(|words| complaint.contains(words))
}

/// The disk of the cache folder, in which the temporary `folder` lies, has no room.
fn full_disk(folder: &Path, how: &str) -> Failure {
    Failure::harness(
        format!("no space on the disk of `{}`: {how}", cache(folder)),
        "free some of it, or name another disk: XDG_CACHE_HOME=/ABSOLUTE/DIR cargo xtask setup",
    )
}

/// The folder a message names: the temporary one below it is gone when the message is read.
fn cache(folder: &Path) -> Display<'_> {
    folder.parent().unwrap_or(folder).display()
}

fn last_line(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim().to_owned()
}
