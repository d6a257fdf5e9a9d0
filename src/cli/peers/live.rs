//! Measures rounds with real workers: each engine's process is loaded, measured, judged and gone before the next
//! one begins.

use std::collections::BTreeMap;

use crate::cli::assemble;
use crate::cli::loading::FoundModel;
use crate::cli::measuring::{InTurns, StandBy};
use crate::cli::peers::ready::ReadyEngine;
use crate::cli::progress::time_left;
use crate::error::Error;
use crate::gate::{MeasuredRound, RoundTold, Rounds, RoundsHalt};
use crate::golden::{Expected, Finding, GoldenResult};
use crate::judge::PairedProcess;
use crate::judge::peers::{NamedProcess, ProcessFigures, spoilt_because};
use crate::measure::supervisor::{Control, Job, Limits};
use crate::measure::{Metric, Plan, Sample};
use crate::record::judge_session;
use crate::workload::TokenId;

/// All engines, and what was measured of them so far.
pub(super) struct LiveRounds<'a> {
    pub(super) plan: &'a Plan,
    pub(super) limits: Limits,
    pub(super) control: &'a Control,
    pub(super) stand_by: StandBy,
    pub(super) model: &'a FoundModel,
    pub(super) engines: Vec<LiveEngine<'a>>,
    /// What each prompt's answer must be, as soon as it is known.
    pub(super) expected: BTreeMap<String, Expected>,
    /// Below this gap two tokens are too close to call on the engine that was named first, logits.
    pub(super) reference_epsilon_logit: f32,
    /// The engine that the run began with.
    pub(super) began_with: Option<usize>,
    /// As every engine was built on; the first tells it.
    pub(super) openvino_build: String,
}

/// An engine and what was measured of it.
pub(super) struct LiveEngine<'a> {
    pub(super) ready: &'a ReadyEngine,
    pub(super) measured: InTurns,
}

impl<'a> LiveEngine<'a> {
    pub(super) fn new(ready: &'a ReadyEngine) -> Self {
        Self { ready, measured: InTurns::default() }
    }
}

impl LiveRounds<'_> {
    fn run(&mut self, at: usize, round: usize) -> Result<(), RoundsHalt> {
        let live = &mut self.engines[at];
        let name = format!("round {} {}", round + 1, live.ready.words);
        self.stand_by.expect(name, &live.ready.load.device);
        let job = Job {
            plan: self.plan,
            load: &live.ready.load,
            limits: self.limits,
            prime: true,
            control: self.control,
        };
        live.measured.run(&job, round, &live.ready.program.worker, &mut self.stand_by);
        if !live.measured.is_well() {
            return Err(RoundsHalt::Failed);
        }
        self.check_build(at)?;
        let judged = self.judge(at);
        let live = &mut self.engines[at];
        // Before the next engine begins, and whatever the word on it.
        live.measured.session.finish();
        judged?;
        if live.measured.is_well() { Ok(()) } else { Err(RoundsHalt::Failed) }
    }

    /// Engines on two builds of OpenVINO are not two loops around one thing.
    fn check_build(&mut self, at: usize) -> Result<(), RoundsHalt> {
        let live = &mut self.engines[at];
        let settled = live.measured.session.processes.last().and_then(|process| process.settled.as_ref());
        let Some(build) = settled.map(|settled| settled.openvino_build.clone()) else { return Ok(()) };
        if build == self.openvino_build {
            return Ok(());
        }
        let words = &live.ready.words;
        live.measured.failed = Some(
            Error::input(format!(
                "engine `{words}` runs OpenVINO `{build}`, and the run is of `{}`",
                self.openvino_build
            ))
            .hint("compare engines on one OpenVINO: leave `--openvino` out, and `cargo xtask setup --peers`"),
        );
        Err(RoundsHalt::Failed)
    }

    /// Judges the process that has just measured. The engine that can be asked is judged as in any run; what
    /// it answered, or the golden, is what the others are held against.
    fn judge(&mut self, at: usize) -> Result<(), RoundsHalt> {
        let (model, plan) = (self.model, self.plan);
        let live = &mut self.engines[at];
        let samples = live.measured.latest_samples();
        let mut epsilon_logit = assemble::epsilon_logit(&model.goldens, &live.measured.session);
        if at == 0 {
            self.reference_epsilon_logit = epsilon_logit;
        } else if epsilon_logit <= 0.0 && !live.ready.can_witness() {
            // It does not tell its precisions, or they were never calibrated.
            epsilon_logit = self.reference_epsilon_logit;
        }
        if live.ready.can_witness() {
            let Some(witness) = live.measured.session.witness() else { return Err(RoundsHalt::Failed) };
            let findings =
                judge_session(witness, plan, &samples, &model.goldens, epsilon_logit).map_err(|error| {
                    live.measured.failed = Some(error);
                    RoundsHalt::Failed
                })?;
            self.expect_answers(&samples, Some(&findings));
            self.hold(at, &samples, epsilon_logit, &findings);
        } else {
            self.expect_answers(&samples, None);
            self.hold(at, &samples, epsilon_logit, &[]);
        }
        Ok(())
    }

    /// Notes what the answers must be, where that is not known yet: the golden, else what this engine said.
    fn expect_answers(&mut self, samples: &[Sample], findings: Option<&[Finding]>) {
        for (at, prompt) in self.plan.prompts.iter().enumerate() {
            if self.expected.contains_key(&prompt.id) {
                continue;
            }
            let golden = self.model.goldens.goldens.get(&prompt.id);
            let golden = golden.filter(|golden| golden.prompt_token_ids == prompt.token_ids);
            let answer = samples.iter().find(|sample| sample.prompt_id == prompt.id);
            let golden = golden.map(|golden| {
                let reaches = Expected::golden(golden);
                answer.map_or(reaches.clone(), |answer| reaches.followed_by(&answer.token_ids))
            });
            let expected = golden.or_else(|| {
                let answer = answer?;
                let finding = findings.and_then(|findings| findings.get(at));
                let choices = finding.and_then(|finding| finding.witness.as_deref()).unwrap_or_default();
                Some(Expected::answer(&answer.token_ids, choices))
            });
            if let Some(expected) = expected {
                self.expected.insert(prompt.id.clone(), expected);
            }
        }
    }

    /// Holds the answers against what they must be; the worse of that and what is known already counts.
    fn hold(&mut self, at: usize, samples: &[Sample], epsilon_logit: f32, known: &[Finding]) {
        let held = |(place, prompt): (usize, &crate::measure::PlannedPrompt)| {
            let of_prompt = samples.iter().filter(|sample| sample.prompt_id == prompt.id);
            let generations: Vec<&[TokenId]> = of_prompt.map(|sample| sample.token_ids.as_slice()).collect();
            let held = self.expected.get(&prompt.id).map(|it| it.judge(&generations, epsilon_logit));
            match (known.get(place).cloned(), held) {
                (Some(known), Some(held)) if held.result > known.result => held,
                (Some(known), _) => known,
                (None, held) => held.unwrap_or(Finding {
                    result: GoldenResult::None,
                    divergence: None,
                    witness: None,
                    gap_drift_logit: None,
                }),
            }
        };
        let findings = self.plan.prompts.iter().enumerate().map(held).collect();
        self.engines[at].measured.keep_worst(findings);
    }

    /// What the process of each engine gave in a round, in a few words.
    fn told(&self, round: usize) -> String {
        let tpot = |live: &LiveEngine<'_>| {
            ProcessFigures::of_samples(&live.measured.process(round)?.samples).of(Metric::TimePerOutputToken)
        };
        let parts = self.engines.iter().filter_map(|live| {
            let words = &live.ready.words;
            if live.measured.is_wrong() {
                return live.measured.process(round).map(|_| format!("{words} wrong output"));
            }
            Some(format!("{words} {:.2}", tpot(live)?))
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}

impl Rounds for LiveRounds<'_> {
    fn measure(&mut self, round: usize, order: &[usize]) -> Result<MeasuredRound, RoundsHalt> {
        let first = *self.began_with.get_or_insert(order.first().copied().unwrap_or_default());
        for engine in order {
            self.run(*engine, round)?;
        }
        let wrong: Vec<usize> =
            order.iter().copied().filter(|engine| self.engines[*engine].measured.is_wrong()).collect();
        if wrong.contains(&0) {
            return Err(RoundsHalt::WrongOutput);
        }
        let names: Vec<String> = order.iter().map(|it| self.engines[*it].ready.words.to_string()).collect();
        let processes: Vec<PairedProcess<'_>> =
            order.iter().filter_map(|engine| self.engines[*engine].measured.process(round)).collect();
        let judged: Vec<NamedProcess<'_>> =
            names.iter().zip(&processes).map(|(name, process)| NamedProcess { name, process }).collect();
        let begun = self.engines[first].measured.process(0);
        Ok(MeasuredRound { spoilt_because: spoilt_because(&judged, begun.as_ref()), wrong })
    }

    fn hear(&mut self, told: &RoundTold<'_>) {
        let spoilt = match (told.measured.spoilt_because.first(), told.counts) {
            (Some(why), false) => format!("; spoilt, and made again: {why}"),
            (Some(why), true) => format!("; counted in spite of {why}"),
            (None, _) => String::new(),
        };
        let figures = self.told(told.round);
        self.stand_by.say(&format!(
            "round {}: TPOT ms {figures}{spoilt}; {} count, {} left",
            told.round + 1,
            told.counted,
            time_left(told.left)
        ));
    }
}
