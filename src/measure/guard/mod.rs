//! The state of the machine before, while and after a process is measured: raw readings, no verdict.
//!
//! What a machine does not report is recorded as not observed, with the reason. Readings of an Intel
//! GPU follow what its drivers document, and are tested on fixtures.

mod gpu;
mod power;
mod reader;
mod temperature;

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::sys::fdinfo::{OtherGpuUse, compute_work};
use crate::sys::{ClockPair, CpuTime, Observed, SysfsRoot};

pub use gpu::{GpuDriver, GpuFacts, GpuReading};
pub use reader::{CpuPolicy, MachineReader};
pub use temperature::Temperatures;

/// When a reading was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Before the worker was started.
    Before,
    /// While it ran.
    During,
    /// After it ended.
    After,
}

/// What should not change while a process is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineFacts {
    /// How the processor's clock is governed.
    pub cpu: CpuPolicy,
    /// The firmware's power profile.
    pub platform_profile: Observed<String>,
    /// Every Intel GPU.
    pub gpus: Observed<Vec<GpuFacts>>,
    /// Where each energy counter begins again, microjoules.
    pub energy_range_microjoules: Observed<PackageCounters>,
}

/// The machine at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineReading {
    /// When, ns of the clock that the watch was given.
    pub at_ns: u64,
    /// Before, during or after.
    pub phase: Phase,
    /// Every Intel GPU.
    pub gpus: Observed<Vec<GpuReading>>,
    /// Temperatures by sensor, degrees Celsius.
    pub temperatures_celsius: Observed<Temperatures>,
    /// How often the processor throttled for heat since it was started.
    pub cpu_throttle_count: Observed<u64>,
    /// Whether the machine runs on AC power.
    pub is_on_ac_power: Observed<bool>,
    /// The share of ten seconds in which some task waited for a processor, percent.
    pub cpu_some_avg10_percent: Observed<f64>,
    /// How long the processors have worked, in all and for this program and its workers.
    #[serde(default = "not_read")]
    pub cpu_time: Observed<CpuTime>,
    /// The share of ten seconds in which all tasks waited for memory, percent.
    pub memory_full_avg10_percent: Observed<f64>,
    /// The share of ten seconds in which some task waited for a disk, percent.
    pub io_some_avg10_percent: Observed<f64>,
    /// Pages read back from swap since the machine was started.
    pub pages_swapped_in: Observed<u64>,
    /// Processes of the worker's memory group that were killed for want of memory.
    pub oom_kills: Observed<u64>,
    /// The packages' energy counters, microjoules; each begins again at its range among the facts.
    pub energy_microjoules: Observed<PackageCounters>,
    /// The worker's own use of each GPU that it has opened; empty where it has opened none.
    pub worker_gpus: Observed<Vec<WorkerGpuUse>>,
    /// What other programs do on the GPU.
    pub other_gpu: Observed<OtherGpuUse>,
}

/// Older records do not have it.
fn not_read<T>() -> Observed<T> {
    Observed::not("the program that made the record did not read it")
}

/// A number of each of the processor's packages, by the name of its zone, as in `package-0`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredCounters")]
pub struct PackageCounters(BTreeMap<String, u64>);

/// Older records have the number of one package alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredCounters {
    ByZone(BTreeMap<String, u64>),
    Single(u64),
}

impl From<StoredCounters> for PackageCounters {
    fn from(stored: StoredCounters) -> Self {
        match stored {
            StoredCounters::ByZone(by_zone) => by_zone.into(),
            StoredCounters::Single(number) => number.into(),
        }
    }
}

impl From<BTreeMap<String, u64>> for PackageCounters {
    fn from(by_zone: BTreeMap<String, u64>) -> Self {
        Self(by_zone)
    }
}

/// The number of a machine's only package.
impl From<u64> for PackageCounters {
    fn from(number: u64) -> Self {
        BTreeMap::from([("package-0".to_owned(), number)]).into()
    }
}

impl PackageCounters {
    /// All packages together.
    pub fn total(&self) -> u64 {
        self.0.values().copied().fold(0, u64::saturating_add)
    }

    /// The number of a package.
    pub fn of(&self, zone: &str) -> Option<u64> {
        self.0.get(zone).copied()
    }

    /// Each package with its number.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(zone, number)| (zone.as_str(), *number))
    }

    /// How many packages there are.
    pub fn packages(&self) -> usize {
        self.0.len()
    }
}

/// What the worker has used of one GPU, its clients there together. An engine that has not worked for
/// it is not named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerGpuUse {
    /// Which GPU, as in `0000:00:02.0`.
    pub pci_address: String,
    /// How many clients it has there.
    pub clients: usize,
    /// Cycles in which engines worked for it, by class (xe).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub busy_cycles: BTreeMap<String, u64>,
    /// Time in which engines worked for it, ns, by class (i915).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub busy_ns: BTreeMap<String, u64>,
    /// Its resident memory, bytes; None where the kernel does not report. A buffer that two of its
    /// clients share counts twice.
    pub resident_bytes: Option<u64>,
}

/// The machine's state around and during one process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GuardLog {
    /// What should not change, at the start.
    pub facts: MachineFacts,
    /// The same at the end, where it did change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts_at_end: Option<MachineFacts>,
    /// Both clocks at the start.
    pub clocks_before: Observed<ClockPair>,
    /// Both clocks at the end.
    pub clocks_after: Observed<ClockPair>,
    /// The readings, in order of time.
    pub readings: Vec<MachineReading>,
    /// Why readings are missing at the end, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short_reason: Option<String>,
}

impl WorkerGpuUse {
    /// What engines that can compute have done for it: cycles or ns, whichever its driver reports.
    pub fn work(&self) -> u64 {
        compute_work(&self.busy_cycles, &self.busy_ns)
    }
}

impl GuardLog {
    /// The readings from the last before a span to the first after it.
    pub fn around(&self, start_ns: u64, end_ns: u64) -> &[MachineReading] {
        let readings = &self.readings;
        let start = readings.iter().rposition(|reading| reading.at_ns <= start_ns).unwrap_or(0);
        let end = readings.iter().position(|reading| reading.at_ns >= end_ns);
        readings.get(start..end.map_or(readings.len(), |last| last + 1)).unwrap_or_default()
    }

    /// By how much the worker's work on GPUs grew over a span; None where it was not read to the span's end.
    pub fn gpu_work(&self, start_ns: u64, end_ns: u64) -> Option<u64> {
        let readings = self.around(start_ns, end_ns);
        let is_cut_short = readings.last().is_none_or(|last| last.at_ns < end_ns);
        let grown = gpu_work(readings)?;
        // Of what is cut short it is known that there was work, not that there was none.
        Some(grown).filter(|_| !is_cut_short || self.cut_short_reason.is_none())
    }

    /// The most GPU memory that the worker had at a reading, all GPUs together, bytes. There is no
    /// high-water mark: what came and went between two readings was not seen.
    pub fn peak_device_memory_bytes(&self) -> Option<u64> {
        let readings = self.readings.iter().filter_map(|reading| reading.worker_gpus.value());
        let sums = readings.filter_map(|gpus| {
            gpus.iter().filter_map(|usage| usage.resident_bytes).reduce(u64::saturating_add)
        });
        sums.max()
    }
}

/// By how much the worker's work on GPUs grew from the first to the last of these readings; None where no reading has
/// a GPU that it opened.
pub fn gpu_work(readings: &[MachineReading]) -> Option<u64> {
    // At the end the worker may be gone, and what it has used with it.
    let usages =
        readings.iter().filter_map(|reading| reading.worker_gpus.value()).filter(|gpus| !gpus.is_empty());
    let work: Vec<u64> =
        usages.map(|gpus| gpus.iter().map(WorkerGpuUse::work).fold(0, u64::saturating_add)).collect();
    // A process has used nothing when it starts, so one reading is enough to see that it did.
    let before = if work.len() > 1 { *work.first()? } else { 0 };
    Some(work.last()?.saturating_sub(before))
}

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
        // Fails only when the thread is gone, which `finish` reports.
        let _ = self.orders.send(Order::Worker(process));
    }

    /// Takes the reading after, and gives all of them.
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

    /// Takes in what the thread reports until there is enough, or the last has come, which is given
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
            cpu: crate::measure::guard::CpuPolicy {
                governors: not(),
                energy_preferences: not(),
                is_turbo_off: not(),
            },
            platform_profile: not(),
            gpus: not(),
            energy_range_microjoules: not(),
        }
    }
}

/// The thread. It ends when ordered to, or when nobody listens any more.
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::*;
    use crate::sys::kernel_tree::{PCI, Tree, xe_client};

    #[test]
    fn a_record_with_the_number_of_one_package_is_read_as_before() {
        let read = |text: &str| serde_json::from_str::<Observed<PackageCounters>>(text).unwrap();
        assert_eq!(read("7"), Observed::Observed(7.into()));
        let both = read(r#"{"package-0": 7, "package-1": 5}"#);
        assert_eq!(both.value().map(PackageCounters::total), Some(12));
        assert_eq!(read(r#"{"not_observed": "no zone"}"#), Observed::not("no zone"));
    }

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
        // No file of a test waits as a driver does, so that the clock does.
        let hangs = Arc::new(AtomicBool::new(false));
        let hanging = Arc::clone(&hangs);
        let clock = move || {
            while hanging.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
            0
        };
        let tree = Tree::xe();
        let watch = Watch::start_every(tree.root(), clock, None, NEVER, Duration::from_millis(500));
        hangs.store(true, Ordering::Relaxed);
        let log = watch.finish();
        hangs.store(false, Ordering::Relaxed);
        assert_eq!(log.readings.len(), 1);
        assert!(log.cut_short_reason.unwrap().contains("not done after 0.5 s"));
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
