//! Changes of the KV cache beside the unchanged one: tokens and distributions, bytes, and what each step takes.
//!
//! Nothing here is a verdict: another token is a result of such an arm. Ratios of time are those of
//! [`crate::judge::peers`], for the rounds are of the same kind.

use std::collections::HashMap;

use serde::Serialize;

use crate::golden::GoldenResult;
use crate::judge::peers::{Multiple, RoundValues, round_values};
use crate::measure::kv::{KvAgreement, KvMethod};
use crate::measure::{Metric, Role};
use crate::record::{Arm, Experiment, KvRecord};
use crate::workload::TokenId;

/// Bytes of an element of the cache that packed bytes are compared with: 16 bits.
const REFERENCE_ELEMENT_BYTES: u64 = 2;
/// KV states of GPT-OSS-20B: 24 layers, keys and values, 8 heads of 64.
const GPT_OSS_20B_ELEMENTS: u64 = 24 * 2 * 8 * 64;

/// One arm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KvArm {
    /// The arm in its canonical form, without the path of a calibration.
    pub arm: String,
    /// Where the cache is changed.
    pub method: KvMethod,
    /// What the goldens say of the first arm's answers, the worst of its prompts; None for the others, which no golden
    /// judges.
    pub golden: Option<GoldenResult>,
    /// Its answers beside those of the first arm.
    pub free_running: FreeRunning,
    /// Its distributions beside those of the first arm, over all texts and seeds; None for the first arm.
    pub teacher_forced: Option<TeacherForced>,
    /// Bytes of the cache; None where the model's shape is not known or nothing was generated.
    pub bytes: Option<KvBytesPerToken>,
    /// Mean time per token of reading, changing and writing states; None where no state is copied.
    pub cost: Option<KvCost>,
    /// Mean `tpot@1`, ms.
    pub tpot_ms: Option<f64>,
    /// Mean `ttft@1`, ms.
    pub ttft_ms: Option<f64>,
    /// `tpot@1` as a multiple of the first arm's; None for the first arm.
    pub tpot_ratio: Option<Multiple>,
    /// `ttft@1` likewise.
    pub ttft_ratio: Option<Multiple>,
}

/// Answers of an arm that feeds its own tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FreeRunning {
    /// Prompts that both answered.
    pub prompts: usize,
    /// Prompts of which every token is the first arm's.
    pub equal_prompts: usize,
    /// The earliest token, from 0, that is another.
    pub first_difference: Option<usize>,
}

/// Distributions over texts that are fed whatever the arm prefers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TeacherForced {
    /// Steps, of all texts and seeds.
    pub steps: usize,
    /// Share of them at which the most probable token is the same.
    pub agreed_share: f64,
    /// Mean Kullback-Leibler divergence, nats.
    pub mean_kl_nats: f64,
    /// The largest of a single step, nats.
    pub largest_kl_nats: f64,
    /// The largest change of the margin between the first arm's first two tokens, logit.
    pub largest_margin_change_logit: f64,
    /// Seeds that it is over; 1 where the arm has none.
    pub seeds: usize,
    /// Smallest mean divergence of a seed, nats.
    pub lowest_seed_kl_nats: f64,
    /// Largest mean divergence of a seed, nats.
    pub highest_seed_kl_nats: f64,
}

/// Bytes of the cache at the end of the longest measured generation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KvBytesPerToken {
    /// Packed, norms and scales and rows that are not packed included, by tokens that were fed.
    pub packed_per_token: f64,
    /// The same for a cache of the shape of GPT-OSS-20B's.
    pub packed_per_token_at_20b: f64,
    /// As a share of a cache of 16-bit elements.
    pub share_of_16_bit: f64,
    /// Packed, at the end.
    pub packed: u64,
    /// What the runtime holds at the end; None where it is not known.
    pub resident: Option<u64>,
    /// What the first arm's runtime holds for as many tokens, less what this one's does; 0 where a full-width cache
    /// stays.
    pub resident_saved: Option<u64>,
    /// Most bytes of the transform's own buffers.
    pub buffers: u64,
    /// Highest `peak_rss@1` of a measured generation, bytes: the buffers are in it.
    pub peak_rss_bytes: Option<u64>,
}

/// Time per token of a change between steps, ms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KvCost {
    /// Of reading states.
    pub read_ms: f64,
    /// Of changing them.
    pub transform_ms: f64,
    /// Of writing them back.
    pub write_ms: f64,
    /// Steps after which states were changed, by all steps.
    pub changed_share: f64,
}

/// Every arm, in the order requested.
pub fn kv_arms(record: &Experiment) -> Vec<KvArm> {
    let rounds = round_values(record);
    record.arms.iter().enumerate().filter_map(|(at, arm)| kv_arm(record, &rounds, at, arm)).collect()
}

fn kv_arm(record: &Experiment, rounds: &[RoundValues], at: usize, arm: &Arm) -> Option<KvArm> {
    let kv = arm.kv.as_ref()?;
    let reference = &record.arms[0];
    let ratio = |metric| if at == 0 { None } else { Multiple::of(metric, rounds, at, 0) };
    let mean = |metric: Metric| {
        let counted = rounds.iter().filter(|round| round.counts);
        let values: Vec<f64> = counted.filter_map(|round| round.of(at)?.get(metric)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    Some(KvArm {
        arm: without_calibration(&arm.label),
        method: kv.method,
        golden: if at == 0 { arm.prompts.iter().map(|prompt| prompt.golden).max() } else { None },
        free_running: free_running(reference, arm),
        teacher_forced: teacher_forced(&kv.agreements),
        bytes: bytes(reference, arm, kv),
        cost: cost(arm, kv),
        tpot_ms: mean(Metric::TimePerOutputToken),
        ttft_ms: mean(Metric::TimeToFirstToken),
        tpot_ratio: ratio(Metric::TimePerOutputToken),
        ttft_ratio: ratio(Metric::TimeToFirstToken),
    })
}

/// The name of an arm without the path of a calibration, which is wider than all else, and private.
pub(crate) fn without_calibration(label: &str) -> String {
    let options = label.split(',').filter(|option| !option.starts_with("calibration="));
    options.collect::<Vec<_>>().join(",")
}

fn free_running(reference: &Arm, arm: &Arm) -> FreeRunning {
    let answers = |arm: &Arm| -> HashMap<String, Vec<TokenId>> {
        arm.measured_samples().map(|it| (it.prompt_id.clone(), it.token_ids.clone())).collect()
    };
    let (expected, got) = (answers(reference), answers(arm));
    let mut free_running = FreeRunning::default();
    for (prompt, tokens) in &got {
        let Some(expected) = expected.get(prompt) else { continue };
        free_running.prompts += 1;
        match tokens.iter().zip(expected).position(|(got, expected)| got != expected) {
            None => free_running.equal_prompts += 1,
            Some(at) => {
                let earlier = free_running.first_difference.unwrap_or(usize::MAX);
                free_running.first_difference = Some(at.min(earlier));
            }
        }
    }
    free_running
}

fn teacher_forced(agreements: &[KvAgreement]) -> Option<TeacherForced> {
    let steps: usize = agreements.iter().map(|it| it.steps).sum();
    if steps == 0 {
        return None;
    }
    let mean_kl = |of: &mut dyn Iterator<Item = &KvAgreement>| {
        let (sum, steps) =
            of.fold((0.0, 0), |(sum, steps), it| (sum + it.mean_kl_nats * it.steps as f64, steps + it.steps));
        sum / steps as f64
    };
    let mut seeds: Vec<Option<u64>> = agreements.iter().map(|it| it.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let by_seed: Vec<f64> =
        seeds.iter().map(|seed| mean_kl(&mut agreements.iter().filter(|it| it.seed == *seed))).collect();
    let largest = |of: fn(&KvAgreement) -> f64| agreements.iter().map(of).fold(0.0, f64::max);
    let agreed: usize = agreements.iter().map(|it| it.agreed_steps).sum();
    Some(TeacherForced {
        steps,
        agreed_share: agreed as f64 / steps as f64,
        mean_kl_nats: mean_kl(&mut agreements.iter()),
        largest_kl_nats: largest(|it| it.largest_kl_nats),
        largest_margin_change_logit: largest(|it| it.largest_margin_change_logit),
        seeds: seeds.len(),
        lowest_seed_kl_nats: by_seed.iter().copied().fold(f64::INFINITY, f64::min),
        highest_seed_kl_nats: by_seed.iter().copied().fold(0.0, f64::max),
    })
}

fn bytes(reference: &Arm, arm: &Arm, kv: &KvRecord) -> Option<KvBytesPerToken> {
    let elements = arm.model.shape.as_ref()?.kv_elements_per_token()?;
    let tokens = fed_tokens(arm)?;
    // A generation whose states nothing changes is packed as 16-bit elements are.
    let unpacked = elements.saturating_mul(tokens).saturating_mul(REFERENCE_ELEMENT_BYTES);
    let longest = kv.uses.iter().max_by_key(|it| it.tokens);
    let packed = longest.map_or(unpacked, |it| it.packed_bytes);
    let tokens = longest.map_or(tokens, |it| it.tokens).max(1);
    let packed_per_token = packed as f64 / tokens as f64;
    let resident = |arm: &Arm, kv: &KvRecord| {
        // The cache was read once, after the warm-up: what an element takes is the same later.
        let cache = arm.processes.iter().rev().find_map(|process| process.kv_cache.as_ref())?;
        let longest = kv.uses.iter().max_by_key(|it| it.tokens).map(|it| it.rows);
        let held = u128::from(elements) * u128::from(longest.or(fed_tokens(arm))?);
        let bytes = (u128::from(cache.bytes?) * held).checked_div(cache.elements.into())?;
        u64::try_from(bytes).ok()
    };
    let (own, of_reference) =
        (resident(arm, kv), reference.kv.as_ref().and_then(|it| resident(reference, it)));
    Some(KvBytesPerToken {
        packed_per_token,
        packed_per_token_at_20b: packed_per_token * GPT_OSS_20B_ELEMENTS as f64 / elements as f64,
        share_of_16_bit: packed_per_token / (elements as f64 * REFERENCE_ELEMENT_BYTES as f64),
        packed,
        resident: own,
        resident_saved: own.zip(of_reference).map(|(own, reference)| reference.saturating_sub(own)),
        buffers: kv.uses.iter().map(|it| it.buffer_bytes).max().unwrap_or_default(),
        peak_rss_bytes: arm.measured_samples().filter_map(|it| it.peak_rss_bytes).max(),
    })
}

/// Tokens that the longest measured generation was fed: its prompt, and its answer but the last.
fn fed_tokens(arm: &Arm) -> Option<u64> {
    let fed = arm.samples.iter().filter(|it| it.role == Role::Measured);
    fed.map(|it| (it.prompt_tokens + it.token_ids.len()).saturating_sub(1) as u64).max()
}

fn cost(arm: &Arm, kv: &KvRecord) -> Option<KvCost> {
    let steps = (kv.uses.len() * arm.workload.new_tokens) as f64;
    if kv.uses.iter().all(|it| it.changes == 0) {
        return None;
    }
    let per_token_ms = |of: fn(&crate::measure::kv::KvUse) -> u64| {
        kv.uses.iter().map(|it| of(it) as f64).sum::<f64>() / 1e6 / steps
    };
    Some(KvCost {
        read_ms: per_token_ms(|it| it.read_ns),
        transform_ms: per_token_ms(|it| it.transform_ns),
        write_ms: per_token_ms(|it| it.write_ns),
        changed_share: kv.uses.iter().map(|it| it.changes as f64).sum::<f64>() / steps,
    })
}
