//! Whether the times of a record may be used, decided here alone and from the record alone; and how a result compares with
//! the published reference, which is shown beside every result and judged only for its own model and device.

use strum::IntoStaticStr;

use crate::error::{Error, Result};
use crate::golden::GoldenResult;
use crate::judge::comparability::ComparedSide;
use crate::judge::environment::{Guard, GuardFinding, GuardWeight, of_record};
use crate::judge::pair_values;
use crate::judge::peers::round_values;
use crate::measure::MetricValue;
use crate::record::{
    Arm, ArmView, Entry, Experiment, Outcome, PlanKind, ProofGrade, ProvenDevice, PublishedReference, Verdict,
};

/// The validity of a record, with the reason where it is not valid.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
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
    pub fn of(record: &Experiment) -> Self {
        match record.plan {
            PlanKind::Bench | PlanKind::Soak => Self::of_run(record.subject().arm),
            PlanKind::Ab => of_ab(record),
            PlanKind::Peers | PlanKind::Kv => of_peers(record),
        }
    }

    /// The same from the index, which names the guards and not their readings.
    pub fn of_entry(entry: &Entry) -> Self {
        if let Some(ended) = Self::of_outcome(entry.outcome) {
            return ended;
        }
        let counts_all_rounds = match &entry.ab {
            None if entry.plan.is_of_arms() => has_no_valid_round(entry),
            None => true,
            Some(ab) => ab.ignores_guards || ab.verdict == Some(Verdict::InvalidEnvironment),
        };
        let emulated = entry.setting.series.emulated.then(|| "emulated device".to_owned());
        let tripped = tripped_guards(entry).into_iter().filter(|_| counts_all_rounds);
        let mut reasons: Vec<String> =
            emulated.into_iter().chain(tripped.map(|guard| guard.id().to_owned())).collect();
        if reasons.is_empty() && has_no_valid_round(entry) {
            reasons.push("no round counts".to_owned());
        }
        if !reasons.is_empty() {
            return Self::Invalid(reasons);
        }
        let is_unverified = entry.plan.is_alone() && !entry.golden.is_some_and(GoldenResult::is_verified);
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
    pub fn as_str(&self) -> &'static str {
        self.into()
    }
}

/// The guards that tripped in a record of the index and invalidate times.
pub fn tripped_guards(entry: &Entry) -> Vec<Guard> {
    let is_tripped = |guard: &Guard| entry.warning_ids.contains(&format!("guard-{}", guard.id()));
    let guards = Guard::ALL.into_iter().filter(|guard| guard.weight() == GuardWeight::Invalidates);
    guards.filter(is_tripped).collect()
}

/// What invalidates a run's times: each guard once, with the first reading that says so.
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

/// The warning by which the index knows that engines have no valid times.
pub const NO_VALID_ROUND: &str = "no-valid-round";

fn has_no_valid_round(entry: &Entry) -> bool {
    entry.warning_ids.iter().any(|id| id == NO_VALID_ROUND)
}

fn of_peers(record: &Experiment) -> Validity {
    if let Some(ended) = Validity::of_outcome(record.outcome) {
        return ended;
    }
    if let Some(reason) = record.arms.iter().find_map(|engine| engine.device.emulated_reason()) {
        return Validity::Invalid(vec![format!("the device is emulated: {reason}")]);
    }
    invalid_round_reason(record).map_or(Validity::Valid, |reason| Validity::Invalid(vec![reason]))
}

/// Why the times of engines are invalid: the first reading of a round that counts in spite of it, or of the first
/// round where none counts.
pub fn invalid_round_reason(record: &Experiment) -> Option<String> {
    let rounds = round_values(record);
    let has_valid = rounds.iter().any(|round| round.invalidated_by.is_empty());
    if has_valid && !record.sampling.ignore_guards {
        return None;
    }
    rounds.into_iter().flat_map(|round| round.invalidated_by).next()
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
    let mut reasons = pair_values(record).into_iter().flat_map(|pair| pair.invalidated_by);
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

/// How a result stands to the published value.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It is of another model or device, or has no verified speed: no comparison.
    NotJudged(String),
    /// At the published value or above.
    Reached,
    /// Below it.
    Below,
}

/// Why a run's speed may be compared with no fixed value, nor become one; None where it may.
pub fn no_reference_reason(run: &Arm) -> Option<&'static str> {
    let grade = run.device.ran.as_ref().map(ProvenDevice::grade);
    let reasons = [
        (run.device.emulated_reason().is_some(), "the device is emulated"),
        (!run.prompts.iter().all(|prompt| prompt.golden.is_verified()), "the output is not verified"),
        (
            grade != Some(ProofGrade::PropertyAndCounters),
            "the device is proven as reported by OpenVINO alone",
        ),
        (!guard_reasons(run).is_empty(), "a guard tripped while it was measured"),
    ];
    reasons.into_iter().find(|(is_so, _)| *is_so).map(|(_, reason)| reason)
}

/// Compares like with like, or says why not.
pub fn standing(published: &PublishedReference, record: &Arm, speed: Option<MetricValue>) -> Standing {
    if let Some(unlike) = published.difference_to(record).or_else(|| no_reference_reason(record)) {
        return Standing::NotJudged(unlike.to_owned());
    }
    let Some(speed) = speed else { return Standing::NotJudged("there is no speed".to_owned()) };
    let metric_value = MetricValue { metric: published.reference.metric, value: published.reference.value };
    match speed.ratio_to(metric_value) {
        Err(refused) => Standing::NotJudged(refused.to_string()),
        Ok(ratio) if ratio < 1.0 => Standing::Below,
        Ok(_) => Standing::Reached,
    }
}

/// Whether a run shows that its model is the published one: made like it, and with the golden answers to the
/// published prompts. Any device but an emulated one may show it, for the hash is of the model.
///
/// # Errors
/// Why it does not, with what to do about it.
pub fn check_shows_published_model(published: &PublishedReference, run: ArmView<'_>) -> Result<()> {
    let refuse = |reason: &str, hint: &str| {
        let what = format!("record `{}` does not show the published model: {reason}", run.experiment.run_id);
        Err(Error::input(what).hint(hint))
    };
    if let Some(reason) = ComparedSide::of(&run).no_speed_reason {
        return refuse(&reason, VERIFY);
    }
    if let Some(reason) = run.device.emulated_reason() {
        return refuse(&format!("its device is emulated: {reason}"), HARDWARE);
    }
    let Some(shape) = &published.model.shape else {
        return refuse("the published values do not say what it is made of", RESTORE);
    };
    if let Some(difference) = shape.difference_to(&run.model) {
        return refuse(&difference, FETCH);
    }
    if !published.is_workload_of(&run) {
        return refuse("it is not of the published prompts and number of tokens", MEASURE);
    }
    if run.commit.as_ref().is_none_or(|commit| commit.dirty) {
        return refuse("it is of no clean commit, so that its goldens cannot be looked up", COMMIT);
    }
    if !run.model.same_after_run {
        return refuse("the model's files were not seen to be the same after the run", MEASURE);
    }
    Ok(())
}

const VERIFY: &str = "measure it until its output is verified: `cargo xtask bench`, and where there are no \
    goldens yet `cargo xtask golden bless --reason \"...\"`";
const RESTORE: &str = "restore the file: `git checkout -- fixtures/baselines`";
const FETCH: &str = "measure the published model: `cargo xtask model fetch`, `cargo xtask model use DIR`, \
    `cargo xtask bench`";
const HARDWARE: &str = "measure it on the CPU or on a GPU that is there: `cargo xtask bench`";
const MEASURE: &str = "measure it at the defaults: `cargo xtask bench`";
const COMMIT: &str = "commit the goldens, and measure again: `cargo xtask bench`";
