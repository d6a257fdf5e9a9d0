//! Whether a record agrees with itself: its counts with its workload, its times with the windows of its processes,
//! its device with its readings, its sides with each other, its answers with their verdicts.
//!
//! A sha256 proves that a record's bytes are those that were written, not that they were measured. A record that
//! contradicts itself is damaged, whoever wrote it: [`crate::record::open`], through which all records are read,
//! refuses it and names the field. What a forgery that contradicts nothing could do is in `docs/consistency.md`.
//!
//! Pure: a function of the record.

mod counts;
mod kv;
mod profile;
mod times;

use std::collections::HashMap;
use std::fmt::{self, Display};

use crate::engine::openvino::DeviceKind;
use crate::error::{Error, Result};
use crate::files::is_file_name;
use crate::golden::{GoldenResult, GoldenSet};
use crate::measure::{Metric, Role};
use crate::record::consistency::counts::{check_against, check_counts, check_verdicts};
use crate::record::consistency::kv::{check_distribution_drift, check_kv};
use crate::record::consistency::profile::check_profile;
use crate::record::consistency::times::{check_order, check_sides, check_times};
use crate::record::history::reserved_for;
use crate::record::{
    Arm, BisectRecord, Experiment, Outcome, PlanKind, ProofGrade, ProvenDevice, SampleRecord, seconds_of_utc,
};

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

#[derive(Debug, Clone, Copy)]
struct ArmAt<'a> {
    at: usize,
    experiment: &'a Experiment,
    run: &'a Arm,
}

#[derive(Debug, Clone, Copy)]
struct Numbered<'a> {
    at: usize,
    sample: &'a SampleRecord,
}

#[derive(Debug, Default)]
struct Found(Vec<Contradiction>);

/// What contradicts what in a record, at most twenty; none where it agrees with itself.
pub fn contradictions(experiment: &Experiment) -> Vec<Contradiction> {
    let mut found = Found::default();
    for arm in arms(experiment) {
        check_counts(&arm, &mut found);
        check_times(&arm, &mut found);
        check_device(&arm, &mut found);
        check_verdicts(&arm, &mut found);
        check_kv(&arm, &mut found);
        check_distribution_drift(&arm, &mut found);
        check_profile(&arm, &mut found);
    }
    check_bisect(experiment, &mut found);
    check_order(experiment, &mut found);
    check_sides(experiment, &mut found);
    found.0
}

/// Whether what a record says of its bisect can be.
fn check_bisect(experiment: &Experiment, found: &mut Found) {
    let Some(bisect) = &experiment.bisect else { return };
    let BisectRecord { question_sha256, last, base, head, metric, change_percent } = bisect;
    let field = |name: &str| format!("bisect.{name}");
    let plan = is("plan", experiment.plan.as_str());
    found.unless(experiment.plan == PlanKind::Ab, "bisect".to_owned(), "there", plan);
    let is_sha256 = is_hex(question_sha256, 64);
    found.unless(is_sha256, field("question_sha256"), question_sha256, "it is no sha256");
    let most = BisectRecord::MOST_SIDES;
    found.unless(*last < most, field("last"), last, format!("a bisect has at most {most} sides"));
    found.unless(head <= last, field("head"), head, is("bisect.last", last));
    found.unless(base < head, field("base"), base, is("bisect.head", head));
    let other = metric.filter(|metric| bisect.tested().is_none() && *metric != Metric::MeanKl);
    if let Some(metric) = other {
        found.add(field("metric"), metric.id(), "a bisect compares no pairs by it");
    }
    let is_step = bisect.tested().is_some() && *base == 0 && head < last;
    let other = match change_percent {
        Some(_) if !is_step => Some("only a step of a metric has thresholds of its own"),
        Some(change) if !(*change > 0.0 && change.is_finite()) => {
            Some("a change that is bisected is a growth")
        }
        None if is_step => Some("a step of a metric has thresholds of its own"),
        _ => None,
    };
    if let Some(other) = other {
        let value = change_percent.map_or("null".to_owned(), |change| change.to_string());
        found.add(field("change_percent"), value, other);
    }
    let rounds = experiment.sampling.rounds_requested;
    let planned = if bisect.tested().is_none() { Some(1) } else { None };
    if rounds != planned {
        let value = rounds.map_or("null".to_owned(), |rounds| rounds.to_string());
        let other = metric.map_or("output".to_owned(), |metric| format!("`{}`", metric.id()));
        found.add("sampling.rounds_requested".to_owned(), value, format!("the bisect compares {other}"));
    }
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
        check_against(&arm, &goldens(arm.run)?, &mut found);
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
    fn field(&self, below: &str) -> String {
        format!("arms[{}].{below}", self.at)
    }

    /// Whether it has values: of what ended before, nothing is claimed but what was done. A wrong output may have
    /// ended an A/B before its other side began.
    fn has_values(&self) -> bool {
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
    /// A field that contradicts another, unless this holds.
    fn unless(&mut self, holds: bool, field: String, value: impl Display, other: impl Into<String>) {
        if !holds {
            self.add(field, value, other);
        }
    }

    fn add(&mut self, field: String, value: impl Display, other: impl Into<String>) {
        if self.0.len() <= MOST_NAMED {
            let value = short(&value.to_string());
            self.0.push(Contradiction { field, value, other: other.into() });
        }
    }
}

fn is(field: impl Display, value: impl Display) -> String {
    format!("`{field}` is `{value}`")
}

fn short(value: &str) -> String {
    match value.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}...", &value[..end]),
        None => value.to_owned(),
    }
}

/// Bytes of the longest time: nanoseconds and an offset.
const LONGEST_TIME: usize = 40;

/// Checks that a record has the arms of its plan, and rounds of those arms. Errors: what is missing, as bad
/// input.
pub(super) fn has_arms(record: &Experiment) -> Result<()> {
    let arms = record.arms.len();
    let fits = match record.plan {
        PlanKind::Bench | PlanKind::Soak => arms == 1,
        PlanKind::Ab => arms == 2,
        PlanKind::Peers | PlanKind::Kv => arms >= 2,
    };
    let plan = record.plan.as_str();
    if !fits {
        return Err(Error::input(format!("has {arms} arms, which `{plan}` never has")));
    }
    if let Some(at) = record.arms.iter().position(|arm| arm.kv.is_some() != (record.plan == PlanKind::Kv)) {
        let what = format!("has `arms[{at}].kv`, or lacks it, which an arm of `{plan}` never does");
        return Err(Error::input(what));
    }
    if record.sampling.soak.is_some() != (record.plan == PlanKind::Soak) {
        return Err(Error::input(format!("has `sampling.soak`, or lacks it, which `{plan}` never does")));
    }
    let is_stray = |order: &[usize]| {
        let mut arms_of_round = order.to_vec();
        arms_of_round.sort_unstable();
        arms_of_round.dedup();
        arms_of_round.len() != order.len() || arms_of_round.iter().any(|arm| *arm >= arms)
    };
    let stray = record.rounds.iter().position(|round| is_stray(&round.order));
    let what = |round| Error::input(format!("has an order in `rounds[{round}]` which is none of its arms"));
    stray.map(what).map_or(Ok(()), Err)
}

/// Checks the identities of a record, that speed stands only where it may, and that every round is of
/// processes that are there. Errors: what is missing or wrong, as a fault of the harness.
pub(super) fn identified(record: &Experiment) -> Result<()> {
    has_arms(record).or_else(|what| unfit(&format!("it {what}")))?;
    named_run(&record.run_id, &record.when_utc)?;
    let slug = &record.machine.slug;
    let plain = (!is_file_name(slug)).then_some("no plain name");
    if let Some(what) = reserved_for(slug).or(plain) {
        return unfit(&format!("the machine's name is `{slug}`, which is {what}"));
    }
    is_sha256("machine", &record.machine.sha256)?;
    for arm in &record.arms {
        is_sha256("model", &arm.model.sha256)?;
        is_sha256("workload", &arm.workload.sha256)?;
        if let Some(commit) = arm.commit.as_ref().filter(|commit| !is_hex(&commit.sha, 40)) {
            return unfit(&format!("the commit is `{}`, not 40 hexadecimal digits", commit.sha));
        }
        if arm.samples.iter().any(|sample| sample.times.is_some()) {
            // Whole rounds of several arms have values when they are interrupted, and those of a soak.
            if record.plan == PlanKind::Bench && arm.outcome == Outcome::Interrupted {
                return unfit("it has times, and the run did not come to its end");
            }
            with_speed(arm, record.sampling.soak.is_some()).or_else(|what| unfit(&what))?;
        }
    }
    let has_prompts = |arm: &Arm| arm.workload.prompts == record.arms[0].workload.prompts;
    let are_same = !record.plan.is_of_arms() || record.arms.iter().all(has_prompts);
    fits(are_same, || "its arms ran different prompts".to_owned())?;
    let has = |arm: usize, index: usize| record.arms[arm].processes.iter().any(|it| it.index == index);
    let mut next = vec![0; record.arms.len()];
    for (round, of_round) in record.rounds.iter().enumerate() {
        for arm in &of_round.order {
            let is_there = has(*arm, next[*arm]);
            fits(is_there, || format!("round {} is of a process that is not there", round + 1))?;
            next[*arm] += 1;
        }
    }
    Ok(())
}

fn is_sha256(what: &str, sha256: &str) -> Result<()> {
    fits(is_hex(sha256, 64), || format!("the {what}'s identity is `{sha256}`, not a sha256"))
}

/// Checks what the name of a record's file is made of.
fn named_run(run_id: &str, when_utc: &str) -> Result<()> {
    fits(is_hex(run_id, 12), || format!("the run's id is `{run_id}`, not 12 hexadecimal digits"))?;
    let is_time = when_utc.len() <= LONGEST_TIME && seconds_of_utc(when_utc).is_some();
    fits(is_time, || format!("it began at `{when_utc}`, which is no time in UTC"))
}

fn fits(holds: bool, what: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { unfit(&what()) }
}

fn unfit(what: &str) -> Result<()> {
    Err(Error::harness(format!("the record cannot be stored: {what}"))
        .hint("this is a fault of arcgauge; please report it"))
}

/// What a record with any speed in it must have, besides.
fn with_speed(record: &Arm, is_soak: bool) -> Result<(), String> {
    let has_times = |what: &str| Err(format!("it has times, and {what}"));
    if !matches!(record.outcome, Outcome::Complete | Outcome::WrongOutput | Outcome::Interrupted) {
        return has_times("the run did not come to its end");
    }
    if let Some(process) = record.processes.iter().find(|process| process.exit_reason != "done") {
        return has_times(&format!("process {} ended `{}`", process.index, process.exit_reason));
    }
    if record.device.ran.is_none() || record.runtime.is_none() || record.processes.is_empty() {
        return has_times("does not say what ran where");
    }
    if !record.model.same_after_run {
        return has_times("the model's files were not seen to be the same after the run");
    }
    let requested = record.workload.runs.saturating_mul(record.workload.prompts.len());
    let made = record.measured_samples().count();
    // A process of a soak asks its prompts again and again.
    let fits = if is_soak { made >= requested } else { made == requested };
    if !fits {
        return has_times(&format!("{made} measured generations where {requested} were requested"));
    }
    let judged = record.judged_by_prompt();
    let wrong = |id: &str| judged.get(id).is_none_or(|prompt| prompt.golden == GoldenResult::Break);
    match record.samples.iter().find(|sample| sample.times.is_some() && wrong(&sample.prompt_id)) {
        Some(sample) => {
            Err(format!("`{}` has times, and its output is wrong or was not judged", sample.prompt_id))
        }
        None => Ok(()),
    }
}

/// Whether a text is the whole sha of a commit: 40 lower-case hexadecimal digits.
pub fn is_sha(text: &str) -> bool {
    is_hex(text, 40)
}

/// Whether a text is lower-case hexadecimal of this length: it can leave no folder.
pub fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn check_device(arm: &ArmAt<'_>, found: &mut Found) {
    if !arm.has_values() {
        return;
    }
    let Some(ran) = &arm.run.device.ran else {
        found.add(arm.field("device.ran"), "null", "the run has values");
        return;
    };
    found.unless(arm.run.runtime.is_some(), arm.field("runtime"), "null", "the run has values");
    // An emulated device has no counters of its own, and decides nothing.
    if ran.facts().emulated_reason.is_some() {
        return;
    }
    if let Some(other) = arm.experiment.machine.lacks(ran) {
        found.add(arm.field("device.ran"), ran.execution_devices(), other);
    }
    // Without its times it is not known what the counters are to be read for.
    if arm.run.samples.iter().any(|sample| sample.times.is_none()) {
        return;
    }
    let worked = match ran.kind() {
        DeviceKind::Gpu => gpu_worked(arm),
        DeviceKind::Cpu => ProvenDevice::processor_worked(processor_ns(arm), generation_ns(arm)),
    };
    let by_readings = match worked {
        Some(true) => Some(ProofGrade::PropertyAndCounters),
        None => Some(ProofGrade::Property),
        Some(false) => None,
    };
    if by_readings != Some(ran.grade()) {
        let other = match by_readings {
            Some(by_readings) => format!("the readings of its processes allow `{by_readings}`"),
            None => "the readings of its processes say that it did not work".to_owned(),
        };
        found.add(arm.field("device.ran.grade"), ran.grade(), other);
    }
}

/// Whether the kernel's counters of every measured process grew over its measured generations; None where they could
/// not be read in one of them.
fn gpu_worked(arm: &ArmAt<'_>) -> Option<bool> {
    let by_process = arm.samples_by_process();
    let measured = arm.run.measured_processes();
    let words = measured.map(|process| {
        let samples = by_process.get(&process.index)?.iter().map(|it| it.sample);
        let (start_ns, end_ns) = SampleRecord::span(samples.filter(|sample| sample.role == Role::Measured))?;
        Some(process.guards.as_ref()?.gpu_work(start_ns, end_ns)? > 0)
    });
    words.reduce(|all, one| Some(all? && one?)).flatten()
}

fn processor_ns(arm: &ArmAt<'_>) -> Option<u64> {
    let measured = arm.run.measured_processes();
    measured.map(|process| process.processor_ns).try_fold(0, |sum: u64, ns| Some(sum.saturating_add(ns?)))
}

fn generation_ns(arm: &ArmAt<'_>) -> u64 {
    let measured = arm.run.measured_samples();
    let times = measured.filter_map(|sample| sample.times.as_ref());
    let lengths = times.filter_map(|times| Some(times.token_ns.last()?.saturating_sub(times.submitted_ns)));
    lengths.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_lower_case_hexadecimal_of_its_length() {
        for wrong in ["", "../4567890ab", "0123456789AB", "0123456789a", "0123456789abc"] {
            assert!(!is_hex(wrong, 12), "`{wrong}`");
        }
        assert!(is_hex("0123456789ab", 12));
    }
}
