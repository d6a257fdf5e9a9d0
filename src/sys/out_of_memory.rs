//! Whether the system killed processes for want of memory, by a counter that only grows.

use std::fs;
use std::path::{Path, PathBuf};

/// The counter, and where it stood at the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutOfMemoryKills {
    file: PathBuf,
    before: u64,
}

impl OutOfMemoryKills {
    /// The counter of a process's control group, else of the machine, as it stands now; `root` is `/`.
    #[must_use]
    pub(crate) fn below(root: &Path, pid: u32) -> Self {
        let group = fs::read_to_string(root.join(format!("proc/{pid}/cgroup"))).unwrap_or_default();
        // Control groups of version 2 have one line, `0::/path`.
        let group = group.lines().find_map(|line| line.strip_prefix("0::/"));
        let events = group.map(|path| root.join("sys/fs/cgroup").join(path).join("memory.events"));
        // The machine's counter sees everybody's kills; a control group's, where there is one, our own.
        let file = events.filter(|file| file.is_file()).unwrap_or_else(|| root.join("proc/vmstat"));
        Self { before: kills(&file), file }
    }

    /// Whether there was a kill since.
    #[must_use]
    pub(crate) fn grew(&self) -> bool {
        kills(&self.file) > self.before
    }
}

/// The line `oom_kill N`, which both files have; a file that is not there counts nothing.
fn kills(file: &Path) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let reported = text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok());
    reported.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str, text: &str) {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn a_kill_in_the_worker_s_control_group_is_seen_and_one_elsewhere_is_not() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "proc/7/cgroup", "0::/bench\n");
        write(root.path(), "sys/fs/cgroup/bench/memory.events", "oom 0\noom_kill 1\n");
        write(root.path(), "proc/vmstat", "oom_kill 1\n");
        let kills = OutOfMemoryKills::below(root.path(), 7);
        write(root.path(), "proc/vmstat", "oom_kill 2\n");
        assert!(!kills.grew());
        write(root.path(), "sys/fs/cgroup/bench/memory.events", "oom 1\noom_kill 2\n");
        assert!(kills.grew());
    }

    #[test]
    fn without_control_groups_the_machine_s_counter_tells() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "proc/vmstat", "pswpin 9\noom_kill 1\n");
        let kills = OutOfMemoryKills::below(root.path(), 7);
        assert!(!kills.grew());
        write(root.path(), "proc/vmstat", "pswpin 9\noom_kill 2\n");
        assert!(kills.grew());
    }
}
