//! Whether a record says what it measured. One that does not is worth nothing, and is not written.

use crate::error::{Error, Result};
use crate::files::is_file_name;
use crate::golden::GoldenResult;
use crate::measure::Role;
use crate::record::history::reserved_for;
use crate::record::{Arm, Experiment, Outcome, PlanKind, seconds_of_utc};

/// Bytes of the longest time: nanoseconds and an offset.
const LONGEST_TIME: usize = 40;

/// Checks that a record has the arms of its plan, and rounds of those arms.
///
/// # Errors
/// What is missing, as bad input.
pub(super) fn has_arms(record: &Experiment) -> Result<()> {
    let arms = record.arms.len();
    let fits = match record.plan {
        PlanKind::Bench => arms == 1,
        PlanKind::Ab => arms == 2,
        PlanKind::Peers => arms >= 2,
    };
    if !fits {
        return Err(Error::input(format!("has {arms} arms, which `{}` never has", record.plan.as_str())));
    }
    let is_stray = |order: &[usize]| {
        let mut arms_of_round = order.to_vec();
        arms_of_round.sort_unstable();
        arms_of_round.dedup();
        arms_of_round.len() != order.len() || arms_of_round.iter().any(|arm| *arm >= arms)
    };
    match record.rounds.iter().position(|round| is_stray(&round.order)) {
        Some(round) => {
            Err(Error::input(format!("has an order in `rounds[{round}]` which is none of its arms")))
        }
        None => Ok(()),
    }
}

/// Checks the identities of a record, that speed stands only where it may, and that every round is of processes that
/// are there.
///
/// # Errors
/// What is missing or wrong, as a fault of the harness.
pub(super) fn identified(record: &Experiment) -> Result<()> {
    has_arms(record).or_else(|what| refuse(&format!("it {what}")))?;
    named_run(&record.run_id, &record.when_utc)?;
    if let Some(what) = reserved_for(&record.machine.slug) {
        return refuse(&format!("the machine's name is `{}`, which is {what}", record.machine.slug));
    }
    if !is_file_name(&record.machine.slug) {
        return refuse(&format!("the machine's name is `{}`, which is no plain name", record.machine.slug));
    }
    is_sha256("machine", &record.machine.sha256)?;
    for arm in &record.arms {
        is_sha256("model", &arm.model.sha256)?;
        is_sha256("workload", &arm.workload.sha256)?;
        if let Some(commit) = arm.commit.as_ref().filter(|commit| !is_hex(&commit.sha, 40)) {
            return refuse(&format!("the commit is `{}`, not 40 hexadecimal digits", commit.sha));
        }
        if arm.samples.iter().any(|sample| sample.times.is_some()) {
            // Where several arms were interrupted, whole rounds have figures.
            if record.plan == PlanKind::Bench && arm.outcome == Outcome::Interrupted {
                return refuse("it has times, and the run did not come to its end");
            }
            with_speed(arm).or_else(|what| refuse(&what))?;
        }
    }
    if record.plan == PlanKind::Peers
        && record.arms.iter().any(|arm| arm.workload.prompts != record.arms[0].workload.prompts)
    {
        return refuse("its engines were asked unlike prompts");
    }
    let has = |arm: usize, index: usize| record.arms[arm].processes.iter().any(|it| it.index == index);
    let mut next = vec![0; record.arms.len()];
    for (round, of_round) in record.rounds.iter().enumerate() {
        for arm in &of_round.order {
            if !has(*arm, next[*arm]) {
                return refuse(&format!("round {} is of a process that is not there", round + 1));
            }
            next[*arm] += 1;
        }
    }
    Ok(())
}

fn is_sha256(what: &str, sha256: &str) -> Result<()> {
    if is_hex(sha256, 64) {
        return Ok(());
    }
    refuse(&format!("the {what}'s identity is `{sha256}`, not a sha256"))
}

/// Checks what the name of a record's file is made of.
fn named_run(run_id: &str, when_utc: &str) -> Result<()> {
    if !is_hex(run_id, 12) {
        return refuse(&format!("the run's id is `{run_id}`, not 12 hexadecimal digits"));
    }
    if when_utc.len() > LONGEST_TIME || seconds_of_utc(when_utc).is_none() {
        return refuse(&format!("it began at `{when_utc}`, which is no time in UTC"));
    }
    Ok(())
}

fn refuse(what: &str) -> Result<()> {
    Err(Error::harness(format!("the record cannot be kept: {what}"))
        .hint("this is a fault of arcgauge; please report it"))
}

/// What a record with any speed in it must have, besides.
fn with_speed(record: &Arm) -> Result<(), String> {
    if !matches!(record.outcome, Outcome::Complete | Outcome::WrongOutput | Outcome::Interrupted) {
        return Err("it has times, and the run did not come to its end".to_owned());
    }
    if let Some(process) = record.processes.iter().find(|process| process.exit_reason != "done") {
        return Err(format!("it has times, and process {} ended `{}`", process.index, process.exit_reason));
    }
    if record.device.ran.is_none() || record.runtime.is_none() || record.processes.is_empty() {
        return Err("it has times, and does not say what ran where".to_owned());
    }
    if !record.model.same_after_run {
        return Err(
            "it has times, and the model's files were not seen to be the same after the run".to_owned()
        );
    }
    let requested = record.workload.runs.saturating_mul(record.workload.prompts.len());
    let made = record.samples.iter().filter(|sample| sample.role == Role::Measured).count();
    if made != requested {
        return Err(format!(
            "it has times, and {made} measured generations where {requested} were requested"
        ));
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
#[must_use]
pub fn is_sha(text: &str) -> bool {
    is_hex(text, 40)
}

/// Lower-case hexadecimal of this length: such a text can leave no folder.
pub(super) fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
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
