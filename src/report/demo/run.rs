//! Invented runs of `bench`, among them those that go wrong.

use crate::golden::{Divergence, GoldenResult};
use crate::record::{DivergenceText, Outcome, ProcessPurpose, PromptRecord, RunRecord, sha256_of_bytes};
use crate::report::demo::guards::Trouble;
use crate::report::demo::machine::DemoMachine;
use crate::report::demo::noise::Noise;
use crate::report::demo::process::{Task, blank, canary};
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
pub(super) fn runs(scene: &Scene<'_>, machine: &DemoMachine, at: usize) -> Vec<RunRecord> {
    let fates = scene.story.runs(at, machine.number);
    fates.into_iter().zip(0..).map(|(fate, repetition)| run(scene, machine, at, fate, repetition)).collect()
}

fn run(scene: &Scene<'_>, machine: &DemoMachine, at: usize, fate: Fate, repetition: u64) -> RunRecord {
    let label = Label { machine: machine.number, at, kind: repetition };
    let mut record = scene.frame(machine, at, at, label);
    record.when_utc = scene.after(at, AFTER_COMMIT_S + repetition * AFTER_RUN_S);
    match fate {
        Fate::Failed => failed(&mut record, machine, begin_ns(at, repetition)),
        Fate::Interrupted => interrupted(&mut record, begin_ns(at, repetition)),
        _ => measured(scene, machine, at, fate, repetition, &mut record),
    }
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
    record: &mut RunRecord,
) {
    let mut noise = Noise::of(scene.plan.seed, &[RUNS, machine.number as u64, at as u64, repetition]);
    let story = scene.story;
    let mut task = Task {
        machine,
        asked: scene.asked(machine),
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
        add(record, task.done(&mut noise));
    }
    record.canary_after = Some(canary(machine, &mut noise));
    record.prompts = judged(record);
    match fate {
        Fate::WrongOutput => wrong(record),
        Fate::Dirty => dirty(record),
        _ => {}
    }
    close(record);
}

/// Every answer is the golden one.
pub(super) fn judged(run: &RunRecord) -> Vec<PromptRecord> {
    let prompts = run.workload.prompts.iter().map(|prompt| PromptRecord {
        id: prompt.id.clone(),
        golden: GoldenResult::Match,
        divergence: None,
        divergence_text: None,
        witness: None,
    });
    prompts.collect()
}

/// One prompt's answer leaves its golden, so that it has no speed.
pub(super) fn wrong(run: &mut RunRecord) {
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
        gap_logit: 3.25,
        flips: vec![WRONG_POSITION],
    });
    prompt.divergence_text = Some(DivergenceText {
        before: "def fibonacci(n, memo".to_owned(),
        expected: "=None):\n    if memo is None:\n        memo = {}".to_owned(),
        got: "={}):\n    if n in memo:".to_owned(),
    });
}

fn dirty(run: &mut RunRecord) {
    if let Some(commit) = &mut run.commit {
        commit.dirty = true;
        commit.difference_sha256 = Some(sha256_of_bytes(b"the changes of the demonstration"));
    }
}

/// The worker crashes while it loads.
fn failed(run: &mut RunRecord, machine: &DemoMachine, started_ns: u64) {
    run.outcome = Outcome::Failed;
    let why = "the worker was ended by signal 11 (SIGSEGV) while it loaded the model";
    run.failure = Some(why.to_owned());
    (run.device.ran, run.state_seen_empty, run.model.same_after_run) = (None, false, true);
    let mut process = blank(ProcessPurpose::Measured, 0, started_ns, started_ns + 1_700_000_000);
    "crashed".clone_into(&mut process.ending);
    process.ending_because = Some(why.to_owned());
    process.talk = vec![format!("[invented] compiling for `{}`", machine.kind().name())];
    run.processes = vec![process];
}

/// Somebody stops it in the first process.
fn interrupted(run: &mut RunRecord, started_ns: u64) {
    run.outcome = Outcome::Interrupted;
    run.failure = Some("it was interrupted".to_owned());
    (run.device.ran, run.state_seen_empty) = (None, false);
    let mut process = blank(ProcessPurpose::Measured, 0, started_ns, started_ns + 6_200_000_000);
    "interrupted".clone_into(&mut process.ending);
    process.ending_because = Some("it was interrupted".to_owned());
    run.processes = vec![process];
}
