//! The decode loop on the real runtime with the shipped model: what a step costs, and how much of it
//! is ours.
//!
//! `cargo bench --bench decode` prints Criterion's estimates, and before them the comparison with a
//! bare loop of OpenVINO calls: both step through the same tokens, interleaved, so that whatever else
//! the machine does falls on both.

mod bare_loop;
mod shipped;

use std::hint::black_box;
use std::time::{Duration, Instant};

use arcgauge::engine::{Engine, greedy};
use arcgauge::measure::{Metric, RequestedPrompt, sample_here};
use arcgauge::sys::MonotonicClock;
use arcgauge::workload::TokenId;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use crate::bare_loop::BareLoop;
use crate::shipped::Shipped;

/// Vocabulary of GPT-OSS.
const VOCABULARY: usize = 201_088;
/// Larger than any cache here: writing it leaves nothing else in them.
const EVICTING_BYTES: usize = 512 << 20;
/// Decode steps that the two loops take alternately, a round.
const STEPS: usize = 199;
/// Rounds of the comparison.
const ROUNDS: usize = 15;
/// Tokens of the generations whose host overhead is timed: it hardly depends on the depth.
const STEPS_OF_OVERHEAD: usize = 50;
/// Tokens in the KV cache before the first of the steps that are timed at a depth.
const DEPTHS: [usize; 4] = [32, 128, 256, 512];
/// Steps that are timed at a depth: few, so that it stays one depth, and enough to pay for the prefill.
const STEPS_AT_A_DEPTH: usize = 16;

/// Steps of both loops, interleaved; which goes first changes with every step.
fn against_the_bare_loop(_: &mut Criterion) {
    let mut shipped = Shipped::load();
    let mut bare = BareLoop::load();
    let mut ratios = Vec::new();
    let (mut all_ours, mut all_bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let prompt = &shipped.goldens[round % shipped.goldens.len()];
        shipped.engine.reset().unwrap();
        shipped.engine.stage_prompt(&prompt.prompt_token_ids, prompt.token_ids.len()).unwrap();
        shipped.engine.infer().unwrap();
        bare.begin(&prompt.prompt_token_ids, prompt.token_ids.len());
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for (step, token) in prompt.token_ids[..STEPS].iter().enumerate() {
            let mut our_step = || {
                let start = Instant::now();
                shipped.engine.stage_token(*token).unwrap();
                shipped.engine.infer().unwrap();
                black_box(greedy(shipped.engine.last_logits().unwrap()).unwrap());
                ours.push(start.elapsed());
            };
            let mut bare_step = || {
                let start = Instant::now();
                bare.step(*token);
                theirs.push(start.elapsed());
            };
            if step % 2 == 0 {
                our_step();
                bare_step();
            } else {
                bare_step();
                our_step();
            }
        }
        ratios.push(median(&mut ours).as_secs_f64() / median(&mut theirs).as_secs_f64());
        all_ours.extend(ours);
        all_bare.extend(theirs);
    }
    ratios.sort_by(f64::total_cmp);
    let (ours, bare) = (median(&mut all_ours), median(&mut all_bare));
    report(&format!(
        "step against a bare loop, {ROUNDS} rounds of {STEPS} interleaved steps: ours {ours:.1?}, bare {bare:.1?}, \
         ratio of medians {:.4} (rounds: {:.4} to {:.4}); to be at most 1.02",
        ours.as_secs_f64() / bare.as_secs_f64(),
        ratios[0],
        ratios[ROUNDS - 1],
    ));
}

/// The step of whole generations of 200 tokens, and its part that is not inference.
fn decode(criterion: &mut Criterion) {
    let mut shipped = Shipped::load();
    let prompt = shipped.goldens[0].clone();
    let requested = RequestedPrompt::new(&prompt.prompt_id, prompt.prompt_token_ids);
    let mut metric_value = |metric: Metric, new_tokens: usize| {
        let sample = sample_here(&mut shipped.engine, &requested, new_tokens, &MonotonicClock).unwrap();
        assert_eq!(sample.token_ids, prompt.token_ids[..new_tokens], "a speed needs the right tokens");
        metric.of(&sample).unwrap().value
    };
    let mut group = criterion.benchmark_group("decode");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(20));
    group.bench_function("step (tpot@1)", |bencher| {
        bencher.iter_custom(|iterations| {
            let total_ms: f64 =
                (0..iterations).map(|_| metric_value(Metric::TimePerOutputToken, STEPS + 1)).sum();
            Duration::from_secs_f64(total_ms / 1e3)
        });
    });
    group.bench_function("host overhead a token (host_overhead@1)", |bencher| {
        bencher.iter_custom(|iterations| {
            let total_us: f64 =
                (0..iterations).map(|_| metric_value(Metric::HostOverhead, STEPS_OF_OVERHEAD)).sum();
            Duration::from_secs_f64(total_us / 1e6)
        });
    });
    group.finish();
}

/// The mean step at a depth of the KV cache, after a prefill that is not timed.
fn at_depth(criterion: &mut Criterion) {
    let mut shipped = Shipped::load();
    let tokens = shipped.goldens[0].prompt_token_ids.clone();
    let mut group = criterion.benchmark_group("decode step at a KV depth");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for depth in DEPTHS {
        let prompt: Vec<TokenId> = tokens.iter().copied().cycle().take(depth).collect();
        // No golden has such a prompt: its tokens must be the same every time.
        let (expected, _) = steps_after(&mut shipped, &prompt);
        group.bench_function(BenchmarkId::from_parameter(depth), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut total = Duration::ZERO;
                for _ in 0..iterations {
                    let (answer, time) = steps_after(&mut shipped, &prompt);
                    assert_eq!(answer, expected, "a speed needs the right tokens");
                    total += time / u32::try_from(STEPS_AT_A_DEPTH).unwrap();
                }
                total
            });
        });
    }
    group.finish();
}

/// Steps that follow a prompt, and how long they took together.
fn steps_after(shipped: &mut Shipped, prompt: &[TokenId]) -> (Vec<TokenId>, Duration) {
    shipped.engine.reset().unwrap();
    shipped.engine.stage_prompt(prompt, STEPS_AT_A_DEPTH + 1).unwrap();
    shipped.engine.infer().unwrap();
    let mut token = greedy(shipped.engine.last_logits().unwrap()).unwrap();
    let mut answer = vec![token];
    let start = Instant::now();
    for _ in 0..STEPS_AT_A_DEPTH {
        shipped.engine.stage_token(token).unwrap();
        shipped.engine.infer().unwrap();
        token = greedy(shipped.engine.last_logits().unwrap()).unwrap();
        answer.push(token);
    }
    (answer, start.elapsed())
}

/// The greedy choice over a row of GPT-OSS's size, in cache and out of it.
fn argmax(criterion: &mut Criterion) {
    let row: Vec<f32> = (0..VOCABULARY).map(|index| (index as f32 * 0.618).fract()).collect();
    let mut group = criterion.benchmark_group("argmax over 201,088 logits");
    group.throughput(Throughput::Elements(VOCABULARY as u64));
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group.bench_function("hot", |bencher| bencher.iter(|| greedy(black_box(&row)).unwrap()));
    let mut evicting = vec![0_u8; EVICTING_BYTES];
    group.sample_size(10);
    group.bench_function("cold", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut total = Duration::ZERO;
            for iteration in 0..iterations {
                evicting.fill(u8::try_from(iteration % 251).unwrap_or_default());
                black_box(&evicting);
                let start = Instant::now();
                black_box(greedy(black_box(&row)).unwrap());
                total += start.elapsed();
            }
            total
        });
    });
    group.finish();
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[expect(clippy::print_stderr, reason = "a bench talks")]
fn report(line: &str) {
    eprintln!("{line}");
}

criterion_group!(benches, against_the_bare_loop, decode, at_depth, argmax);
criterion_main!(benches);
