//! Text to tokens and back with the shipped tokenizer: what stands outside every timed value, and
//! in the way of every streamed token.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use arcgauge::golden::GoldenSet;
use arcgauge::workload::{PromptSet, TextTokenizer};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn tokenize(criterion: &mut Criterion) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let file = fixtures.join("models/tiny-gpt-oss/tokenizer.json");
    let tokenizer = TextTokenizer::from_file(&file).unwrap();
    let prompts = PromptSet::load(&fixtures.join("prompts")).unwrap().prompts;
    let goldens = GoldenSet::load(&fixtures.join("golden/tiny-gpt-oss")).unwrap().goldens;

    let mut group = criterion.benchmark_group("tokenize");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for prompt in &prompts {
        assert_eq!(tokenizer.encode(&prompt.text).unwrap(), goldens[&prompt.id].prompt_token_ids);
        group.throughput(Throughput::Bytes(prompt.text.len() as u64));
        group.bench_function(BenchmarkId::new("encode", &prompt.id), |bencher| {
            bencher.iter(|| tokenizer.encode(black_box(&prompt.text)).unwrap());
        });
    }
    let (id, golden) = goldens.first_key_value().unwrap();
    group.throughput(Throughput::Elements(golden.token_ids.len() as u64));
    group.bench_function(BenchmarkId::new("decode at once", id), |bencher| {
        bencher.iter(|| tokenizer.decode(black_box(&golden.token_ids)).unwrap());
    });
    group.bench_function(BenchmarkId::new("decode as a stream", id), |bencher| {
        bencher.iter(|| {
            let mut stream = tokenizer.stream();
            golden.token_ids.iter().map(|token| stream.push(*token).unwrap().len()).sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, tokenize);
criterion_main!(benches);
