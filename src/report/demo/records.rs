//! Invented records: runs of `bench`, among them those that go wrong, and A/Bs, whose pairs are drawn until the real
//! test has an answer, as the real driver does.

use crate::error::Result;
use crate::golden::{Divergence, GoldenResult};
use crate::judge::policy::Policy;
use crate::judge::prompt_differences;
use crate::judge::sequential::{Look, Rule, sequential};
use crate::measure::Role;
use crate::measure::protocol::InferSpan;
use crate::measure::supervisor::{Purpose, WarmLoad};
use crate::record::{
    AcceptedModel, Arm, Commit, DecisionRecord, DivergenceText, Experiment, HarnessCost, InputsRecord,
    Outcome, PlanKind, PolicyText, PromptRecord, PublishedReference, Round, SampleRecord, Sampling, Side,
    StopReason, Warning, WorkerRecord, sha256_of_bytes,
};
use crate::report::demo::machines::{DemoMachine, machines};
use crate::report::demo::process::{Done, Request, Task, Trouble, bandwidth_reading, blank};
use crate::report::demo::story::{Contest, DemoPlan, Fate, Noise, Story, authored, commits, utc};

/// The warning of every invented record.
pub const WARNING_ID: &str = "demo";

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
    plan: DemoPlan,
    inputs: DemoInputs<'a>,
    story: Story,
    line: Vec<Commit>,
    pub(super) machines: Vec<DemoMachine>,
    policy: PolicyText,
    rule: Rule,
    largest_redraws: usize,
    /// By machine.
    requested: Vec<Request>,
    /// With the large model's hash among those that are accepted.
    published: PublishedReference,
}

impl<'a> Scene<'a> {
    pub(super) fn of(plan: DemoPlan, inputs: DemoInputs<'a>) -> Result<Self> {
        let policy = Policy::parse(inputs.policy_text, "policy of the demonstration")?;
        let machines = machines(&plan)?;
        let mut published = inputs.published.clone();
        // So that the published line is shown where it would stand.
        published.model.accepted.extend(machines.first().map(|machine| AcceptedModel {
            sha256: machine.model.sha256.clone(),
            reason: "the demonstration's own".to_owned(),
            accepted_utc: String::new(),
            run_id: String::new(),
            commit: String::new(),
        }));
        published.new_tokens = plan.new_tokens;
        let requested = machines.iter().map(|machine| Request::of(&plan, u64::from(machine.gpu.is_none())));
        Ok(Self {
            plan,
            inputs,
            story: Story::of(plan.commits),
            line: commits(&plan),
            requested: requested.collect::<Result<_>>()?,
            machines,
            policy: PolicyText {
                text: inputs.policy_text.to_owned(),
                sha256: sha256_of_bytes(inputs.policy_text.as_bytes()),
            },
            rule: policy.sequential.rule(),
            largest_redraws: policy.noise.largest_redraws,
            published,
        })
    }

    fn requested(&self, machine: &DemoMachine) -> &Request {
        &self.requested[machine.number]
    }

    /// So many seconds after a commit was authored.
    fn after(&self, at: usize, seconds: u64) -> String {
        utc(authored(&self.plan, at) + seconds)
    }

    /// A run of a commit's code at another commit's time, in which nothing has happened yet.
    fn frame(&self, machine: &DemoMachine, code: usize, time: usize, kind: u64) -> Experiment {
        let id = format!("record {kind} of {time} on {}, drawn from {}", machine.number, self.plan.seed);
        let ground = self.story.ground(time);
        let commit = &self.line[code];
        let arm = Arm {
            kv: None,
            label: Arm::BENCH.to_owned(),
            differences: Vec::new(),
            host_loop: Arm::ARCGAUGE.to_owned(),
            attention: None,
            infer_span: InferSpan::default(),
            worker: WorkerRecord {
                name: Some(format!("arcgauge {} (demo)", env!("CARGO_PKG_VERSION"))),
                protocol: Some(1),
                sha256: Some(sha256_of_bytes(commit.tree.as_bytes())),
            },
            outcome: Outcome::Complete,
            failure: None,
            commit: Some(commit.clone()),
            device: machine.device(ground),
            runtime: Some(machine.runtime(ground)),
            environment_variables: [("OMP_NUM_THREADS".to_owned(), "8".to_owned())].into(),
            model: machine.model.clone(),
            workload: self.requested(machine).workload.clone(),
            processes: Vec::new(),
            state_seen_empty: true,
            prompts: Vec::new(),
            samples: Vec::new(),
            warm_load: WarmLoad::NoColdLoad,
            logit_drift: None,
            warnings: vec![invented()],
        };
        Experiment {
            // What no other record of this history is called.
            run_id: sha256_of_bytes(id.as_bytes())[..12].to_owned(),
            outcome: Outcome::Complete,
            sampling: Sampling { rounds_requested: Some(self.plan.runs), ..Sampling::default() },
            published: Some(self.published.clone()),
            ..Experiment::begun(PlanKind::Bench, String::new(), machine.identity(ground), vec![arm])
        }
    }
}

/// What every invented record says of itself.
fn invented() -> Warning {
    Warning::new(
        WARNING_ID,
        "invented for the demonstration: nothing was measured",
        "measure something: `cargo xtask bench`",
    )
}

/// Adds a process and what it cost.
fn add(run: &mut Arm, cost: &mut HarnessCost, done: Done) {
    let generation_ns = done
        .samples
        .iter()
        .filter_map(|sample| sample.times.as_ref())
        .filter_map(|times| Some(times.token_ns.last()?.saturating_sub(times.submitted_ns)));
    let bandwidth = done.process.bandwidth_before.as_ref();
    cost.bandwidth_reference_ns += bandwidth.map_or(0, |bandwidth| bandwidth.pass_ns.iter().sum());
    cost.load_ns += done.process.load.as_ref().map_or(0, |load| load.load_ns);
    cost.generation_ns += generation_ns.sum::<u64>();
    run.processes.push(done.process);
    run.samples.extend(done.samples);
}

/// The wall time, from all that was added, and a little of the harness's own; and how many processes each arm had.
fn close(record: &mut Experiment) {
    let cost = &mut record.cost;
    cost.hashing_ns = 40_000_000;
    let processes: usize = record.arms.iter().map(|arm| arm.processes.len()).sum();
    cost.cool_down_ns = 2_000_000_000 * processes as u64;
    let workers = cost.load_ns + cost.generation_ns;
    cost.wall_ns = cost.hashing_ns + cost.cool_down_ns + cost.bandwidth_reference_ns + workers + workers / 80;
    for run in &mut record.arms {
        let measured = run.samples.iter().filter(|sample| sample.role == Role::Measured).count();
        run.workload.runs = measured.checked_div(run.workload.prompts.len()).unwrap_or_default();
    }
}

/// A stream of its own for runs.
const RUNS: u64 = 4;
/// The prompt whose answer is wrong, and from which token on.
const WRONG_PROMPT: usize = 1;
const WRONG_POSITION: usize = 2;
/// Between two processes of a run: the machine cools down, ns.
const PAUSE_NS: u64 = 2_000_000_000;
/// When the first process of a commit starts by the machine's clock, which has run for weeks, ns.
const A_COMMIT_NS: u64 = 4_000_000_000_000;
/// A run begins so long after its commit, s, and further ones of the same commit come later.
const AFTER_COMMIT_S: u64 = 600;
const AFTER_RUN_S: u64 = 400;

/// The runs of a commit on a machine.
pub(super) fn runs(scene: &Scene<'_>, machine: &DemoMachine, at: usize) -> Vec<Experiment> {
    let fates = scene.story.runs(at, machine.number);
    fates.into_iter().zip(0..).map(|(fate, repetition)| run(scene, machine, at, fate, repetition)).collect()
}

fn run(scene: &Scene<'_>, machine: &DemoMachine, at: usize, fate: Fate, repetition: u64) -> Experiment {
    let mut record = scene.frame(machine, at, at, repetition);
    record.when_utc = scene.after(at, AFTER_COMMIT_S + repetition * AFTER_RUN_S);
    match fate {
        Fate::Failed => failed(&mut record.arms[0], machine, begin_ns(at, repetition)),
        Fate::Interrupted => interrupted(&mut record.arms[0], begin_ns(at, repetition)),
        _ => measured(scene, machine, at, fate, repetition, &mut record),
    }
    let arm = &record.arms[0];
    (record.outcome, record.failure) = (arm.outcome, arm.failure.clone());
    record
}

fn begin_ns(at: usize, repetition: u64) -> u64 {
    (at as u64 + 1) * A_COMMIT_NS + repetition * A_COMMIT_NS / 8
}

fn measured(
    scene: &Scene<'_>,
    machine: &DemoMachine,
    at: usize,
    fate: Fate,
    repetition: u64,
    experiment: &mut Experiment,
) {
    let Experiment { arms, cost, .. } = experiment;
    let record = &mut arms[0];
    let mut noise = Noise::of(scene.plan.seed, &[RUNS, machine.number as u64, at as u64, repetition]);
    let story = scene.story;
    let mut task = Task {
        machine,
        requested: scene.requested(machine),
        cost: machine.cost(story.code(at), story.ground(at), at),
        index: 0,
        started_ns: begin_ns(at, repetition),
        trouble: (fate == Fate::Throttled).then_some(Trouble::Heat),
        restlessness: 1.0,
    };
    if story.is_new_ground(at) {
        record.processes.push(task.primed(&mut noise));
    }
    for index in 0..scene.plan.runs {
        let before_ns = record.processes.last().and_then(|process| process.ended_ns);
        task.started_ns = before_ns.map_or(task.started_ns, |ended_ns| ended_ns + PAUSE_NS);
        task.index = index;
        add(record, cost, task.done(&mut noise));
    }
    record.prompts = judged(record);
    match fate {
        Fate::WrongOutput => wrong(record),
        Fate::Dirty => dirty(record),
        _ => {}
    }
    experiment.rounds = vec![Round { order: vec![0] }; scene.plan.runs];
    experiment.bandwidth_after = Some(bandwidth_reading(machine, &mut noise));
    close(experiment);
}

/// Every answer is the golden one.
fn judged(run: &Arm) -> Vec<PromptRecord> {
    let prompts = run.workload.prompts.iter().map(|prompt| PromptRecord {
        id: prompt.id.clone(),
        golden: GoldenResult::Match,
        divergence: None,
        divergence_text: None,
        replay: None,
    });
    prompts.collect()
}

/// One prompt's answer leaves its golden, so that it has no speed.
fn wrong(run: &mut Arm) {
    run.outcome = Outcome::WrongOutput;
    let Some(prompt) = run.prompts.get_mut(WRONG_PROMPT) else { return };
    let mut expected = 0;
    for sample in run.samples.iter_mut().filter(|sample| sample.prompt_id == prompt.id) {
        sample.times = None;
        if let Some(token) = sample.token_ids.get_mut(WRONG_POSITION) {
            expected = *token;
            *token += 1;
        }
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

/// The worker crashes while it loads.
fn failed(run: &mut Arm, machine: &DemoMachine, started_ns: u64) {
    run.outcome = Outcome::Failed;
    let why = "the worker was ended by signal 11 (SIGSEGV) while it loaded the model";
    run.failure = Some(why.to_owned());
    (run.device.ran, run.state_seen_empty, run.model.same_after_run) = (None, false, true);
    let mut process = blank(Purpose::Measured, 0, started_ns, started_ns + 1_700_000_000);
    "crashed".clone_into(&mut process.exit_reason);
    process.exit_detail = Some(why.to_owned());
    process.output_tail = vec![format!("[invented] compiling for `{}`", machine.kind().name())];
    run.processes = vec![process];
}

/// Somebody stops it in the first process.
fn interrupted(run: &mut Arm, started_ns: u64) {
    run.outcome = Outcome::Interrupted;
    run.failure = Some("it was interrupted".to_owned());
    (run.device.ran, run.state_seen_empty) = (None, false);
    let mut process = blank(Purpose::Measured, 0, started_ns, started_ns + 6_200_000_000);
    "interrupted".clone_into(&mut process.exit_reason);
    process.exit_detail = Some("it was interrupted".to_owned());
    run.processes = vec![process];
}

/// A stream of its own for A/Bs.
const CONTESTS: u64 = 5;
/// Kinds of records: runs come before.
const FIRST_KIND: u64 = 100;
/// An A/B begins so long after its commit, and is judged so long after its begin, s.
const AB_AFTER_COMMIT_S: u64 = 1_500;
const JUDGED_AFTER_S: u64 = 900;
/// Pairs after which the time of a restless A/B is over.
const RESTLESS_PAIRS: usize = 6;
/// How much more a restless machine's processes differ: too much for six pairs to tell, and not so much that
/// a gate calls the machine unfit.
const RESTLESSNESS: f64 = 3.8;

/// The A/Bs of a commit, on the first machine.
pub(super) fn contests(scene: &Scene<'_>, machine: &DemoMachine, at: usize) -> Vec<Experiment> {
    let contests = scene.story.contests(at);
    contests.into_iter().zip(0..).map(|(contest, number)| ab(scene, machine, at, contest, number)).collect()
}

fn ab(scene: &Scene<'_>, machine: &DemoMachine, at: usize, contest: Contest, number: u64) -> Experiment {
    let base_at = if contest == Contest::Itself { at } else { at.saturating_sub(1) };
    let kind = FIRST_KIND + number * 10;
    let when_utc = scene.after(at, AB_AFTER_COMMIT_S + number * JUDGED_AFTER_S);
    let base_frame = scene.frame(machine, base_at, at, kind + 1);
    let mut record = scene.frame(machine, at, at, kind);
    // Until the goal is reached nobody holds a head to it: the hash is accepted with the step that does.
    if at < scene.story.faster {
        record.published = Some(scene.inputs.published.clone());
        record.published.iter_mut().for_each(|published| published.new_tokens = scene.plan.new_tokens);
    }
    let requested = |word: &str| if contest == Contest::Itself { "HEAD".to_owned() } else { word.to_owned() };
    let arms = base_frame.arms.into_iter().chain(record.arms).zip(["HEAD^", "HEAD"]);
    let arms: Vec<Arm> = arms.map(|(arm, word)| Arm { label: requested(word), ..arm }).collect();
    let mut pairs = Pairs {
        scene,
        machine,
        contest,
        code: [base_at, at],
        time: at,
        noise: Noise::of(scene.plan.seed, &[CONTESTS, at as u64, number]),
        now_ns: begin_ns(at, 4 + number),
        arms,
        cost: HarnessCost::default(),
        drawn: Vec::new(),
    };
    record.plan = PlanKind::Ab;
    record.when_utc.clone_from(&when_utc);
    record.stop_reason = pairs.drive();
    record.bandwidth_after = Some(bandwidth_reading(machine, &mut pairs.noise));
    (record.arms, record.rounds, record.cost) = (pairs.arms, pairs.drawn, pairs.cost);
    for arm in &mut record.arms {
        arm.prompts = judged(arm);
    }
    close(&mut record);
    if contest == Contest::WrongOutput {
        wrong(&mut record.arms[Side::Head.arm()]);
        record.outcome = Outcome::WrongOutput;
    }
    let base_sha = scene.line[base_at].sha.clone();
    record.inputs = InputsRecord {
        from_commit: Some(base_sha.clone()),
        merge_base: Some(base_sha),
        merge: None,
        sha256: sha256_of_bytes(scene.inputs.policy_text.as_bytes()),
        changed_by_head: Vec::new(),
        policy: scene.policy.clone(),
    };
    record.sampling = Sampling {
        seed: Some(scene.plan.seed),
        budget_s: (contest == Contest::Restless).then_some(600),
        ..Sampling::default()
    };
    record.warnings = vec![invented()];
    let decided =
        (scene.inputs.decide)(&record, &scene.after(at, AB_AFTER_COMMIT_S + (number + 1) * JUDGED_AFTER_S));
    record.decision = Some(decided.decision);
    record.gate_decision = Some(decided.gate_decision);
    record
}

struct Pairs<'a, 'b> {
    scene: &'a Scene<'b>,
    machine: &'a DemoMachine,
    contest: Contest,
    /// The commits of base and head.
    code: [usize; 2],
    /// The commit at whose time they are measured.
    time: usize,
    noise: Noise,
    now_ns: u64,
    /// Base and head.
    arms: Vec<Arm>,
    cost: HarnessCost,
    drawn: Vec<Round>,
}

impl Pairs<'_, '_> {
    /// Draws pairs until they tell; otherwise says why they do not.
    fn drive(&mut self) -> Option<StopReason> {
        let mut differences_ln = Vec::new();
        let mut invalidated = 0;
        loop {
            let index = self.drawn.len();
            let first = match self.drawn.last() {
                Some(before) if !self.drawn.len().is_multiple_of(2) => before.first().other(),
                _ if self.noise.happens(0.5) => Side::Base,
                _ => Side::Head,
            };
            let of_pair_ln = self.measure(first);
            if self.contest == Contest::WrongOutput {
                // It is found after the first pair, which so is none.
                return Some(StopReason::WrongOutput);
            }
            self.drawn.push(Round::beginning_with(first));
            if self.is_invalidated(index) {
                invalidated += 1;
            } else {
                differences_ln.extend(of_pair_ln);
            }
            let is_final =
                sequential(&differences_ln, &self.scene.rule).map_or(true, |so_far| so_far.is_final());
            if is_final {
                return None;
            }
            if invalidated > self.scene.largest_redraws || index > 2 * Look::LAST.pairs {
                return Some(StopReason::Guards);
            }
            if self.contest == Contest::Restless && index + 1 == RESTLESS_PAIRS {
                return Some(StopReason::Budget);
            }
        }
    }

    fn is_invalidated(&self, index: usize) -> bool {
        self.contest == Contest::Swapping && index > 0
    }

    /// Measures a process of each side, adjacent in time; gives the mean difference.
    fn measure(&mut self, first: Side) -> Option<f64> {
        let index = self.drawn.len();
        let order = if first == Side::Base { [0, 1] } else { [1, 0] };
        for side in order {
            let done = self.process(side, index);
            self.now_ns = done.process.ended_ns.unwrap_or(self.now_ns) + PAUSE_NS;
            add(&mut self.arms[side], &mut self.cost, done);
        }
        let samples = |run: &Arm| -> Vec<_> {
            let of_process = run.samples.iter().filter(|sample| sample.process == index);
            of_process.filter_map(SampleRecord::timed).collect()
        };
        let differences = prompt_differences(&samples(&self.arms[0]), &samples(&self.arms[1]));
        let sum: f64 = differences.iter().map(|difference| difference.tpot_ln).sum();
        (!differences.is_empty()).then(|| sum / differences.len() as f64)
    }

    fn process(&mut self, side: usize, index: usize) -> Done {
        let story = self.scene.story;
        let task = Task {
            machine: self.machine,
            requested: self.scene.requested(self.machine),
            cost: self.machine.cost(story.code(self.code[side]), story.ground(self.time), self.time),
            index,
            started_ns: self.now_ns,
            trouble: (side == 1 && self.is_invalidated(index)).then_some(Trouble::Swap),
            restlessness: if self.contest == Contest::Restless { RESTLESSNESS } else { 1.0 },
        };
        task.done(&mut self.noise)
    }
}
