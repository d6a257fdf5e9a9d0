//! How many tokens the KV cache holds, by what its states show.

use crate::error::{Error, Result};

/// One KV state's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateShape {
    /// As in `past_key_values.0.keypresent.0.key`.
    pub name: String,
    /// `(batch, KV heads, tokens, head size)`, or why the runtime cannot read the state.
    pub shape: Result<Vec<usize>, String>,
}

/// How many tokens the KV cache holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CachedTokens {
    /// The states that were read hold this many.
    Observed(usize),
    /// The states cannot be read, for this reason.
    NotObservable(String),
}

impl CachedTokens {
    /// By the states that were read. One that cannot be read hides the cache.
    ///
    /// # Errors
    /// States that do not all hold the same number of tokens.
    pub fn of(states: &[StateShape]) -> Result<Self> {
        let mut first: Option<(&str, usize)> = None;
        for StateShape { name, shape } in states {
            let tokens = match shape {
                Ok(shape) => shape.get(2).copied().unwrap_or_default(),
                Err(reason) => {
                    return Ok(Self::NotObservable(format!("KV state `{name}` cannot be read: {reason}")));
                }
            };
            match first {
                Some((of_first, expected)) if tokens != expected => {
                    return Err(Error::harness(format!(
                        "KV state `{name}` holds {tokens} tokens where `{of_first}` holds {expected}"
                    )));
                }
                Some(_) => {}
                None => first = Some((name, tokens)),
            }
        }
        Ok(first.map_or_else(
            || Self::NotObservable("the model has no KV states".to_owned()),
            |(_, tokens)| Self::Observed(tokens),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(name: &str, shape: Result<[usize; 4], &str>) -> StateShape {
        StateShape { name: name.to_owned(), shape: shape.map(Vec::from).map_err(str::to_owned) }
    }

    #[test]
    fn the_states_must_all_hold_the_same_number_of_tokens() {
        let key = state("0.key", Ok([1, 8, 5, 64]));
        let both = [key.clone(), state("0.value", Ok([1, 8, 5, 64]))];
        assert_eq!(CachedTokens::of(&both).unwrap(), CachedTokens::Observed(5));
        let unlike = [key, state("0.value", Ok([1, 8, 4, 64]))];
        let error = CachedTokens::of(&unlike).unwrap_err().to_string();
        assert_eq!(error, "KV state `0.value` holds 4 tokens where `0.key` holds 5");
    }

    #[test]
    fn a_state_that_cannot_be_read_hides_the_cache_and_is_named() {
        let states = [state("0.key", Ok([0, 8, 0, 64])), state("0.value", Err("it is compressed"))];
        let reason = "KV state `0.value` cannot be read: it is compressed";
        assert_eq!(CachedTokens::of(&states).unwrap(), CachedTokens::NotObservable(reason.to_owned()));
    }
}
