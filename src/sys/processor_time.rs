//! How long a process has kept processors busy.

use std::fs;
use std::path::Path;

use rustix::param::clock_ticks_per_second;

/// User and system time of all threads of a living process, ns; None where it cannot be read. The
/// system counts in hundredths of a second.
#[must_use]
pub(crate) fn processor_time_ns(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    Some(ticks(&stat)? * (1_000_000_000 / clock_ticks_per_second()))
}

/// Fields 14 and 15; the name before them may itself hold blanks and brackets.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_read_whatever_the_process_is_called() {
        let stat = "12 (a) b (c) S 1 12 12 0 -1 4194560 5 0 0 0 700 42 0 0 20 0 3 0 100 0 0";
        assert_eq!(ticks(stat), Some(742));
        assert_eq!(ticks("12 (a) S 1"), None);
    }

    #[test]
    fn this_process_has_used_some_time_after_some_work() {
        let pid = std::process::id();
        let before = processor_time_ns(pid).unwrap();
        let mut sum = 0_u64;
        while processor_time_ns(pid).unwrap() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert_eq!(processor_time_ns(u32::MAX), None);
    }
}
