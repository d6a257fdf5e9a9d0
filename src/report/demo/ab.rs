//! Invented A/Bs: pairs are drawn until the real test has an answer, as the real driver does.

use crate::judge::prompt_differences;
use crate::judge::sequential::{Look, sequential};
use crate::record::{
    Arm, Experiment, HarnessCost, InputsRecord, Outcome, PlanKind, Round, SampleRecord, Sampling, Side,
    StopReason, sha256_of_bytes,
};
use crate::report::demo::guards::Trouble;
use crate::report::demo::machine::DemoMachine;
use crate::report::demo::noise::Noise;
use crate::report::demo::process::{Done, Task, bandwidth_reading};
use crate::report::demo::run::{begin_ns, judged, wrong};
use crate::report::demo::scene::{Label, Scene, add, close, invented};
use crate::report::demo::story::Contest;

/// A stream of its own for A/Bs.
const CONTESTS: u64 = 5;
/// Kinds of records: runs come before.
const FIRST_KIND: u64 = 100;
/// An A/B begins so long after its commit, and is judged so long after its begin, s.
const AFTER_COMMIT_S: u64 = 1_500;
const JUDGED_AFTER_S: u64 = 900;
/// Pairs after which the time of a restless A/B is over.
const RESTLESS_PAIRS: usize = 6;
/// How much more a restless machine's processes differ: too much for six pairs to tell, and not so much that
/// a gate calls the machine unfit.
const RESTLESSNESS: f64 = 3.8;
const PAUSE_NS: u64 = 2_000_000_000;

/// The A/Bs of a commit, on the first machine.
pub(super) fn contests(scene: &Scene<'_>, machine: &DemoMachine, at: usize) -> Vec<Experiment> {
    let contests = scene.story.contests(at);
    contests.into_iter().zip(0..).map(|(contest, number)| ab(scene, machine, at, contest, number)).collect()
}

fn ab(scene: &Scene<'_>, machine: &DemoMachine, at: usize, contest: Contest, number: u64) -> Experiment {
    let base_at = if contest == Contest::Itself { at } else { at.saturating_sub(1) };
    let label = |part: u64| Label { machine: machine.number, at, kind: FIRST_KIND + number * 10 + part };
    let when_utc = scene.after(at, AFTER_COMMIT_S + number * JUDGED_AFTER_S);
    let base_frame = scene.frame(machine, base_at, at, label(1));
    let mut record = scene.frame(machine, at, at, label(0));
    // Until the goal is reached nobody holds a head to it: the hash is accepted with the step that does.
    if at < scene.story.faster() {
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
        (scene.inputs.decide)(&record, &scene.after(at, AFTER_COMMIT_S + (number + 1) * JUDGED_AFTER_S));
    record.decision = Some(decided.decision);
    record.gate_decision = Some(decided.gate_decision);
    record
}

/// Pairs that are being drawn.
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
