//! The record of engines side by side, fault in every way.

use std::collections::BTreeMap;

use arcgauge::golden::{Divergence, GoldenResult};
use arcgauge::judge::first_light::Answer::{No, NotObserved};
use arcgauge::judge::first_light::{Evidence, StepSeen};
use arcgauge::record::{Arm, Experiment, Outcome};

use crate::first_light::faults::{Row, reported, row, without_times};
use crate::forged_pairs;

/// Every way in which it can be fault.
pub(super) const ROWS: &[Row] = &[
    row(
        "paged-attention",
        |it| wrong_at(peers(it), 1, 16),
        No,
        "`genai-pa` is wrong: `fibonacci` at token 17",
    ),
    row(
        "paged-attention",
        |it| {
            peers(it).outcome = Outcome::WrongOutput;
            engines(it).for_each(|engine| engine.prompts.clear());
        },
        No,
        "the output of an engine is wrong",
    ),
    row(
        "paged-attention",
        |it| fails_peers(it, "engine `genai-pa`: it hung"),
        No,
        "engine `genai-pa`: it hung",
    ),
    row(
        "paged-attention",
        |it| {
            fails_peers(it, "no room in memory");
            engines(it).for_each(|engine| engine.device.ran = None);
        },
        No,
        "no room in memory",
    ),
    row(
        "paged-attention",
        |it| it.peers = StepSeen::Failed("step `peers`: the driver hung".into()),
        No,
        "the driver hung",
    ),
    row(
        "paged-attention",
        |it| it.peers = StepSeen::NotRun("`cargo xtask setup --peers=genai`".into()),
        NotObserved,
        "setup --peers=genai",
    ),
    row("paged-attention", |it| peers(it).outcome = Outcome::Interrupted, NotObserved, "interrupted"),
    row(
        "paged-attention",
        |it| peers(it).arms[2].device.ran = None,
        NotObserved,
        "nothing shows that `genai-pa` ran on the GPU",
    ),
    row("paged-attention", |it| peers(it).rounds.clear(), NotObserved, "no round was measured"),
    row("paged-attention", |it| swaps(peers(it)), NotObserved, "no round counts: `swap-in` on `stateful`"),
    row(
        "paged-attention",
        |it| drop(kv_cache(peers(it)).insert("KV_CACHE_PRECISION".into(), "i8".into())),
        NotObserved,
        "`genai` sdpa with a KV cache `f16`, `genai-pa` paged with a KV cache `i8`",
    ),
    row(
        "paged-attention",
        |it| drop(kv_cache(peers(it)).remove("KV_CACHE_PRECISION")),
        NotObserved,
        "`genai-pa` paged with a KV cache `unknown`",
    ),
    row("paged-attention", |it| peers(it).arms[2].attention = None, NotObserved, "`genai-pa` unknown"),
    row(
        "paged-attention",
        |it| peers(it).arms[2].samples.iter_mut().for_each(without_times),
        NotObserved,
        "no round has a speed of both",
    ),
    row(
        "paged-attention",
        |it| peers(it).arms[2].prompts.clear(),
        NotObserved,
        "the tokens of `genai-pa` were not judged",
    ),
    row(
        "published-difference",
        |it| drop(peers(it).arms.pop()),
        NotObserved,
        "no two engines differ in KV-cache precision alone; published 27.00 against 21.24 tok/s",
    ),
    row(
        "published-difference",
        |it| fails_peers(it, "engine `genai-pa`: it hung"),
        No,
        "engine `genai-pa`: it hung",
    ),
];

pub(super) fn peers(evidence: &mut Evidence) -> &mut Experiment {
    reported(&mut evidence.peers)
}

pub(super) fn engines(evidence: &mut Evidence) -> impl Iterator<Item = &mut Arm> {
    let record = peers(evidence);
    record.arms.iter_mut()
}

fn kv_cache(record: &mut Experiment) -> &mut BTreeMap<String, String> {
    &mut record.arms[2].runtime.as_mut().unwrap().properties_effective
}

fn wrong_at(record: &mut Experiment, other: usize, position: usize) {
    let prompt = &mut record.arms[other + 1].prompts[0];
    prompt.golden = GoldenResult::Break;
    prompt.divergence =
        Some(Divergence { position, expected: 7, got: 5, logit_margin: 0.6, flips: Vec::new() });
}

fn fails_peers(evidence: &mut Evidence, reason: &str) {
    let record = peers(evidence);
    (record.outcome, record.failure) = (Outcome::Failed, Some(reason.into()));
    engines(evidence).for_each(|engine| engine.samples.iter_mut().for_each(without_times));
}

fn swaps(record: &mut Experiment) {
    for process in &mut record.arms[0].processes {
        process.guards = Some(forged_pairs::guard_log(12, true));
    }
}
