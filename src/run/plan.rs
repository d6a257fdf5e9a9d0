//! What an experiment measures: arms that are ready to run, and how their rounds are scheduled.

use std::time::Duration;

use crate::engine::openvino::DeviceFacts;
use crate::golden::Probe;
use crate::measure::protocol::LoadCommand;
use crate::measure::supervisor::{Limits, WorkerProgram};
use crate::measure::{Estimate, PlannedPrompt};
use crate::record::{
    HarnessCost, InputsRecord, PlanKind, PublishedFigure, PublishedReference, RequestedPrompt, Sampling,
};
use crate::run::edited_graph::EditedGraph;
use crate::run::identity::Identity;
use crate::run::model::FoundModel;
use crate::run::schedule::{Schedule, StoppingRule};

/// An experiment that has not been run.
pub struct ExperimentPlan<'a> {
    /// Which verb planned it.
    pub kind: PlanKind,
    /// When the command began, ns of `CLOCK_MONOTONIC`.
    pub began_ns: u64,
    /// When it began, UTC, as a label.
    pub when_utc: String,
    /// Which set of prompts it is.
    pub suite: String,
    /// What each arm is asked.
    pub prompts: Vec<RequestedPrompt>,
    /// Tokens of each answer.
    pub new_tokens: usize,
    /// What is measured.
    pub arms: Vec<ReadyArm<'a>>,
    /// How many rounds, in which order.
    pub schedule: Schedule,
    /// How long each word of a worker may take.
    pub limits: Limits,
    /// Whether a cold cache of compiled models is filled by a process that is not measured.
    pub warms_cache: bool,
    /// Longest wait, before the first process, for other load to end.
    pub idle_limit: Duration,
    /// The text on which the drift of logits is measured after the last process; None where it is not.
    pub probe: Option<Probe>,
    /// Prompts, goldens and policy of an A/B.
    pub inputs: InputsRecord,
    /// The published figures that it is shown beside.
    pub published: PublishedReference,
    /// What was published of engines like these.
    pub published_engines: Vec<PublishedFigure>,
    /// What Criterion's benches estimated before.
    pub criterion: Vec<Estimate>,
    /// What was resolved before the first process, where every arm must run on it.
    pub resolved: Option<ResolvedDevice>,
    /// What the time was spent on until now.
    pub cost: HarnessCost,
}

/// An arm that can be measured.
pub struct ReadyArm<'a> {
    /// What it is called.
    pub label: String,
    /// In what it was requested to differ.
    pub differences: Vec<String>,
    /// Whose loop drives the model from token to token.
    pub host_loop: String,
    /// The program that measures.
    pub program: &'a WorkerProgram,
    /// What its workers load.
    pub load: &'a LoadCommand,
    /// The model.
    pub model: &'a FoundModel,
    /// The graph that its workers compile instead of the model's, where there is one.
    pub edited: Option<&'a EditedGraph>,
    /// The device, as the user requested it.
    pub requested: &'a str,
    /// What is known of it beforehand.
    pub identity: &'a Identity,
    /// Whether its worker can replay an answer, teacher-forced, and give the logit margin at each step.
    pub can_replay: bool,
}

/// The runtime and device that were resolved before the first process.
pub struct ResolvedDevice {
    /// OpenVINO's build: arms on two builds are not two loops around one thing.
    pub openvino_build: String,
    /// What this program knows of the device; an engine of another language knows less.
    pub facts: DeviceFacts,
    /// Why another device runs than was requested.
    pub fallback_reason: Option<String>,
}

impl ExperimentPlan<'_> {
    /// What a worker is asked in a round.
    pub(super) fn of_worker(&self, processes: usize) -> crate::measure::Plan {
        let prompts = self
            .prompts
            .iter()
            .map(|prompt| PlannedPrompt { id: prompt.id.clone(), token_ids: prompt.token_ids.clone() });
        crate::measure::Plan { prompts: prompts.collect(), processes, new_tokens: self.new_tokens }
    }

    /// Rounds that were requested; None where the sequential test decides.
    pub(super) fn rounds(&self) -> Option<usize> {
        match self.schedule.stopping {
            StoppingRule::Rounds(rounds) => Some(rounds),
            StoppingRule::Sequential(_) => None,
        }
    }

    /// How the rounds were planned, as it is recorded.
    pub(super) fn sampling(&self) -> Sampling {
        Sampling {
            rounds_requested: self.rounds(),
            seed: self.schedule.seed,
            // Of one arm every round counts, and its guards are judged with the record.
            ignore_guards: self.schedule.ignore_guards && self.arms.len() > 1,
            budget_s: self.schedule.budget.map(|budget| budget.as_secs()),
        }
    }
}
