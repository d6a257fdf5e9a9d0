//! Invented runs of `bench`, among them those that go wrong.

use crate::golden::{Divergence, GoldenResult};
use crate::measure::supervisor::Purpose;
use crate::record::{Arm, DivergenceText, Experiment, Outcome, PromptRecord, Round, sha256_of_bytes};
use crate::report::demo::guards::Trouble;
use crate::report::demo::machine::DemoMachine;
use crate::report::demo::noise::Noise;
use crate::report::demo::process::{Task, bandwidth_reading, blank};
use crate::report::demo::scene::{Label, Scene, add, close};
use crate::report::demo::story::Fate;

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
    let label = Label { machine: machine.number, at, kind: repetition };
    let mut record = scene.frame(machine, at, at, label);
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

/// By the machine's clock.
pub(super) fn begin_ns(at: usize, repetition: u64) -> u64 {
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
pub(super) fn judged(run: &Arm) -> Vec<PromptRecord> {
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
pub(super) fn wrong(run: &mut Arm) {
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
