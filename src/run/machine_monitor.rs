//! Watches the machine around each worker process: waits until it is idle or has cooled down, reads its guards, and
//! runs the bandwidth reference before it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crate::error::Result;
use crate::judge::environment::Guard;
use crate::judge::{Advice, preflight};
use crate::measure::guard::{GuardLog, MachineReader, Phase, Temperatures, Watch};
use crate::measure::protocol::{CacheState, DeviceResolvedEvent, LoadedEvent};
use crate::measure::supervisor::{Aim, Control, ExitReason, ProcessObserver, Purpose};
use crate::measure::{
    BandwidthReading, BandwidthReference, CoolDownScene, CooledDown, Plan, Role, cool_down,
};
use crate::run::assemble;
use crate::run::plan::Observer;
use crate::sys::{Clock, MonotonicClock, Observed, SysfsRoot};

const SECOND: Duration = Duration::from_secs(1);

/// What was seen around one process.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Around {
    pub(super) bandwidth_before: BandwidthReading,
    /// The sensor that was still too warm at its start, and by how much, where one was.
    pub(super) still_warm: Option<StillWarm>,
    pub(super) guards: Option<GuardLog>,
}

/// A start that was warmer than the first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StillWarm {
    pub(super) sensor: String,
    pub(super) above_celsius: f64,
}

/// Watches the machine around processes.
#[derive(Default)]
pub(super) struct MachineMonitor {
    /// Longest wait before the first process for what else runs to become idle.
    settle_limit: Duration,
    pub(super) processes: Vec<Around>,
    pub(super) bandwidth_reference_ns: u64,
    pub(super) cool_down_ns: u64,
    watch: Option<Watch>,
    baseline: Option<Observed<Temperatures>>,
}

impl MachineMonitor {
    pub(super) fn new(settle_limit: Duration) -> Self {
        Self { settle_limit, ..Self::default() }
    }

    /// Waits until the machine is idle, or is as cool as before the first process; begins to watch it, and
    /// runs the bandwidth reference. Errors: when the user stops the wait, or the system gives no thread.
    pub(super) fn before_process(
        &mut self,
        observer: &dyn Observer,
        control: &Arc<Control>,
    ) -> Result<(), ExitReason> {
        let started_ns = MonotonicClock.now_ns();
        let still_warm = match &self.baseline {
            None => wait_until_idle(self.settle_limit, observer, control).map(|()| None),
            Some(baseline) => cooled_down(baseline, observer, control),
        };
        self.cool_down_ns += MonotonicClock.now_ns() - started_ns;
        let still_warm = still_warm?;
        // Its first reading comes before the bandwidth reference's own load.
        self.watch = Some(Watch::start(SysfsRoot::this_machine(), || MonotonicClock.now_ns(), None));
        let bandwidth_before = self.run_bandwidth_reference().map_err(ExitReason::Failed)?;
        self.processes.push(Around { bandwidth_before, still_warm, guards: None });
        Ok(())
    }

    /// The worker is there to be watched.
    pub(super) fn started(&self, pid: Option<u32>) {
        if let (Some(watch), Some(pid)) = (&self.watch, pid) {
            watch.set_worker(pid);
        }
    }

    /// The generations are done.
    pub(super) fn measured(&mut self) {
        if let (Some(watch), Some(last)) = (self.watch.take(), self.processes.last_mut()) {
            let log = watch.finish();
            if self.baseline.is_none() {
                let first = log.readings.first().map(|reading| reading.temperatures_celsius.clone());
                self.baseline = Some(first.unwrap_or_else(|| Observed::not("there was no first reading")));
            }
            last.guards = Some(log);
        }
    }

    /// What was seen around the processes since this was last requested.
    pub(super) fn take_processes(&mut self) -> Vec<Around> {
        std::mem::take(&mut self.processes)
    }

    /// The bandwidth reference run after the last worker has left. Errors: when the system gives no thread.
    pub(super) fn finish(&mut self) -> Result<BandwidthReading> {
        self.watch = None;
        self.run_bandwidth_reference()
    }

    fn run_bandwidth_reference(&mut self) -> Result<BandwidthReading> {
        let start_ns = MonotonicClock.now_ns();
        let reading = BandwidthReference::run();
        self.bandwidth_reference_ns += MonotonicClock.now_ns() - start_ns;
        reading
    }
}

/// Looks at the machine before anything is measured: says what could be fixed, and waits for the load
/// that a build or a bench has just left behind.
fn wait_until_idle(
    limit: Duration,
    observer: &dyn Observer,
    control: &Arc<Control>,
) -> Result<(), ExitReason> {
    let mut reader = MachineReader::new(SysfsRoot::this_machine(), None);
    let facts = reader.facts();
    let mut is_announced = false;
    let mut waited = Duration::ZERO;
    loop {
        let reading = reader.read(MonotonicClock.now_ns(), Phase::Before);
        let mut advice = preflight(&facts, &reading);
        let loaded = advice.iter().any(|advice| advice.guard == Guard::CpuPressure);
        if !loaded || waited >= limit {
            for Advice { problem, fix, .. } in advice.drain(..) {
                observer.say(&format!("before measuring: {problem}"));
                observer.say(&format!("  {fix}"));
            }
            return Ok(());
        }
        if control.stop.load(Ordering::Relaxed) {
            return Err(ExitReason::Interrupted);
        }
        let left = limit.saturating_sub(waited).as_secs();
        observer.aim(&format!("waiting for the machine to become idle, at most {left} s more"));
        if !is_announced && !observer.is_live() {
            observer.say(&format!("waiting for the machine to become idle, at most {left} s"));
        }
        is_announced = true;
        thread::sleep(SECOND);
        waited += SECOND;
    }
}

/// Waits until the machine is as cool as before the first process, and reports what was not.
fn cooled_down(
    baseline: &Observed<Temperatures>,
    observer: &dyn Observer,
    control: &Arc<Control>,
) -> Result<Option<StillWarm>, ExitReason> {
    let reader = MachineReader::new(SysfsRoot::this_machine(), None);
    match cool_down(baseline, &mut Here { reader, observer, control, is_announced: false }) {
        CooledDown::NotObserved { .. } | CooledDown::Cool { .. } => Ok(None),
        CooledDown::StillWarm { waited_seconds, sensor, above_celsius } => {
            observer.say(&format!(
                "going on: `{sensor}` is still {above_celsius:.1} C above the first start after {waited_seconds} s"
            ));
            Ok(Some(StillWarm { sensor, above_celsius }))
        }
        CooledDown::Interrupted => Err(ExitReason::Interrupted),
    }
}

/// This machine, cooling.
struct Here<'a> {
    reader: MachineReader,
    observer: &'a dyn Observer,
    control: &'a Arc<Control>,
    is_announced: bool,
}

impl CoolDownScene for Here<'_> {
    fn temperatures(&mut self) -> Observed<Temperatures> {
        self.reader.read(MonotonicClock.now_ns(), Phase::Before).temperatures_celsius
    }

    fn wait_one_second(&mut self) {
        thread::sleep(SECOND);
    }

    fn report(&mut self, seconds_left: u32) -> ControlFlow<()> {
        if self.control.stop.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        self.observer.aim(&format!("cooling down, at most {seconds_left} s more"));
        if !self.is_announced && !self.observer.is_live() {
            self.observer.say(&format!("cooling down, at most {seconds_left} s"));
        }
        self.is_announced = true;
        ControlFlow::Continue(())
    }
}

/// What the processes of an experiment have in common: progress, the machine monitor, interruption.
pub(super) struct ProcessContext<'a> {
    pub(super) monitor: MachineMonitor,
    observer: &'a dyn Observer,
    control: Arc<Control>,
    processes: usize,
    generations: usize,
    new_tokens: usize,
    /// As the user requested it.
    device: String,
    /// What the process under way is called; None calls it by its number.
    name: Option<String>,
    is_announced: bool,
    has_warned: bool,
}

impl<'a> ProcessContext<'a> {
    pub(super) fn new(
        plan: &Plan,
        settle_limit: Duration,
        control: &Arc<Control>,
        observer: &'a dyn Observer,
    ) -> Self {
        Self {
            monitor: MachineMonitor::new(settle_limit),
            observer,
            control: Arc::clone(control),
            processes: plan.processes,
            generations: plan.generations(),
            new_tokens: plan.new_tokens,
            device: String::new(),
            name: None,
            is_announced: false,
            has_warned: false,
        }
    }

    /// The next process is of an arm for which this device was requested. It has a name where several arms are
    /// measured, of whose processes nobody knows the number.
    pub(super) fn expect(&mut self, name: Option<String>, device: &str) {
        self.is_announced |= name.is_some();
        self.name = name;
        device.clone_into(&mut self.device);
    }

    /// A line for a process that ended, where nobody sees the line that is redrawn.
    pub(super) fn report_process(&self, process: usize, took: Duration) {
        if self.observer.is_live() {
            return;
        }
        let left = match self.processes.saturating_sub(process + 1) {
            left @ 1.. if self.name.is_none() => {
                let left = took * u32::try_from(left).unwrap_or(u32::MAX);
                format!(", about {} s left", left.as_secs())
            }
            _ => String::new(),
        };
        self.observer.say(&format!("{}: {:.1} s{left}", self.process(process), took.as_secs_f64()));
    }

    fn process(&self, process: usize) -> String {
        self.name.clone().unwrap_or_else(|| format!("process {}/{}", process + 1, self.processes))
    }
}

impl ProcessObserver for ProcessContext<'_> {
    fn before_process(&mut self, process: usize) -> Result<(), ExitReason> {
        self.observer.aim(&format!("{} loading", self.process(process)));
        if !self.is_announced && !self.observer.is_live() {
            self.observer.say(&format!(
                "measuring: {} x (1 warm-up + {}) of {} tokens",
                counted(self.processes, "process"),
                counted(self.generations.saturating_sub(1), "prompt"),
                self.new_tokens
            ));
        }
        self.is_announced = true;
        self.monitor.before_process(self.observer, &self.control)
    }

    fn started(&mut self, pid: Option<u32>) {
        self.monitor.started(pid);
    }

    fn resolved(&mut self, resolved: &DeviceResolvedEvent, purpose: Purpose) {
        if resolved.compiled_model_cache == CacheState::Cold {
            let what = if purpose == Purpose::CacheWarmUp { "cache warm-up load" } else { "cold load" };
            self.observer.say(&format!("{what}: kernels are compiled once, which may take minutes"));
        }
    }

    fn loaded(&mut self, resolved: &DeviceResolvedEvent, loaded: &LoadedEvent) {
        if !self.has_warned {
            for warning in assemble::warnings(&self.device, resolved, Some(loaded)) {
                self.observer.warn(&warning);
            }
        }
        self.has_warned = true;
    }

    fn aims(&mut self, aim: Aim<'_>) {
        let role = if aim.role == Role::WarmUp { "warm-up" } else { "measured" };
        // A process of a soak goes on.
        let of =
            if aim.generation < self.generations { format!("/{}", self.generations) } else { String::new() };
        self.observer.aim(&format!(
            "{} generation {}{of} {role} {}",
            self.process(aim.process),
            aim.generation + 1,
            aim.prompt_id
        ));
    }

    fn measured(&mut self) {
        self.monitor.measured();
    }
}

/// A number with its noun, in the plural where it is one.
fn counted(number: usize, noun: &str) -> String {
    let plural = if noun.ends_with('s') { "es" } else { "s" };
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}{plural}") }
}
