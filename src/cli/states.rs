//! `states`: the KV cache before a prompt, after it, and some tokens later.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;

use crate::cli::flags::EngineFlags;
use crate::cli::loading::find_model;
use crate::cli::root::Root;
use crate::cli::{exit_code, print};
use crate::engine::openvino::{KvState, OpenVinoEngine};
use crate::engine::{Engine, greedy};
use crate::error::Result;
use crate::measure::{Plan, PlannedPrompt};

/// Flags of `states`.
#[derive(Debug, Args)]
pub(super) struct StatesArgs {
    /// What to ask
    #[arg(long, value_name = "TEXT")]
    prompt: String,

    /// Tokens to decode before the last look
    #[arg(long, value_name = "N", default_value_t = 8)]
    tokens: usize,

    #[command(flatten)]
    engine: EngineFlags,
}

/// Prints a line a state: moment, name, element type, shape.
pub(super) fn states(args: &StatesArgs) -> Result<ExitCode> {
    let model = find_model(&args.engine.model, &Root::find())?;
    let prompt = model.encode(&args.prompt)?;
    let planned = PlannedPrompt { id: "prompt".to_owned(), token_ids: prompt.clone() };
    let plan = Plan { prompts: vec![planned], processes: 1, new_tokens: args.tokens.max(1) };
    let config = model.folder.config();
    plan.check(config.vocab_size.unwrap_or(usize::MAX), config.max_position_embeddings)?;
    let mut engine = model.load(&args.engine)?.engine;
    plan.check(engine.vocabulary_size(), engine.context_tokens())?;

    engine.reset()?;
    show("before", &mut engine)?;
    engine.stage_prompt(&prompt, args.tokens)?;
    engine.infer()?;
    show(&format!("after the prompt's {} tokens", prompt.len()), &mut engine)?;
    for _ in 0..args.tokens {
        let token = greedy(engine.last_logits()?)?;
        engine.stage_token(token)?;
        engine.infer()?;
    }
    show(&format!("after {} more", args.tokens), &mut engine)?;
    Ok(ExitCode::from(exit_code::PASS))
}

fn show(moment: &str, engine: &mut OpenVinoEngine) -> Result<()> {
    let states = engine.states()?;
    let mut text = format!("# {moment}: {} states\n", states.len());
    for state in &states {
        let _ = writeln!(text, "{}\t{}\t{}", state.name(), state.element_type(), shape(state));
    }
    print(&text);
    Ok(())
}

fn shape(state: &KvState) -> String {
    let dimensions: Vec<String> = state.shape().iter().map(ToString::to_string).collect();
    format!("({})", dimensions.join(", "))
}
