//! Whole generations of each reference prompt, by the definition `e2e_latency@1`: from just before the
//! prompt's inference is submitted until the last of 200 tokens is known, each compared with its golden.

mod shipped;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use arcgauge::engine::{Engine, Observer, generate};
use arcgauge::golden::Golden;
use arcgauge::workload::TokenId;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use crate::shipped::Shipped;

/// Sees the tokens, and when the first inference was submitted and the last token known.
#[derive(Default)]
struct Watch {
    tokens: Vec<TokenId>,
    submitted: Option<Instant>,
    last: Option<Instant>,
}

impl Observer for Watch {
    fn infer_starts(&mut self) {
        self.submitted.get_or_insert_with(Instant::now);
    }

    fn infer_ended(&mut self) {}

    fn token_known(&mut self, token: TokenId) -> ControlFlow<()> {
        self.last = Some(Instant::now());
        self.tokens.push(token);
        ControlFlow::Continue(())
    }
}

fn generations(criterion: &mut Criterion) {
    let mut shipped = Shipped::load();
    let goldens = shipped.goldens.clone();
    let mut group = criterion.benchmark_group("generate");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    for golden in &goldens {
        group.throughput(Throughput::Elements(golden.token_ids.len() as u64));
        group.bench_function(BenchmarkId::new("e2e_latency@1", &golden.prompt_id), |bencher| {
            bencher.iter_custom(|iterations| (0..iterations).map(|_| latency(&mut shipped, golden)).sum());
        });
    }
    group.finish();
}

fn latency(shipped: &mut Shipped, golden: &Golden) -> Duration {
    let tokens = Vec::with_capacity(golden.token_ids.len());
    let mut watch = Watch { tokens, ..Watch::default() };
    shipped.engine.reset().unwrap();
    generate(&mut shipped.engine, &golden.prompt_token_ids, golden.token_ids.len(), &mut watch).unwrap();
    assert_eq!(watch.tokens, golden.token_ids, "a speed needs the right tokens");
    watch.last.unwrap().duration_since(watch.submitted.unwrap())
}

criterion_group!(benches, generations);
criterion_main!(benches);
