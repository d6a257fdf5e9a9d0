//! From a row of logits to a token.

use argminmax::NaNArgMinMax;

use crate::error::{Error, Result};
use crate::workload::TokenId;

/// The greedy token: the **first** index of the largest logit.
///
/// First, because low-precision logits tie, and every other implementation takes the first: one
/// that takes the last diverges within a few tokens.
///
/// # Errors
/// An empty row, or one that has a NaN, is wrong output.
#[inline]
pub fn greedy(logits: &[f32]) -> Result<TokenId> {
    if logits.is_empty() {
        return Err(Error::wrong_output("the model gave an empty row of logits"));
    }
    let index = logits.nanargmax();
    if logits[index].is_nan() {
        return Err(not_a_number(index));
    }
    token_id(index)
}

/// What the model preferred at one step, and by how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// The greedy token.
    pub token: TokenId,
    /// The token with the second largest logit; the first of equals.
    pub runner_up: TokenId,
    /// Largest minus second largest logit.
    pub margin: f32,
}

/// The two largest logits of a row. Not for timed loops: it is a plain scan.
///
/// # Errors
/// A row of fewer than two logits, or one that has a NaN, is wrong output.
pub fn choose(logits: &[f32]) -> Result<Choice> {
    let token = greedy(logits)?;
    let best = token as usize;
    let others = logits.iter().enumerate().filter(|(index, _)| *index != best);
    let second = others.reduce(|second, next| if next.1 > second.1 { next } else { second });
    let Some((runner_up, logit)) = second else {
        return Err(Error::wrong_output("the model gave a row of a single logit"));
    };
    Ok(Choice { token, runner_up: token_id(runner_up)?, margin: logits[best] - logit })
}

fn token_id(index: usize) -> Result<TokenId> {
    TokenId::try_from(index).map_err(|_| Error::harness(format!("token `{index}` does not fit an id")))
}

fn not_a_number(index: usize) -> Error {
    Error::wrong_output(format!("the model's logit of token `{index}` is not a number"))
        .hint("run `cargo xtask doctor`: it checks the model's files")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn of_equal_logits_the_first_is_chosen() {
        for length in [2, 3, 16, 17, 672, 201_088] {
            let mut row = vec![0.5_f32; length];
            assert_eq!(greedy(&row), Ok(0), "row of {length}");
            row[0] = -1.0;
            assert_eq!(greedy(&row), Ok(1), "row of {length}");
        }
    }

    #[test]
    fn a_not_a_number_is_wrong_output_wherever_it_stands() {
        for position in [0, 1, 31, 63] {
            let mut row: Vec<f32> = (0..64_u8).map(f32::from).collect();
            row[position] = f32::NAN;
            assert_eq!(greedy(&row).unwrap_err().kind(), ErrorKind::WrongOutput);
        }
        assert_eq!(greedy(&[]).unwrap_err().kind(), ErrorKind::WrongOutput);
        assert_eq!(greedy(&[f32::NAN; 3]).unwrap_err().kind(), ErrorKind::WrongOutput);
    }

    #[test]
    fn the_runner_up_is_the_first_of_the_rest() {
        let choice = choose(&[1.0, 4.0, 3.0, 3.0, 4.0]).unwrap();
        assert_eq!(choice, Choice { token: 1, runner_up: 4, margin: 0.0 });
        let choice = choose(&[f32::NEG_INFINITY, 2.0, 0.5]).unwrap();
        assert_eq!(choice, Choice { token: 1, runner_up: 2, margin: 1.5 });
        assert!(choose(&[1.0]).is_err());
    }
}
