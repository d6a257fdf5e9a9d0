//! Time to the first token, by the definition `ttft@1`: from just before the prompt's inference is
//! submitted until its greedy token is known. Emptying the cache and writing the inputs come before.

mod shipped;

use std::time::{Duration, Instant};

use arcgauge::engine::{Engine, greedy};
use arcgauge::workload::TokenId;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use crate::shipped::Shipped;

/// Lengths beside those of the reference prompts.
const LENGTHS: [usize; 5] = [32, 64, 128, 256, 512];

fn prefill(criterion: &mut Criterion) {
    let mut shipped = Shipped::load();
    let goldens = shipped.goldens.clone();
    let mut group = criterion.benchmark_group("prefill");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    let mut prompts: Vec<(String, Vec<TokenId>)> =
        goldens.iter().map(|golden| (golden.prompt_id.clone(), golden.prompt_token_ids.clone())).collect();
    for length in LENGTHS {
        let repeated = goldens[0].prompt_token_ids.iter().copied().cycle().take(length).collect();
        prompts.push((format!("{length} tokens"), repeated));
    }
    for (index, (name, prompt)) in prompts.into_iter().enumerate() {
        // A prompt without a golden must give the same token every time.
        let expected = match goldens.get(index) {
            Some(golden) => golden.token_ids[0],
            None => first_token(&mut shipped, &prompt).0,
        };
        group.throughput(Throughput::Elements(prompt.len() as u64));
        group.bench_function(BenchmarkId::new("ttft@1", name), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut total = Duration::ZERO;
                for _ in 0..iterations {
                    let (token, time) = first_token(&mut shipped, &prompt);
                    assert_eq!(token, expected, "a speed needs the right token");
                    total += time;
                }
                total
            });
        });
    }
    group.finish();
}

fn first_token(shipped: &mut Shipped, prompt: &[TokenId]) -> (TokenId, Duration) {
    shipped.engine.reset().unwrap();
    shipped.engine.stage_prompt(prompt, 1).unwrap();
    let submitted = Instant::now();
    shipped.engine.infer().unwrap();
    let token = greedy(shipped.engine.last_logits().unwrap()).unwrap();
    (token, submitted.elapsed())
}

criterion_group!(benches, prefill);
criterion_main!(benches);
