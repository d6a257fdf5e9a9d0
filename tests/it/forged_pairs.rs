//! An A/B that no run has made, with real times of every process: what it is judged to be follows from
//! them, and from nothing else.

use std::fs;
use std::time::Duration;

use arcgauge::engine::openvino::DeviceKind;
use arcgauge::gate::{Asker, decide};
use arcgauge::golden::{Divergence, GoldenResult};
use arcgauge::judge::policy::{PinnedAnchor, Policy};
use arcgauge::measure::guard::{GuardLog, Watch};
use arcgauge::measure::{Metric, Observed, SysfsRoot};
use arcgauge::record::{
    AbRecord, AskedPrompt, DecisionRecord, DeviceRecord, Outcome, PairRecord, PolicyText, ProcessRecord,
    PromptRecord, RunRecord, SampleRecord, Side, Undecided, WorkloadRecord, sha256_of_bytes,
};

use crate::checkout::repository;
use crate::forged;

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
pub(crate) fn judge_by(record: &mut AbRecord, text: String) {
    record.policy = PolicyText { sha256: sha256_of_bytes(text.as_bytes()), text };
}

/// Changes that lie around one, by turns below and above it, percent.
pub(crate) fn around(percent: f64, spread_percent: f64, pairs: usize) -> Vec<f64> {
    let signs = [-1.0, 1.0, -1.0, 1.0, 0.0];
    (0..pairs).map(|pair| percent + spread_percent * signs[pair % signs.len()]).collect()
}

/// An A/B whose head takes so many percent more a token in each pair, on every prompt.
pub(crate) fn ab(changes_percent: &[f64]) -> AbRecord {
    let changes: Vec<[f64; 3]> = changes_percent.iter().map(|change| [*change; 3]).collect();
    ab_by_prompt(&changes, TOKEN_NS)
}

/// The same with each prompt's own change, of a base that takes so long for each token, ns.
pub(crate) fn ab_by_prompt(changes_percent: &[[f64; 3]], token_ns: f64) -> AbRecord {
    let mut record = forged::ab_record();
    let pairs = changes_percent.len();
    record.pairs = (0..pairs).map(pair).collect();
    record.budget_s = None;
    let unchanged = vec![[0.0; 3]; pairs];
    fill(&mut record.base.run, &unchanged, token_ns);
    fill(&mut record.head.run, changes_percent, token_ns);
    judge_by(&mut record, policy_text());
    judge(&mut record);
    record
}

/// Decides on a record as its run would have.
pub(crate) fn judge(record: &mut AbRecord) {
    let policy = Policy::parse(&record.policy.text, "forged").unwrap();
    record.decision = Some(decide(record, &policy, JUDGED, Asker::Ab));
    record.gate_decision = Some(decide(record, &policy, JUDGED, Asker::Gate));
}

/// What a record is judged to be, whoever asks.
pub(crate) fn decided(record: &AbRecord, asker: Asker) -> DecisionRecord {
    let policy = Policy::parse(&record.policy.text, "forged").unwrap();
    decide(record, &policy, JUDGED, asker)
}

/// Both sides of an A/B.
pub(crate) fn both(record: &mut AbRecord) -> [&mut RunRecord; 2] {
    [&mut record.base.run, &mut record.head.run]
}

/// The record that a run leaves whose sides are the same, byte for byte.
pub(crate) fn identical() -> AbRecord {
    let mut record = ab(&[]);
    for run in both(&mut record) {
        (run.outcome, run.prompts, run.device.ran) = (Outcome::NotMeasured, Vec::new(), None);
    }
    (record.outcome, record.undecided) = (Outcome::NotMeasured, Some(Undecided::Identical));
    judge(&mut record);
    record
}

/// The head says another token in answer to the second prompt, which so has no speed.
pub(crate) fn wrong(record: &mut AbRecord) {
    (record.outcome, record.undecided) = (Outcome::WrongOutput, Some(Undecided::WrongOutput));
    let run = &mut record.head.run;
    run.outcome = Outcome::WrongOutput;
    let prompt = &mut run.prompts[1];
    prompt.golden = GoldenResult::Break;
    prompt.divergence = Some(Divergence { position: 1, expected: 6, got: 9, gap_logit: 7.5, flips: vec![1] });
    let samples = run.samples.iter_mut().filter(|sample| sample.prompt_id == PROMPTS[1]);
    samples.for_each(|sample| sample.times = None);
}

/// Readings of a machine that tells of swap and mains alone.
pub(crate) fn guard_log(pages_swapped_in: u64, is_on_mains: bool) -> GuardLog {
    let nothing = tempfile::tempdir().unwrap();
    let mut log = Watch::start(SysfsRoot::at(nothing.path().to_owned()), || 0, None).finish();
    for reading in &mut log.readings {
        reading.pages_swapped_in = Observed::Observed(0);
        reading.is_on_mains = Observed::Observed(is_on_mains);
    }
    let last = log.readings.last_mut().unwrap();
    (last.at_ns, last.pages_swapped_in) = (u64::MAX, Observed::Observed(pages_swapped_in));
    log
}

/// An anchor of this run that warns and fails where the published one does.
pub(crate) fn anchor_of(run: &RunRecord) -> PinnedAnchor {
    PinnedAnchor {
        id: "ours".into(),
        metric: Metric::EndToEndThroughput,
        value: 21.24,
        warn_below: 21.24,
        fail_below: 20.18,
        model_sha256: run.model.sha256.clone(),
        machine_sha256: run.machine.sha256.clone(),
        device: DeviceKind::Cpu,
        gpu: None,
        workload_sha256: run.workload.sha256.clone(),
        openvino: None,
        run_id: run.run_id.clone(),
        record_sha256: "0".repeat(64),
        pinned_utc: JUDGED.into(),
        who: "A Maintainer".into(),
        because: "it is the best so far".into(),
    }
}

/// Whole nanoseconds, as a clock has them.
pub(crate) fn whole_ns(ns: f64) -> u64 {
    u64::try_from(Duration::from_secs_f64(ns / 1e9).as_nanos()).unwrap()
}

fn pair(index: usize) -> PairRecord {
    let first = if index.is_multiple_of(2) { Side::Base } else { Side::Head };
    PairRecord { first, base_process: index, head_process: index }
}

/// A process for each pair, verified and proven.
fn fill(run: &mut RunRecord, changes_percent: &[[f64; 3]], token_ns: f64) {
    let asked = PROMPTS.map(|id| AskedPrompt { id: id.into(), title: id.into(), token_ids: vec![61, 88] });
    run.workload = WorkloadRecord::new(asked.to_vec(), changes_percent.len(), NEW_TOKENS).unwrap();
    let published = run.published.as_mut().unwrap();
    (published.prompts, published.new_tokens) = (PROMPTS.map(str::to_owned).to_vec(), NEW_TOKENS);
    run.device = DeviceRecord { requested: "CPU".into(), reason: None, ..run.device.clone() };
    let judged = PromptRecord { golden: GoldenResult::Match, witness: None, ..run.prompts.remove(0) };
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
            run.samples.push(sample);
        }
    }
}
