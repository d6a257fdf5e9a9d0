//! KV transforms on the shipped model: what they leave of the output, of the cache, and of the time.

use arcgauge::engine::openvino::OpenVinoEngine;
use arcgauge::engine::transform::{CacheLayout, TransformSpec, TransformedEngine};
use arcgauge::engine::{CachedTokens, Engine, ModelFolder, Path, replay};
use arcgauge::workload::TokenId;

use crate::checkout::shipped_model;
use crate::this_machine::{engine, tokenizer};

const PROMPT: &str =
    "Write a Python function that computes Fibonacci numbers with memoization and explain how it works.";

fn layout() -> CacheLayout {
    CacheLayout::of(&ModelFolder::open(&shipped_model()).unwrap()).unwrap()
}

fn transformed(name: &str) -> TransformedEngine<OpenVinoEngine> {
    TransformedEngine::new(engine(), &name.parse::<TransformSpec>().unwrap(), layout()).unwrap()
}

fn greedy_tokens(engine: &mut dyn Engine, prompt: &[TokenId], steps: usize) -> Vec<TokenId> {
    replay(engine, prompt, Path::Greedy(steps)).unwrap().iter().map(|choice| choice.token).collect()
}

#[test]
fn transforms_leave_the_recited_answer_and_the_positions_as_they_are() {
    const STEPS: usize = 200;
    let prompt = tokenizer().encode(PROMPT).unwrap();
    let expected = greedy_tokens(&mut engine(), &prompt, STEPS);
    for (name, events, rows) in [
        ("none", 0, prompt.len() + STEPS - 1),
        ("copy", STEPS, prompt.len() + STEPS - 1),
        ("turboquant:k6v4,rotation=hadamard", 6, prompt.len() + STEPS - 1),
        ("absmax:int8,window=64", 4, prompt.len() + STEPS - 1),
        ("streaming-llm:128", 2, 158),
    ] {
        let mut engine = transformed(name);
        let found = greedy_tokens(&mut engine, &prompt, STEPS);
        assert_eq!(found, expected, "{name}");
        assert_eq!((engine.events().len(), engine.rows()), (events, rows), "{name}");
        assert_eq!(engine.cached_tokens().unwrap(), CachedTokens::Observed(prompt.len() + STEPS - 1));
        assert_eq!(engine.engine_mut().states().unwrap()[0].shape(), [1, 8, rows, 64], "{name}");
    }
}
