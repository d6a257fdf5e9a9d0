//! The KV cache: 48 states, empty before a prompt, one token longer with each, and put back as read.

use arcgauge::engine::openvino::{KvState, OpenVinoEngine};
use arcgauge::engine::{CachedTokens, Engine, greedy};
use arcgauge::workload::TokenId;

use crate::checkout::Checkout;
use crate::this_machine::{engine, tokenizer};

pub(crate) const PROMPT: &str = "Write a Python function";

/// What `states` must print: 48 states of a shape, in the order of the layers, key before value.
pub(crate) fn block(moment: &str, shape: &str) -> String {
    let state = |index: usize| {
        let (layer, kind) = (index / 2, ["key", "value"][index % 2]);
        format!("past_key_values.{layer}.{kind}present.{layer}.{kind}\tf32\t{shape}\n")
    };
    format!("# {moment}: 48 states\n{}", (0..48).map(state).collect::<String>())
}

#[track_caller]
fn states_are_shown(flags: &[&str]) {
    let tokens = tokenizer().encode(PROMPT).unwrap().len();
    let arguments = ["states", "--prompt", PROMPT, "--tokens", "3", "--device", "CPU"];
    let ended = Checkout::new().run(arguments.iter().chain(flags));
    let expected = [
        block("before", "(0, 8, 0, 64)"),
        block(&format!("after the prompt's {tokens} tokens"), &format!("(1, 8, {tokens}, 64)")),
        block("after 3 more", &format!("(1, 8, {}, 64)", tokens + 3)),
        block("after a reset", "(0, 8, 0, 64)"),
        "# put back into the empty cache: 3 tokens came out the same after the states were put back\n\
         # put back over a filled cache: 3 tokens came out the same after the states were put back\n"
            .to_owned(),
    ];
    assert_eq!(ended.exits(0).stdout, expected.concat());
}

#[test]
fn the_states_are_empty_then_as_long_as_the_prompt_then_one_token_longer_with_each() {
    states_are_shown(&[]);
}

#[test]
fn the_states_of_the_published_benchmark_s_release_are_the_same() {
    states_are_shown(&["--openvino", "2026.1.0"]);
}

/// Stages the tokens and gives the one that follows.
fn prefill(engine: &mut OpenVinoEngine, prompt: &[TokenId]) -> TokenId {
    engine.stage_prompt(prompt, 40).unwrap();
    engine.infer().unwrap();
    greedy(engine.last_logits().unwrap()).unwrap()
}

/// Goes on from a token, which is not in the cache yet.
fn decode(engine: &mut OpenVinoEngine, mut token: TokenId, steps: usize) -> Vec<TokenId> {
    let mut tokens = Vec::new();
    for _ in 0..steps {
        engine.stage_token(token).unwrap();
        engine.infer().unwrap();
        token = greedy(engine.last_logits().unwrap()).unwrap();
        tokens.push(token);
    }
    tokens
}

fn bits(states: &[KvState]) -> Vec<(String, Vec<usize>, Vec<u32>)> {
    let elements = |state: &KvState| state.elements().unwrap().iter().map(|f| f.to_bits()).collect();
    states.iter().map(|state| (state.name().to_owned(), state.shape().to_owned(), elements(state))).collect()
}

#[test]
fn every_state_is_empty_after_a_reset() {
    let mut engine = engine();
    prefill(&mut engine, &[5, 6, 7]);
    assert_eq!(engine.cached_tokens().unwrap(), CachedTokens::Observed(3));
    assert!(engine.states().unwrap().iter().all(|state| state.shape() == [1, 8, 3, 64]));
    engine.reset().unwrap();
    assert_eq!(engine.cached_tokens().unwrap(), CachedTokens::Observed(0));
    let states = engine.states().unwrap();
    assert_eq!(states.len(), 48);
    assert!(
        states.iter().all(|state| state.shape() == [0, 8, 0, 64] && state.elements().unwrap().is_empty())
    );
}

#[test]
fn a_generation_after_a_reset_is_the_first_one_again() {
    let mut engine = engine();
    let prompt = tokenizer().encode(PROMPT).unwrap();
    let mut answer = || {
        engine.reset().unwrap();
        let first = prefill(&mut engine, &prompt);
        (decode(&mut engine, first, 8), bits(&engine.states().unwrap()))
    };
    assert!(answer() == answer(), "tokens and states are the same to the last bit");
}

#[test]
fn decoding_goes_on_from_states_that_were_put_back_with_the_same_tokens() {
    let mut engine = engine();
    let first = prefill(&mut engine, &tokenizer().encode(PROMPT).unwrap());
    let token = *decode(&mut engine, first, 5).last().unwrap();
    let kept = engine.states().unwrap();
    let went_on = decode(&mut engine, token, 10);

    engine.restore(&kept).unwrap();
    assert!(bits(&engine.states().unwrap()) == bits(&kept), "what is read back is what was put");
    assert_eq!(decode(&mut engine, token, 10), went_on);
}

#[test]
fn states_of_another_prompt_change_how_it_goes_on() {
    let mut engine = engine();
    let prompt = |text: &str| tokenizer().encode(text).unwrap();
    let fibonacci = prompt("Write a Python function that computes Fibonacci numbers with memoization");
    let moe = prompt("Explain the key differences between MoE and dense transformers.");
    let mut after = |prompt: &[TokenId]| {
        engine.reset().unwrap();
        prefill(&mut engine, prompt);
        let kept = engine.states().unwrap();
        (kept, decode(&mut engine, 20, 10))
    };
    let (of_fibonacci, fibonacci_goes_on) = after(&fibonacci);
    let (_, moe_goes_on) = after(&moe);
    assert_ne!(fibonacci_goes_on, moe_goes_on);

    engine.restore(&of_fibonacci).unwrap();
    assert_eq!(engine.cached_tokens().unwrap(), CachedTokens::Observed(fibonacci.len()));
    assert_eq!(decode(&mut engine, 20, 10), fibonacci_goes_on);
}

#[test]
fn states_that_were_put_into_a_new_engine_go_on_there() {
    let mut one = engine();
    let first = prefill(&mut one, &tokenizer().encode(PROMPT).unwrap());
    let kept = one.states().unwrap();
    let went_on = decode(&mut one, first, 6);
    drop(one);

    let mut other = engine();
    other.restore(&kept).unwrap();
    let next = prefill(&mut other, &[first]);
    assert_eq!([vec![next], decode(&mut other, next, 5)].concat(), went_on);
}

#[test]
fn states_of_unlike_lengths_are_not_put_back() {
    let mut engine = engine();
    prefill(&mut engine, &[5, 6, 7]);
    let mut mixed = engine.states().unwrap();
    decode(&mut engine, 8, 1);
    mixed.truncate(47);
    mixed.extend(engine.states().unwrap().pop());
    let error = engine.restore(&mixed).unwrap_err();
    assert!(
        error.to_string().contains("holds 4 tokens where `past_key_values.0.keypresent.0.key` holds 3"),
        "{error}"
    );
}

#[test]
fn a_part_of_the_states_is_not_put_back() {
    let mut engine = engine();
    prefill(&mut engine, &[5, 6, 7]);
    let mut part = engine.states().unwrap();
    part.pop();
    let error = engine.restore(&part).unwrap_err();
    assert!(error.to_string().contains("is not among those"), "{error}");
}
