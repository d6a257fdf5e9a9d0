//! `states`: the KV cache before a prompt, after it, some tokens later and after a reset, and put back.

mod trial;

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;

use crate::cli::flags::EngineFlags;
use crate::cli::loading::{find_model, load};
use crate::cli::measuring::LockFlags;
use crate::cli::root::Root;
use crate::cli::{exit_code, print};
use crate::engine::openvino::{NamedState, OpenVinoEngine};
use crate::engine::{Engine, greedy};
use crate::error::Result;
use crate::measure::{Plan, PlannedPrompt};
use crate::record::first_light::Trial;
use crate::visible::{line, one_line};

pub(super) use trial::look;

/// Flags of `states`.
#[derive(Debug, Args)]
pub(super) struct StatesArgs {
    /// What to ask
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    prompt: String,

    /// Tokens to decode before the last look
    #[arg(long, value_name = "N", default_value_t = 8)]
    tokens: usize,

    #[command(flatten)]
    engine: EngineFlags,

    #[command(flatten)]
    lock: LockFlags,
}

/// Prints a line a state: moment, name, element type, shape; then whether decoding goes on from the states
/// when they are put back.
pub(super) fn states(args: &StatesArgs) -> Result<ExitCode> {
    let model = find_model(&args.engine.model, &Root::find())?;
    let prompt = model.encode(&args.prompt)?;
    let planned = PlannedPrompt { id: "prompt".to_owned(), token_ids: prompt.clone() };
    let steps = args.tokens.max(1);
    let plan = Plan { prompts: vec![planned], processes: 1, new_tokens: args.tokens.saturating_add(steps) };
    let config = model.folder.config();
    plan.check(config.vocab_size.unwrap_or(usize::MAX), config.max_position_embeddings)?;
    let Some(_lock) = args.lock.hold("states")? else {
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    let mut engine = load(&model, &args.engine)?.engine;
    plan.check(engine.vocabulary_size(), engine.context_tokens())?;

    engine.reset()?;
    show("before", &mut engine)?;
    let mut token = trial::prefill(&mut engine, &prompt, plan.new_tokens)?;
    show(&format!("after the prompt's {} tokens", prompt.len()), &mut engine)?;
    for _ in 0..args.tokens {
        engine.stage_token(token)?;
        engine.infer()?;
        token = greedy(engine.last_logits()?)?;
    }
    show(&format!("after {} more", args.tokens), &mut engine)?;

    let states = engine.states()?;
    engine.stage_token(token)?;
    let expected = trial::follow(&mut engine, steps)?;
    engine.reset()?;
    show("after a reset", &mut engine)?;
    let empty = trial::restored(&mut engine, &states, token, &expected);
    trial::prefill(&mut engine, &prompt, plan.new_tokens)?;
    let filled = trial::restored(&mut engine, &states, token, &expected);
    print(&format!(
        "# put back into the empty cache: {}\n# put back over a filled cache: {}\n",
        line(&said(&empty)),
        line(&said(&filled))
    ))?;
    let wrong = [empty, filled].iter().any(|trial| matches!(trial, Trial::Failed(_)));
    Ok(ExitCode::from(if wrong { exit_code::WRONG_OUTPUT } else { exit_code::PASS }))
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
