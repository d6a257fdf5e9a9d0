//! Whether the times of a record may be used: decided here alone, from the record alone.

use crate::golden::GoldenResult;
use crate::judge::environment::{Guard, GuardFinding, GuardWeight, of_record};
use crate::judge::pair_figures;
use crate::record::{Arm, Entry, Experiment, Outcome, PlanKind, Verdict};

/// The validity of a record, with the reason where it is not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validity {
    /// Every token was checked, and no guard tripped of those that were observed.
    Valid,
    /// At least one output was compared with no golden.
    Unverified(String),
    /// The device is emulated, or guards tripped: each once, with its first reading.
    Invalid(Vec<String>),
    /// An output is wrong.
    WrongOutput,
    /// It was stopped before its end.
    Interrupted,
    /// It failed.
    Failed,
}

impl Validity {
    /// Of one run.
    #[must_use]
    pub fn of_run(run: &Arm) -> Self {
        if let Some(ended) = Self::of_outcome(run.outcome) {
            return ended;
        }
        let emulated = run.device.emulated_reason().map(|reason| format!("the device is emulated: {reason}"));
        let reasons: Vec<String> = emulated.into_iter().chain(guard_reasons(run)).collect();
        if !reasons.is_empty() {
            return Self::Invalid(reasons);
        }
        unverified_reason(run).map_or(Self::Valid, Self::Unverified)
    }

    /// Of an experiment. Rounds that a guard invalidated are discarded and measured again, so that only those that
    /// count invalidate the whole.
    #[must_use]
    pub fn of(record: &Experiment) -> Self {
        match record.plan {
            PlanKind::Bench => Self::of_run(record.subject().arm),
            PlanKind::Ab => of_ab(record),
            PlanKind::Peers => Self::of_outcome(record.outcome).unwrap_or(Self::Valid),
        }
    }

    /// The same from the index, which names the guards and not their readings.
    #[must_use]
    pub fn of_entry(entry: &Entry) -> Self {
        if let Some(ended) = Self::of_outcome(entry.outcome) {
            return ended;
        }
        let counts_all_rounds = match &entry.ab {
            None => entry.plan == PlanKind::Bench,
            Some(ab) => ab.ignores_guards || ab.verdict == Some(Verdict::InvalidEnvironment),
        };
        let emulated = entry.setting.series.emulated.then(|| "emulated device".to_owned());
        let tripped = tripped_guards(entry).into_iter().filter(|_| counts_all_rounds);
        let reasons: Vec<String> =
            emulated.into_iter().chain(tripped.map(|guard| guard.id().to_owned())).collect();
        if !reasons.is_empty() {
            return Self::Invalid(reasons);
        }
        let is_unverified =
            entry.plan == PlanKind::Bench && !entry.golden.is_some_and(GoldenResult::is_verified);
        if is_unverified { Self::Unverified("no golden".to_owned()) } else { Self::Valid }
    }

    fn of_outcome(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::Complete | Outcome::NotMeasured => None,
            Outcome::WrongOutput => Some(Self::WrongOutput),
            Outcome::Interrupted => Some(Self::Interrupted),
            Outcome::Failed => Some(Self::Failed),
        }
    }

    /// One word, for lists and programs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Unverified(_) => "unverified",
            Self::Invalid(_) => "invalid",
            Self::WrongOutput => "wrong-output",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

/// The guards that tripped in a record of the index and invalidate times.
#[must_use]
pub fn tripped_guards(entry: &Entry) -> Vec<Guard> {
    let is_tripped = |guard: &Guard| entry.warning_ids.contains(&format!("guard-{}", guard.id()));
    let guards = Guard::ALL.into_iter().filter(|guard| guard.weight() == GuardWeight::Invalidates);
    guards.filter(is_tripped).collect()
}

/// What invalidates a run's times: each guard once, with the first reading that says so.
#[must_use]
pub fn invalidating_findings(run: &Arm) -> Vec<GuardFinding> {
    let mut tripped: Vec<GuardFinding> = Vec::new();
    for finding in of_record(run).into_iter().flat_map(|process| process.findings) {
        if finding.invalidates() && tripped.iter().all(|known| known.guard != finding.guard) {
            tripped.push(finding);
        }
    }
    tripped
}

/// The same as text.
pub(in crate::judge) fn guard_reasons(run: &Arm) -> Vec<String> {
    let findings = invalidating_findings(run).into_iter();
    findings.map(|finding| format!("`{}`: {}", finding.guard.id(), finding.reason)).collect()
}

fn of_ab(record: &Experiment) -> Validity {
    if let Some(ended) = Validity::of_outcome(record.outcome) {
        return ended;
    }
    let decision = record.decision.as_ref();
    if let Some(decision) = decision.filter(|it| it.verdict == Verdict::InvalidEnvironment) {
        return Validity::Invalid(vec![decision.reason.clone()]);
    }
    if !record.sampling.ignore_guards {
        return Validity::Valid;
    }
    let mut reasons = pair_figures(record).into_iter().flat_map(|pair| pair.invalidated_by);
    reasons.next().map_or(Validity::Valid, |first| Validity::Invalid(vec![first]))
}

/// Which outputs were compared with no golden; None where all were.
pub(in crate::judge) fn unverified_reason(run: &Arm) -> Option<String> {
    let judged = run.judged_by_prompt();
    let is_verified = |id: &str| judged.get(id).is_some_and(|prompt| prompt.golden.is_verified());
    let requested = run.workload.prompts.iter().map(|prompt| prompt.id.as_str());
    let unverified: Vec<String> =
        requested.filter(|id| !is_verified(id)).map(|id| format!("`{id}`")).collect();
    (!unverified.is_empty()).then(|| format!("no golden for {}", unverified.join(", ")))
}
