//! Invented A/Bs: pairs are drawn until the real test has an answer, as the real driver does.

use crate::judge::prompt_differences;
use crate::judge::sequential::{Look, sequential};
use crate::record::{
    AbRecord, InputsRecord, Outcome, PairRecord, RunRecord, SampleRecord, Side, SideRecord, Undecided,
    sha256_of_bytes,
};
use crate::report::demo::guards::Trouble;
use crate::report::demo::machine::DemoMachine;
use crate::report::demo::noise::Noise;
use crate::report::demo::process::{Done, Task, canary};
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
pub(super) fn contests(scene: &Scene<'_>, machine: &DemoMachine, at: usize) -> Vec<AbRecord> {
    let contests = scene.story.contests(at);
    contests.into_iter().zip(0..).map(|(contest, number)| ab(scene, machine, at, contest, number)).collect()
}

fn ab(scene: &Scene<'_>, machine: &DemoMachine, at: usize, contest: Contest, number: u64) -> AbRecord {
    let base_at = if contest == Contest::Itself { at } else { at.saturating_sub(1) };
    let label = |part: u64| Label { machine: machine.number, at, kind: FIRST_KIND + number * 10 + part };
    let when_utc = scene.after(at, AFTER_COMMIT_S + number * JUDGED_AFTER_S);
    let side = |code: usize, part: u64| {
        let mut run = scene.frame(machine, code, at, label(part));
        run.when_utc.clone_from(&when_utc);
        // Until the goal is reached nobody holds a head to it: the hash is accepted with the step that does.
        if at < scene.story.faster() {
            run.published = Some(scene.inputs.published.clone());
            run.published.iter_mut().for_each(|published| published.new_tokens = scene.plan.new_tokens);
        }
        run
    };
    let mut pairs = Pairs {
        scene,
        machine,
        contest,
        code: [base_at, at],
        time: at,
        noise: Noise::of(scene.plan.seed, &[CONTESTS, at as u64, number]),
        now_ns: begin_ns(at, 4 + number),
        runs: [side(base_at, 1), side(at, 2)],
        drawn: Vec::new(),
    };
    let undecided = pairs.drive();
    let [mut base, mut head] = pairs.runs;
    for run in [&mut base, &mut head] {
        run.canary_after = Some(canary(machine, &mut pairs.noise));
        run.prompts = judged(run);
        close(run);
    }
    let mut outcome = Outcome::Complete;
    if contest == Contest::WrongOutput {
        wrong(&mut head);
        outcome = Outcome::WrongOutput;
    }
    let base_sha = scene.line[base_at].sha.clone();
    let asked = |word: &str| if contest == Contest::Itself { "HEAD".to_owned() } else { word.to_owned() };
    let mut record = AbRecord {
        run_id: scene.id(label(0)),
        when_utc,
        arcgauge_version: head.arcgauge_version.clone(),
        outcome,
        failure: None,
        base: SideRecord { asked: asked("HEAD^"), differences: Vec::new(), run: base },
        head: SideRecord { asked: asked("HEAD"), differences: Vec::new(), run: head },
        inputs: InputsRecord {
            from_commit: Some(base_sha.clone()),
            merge_base: Some(base_sha),
            merge: None,
            sha256: sha256_of_bytes(scene.inputs.policy_text.as_bytes()),
            changed_by_head: Vec::new(),
        },
        policy: scene.policy.clone(),
        seed: scene.plan.seed,
        pairs: pairs.drawn,
        despite_guards: false,
        budget_s: (contest == Contest::Restless).then_some(600),
        undecided,
        decision: None,
        gate_decision: None,
        warnings: vec![invented()],
    };
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
    runs: [RunRecord; 2],
    drawn: Vec<PairRecord>,
}

impl Pairs<'_, '_> {
    /// Draws pairs until they tell; otherwise says why they do not.
    fn drive(&mut self) -> Option<Undecided> {
        let mut differences_ln = Vec::new();
        let mut spoilt = 0;
        loop {
            let index = self.drawn.len();
            let first = match self.drawn.last() {
                Some(before) if !self.drawn.len().is_multiple_of(2) => before.first.other(),
                _ if self.noise.happens(0.5) => Side::Base,
                _ => Side::Head,
            };
            let of_pair_ln = self.measure(first);
            if self.contest == Contest::WrongOutput {
                // It is found after the first pair, which so is none.
                return Some(Undecided::WrongOutput);
            }
            self.drawn.push(PairRecord { first, base_process: index, head_process: index });
            if self.is_spoilt(index) {
                spoilt += 1;
            } else {
                differences_ln.extend(of_pair_ln);
            }
            let is_final =
                sequential(&differences_ln, &self.scene.rule).map_or(true, |so_far| so_far.is_final());
            if is_final {
                return None;
            }
            if spoilt > self.scene.largest_redraws || index > 2 * Look::LAST.pairs {
                return Some(Undecided::Guards);
            }
            if self.contest == Contest::Restless && index + 1 == RESTLESS_PAIRS {
                return Some(Undecided::Budget);
            }
        }
    }

    fn is_spoilt(&self, index: usize) -> bool {
        self.contest == Contest::Swapping && index > 0
    }

    /// Measures a process of each side, adjacent in time; gives the mean difference.
    fn measure(&mut self, first: Side) -> Option<f64> {
        let index = self.drawn.len();
        let order = if first == Side::Base { [0, 1] } else { [1, 0] };
        for side in order {
            let done = self.process(side, index);
            self.now_ns = done.process.ended_ns.unwrap_or(self.now_ns) + PAUSE_NS;
            add(&mut self.runs[side], done);
        }
        let samples = |run: &RunRecord| -> Vec<_> {
            let of_process = run.samples.iter().filter(|sample| sample.process == index);
            of_process.filter_map(SampleRecord::timed).collect()
        };
        let differences = prompt_differences(&samples(&self.runs[0]), &samples(&self.runs[1]));
        let sum: f64 = differences.iter().map(|difference| difference.tpot_ln).sum();
        (!differences.is_empty()).then(|| sum / differences.len() as f64)
    }

    fn process(&mut self, side: usize, index: usize) -> Done {
        let story = self.scene.story;
        let task = Task {
            machine: self.machine,
            asked: self.scene.asked(self.machine),
            cost: self.machine.cost(story.code(self.code[side]), story.ground(self.time), self.time),
            index,
            started_ns: self.now_ns,
            trouble: (side == 1 && self.is_spoilt(index)).then_some(Trouble::Swap),
            restlessness: if self.contest == Contest::Restless { RESTLESSNESS } else { 1.0 },
        };
        task.done(&mut self.noise)
    }
}
