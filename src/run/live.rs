//! Measures rounds with real workers: each arm's process is loaded, measured, checked and gone before the next one
//! begins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::openvino::DeviceKind;
use crate::error::Error;
use crate::golden::{Expected, Finding, GoldenResult, GoldenSet, LogitDrift};
use crate::judge::peers::geometric_means;
use crate::judge::{RoundProcess, invalidated_by, mean_ln, prompt_differences};
use crate::measure::kv::{KvAgreement, KvMethod};
use crate::measure::protocol::{LoadedEvent, LogitsCommand};
use crate::measure::supervisor::{
    Control, ExitReason, Job, ProcessFacts, Purpose, Session, WorkerProcess, WorkerProgram,
};
use crate::measure::{Metric, Plan, Sample};
use crate::record::{PlanKind, Side, judge_session};
use crate::run::assemble;
use crate::run::machine_monitor::{Around, ProcessContext};
use crate::run::plan::{ExperimentPlan, Observer, ReadyArm};
use crate::run::schedule::{MeasuredRound, RoundFailed, RoundReport, Rounds};
use crate::sys::{Clock, MonotonicClock};
use crate::workload::TokenId;

/// All arms, and what was measured of them so far.
pub(super) struct LiveRounds<'a> {
    pub(super) experiment: &'a ExperimentPlan<'a>,
    pub(super) worker_plan: Plan,
    pub(super) control: &'a Arc<Control>,
    pub(super) observer: &'a dyn Observer,
    pub(super) context: ProcessContext<'a>,
    pub(super) sessions: Vec<ArmSession>,
    /// What each prompt's answer must be, as soon as it is known.
    expected: BTreeMap<String, Expected>,
    /// Below this margin two tokens are too close to call on the first arm, logits.
    first_epsilon_logit: f32,
    /// The arm that the experiment began with.
    pub(super) began_with: Option<usize>,
    /// Time of untimed passes: judging and the probe.
    pub(super) untimed_pass_ns: u64,
    /// Ids of prompts that an arm could not answer, and that are measured of none.
    pub(super) skipped: Vec<String>,
}

impl<'a> LiveRounds<'a> {
    pub(super) fn new(
        experiment: &'a ExperimentPlan<'a>,
        control: &'a Arc<Control>,
        observer: &'a dyn Observer,
    ) -> Self {
        let worker_plan = experiment.of_worker(experiment.rounds().unwrap_or(1), &[]);
        Self {
            context: ProcessContext::new(&worker_plan, experiment.idle_limit, control, observer),
            worker_plan,
            experiment,
            control,
            observer,
            sessions: experiment.arms.iter().map(|_| ArmSession::default()).collect(),
            expected: BTreeMap::new(),
            first_epsilon_logit: 0.0,
            began_with: None,
            untimed_pass_ns: 0,
            skipped: Vec::new(),
        }
    }

    fn arm(&self, at: usize) -> &'a ReadyArm<'a> {
        &self.experiment.arms[at]
    }

    fn run(&mut self, at: usize, round: usize) -> Result<(), RoundFailed> {
        let arm = self.arm(at);
        let name = match self.experiment.kind {
            PlanKind::Bench | PlanKind::Soak => None,
            PlanKind::Ab => Some(format!("pair {} {}", round + 1, Side::BOTH[at.min(1)].as_str())),
            PlanKind::Peers | PlanKind::Kv => Some(format!("round {} {}", round + 1, arm.label)),
        };
        self.context.expect(name, arm.requested);
        let job = Job {
            plan: &self.worker_plan,
            load: arm.load,
            limits: self.experiment.limits,
            prime: self.experiment.warms_cache,
            times_states: self.experiment.times_states,
            soak: self.experiment.soak,
            control: self.control,
        };
        let began_ns = MonotonicClock.now_ns();
        self.sessions[at].run(&job, round, arm.program, &mut self.context);
        if !self.sessions[at].is_well() {
            return Err(RoundFailed::Process);
        }
        self.context.report_process(round, Duration::from_nanos(MonotonicClock.now_ns() - began_ns));
        self.check_build(at)?;
        self.skip_what_cannot_be_answered(at);
        let began_ns = MonotonicClock.now_ns();
        let judged = self.judge(at);
        let probed = if self.experiment.rounds() == Some(round + 1) { self.probe(at) } else { Ok(()) };
        let compared = if round == 0 && judged.is_ok() { self.compare_logits(at) } else { Ok(()) };
        self.untimed_pass_ns += MonotonicClock.now_ns() - began_ns;
        // Before the next arm begins, and whatever was found.
        self.sessions[at].session.finish();
        judged.and(probed).and(compared)?;
        if self.sessions[at].is_well() { Ok(()) } else { Err(RoundFailed::Process) }
    }

    /// Leaves out, for all arms, the prompts that the process which has just measured cannot answer.
    fn skip_what_cannot_be_answered(&mut self, at: usize) {
        let Some(process) = self.sessions[at].session.processes.last() else { return };
        let answered: Vec<bool> =
            self.worker_plan.prompts.iter().map(|prompt| process.can_answer(prompt)).collect();
        let prompts = self.worker_plan.prompts.iter().zip(&answered);
        let skipped: Vec<String> =
            prompts.filter(|(_, answered)| !**answered).map(|(prompt, _)| prompt.id.clone()).collect();
        if skipped.is_empty() {
            return;
        }
        self.worker_plan.prompts.retain(|prompt| !skipped.contains(&prompt.id));
        for session in &mut self.sessions {
            let mut answered = answered.iter();
            session.findings.retain(|_| answered.next().is_none_or(|answered| *answered));
            for process in &mut session.session.processes {
                process.samples.retain(|sample| !skipped.contains(&sample.prompt_id));
                process.order.retain(|id| !skipped.contains(id));
            }
        }
        self.skipped.extend(skipped);
    }

    /// Arms on two builds of OpenVINO are not two loops around one thing.
    fn check_build(&mut self, at: usize) -> Result<(), RoundFailed> {
        let Some(resolved) = &self.experiment.resolved else { return Ok(()) };
        let session = &mut self.sessions[at];
        let event = session.session.processes.last().and_then(|process| process.resolved.as_ref());
        let Some(build) = event.map(|event| &event.openvino_build) else { return Ok(()) };
        if *build == resolved.openvino_build {
            return Ok(());
        }
        session.failed = Some(
            Error::input(format!(
                "engine `{}` runs OpenVINO `{build}`, and the run is of `{}`",
                self.experiment.arms[at].label, resolved.openvino_build
            ))
            .hint("compare engines on one OpenVINO: leave `--openvino` out, and `cargo xtask setup --peers`"),
        );
        Err(RoundFailed::Process)
    }

    /// Judges the process that has just measured, while it can still replay. The golden decides; without one, of
    /// engines and of the processes of a run what was answered first.
    fn judge(&mut self, at: usize) -> Result<(), RoundFailed> {
        let arm = self.arm(at);
        let session = &mut self.sessions[at];
        if arm.kv.as_ref().is_some_and(|kv| kv.method != KvMethod::Unchanged) {
            // Another token is a result of such an arm, not a fault.
            session.keep_worst(self.worker_plan.prompts.iter().map(|_| Finding::unjudged()).collect());
            return Ok(());
        }
        let samples = session.latest_samples();
        let goldens = assemble::goldens_of(arm.model, &session.session);
        let mut epsilon_logit = assemble::epsilon_logit(&goldens, &session.session);
        if at == 0 {
            self.first_epsilon_logit = epsilon_logit;
        } else if epsilon_logit <= 0.0 && !arm.can_replay {
            // It does not report its precisions, or they were never calibrated.
            epsilon_logit = self.first_epsilon_logit;
        }
        let replayed = if arm.can_replay {
            let Some(replay) = session.session.replay() else { return Err(RoundFailed::Process) };
            match judge_session(replay, &self.worker_plan, &samples, &goldens, epsilon_logit) {
                Ok(findings) => findings,
                Err(error) => {
                    session.failed = Some(error);
                    return Err(RoundFailed::Process);
                }
            }
        } else {
            Vec::new()
        };
        let findings = if self.experiment.kind == PlanKind::Ab {
            replayed
        } else {
            self.expect_answers(&goldens, &samples, &replayed);
            self.compare(&goldens, &samples, epsilon_logit, &replayed)
        };
        self.sessions[at].keep_worst(findings);
        Ok(())
    }

    /// Notes what the answers must be, where that is not known yet: the golden, else what this arm answered.
    fn expect_answers(&mut self, goldens: &GoldenSet, samples: &[Sample], replayed: &[Finding]) {
        for (place, prompt) in self.worker_plan.prompts.iter().enumerate() {
            if self.expected.contains_key(&prompt.id) {
                continue;
            }
            let golden = goldens.goldens.get(&prompt.id);
            let golden = golden.filter(|golden| golden.answers(prompt.input()));
            let answer = samples.iter().find(|sample| sample.prompt_id == prompt.id);
            let golden = golden.map(|golden| {
                let reaches = Expected::golden(golden);
                answer.map_or(reaches.clone(), |answer| reaches.followed_by(&answer.token_ids))
            });
            let expected = golden.or_else(|| {
                let choices = replayed.get(place).and_then(|finding| finding.replay.as_deref());
                Some(Expected::answer(&answer?.token_ids, choices.unwrap_or_default()))
            });
            if let Some(expected) = expected {
                self.expected.insert(prompt.id.clone(), expected);
            }
        }
    }

    /// Compares the answers with what they must be; the worse of that and what a replay found counts. A replay over
    /// a golden knows more than its tokens.
    fn compare(
        &self,
        goldens: &GoldenSet,
        samples: &[Sample],
        epsilon_logit: f32,
        replayed: &[Finding],
    ) -> Vec<Finding> {
        let prompts = self.worker_plan.prompts.iter().enumerate();
        let compared = prompts.map(|(place, prompt)| {
            let of_prompt = samples.iter().filter(|sample| sample.prompt_id == prompt.id);
            let generations: Vec<&[TokenId]> = of_prompt.map(|sample| sample.token_ids.as_slice()).collect();
            let expected = self.expected.get(&prompt.id).map(|it| it.judge(&generations, epsilon_logit));
            match (replayed.get(place).cloned(), expected) {
                (Some(replayed), Some(expected))
                    if expected.result > replayed.result && !goldens.goldens.contains_key(&prompt.id) =>
                {
                    expected
                }
                (Some(replayed), _) => replayed,
                (None, Some(expected)) => expected,
                (None, None) => Finding::unjudged(),
            }
        });
        compared.collect()
    }

    /// How far the logits have moved on the probe text; an untimed pass of the last process.
    fn probe(&mut self, at: usize) -> Result<(), RoundFailed> {
        let Some(probe) = &self.experiment.probe else { return Ok(()) };
        let session = &mut self.sessions[at];
        let Some(replay) = session.session.replay() else { return Ok(()) };
        let pass = replay.replay(probe.prompt().into(), crate::engine::Path::Forced(probe.forced()));
        match pass.and_then(|pass| probe.drift(&pass)) {
            Ok(drift) => {
                session.drift = Some(drift);
                Ok(())
            }
            Err(error) => {
                session.failed = Some(error);
                Err(RoundFailed::Process)
            }
        }
    }

    /// Over each text, teacher-forced: the first arm's logits are written, and those of every other compared with
    /// them. Untimed, after the process has measured.
    fn compare_logits(&mut self, at: usize) -> Result<(), RoundFailed> {
        let (Some(comparison), Some(kv)) = (&self.experiment.kv, &self.arm(at).kv) else { return Ok(()) };
        let own = [None];
        let seeds: Vec<Option<u64>> = comparison.seeds.iter().copied().map(Some).collect();
        let seeds: &[Option<u64>] = if kv.is_seeded && !seeds.is_empty() { &seeds } else { &own };
        for (number, text) in comparison.texts.iter().enumerate() {
            let reference = comparison.reference(number);
            let command = |seed| LogitsCommand { text: text.clone(), reference: reference.clone(), seed };
            let session = &mut self.sessions[at];
            let Some(worker) = session.session.worker() else { return Ok(()) };
            let compared = if at == 0 {
                worker.capture_logits(command(None))
            } else {
                seeds.iter().try_for_each(|seed| {
                    session.agreements.push(worker.compare_logits(command(*seed))?);
                    Ok(())
                })
            };
            if let Err(error) = compared {
                session.failed = Some(error);
                return Err(RoundFailed::Process);
            }
        }
        Ok(())
    }

    /// Whether an output was found wrong without which there is no comparison: of an A/B that of either side, of
    /// engines that of the first. A run alone goes on, for its other prompts may be right.
    fn is_needed(&self, arm: usize) -> bool {
        match self.experiment.kind {
            PlanKind::Ab => true,
            PlanKind::Peers | PlanKind::Kv => arm == 0,
            PlanKind::Bench | PlanKind::Soak => false,
        }
    }

    /// The process that an arm ran in a round.
    fn process(&self, arm: usize, round: usize) -> Option<RoundProcess<'_>> {
        let name = self.experiment.kind.arm_name(arm, &self.experiment.arms.get(arm)?.label);
        self.sessions.get(arm)?.process(name, round)
    }

    /// Mean over prompts of ln(head / base) of what is tested; None where a side has no speed.
    fn difference_ln(&self, round: usize) -> Option<f64> {
        let [base, head] = Side::BOTH.map(|side| self.process(side.arm(), round));
        mean_ln(&prompt_differences(&base?.samples, &head?.samples), self.experiment.tested)
    }

    /// Each guard that invalidates a round. A run alone has no other process to be compared with: its guards are
    /// judged with its record.
    fn invalidated_by(&self, round: usize, order: &[usize], first: usize) -> Vec<String> {
        if self.experiment.kind.is_alone() {
            return Vec::new();
        }
        let processes: Vec<RoundProcess<'_>> =
            order.iter().filter_map(|arm| self.process(*arm, round)).collect();
        invalidated_by(&processes, self.process(first, 0).as_ref())
    }

    /// What the process of each arm gave in a round, in a few words.
    fn metric_values(&self, round: usize) -> String {
        let arms = self.experiment.arms.iter().zip(&self.sessions).enumerate();
        let metric_values = arms.filter_map(|(at, (arm, session))| {
            let process = self.process(at, round)?;
            if session.is_wrong() {
                return Some(format!("{} wrong output", arm.label));
            }
            let tpot = geometric_means(&process.samples).get(Metric::TimePerOutputToken)?;
            Some(format!("{} {tpot:.2}", arm.label))
        });
        metric_values.collect::<Vec<_>>().join(", ")
    }
}

impl Rounds for LiveRounds<'_> {
    fn measure(&mut self, round: usize, order: &[usize]) -> Result<MeasuredRound, RoundFailed> {
        let first = *self.began_with.get_or_insert(order.first().copied().unwrap_or_default());
        for arm in order {
            self.run(*arm, round)?;
            if self.experiment.kind == PlanKind::Ab && self.sessions[*arm].is_wrong() {
                return Err(RoundFailed::WrongOutput);
            }
        }
        let wrong: Vec<usize> = order.iter().copied().filter(|arm| self.sessions[*arm].is_wrong()).collect();
        if wrong.iter().any(|arm| self.is_needed(*arm)) {
            return Err(RoundFailed::WrongOutput);
        }
        let difference_ln = self.difference_ln(round);
        if self.experiment.kind == PlanKind::Ab && difference_ln.is_none() {
            return Err(RoundFailed::Process);
        }
        Ok(MeasuredRound {
            difference_ln,
            invalidated_by: self.invalidated_by(round, order, first),
            wrong: if self.experiment.kind.is_alone() { Vec::new() } else { wrong },
        })
    }

    fn on_round(&mut self, report: &RoundReport<'_>) {
        if !self.experiment.kind.is_alone() {
            self.observer.on_round(report, &self.metric_values(report.round));
        }
    }
}

/// What was measured of it so far.
#[derive(Default)]
pub(super) struct ArmSession {
    pub(super) session: Session,
    pub(super) around: Vec<Around>,
    /// The worst word on each prompt, in the plan's order.
    pub(super) findings: Vec<Finding>,
    /// How far the logits have moved on the probe text; None where that was not measured.
    pub(super) drift: Option<LogitDrift>,
    /// How the distributions of an arm of `kv` agree with the first arm's.
    pub(super) agreements: Vec<KvAgreement>,
    pub(super) failed: Option<Error>,
}

impl ArmSession {
    /// Runs the process of its next round, which stays for replays until the session is finished.
    pub(super) fn run(
        &mut self,
        job: &Job<'_>,
        round: usize,
        program: &WorkerProgram,
        context: &mut ProcessContext<'_>,
    ) {
        self.session.run(job, round, &mut || Ok(Box::new(WorkerProcess::start(program)?)), context);
        self.around.extend(context.monitor.take_processes());
    }

    pub(super) fn is_well(&self) -> bool {
        self.session.exit_reason == ExitReason::Done
    }

    pub(super) fn latest_samples(&self) -> Vec<Sample> {
        self.session.processes.last().map(|last| last.samples.clone()).unwrap_or_default()
    }

    /// Takes in the words on the last process; of each prompt the worst stands.
    pub(super) fn keep_worst(&mut self, findings: Vec<Finding>) {
        if self.findings.is_empty() {
            self.findings = findings;
            return;
        }
        for (kept, new) in self.findings.iter_mut().zip(findings) {
            if new.result > kept.result {
                *kept = new;
            }
        }
    }

    pub(super) fn is_wrong(&self) -> bool {
        self.findings.iter().any(|finding| finding.result == GoldenResult::Break)
    }

    /// Keeps the processes of this many rounds alone: one that was interrupted is half of a comparison. Where
    /// no round is whole, all that was made is kept.
    pub(super) fn keep_whole_rounds(&mut self, rounds: usize) {
        if rounds == 0 {
            return;
        }
        let is_whole: Vec<bool> =
            self.session.processes.iter().map(|process| process.index < rounds).collect();
        let mut of_process = is_whole.iter();
        self.session.processes.retain(|_| of_process.next().is_none_or(|whole| *whole));
        let mut of_process = is_whole.iter();
        self.around.retain(|_| of_process.next().is_none_or(|whole| *whole));
    }

    pub(super) fn process<'a>(&'a self, name: &'a str, round: usize) -> Option<RoundProcess<'a>> {
        let mut both = self.session.processes.iter().zip(&self.around);
        let is_it = |facts: &ProcessFacts| facts.purpose == Purpose::Measured && facts.index == round;
        both.find(|(facts, _)| is_it(facts)).map(|(facts, around)| of_round(name, facts, around))
    }
}

fn of_round<'a>(name: &'a str, facts: &'a ProcessFacts, around: &'a Around) -> RoundProcess<'a> {
    RoundProcess {
        name,
        samples: facts.samples.clone(),
        guards: around.guards.as_ref(),
        device: facts.loaded.as_ref().map_or(DeviceKind::Cpu, LoadedEvent::device_kind),
    }
}
