//! An A/B that no run has made, with real times of every process: what it is judged to be follows from
//! them, and from nothing else.

use std::fs;
use std::time::Duration;

use arcgauge::engine::openvino::DeviceKind;
use arcgauge::gate::{Strictness, decide};
use arcgauge::golden::{Divergence, Golden, GoldenResult, GoldenSet};
use arcgauge::judge::policy::{PinnedAnchor, Policy};
use arcgauge::measure::Metric;
use arcgauge::measure::guard::{GuardLog, Watch};
use arcgauge::record::{
    Arm, ArmView, DecisionRecord, DeviceRecord, Experiment, Outcome, PolicyText, ProcessRecord, PromptRecord,
    RequestedPrompt, Round, SampleRecord, Side, StopReason, WorkloadRecord, sha256_of_bytes,
};
use arcgauge::sys::{Observed, SysfsRoot};

use crate::checkout::repository;
use crate::{forged, laid_out};

/// The prompts of every pair.
pub(crate) const PROMPTS: [&str; 3] = ["a", "b", "c"];
/// When these records are judged.
pub(crate) const JUDGED: &str = "2026-11-24T16:00:00Z";
/// What the base takes for each token, that of the prompt among them, where a test does not say, ns.
pub(crate) const TOKEN_NS: f64 = 47_000_000.0;
const NEW_TOKENS: usize = 3;

/// The shipped policy.
pub(crate) fn policy_text() -> String {
    fs::read_to_string(repository().join("ci/gate.json")).unwrap()
}

/// Puts a policy into a record, as the base's.
pub(crate) fn judge_by(record: &mut Experiment, text: String) {
    record.inputs.policy = PolicyText { sha256: sha256_of_bytes(text.as_bytes()), text };
}

/// Changes that lie around one, by turns below and above it, percent.
pub(crate) fn around(percent: f64, spread_percent: f64, pairs: usize) -> Vec<f64> {
    let signs = [-1.0, 1.0, -1.0, 1.0, 0.0];
    (0..pairs).map(|pair| percent + spread_percent * signs[pair % signs.len()]).collect()
}

/// An A/B whose head takes so many percent more a token in each pair, on every prompt.
pub(crate) fn ab(changes_percent: &[f64]) -> Experiment {
    let changes: Vec<[f64; 3]> = changes_percent.iter().map(|change| [*change; 3]).collect();
    ab_by_prompt(&changes, TOKEN_NS)
}

/// The same with each prompt's own change, of a base that takes so long for each token, ns.
pub(crate) fn ab_by_prompt(changes_percent: &[[f64; 3]], token_ns: f64) -> Experiment {
    let mut record = forged::ab_record();
    let pairs = changes_percent.len();
    record.rounds = (0..pairs).map(pair).collect();
    record.sampling.budget_s = None;
    let published = record.published.as_mut().unwrap();
    (published.prompts, published.new_tokens) = (PROMPTS.map(str::to_owned).to_vec(), NEW_TOKENS);
    let unchanged = vec![[0.0; 3]; pairs];
    fill(&mut record.arms[0], &unchanged, token_ns);
    fill(&mut record.arms[1], changes_percent, token_ns);
    laid_out::record(&mut record);
    judge_by(&mut record, policy_text());
    judge(&mut record);
    record
}

/// Decides on a record as its run would have.
pub(crate) fn judge(record: &mut Experiment) {
    let policy = Policy::parse(&record.inputs.policy.text, "forged").unwrap();
    record.decision = Some(decide(record, &policy, JUDGED, Strictness::Ab));
    record.gate_decision = Some(decide(record, &policy, JUDGED, Strictness::Gate));
}

/// What a record is judged to be, whoever asks.
pub(crate) fn decided(record: &Experiment, strictness: Strictness) -> DecisionRecord {
    let policy = Policy::parse(&record.inputs.policy.text, "forged").unwrap();
    decide(record, &policy, JUDGED, strictness)
}

/// Both sides of an A/B.
pub(crate) fn both(record: &mut Experiment) -> [&mut Arm; 2] {
    record.arms.get_disjoint_mut([0, 1]).unwrap()
}

/// The head of an A/B, as if it had been measured by `bench`.
pub(crate) fn head_alone(record: &Experiment) -> Experiment {
    let of_bench = forged::record();
    let arm = Arm { label: of_bench.arms[0].label.clone(), ..record.arms[1].clone() };
    let mut alone = Experiment {
        machine: record.machine.clone(),
        published: record.published.clone(),
        outcome: arm.outcome,
        arms: vec![arm],
        ..of_bench
    };
    laid_out::record(&mut alone);
    alone
}

/// The record that a run leaves whose sides are the same, byte for byte.
pub(crate) fn identical() -> Experiment {
    let mut record = ab(&[]);
    for run in both(&mut record) {
        (run.outcome, run.prompts, run.device.ran) = (Outcome::NotMeasured, Vec::new(), None);
    }
    (record.outcome, record.stop_reason) = (Outcome::NotMeasured, Some(StopReason::Identical));
    judge(&mut record);
    record
}

/// The head says another token in answer to the second prompt, which so has no speed.
pub(crate) fn wrong(record: &mut Experiment) {
    (record.outcome, record.stop_reason) = (Outcome::WrongOutput, Some(StopReason::WrongOutput));
    let run = &mut record.arms[1];
    run.outcome = Outcome::WrongOutput;
    let prompt = &mut run.prompts[1];
    prompt.golden = GoldenResult::Break;
    prompt.divergence =
        Some(Divergence { position: 1, expected: 6, got: 9, logit_margin: 7.5, flips: vec![1] });
    let samples = run.samples.iter_mut().filter(|sample| sample.prompt_id == PROMPTS[1]);
    samples.for_each(|sample| sample.times = None);
}

/// Readings of a machine that reports swap and AC power only.
pub(crate) fn guard_log(pages_swapped_in: u64, is_on_ac_power: bool) -> GuardLog {
    let nothing = tempfile::tempdir().unwrap();
    let mut log = Watch::start(SysfsRoot::at(nothing.path().to_owned()), || 0, None).finish();
    for reading in &mut log.readings {
        reading.pages_swapped_in = Observed::Observed(0);
        reading.is_on_ac_power = Observed::Observed(is_on_ac_power);
    }
    let last = log.readings.last_mut().unwrap();
    (last.at_ns, last.pages_swapped_in) = (u64::MAX, Observed::Observed(pages_swapped_in));
    log
}

/// Gives a process such readings, over its window.
pub(crate) fn watched(process: &mut ProcessRecord, pages_swapped_in: u64, is_on_ac_power: bool) {
    process.guards = Some(guard_log(pages_swapped_in, is_on_ac_power));
    laid_out::readings(process);
}

/// The golden answer to each prompt of these records.
pub(crate) fn goldens() -> Vec<Golden> {
    let run = ab(&[0.0]).arms.remove(1);
    let shipped = GoldenSet::load(&repository().join("fixtures/golden/tiny-gpt-oss")).unwrap().goldens;
    let blank = shipped.into_values().next().unwrap();
    let of_prompt = |prompt: &RequestedPrompt| Golden {
        prompt_id: prompt.id.clone(),
        prompt_token_ids: prompt.token_ids.clone(),
        token_ids: run.samples[0].token_ids.clone(),
        runner_up_ids: vec![0; NEW_TOKENS],
        logit_margins: vec![10.0; NEW_TOKENS],
        ..blank.clone()
    };
    run.workload.prompts.iter().map(of_prompt).collect()
}

/// An anchor of this run that warns and fails where the published one does.
pub(crate) fn anchor_of(run: ArmView<'_>) -> PinnedAnchor {
    PinnedAnchor {
        id: "ours".into(),
        metric: Metric::EndToEndThroughput,
        value: 21.24,
        warn_below: 21.24,
        fail_below: 20.18,
        model_sha256: run.model.sha256.clone(),
        machine_sha256: run.experiment.machine.sha256.clone(),
        device: DeviceKind::Cpu,
        gpu: None,
        workload_sha256: run.workload.sha256.clone(),
        openvino: None,
        run_id: run.experiment.run_id.clone(),
        record_sha256: "0".repeat(64),
        pinned_utc: JUDGED.into(),
        who: "A Maintainer".into(),
        reason: "it is the best so far".into(),
    }
}

/// Whole nanoseconds, as a clock has them.
pub(crate) fn whole_ns(ns: f64) -> u64 {
    u64::try_from(Duration::from_secs_f64(ns / 1e9).as_nanos()).unwrap()
}

fn pair(index: usize) -> Round {
    let first = if index.is_multiple_of(2) { Side::Base } else { Side::Head };
    Round::beginning_with(first)
}

/// A process for each pair, verified and proven.
fn fill(run: &mut Arm, changes_percent: &[[f64; 3]], token_ns: f64) {
    let requested = PROMPTS.map(|id| RequestedPrompt::new(id, vec![61, 88]));
    run.workload = WorkloadRecord::new(requested.to_vec(), changes_percent.len(), NEW_TOKENS).unwrap();
    run.device = DeviceRecord { requested: "CPU".into(), reason: None, ..run.device.clone() };
    let judged = PromptRecord { golden: GoldenResult::Match, replay: None, ..run.prompts.remove(0) };
    run.prompts = PROMPTS.map(|id| PromptRecord { id: id.into(), ..judged.clone() }).to_vec();
    run.warnings.clear();
    let sample = run.samples.remove(0);
    run.processes.clear();
    for (process, changes) in changes_percent.iter().enumerate() {
        run.processes.push(ProcessRecord { index: process, ..forged::process() });
        for (id, change) in PROMPTS.iter().zip(changes) {
            let mut sample = SampleRecord { process, prompt_id: (*id).into(), ..sample.clone() };
            let times = sample.times.as_mut().unwrap();
            let step_ns = token_ns * (1.0 + change / 100.0);
            let after = (0..NEW_TOKENS).map(|token| token_ns + step_ns * token as f64);
            times.token_ns = after.map(|ns| times.submitted_ns + whole_ns(ns)).collect();
            times.infer_ns = vec![whole_ns(token_ns.min(step_ns) * 0.98); NEW_TOKENS];
            run.samples.push(sample);
        }
    }
}
