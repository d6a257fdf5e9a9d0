//! One generation on an engine, with a time for every token.

use std::ops::ControlFlow;

use crate::engine::{CachedTokens, Ended, Engine, Observer, begin, generate};
use crate::error::{Error, Result};
use crate::measure::{RequestedPrompt, Role, Sample};
use crate::sys::{Clock, MemoryReading};
use crate::workload::TokenId;

/// A token that was just known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownToken {
    /// Its id.
    pub id: TokenId,
    /// When it was known on the host, argmax included, ns.
    pub known_ns: u64,
    /// How long the inference before it took, ns.
    pub infer_ns: u64,
}

/// Who is called with each token. What it does stands in the times, so it does next to nothing.
pub trait TokenSink {
    /// A token is known; the answer may end the generation.
    fn known(&mut self, token: KnownToken) -> ControlFlow<()>;
}

/// A generation that has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generated {
    /// t0: just before the first inference was submitted, ns.
    pub submitted_ns: u64,
    /// Whether all tokens were made.
    pub ended: Ended,
}

/// Decodes greedily and notes the times. The KV cache must have been emptied before.
///
/// # Errors
/// When the engine fails.
pub fn record_generation(
    engine: &mut dyn Engine,
    prompt: &[TokenId],
    new_tokens: usize,
    clock: &dyn Clock,
    sink: &mut dyn TokenSink,
) -> Result<Generated> {
    let mut recorder = Recorder { clock, sink, submitted_ns: None, infer_started_ns: 0, infer_ns: 0 };
    let ended = generate(engine, prompt, new_tokens, &mut recorder)?;
    Ok(Generated { submitted_ns: recorder.submitted_ns.unwrap_or_default(), ended })
}

/// Decodes a prompt once in this process, from an empty cache: for whoever needs no supervisor, as a
/// bench of the loop itself.
///
/// # Errors
/// When the engine fails.
pub fn sample_here(
    engine: &mut dyn Engine,
    prompt: &RequestedPrompt,
    new_tokens: usize,
    clock: &dyn Clock,
) -> Result<Sample> {
    begin(engine, prompt.input())?;
    let mut tokens = Tokens(Vec::with_capacity(new_tokens));
    let generated = record_generation(engine, prompt.input().first_tokens(), new_tokens, clock, &mut tokens)?;
    check_cache(engine, prompt.input().depth_tokens() + new_tokens.saturating_sub(1))?;
    Ok(Sample {
        role: Role::Measured,
        prompt_id: prompt.id.clone(),
        process: 0,
        prompt_tokens: prompt.timed_tokens(),
        token_ids: tokens.0.iter().map(|token| token.id).collect(),
        submitted_ns: generated.submitted_ns,
        token_ns: tokens.0.iter().map(|token| token.known_ns).collect(),
        infer_ns: tokens.0.iter().map(|token| token.infer_ns).collect(),
        memory: MemoryReading::default(),
    })
}

/// Whether the cache holds exactly the tokens that were fed, where that can be observed: only then was it
/// empty before.
fn check_cache(engine: &mut dyn Engine, fed: usize) -> Result<()> {
    match engine.cached_tokens()? {
        CachedTokens::Observed(tokens) if tokens != fed => Err(not_empty_before(tokens, fed)),
        CachedTokens::Observed(_) | CachedTokens::NotObservable(_) => Ok(()),
    }
}

/// The error of a cache that holds another number of tokens than were fed into it.
pub(super) fn not_empty_before(tokens: usize, fed: usize) -> Error {
    Error::harness(format!(
        "the KV cache holds `{tokens}` tokens after a generation that fed {fed}: it was not empty before"
    ))
    .hint("run `cargo xtask doctor`")
}

struct Tokens(Vec<KnownToken>);

impl TokenSink for Tokens {
    fn known(&mut self, token: KnownToken) -> ControlFlow<()> {
        self.0.push(token);
        ControlFlow::Continue(())
    }
}

struct Recorder<'a> {
    clock: &'a dyn Clock,
    sink: &'a mut dyn TokenSink,
    submitted_ns: Option<u64>,
    infer_started_ns: u64,
    infer_ns: u64,
}

impl Observer for Recorder<'_> {
    fn infer_starts(&mut self) {
        self.infer_started_ns = self.clock.now_ns();
        self.submitted_ns.get_or_insert(self.infer_started_ns);
    }

    fn infer_ended(&mut self) {
        self.infer_ns = self.clock.now_ns() - self.infer_started_ns;
    }

    fn token_known(&mut self, token: TokenId) -> ControlFlow<()> {
        let known_ns = self.clock.now_ns();
        self.sink.known(KnownToken { id: token, known_ns, infer_ns: self.infer_ns })
    }
}
