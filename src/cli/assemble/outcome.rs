//! How a run came out: its outcome, and what of its samples may be kept.

use crate::cli::assemble;
use crate::cli::edited_graph::EditedGraph;
use crate::cli::exit_code;
use crate::cli::loading::FoundModel;
use crate::cli::measuring::Around;
use crate::error::{Error, ErrorKind, Result};
use crate::golden::{Finding, GoldenResult, Probe};
use crate::judge::environment::threshold::SUSPEND_NS;
use crate::measure::protocol::CacheState;
use crate::measure::supervisor::{Ending, Session, WarmLoad};
use crate::measure::{Estimate, Plan, suspended_ns};
use crate::record::{AskedPrompt, Outcome, PublishedReference, RunRecord, Warning, kept_samples};

/// What judging needs beside the session.
pub(in crate::cli) struct Judging<'a> {
    pub(in crate::cli) model: &'a FoundModel,
    pub(in crate::cli) plan: &'a Plan,
    pub(in crate::cli) asked: Vec<AskedPrompt>,
    pub(in crate::cli) probe: Option<Probe>,
    pub(in crate::cli) criterion: Vec<Estimate>,
    pub(in crate::cli) published: PublishedReference,
    pub(in crate::cli) edited: Option<&'a EditedGraph>,
    pub(in crate::cli) requested: &'a str,
    pub(in crate::cli) began_ns: u64,
}

/// Whether the machine slept while a process was measured: what ran before and after is no one thing.
pub(in crate::cli) fn slept(around: &[Around]) -> Option<Error> {
    let slept_ns = |around: &Around| {
        let log = around.guards.as_ref()?;
        Some(suspended_ns(*log.clocks_before.value()?, *log.clocks_after.value()?))
    };
    let longest_ns = around.iter().filter_map(slept_ns).max().filter(|slept_ns| *slept_ns > SUSPEND_NS)?;
    Some(
        Error::environment(format!(
            "the machine slept for {:.1} s while it was measured",
            longest_ns as f64 / 1e9
        ))
        .hint("keep it awake, and measure again"),
    )
}

/// Outcome, samples and words on the output; speed only where all went well.
pub(in crate::cli) fn fill_in(
    record: &mut RunRecord,
    model: &FoundModel,
    plan: &Plan,
    session: &Session,
    findings: &[Finding],
    failed: Option<Error>,
) -> Result<u8> {
    let samples = session.samples();
    if session.ending == Ending::Interrupted {
        // Only what was measured in turns is judged before its end: whole turns have figures.
        record.samples = kept_samples(plan, &samples, findings);
        record.prompts = assemble::prompt_records(model, plan, &samples, findings);
        record.outcome = Outcome::Interrupted;
        return Ok(exit_code::INTERRUPTED);
    }
    if let Some(error) = failed {
        record.samples = kept_samples(plan, &samples, &[]);
        let wrong = error.kind() == ErrorKind::WrongOutput;
        record.outcome = if wrong { Outcome::WrongOutput } else { Outcome::Failed };
        record.failure = Some(error.to_string());
        return Err(error);
    }
    record.samples = kept_samples(plan, &samples, findings);
    record.prompts = assemble::prompt_records(model, plan, &samples, findings);
    record.warnings.extend(assemble::golden_warnings(plan, findings, model));
    let wrong = findings.iter().any(|finding| finding.result == GoldenResult::Break);
    record.warnings.extend(compiled_model_warning(record, session, wrong));
    record.outcome = if wrong { Outcome::WrongOutput } else { Outcome::Complete };
    Ok(if wrong { exit_code::WRONG_OUTPUT } else { exit_code::PASS })
}

/// What a reader must know of the cache of compiled models.
fn compiled_model_warning(record: &RunRecord, session: &Session, wrong: bool) -> Option<Warning> {
    if record.warm_load == WarmLoad::NotTested {
        return Some(Warning::new(
            "warm-load-not-tested",
            "not tested: whether a model from the compiled-model cache gives the tokens of the cold load",
            "`cargo xtask bench` without `--quick` compares them whenever it fills the cache",
        ));
    }
    let warm = session.processes.iter().filter_map(|process| process.settled.as_ref());
    let mut warm = warm.filter(|settled| settled.compiled_model_cache == CacheState::Warm);
    let folder = warm.next().filter(|_| wrong)?.compiled_model_folder.as_ref()?;
    Some(Warning::new(
        "wrong-output-after-warm-load",
        format!("the wrong output came from a model in the compiled-model cache `{}`", folder.display()),
        "remove that folder and measure again: if the output is then right, the cache was at fault",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::guard::Watch;
    use crate::measure::{CanaryReading, ClockPair, Observed, SysfsRoot};

    /// A process between whose clocks the machine slept for so long.
    fn after_a_sleep_of(slept_ns: u64) -> Around {
        let nothing = tempfile::tempdir().unwrap();
        let mut log = Watch::start(SysfsRoot::at(nothing.path().to_owned()), || 0, None).finish();
        let pair = |monotonic_ns, boottime_ns| Observed::Observed(ClockPair { monotonic_ns, boottime_ns });
        log.clocks_before = pair(1_000, 5_000);
        log.clocks_after = pair(2_000, 6_000 + slept_ns);
        let canary_before = CanaryReading { buffer_bytes: 1, threads: 1, pass_ns: vec![1] };
        Around { canary_before, still_warm: None, guards: Some(log) }
    }

    #[test]
    fn a_machine_that_slept_in_any_process_gives_no_speed_and_a_breath_is_no_sleep() {
        assert_eq!(slept(&[after_a_sleep_of(0), after_a_sleep_of(900_000_000)]), None);
        let error = slept(&[after_a_sleep_of(0), after_a_sleep_of(7_500_000_000)]).unwrap();
        assert_eq!(error.kind(), ErrorKind::Environment);
        assert_eq!(error.to_string(), "the machine slept for 7.5 s while it was measured");
        assert_eq!(slept(&[]), None);
    }
}
