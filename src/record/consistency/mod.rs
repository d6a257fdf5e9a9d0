//! Whether a record agrees with itself: its counts with its workload, its times with the windows of its processes,
//! its device with its readings, its sides with each other, its answers with their verdicts.
//!
//! A sha256 proves that a record's bytes are those that were written, not that they were measured. A record that
//! contradicts itself is damaged, whoever wrote it: [`crate::record::open`], through which all records are read,
//! refuses it and names the field. What a forgery that contradicts nothing could do is in `docs/consistency.md`.
//!
//! Pure: a function of the record.

mod answers;
mod counts;
mod device;
mod sides;
mod times;

use std::collections::HashMap;
use std::fmt::{self, Display};

use crate::error::{Error, Result};
use crate::golden::GoldenSet;
use crate::record::{Arm, Experiment, Outcome, SampleRecord};

/// No runtime starts an inference and waits for it in less, ns.
const LEAST_TOKEN_NS: u64 = 10_000;
/// Weights are read at no more than so many times the bandwidth of the record's best bandwidth reference run: on a
/// CPU it is run on the same cores; a GPU may have a memory of its own.
const BANDWIDTH_FACTOR_CPU: f64 = 4.0;
/// See [`BANDWIDTH_FACTOR_CPU`].
const BANDWIDTH_FACTOR_GPU: f64 = 50.0;
/// What a token reads of the weights comes from memory where it is so many times larger than the last-level cache.
const WEIGHTS_TO_CACHE: u64 = 2;
/// A reading is taken each second; between two of a measured time there is no more than this, ns.
const LONGEST_GAP_NS: u64 = 60_000_000_000;
/// So many contradictions are named.
const MOST_NAMED: usize = 20;
/// A longer value is cut off.
const LONGEST_VALUE: usize = 80;

/// A field of a record that cannot be, with what it contradicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The field's path in the record's JSON, as in `arms[1].samples[3].token_ids`.
    pub field: String,
    /// What it says.
    pub value: String,
    /// What contradicts it: another field with its value, or a limit.
    pub other: String,
}

impl Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is `{}`, and {}", self.field, self.value, self.other)
    }
}

/// An arm, with its place in the experiment.
#[derive(Debug, Clone, Copy)]
struct ArmAt<'a> {
    at: usize,
    experiment: &'a Experiment,
    run: &'a Arm,
}

/// A sample, with its place among the samples of its arm.
#[derive(Debug, Clone, Copy)]
struct Numbered<'a> {
    at: usize,
    sample: &'a SampleRecord,
}

/// Contradictions, as they are found.
#[derive(Debug, Default)]
struct Found(Vec<Contradiction>);

/// What contradicts what in a record, at most twenty; none where it agrees with itself.
#[must_use]
pub fn contradictions(experiment: &Experiment) -> Vec<Contradiction> {
    let mut found = Found::default();
    for arm in arms(experiment) {
        counts::check(&arm, &mut found);
        times::check(&arm, &mut found);
        device::check(&arm, &mut found);
        answers::check(&arm, &mut found);
    }
    times::check_order(experiment, &mut found);
    sides::check(experiment, &mut found);
    found.0
}

/// Refuses a record that contradicts itself.
///
/// # Errors
/// The first contradiction, and how many more there are.
pub fn check(experiment: &Experiment) -> Result<()> {
    refuse("contradicts itself", &contradictions(experiment))
}

/// Refuses a record whose verdicts on its answers are not what its tokens say. Each is compared once more with
/// the goldens of its model, which `goldens` gives by the model's record.
///
/// A near-tie was judged with the model at hand; without it, only that the logit margin there is small
/// enough can be checked.
///
/// # Errors
/// A model without a plain name; goldens that cannot be read; the first answer that is not as it is said to be.
pub fn check_answers(
    experiment: &Experiment,
    mut goldens: impl FnMut(&Arm) -> Result<GoldenSet>,
) -> Result<()> {
    let mut found = Found::default();
    for arm in arms(experiment) {
        answers::check_against(&arm, &goldens(arm.run)?, &mut found);
    }
    refuse("contradicts the goldens", &found.0)
}

fn arms(experiment: &Experiment) -> impl Iterator<Item = ArmAt<'_>> {
    experiment.arms.iter().enumerate().map(move |(at, run)| ArmAt { at, experiment, run })
}

fn refuse(what: &str, found: &[Contradiction]) -> Result<()> {
    let Some(first) = found.first() else { return Ok(()) };
    let more = match found.len() - 1 {
        0 => String::new(),
        MOST_NAMED.. => format!("; {MOST_NAMED} or more others"),
        more => format!("; {more} more"),
    };
    Err(Error::input(format!("{what}: {first}{more}")))
}

impl<'a> ArmAt<'a> {
    /// A field of the arm, as a path from the record's root.
    fn field(&self, below: &str) -> String {
        format!("arms[{}].{below}", self.at)
    }

    /// Whether it has figures: of what ended before, nothing is claimed but what was done. A wrong output may have
    /// ended an A/B before its other side began.
    fn has_figures(&self) -> bool {
        use Outcome::{Complete, Failed, Interrupted, NotMeasured, WrongOutput};
        match (self.experiment.outcome, self.run.outcome) {
            (Failed | NotMeasured, _) | (_, Failed | NotMeasured) => false,
            (WrongOutput, Complete) => !self.run.processes.is_empty(),
            (_, Complete) => true,
            (_, WrongOutput | Interrupted) => self.run.samples.iter().any(|sample| sample.times.is_some()),
        }
    }

    /// The samples of each process, in the order of the record.
    fn samples_by_process(&self) -> HashMap<usize, Vec<Numbered<'a>>> {
        let mut by_process: HashMap<usize, Vec<Numbered<'a>>> = HashMap::new();
        for (at, sample) in self.run.samples.iter().enumerate() {
            by_process.entry(sample.process).or_default().push(Numbered { at, sample });
        }
        by_process
    }
}

impl Found {
    fn add(&mut self, field: String, value: impl Display, other: impl Into<String>) {
        if self.0.len() <= MOST_NAMED {
            let value = short(&value.to_string());
            self.0.push(Contradiction { field, value, other: other.into() });
        }
    }
}

/// A value, cut off where it is long.
fn short(value: &str) -> String {
    match value.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}...", &value[..end]),
        None => value.to_owned(),
    }
}
