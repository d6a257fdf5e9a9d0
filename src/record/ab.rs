//! The record of an A/B: two sides measured in interleaved pairs of fresh processes, and what was decided.
//!
//! Each side is a run like any other, with all its evidence. What makes them comparable is kept beside
//! them: which processes belong to a pair, in which order they ran, and by which rules they were judged.

use serde::{Deserialize, Serialize};

use crate::record::{DecisionRecord, Outcome, RunRecord, Warning};

/// One run of `ab`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AbRecord {
    /// Names the run; unique.
    pub run_id: String,
    /// When it began, UTC, as a label.
    pub when_utc: String,
    /// The version of arcgauge that supervised.
    pub arcgauge_version: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What failed, where something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What the head is held against.
    pub base: SideRecord,
    /// What is being judged. The record is kept under its commit.
    pub head: SideRecord,
    /// Prompts, goldens and policy, and where they come from.
    pub inputs: InputsRecord,
    /// The rules, as they stood in the base.
    pub policy: PolicyText,
    /// What the random order of the sides was drawn from.
    pub seed: u64,
    /// Every pair, in order, those that a guard spoilt among them.
    pub pairs: Vec<PairRecord>,
    /// Whether pairs count in which a guard tripped, as the user asked. A gate never accepts that.
    pub despite_guards: bool,
    /// The time that was given, s; None where there was no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_s: Option<u64>,
    /// Why the pairs ended before a decision; None where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<Undecided>,
    /// What it means, judged at the end of the run; None where it did not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionRecord>,
    /// What a gate made of it at that moment, which asks for more: a steady machine, clean guards,
    /// verified output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate_decision: Option<DecisionRecord>,
    /// What a reader must know, besides what each side's run warns of.
    pub warnings: Vec<Warning>,
}

impl AbRecord {
    /// Whether it is of a program against itself: the same bytes, the same inputs, and it was measured.
    #[must_use]
    pub fn is_against_itself(&self) -> bool {
        let (base, head) = (&self.base.run, &self.head.run);
        self.outcome == Outcome::Complete
            && self.base.differences == self.head.differences
            && base.worker.sha256.is_some()
            && base.worker.sha256 == head.worker.sha256
            && base.model.sha256 == head.model.sha256
            && !self.pairs.is_empty()
    }
}

/// One side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SideRecord {
    /// What was asked for, in the words of the command line: as in "main" or "openvino=2026.1.0".
    pub asked: String,
    /// In what it differs from the usual run of its commit: as in `KV_CACHE_PRECISION=u8`. A gate judges
    /// commits alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
    /// The side as a run. Its process k is numbered through all pairs of this side.
    pub run: RunRecord,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// What the head is held against.
    Base,
    /// What is being judged.
    Head,
}

impl Side {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Head => "head",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Base => Self::Head,
            Self::Head => Self::Base,
        }
    }
}

/// One pair: a process of each side, adjacent in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairRecord {
    /// Which side ran first.
    pub first: Side,
    /// The base's process, by its index in the base's run.
    pub base_process: usize,
    /// The head's process, by its index in the head's run.
    pub head_process: usize,
}

/// Where the inputs of both sides come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputsRecord {
    /// The commit that they were taken from; None where the sides are no commits.
    pub from_commit: Option<String>,
    /// The merge base of the two sides' commits, where both are commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_base: Option<String>,
    /// The merge commit that was checked out, where a pull request was tested through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<String>,
    /// The sha256 over prompts, goldens, published figures and policy.
    pub sha256: String,
    /// What of them the head has changed against the merge base. Such a head is not judged by its own
    /// measure, and is said not to be.
    pub changed_by_head: Vec<ChangedInput>,
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

/// Why pairs ended before a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undecided {
    /// The time was over.
    Budget,
    /// More pairs were spoilt by guards than may be drawn again.
    Guards,
    /// A side's output was wrong.
    WrongOutput,
    /// Both sides are the same, byte for byte.
    Identical,
}
