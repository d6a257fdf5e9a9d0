//! What is measured once: engines and changes of the KV cache side by side, a soak, and the comparisons of a bisect.

use crate::engine::ModelShape;
use crate::error::Result;
use crate::golden::GoldenResult;
use crate::judge::bisect::{Comparison, Step};
use crate::measure::Metric;
use crate::measure::kv::{KvAgreement, KvMethod, KvUse};
use crate::measure::protocol::InferSpan;
use crate::measure::supervisor::Soak;
use crate::record::{
    Arm, BisectRecord, Experiment, KvRecord, PlanKind, PublishedValue, Sampling, sha256_of_bytes,
};
use crate::report::demo::machines::DemoMachine;
use crate::report::demo::records::{Contest, DemoClock, Live, Scene, VOCABULARY, ab, invented};
use crate::report::demo::story::{CodeCost, Event, Noise, Special, nearest};
use crate::run::{StoppingRule, bisect};
use crate::workload::TokenId;

const PUBLISHED: &str = include_str!("../../../fixtures/baselines/published.json");
/// A stream of its own for what is measured once, and one for how distributions agree.
const SPECIALS: u64 = 6;
const AGREEMENTS: u64 = 7;
/// Rounds of arms side by side.
const ROUNDS: usize = 4;
const SOAK: Soak = Soak { process_s: 240, pause_s: 30 };
/// Seeds of rotation, and the steps of the probe text.
const SEEDS: [u64; 3] = [1, 2, 3];
const PROBE_STEPS: usize = 64;

/// What is measured once at a commit, on the first machine.
pub(super) fn specials(scene: &Scene<'_>, machine: &DemoMachine, at: usize) -> Vec<Experiment> {
    let records = scene.story.specials(at).into_iter().flat_map(|special| match special {
        Special::Bisect => bisected(scene, machine),
        Special::Engines => vec![engines(scene, machine, at)],
        Special::KvCache => vec![kv(scene, machine, at)],
        Special::Soak => vec![soak(scene, machine, at)],
    });
    records.collect()
}

/// The comparisons by which the real rules find the slower commit.
fn bisected(scene: &Scene<'_>, machine: &DemoMachine) -> Vec<Experiment> {
    let Some((good, bad)) = scene.story.bisected() else { return Vec::new() };
    let mut records: Vec<Experiment> = Vec::new();
    let mut compare = |comparison: &Comparison| -> Result<Option<Step>> {
        let Comparison { base, head, change_percent } = *comparison;
        let step = BisectRecord {
            question_sha256: sha256_of_bytes(format!("a bisect, drawn from {}", scene.plan.seed).as_bytes()),
            last: bad - good,
            base,
            head,
            metric: Some(Metric::TimePerOutputToken),
            change_percent,
        };
        let sides = [base, head].map(|side| (good + side, scene.line[good + side].sha.as_str()));
        let number = 10 + records.len() as u64;
        let contest = Contest { at: bad, sides, event: Event::Usual, number, bisect: Some(step) };
        let record = ab(scene, machine, &contest);
        let step = Step::of(&record);
        records.push(record);
        Ok(step)
    };
    // What was compared is there, whatever came of it.
    let _ = bisect(bad - good, &mut Vec::new(), &mut compare);
    records
}

/// An engine as it comes, and what it costs.
struct Engine {
    label: &'static str,
    host_loop: &'static str,
    worker: &'static str,
    attention: &'static str,
    kv_cache_precision: &'static str,
    pace: CodeCost,
}

const ENGINES: [Engine; 5] = [
    Engine {
        label: "stateful",
        host_loop: Arm::ARCGAUGE,
        worker: "arcgauge (demo)",
        attention: "sdpa",
        kv_cache_precision: "f16",
        pace: CodeCost::SAME,
    },
    Engine {
        label: "genai",
        host_loop: Arm::OPENVINO_GENAI,
        worker: "openvino_genai (demo)",
        attention: "sdpa",
        kv_cache_precision: "f16",
        pace: CodeCost { tpot: 1.012, ttft: 1.05, memory: 1.11 },
    },
    Engine {
        label: "genai-pa",
        host_loop: Arm::OPENVINO_GENAI,
        worker: "openvino_genai (demo)",
        attention: "paged",
        kv_cache_precision: "f16",
        pace: CodeCost { tpot: 0.965, ttft: 1.18, memory: 1.16 },
    },
    Engine {
        label: "genai-pa-i8",
        host_loop: Arm::OPENVINO_GENAI,
        worker: "openvino_genai (demo)",
        attention: "paged",
        kv_cache_precision: "i8",
        pace: CodeCost { tpot: 0.951, ttft: 1.19, memory: 1.15 },
    },
    Engine {
        label: "optimum",
        host_loop: Arm::OPTIMUM_INTEL,
        worker: "optimum-intel (demo)",
        attention: "sdpa",
        kv_cache_precision: "f16",
        pace: CodeCost { tpot: 1.19, ttft: 1.31, memory: 1.52 },
    },
];

fn engines(scene: &Scene<'_>, machine: &DemoMachine, at: usize) -> Experiment {
    let arms = ENGINES.iter().map(|engine| {
        let mut arm = scene.arm(machine, at, at, engine.label);
        engine.host_loop.clone_into(&mut arm.host_loop);
        arm.attention = Some(engine.attention.to_owned());
        arm.worker.name = Some(engine.worker.to_owned());
        if engine.attention == "paged" {
            arm.infer_span = InferSpan::Step;
        }
        if let Some(runtime) = &mut arm.runtime {
            let precision = engine.kv_cache_precision.to_owned();
            runtime.properties_effective.insert(KV_CACHE_PRECISION.to_owned(), precision);
        }
        arm
    });
    let paces: Vec<CodeCost> = ENGINES.iter().map(|engine| engine.pace).collect();
    let published = PublishedValue::of_engines(PUBLISHED).unwrap_or_default();
    side_by_side(scene, machine, at, PlanKind::Peers, arms.collect(), &paces, published)
}

const KV_CACHE_PRECISION: &str = "KV_CACHE_PRECISION";

/// A change of the KV cache, what it costs, and how its output differs.
struct Change {
    label: &'static str,
    method: KvMethod,
    pace: CodeCost,
    /// Of a generation; None where nothing between steps is known of it.
    used: Option<Used>,
    /// Mean divergence of the next-token distributions, nats.
    mean_kl_nats: f64,
    is_seeded: bool,
    /// Prompts whose answers become others after two thirds, from the last one on.
    other_answers: usize,
}

/// Bytes of a row, rows at most, and times of all states, ms.
struct Used {
    row_bytes: u64,
    most_rows: u64,
    changes: u64,
    read_ms: f64,
    transform_ms: f64,
    write_ms: f64,
}

/// Keys and values of 24 layers with 8 heads of 64, in 16 bits.
const ROW_BYTES: u64 = 49_152;

const CHANGES: [Change; 5] = [
    Change {
        label: "none",
        method: KvMethod::Unchanged,
        pace: CodeCost::SAME,
        used: None,
        mean_kl_nats: 0.0,
        is_seeded: false,
        other_answers: 0,
    },
    Change {
        label: "turboquant:k6v4",
        method: KvMethod::States,
        pace: CodeCost { tpot: 1.083, ttft: 1.0, memory: 1.002 },
        used: Some(Used {
            row_bytes: 16_896,
            most_rows: u64::MAX,
            changes: 2,
            read_ms: 19.0,
            transform_ms: 118.0,
            write_ms: 31.0,
        }),
        mean_kl_nats: 1.8e-3,
        is_seeded: true,
        other_answers: 0,
    },
    Change {
        label: "turboquant:k6v4,in-graph",
        method: KvMethod::Graph,
        pace: CodeCost { tpot: 1.041, ttft: 1.06, memory: 1.0 },
        used: Some(Used {
            row_bytes: ROW_BYTES,
            most_rows: u64::MAX,
            changes: 0,
            read_ms: 0.0,
            transform_ms: 0.0,
            write_ms: 0.0,
        }),
        mean_kl_nats: 2.0e-3,
        is_seeded: true,
        other_answers: 0,
    },
    Change {
        label: "streaming-llm:48",
        method: KvMethod::States,
        pace: CodeCost { tpot: 1.006, ttft: 1.0, memory: 1.0 },
        used: Some(Used {
            row_bytes: ROW_BYTES,
            most_rows: 48,
            changes: 1,
            read_ms: 9.0,
            transform_ms: 2.0,
            write_ms: 6.0,
        }),
        mean_kl_nats: 6.5e-2,
        is_seeded: false,
        other_answers: 2,
    },
    Change {
        label: "plugin:KV_CACHE_PRECISION=u8",
        method: KvMethod::Plugin,
        pace: CodeCost { tpot: 0.985, ttft: 1.01, memory: 1.0 },
        used: None,
        mean_kl_nats: 4.1e-4,
        is_seeded: false,
        other_answers: 0,
    },
];

fn kv(scene: &Scene<'_>, machine: &DemoMachine, at: usize) -> Experiment {
    let arms = CHANGES.iter().map(|change| {
        let mut arm = scene.arm(machine, at, at, change.label);
        arm.attention = Some("sdpa".to_owned());
        arm.model.shape = Some(shape());
        if let Some(property) = change.label.strip_prefix("plugin:") {
            arm.differences = vec![property.to_owned()];
        }
        let (transform, method) = (change.label.to_owned(), change.method);
        arm.kv = Some(KvRecord { transform, method, uses: Vec::new(), agreements: Vec::new() });
        arm
    });
    let paces: Vec<CodeCost> = CHANGES.iter().map(|change| change.pace).collect();
    let published = PublishedValue::of_kv(PUBLISHED).unwrap_or_default();
    let mut record = side_by_side(scene, machine, at, PlanKind::Kv, arms.collect(), &paces, published);
    for (change, arm) in CHANGES.iter().zip(&mut record.arms).skip(1) {
        answer_otherwise(arm, change.other_answers);
        // No golden judges the answers of a changed cache.
        arm.prompts.iter_mut().for_each(|prompt| prompt.golden = GoldenResult::None);
        let agreements = agreements(scene, change, arm);
        let of_generations = uses(change, arm);
        if let Some(kv) = &mut arm.kv {
            (kv.agreements, kv.uses) = (agreements, of_generations);
        }
        let caches = arm.processes.iter_mut().filter_map(|process| process.kv_cache.as_mut());
        for cache in caches {
            match (change.method, &change.used) {
                (KvMethod::Plugin, _) => {
                    "u8".clone_into(&mut cache.precision);
                    cache.bytes = Some(cache.elements);
                }
                (_, Some(used)) => {
                    let rows = cache.tokens.min(used.most_rows);
                    let of_one = cache.elements / cache.tokens.max(1);
                    (cache.elements, cache.bytes) = (rows * of_one, Some(rows * of_one * 2));
                }
                _ => {}
            }
        }
    }
    record
}

/// What GPT-OSS-20B is made of.
fn shape() -> ModelShape {
    ModelShape {
        model_type: Some("gpt_oss".to_owned()),
        layers: Some(24),
        hidden_size: Some(2880),
        attention_heads: Some(64),
        kv_heads: Some(8),
        head_size: Some(64),
        experts: Some(32),
        experts_per_token: Some(4),
        ..ModelShape::default()
    }
}

/// The answers of so many prompts, the last ones, go on otherwise after two thirds.
fn answer_otherwise(arm: &mut Arm, prompts: usize) {
    let ids: Vec<String> =
        arm.workload.prompts.iter().rev().take(prompts).map(|prompt| prompt.id.clone()).collect();
    for sample in arm.samples.iter_mut().filter(|sample| ids.contains(&sample.prompt_id)) {
        let from = sample.token_ids.len() * 2 / 3;
        for token in &mut sample.token_ids[from..] {
            *token = (*token + 1) % TokenId::try_from(VOCABULARY).unwrap_or(TokenId::MAX);
        }
    }
}

fn agreements(scene: &Scene<'_>, change: &Change, arm: &Arm) -> Vec<KvAgreement> {
    let seeds: Vec<Option<u64>> = if change.is_seeded { SEEDS.map(Some).to_vec() } else { vec![None] };
    let of_prompts = arm.workload.prompts.iter().map(|prompt| (prompt.id.as_str(), arm.workload.new_tokens));
    let texts = of_prompts.chain([("probe", PROBE_STEPS)]).zip(0..);
    let agreements = texts.flat_map(|((text, steps), place)| {
        let of_seed = move |seed: &Option<u64>| {
            let stream = [AGREEMENTS, place, seed.unwrap_or_default(), nearest(change.mean_kl_nats * 1e9)];
            let noise = &mut Noise::of(scene.plan.seed, &stream);
            let mean_kl_nats = change.mean_kl_nats * noise.factor(0.15).max(0.1);
            // About as many steps prefer another token as distributions move.
            let others = nearest(mean_kl_nats * steps as f64 * 1.4).min(steps as u64 / 4);
            let others = usize::try_from(others).unwrap_or_default();
            KvAgreement {
                text: text.to_owned(),
                seed: *seed,
                steps,
                agreed_steps: steps - others,
                first_difference: (others > 0).then_some(steps / 2),
                mean_kl_nats,
                largest_kl_nats: mean_kl_nats * (12.0 + 3.0 * noise.normal().abs()),
                largest_margin_change_logit: 0.11 + 9.0 * mean_kl_nats,
            }
        };
        seeds.iter().map(of_seed).collect::<Vec<_>>()
    });
    agreements.collect()
}

fn uses(change: &Change, arm: &Arm) -> Vec<KvUse> {
    let Some(used) = &change.used else { return Vec::new() };
    let ns = |ms: f64| nearest(ms * 1e6);
    let of_generations = arm.measured_samples().map(|sample| {
        let tokens = (sample.prompt_tokens + sample.token_ids.len()).saturating_sub(1) as u64;
        let rows = tokens.min(used.most_rows);
        KvUse {
            tokens,
            rows,
            packed_bytes: rows * used.row_bytes,
            buffer_bytes: if used.changes > 0 { 2 * ROW_BYTES * 43 } else { 0 },
            changes: used.changes,
            read_ns: ns(used.read_ms),
            transform_ns: ns(used.transform_ms),
            write_ns: ns(used.write_ms),
        }
    });
    of_generations.collect()
}

fn side_by_side(
    scene: &Scene<'_>,
    machine: &DemoMachine,
    at: usize,
    plan: PlanKind,
    arms: Vec<Arm>,
    paces: &[CodeCost],
    published_engines: Vec<PublishedValue>,
) -> Experiment {
    let mut record = framed(scene, machine, at, plan, arms);
    record.published_engines = published_engines;
    record.sampling.rounds_requested = Some(ROUNDS);
    let code = vec![at; paces.len()];
    let (clock, noise) = (&DemoClock::of_special(at), noise(scene, at, plan));
    let schedule = scene.schedule(paces.len(), StoppingRule::Rounds(ROUNDS), None);
    let mut live = Live::of(scene, machine, clock, at, &code, noise);
    live.paces = paces;
    live.drive(&mut record, &schedule);
    record
}

fn soak(scene: &Scene<'_>, machine: &DemoMachine, at: usize) -> Experiment {
    let plan = PlanKind::Soak;
    let mut record = framed(scene, machine, at, plan, vec![scene.arm(machine, at, at, plan.as_str())]);
    // A fresh process, and another one: the restart.
    let processes = 2;
    record.sampling = Sampling { rounds_requested: Some(processes), soak: Some(SOAK), ..Sampling::default() };
    let (clock, noise, code) = (&DemoClock::of_special(at), noise(scene, at, plan), [at]);
    let schedule = scene.schedule(1, StoppingRule::Rounds(processes), None);
    let mut live = Live::of(scene, machine, clock, at, &code, noise);
    live.soak = Some(SOAK);
    live.drive(&mut record, &schedule);
    record
}

/// What is measured once at a commit, before anything has happened.
fn framed(scene: &Scene<'_>, machine: &DemoMachine, at: usize, plan: PlanKind, arms: Vec<Arm>) -> Experiment {
    let mut record = scene.frame(machine, at, 300 + plan as u64, arms);
    record.plan = plan;
    record.when_utc = scene.after(at, 4_800 + 600 * plan as u64);
    record.warnings = vec![invented()];
    record
}

fn noise(scene: &Scene<'_>, at: usize, plan: PlanKind) -> Noise {
    Noise::of(scene.plan.seed, &[SPECIALS, at as u64, plan as u64])
}
