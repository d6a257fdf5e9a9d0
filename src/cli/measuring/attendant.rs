//! Stands by while workers measure: shows what is under way, and watches the machine.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::measuring::surroundings::Surroundings;
use crate::cli::progress::Progress;
use crate::cli::{assemble, load_warnings, say};
use crate::measure::protocol::{CacheState, LoadedEvent, SettledEvent};
use crate::measure::supervisor::{Aim, Attendant, Control, Ending, Purpose};
use crate::measure::{Plan, Role};

/// Who stands by a `bench`.
pub(in crate::cli) struct StandBy {
    pub(in crate::cli) surroundings: Surroundings,
    progress: Progress,
    control: Arc<Control>,
    processes: usize,
    generations: usize,
    new_tokens: usize,
    /// As the user asked for it.
    device: String,
    /// What the process under way is called; None calls it by its number.
    name: Option<String>,
    told: bool,
    warned: bool,
}

impl StandBy {
    pub(in crate::cli) fn new(
        plan: &Plan,
        device: &str,
        settle_limit: Duration,
        control: &Arc<Control>,
    ) -> Self {
        Self {
            surroundings: Surroundings::new(settle_limit),
            progress: Progress::start(control, plan.new_tokens),
            control: Arc::clone(control),
            processes: plan.processes,
            generations: plan.generations(),
            new_tokens: plan.new_tokens,
            device: device.to_owned(),
            name: None,
            told: false,
            warned: false,
        }
    }

    /// The next process is called so, is of a side that asked for this device, and is one of many that
    /// nobody counts beforehand.
    pub(in crate::cli) fn expect(&mut self, name: String, device: &str) {
        self.name = Some(name);
        device.clone_into(&mut self.device);
        self.told = true;
    }

    /// A line to stderr that does not tear the line of progress.
    pub(in crate::cli) fn say(&self, line: &str) {
        self.progress.say(line);
    }

    fn process(&self, process: usize) -> String {
        self.name.clone().unwrap_or_else(|| format!("process {}/{}", process + 1, self.processes))
    }

    /// Ends the line of progress.
    pub(in crate::cli) fn finish(&mut self) {
        self.progress.finish();
    }
}

impl Attendant for StandBy {
    fn before_process(&mut self, process: usize) -> Result<(), Ending> {
        self.progress.aim(&format!("{} loading", self.process(process)));
        if !self.told && !self.progress.is_shown() {
            say(&format!(
                "measuring: {} x {} generations of {} tokens",
                counted(self.processes, "process"),
                self.generations,
                self.new_tokens
            ));
        }
        self.told = true;
        self.surroundings.before_process(&self.progress, &self.control)
    }

    fn started(&mut self, pid: Option<u32>) {
        self.surroundings.started(pid);
    }

    fn settled(&mut self, settled: &SettledEvent, purpose: Purpose) {
        if settled.compiled_model_cache == CacheState::Cold {
            let what = if purpose == Purpose::Priming { "priming load" } else { "cold load" };
            say(&format!("{what}: kernels are compiled once, which may take minutes"));
        }
    }

    fn loaded(&mut self, settled: &SettledEvent, loaded: &LoadedEvent) {
        if !self.warned {
            load_warnings::tell(&assemble::warnings(&self.device, settled, Some(loaded)));
        }
        self.warned = true;
    }

    fn aims(&mut self, aim: Aim<'_>) {
        let role = if aim.role == Role::WarmUp { "warm-up" } else { "measured" };
        self.progress.aim(&format!(
            "{} generation {}/{} {role} {}",
            self.process(aim.process),
            aim.generation + 1,
            self.generations,
            aim.prompt_id
        ));
    }

    fn measured(&mut self) {
        self.surroundings.measured();
    }
}

/// A number with its noun, in the plural where it is one.
fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}es") }
}
