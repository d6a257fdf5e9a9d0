//! `infer`: one answer, streamed as text, or whole as JSON.

use std::num::ParseIntError;
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::flags::EngineFlags;
use crate::cli::loading::{FoundModel, find_model};
use crate::cli::measuring::LockFlags;
use crate::cli::root::Root;
use crate::cli::{exit_code, load_warnings, print, say};
use crate::engine::{Engine, Path, witness};
use crate::error::{Error, Result};
use crate::measure::{
    KnownToken, MemoryMeter, Metric, MonotonicClock, NoMemory, Plan, PlannedPrompt, Role, Sample, TokenSink,
    record_generation,
};
use crate::workload::{TextStream, TextTokenizer, TokenId};

/// Flags of `infer`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(super) struct InferArgs {
    /// What to ask, as text; no chat template is put around it, but the tokenizer's own special tokens are
    #[arg(long, value_name = "TEXT", group = "what", allow_hyphen_values = true)]
    prompt: Option<String>,

    /// What to ask, as token ids
    #[arg(long, value_name = "ID,ID,...", value_delimiter = ',', group = "what", value_parser = token_id)]
    token_ids: Option<Vec<TokenId>>,

    /// Tokens of the answer, exactly: end-of-sequence is a token like any other
    #[arg(long, value_name = "N", default_value_t = 200)]
    max_new_tokens: usize,

    /// `json` has the tokens with runner-up and gap at each step, and no speed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    engine: EngineFlags,

    #[command(flatten)]
    lock: LockFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Answers one prompt.
pub(super) fn infer(args: &InferArgs) -> Result<ExitCode> {
    let model = find_model(&args.engine.model, &Root::find())?;
    let prompt = match (&args.prompt, &args.token_ids) {
        (_, Some(ids)) => ids.clone(),
        (Some(text), None) => model.encode(text)?,
        (None, None) => return Err(Error::input("there is no prompt")),
    };
    let planned = PlannedPrompt { id: "prompt".to_owned(), token_ids: prompt.clone() };
    let plan = Plan { prompts: vec![planned], processes: 1, new_tokens: args.max_new_tokens };
    let config = model.folder.config();
    plan.check(config.vocab_size.unwrap_or(usize::MAX), config.max_position_embeddings)?;
    if args.prompt.is_some() {
        load_warnings::tell(model.tokenizer_warning().as_slice());
        if let Some(line) = model.template_line() {
            say(&format!("tokenizer: {line}"));
        }
    }
    // Before minutes of loading: what cannot be shown need not be made.
    if args.format == Format::Text {
        model.tokenizer()?;
    }
    let Some(_lock) = args.lock.hold("infer")? else {
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    let mut engine = model.load(&args.engine)?.engine;
    plan.check(engine.vocabulary_size(), engine.context_tokens())?;
    match args.format {
        Format::Json => as_json(&mut engine, &model, &prompt, args.max_new_tokens)?,
        Format::Text => as_text(&mut engine, &model, &prompt, args.max_new_tokens)?,
    }
    Ok(ExitCode::from(exit_code::PASS))
}

/// An id between commas, with or without spaces around it.
fn token_id(text: &str) -> Result<TokenId, ParseIntError> {
    text.trim().parse()
}

fn as_json(engine: &mut dyn Engine, model: &FoundModel, prompt: &[TokenId], new_tokens: usize) -> Result<()> {
    let choices = witness(engine, prompt, Path::Greedy(new_tokens))?;
    let value = json!({
        "prompt_token_ids": prompt,
        "template_tokens": model.tokenizer.as_ref().map(TextTokenizer::template_tokens),
        "token_ids": choices.iter().map(|choice| choice.token).collect::<Vec<_>>(),
        "runner_up_ids": choices.iter().map(|choice| choice.runner_up).collect::<Vec<_>>(),
        "top_gaps": choices.iter().map(|choice| choice.gap).collect::<Vec<_>>(),
    });
    print(&format!("{value}\n"));
    Ok(())
}

fn as_text(engine: &mut dyn Engine, model: &FoundModel, prompt: &[TokenId], new_tokens: usize) -> Result<()> {
    engine.reset()?;
    let mut teller = Teller { stream: model.tokenizer()?.stream(), tokens: Vec::new(), failed: None };
    let generated = record_generation(engine, prompt, new_tokens, &MonotonicClock, &mut teller)?;
    print("\n");
    if let Some(error) = teller.failed.take() {
        return Err(error);
    }
    let sample = teller.into_sample(prompt.len(), generated.submitted_ns);
    let figure = |metric: Metric| {
        metric.of(&sample).map_or("-".to_owned(), |f| format!("{:.2} {}", f.value, metric.unit()))
    };
    say(&format!(
        "{} prompt tokens, {} new; first token {}, {} a token after it, {} in all (unverified: no golden was checked, and writing the text is in the times)",
        prompt.len(),
        sample.token_ids.len(),
        figure(Metric::TimeToFirstToken),
        figure(Metric::TimePerOutputToken),
        figure(Metric::EndToEndThroughput),
    ));
    Ok(())
}

/// Prints the text of each token as it comes.
struct Teller<'a> {
    stream: TextStream<'a>,
    tokens: Vec<KnownToken>,
    failed: Option<Error>,
}

impl Teller<'_> {
    fn into_sample(self, prompt_tokens: usize, submitted_ns: u64) -> Sample {
        Sample {
            role: Role::Measured,
            prompt_id: "prompt".to_owned(),
            process: 0,
            prompt_tokens,
            token_ids: self.tokens.iter().map(|token| token.id).collect(),
            submitted_ns,
            token_ns: self.tokens.iter().map(|token| token.known_ns).collect(),
            infer_ns: self.tokens.iter().map(|token| token.infer_ns).collect(),
            memory: NoMemory.read(),
        }
    }
}

impl TokenSink for Teller<'_> {
    fn known(&mut self, token: KnownToken) -> ControlFlow<()> {
        self.tokens.push(token);
        match self.stream.push(token.id) {
            Ok(text) => {
                print(&text);
                ControlFlow::Continue(())
            }
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}
