//! Keeps the machine awake while it is measured, where the system has a way to ask for that.

use std::process::{Child, Command, Stdio};

/// What is requested, and of whom, on Linux with systemd. It holds as long as `cat` does, and `cat`
/// until our end of its pipe is closed, however we end.
const PROGRAM: &str = "systemd-inhibit";
const ARGUMENTS: [&str; 5] =
    ["--what=sleep:idle", "--who=arcgauge", "--why=a measurement is under way", "--mode=block", "cat"];

/// Sleep is put off until this is dropped. Where the system has no such facility, it is not, and a machine
/// that does sleep is noticed by its clocks.
#[derive(Debug)]
pub struct SleepInhibitor {
    child: Option<Child>,
}

impl SleepInhibitor {
    /// Asks the system, and goes on without an answer.
    pub fn hold() -> Self {
        let requested = Command::new(PROGRAM)
            .args(ARGUMENTS)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self { child: requested.ok() }
    }
}

impl Drop for SleepInhibitor {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.stdin.take());
            // One that still waits for the system's answer is not waited for.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
