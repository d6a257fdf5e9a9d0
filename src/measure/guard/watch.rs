//! Takes a reading before, one a second while a worker runs, and one after, on a thread of its own.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::measure::guard::{GuardLog, MachineFacts, MachineReader, MachineReading, Phase};
use crate::sys::{ClockPair, Observed, SysfsRoot};

/// One reading a second: more would show up in what is measured.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long a reading may take. A driver whose device hangs may never answer, and the log is wanted
/// then, too.
const PATIENCE: Duration = Duration::from_secs(5);

/// Readings being taken. Dropped without [`Watch::finish`], it takes no more.
#[derive(Debug)]
pub struct Watch {
    orders: Sender<Order>,
    news: Receiver<News>,
    clocks_before: Observed<ClockPair>,
    /// What came so far.
    facts: MachineFacts,
    readings: Vec<MachineReading>,
    patience: Duration,
}

enum Order {
    Worker(u32),
    Finish,
}

enum News {
    Facts(MachineFacts),
    Reading(Box<MachineReading>),
    /// The last: the facts at the end.
    Done(MachineFacts),
}

impl Watch {
    /// Takes the reading before, and goes on each second. `clock` dates the readings, ns; the worker
    /// may be named later, by [`Watch::set_worker`].
    pub fn start(root: SysfsRoot, clock: impl Fn() -> u64 + Send + 'static, worker: Option<u32>) -> Self {
        Self::start_every(root, clock, worker, INTERVAL, PATIENCE)
    }

    fn start_every(
        root: SysfsRoot,
        clock: impl Fn() -> u64 + Send + 'static,
        worker: Option<u32>,
        interval: Duration,
        patience: Duration,
    ) -> Self {
        let (orders, to_obey) = mpsc::channel();
        let (to_tell, news) = mpsc::channel();
        let clocks_before = ClockPair::now();
        // Not joined: one that never comes back from the kernel is left to itself.
        thread::spawn(move || watch(root, clock, worker, interval, &to_obey, &to_tell));
        let mut watch = Self {
            orders,
            news,
            clocks_before,
            facts: MachineFacts::never_read(),
            readings: Vec::new(),
            patience,
        };
        // The worker must not be started before the reading that precedes it.
        watch.collect(|watch| !watch.readings.is_empty());
        watch
    }

    /// Names the worker, once it has been started.
    pub fn set_worker(&self, process: u32) {
        // Fails only when the thread is gone, which `finish` tells.
        let _ = self.orders.send(Order::Worker(process));
    }

    /// Takes the reading after, and gives all of them.
    #[must_use]
    pub fn finish(mut self) -> GuardLog {
        let _ = self.orders.send(Order::Finish);
        let facts_at_end = self.collect(|_| false);
        let cut_short_reason = facts_at_end.is_none().then(|| {
            format!("a reading of the machine's state was not done after {} s", self.patience.as_secs_f64())
        });
        GuardLog {
            facts_at_end: facts_at_end.filter(|facts| *facts != self.facts),
            facts: self.facts,
            clocks_before: self.clocks_before,
            clocks_after: ClockPair::now(),
            readings: self.readings,
            cut_short_reason,
        }
    }

    /// Takes in what the thread tells until there is enough, or the last has come, which is given
    /// back, or patience ends.
    fn collect(&mut self, is_enough: impl Fn(&Self) -> bool) -> Option<MachineFacts> {
        while !is_enough(self) {
            match self.news.recv_timeout(self.patience).ok()? {
                News::Facts(facts) => self.facts = facts,
                News::Reading(reading) => self.readings.push(*reading),
                News::Done(facts) => return Some(facts),
            }
        }
        None
    }
}

impl MachineFacts {
    /// Stands in until the first facts have come.
    fn never_read() -> Self {
        fn not<T>() -> Observed<T> {
            Observed::not("the machine's state was never read")
        }
        Self {
            cpu: super::CpuPolicy { governors: not(), energy_preferences: not(), is_turbo_off: not() },
            platform_profile: not(),
            gpus: not(),
            energy_range_microjoules: not(),
        }
    }
}

/// The thread. It ends when told to, or when nobody listens any more.
fn watch(
    root: SysfsRoot,
    clock: impl Fn() -> u64,
    worker: Option<u32>,
    interval: Duration,
    orders: &Receiver<Order>,
    news: &Sender<News>,
) -> Option<()> {
    let mut reader = MachineReader::new(root, worker);
    news.send(News::Facts(reader.facts())).ok()?;
    news.send(News::Reading(Box::new(reader.read(clock(), Phase::Before)))).ok()?;
    let mut next = Instant::now() + interval;
    loop {
        match orders.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Order::Worker(process)) => reader.set_worker(process),
            Err(RecvTimeoutError::Timeout) => {
                news.send(News::Reading(Box::new(reader.read(clock(), Phase::During)))).ok()?;
                // Counted from now: a late reading is not made up for by a hasty one.
                next = Instant::now() + interval;
            }
            Ok(Order::Finish) => {
                news.send(News::Reading(Box::new(reader.read(clock(), Phase::After)))).ok()?;
                return news.send(News::Done(reader.facts())).ok();
            }
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::sys::kernel_tree::{CARD, PCI, Tree, xe_client};

    const NEVER: Duration = Duration::from_mins(10);

    /// Counts its own readings, so that a test can wait for one.
    fn counted() -> (Arc<AtomicU64>, impl Fn() -> u64 + Send + 'static) {
        let count = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&count);
        (count, move || clock.fetch_add(1, Ordering::SeqCst))
    }

    #[test]
    fn a_short_worker_has_a_reading_before_and_one_after_and_is_not_waited_for() {
        let tree = Tree::xe();
        let log = Watch::start_every(tree.root(), || 9, None, NEVER, NEVER).finish();
        let phases: Vec<Phase> = log.readings.iter().map(|reading| reading.phase).collect();
        assert_eq!(phases, [Phase::Before, Phase::After]);
        assert_eq!((log.facts_at_end, log.cut_short_reason), (None, None));
        assert_eq!(log.readings[0].at_ns, 9);
        assert!(log.facts.gpus.value().is_some());
    }

    #[test]
    fn a_worker_is_watched_while_it_runs_and_its_highest_memory_is_known() {
        let second = xe_client(1, 0, 100, 0).replace(PCI, "0000:03:00.0");
        let tree = Tree::xe().client(7, 3, &xe_client(1, 40, 100, 8 << 10)).client(7, 4, &second);
        let (count, clock) = counted();
        let watch = Watch::start_every(tree.root(), clock, None, Duration::from_millis(1), NEVER);
        watch.set_worker(7);
        let named_at = count.load(Ordering::SeqCst);
        while count.load(Ordering::SeqCst) < named_at + 3 {
            thread::yield_now();
        }
        tree.write("proc/7/fdinfo/3", &xe_client(1, 80, 200, 0));
        let log = watch.finish();
        assert!(log.readings.iter().any(|reading| reading.phase == Phase::During));
        assert!(log.readings.iter().rev().skip(1).all(|reading| reading.phase != Phase::After));
        assert!(log.readings.is_sorted_by_key(|reading| reading.at_ns));
        assert_eq!(log.peak_device_memory_bytes(), Some((8 << 20) + 2 * (1 << 20)), "on both GPUs");
        assert!(log.readings[0].worker_gpus.value().is_none(), "there was no worker before");
    }

    #[test]
    fn a_governor_that_changes_under_way_is_kept() {
        let tree = Tree::xe();
        let watch = Watch::start_every(tree.root(), || 0, None, NEVER, NEVER);
        tree.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave");
        let log = watch.finish();
        let at_end = log.facts_at_end.unwrap();
        assert_ne!(at_end.cpu.governors, log.facts.cpu.governors);
        assert_eq!(at_end.gpus, log.facts.gpus);
    }

    #[test]
    fn a_driver_that_never_answers_costs_the_last_readings_and_not_the_log() {
        let tree = Tree::xe();
        let watch = Watch::start_every(tree.root(), || 0, None, NEVER, Duration::from_millis(500));
        let file = tree.path(&format!("{CARD}/device/tile0/gt0/freq0/act_freq"));
        std::fs::remove_file(&file).unwrap();
        assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
        let log = watch.finish();
        assert_eq!(log.readings.len(), 1);
        assert!(log.cut_short_reason.unwrap().contains("not done after 0.5 s"));
        // Lets the thread go.
        drop(std::fs::OpenOptions::new().write(true).open(&file));
    }

    #[test]
    fn a_log_comes_back_from_disk_as_it_was() {
        for tree in [Tree::xe(), Tree::i915(), Tree::new()] {
            let log = Watch::start(tree.root(), || u64::MAX, Some(7)).finish();
            let text = serde_json::to_string(&log).unwrap();
            assert_eq!(serde_json::from_str::<GuardLog>(&text).unwrap(), log);
        }
    }
}
