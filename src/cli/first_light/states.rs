//! The KV states where the model runs: read after a prompt, seen empty after a reset, and put back.

use crate::cli::flags::EngineFlags;
use crate::cli::loading::{FoundModel, find_model};
use crate::cli::root::Root;
use crate::engine::openvino::{KvState, OpenVinoEngine};
use crate::engine::{Engine, greedy};
use crate::error::{Error, Result};
use crate::record::first_light::{StatesLook, Trial};
use crate::workload::TokenId;

/// Tokens that are decoded from the states, and again after they were put back.
const STEPS: usize = 8;

/// Loads the model and tries its states.
pub(super) fn look(flags: &EngineFlags) -> Result<StatesLook> {
    let model = find_model(&flags.model, &Root::find())?;
    let prompt = first_prompt(&model)?;
    let mut engine = model.load(flags)?.engine;
    let ran = engine.device().kind.name().to_owned();
    let first = prefill(&mut engine, &prompt)?;
    let states = match engine.states() {
        Ok(states) => states,
        Err(error) => return Ok(unread(ran, &error)),
    };
    let read = fits(&states, prompt.len());
    let before = decode(&mut engine, first)?;
    let reset = emptied(&mut engine);
    let put_back = match &reset {
        Trial::Failed(_) => Trial::NotTried("the states were not seen empty".to_owned()),
        Trial::Held(_) | Trial::NotTried(_) => restored(&mut engine, &states, first, &before),
    };
    Ok(StatesLook { ran, count: Some(states.len()), read, reset, put_back })
}

fn unread(ran: String, error: &Error) -> StatesLook {
    let not_tried = || Trial::NotTried(format!("the states cannot be read: {error}"));
    StatesLook {
        ran,
        count: None,
        read: Trial::Failed(error.to_string()),
        reset: not_tried(),
        put_back: not_tried(),
    }
}

/// The tokens of the first reference prompt.
fn first_prompt(model: &FoundModel) -> Result<Vec<TokenId>> {
    let prompt = model.prompts.prompts.first().ok_or_else(|| {
        Error::input("there is no reference prompt").hint("restore them: `git checkout -- fixtures`")
    })?;
    model.prompt_tokens(&prompt.id, &prompt.text)
}

fn prefill(engine: &mut OpenVinoEngine, prompt: &[TokenId]) -> Result<TokenId> {
    engine.reset()?;
    engine.stage_prompt(prompt, 2 * STEPS)?;
    engine.infer()?;
    greedy(engine.last_logits()?)
}

/// The tokens that follow a first one, which is not in the cache yet.
fn decode(engine: &mut OpenVinoEngine, first: TokenId) -> Result<Vec<TokenId>> {
    engine.stage_token(first)?;
    follow(engine)
}

/// The tokens that follow those that are staged.
fn follow(engine: &mut OpenVinoEngine) -> Result<Vec<TokenId>> {
    let mut tokens = Vec::new();
    loop {
        engine.infer()?;
        let token = greedy(engine.last_logits()?)?;
        tokens.push(token);
        if tokens.len() == STEPS {
            return Ok(tokens);
        }
        engine.stage_token(token)?;
    }
}

/// Whether all states have the shape that a prompt of this length gives them.
fn fits(states: &[KvState], tokens: usize) -> Trial {
    let expected = [1, 8, tokens, 64];
    let told = |shape: &[usize]| {
        let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
        format!("({})", sizes.join(", "))
    };
    match states.iter().find(|state| state.shape() != expected) {
        Some(other) => Trial::Failed(format!(
            "`{}` has the shape {}, not {}",
            other.name(),
            told(other.shape()),
            told(&expected)
        )),
        None => Trial::Held(format!(
            "{} states of shape {} in {} were read",
            states.len(),
            told(&expected),
            states.first().map_or("nothing", KvState::element_type)
        )),
    }
}

fn emptied(engine: &mut OpenVinoEngine) -> Trial {
    let held = engine.reset().and_then(|()| engine.cached_tokens());
    match held {
        Ok(Some(0)) => Trial::Held("all states hold 0 tokens after a reset".to_owned()),
        Ok(Some(tokens)) => Trial::Failed(format!("the states hold {tokens} tokens after a reset")),
        Ok(None) => Trial::NotTried("the states cannot be looked into".to_owned()),
        Err(error) => Trial::Failed(error.to_string()),
    }
}

fn restored(engine: &mut OpenVinoEngine, states: &[KvState], first: TokenId, before: &[TokenId]) -> Trial {
    // The cache was emptied, so that the token is staged as a prompt is.
    let went_on = engine
        .restore(states)
        .and_then(|()| engine.stage_prompt(&[first], STEPS))
        .and_then(|()| follow(engine));
    match went_on {
        Ok(after) if after == before => {
            Trial::Held(format!("{STEPS} tokens came out the same after the states were put back"))
        }
        Ok(after) => {
            let step = after.iter().zip(before).position(|(one, other)| one != other).unwrap_or_default();
            Trial::Failed(format!("token {} of {STEPS} is another after the states were put back", step + 1))
        }
        Err(error) => Trial::Failed(error.to_string()),
    }
}
