//! `states`: the KV cache before a prompt, after it, some tokens later and after a reset, and put back.

use std::fmt::Write;

use clap::Args;

use crate::cli::flags::EngineFlags;
use crate::cli::loading::{find_model, load};
use crate::cli::measuring::LockFlags;
use crate::cli::root::Root;
use crate::cli::{exit_code, print};
use crate::engine::openvino::{KvState, NamedState, OpenVinoEngine};
use crate::engine::{Engine, greedy};
use crate::error::{Error, ErrorKind, Result};
use crate::measure::{Plan, RequestedPrompt};
use crate::record::first_light::{StatesLook, Trial};
use crate::run::FoundModel;
use crate::visible::{line, one_line};
use crate::workload::TokenId;

#[derive(Debug, Args)]
pub(super) struct StatesArgs {
    /// Text of the prompt
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    prompt: String,

    /// Tokens to decode before the states are read last
    #[arg(long, value_name = "N", default_value_t = 8)]
    tokens: usize,

    #[command(flatten)]
    engine: EngineFlags,

    #[command(flatten)]
    lock: LockFlags,
}

/// Prints a line a state: moment, name, element type, shape; then whether decoding goes on from the states
/// when they are put back.
pub(super) fn states(args: &StatesArgs) -> Result<u8> {
    let model = find_model(&args.engine.model, args.engine.openvino.as_ref(), &Root::find())?;
    let prompt = model.encode(&args.prompt)?;
    let planned = RequestedPrompt::new("prompt", prompt.clone());
    let steps = args.tokens.max(1);
    let plan = Plan { prompts: vec![planned], processes: 1, new_tokens: args.tokens.saturating_add(steps) };
    let config = model.folder.config();
    plan.check(config.vocab_size.unwrap_or(usize::MAX), config.max_position_embeddings)?;
    let Some(_lock) = args.lock.hold("states")? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let mut engine = load(&model, &args.engine)?.engine;
    plan.check(engine.vocabulary_size(), engine.context_tokens())?;

    engine.reset()?;
    show("before", &mut engine)?;
    let mut token = prefill(&mut engine, &prompt, plan.new_tokens)?;
    show(&format!("after the prompt's {} tokens", prompt.len()), &mut engine)?;
    for _ in 0..args.tokens {
        engine.stage_token(token)?;
        engine.infer()?;
        token = greedy(engine.last_logits()?)?;
    }
    show(&format!("after {} more", args.tokens), &mut engine)?;

    let states = engine.states()?;
    engine.stage_token(token)?;
    let expected = follow(&mut engine, steps)?;
    engine.reset()?;
    show("after a reset", &mut engine)?;
    let empty = restored(&mut engine, &states, token, &expected);
    prefill(&mut engine, &prompt, plan.new_tokens)?;
    let filled = restored(&mut engine, &states, token, &expected);
    print(&format!(
        "# put back into the empty cache: {}\n# put back over a filled cache: {}\n",
        line(&said(&empty)),
        line(&said(&filled))
    ))?;
    let wrong = [empty, filled].iter().any(|trial| matches!(trial, Trial::Failed(_)));
    Ok(if wrong { exit_code::WRONG_OUTPUT } else { exit_code::PASS })
}

fn said(trial: &Trial) -> String {
    match trial {
        Trial::Held(what) | Trial::Failed(what) => what.clone(),
        Trial::NotTried(reason) => format!("refused: {reason}"),
    }
}

fn show(moment: &str, engine: &mut OpenVinoEngine) -> Result<()> {
    let states = engine.named_states()?;
    let mut text = format!("# {moment}: {} states\n", states.len());
    for NamedState { name, state } in &states {
        let name = one_line(name);
        let _ = match state {
            Ok(state) => writeln!(text, "{name}\t{}\t{}", state.element_type(), shape(state.shape())),
            // Of a plugin that makes a state at its first inference.
            Err(reason) if engine.held_tokens() == 0 => {
                writeln!(text, "{name}\t-\tnot there yet: {}", line(reason))
            }
            Err(reason) => writeln!(text, "{name}\t-\tcannot be read: {}", line(reason)),
        };
    }
    print(&text)
}

fn shape(sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    format!("({})", sizes.join(", "))
}

/// Tokens that are decoded from the states, and again after they were put back.
const STEPS: usize = 8;

/// Loads the model and tries its states.
pub(in crate::cli) fn look(flags: &EngineFlags) -> Result<StatesLook> {
    let model = find_model(&flags.model, flags.openvino.as_ref(), &Root::find())?;
    let prompt = first_prompt(&model)?;
    let mut engine = load(&model, flags)?.engine;
    let ran = engine.device().kind.name().to_owned();
    let first = prefill(&mut engine, &prompt, 2 * STEPS)?;
    let states = match engine.states() {
        Ok(states) => states,
        Err(error) => return Ok(unread(ran, &error)),
    };
    let read = fits(&states, prompt.len());
    engine.stage_token(first)?;
    let expected = follow(&mut engine, STEPS)?;
    let reset = emptied(&mut engine);
    let put_back = match &reset {
        Trial::Failed(_) => Trial::NotTried("the states were not observed to be empty".to_owned()),
        Trial::Held(_) | Trial::NotTried(_) => {
            // A GPU takes states only over a cache that an inference has filled.
            prefill(&mut engine, &prompt, 2 * STEPS)?;
            restored(&mut engine, &states, first, &expected)
        }
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

/// Empties the cache and fills it with a prompt; gives the token that follows, which is not in it yet.
fn prefill(engine: &mut OpenVinoEngine, prompt: &[TokenId], new_tokens: usize) -> Result<TokenId> {
    engine.reset()?;
    engine.stage_prompt(prompt, new_tokens)?;
    engine.infer()?;
    greedy(engine.last_logits()?)
}

/// The tokens that follow those that are staged.
fn follow(engine: &mut OpenVinoEngine, steps: usize) -> Result<Vec<TokenId>> {
    let mut tokens = Vec::new();
    loop {
        engine.infer()?;
        let token = greedy(engine.last_logits()?)?;
        tokens.push(token);
        if tokens.len() == steps {
            return Ok(tokens);
        }
        engine.stage_token(token)?;
    }
}

/// Whether all states have the shape that a prompt of this length gives them.
fn fits(states: &[KvState], tokens: usize) -> Trial {
    let expected = [1, 8, tokens, 64];
    match states.iter().find(|state| state.shape() != expected) {
        Some(other) => Trial::Failed(format!(
            "`{}` has the shape {}, not {}",
            other.name(),
            shape(other.shape()),
            shape(&expected)
        )),
        None => Trial::Held(format!(
            "{} states of shape {} in {} were read",
            states.len(),
            shape(&expected),
            states.first().map_or("nothing", KvState::element_type)
        )),
    }
}

fn emptied(engine: &mut OpenVinoEngine) -> Trial {
    let states = match engine.reset().and_then(|()| engine.named_states()) {
        Ok(states) => states,
        Err(error) => return Trial::Failed(error.to_string()),
    };
    let readable: Vec<&KvState> = states.iter().filter_map(|named| named.state.as_ref().ok()).collect();
    match readable.iter().find(|state| state.tokens() > 0) {
        Some(state) => {
            Trial::Failed(format!("`{}` holds {} tokens after a reset", state.name(), state.tokens()))
        }
        None if readable.len() == states.len() => {
            Trial::Held("all states hold 0 tokens after a reset".to_owned())
        }
        None => Trial::Held(format!(
            "{} of {} states hold 0 tokens after a reset; the others are not there before the next inference",
            readable.len(),
            states.len()
        )),
    }
}

/// Puts the states back and decodes from `first`, which is not in them.
fn restored(engine: &mut OpenVinoEngine, states: &[KvState], first: TokenId, expected: &[TokenId]) -> Trial {
    if let Err(error) = engine.restore(states) {
        return match error.kind() {
            ErrorKind::Input => Trial::NotTried(error.to_string()),
            _ => Trial::Failed(error.to_string()),
        };
    }
    let steps = expected.len();
    // What was staged before is no part of the cache that was put back: the token is staged as a prompt.
    let after = engine.stage_prompt(&[first], steps).and_then(|()| follow(engine, steps));
    match after {
        Ok(after) if after == expected => {
            Trial::Held(format!("{steps} tokens came out the same after the states were put back"))
        }
        Ok(after) => {
            let step = after.iter().zip(expected).position(|(one, other)| one != other).unwrap_or_default();
            Trial::Failed(format!("token {} of {steps} differs after the states were put back", step + 1))
        }
        Err(error) => Trial::Failed(error.to_string()),
    }
}
