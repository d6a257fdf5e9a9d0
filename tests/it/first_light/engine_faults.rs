//! The record of engines side by side, fault in every way.

use std::collections::BTreeMap;

use arcgauge::golden::{Divergence, GoldenResult};
use arcgauge::judge::first_light::Answer::{No, NotObserved};
use arcgauge::judge::first_light::{Evidence, StepSeen};
use arcgauge::record::{Arm, Experiment, Outcome};

use crate::first_light::faults::{Row, reported, without_times};
use crate::forged_pairs;

/// Every way in which it can be fault.
pub(super) const ROWS: &[Row] = &[
    ("paged-attention", No, "`genai-pa` is wrong: `fibonacci` at token 17", |it| wrong_at(peers(it), 1, 16)),
    ("paged-attention", No, "the output of an engine is wrong", |it| {
        peers(it).outcome = Outcome::WrongOutput;
        engines(it).for_each(|engine| engine.prompts.clear());
    }),
    ("paged-attention", No, "engine `genai-pa`: it hung", |it| fails_peers(it, "engine `genai-pa`: it hung")),
    ("paged-attention", No, "no room in memory", |it| {
        fails_peers(it, "no room in memory");
        engines(it).for_each(|engine| engine.device.ran = None);
    }),
    ("paged-attention", No, "the driver hung", |it| {
        it.peers = StepSeen::Failed("step `peers`: the driver hung".into());
    }),
    ("paged-attention", NotObserved, "setup --peers=genai", |it| {
        it.peers = StepSeen::NotRun("`cargo xtask setup --peers=genai`".into());
    }),
    ("paged-attention", NotObserved, "interrupted", |it| peers(it).outcome = Outcome::Interrupted),
    ("paged-attention", NotObserved, "nothing shows that `genai-pa` ran on the GPU", |it| {
        peers(it).arms[2].device.ran = None;
    }),
    ("paged-attention", NotObserved, "no round was measured", |it| peers(it).rounds.clear()),
    ("paged-attention", NotObserved, "no round counts: `swap-in` on `stateful`", |it| swaps(peers(it))),
    (
        "paged-attention",
        NotObserved,
        "`genai` sdpa with a KV cache `f16`, `genai-pa` paged with a KV cache `i8`",
        |it| drop(kv_cache(peers(it)).insert("KV_CACHE_PRECISION".into(), "i8".into())),
    ),
    ("paged-attention", NotObserved, "`genai-pa` paged with a KV cache `unknown`", |it| {
        drop(kv_cache(peers(it)).remove("KV_CACHE_PRECISION"));
    }),
    ("paged-attention", NotObserved, "`genai-pa` unknown", |it| peers(it).arms[2].attention = None),
    ("paged-attention", NotObserved, "no round has a speed of both", |it| {
        peers(it).arms[2].samples.iter_mut().for_each(without_times);
    }),
    ("paged-attention", NotObserved, "the tokens of `genai-pa` were not judged", |it| {
        peers(it).arms[2].prompts.clear();
    }),
    (
        "published-difference",
        NotObserved,
        "no two engines differ in KV-cache precision alone; published 27.00 against 21.24 tok/s",
        |it| drop(peers(it).arms.pop()),
    ),
    ("published-difference", No, "engine `genai-pa`: it hung", |it| {
        fails_peers(it, "engine `genai-pa`: it hung");
    }),
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
