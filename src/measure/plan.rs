//! The plan of a measurement: fresh processes, each with one discarded warm-up and then every prompt once, the order
//! turned by one place from process to process; and one generation as it happened.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::sys::MemoryReading;
use crate::workload::{Input, TokenId};

/// The longest sequence of a model that states none: far above any, and far below what memory holds.
const LONGEST_SEQUENCE_TOKENS: usize = 1 << 20;

/// A prompt of so many tokens leaves memory behind that shows in the next one's.
const DEEP_TOKENS: usize = 1024;

/// A prompt's tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedPrompt {
    /// The prompt's id.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Its tokens.
    pub token_ids: Vec<TokenId>,
    /// Rows to which the KV cache is filled before the answer is timed; see [`Input::cache_tokens`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_tokens: Option<usize>,
}

impl RequestedPrompt {
    /// One without a name of its own.
    pub fn new(id: &str, token_ids: Vec<TokenId>) -> Self {
        Self { id: id.to_owned(), title: id.to_owned(), token_ids, cache_tokens: None }
    }

    /// What the model is fed.
    pub fn input(&self) -> Input<'_> {
        Input { token_ids: &self.token_ids, cache_tokens: self.cache_tokens }
    }

    /// Whether it leaves memory behind that shows in the next prompt's.
    pub fn is_deep(&self) -> bool {
        self.input().depth_tokens() >= DEEP_TOKENS
    }

    /// Tokens that the timed part of the prefill is fed.
    pub fn timed_tokens(&self) -> usize {
        self.input().first_tokens().len()
    }

    /// What the ids of users' own texts begin with.
    const OWN: &str = "own-";

    /// The id of a user's own text, by its place among the prompts.
    pub fn own_id(index: usize) -> String {
        format!("{}{}", Self::OWN, index + 1)
    }

    /// Whether it is a user's own text, of which a record keeps the tokens alone.
    pub fn is_own(&self) -> bool {
        let number = self.id.strip_prefix(Self::OWN);
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The prompts, in the order of the first process.
    pub prompts: Vec<RequestedPrompt>,
    /// Fresh processes; each asks every prompt once.
    pub processes: usize,
    /// Tokens of each answer, exactly.
    pub new_tokens: usize,
}

impl Plan {
    /// Checks the plan against the model before anything runs.
    ///
    /// # Errors
    /// Nothing to do, a token that the model has not, or a sequence longer than the model's context.
    pub fn check(&self, vocabulary_size: usize, context_tokens: Option<usize>) -> Result<()> {
        if self.processes == 0 {
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
                return Err(Error::input(format!("prompt `{}` is requested twice", prompt.id))
                    .hint("name each prompt once; `--runs N` repeats them"));
            }
            self.check_prompt(prompt, vocabulary_size, context_tokens)?;
        }
        Ok(())
    }

    fn check_prompt(
        &self,
        prompt: &RequestedPrompt,
        vocabulary_size: usize,
        context_tokens: Option<usize>,
    ) -> Result<()> {
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
        let length = prompt.input().depth_tokens().saturating_add(self.new_tokens);
        if length > limit {
            return Err(Error::input(format!(
                "prompt `{}` and its answer have `{length}` tokens, more than the model's context of {limit}",
                prompt.id
            ))
            .hint("shorten the prompt or lower `--max-new-tokens`"));
        }
        Ok(())
    }

    /// The prompts in the order in which this process asks them: what comes first is warmer for no
    /// prompt more often than for another. Deep prompts keep their order, from the shallowest: memory that a deeper one
    /// has left would be theirs.
    pub fn order(&self, process: usize) -> impl Iterator<Item = &RequestedPrompt> {
        let turns = if self.prompts.iter().any(RequestedPrompt::is_deep) { 0 } else { process };
        let first = turns % self.prompts.len().max(1);
        self.prompts[first..].iter().chain(&self.prompts[..first])
    }

    /// Generations of each process, the warm-up among them.
    pub fn generations(&self) -> usize {
        self.prompts.len() + 1
    }
}

/// What a generation was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Discarded: it warms caches and kernels.
    WarmUp,
    /// Counted.
    Measured,
}

/// One generation.
///
/// Times are of one monotonic clock, ns. `submitted_ns` is t0, just before the first inference is
/// submitted; `token_ns[i]` is when token i+1 was known on the host; `infer_ns[i]` is the part of
/// that step spent in the inference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Warm-up or measured.
    pub role: Role,
    /// The prompt's id.
    pub prompt_id: String,
    /// Which measured process made it, from 0.
    pub process: usize,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// The tokens that were made.
    pub token_ids: Vec<TokenId>,
    /// t0, ns.
    pub submitted_ns: u64,
    /// When each token was known, ns.
    pub token_ns: Vec<u64>,
    /// How long each inference took, ns.
    pub infer_ns: Vec<u64>,
    /// Memory at the end of the generation.
    pub memory: MemoryReading,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_process_begins_with_another_prompt_and_asks_all_of_them() {
        let prompt = |id: &str| RequestedPrompt::new(id, vec![1]);
        let plan = Plan { prompts: ["a", "b", "c"].map(prompt).into(), processes: 4, new_tokens: 1 };
        let orders: Vec<String> =
            (0..4).map(|process| plan.order(process).map(|prompt| prompt.id.as_str()).collect()).collect();
        assert_eq!(orders, ["abc", "bca", "cab", "abc"]);
    }

    #[test]
    fn deep_prompts_are_asked_from_the_shallowest_in_every_process() {
        let prompts = [("a", 256), ("b", 1024)].map(|(id, tokens)| RequestedPrompt::new(id, vec![1; tokens]));
        let plan = Plan { prompts: prompts.into(), processes: 2, new_tokens: 1 };
        assert_eq!(plan.order(1).map(|prompt| prompt.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }
}
