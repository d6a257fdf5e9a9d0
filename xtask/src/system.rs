//! What is called otherwise, or done otherwise, on Windows.

use std::env::consts::EXE_SUFFIX;
use std::io;
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

/// Whether this xtask is for Windows.
pub(crate) const IS_WINDOWS: bool = cfg!(windows);

/// How Python 3 may be called. Its installer for Windows puts `py` on the PATH, and `python` there may be a program that
/// only offers the Microsoft Store.
const PYTHONS: &[&[&str]] = if IS_WINDOWS { &[&["python"], &["py", "-3"]] } else { &[&["python3"]] };
/// Python 3, as messages name it.
pub(crate) const PYTHON: &str = PYTHONS[0][0];
/// Where Python comes from.
pub(crate) const INSTALL_PYTHON: &str = if IS_WINDOWS {
    "install Python 3 (winget install Python.Python.3.13)"
} else {
    "install Python 3 with pip (Debian, Ubuntu: sudo apt-get install python3 python3-pip)"
};
/// npm, which is a script on Windows: without its ending it is not found there.
pub(crate) const NPM: &str = if IS_WINDOWS { "npm.cmd" } else { "npm" };
/// Ends well in Python 3 alone.
const IS_PYTHON_3: [&str; 2] = ["-c", "import sys; sys.exit(sys.version_info < (3,))"];

/// The words by which Python 3 is called here.
pub(crate) fn python() -> &'static [&'static str] {
    static FOUND: OnceLock<&[&str]> = OnceLock::new();
    FOUND.get_or_init(|| first_that_runs(PYTHONS, runs_python_3))
}

/// A single one is called without a trial. Where none runs, it is the first that a message names.
fn first_that_runs<'a>(pythons: &[&'a [&'a str]], runs: impl Fn(&[&str]) -> bool) -> &'a [&'a str] {
    match pythons {
        [only] => only,
        several => several.iter().find(|words| runs(words)).copied().unwrap_or(several[0]),
    }
}

fn runs_python_3(words: &[&str]) -> bool {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(IS_PYTHON_3).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// A program's file, by its path without what the system adds.
pub(crate) fn executable(path: &str) -> String {
    format!("{path}{EXE_SUFFIX}")
}

/// Replaces this process, so that signals and the exit code are the program's own.
#[cfg(not(windows))]
pub(crate) fn become_it(command: &mut Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

/// Windows replaces no process: this one waits, and ends with the program's code, which may be larger than 255.
#[cfg(windows)]
#[expect(unsafe_code, reason = "the console has no safe interface")]
pub(crate) fn become_it(command: &mut Command) -> io::Result<ExitCode> {
    // SAFETY: the handler is a function of this program, which takes any event.
    unsafe { windows_sys::Win32::System::Console::SetConsoleCtrlHandler(Some(leave_to_the_program), 1) };
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(20))
}

/// Ctrl-C reaches all processes of a console. The program stores what was measured, and this one must not end before.
#[cfg(windows)]
#[expect(unsafe_code, reason = "the console calls it")]
unsafe extern "system" fn leave_to_the_program(_event: u32) -> windows_sys::core::BOOL {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_python_that_runs_is_taken_and_a_single_one_without_a_trial() {
        let both: &[&[&str]] = &[&["python"], &["py", "-3"]];
        assert_eq!(first_that_runs(both, |_| true), ["python"]);
        assert_eq!(first_that_runs(both, |words| words == ["py", "-3"]), ["py", "-3"]);
        assert_eq!(first_that_runs(both, |_| false), ["python"]);
        assert_eq!(first_that_runs(&both[1..], |_| panic!("tried")), ["py", "-3"]);
    }

    #[test]
    fn a_program_that_is_missing_or_no_python_3_is_not_taken() {
        assert!(!runs_python_3(&["xtask-has-no-such-program"]));
        assert!(!runs_python_3(&["false"]));
        assert!(runs_python_3(&["true"]));
    }
}
