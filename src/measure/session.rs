//! The plan of a measurement and its execution: one discarded warm-up, then every prompt in turn,
//! as often as asked, each from an empty KV cache.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::engine::{Ended, Engine, Observer, generate};
use crate::error::{Error, Result};
use crate::measure::{Clock, MemoryMeter, Role, Sample};
use crate::workload::TokenId;

/// The longest sequence of a model that states none: far above any, and far below what memory holds.
const LONGEST_SEQUENCE_TOKENS: usize = 1 << 20;

/// A prompt as it will be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedPrompt {
    /// Its id.
    pub id: String,
    /// Its tokens.
    pub token_ids: Vec<TokenId>,
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The prompts, in order.
    pub prompts: Vec<PlannedPrompt>,
    /// How often each is asked.
    pub runs: usize,
    /// Tokens of each answer, exactly.
    pub new_tokens: usize,
}

impl Plan {
    /// Checks the plan against the model before anything runs.
    ///
    /// # Errors
    /// Nothing to do, a token that the model has not, or a sequence longer than the model's context.
    pub fn check(&self, vocabulary_size: usize, context_tokens: Option<usize>) -> Result<()> {
        if self.runs == 0 {
            return Err(Error::input("`--runs 0` measures nothing").hint("use 1 or more; 3 is the default"));
        }
        if self.new_tokens == 0 {
            return Err(
                Error::input("`--max-new-tokens 0` makes no token").hint("use 1 or more; 200 is the default")
            );
        }
        if self.prompts.is_empty() {
            return Err(Error::input("there is no prompt to ask"));
        }
        for (index, prompt) in self.prompts.iter().enumerate() {
            if self.prompts[..index].iter().any(|earlier| earlier.id == prompt.id) {
                return Err(Error::input(format!("prompt `{}` is asked twice", prompt.id))
                    .hint("name each prompt once; `--runs N` repeats them"));
            }
            if prompt.token_ids.is_empty() {
                return Err(Error::input(format!("prompt `{}` is empty", prompt.id))
                    .hint("give some text: `--prompt \"Hello\"`"));
            }
            if let Some(id) = prompt.token_ids.iter().find(|id| **id as usize >= vocabulary_size) {
                return Err(Error::input(format!(
                    "prompt `{}` has token `{id}`, but the model's vocabulary ends at {}: the tokenizer is not this model's",
                    prompt.id,
                    vocabulary_size.saturating_sub(1)
                ))
                .hint("name the model's own tokenizer with `--tokenizer FILE`"));
            }
            let limit = context_tokens.unwrap_or(LONGEST_SEQUENCE_TOKENS);
            let length = prompt.token_ids.len().saturating_add(self.new_tokens);
            if length > limit {
                return Err(Error::input(format!(
                    "prompt `{}` and its answer have `{length}` tokens, more than the model's context of {limit}",
                    prompt.id
                ))
                .hint("shorten the prompt or lower `--max-new-tokens`"));
            }
        }
        Ok(())
    }

    /// Generations in all, the warm-up among them.
    #[must_use]
    pub fn generations(&self) -> usize {
        self.runs.saturating_mul(self.prompts.len()).saturating_add(1)
    }
}

/// Whether the KV cache was seen to be empty before each generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateCheck {
    /// It was, each time.
    Empty,
    /// It cannot be looked into.
    NotObserved,
}

/// What a session gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Every generation, in order; the warm-up first.
    pub samples: Vec<Sample>,
    /// Whether it was ended before its plan was.
    pub interrupted: bool,
    /// Whether the KV cache was seen to be empty.
    pub state_check: StateCheck,
    /// What ended it before its plan was, if anything failed.
    pub failure: Option<Error>,
}

/// What is under way, for whoever shows progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aim<'a> {
    /// Generation, from 0; 0 is the warm-up.
    pub generation: usize,
    /// Warm-up or measured.
    pub role: Role,
    /// The prompt's id.
    pub prompt_id: &'a str,
}

/// What passes between a session and the thread that shows it.
#[derive(Debug, Default)]
pub struct Control {
    /// Set to end the session after the token under way.
    pub stop: Arc<AtomicBool>,
    /// Tokens of the generation under way.
    pub tokens_done: AtomicUsize,
}

/// Runs the plan. What was done before a failure is kept, and the failure with it.
///
/// # Errors
/// A plan that cannot be carried out; then nothing was run.
pub fn run(
    engine: &mut dyn Engine,
    plan: &Plan,
    clock: &dyn Clock,
    memory: &dyn MemoryMeter,
    control: &Control,
    mut before_each: impl FnMut(Aim<'_>),
) -> Result<Session> {
    plan.check(engine.vocabulary_size(), engine.context_tokens())?;
    let mut session =
        Session { samples: Vec::new(), interrupted: false, state_check: StateCheck::Empty, failure: None };
    let warm_up = plan.prompts.first().map(|prompt| (Role::WarmUp, 0, prompt));
    let measured =
        (0..plan.runs).flat_map(|run| plan.prompts.iter().map(move |prompt| (Role::Measured, run, prompt)));
    for (generation, (role, run, prompt)) in warm_up.into_iter().chain(measured).enumerate() {
        if control.stop.load(Ordering::Relaxed) {
            session.interrupted = true;
            break;
        }
        before_each(Aim { generation, role, prompt_id: &prompt.id });
        control.tokens_done.store(0, Ordering::Relaxed);
        let mut recorder = Recorder::new(clock, control, plan.new_tokens);
        let ended = empty(engine).and_then(|state_check| {
            if state_check == StateCheck::NotObserved {
                session.state_check = StateCheck::NotObserved;
            }
            memory.reset_peak();
            generate(engine, &prompt.token_ids, plan.new_tokens, &mut recorder)
        });
        let sample = recorder.into_sample(role, prompt, run, memory);
        let ended = ended.and_then(|ended| match ended {
            Ended::Complete => exactly(plan.new_tokens, &sample).map(|()| ended),
            Ended::Stopped => Ok(ended),
        });
        session.samples.push(sample);
        match ended {
            Ok(Ended::Complete) => {}
            Ok(Ended::Stopped) => {
                session.interrupted = true;
                break;
            }
            Err(failure) => {
                session.failure = Some(failure);
                break;
            }
        }
    }
    Ok(session)
}

/// Resets the KV cache and looks whether it is empty.
fn empty(engine: &mut dyn Engine) -> Result<StateCheck> {
    engine.reset()?;
    match engine.cached_tokens()? {
        Some(0) => Ok(StateCheck::Empty),
        None => Ok(StateCheck::NotObserved),
        Some(tokens) => {
            Err(Error::harness(format!("the KV cache holds `{tokens}` tokens after a reset, not 0"))
                .hint("run `cargo xtask doctor`"))
        }
    }
}

fn exactly(new_tokens: usize, sample: &Sample) -> Result<()> {
    let made = sample.token_ids.len();
    if made == new_tokens {
        return Ok(());
    }
    Err(Error::harness(format!(
        "prompt `{}` gave `{made}` tokens, not exactly {new_tokens}",
        sample.prompt_id
    )))
}

/// Notes times and tokens; all its memory is there before the first of them.
struct Recorder<'a> {
    clock: &'a dyn Clock,
    control: &'a Control,
    submitted_ns: Option<u64>,
    infer_started_ns: u64,
    token_ids: Vec<TokenId>,
    token_ns: Vec<u64>,
    infer_ns: Vec<u64>,
}

impl<'a> Recorder<'a> {
    fn new(clock: &'a dyn Clock, control: &'a Control, new_tokens: usize) -> Self {
        Self {
            clock,
            control,
            submitted_ns: None,
            infer_started_ns: 0,
            token_ids: Vec::with_capacity(new_tokens),
            token_ns: Vec::with_capacity(new_tokens),
            infer_ns: Vec::with_capacity(new_tokens),
        }
    }

    fn into_sample(self, role: Role, prompt: &PlannedPrompt, run: usize, memory: &dyn MemoryMeter) -> Sample {
        Sample {
            role,
            prompt_id: prompt.id.clone(),
            run,
            prompt_tokens: prompt.token_ids.len(),
            token_ids: self.token_ids,
            submitted_ns: self.submitted_ns.unwrap_or_default(),
            token_ns: self.token_ns,
            infer_ns: self.infer_ns,
            memory: memory.read(),
        }
    }
}

impl Observer for Recorder<'_> {
    fn infer_starts(&mut self) {
        self.infer_started_ns = self.clock.now_ns();
        self.submitted_ns.get_or_insert(self.infer_started_ns);
    }

    fn infer_ended(&mut self) {
        self.infer_ns.push(self.clock.now_ns() - self.infer_started_ns);
    }

    fn token_known(&mut self, token: TokenId) -> ControlFlow<()> {
        self.token_ns.push(self.clock.now_ns());
        self.token_ids.push(token);
        self.control.tokens_done.store(self.token_ids.len(), Ordering::Relaxed);
        if self.control.stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}
