//! The record of an experiment: arms that were measured in rounds of fresh processes, and what was decided.
//!
//! Whatever verb asks for it, an experiment is recorded in this one form: `bench` has one arm, `ab` two (the base,
//! then the head), `peers` several. These types hold facts; every statistic is computed from them again.

use std::ops::Deref;
use std::process;

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::measure::supervisor::Soak;
use crate::measure::{BandwidthReading, Estimate};
use crate::record::{
    Arm, BisectRecord, DecisionRecord, Machine, Outcome, PublishedReference, PublishedValue, RequestedPrompt,
    SampleRecord, Warning, sha256_of_bytes,
};
use crate::workload::{PromptSet, Suite};

/// One experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Names it; unique.
    pub run_id: String,
    /// When it began, UTC, as a label: durations never come from it.
    pub when_utc: String,
    /// The version of arcgauge that supervised.
    pub arcgauge_version: String,
    /// Which verb planned it.
    pub plan: PlanKind,
    /// Which set of prompts was measured: "reference", or "custom" where texts of the user's own are among them.
    pub suite: String,
    /// Which of several machines of one model it was, where its owner named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_id: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What failed, where something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The machine; the GPU's name and driver are those of the arm that the record is filed by.
    pub machine: Machine,
    /// Prompts, goldens and policy of an A/B, and where they come from.
    #[serde(default, skip_serializing_if = "InputsRecord::is_none")]
    pub inputs: InputsRecord,
    /// How the rounds were planned.
    pub sampling: Sampling,
    /// Which comparison of a bisect an A/B was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bisect: Option<BisectRecord>,
    /// What was measured. Of two commits the base stands first; engines are compared with the first.
    pub arms: Vec<Arm>,
    /// Every round that was measured whole, in order, those that a guard invalidated among them.
    pub rounds: Vec<Round>,
    /// Why the rounds ended early; None where they came to their end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<StopReason>,
    /// The bandwidth reference run after the last process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth_after: Option<BandwidthReading>,
    /// What Criterion's benches estimated, where they were requested. Never gated: the same quantities are gated
    /// from the samples, if at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criterion: Vec<Estimate>,
    /// What an A/B means, judged at its end; None where it did not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionRecord>,
    /// What a gate made of it at that moment, which requires more: a steady machine, clean guards, verified output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate_decision: Option<DecisionRecord>,
    /// Where its time went.
    #[serde(default)]
    pub cost: HarnessCost,
    /// The published values that it is shown beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PublishedReference>,
    /// What was published of engines like those that were measured side by side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published_engines: Vec<PublishedValue>,
    /// What a reader must know, besides what each arm warns of.
    pub warnings: Vec<Warning>,
}

/// Which verb planned an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum PlanKind {
    /// `bench`: one arm, a fixed number of rounds.
    Bench,
    /// `ab`: base and head, until it is decided.
    Ab,
    /// `peers`: engines, a fixed number of rounds.
    Peers,
    /// `kv`: changes of the KV cache, a fixed number of rounds. Never gated, and never a baseline.
    Kv,
    /// `soak`: one arm, two processes that each go on for long. Never gated, and never a baseline.
    Soak,
}

impl PlanKind {
    /// As it is serialised, and as the verb is typed.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether it measures one arm, whose processes all count.
    pub fn is_alone(self) -> bool {
        matches!(self, Self::Bench | Self::Soak)
    }

    /// Whether its speed is that of a commit: such a record stands on a timeline.
    pub fn is_of_commit(self) -> bool {
        matches!(self, Self::Bench | Self::Ab)
    }

    /// Whether it compares arms of one commit in rounds: invalidated rounds alone do not invalidate it.
    pub fn is_of_arms(self) -> bool {
        matches!(self, Self::Peers | Self::Kv)
    }

    /// The name of an arm in messages: the side of an A/B, otherwise the arm's label.
    pub fn arm_name(self, arm: usize, label: &str) -> &str {
        match self {
            Self::Ab if arm == Side::Base.arm() => Side::Base.as_str(),
            Self::Ab => Side::Head.as_str(),
            Self::Bench | Self::Peers | Self::Kv | Self::Soak => label,
        }
    }
}

/// How the rounds were planned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampling {
    /// Rounds that were requested; None where the sequential test decides how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds_requested: Option<usize>,
    /// What the random order of the arms was drawn from; None where the order is fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Whether rounds count in which a guard tripped, as the user requested. A gate never accepts that.
    #[serde(default)]
    pub ignore_guards: bool,
    /// The time that was given, s; None where there was no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_s: Option<u64>,
    /// How long each process of a soak goes on; None of any other plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak: Option<Soak>,
}

impl Sampling {
    /// Whether a round counts that these guards invalidated.
    pub fn counts(&self, invalidated_by: &[String]) -> bool {
        self.ignore_guards || invalidated_by.is_empty()
    }
}

/// One round: a process of each arm, one right after the other.
///
/// Process k of an arm is that of the k-th round in which the arm takes part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// The arms in the order in which they ran, by their place. An arm whose output was found wrong is in no
    /// further round.
    pub order: Vec<usize>,
}

impl Round {
    /// A pair, by the side that ran first.
    pub fn beginning_with(first: Side) -> Self {
        Self { order: vec![first.arm(), first.other().arm()] }
    }

    /// Which side of a pair ran first.
    pub fn first(&self) -> Side {
        if self.order.first() == Some(&Side::Head.arm()) { Side::Head } else { Side::Base }
    }
}

/// Which of the two arms of an A/B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// What the head is compared with.
    Base,
    /// What is being judged.
    Head,
}

impl Side {
    /// Base and head, in the order of the arms.
    pub const BOTH: [Self; 2] = [Self::Base, Self::Head];

    /// As it is serialised.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Head => "head",
        }
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Base => Self::Head,
            Self::Head => Self::Base,
        }
    }

    /// Its place among the arms.
    pub fn arm(self) -> usize {
        match self {
            Self::Base => 0,
            Self::Head => 1,
        }
    }
}

/// Where the inputs of an A/B come from, and what they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputsRecord {
    /// The commit that they were taken from; None where the sides are no commits. Of a `bench` of an older commit it is
    /// the harness's.
    pub from_commit: Option<String>,
    /// The merge base of the two sides' commits, where both are commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_base: Option<String>,
    /// The merge commit that was checked out, where a pull request was tested through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<String>,
    /// The sha256 over prompts, goldens, published values and policy.
    pub sha256: String,
    /// What of them the head has changed against the merge base. Such a head is not judged by its own measure.
    pub changed_by_head: Vec<ChangedInput>,
    /// The rules, as they stood in the base.
    pub policy: PolicyText,
}

impl InputsRecord {
    /// Whether there are none, as of every plan but an A/B and a `bench` of another commit.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A file by which the head would be judged, and which it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedInput {
    /// "goldens", "prompts", "baselines", "policy", "models" or "openvino".
    pub kind: String,
    /// The file, below the repository's root.
    pub path: String,
}

/// A policy, verbatim: a record can be judged again without the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyText {
    /// The file's text.
    pub text: String,
    /// Its sha256.
    pub sha256: String,
}

/// Why the rounds of an experiment ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// The time budget was exhausted.
    Budget,
    /// Guards invalidated more rounds than may be made again.
    Guards,
    /// An output was wrong.
    WrongOutput,
    /// Both sides are the same, byte for byte.
    Identical,
}

/// An arm with the experiment that it is of.
#[derive(Debug, Clone, Copy)]
pub struct ArmView<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// The arm.
    pub arm: &'a Arm,
}

impl Deref for ArmView<'_> {
    type Target = Arm;

    fn deref(&self) -> &Arm {
        self.arm
    }
}

impl Experiment {
    /// The commit, in short, whose harness and inputs measured another commit afterwards; None of any other run.
    pub fn backfilled_by(&self) -> Option<&str> {
        let harness = self.inputs.from_commit.as_deref().filter(|_| self.plan == PlanKind::Bench)?;
        Some(harness.get(..12).unwrap_or(harness))
    }

    /// Which set of prompts these are.
    pub fn suite_of(requested: &[RequestedPrompt], reference: &PromptSet) -> String {
        let suite = reference.suite_of(requested.iter().map(|prompt| prompt.id.as_str()));
        suite.map_or(Self::CUSTOM_SUITE, Suite::as_str).to_owned()
    }

    /// Texts of the user's own, alone or among reference prompts.
    pub const CUSTOM_SUITE: &str = "custom";

    /// An experiment of this release that began at this moment, as far as nothing is known of how it ended.
    pub fn begun(plan: PlanKind, when_utc: String, machine: Machine, arms: Vec<Arm>) -> Self {
        Self {
            run_id: run_id(),
            when_utc,
            arcgauge_version: env!("CARGO_PKG_VERSION").to_owned(),
            plan,
            suite: Suite::Reference.as_str().to_owned(),
            unit_id: None,
            outcome: Outcome::Failed,
            failure: None,
            machine,
            inputs: InputsRecord::default(),
            sampling: Sampling::default(),
            bisect: None,
            arms,
            rounds: Vec::new(),
            stop_reason: None,
            bandwidth_after: None,
            criterion: Vec::new(),
            decision: None,
            gate_decision: None,
            cost: HarnessCost::default(),
            published: None,
            published_engines: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Every arm with its experiment.
    pub fn views(&self) -> impl Iterator<Item = ArmView<'_>> {
        self.arms.iter().map(|arm| ArmView { experiment: self, arm })
    }

    /// The arm that the record is filed by: the head of an A/B, else the first. Every stored record has it.
    ///
    /// # Panics
    /// Where there is no arm, which no record has that was read or written.
    pub fn subject(&self) -> ArmView<'_> {
        ArmView { experiment: self, arm: &self.arms[self.subject_place()] }
    }

    /// The place of the arm that the record is filed by.
    pub fn subject_place(&self) -> usize {
        if self.plan == PlanKind::Ab { Side::Head.arm() } else { 0 }
    }

    /// A side of an A/B; of another plan the first arm is its own base and head.
    ///
    /// # Panics
    /// As [`Self::subject`].
    pub fn side(&self, side: Side) -> ArmView<'_> {
        ArmView { experiment: self, arm: &self.arms[side.arm().min(self.arms.len() - 1)] }
    }

    /// What the head is compared with.
    pub fn base(&self) -> ArmView<'_> {
        self.side(Side::Base)
    }

    /// What is being judged.
    pub fn head(&self) -> ArmView<'_> {
        self.side(Side::Head)
    }

    /// The number of the process that an arm ran in a round; None where it took no part.
    pub fn process_of(&self, round: usize, arm: usize) -> Option<usize> {
        let takes_part = |round: &&Round| round.order.contains(&arm);
        self.rounds.get(round).filter(takes_part)?;
        Some(self.rounds[..round].iter().filter(takes_part).count())
    }

    /// Whether both sides of an A/B are the usual runs of clean commits: only such an A/B says something of a
    /// commit, and only such a one is judged as a gate would.
    pub fn is_of_commits(&self) -> bool {
        self.plan == PlanKind::Ab
            && [self.base(), self.head()].iter().all(|side| {
                side.differences.is_empty() && side.commit.as_ref().is_some_and(|commit| !commit.dirty)
            })
    }

    /// The decision that is shown: the gate's on commits, else the one of the A/B itself.
    pub fn shown_decision(&self) -> Option<&DecisionRecord> {
        let of_gate = self.gate_decision.as_ref().filter(|_| self.is_of_commits());
        of_gate.or(self.decision.as_ref())
    }

    /// Whether it is an A/A: one program with one set of inputs on both sides, and it was measured.
    pub fn is_against_itself(&self) -> bool {
        let (base, head) = (self.base(), self.head());
        self.plan == PlanKind::Ab
            && self.outcome == Outcome::Complete
            && base.differences == head.differences
            && base.worker.sha256.is_some()
            && base.worker.sha256 == head.worker.sha256
            && base.model.sha256 == head.model.sha256
            && !self.rounds.is_empty()
    }

    /// Every generation of every arm.
    pub fn samples_mut(&mut self) -> impl Iterator<Item = &mut SampleRecord> {
        self.arms.iter_mut().flat_map(|arm| &mut arm.samples)
    }
}

/// Now, UTC, to the second.
pub fn utc_now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now).to_string()
}

/// The seconds since 1970 of a moment such as `2026-11-24T16:19:10Z`; None where it is none.
pub fn seconds_of_utc(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// The moment so many seconds after 1970 began, UTC; None where no calendar has it.
pub fn utc_of_seconds(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(|moment| moment.to_string())
}

/// A name for an experiment that no other has: 12 hexadecimal digits.
pub fn run_id() -> String {
    let moment = format!("{} {}", Timestamp::now().as_nanosecond(), process::id());
    sha256_of_bytes(moment)[..12].to_owned()
}

/// Wall time of a run by what it was spent on, ns. What is left over is the harness's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HarnessCost {
    /// From the command's begin until the record was ready to be written; reporting it comes after.
    pub wall_ns: u64,
    /// Waiting for the device lock.
    pub lock_wait_ns: u64,
    /// Hashing the model's files and the worker's.
    pub hashing_ns: u64,
    /// Waiting for the machine to become idle before the first process, and to cool down before others.
    pub cool_down_ns: u64,
    /// The bandwidth reference kernel.
    pub bandwidth_reference_ns: u64,
    /// Criterion's benches, where they were requested.
    pub criterion_ns: u64,
    /// Loads of all workers.
    pub load_ns: u64,
    /// Generations of all workers, the warm-ups among them.
    pub generation_ns: u64,
    /// Untimed passes of the last worker: judging and the probe.
    pub untimed_pass_ns: u64,
}

impl HarnessCost {
    /// Wall time less what is reported apart (cool-down, bandwidth reference, hashing, lock, Criterion, and the untimed
    /// passes by which outputs are judged), over what the workers took for loading and generating; None
    /// where they took nothing.
    pub fn ratio(&self) -> Option<f64> {
        let apart = [
            self.lock_wait_ns,
            self.hashing_ns,
            self.cool_down_ns,
            self.bandwidth_reference_ns,
            self.criterion_ns,
            self.untimed_pass_ns,
        ];
        // In floating point: a record may say anything, and these sums of it do not overflow.
        let apart: f64 = apart.iter().map(|ns| *ns as f64).sum();
        let workers = self.load_ns as f64 + self.generation_ns as f64;
        (workers > 0.0).then(|| (self.wall_ns as f64 - apart).max(0.0) / workers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reported_apart_does_not_count_as_the_harness_s_own() {
        let cost = HarnessCost {
            wall_ns: 170,
            lock_wait_ns: 10,
            hashing_ns: 10,
            cool_down_ns: 10,
            bandwidth_reference_ns: 10,
            criterion_ns: 10,
            load_ns: 40,
            generation_ns: 60,
            untimed_pass_ns: 10,
        };
        assert!((cost.ratio().unwrap() - 1.1).abs() < 1e-12);
        assert_eq!(HarnessCost::default().ratio(), None);
    }

    #[test]
    fn times_of_any_size_have_a_ratio() {
        let most = u64::MAX;
        let cost = HarnessCost {
            wall_ns: most,
            lock_wait_ns: most,
            cool_down_ns: most,
            load_ns: most,
            generation_ns: most,
            ..HarnessCost::default()
        };
        assert_eq!(cost.ratio(), Some(0.0));
    }
}
