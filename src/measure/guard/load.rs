//! Load of the machine: pressure stalls, swapping, and kills for want of memory.

use crate::sys::{SysfsRoot, Unavailable};

/// A resource that tasks can wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// Disks.
    Io,
}

/// Who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// At least one task.
    Some,
    /// All tasks that could run.
    Full,
}

/// The share of the last ten seconds in which tasks waited for a resource, percent.
///
/// # Errors
/// When the kernel does not report.
pub(super) fn pressure_avg10_percent(
    root: &SysfsRoot,
    resource: Resource,
    waiting: Waiting,
) -> Result<f64, Unavailable> {
    let name = match resource {
        Resource::Cpu => "cpu",
        Resource::Memory => "memory",
        Resource::Io => "io",
    };
    let kind = match waiting {
        Waiting::Some => "some ",
        Waiting::Full => "full ",
    };
    let path = format!("proc/pressure/{name}");
    let text = root.text(&path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(kind)).unwrap_or_default();
    let average = line.split(' ').find_map(|field| field.strip_prefix("avg10=")?.parse::<f64>().ok());
    average.filter(|percent| (0.0..=100.0).contains(percent)).ok_or_else(|| {
        Unavailable::because(format!("`/{path}` has no share of ten seconds after `{}`", kind.trim()))
    })
}

/// Pages read back from swap since the machine was started.
///
/// # Errors
/// When the kernel does not report.
pub(super) fn pages_swapped_in(root: &SysfsRoot) -> Result<u64, Unavailable> {
    counter(root, "proc/vmstat", "pswpin")
}

/// The file that counts the events of a process's memory group; `None` is the calling process.
///
/// A process is found by its group once, for when it has ended it has none.
///
/// # Errors
/// When the process is in no group of the unified hierarchy.
pub(super) fn memory_events_file(root: &SysfsRoot, process: Option<u32>) -> Result<String, Unavailable> {
    let process = process.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let path = format!("proc/{process}/cgroup");
    let groups = root.text(&path)?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    let group = group.ok_or_else(|| Unavailable::because(format!("`/{path}` names no unified group")))?;
    let folder = format!("sys/fs/cgroup/{group}");
    Ok(format!("{}/memory.events", folder.trim_end_matches('/')))
}

/// Processes of the group that were killed for want of memory, since the group was made.
///
/// # Errors
/// When the kernel does not report.
pub(super) fn oom_kills(root: &SysfsRoot, memory_events_file: &str) -> Result<u64, Unavailable> {
    counter(root, memory_events_file, "oom_kill")
}

/// The number in a line such as `pswpin 12`.
fn counter(root: &SysfsRoot, path: &str, name: &str) -> Result<u64, Unavailable> {
    let text = root.text(path)?;
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    let number = line.and_then(|line| line.split(' ').nth(1)?.trim().parse().ok());
    number.ok_or_else(|| Unavailable::because(format!("`/{path}` has no number after `{name}`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::kernel_tree::Tree;

    #[test]
    fn pressure_is_the_share_of_ten_seconds() {
        let root = Tree::xe();
        let read = |resource, waiting| pressure_avg10_percent(&root.root(), resource, waiting);
        assert_eq!(read(Resource::Cpu, Waiting::Some), Ok(1.25));
        assert_eq!(read(Resource::Memory, Waiting::Full), Ok(0.0));
        assert_eq!(read(Resource::Io, Waiting::Some), Ok(0.5));
    }

    #[test]
    fn pressure_that_is_no_share_is_not_observed() {
        for text in
            ["", "full avg10=1.00", "some avg60=1.00", "some avg10=NaN", "some avg10=-1", "some avg10=inf"]
        {
            let tree = Tree::new().file("proc/pressure/cpu", text);
            let read = pressure_avg10_percent(&tree.root(), Resource::Cpu, Waiting::Some);
            assert!(read.unwrap_err().reason.contains("`some`"), "{text}");
        }
        assert!(pressure_avg10_percent(&Tree::new().root(), Resource::Io, Waiting::Some).is_err());
    }

    #[test]
    fn counters_are_found_by_their_whole_name() {
        let root = Tree::xe();
        assert_eq!(pages_swapped_in(&root.root()), Ok(12));
        let file = memory_events_file(&root.root(), None).unwrap();
        assert_eq!(oom_kills(&root.root(), &file), Ok(2), "and not the `oom` before it");
        let torn = Tree::new().file("proc/vmstat", "pswpin x\n");
        assert!(pages_swapped_in(&torn.root()).is_err());
    }

    #[test]
    fn the_group_is_that_of_the_process_requested() {
        let tree = Tree::new()
            .file("proc/7/cgroup", "1:name=systemd:/x\n0::/system.slice/a.service\n")
            .file("proc/8/cgroup", "0::/\n")
            .file("proc/9/cgroup", "4:memory:/old\n");
        let file = |pid| memory_events_file(&tree.root(), Some(pid));
        assert_eq!(file(7).as_deref(), Ok("sys/fs/cgroup/system.slice/a.service/memory.events"));
        assert_eq!(file(8).as_deref(), Ok("sys/fs/cgroup/memory.events"));
        assert!(file(9).unwrap_err().reason.contains("no unified group"));
        assert!(file(10).is_err());
    }
}
