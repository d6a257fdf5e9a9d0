//! KV transforms on the shipped model: what they leave of the output, of the cache, and of the time.

use arcgauge::engine::openvino::{Graph, OpenVinoEngine, Property, calibrate};
use arcgauge::engine::transform::{CacheLayout, Calibration, TransformSpec, TransformedEngine};
use arcgauge::engine::{
    CachedTokens, Engine, ModelFolder, Path, StepComparison, capture_logits, compare_logits, replay,
};
use arcgauge::workload::TokenId;

use crate::checkout::shipped_model;
use crate::this_machine::{engine, engine_with, tokenizer};

const PROMPT: &str =
    "Write a Python function that computes Fibonacci numbers with memoization and explain how it works.";

fn folder() -> ModelFolder {
    ModelFolder::open(&shipped_model()).unwrap()
}

fn layout() -> CacheLayout {
    CacheLayout { model_sha256: Some("the shipped one".to_owned()), ..CacheLayout::of(&folder()).unwrap() }
}

fn transformed(name: &str) -> TransformedEngine<OpenVinoEngine> {
    let spec: TransformSpec = name.parse().unwrap();
    let graph = Graph::read(&folder()).unwrap().for_transform(&spec, &folder()).unwrap();
    TransformedEngine::new(engine_with(&folder(), &graph, &[]), &spec, layout()).unwrap()
}

fn prompt() -> Vec<TokenId> {
    tokenizer().encode(PROMPT).unwrap()
}

fn greedy_tokens(engine: &mut dyn Engine, steps: usize) -> Vec<TokenId> {
    let choices = replay(engine, &prompt(), Path::Greedy(steps)).unwrap();
    choices.iter().map(|choice| choice.token).collect()
}

/// What an arm makes of a path, compared with an arm that walked it before.
fn compared(reference: &mut dyn Engine, arms: &[&str], forced: &[TokenId]) -> Vec<Vec<StepComparison>> {
    let mut stored = Vec::new();
    capture_logits(reference, &prompt(), forced, &mut stored).unwrap();
    let compare =
        |arm: &&str| compare_logits(&mut transformed(arm), &prompt(), forced, &mut &stored[..]).unwrap();
    arms.iter().map(compare).collect()
}

fn mean_kl(steps: &[StepComparison]) -> f64 {
    steps.iter().map(|step| step.kl).sum::<f64>() / steps.len() as f64
}

#[test]
fn transforms_leave_the_recited_answer_and_the_positions_as_they_are() {
    let expected = greedy_tokens(&mut engine(), 170);
    for (name, steps, events, rows) in [
        ("none", 30, 0, 52),
        ("copy", 30, 30, 52),
        ("turboquant:k6v4,rotation=hadamard", 60, 2, 82),
        ("absmax:int8,window=16", 60, 2, 82),
        ("kivi:k4v4,block=64", 60, 1, 82),
        ("streaming-llm:128", 170, 2, 128),
    ] {
        let mut engine = transformed(name);
        assert_eq!(greedy_tokens(&mut engine, steps), expected[..steps], "{name}");
        assert_eq!((engine.events().len(), engine.rows()), (events, rows), "{name}");
        assert_eq!(engine.cached_tokens().unwrap(), CachedTokens::Observed(prompt().len() + steps - 1));
        assert_eq!(engine.engine_mut().states().unwrap()[0].shape(), [1, 8, rows, 64], "{name}");
    }
}

#[test]
#[ignore = "heavy: loads the model nine times"]
fn a_quantiser_in_the_graph_does_what_the_one_between_steps_does() {
    const ARM: &str = "turboquant:k6v4,rotation=hadamard,block=1";
    const IN_GRAPH: &str = "turboquant:k6v4,rotation=hadamard,in-graph";
    let forced = greedy_tokens(&mut engine(), 40);
    let both = compared(&mut engine(), &[ARM, IN_GRAPH], &forced);
    let [between, in_graph] = &both[..] else { panic!() };
    assert!(both.iter().flatten().all(StepComparison::same_token));
    let (a, b) = (mean_kl(between), mean_kl(in_graph));
    assert!(a > 0.0 && b > 0.0 && (a - b).abs() < 2e-5, "{a:e} between steps, {b:e} in the graph");
    let one_by_other = mean_kl(&compared(&mut transformed(ARM), &[IN_GRAPH], &forced)[0]);
    assert!(one_by_other < 2e-5, "{one_by_other:e}");
    first_rows_are_the_same(ARM, IN_GRAPH);
}

#[test]
fn norm_correction_in_the_graph_is_that_between_steps() {
    first_rows_are_the_same(
        "turboquant:k2v3,norm-correction,block=1",
        "turboquant:k2v3,norm-correction,in-graph",
    );
}

/// Layer 0 is before any attention: there both arms must leave the same rows.
#[track_caller]
fn first_rows_are_the_same(between: &str, in_graph: &str) {
    let [mut between, mut in_graph] = [between, in_graph].map(transformed);
    for engine in [&mut between, &mut in_graph] {
        greedy_tokens(engine, 2);
    }
    assert_eq!((between.events().len(), in_graph.events().len()), (2, 0));
    let states = [between.engine_mut().states().unwrap(), in_graph.engine_mut().states().unwrap()];
    for (one, other) in states[0].iter().zip(&states[1]).take(2) {
        let [a, b] = [one, other].map(|state| state.elements().unwrap());
        let far = a.iter().zip(b).filter(|(a, b)| (*a - *b).abs() > 1e-3 * a.abs().max(0.1)).count();
        // A coordinate between two centroids may round to either.
        assert!(far * 200 < a.len(), "{}: {far} of {} differ", one.name(), a.len());
    }
}

#[test]
fn rows_are_chosen_by_queries_of_the_model_and_by_its_calibration() {
    let graph = Graph::read(&folder()).unwrap().with_queries(&folder()).unwrap();
    let mut observed = engine_with(&folder(), &graph, &[]);
    let expected = greedy_tokens(&mut observed, 170);
    let text: Vec<TokenId> = prompt().into_iter().chain(expected.iter().copied()).collect();
    let mut calibration = Calibration::begin(&layout()).unwrap();
    calibrate(&mut observed, &layout(), &mut calibration, &text).unwrap();
    assert_eq!(calibration.tokens, text.len() as u64);
    for layer in &calibration.layers {
        for ((re, im), length) in layer.mean_re.iter().zip(&layer.mean_im).zip(&layer.mean_length) {
            assert!(re.hypot(*im) <= length * (1.0 + 1e-9) && *length > 0.0);
        }
    }
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("calibration.json");
    std::fs::write(&file, serde_json::to_string(&calibration).unwrap()).unwrap();

    let calibrated = format!("triattention:128,period=16,calibration={}", file.display());
    let arms = ["snapkv:128,period=16", &calibrated, "random:128,period=16"];
    let steps = compared(&mut engine(), &arms, &expected);
    for (arm, steps) in arms.iter().zip(&steps) {
        let kept = steps.iter().filter(|step| step.same_token()).count();
        assert!(kept > 160 && mean_kl(steps) > 0.0, "{arm}: {kept}");
    }
}

/// One query head's attention over the rows from `first`, in f64, as the paper of the sinks has it.
fn attention(query: &[f32], keys: &[f32], values: &[f32], first: usize, sink: f32) -> Vec<f64> {
    let dot = |key: &[f32]| query.iter().zip(key).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let weights: Vec<f64> = keys.chunks_exact(64).skip(first).map(|key| (dot(key) / 8.0).exp()).collect();
    let total = weights.iter().sum::<f64>() + f64::from(sink).exp();
    let mut mixed = vec![0.0; 64];
    for (weight, value) in weights.iter().zip(values.chunks_exact(64).skip(first)) {
        mixed.iter_mut().zip(value).for_each(|(sum, it)| *sum += weight / total * f64::from(*it));
    }
    mixed
}

#[test]
fn attention_over_rows_that_were_chosen_is_what_the_formula_gives_for_those_rows() {
    let exact = ["KV_CACHE_PRECISION", "INFERENCE_PRECISION_HINT"].map(|key| Property::new(key, "f32"));
    let graph = Graph::read(&folder()).unwrap().with_attention(&folder()).unwrap();
    let engine = engine_with(&folder(), &graph, &exact);
    let spec = "random:140,period=8,recent=4".parse().unwrap();
    let mut engine = TransformedEngine::new(engine, &spec, layout()).unwrap();
    greedy_tokens(&mut engine, 130);
    // 152 were fed; 140 stayed of 148, and 4 came after.
    assert_eq!((engine.events().len(), engine.rows()), (1, 144));
    let states = engine.engine_mut().states().unwrap();
    let mut furthest = 0.0_f64;
    for layer in [0, 1, 12, 23] {
        let look = engine.engine().attention(layer).unwrap();
        let (keys, values) =
            (states[2 * layer].elements().unwrap(), states[2 * layer + 1].elements().unwrap());
        // A sliding layer sees the newest 128 rows.
        let first = if layer % 2 == 0 { 144 - 128 } else { 0 };
        for head in 0..16 {
            let rows = head / 2 * 144 * 64..(head / 2 + 1) * 144 * 64;
            let of_head = head * 64..(head + 1) * 64;
            let query = &look.queries[of_head.clone()];
            let expected = attention(query, &keys[rows.clone()], &values[rows], first, look.sinks[head]);
            for (found, expected) in look.output[of_head].iter().zip(expected) {
                furthest = furthest.max((f64::from(*found) - expected).abs());
            }
        }
    }
    assert!(furthest < 1e-5, "{furthest:e}");
}

#[test]
fn states_are_timed_at_the_rows_that_the_cache_holds() {
    let mut engine = engine();
    engine.stage_prompt(&prompt(), 1).unwrap();
    engine.infer().unwrap();
    let cost = engine.time_state_access(&layout()).unwrap();
    assert_eq!((cost.rows, cost.rows_left), (23, 23));
    assert!(cost.read_ns > 0 && cost.write_ns > 0);
}

#[test]
fn a_cache_of_four_bits_is_refused_before_anything_is_written_and_one_of_eight_works() {
    let graph = Graph::read(&folder()).unwrap();
    let precision = |bits: &str| [Property::new("KV_CACHE_PRECISION", bits)];
    let run = |bits: &str| {
        let engine = engine_with(&folder(), &graph, &precision(bits));
        let mut engine = TransformedEngine::new(engine, &"copy".parse().unwrap(), layout()).unwrap();
        replay(&mut engine, &prompt(), Path::Greedy(8))
    };
    let error = run("u4").unwrap_err();
    assert!(error.to_string().contains("a cache of `u4`"), "{error}");
    let tokens: Vec<TokenId> = run("u8").unwrap().iter().map(|choice| choice.token).collect();
    assert_eq!(tokens, greedy_tokens(&mut engine(), 8));
}
