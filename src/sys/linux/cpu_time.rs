//! The counters of `/proc/stat`.

use std::ops::RangeInclusive;

use rustix::param::clock_ticks_per_second;

use crate::sys::os::process::ticks_with_children;
use crate::sys::{CpuTime, SysfsRoot, Unavailable};

impl CpuTime {
    /// Of the processors of the first of these processes.
    ///
    /// # Errors
    /// When the kernel does not report, or all of the processes have ended.
    pub fn read(root: &SysfsRoot, processes: &[u32]) -> Result<Self, Unavailable> {
        let own = processes.iter().filter_map(|process| {
            let stat = root.text(&format!("proc/{process}/stat")).ok()?;
            ticks_with_children(&stat)
        });
        let own = own.reduce(u64::saturating_add);
        let own = own.ok_or_else(|| Unavailable::because("the time of no process of ours could be read"))?;
        let allowed = processes.first().and_then(|process| allowed_processors(root, *process));
        let text = root.text("proc/stat")?;
        let lines = text.lines().filter_map(processor);
        let busy: Vec<u64> = lines
            .filter(|(number, _)| {
                allowed.as_ref().is_none_or(|all| all.iter().any(|part| part.contains(number)))
            })
            .map(|(_, busy)| busy)
            .collect();
        // A sandbox that counts nothing has such a file, too.
        if busy.iter().all(|ticks| *ticks == 0) {
            return Err(Unavailable::because("`/proc/stat` counts no busy time of these processors"));
        }
        let ns = |ticks: u64| ticks.saturating_mul(1_000_000_000 / clock_ticks_per_second());
        Ok(Self {
            processors: u32::try_from(busy.len()).unwrap_or(u32::MAX),
            busy_ns: ns(busy.into_iter().fold(0, u64::saturating_add)),
            own_ns: ns(own),
        })
    }
}

/// The number and the busy ticks in a line such as `cpu0 user nice system idle iowait irq softirq steal`. Interrupts
/// are no programs, and what runs for a guest is in the user time already.
fn processor(line: &str) -> Option<(u32, u64)> {
    let mut fields = line.strip_prefix("cpu")?.split_ascii_whitespace();
    let number = fields.next()?.parse().ok()?;
    let ticks: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
    let [user, nice, system, ..] = ticks[..] else { return None };
    let stolen = ticks.get(7).copied().unwrap_or_default();
    (line.as_bytes().get(3)?.is_ascii_digit())
        .then(|| (number, [user, nice, system, stolen].into_iter().fold(0, u64::saturating_add)))
}

/// The processors on which a process may run, as in `0-3,8`.
fn allowed_processors(root: &SysfsRoot, process: u32) -> Option<Vec<RangeInclusive<u32>>> {
    let text = root.text(&format!("proc/{process}/status")).ok()?;
    let list = text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(from.parse().ok()?..=to.parse().ok()?)
    };
    list.trim().split(',').map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::kernel_tree::{Tree, process_stat};

    const STAT: &str = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 100 20 30 900 50 60 70 5 80 0\ncpu1 7 0 0 990 0 0 0 0 0 0\n\
                        cpu2 1000 0 0 0 0 0 0 0 0 0\nintr 5\n";
    const TICK: u64 = 10_000_000;

    fn tree() -> Tree {
        Tree::new()
            .file("proc/stat", STAT)
            .file("proc/7/stat", &process_stat(7, [40, 2, 30, 1]))
            .file("proc/8/stat", &process_stat(8, [5, 0, 0, 0]))
    }

    #[test]
    fn programs_and_other_guests_count_as_busy_and_waiting_and_interrupts_do_not() {
        let read = CpuTime::read(&tree().root(), &[7]).unwrap();
        assert_eq!(read, CpuTime { processors: 3, busy_ns: (155 + 7 + 1000) * TICK, own_ns: 73 * TICK });
    }

    #[test]
    fn our_processes_count_with_the_children_that_ended_and_without_those_that_are_gone() {
        let own = |processes: &[u32]| CpuTime::read(&tree().root(), processes).map(|read| read.own_ns / TICK);
        assert_eq!((own(&[7, 8]), own(&[7, 99])), (Ok(78), Ok(73)));
        assert!(own(&[99]).is_err() && own(&[]).is_err());
    }

    #[test]
    fn processors_on_which_we_may_not_run_do_not_count() {
        let at = |list: &str| {
            let tree = tree().file("proc/7/status", &format!("Name:\tx\nCpus_allowed_list:\t{list}\n"));
            CpuTime::read(&tree.root(), &[7]).map(|read| (read.processors, read.busy_ns / TICK))
        };
        assert_eq!(at("0-1"), Ok((2, 162)));
        assert_eq!(at("1,2"), Ok((2, 1007)));
        assert_eq!(at("0-63"), Ok((3, 1162)), "more than there are");
        assert_eq!(at("0-4294967295"), Ok((3, 1162)), "far more than there are");
        assert_eq!(at("?"), Ok((3, 1162)), "unreadable: all of them");
        assert!(at("9").is_err());
    }

    #[test]
    fn a_sandbox_that_counts_nothing_is_not_observed() {
        let idle = tree().file("proc/stat", "cpu 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n");
        assert!(CpuTime::read(&idle.root(), &[7]).is_err());
        let none = tree();
        none.remove("proc/stat");
        assert!(CpuTime::read(&none.root(), &[7]).unwrap_err().reason.contains("/proc/stat"));
    }

    #[test]
    fn this_machine_was_busier_than_this_program() {
        if let Ok(read) = CpuTime::read(&SysfsRoot::this_machine(), &[std::process::id()]) {
            assert!(read.processors > 0 && read.busy_ns > read.own_ns, "{read:?}");
        }
    }
}
