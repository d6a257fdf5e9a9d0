//! The worker of a `bench` that is under way.

use std::fs;
use std::process::{Child, Output};
use std::thread;
use std::time::{Duration, Instant};

/// No worker takes so long to load.
const SOON: Duration = Duration::from_mins(2);
/// Hello, resolved, the edited graph, loaded, ready, the first token, the prefill's end, tokens, the
/// warm-up's end: what a worker writes after these is of measured generations.
const WRITES_BEFORE_MEASURED: u64 = 9;

/// A `bench` under way, which does not outlive a test that fails.
pub(crate) struct Living(Option<Child>);

impl Living {
    pub(crate) fn of(child: Child) -> Self {
        Self(Some(child))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until the worker of this supervisor has made its warm-up, and gives its process.
pub(crate) fn worker_that_decodes(supervisor: u32) -> u32 {
    let start = Instant::now();
    loop {
        let found = worker_of(supervisor).filter(|pid| writes(*pid) > WRITES_BEFORE_MEASURED);
        if let Some(pid) = found {
            return pid;
        }
        assert!(start.elapsed() < SOON, "no worker came");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The worker of a supervisor: the child of its reaper. What keeps the machine awake is another child.
pub(crate) fn worker_of(supervisor: u32) -> Option<u32> {
    let reaper = children_of(supervisor).into_iter().find(|child| {
        let arguments = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        arguments.split(|byte| *byte == 0).any(|argument| argument == b"reaper")
    })?;
    children_of(reaper).first().copied()
}

fn children_of(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// How often a process has called `write`.
fn writes(pid: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let calls = io.lines().find_map(|line| line.strip_prefix("syscw: "));
    calls.and_then(|calls| calls.trim().parse().ok()).unwrap_or_default()
}
