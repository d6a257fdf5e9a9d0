//! Whether a record says what it measured. One that does not is worth nothing, and is not written.

use crate::error::{Error, Result};
use crate::golden::GoldenResult;
use crate::record::history::FOREIGN_FOLDER;
use crate::record::{AbRecord, Outcome, PeersRecord, RunRecord, SampleRole};

/// Checks the identities of a record, and that speed stands only where it may.
///
/// # Errors
/// What is missing or wrong, as a fault of the harness.
pub(super) fn identified(record: &RunRecord) -> Result<()> {
    named(record)?;
    if record.outcome == Outcome::Interrupted && record.samples.iter().any(|sample| sample.times.is_some()) {
        return refuse("it has times, and the run did not come to its end");
    }
    one_of_several(record)
}

/// The same of a run that was measured beside others: where they were interrupted, it has the times of whole
/// turns.
fn one_of_several(record: &RunRecord) -> Result<()> {
    named(record)?;
    if record.samples.iter().all(|sample| sample.times.is_none()) {
        return Ok(());
    }
    with_speed(record).or_else(|what| refuse(&what))
}

/// Checks the identities of a record alone: what names its file, and what it may be compared with.
///
/// # Errors
/// What is missing or wrong, as a fault of the harness.
pub(super) fn named(record: &RunRecord) -> Result<()> {
    for (what, sha256) in [
        ("machine", &record.machine.sha256),
        ("model", &record.model.sha256),
        ("workload", &record.workload.sha256),
    ] {
        if !is_hex(sha256, 64) {
            return refuse(&format!("the {what}'s identity is `{sha256}`, not a sha256"));
        }
    }
    if !is_hex(&record.run_id, 12) {
        return refuse(&format!("the run's id is `{}`, not 12 hexadecimal digits", record.run_id));
    }
    if let Some(commit) = record.commit.as_ref().filter(|commit| !is_hex(&commit.sha, 40)) {
        return refuse(&format!("the commit is `{}`, not 40 hexadecimal digits", commit.sha));
    }
    if record.machine.slug == FOREIGN_FOLDER {
        return refuse(&format!(
            "the machine's name is `{FOREIGN_FOLDER}`, which is the folder of other tools"
        ));
    }
    if !is_plain(&record.machine.slug) {
        return refuse(&format!("the machine's name is `{}`, which is no plain name", record.machine.slug));
    }
    Ok(())
}

/// Checks the identities of an A/B and of its sides.
///
/// # Errors
/// What is missing or wrong, as a fault of the harness.
pub(super) fn ab_named(record: &AbRecord) -> Result<()> {
    named(&record.base.run)?;
    named(&record.head.run)?;
    if !is_hex(&record.run_id, 12) {
        return refuse(&format!("the run's id is `{}`, not 12 hexadecimal digits", record.run_id));
    }
    Ok(())
}

/// Checks an A/B: both sides, and that every pair is of processes that they have.
///
/// # Errors
/// What is missing or wrong, as a fault of the harness.
pub(super) fn ab_identified(record: &AbRecord) -> Result<()> {
    ab_named(record)?;
    one_of_several(&record.base.run)?;
    one_of_several(&record.head.run)?;
    if record.base.run.machine.sha256 != record.head.run.machine.sha256 {
        return refuse("its sides are of two machines");
    }
    let has = |run: &RunRecord, index: usize| run.processes.iter().any(|process| process.index == index);
    let stray = record.pairs.iter().position(|pair| {
        !has(&record.base.run, pair.base_process) || !has(&record.head.run, pair.head_process)
    });
    match stray {
        Some(pair) => refuse(&format!("pair {} is of a process that is not there", pair + 1)),
        None => Ok(()),
    }
}

/// Checks the identities of a record of engines side by side, and of each of them.
///
/// # Errors
/// What is missing or wrong, as a fault of the harness.
pub(super) fn peers_named(record: &PeersRecord) -> Result<()> {
    record.engines().try_for_each(|engine| named(&engine.run))?;
    if !is_hex(&record.run_id, 12) {
        return refuse(&format!("the run's id is `{}`, not 12 hexadecimal digits", record.run_id));
    }
    Ok(())
}

/// Checks a record of engines side by side: each of them, and that every round is of processes that they have.
///
/// # Errors
/// What is missing or wrong, as a fault of the harness.
pub(super) fn peers_identified(record: &PeersRecord) -> Result<()> {
    peers_named(record)?;
    record.engines().try_for_each(|engine| one_of_several(&engine.run))?;
    let first = &record.reference.run;
    if record.others.iter().any(|engine| engine.run.machine.sha256 != first.machine.sha256) {
        return refuse("its engines ran on two machines");
    }
    if record.others.iter().any(|engine| engine.run.workload.prompts != first.workload.prompts) {
        return refuse("its engines were asked unlike prompts");
    }
    let has = |engine: usize, round: usize| {
        let processes = record.engines().nth(engine).map(|engine| engine.run.processes.as_slice());
        processes.is_some_and(|processes| processes.iter().any(|process| process.index == round))
    };
    let stray = record.rounds.iter().enumerate().position(|(round, of_round)| {
        let mut engines = of_round.order.clone();
        engines.sort_unstable();
        engines.dedup();
        engines.len() != of_round.order.len() || engines.iter().any(|engine| !has(*engine, round))
    });
    match stray {
        Some(round) => refuse(&format!("round {} is of a process that is not there", round + 1)),
        None => Ok(()),
    }
}

fn refuse(what: &str) -> Result<()> {
    Err(Error::harness(format!("the record cannot be kept: {what}"))
        .hint("this is a fault of arcgauge; please report it"))
}

/// What a record with any speed in it must have, besides.
fn with_speed(record: &RunRecord) -> Result<(), String> {
    if !matches!(record.outcome, Outcome::Complete | Outcome::WrongOutput | Outcome::Interrupted) {
        return Err("it has times, and the run did not come to its end".to_owned());
    }
    if let Some(process) = record.processes.iter().find(|process| process.ending != "done") {
        return Err(format!("it has times, and process {} ended `{}`", process.index, process.ending));
    }
    if record.device.ran.is_none() || record.runtime.is_none() || record.processes.is_empty() {
        return Err("it has times, and does not say what ran where".to_owned());
    }
    if !record.model.same_after_run {
        return Err(
            "it has times, and the model's files were not seen to be the same after the run".to_owned()
        );
    }
    let asked = record.workload.runs.saturating_mul(record.workload.prompts.len());
    let made = record.samples.iter().filter(|sample| sample.role == SampleRole::Measured).count();
    if made != asked {
        return Err(format!("it has times, and {made} measured generations where {asked} were asked for"));
    }
    let wrong = |id: &str| {
        let judged = record.prompts.iter().find(|prompt| prompt.id == id);
        judged.is_none_or(|prompt| prompt.golden == GoldenResult::Break)
    };
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

/// Whether a name can stand in a path without leaving its folder.
#[must_use]
pub fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_leave_its_folder_is_no_plain_name() {
        for name in ["", "..", "../golden", "a/b", ".hidden", "a b"] {
            assert!(!is_plain(name), "`{name}`");
        }
        assert!(is_plain("gpt-oss-20b_int4.v2"));
    }

    #[test]
    fn an_id_is_lower_case_hexadecimal_of_its_length() {
        for wrong in ["", "../4567890ab", "0123456789AB", "0123456789a", "0123456789abc"] {
            assert!(!is_hex(wrong, 12), "`{wrong}`");
        }
        assert!(is_hex("0123456789ab", 12));
    }
}
