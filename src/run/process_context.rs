//! What a worker process runs in: reports what is under way, and watches the machine.

use std::sync::Arc;
use std::time::Duration;

use crate::measure::protocol::{CacheState, DeviceResolvedEvent, LoadedEvent};
use crate::measure::supervisor::{Aim, Control, ExitReason, ProcessObserver, Purpose};
use crate::measure::{Plan, Role};
use crate::run::assemble;
use crate::run::machine_monitor::MachineMonitor;
use crate::run::observer::Observer;

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
                "measuring: {} x {} generations of {} tokens",
                counted(self.processes, "process"),
                self.generations,
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
        self.observer.aim(&format!(
            "{} generation {}/{} {role} {}",
            self.process(aim.process),
            aim.generation + 1,
            self.generations,
            aim.prompt_id
        ));
    }

    fn measured(&mut self) {
        self.monitor.measured();
    }
}

/// A number with its noun, in the plural where it is one.
fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}es") }
}
