//! Invented records: runs of `bench`, among them those that go wrong, and A/Bs, whose pairs the real driver draws
//! until the real test has an answer.

use std::cell::Cell;
use std::time::Duration;

use crate::error::Result;
use crate::golden::{Divergence, GoldenResult};
use crate::judge::bisect::rule_of;
use crate::judge::policy::Policy;
use crate::judge::{mean_tpot_ln, prompt_differences};
use crate::measure::supervisor::{Purpose, Soak};
use crate::record::{
    AcceptedModel, Arm, BisectRecord, Commit, DecisionRecord, DivergenceText, Experiment, HarnessCost,
    InputsRecord, Outcome, PlanKind, PolicyText, ProcessRecord, PromptRecord, PublishedReference,
    RequestedPrompt, Round, SampleRecord, Sampling, Side, Warning, WorkloadRecord, sha256_of_bytes,
};
use crate::report::demo::machines::{DemoMachine, machines};
use crate::report::demo::process::{Done, Task};
use crate::report::demo::story::{CodeCost, DemoPlan, Event, Noise, Story, authored, commits, utc};
use crate::run::{Ended, MeasuredRound, RoundFailed, RoundReport, Rounds, Schedule, StoppingRule, drive};
use crate::sys::Clock;
use crate::workload::TokenId;

/// The warning of every invented record.
pub const WARNING_ID: &str = "demo";

/// Streams of their own for tokens, runs and A/Bs.
const TOKENS: u64 = 3;
const RUNS: u64 = 4;
const CONTESTS: u64 = 5;
/// Tokens of the shipped model's vocabulary, which the large one has, too.
pub(super) const VOCABULARY: u64 = 600;
/// Tokens of the prompts.
const PROMPT_TOKENS: [usize; 3] = [20, 23, 30];
/// The prompt whose answer is wrong, and from which token on.
const WRONG_PROMPT: usize = 1;
const WRONG_POSITION: usize = 2;
/// Between two processes of a run: the machine cools down, ns.
const PAUSE_NS: u64 = 2_000_000_000;
/// When the first process of a commit starts by the machine's clock, which has run for weeks, ns.
const A_COMMIT_NS: u64 = 4_000_000_000_000;
/// How long the pairs of a restless machine may take: some six of them.
const RESTLESS_BUDGET: Duration = Duration::from_mins(4);

/// What the invented history takes from the repository and from the gate, which stands after this room.
#[derive(Clone, Copy)]
pub struct DemoInputs<'a> {
    /// The text of `ci/gate.json`.
    pub policy_text: &'a str,
    /// `fixtures/baselines/published.json`.
    pub published: &'a PublishedReference,
    /// What is decided of an A/B at a moment.
    pub decide: &'a dyn Fn(&Experiment, &str) -> DemoDecisions,
}

/// The two decisions of an A/B.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoDecisions {
    /// Of somebody at a machine.
    pub decision: DecisionRecord,
    /// Of a gate.
    pub gate_decision: DecisionRecord,
}

/// All that records are made of.
pub(super) struct Scene<'a> {
    pub(super) plan: DemoPlan,
    inputs: DemoInputs<'a>,
    pub(super) story: Story,
    pub(super) line: Vec<Commit>,
    pub(super) machines: Vec<DemoMachine>,
    policy: Policy,
    workload: WorkloadRecord,
    /// By model, the large one and the shipped one, and by prompt.
    answers: [Vec<Vec<TokenId>>; 2],
    /// With the large model's hash among those that are accepted.
    published: PublishedReference,
}

impl<'a> Scene<'a> {
    pub(super) fn of(plan: DemoPlan, inputs: DemoInputs<'a>) -> Result<Self> {
        let (machines, story) = (machines(&plan)?, Story::of(plan.commits));
        let template = machines[0].template(story.ground(0));
        let mut published = with_own_model(inputs.published, template.arm.model.sha256.clone());
        published.new_tokens = plan.new_tokens;
        let tokens = |stream: u64, prompt: usize, count: usize| -> Vec<TokenId> {
            let mut noise = Noise::of(plan.seed, &[TOKENS, stream, prompt as u64]);
            (0..count).map(|_| TokenId::try_from(noise.below(VOCABULARY)).unwrap_or_default()).collect()
        };
        let prompts = template.arm.workload.prompts.iter().enumerate().map(|(at, prompt)| RequestedPrompt {
            token_ids: tokens(0, at, PROMPT_TOKENS[at]),
            ..prompt.clone()
        });
        let answers =
            |model| (0..PROMPT_TOKENS.len()).map(|at| tokens(model, at, plan.new_tokens)).collect::<Vec<_>>();
        Ok(Self {
            plan,
            inputs,
            story,
            line: commits(&plan),
            workload: WorkloadRecord::new(prompts.collect(), plan.runs, plan.new_tokens)?,
            answers: [answers(1), answers(2)],
            policy: Policy::parse(inputs.policy_text, "policy of the demonstration")?,
            machines,
            published,
        })
    }

    /// So many seconds after a commit was authored.
    pub(super) fn after(&self, at: usize, seconds: u64) -> String {
        utc(authored(&self.plan, at) + seconds)
    }

    /// The code of a commit on a machine at another commit's time, before anything has happened.
    pub(super) fn arm(&self, machine: &DemoMachine, code: usize, time: usize, label: &str) -> Arm {
        let mut arm = machine.template(self.story.ground(time)).arm.clone();
        let commit = &self.line[code];
        label.clone_into(&mut arm.label);
        arm.worker.name = Some(format!("arcgauge {} (demo)", env!("CARGO_PKG_VERSION")));
        arm.worker.sha256 = Some(sha256_of_bytes(commit.tree.as_bytes()));
        arm.commit = Some(commit.clone());
        arm.workload = self.workload.clone();
        arm.warnings = vec![invented()];
        arm
    }

    /// An experiment of these arms, in which nothing has happened yet. No other record of this history has its id.
    pub(super) fn frame(&self, machine: &DemoMachine, at: usize, kind: u64, arms: Vec<Arm>) -> Experiment {
        let id = format!("record {kind} of {at} on {}, drawn from {}", machine.number, self.plan.seed);
        let identity = machine.template(self.story.ground(at)).identity.clone();
        Experiment {
            run_id: sha256_of_bytes(id.as_bytes())[..12].to_owned(),
            outcome: Outcome::Complete,
            sampling: Sampling { rounds_requested: Some(self.plan.runs), ..Sampling::default() },
            published: Some(self.published.clone()),
            ..Experiment::begun(PlanKind::Bench, String::new(), identity, arms)
        }
    }

    pub(super) fn schedule(&self, arms: usize, stopping: StoppingRule, budget: Option<Duration>) -> Schedule {
        let largest_redraws = self.policy.noise.largest_redraws;
        Schedule { largest_redraws, budget, ..Schedule::new(arms, stopping) }
    }
}

/// The published values as they are for the invented model, so that its runs and A/Bs are compared with them.
///
/// # Errors
/// None in practice: the machines are part of the program.
pub fn published(plan: DemoPlan, published: &PublishedReference) -> Result<PublishedReference> {
    let machines = machines(&plan)?;
    let model = &machines[0].template(Story::of(plan.commits).ground(0)).arm.model;
    Ok(with_own_model(published, model.sha256.clone()))
}

fn with_own_model(published: &PublishedReference, sha256: String) -> PublishedReference {
    let mut published = published.clone();
    published.model.accepted.push(AcceptedModel {
        sha256,
        reason: "the demonstration's own".to_owned(),
        accepted_utc: String::new(),
        run_id: String::new(),
        commit: String::new(),
    });
    published
}

/// What every invented record says of itself.
pub(super) fn invented() -> Warning {
    Warning::new(
        WARNING_ID,
        "invented for the demonstration: nothing was measured",
        "measure something: `cargo xtask bench`",
    )
}

fn begin_ns(at: usize, repetition: u64) -> u64 {
    (at as u64 + 1) * A_COMMIT_NS + repetition * A_COMMIT_NS / 8
}

/// The runs of a commit on a machine.
pub(super) fn runs(scene: &Scene<'_>, machine: &DemoMachine, at: usize) -> Vec<Experiment> {
    let events = scene.story.runs(at, machine.number);
    events.iter().zip(0..).map(|(event, repetition)| run(scene, machine, at, *event, repetition)).collect()
}

fn run(scene: &Scene<'_>, machine: &DemoMachine, at: usize, event: Event, repetition: u64) -> Experiment {
    let arms = vec![scene.arm(machine, at, at, Arm::BENCH)];
    let mut record = scene.frame(machine, at, repetition, arms);
    record.when_utc = scene.after(at, 600 + repetition * 400);
    let noise = Noise::of(scene.plan.seed, &[RUNS, machine.number as u64, at as u64, repetition]);
    let clock = &DemoClock(Cell::new(begin_ns(at, repetition)));
    let code = [at];
    let live = Live { event, ..Live::of(scene, machine, clock, at, &code, noise) };
    if matches!(event, Event::Failed | Event::Interrupted) {
        live.end_early(&mut record.arms[0]);
    } else {
        live.drive(&mut record, &scene.schedule(1, StoppingRule::Rounds(scene.plan.runs), None));
    }
    let arm = &mut record.arms[0];
    match event {
        Event::WrongOutput => answer_wrongly(arm),
        Event::Dirty => dirty(arm),
        _ => {}
    }
    (record.outcome, record.failure) = (arm.outcome, arm.failure.clone());
    record
}

/// One prompt's answer leaves its golden, so that it has no speed.
fn answer_wrongly(run: &mut Arm) {
    run.outcome = Outcome::WrongOutput;
    let prompt = &mut run.prompts[WRONG_PROMPT];
    let mut expected = 0;
    for sample in run.samples.iter_mut().filter(|sample| sample.prompt_id == prompt.id) {
        sample.times = None;
        expected = sample.token_ids[WRONG_POSITION];
        sample.token_ids[WRONG_POSITION] += 1;
    }
    prompt.golden = GoldenResult::Break;
    prompt.divergence = Some(Divergence {
        position: WRONG_POSITION,
        expected,
        got: expected + 1,
        logit_margin: 3.25,
        flips: vec![WRONG_POSITION],
    });
    prompt.divergence_text = Some(DivergenceText {
        before: "def fibonacci(n, memo".to_owned(),
        expected: "=None):\n    if memo is None:\n        memo = {}".to_owned(),
        got: "={}):\n    if n in memo:".to_owned(),
    });
}

fn dirty(run: &mut Arm) {
    if let Some(commit) = &mut run.commit {
        commit.dirty = true;
        commit.difference_sha256 = Some(sha256_of_bytes(b"the changes of the demonstration"));
    }
}

/// The A/Bs of a commit, on the first machine.
pub(super) fn contests(scene: &Scene<'_>, machine: &DemoMachine, at: usize) -> Vec<Experiment> {
    let events = scene.story.contests(at).into_iter().zip(0..);
    let contests = events.map(|(event, number)| {
        let sides = match event {
            Event::Itself => [(at, "HEAD"), (at, "HEAD")],
            _ => [(at.saturating_sub(1), "HEAD^"), (at, "HEAD")],
        };
        ab(scene, machine, &Contest { at, sides, event, number, bisect: None })
    });
    contests.collect()
}

/// An A/B that is to be made.
pub(super) struct Contest<'a> {
    /// At the time of which commit.
    pub(super) at: usize,
    /// The commit of each side, and what it is called.
    pub(super) sides: [(usize, &'a str); 2],
    pub(super) event: Event,
    /// Which one of its commit.
    pub(super) number: u64,
    /// Which comparison of a bisect it is.
    pub(super) bisect: Option<BisectRecord>,
}

pub(super) fn ab(scene: &Scene<'_>, machine: &DemoMachine, contest: &Contest<'_>) -> Experiment {
    let Contest { at, sides, event, number, ref bisect } = *contest;
    let arms = sides.map(|(code, label)| scene.arm(machine, code, at, label));
    // Runs come before.
    let mut record = scene.frame(machine, at, 100 + number * 10, arms.into());
    record.plan = PlanKind::Ab;
    record.when_utc = scene.after(at, 1_500 + number * 900);
    record.warnings = vec![invented()];
    record.bisect.clone_from(bisect);
    let base_sha = scene.line[sides[0].0].sha.clone();
    let policy_sha256 = sha256_of_bytes(scene.inputs.policy_text.as_bytes());
    record.inputs = InputsRecord {
        from_commit: Some(base_sha.clone()),
        merge_base: Some(base_sha),
        sha256: policy_sha256.clone(),
        policy: PolicyText { text: scene.inputs.policy_text.to_owned(), sha256: policy_sha256 },
        ..InputsRecord::default()
    };
    let stopping = StoppingRule::Sequential(rule_of(bisect.as_ref(), &scene.policy));
    let budget = (event == Event::Restless).then_some(RESTLESS_BUDGET);
    let seed = Noise::of(scene.plan.seed, &[CONTESTS, at as u64, number, 1]).below(u64::MAX);
    let schedule = Schedule { seed: Some(seed), ..scene.schedule(2, stopping, budget) };
    record.sampling = Sampling {
        seed: schedule.seed,
        budget_s: budget.map(|budget| budget.as_secs()),
        ..Sampling::default()
    };
    let noise = Noise::of(scene.plan.seed, &[CONTESTS, at as u64, number]);
    let clock = &DemoClock(Cell::new(begin_ns(at, 4 + number)));
    let code = sides.map(|(code, _)| code);
    Live { event, ..Live::of(scene, machine, clock, at, &code, noise) }.drive(&mut record, &schedule);
    if event == Event::WrongOutput {
        answer_wrongly(&mut record.arms[Side::Head.arm()]);
        record.outcome = Outcome::WrongOutput;
    }
    let decided = (scene.inputs.decide)(&record, &scene.after(at, 2_400 + number * 900));
    (record.decision, record.gate_decision) = (Some(decided.decision), Some(decided.gate_decision));
    record
}

pub(super) struct DemoClock(Cell<u64>);

impl DemoClock {
    /// When something that is measured once at a commit begins.
    pub(super) fn of_special(at: usize) -> Self {
        Self(Cell::new(begin_ns(at, 2)))
    }
}

impl Clock for DemoClock {
    fn now_ns(&self) -> u64 {
        self.0.get()
    }
}

/// An experiment while it is run.
pub(super) struct Live<'a> {
    scene: &'a Scene<'a>,
    machine: &'a DemoMachine,
    clock: &'a DemoClock,
    event: Event,
    /// At the time of which commit.
    time: usize,
    /// The commit of each arm.
    code: &'a [usize],
    /// What each arm costs as a multiple of its commit; of one that is not there, as much.
    pub(super) paces: &'a [CodeCost],
    pub(super) soak: Option<Soak>,
    noise: Noise,
    arms: Vec<Arm>,
    cost: HarnessCost,
}

impl<'a> Live<'a> {
    /// One in which nothing goes wrong and each arm costs what its commit does.
    pub(super) fn of(
        scene: &'a Scene<'a>,
        machine: &'a DemoMachine,
        clock: &'a DemoClock,
        time: usize,
        code: &'a [usize],
        noise: Noise,
    ) -> Self {
        let (arms, cost) = (Vec::new(), HarnessCost::default());
        let (event, paces, soak) = (Event::Usual, &[][..], None);
        Self { scene, machine, clock, event, time, code, paces, soak, noise, arms, cost }
    }

    fn task(&self, arm: usize, round: usize) -> Task<'a> {
        let Self { scene, machine, time, .. } = *self;
        let ground = scene.story.ground(time);
        let code = scene.story.code(self.code[arm]);
        let cost = code.times(self.paces.get(arm).copied().unwrap_or(CodeCost::SAME));
        // Only one side of a pair swaps, and not that of the first.
        let is_spared = self.event == Event::Swapping && (arm == 0 || round == 0);
        Task {
            machine,
            template: machine.template(ground),
            prompts: &scene.workload.prompts,
            answers: &scene.answers[usize::from(!machine.has_gpu())],
            cost: machine.cost(cost, ground, time),
            index: round,
            started_ns: self.clock.now_ns(),
            event: if is_spared { Event::Usual } else { self.event },
            soak: self.soak,
        }
    }

    /// Runs all rounds, and fills in what came of them.
    pub(super) fn drive(mut self, record: &mut Experiment, schedule: &Schedule) {
        self.arms = std::mem::take(&mut record.arms);
        if schedule.arms == 1 && self.scene.story.is_new_ground(self.code[0]) {
            let warm_up = self.task(0, 0).warm_up(&mut self.noise);
            self.add(0, warm_up, Vec::new());
        }
        let driven = drive(schedule, self.clock, &mut self);
        record.rounds = driven.orders.into_iter().map(|order| Round { order }).collect();
        record.stop_reason = match driven.ended {
            Ended::Early(reason) => Some(reason),
            Ended::Complete | Ended::Failed => None,
        };
        record.bandwidth_after = Some(self.machine.bandwidth(&mut self.noise));
        for arm in &mut self.arms {
            // Every answer is the golden one.
            let prompts = arm.workload.prompts.iter().map(|prompt| PromptRecord {
                id: prompt.id.clone(),
                golden: GoldenResult::Match,
                divergence: None,
                divergence_text: None,
                replay: None,
            });
            arm.prompts = prompts.collect();
            arm.workload.runs = arm.measured_processes().count();
        }
        let processes: usize = self.arms.iter().map(|arm| arm.processes.len()).sum();
        let cost = &mut self.cost;
        cost.hashing_ns = 40_000_000;
        cost.cool_down_ns = PAUSE_NS * processes as u64;
        let workers = cost.load_ns + cost.generation_ns;
        // And a little of the harness's own.
        let harness = cost.hashing_ns + cost.cool_down_ns + cost.bandwidth_reference_ns + workers / 80;
        cost.wall_ns = workers + harness;
        (record.arms, record.cost) = (self.arms, self.cost);
    }

    /// Adds a process and what it cost.
    fn add(&mut self, arm: usize, process: ProcessRecord, samples: Vec<SampleRecord>) {
        let times = samples.iter().filter_map(|sample| sample.times.as_ref());
        let generation_ns = times.filter_map(|times| Some(times.token_ns.last()? - times.submitted_ns));
        self.cost.generation_ns += generation_ns.sum::<u64>();
        let bandwidth = process.bandwidth_before.as_ref();
        self.cost.bandwidth_reference_ns += bandwidth.map_or(0, |bandwidth| bandwidth.pass_ns.iter().sum());
        self.cost.load_ns += process.load.as_ref().map_or(0, |load| load.load_ns);
        self.clock.0.set(process.ended_ns.unwrap_or_default() + PAUSE_NS);
        self.arms[arm].processes.push(process);
        self.arms[arm].samples.extend(samples);
    }

    /// The worker crashes while it loads, or somebody stops it in the first process.
    fn end_early(&self, arm: &mut Arm) {
        let has_failed = self.event == Event::Failed;
        let (outcome, ended, why, took_ns) = if has_failed {
            let why = "the worker was ended by signal 11 (SIGSEGV) while it loaded the model";
            (Outcome::Failed, "crashed", why, 1_700_000_000)
        } else {
            (Outcome::Interrupted, "interrupted", "it was interrupted", 6_200_000_000)
        };
        let process = ProcessRecord {
            exit_reason: ended.to_owned(),
            exit_detail: Some(why.to_owned()),
            output_tail: has_failed
                .then(|| "[invented] compiling for `GPU`".to_owned())
                .into_iter()
                .collect(),
            ..self.task(0, 0).blank(Purpose::Measured, self.clock.now_ns() + took_ns)
        };
        (arm.outcome, arm.failure, arm.processes) = (outcome, Some(why.to_owned()), vec![process]);
        (arm.device.ran, arm.state_seen_empty) = (None, false);
    }

    /// The mean difference of a pair; None where there are no two arms.
    fn difference_ln(&self, round: usize) -> Option<f64> {
        let samples = |arm: &Arm| -> Vec<_> {
            let of_round = arm.samples.iter().filter(|sample| sample.process == round);
            of_round.filter_map(SampleRecord::timed).collect()
        };
        let [base, head] = &self.arms[..] else { return None };
        mean_tpot_ln(&prompt_differences(&samples(base), &samples(head)))
    }
}

impl Rounds for Live<'_> {
    fn measure(&mut self, round: usize, order: &[usize]) -> Result<MeasuredRound, RoundFailed> {
        for arm in order {
            let Done { process, samples } = self.task(*arm, round).done(&mut self.noise);
            self.add(*arm, process, samples);
        }
        if self.event == Event::WrongOutput && order.len() > 1 {
            // It is found after the first pair, which so is none.
            return Err(RoundFailed::WrongOutput);
        }
        let is_invalidated = self.event == Event::Swapping && round > 0;
        Ok(MeasuredRound {
            difference_ln: self.difference_ln(round),
            invalidated_by: is_invalidated.then(|| "swap-in".to_owned()).into_iter().collect(),
            wrong: Vec::new(),
        })
    }

    fn on_round(&mut self, _: &RoundReport<'_>) {}
}
