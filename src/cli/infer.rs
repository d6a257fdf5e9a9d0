//! `infer`: one answer, streamed as text, or whole as JSON.

use std::num::ParseIntError;
use std::ops::ControlFlow;

use clap::Args;
use serde_json::json;

use crate::cli::flags::EngineFlags;
use crate::cli::loading::{find_model, load};
use crate::cli::measuring::LockFlags;
use crate::cli::reporting::TextOrJson;
use crate::cli::root::Root;
use crate::cli::{exit_code, print_data, print_shown, say, warn};
use crate::engine::{Engine, Path, replay};
use crate::error::{Error, Result};
use crate::golden::Repetition;
use crate::measure::{KnownToken, Metric, Plan, RequestedPrompt, Role, Sample, TokenSink, record_generation};
use crate::run::FoundModel;
use crate::sys::{MemoryReading, MonotonicClock};
use crate::visible;
use crate::workload::{TextStream, TextTokenizer, TokenId};

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(super) struct InferArgs {
    /// A reference prompt's id, or text; it gets the tokenizer's own special tokens, but no chat template
    #[arg(long, value_name = "ID|TEXT", group = "what", allow_hyphen_values = true)]
    prompt: Option<String>,

    /// The prompt as token ids
    #[arg(long, value_name = "ID,ID,...", value_delimiter = ',', group = "what", value_parser = token_id)]
    token_ids: Option<Vec<TokenId>>,

    /// Tokens of the answer, exactly: end-of-sequence is a token like any other
    #[arg(long, value_name = "N", default_value_t = 200)]
    max_new_tokens: usize,

    /// `text` shows what a terminal or a log would act upon as `\u{1b}`, `json` has the text as it is, and the
    /// tokens with runner-up and logit margin at each step, and no speed
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    format: TextOrJson,

    #[command(flatten)]
    engine: EngineFlags,

    #[command(flatten)]
    lock: LockFlags,
}

pub(super) fn infer(args: &InferArgs) -> Result<u8> {
    let model = find_model(&args.engine.model, args.engine.openvino.as_ref(), &Root::find())?;
    let prompt = match (&args.prompt, &args.token_ids) {
        (_, Some(ids)) => ids.clone(),
        (Some(named), None) => match model.prompts.get(named) {
            Some(prompt) => model.prompt_tokens(&prompt.id, &prompt.text)?,
            None => model.encode(named)?,
        },
        (None, None) => return Err(Error::input("there is no prompt")),
    };
    let planned = RequestedPrompt::new("prompt", prompt.clone());
    let plan = Plan { prompts: vec![planned], processes: 1, new_tokens: args.max_new_tokens };
    let config = model.folder.config();
    plan.check(config.vocab_size.unwrap_or(usize::MAX), config.max_position_embeddings)?;
    if args.prompt.is_some() {
        model.tokenizer_warning().iter().for_each(warn);
        if let Some(line) = model.template_line() {
            say(&format!("tokenizer: {line}"));
        }
    }
    // Before minutes of loading: what cannot be shown need not be made.
    if args.format == TextOrJson::Text {
        model.tokenizer()?;
    }
    let Some(_lock) = args.lock.hold("infer")? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let mut engine = load(&model, &args.engine)?.engine;
    plan.check(engine.vocabulary_size(), engine.context_tokens())?;
    match args.format {
        TextOrJson::Json => as_json(&mut engine, &model, &prompt, args.max_new_tokens)?,
        TextOrJson::Text => as_text(&mut engine, &model, &prompt, args.max_new_tokens)?,
    }
    Ok(exit_code::PASS)
}

/// An id between commas, with or without spaces around it.
fn token_id(text: &str) -> Result<TokenId, ParseIntError> {
    text.trim().parse()
}

fn as_json(engine: &mut dyn Engine, model: &FoundModel, prompt: &[TokenId], new_tokens: usize) -> Result<()> {
    let choices = replay(engine, prompt, Path::Greedy(new_tokens))?;
    let tokens: Vec<TokenId> = choices.iter().map(|choice| choice.token).collect();
    let value = json!({
        "prompt_token_ids": prompt,
        "template_tokens": model.tokenizer.as_ref().ok().map(TextTokenizer::template_tokens),
        "text": model.tokenizer.as_ref().ok().map(|tokenizer| tokenizer.decode(&tokens)).transpose()?,
        "token_ids": tokens,
        "runner_up_ids": choices.iter().map(|choice| choice.runner_up).collect::<Vec<_>>(),
        "top_logit_margins": choices.iter().map(|choice| choice.margin).collect::<Vec<_>>(),
    });
    print_data(&visible::json(&format!("{value}\n")))
}

fn as_text(engine: &mut dyn Engine, model: &FoundModel, prompt: &[TokenId], new_tokens: usize) -> Result<()> {
    engine.reset()?;
    let stream = model.tokenizer()?.stream();
    let mut reporter = Reporter { stream, shown: Shown::default(), tokens: Vec::new(), failed: None };
    let generated = record_generation(engine, prompt, new_tokens, &MonotonicClock, &mut reporter)?;
    if let Some(error) = reporter.failed.take() {
        return Err(error);
    }
    print_shown(&reporter.shown.next("\n"))?;
    let sample = reporter.into_sample(prompt.len(), generated.submitted_ns);
    if let Some(Repetition { begins_at, period_tokens }) = Repetition::at_the_end_of(&sample.token_ids) {
        say(&format!("the answer repeats the same {period_tokens} tokens from token {} on", begins_at + 1));
    }
    let metric_value = |metric: Metric| {
        metric.of(&sample).map_or("-".to_owned(), |f| format!("{:.2} {}", f.value, metric.unit()))
    };
    say(&format!(
        "{} prompt tokens, {} new; first token {}, {} a token after it, {} in all (unverified: no golden was checked, and writing the text is in the times)",
        prompt.len(),
        sample.token_ids.len(),
        metric_value(Metric::TimeToFirstToken),
        metric_value(Metric::TimePerOutputToken),
        metric_value(Metric::EndToEndThroughput),
    ));
    Ok(())
}

/// Prints the text of each token as it comes.
struct Reporter<'a> {
    stream: TextStream<'a>,
    shown: Shown,
    tokens: Vec<KnownToken>,
    failed: Option<Error>,
}

impl Reporter<'_> {
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
            memory: MemoryReading::default(),
        }
    }
}

impl TokenSink for Reporter<'_> {
    fn known(&mut self, token: KnownToken) -> ControlFlow<()> {
        self.tokens.push(token);
        match self.stream.push(token.id).and_then(|text| print_shown(&self.shown.next(&text))) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

/// The text of an answer as it is shown, piece by piece.
#[derive(Default)]
struct Shown {
    /// The line that is under way, as the model has it.
    line: String,
    /// Bytes of it that were given, as it is shown.
    given: usize,
}

impl Shown {
    /// What is to be printed next. What could begin a command to a runner waits for the rest of it.
    fn next(&mut self, text: &str) -> String {
        let ready = |line: &str| visible::lines(line.trim_end_matches([':', '#']));
        self.line.push_str(text);
        let next = ready(&self.line).split_off(self.given);
        let begin = self.line.rfind('\n').map_or(0, |end| end + 1);
        self.line.drain(..begin);
        self.given = ready(&self.line).len();
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_pieces_is_shown_as_the_whole_is() {
        let whole = "std::x\n::error::a\n:\n  :: b ##[c] #\n\x1b[2J\u{202e}\tz ::\n";
        for size in 1..=whole.chars().count() {
            let letters: Vec<char> = whole.chars().collect();
            let mut shown = Shown::default();
            let pieces = letters.chunks(size).map(|piece| shown.next(&piece.iter().collect::<String>()));
            assert_eq!(pieces.collect::<String>(), visible::lines(whole), "in pieces of {size}");
        }
    }
}
