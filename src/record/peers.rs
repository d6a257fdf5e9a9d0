//! The record of engines side by side: each measured in fresh processes, round by round, in turns.
//!
//! Each engine is a run like any other, with all its evidence. Process k of an engine is that of round k. What
//! makes them comparable is kept beside them: in which order they ran in each round.

use serde::{Deserialize, Serialize};

use crate::measure::protocol::InferSpan;
use crate::record::{Outcome, PublishedFigure, RunRecord, Warning};

/// One run of `peers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeersRecord {
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
    /// The engine that was named first: the others are held against it, and the record is kept under its
    /// commit.
    pub reference: PeerRecord,
    /// The others, in the order asked.
    pub others: Vec<PeerRecord>,
    /// Every round, in order, those that a guard spoilt among them.
    pub rounds: Vec<RoundRecord>,
    /// Rounds that were asked for.
    pub rounds_asked: usize,
    /// Whether rounds count in which a guard tripped, as the user asked.
    pub despite_guards: bool,
    /// The time that was given, s; None where there was no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_s: Option<u64>,
    /// What was published of such engines, to be shown beside what was measured here.
    pub published: Vec<PublishedFigure>,
    /// What a reader must know, besides what each engine's run warns of.
    pub warnings: Vec<Warning>,
}

/// One engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerRecord {
    /// What was asked for, in the words of the command line: as in "genai-pa".
    pub asked: String,
    /// Whose loop drives the model from token to token: as in "arcgauge" or `openvino_genai`.
    pub host_loop: String,
    /// How it attends to past tokens, "sdpa" or "paged", as it said itself; None where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention: Option<String>,
    /// What its `infer_ns` are of: of whole steps there is no host overhead to tell.
    #[serde(default)]
    pub infer_span: InferSpan,
    /// Properties that were asked of this engine alone, as in `KV_CACHE_PRECISION=u8`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
    /// The engine as a run.
    pub run: RunRecord,
}

/// One round: a process of each engine, one right after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundRecord {
    /// The engines in the order in which they ran, by their place; the reference has place 0. One whose output was found wrong is in no
    /// further round.
    pub order: Vec<usize>,
}

impl PeerRecord {
    /// This program's loop.
    pub const ARCGAUGE: &str = "arcgauge";
    /// The loop of `openvino_genai`'s pipeline.
    pub const OPENVINO_GENAI: &str = "openvino_genai";
    /// The loop of transformers, as optimum-intel drives it.
    pub const OPTIMUM_INTEL: &str = "optimum-intel";

    /// Whether it is a program that the user named.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        ![Self::ARCGAUGE, Self::OPENVINO_GENAI, Self::OPTIMUM_INTEL].contains(&self.host_loop.as_str())
    }
}

impl PeersRecord {
    /// Every engine, in the order asked: by this place rounds name them.
    pub fn engines(&self) -> impl Iterator<Item = &PeerRecord> {
        std::iter::once(&self.reference).chain(&self.others)
    }
}
