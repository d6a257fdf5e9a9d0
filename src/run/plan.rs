//! What an experiment measures: arms that are ready to run, and how their rounds are scheduled.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::engine::openvino::DeviceFacts;
use crate::error::{Error, Result};
use crate::golden::Probe;
use crate::measure::kv::{KvMethod, KvText};
use crate::measure::protocol::LoadCommand;
use crate::measure::supervisor::{Limits, Session, Soak, WorkerProgram};
use crate::measure::{Estimate, Metric};
use crate::places;
use crate::record::{
    Commit, Experiment, HarnessCost, InputsRecord, Machine, ModelIdentity, PlanKind, PublishedReference,
    PublishedValue, RequestedPrompt, Sampling, Warning, WorkerRecord, utc_now, variables_that_matter,
};
use crate::run::model::{FoundModel, known_hashes};
use crate::run::schedule::{RoundReport, Schedule, StoppingRule};
use crate::sys::{Clock, MonotonicClock};

/// An experiment that has not been run.
pub struct ExperimentPlan<'a> {
    /// Which verb planned it.
    pub kind: PlanKind,
    /// When the command began, ns of `CLOCK_MONOTONIC`.
    pub began_ns: u64,
    /// When it began, UTC, as a label.
    pub when_utc: String,
    /// Which of several machines of one model this is, where its owner wants that recorded.
    pub unit_id: Option<String>,
    /// Which set of prompts it is.
    pub suite: String,
    /// What is requested of each arm.
    pub prompts: Vec<RequestedPrompt>,
    /// Tokens of each answer.
    pub new_tokens: usize,
    /// What is measured.
    pub arms: Vec<ReadyArm<'a>>,
    /// How many rounds, in which order.
    pub schedule: Schedule,
    /// The metric that the pairs of an A/B are tested by: `tpot@1` or `ttft@1`.
    pub tested: Metric,
    /// How long each word of a worker may take.
    pub limits: Limits,
    /// Whether a cold cache of compiled models is filled by a process that is not measured.
    pub warms_cache: bool,
    /// Whether reading and writing back all KV states is timed at the end of each process.
    pub times_states: bool,
    /// How long each process goes on asking its prompts; None where it asks each once.
    pub soak: Option<Soak>,
    /// Longest wait, before the first process, for other load to end.
    pub idle_limit: Duration,
    /// The text on which the drift of logits is measured after the last process; None where it is not.
    pub probe: Option<Probe>,
    /// What the distributions of the arms of `kv` are compared over; None of another plan.
    pub kv: Option<KvComparison>,
    /// Prompts, goldens and policy of an A/B.
    pub inputs: InputsRecord,
    /// The published values that it is shown beside.
    pub published: PublishedReference,
    /// What was published of engines like these.
    pub published_engines: Vec<PublishedValue>,
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
    /// What is done to its KV cache, and where, in an experiment of `kv`.
    pub kv: Option<RequestedKv>,
}

/// What is requested of the KV cache of an arm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedKv {
    /// The arm in its canonical form.
    pub transform: String,
    /// Where the cache is changed.
    pub method: KvMethod,
    /// Whether a seed decides what it does.
    pub is_seeded: bool,
}

/// What the distributions of the arms are compared over, teacher-forced, in the first round.
#[derive(Debug)]
pub struct KvComparison {
    /// The texts.
    pub texts: Vec<KvText>,
    /// The seeds of an arm that has one.
    pub seeds: Vec<u64>,
    /// Where the reference's logits are until the experiment has ended: of a long text they take gigabytes.
    folder: PathBuf,
}

impl KvComparison {
    /// Over these texts.
    ///
    /// # Errors
    /// A cache folder that cannot be written.
    pub fn new(texts: Vec<KvText>, seeds: Vec<u64>) -> Result<Self> {
        Ok(Self { texts, seeds, folder: folder()? })
    }

    /// The file of the reference's logits over a text, by the text's place.
    pub fn reference(&self, text: usize) -> PathBuf {
        self.folder.join(format!("{text}-{}{LOGITS}", std::process::id()))
    }
}

impl Drop for KvComparison {
    fn drop(&mut self) {
        // One that was never written is not there.
        (0..self.texts.len()).for_each(|text| drop(fs::remove_file(self.reference(text))));
    }
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

impl<'a> ExperimentPlan<'a> {
    /// A plan that begins now: a cold cache is filled, nothing is waited for, and nothing is known besides.
    pub fn new(
        kind: PlanKind,
        began_ns: u64,
        prompts: Vec<RequestedPrompt>,
        new_tokens: usize,
        arms: Vec<ReadyArm<'a>>,
        schedule: Schedule,
        published: PublishedReference,
    ) -> Self {
        let reference = arms.first().map(|arm| &arm.model.prompts);
        Self {
            kind,
            began_ns,
            when_utc: utc_now(),
            unit_id: None,
            suite: reference.map(|reference| Experiment::suite_of(&prompts, reference)).unwrap_or_default(),
            prompts,
            new_tokens,
            arms,
            schedule,
            tested: Metric::TimePerOutputToken,
            limits: Limits::default(),
            warms_cache: true,
            times_states: false,
            soak: None,
            idle_limit: Duration::ZERO,
            probe: None,
            kv: None,
            inputs: InputsRecord::default(),
            published,
            published_engines: Vec::new(),
            criterion: Vec::new(),
            resolved: None,
            cost: HarnessCost::default(),
        }
    }

    /// What each process is requested to do, without these prompts.
    pub(super) fn of_worker(&self, processes: usize, skipped: &[String]) -> crate::measure::Plan {
        let prompts = self.prompts.iter().filter(|prompt| !skipped.contains(&prompt.id));
        crate::measure::Plan { prompts: prompts.cloned().collect(), processes, new_tokens: self.new_tokens }
    }

    /// Rounds that were requested; None where the sequential test decides.
    pub(super) fn rounds(&self) -> Option<usize> {
        match self.schedule.stopping {
            StoppingRule::Rounds(rounds) => Some(rounds),
            StoppingRule::Sequential(_) => None,
        }
    }

    /// Whether rounds that were whole before Ctrl-C have values. A `bench` has none: its published mean is over all runs.
    pub(super) fn keeps_whole_rounds(&self) -> bool {
        self.arms.len() > 1 || self.soak.is_some()
    }

    /// How the rounds were planned, as it is recorded.
    pub(super) fn sampling(&self) -> Sampling {
        Sampling {
            rounds_requested: self.rounds(),
            seed: self.schedule.seed,
            // Of one arm every round counts, and its guards are judged with the record.
            ignore_guards: self.schedule.ignore_guards && self.arms.len() > 1,
            budget_s: self.schedule.budget.map(|budget| budget.as_secs()),
            soak: self.soak,
        }
    }
}

/// The identities of a run.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The commit that was measured.
    pub commit: Option<Commit>,
    /// The program that measures.
    pub worker: WorkerRecord,
    /// Variables that can change what a runtime does.
    pub environment_variables: std::collections::BTreeMap<String, String>,
    /// Time that hashing the worker took, ns.
    pub hashing_ns: u64,
}

impl Identity {
    /// Looks at the checkout and hashes the worker's program. Of a program that is not this one it is not
    /// known from which commit it was built, and so there is none.
    ///
    /// # Errors
    /// A program or a repository that cannot be read.
    pub fn of(checkout: &Path, program: &Path, is_other_program: bool) -> Result<Self> {
        let started_ns = MonotonicClock.now_ns();
        let mut known = known_hashes();
        let sha256 = known.sha256_of(program, || ())?;
        known.save();
        let hashing_ns = MonotonicClock.now_ns() - started_ns;
        let named = env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Ok(Self {
            commit: if is_other_program { None } else { Commit::at(checkout)? },
            worker: WorkerRecord { sha256: Some(sha256), ..WorkerRecord::default() },
            environment_variables: variables_that_matter(named),
            hashing_ns,
        })
    }

    /// This machine, with the GPU that the workers of a session saw. Errors: a system that does not report
    /// what it is.
    pub(super) fn machine(session: &Session) -> Result<Machine> {
        let resolved = session.processes.iter().find_map(|process| process.resolved.as_ref());
        let gpu_name = resolved.and_then(|resolved| resolved.gpu_name.clone());
        let gpu_driver = resolved.and_then(|resolved| resolved.facts.driver_version.clone());
        Ok(Machine { gpu_driver, ..Machine::of_this_host(gpu_name)? })
    }
}

/// The folder of edited graphs and of a reference's logits, in the cache folder.
pub const FOLDER: &str = "graphs";
const GRAPH: &str = ".xml";
const LOGITS: &str = ".logits";

/// That folder, made where it is not there.
fn folder() -> Result<PathBuf> {
    let cache = places::cache_dir()
        .ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))?;
    let folder = cache.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|cause| Error::io("write", &folder, &cause))?;
    Ok(folder)
}

/// The edited graph's file, for this process and its workers alone; removed at the end.
pub struct EditedGraph(PathBuf);

impl EditedGraph {
    /// A place for the one of an arm; None where the graph is to be compiled as it is.
    ///
    /// # Errors
    /// A cache folder that cannot be written.
    pub fn place(identity: &ModelIdentity, all_logits: bool, arm: usize) -> Result<Option<Self>> {
        if all_logits {
            return Ok(None);
        }
        let name = format!("{}-{arm}-{}{GRAPH}", &identity.sha256[..16], std::process::id());
        Ok(Some(Self(folder()?.join(name))))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// The process that a file of this name is for, by its id.
pub fn process_of(name: &str) -> Option<u32> {
    let (_, process) = [GRAPH, LOGITS].iter().find_map(|it| name.strip_suffix(it))?.rsplit_once('-')?;
    process.parse().ok()
}

impl Drop for EditedGraph {
    fn drop(&mut self) {
        // OpenVINO has read it; one that stays behind costs a few megabytes of cache.
        let _ = fs::remove_file(&self.0);
    }
}

/// Who is shown what an experiment is doing. It decides nothing, and an experiment waits for none of its answers.
pub trait Observer {
    /// A line that stays.
    fn say(&self, line: &str);

    /// What is under way now, on a line that is redrawn.
    fn aim(&self, what: &str);

    /// Whether anybody sees that line.
    fn is_live(&self) -> bool;

    /// Something that a reader must know before the experiment ends.
    fn warn(&self, warning: &Warning);

    /// A round of several arms was measured; `metric_values` says in a few words what each gave.
    fn on_round(&self, report: &RoundReport<'_>, metric_values: &str);

    /// No worker is measured any more.
    fn finish(&self);
}
