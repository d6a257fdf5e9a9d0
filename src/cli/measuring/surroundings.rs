//! What is done around each worker process: the machine is watched, and a canary sings before it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crate::cli::progress::Progress;
use crate::cli::say;
use crate::error::Result;
use crate::judge::environment::Guard;
use crate::judge::{Advice, preflight};
use crate::measure::guard::{GuardLog, MachineReader, Phase, Temperatures, Watch};
use crate::measure::supervisor::{Control, Ending};
use crate::measure::{
    Canary, CanaryReading, Clock, CoolDownScene, CooledDown, MonotonicClock, Observed, SysfsRoot, cool_down,
};

const SECOND: Duration = Duration::from_secs(1);

/// What was seen around one process.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Around {
    pub(in crate::cli) canary_before: CanaryReading,
    /// The sensor that was still too warm at its start, and by how much, where one was.
    pub(in crate::cli) still_warm: Option<StillWarm>,
    pub(in crate::cli) guards: Option<GuardLog>,
}

/// A start that was warmer than the first.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct StillWarm {
    pub(in crate::cli) sensor: String,
    pub(in crate::cli) above_celsius: f64,
}

/// Watches the machine around processes.
#[derive(Default)]
pub(in crate::cli) struct Surroundings {
    /// Longest wait before the first process for what else runs to come to rest.
    settle_limit: Duration,
    pub(in crate::cli) processes: Vec<Around>,
    pub(in crate::cli) canary_after: Option<CanaryReading>,
    pub(in crate::cli) canary_ns: u64,
    pub(in crate::cli) cool_down_ns: u64,
    watch: Option<Watch>,
    baseline: Option<Observed<Temperatures>>,
}

impl Surroundings {
    /// Nothing has been watched yet.
    pub(in crate::cli) fn new(settle_limit: Duration) -> Self {
        Self { settle_limit, ..Self::default() }
    }

    /// Waits until the machine has come to rest, or is as cool as before the first process; begins to watch
    /// it, and lets the canary sing.
    ///
    /// # Errors
    /// When the user stops the wait, or the system gives no thread.
    pub(in crate::cli) fn before_process(
        &mut self,
        progress: &Progress,
        control: &Arc<Control>,
    ) -> Result<(), Ending> {
        let started_ns = MonotonicClock.now_ns();
        let still_warm = match &self.baseline {
            None => come_to_rest(self.settle_limit, progress, control).map(|()| None),
            Some(baseline) => cooled_down(baseline, progress, control),
        };
        self.cool_down_ns += MonotonicClock.now_ns() - started_ns;
        let still_warm = still_warm?;
        // Its first reading comes before the canary's own load.
        self.watch = Some(Watch::start(SysfsRoot::this_machine(), || MonotonicClock.now_ns(), None));
        let canary_before = self.sing().map_err(Ending::Failed)?;
        self.processes.push(Around { canary_before, still_warm, guards: None });
        Ok(())
    }

    /// The worker is there to be watched.
    pub(in crate::cli) fn started(&self, pid: Option<u32>) {
        if let (Some(watch), Some(pid)) = (&self.watch, pid) {
            watch.set_worker(pid);
        }
    }

    /// The generations are done.
    pub(in crate::cli) fn measured(&mut self) {
        if let (Some(watch), Some(last)) = (self.watch.take(), self.processes.last_mut()) {
            let log = watch.finish();
            if self.baseline.is_none() {
                let first = log.readings.first().map(|reading| reading.temperatures_celsius.clone());
                self.baseline = Some(first.unwrap_or_else(|| Observed::not("there was no first reading")));
            }
            last.guards = Some(log);
        }
    }

    /// What was seen around the processes since this was last asked.
    pub(in crate::cli) fn take_processes(&mut self) -> Vec<Around> {
        std::mem::take(&mut self.processes)
    }

    /// After the last worker has left.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(in crate::cli) fn finish(&mut self) -> Result<()> {
        self.watch = None;
        self.canary_after = Some(self.sing()?);
        Ok(())
    }

    fn sing(&mut self) -> Result<CanaryReading> {
        let start_ns = MonotonicClock.now_ns();
        let reading = Canary::run();
        self.canary_ns += MonotonicClock.now_ns() - start_ns;
        reading
    }
}

/// Looks at the machine before anything is measured: says what could be mended, and waits for the load
/// that a build or a bench has just left behind.
fn come_to_rest(limit: Duration, progress: &Progress, control: &Arc<Control>) -> Result<(), Ending> {
    let mut reader = MachineReader::new(SysfsRoot::this_machine(), None);
    let facts = reader.facts();
    let mut told = false;
    let mut waited = Duration::ZERO;
    loop {
        let reading = reader.read(MonotonicClock.now_ns(), Phase::Before);
        let mut advice = preflight(&facts, &reading);
        let loaded = advice.iter().any(|advice| advice.guard == Guard::CpuPressure);
        if !loaded || waited >= limit {
            for Advice { problem, mend, .. } in advice.drain(..) {
                say(&format!("before measuring: {problem}\n  {mend}"));
            }
            return Ok(());
        }
        if control.stop.load(Ordering::Relaxed) {
            return Err(Ending::Interrupted);
        }
        let left = limit.saturating_sub(waited).as_secs();
        progress.aim(&format!("waiting for the machine to come to rest, at most {left} s more"));
        if !told && !progress.is_shown() {
            say(&format!("waiting for the machine to come to rest, at most {left} s"));
        }
        told = true;
        thread::sleep(SECOND);
        waited += SECOND;
    }
}

/// Waits until the machine is as cool as before the first process, and tells what was not.
fn cooled_down(
    baseline: &Observed<Temperatures>,
    progress: &Progress,
    control: &Arc<Control>,
) -> Result<Option<StillWarm>, Ending> {
    let reader = MachineReader::new(SysfsRoot::this_machine(), None);
    match cool_down(baseline, &mut Here { reader, progress, control, told: false }) {
        CooledDown::NotObserved { .. } | CooledDown::Cool { .. } => Ok(None),
        CooledDown::StillWarm { waited_seconds, sensor, above_celsius } => {
            say(&format!(
                "going on: `{sensor}` is still {above_celsius:.1} C above the first start after {waited_seconds} s"
            ));
            Ok(Some(StillWarm { sensor, above_celsius }))
        }
        CooledDown::Interrupted => Err(Ending::Interrupted),
    }
}

/// This machine, cooling.
struct Here<'a> {
    reader: MachineReader,
    progress: &'a Progress,
    control: &'a Arc<Control>,
    told: bool,
}

impl CoolDownScene for Here<'_> {
    fn temperatures(&mut self) -> Observed<Temperatures> {
        self.reader.read(MonotonicClock.now_ns(), Phase::Before).temperatures_celsius
    }

    fn wait_one_second(&mut self) {
        thread::sleep(SECOND);
    }

    fn tell(&mut self, seconds_left: u32) -> ControlFlow<()> {
        if self.control.stop.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        self.progress.aim(&format!("cooling down, at most {seconds_left} s more"));
        if !self.told && !self.progress.is_shown() {
            say(&format!("cooling down, at most {seconds_left} s"));
        }
        self.told = true;
        ControlFlow::Continue(())
    }
}
