//! Where a long answer began to repeat itself. It is advice: greedy decoding repeats itself without a fault, too.

use crate::workload::TokenId;

/// The longest repeated part that is looked for, tokens.
const LONGEST_PERIOD_TOKENS: usize = 256;
/// A part that comes less often is a list or a refrain.
const LEAST_REPEATS: usize = 4;
/// A repetition that is shorter altogether is a list or a refrain, tokens.
const LEAST_TOKENS: usize = 64;

/// The end of an answer that repeats itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repetition {
    /// The first token of the part that is repeated, from 0.
    pub begins_at: usize,
    /// Tokens of that part.
    pub period_tokens: usize,
}

impl Repetition {
    /// The repetition in which an answer ends, with the shortest part; None where it ends in none.
    pub fn at_the_end_of(answer: &[TokenId]) -> Option<Self> {
        let longest = LONGEST_PERIOD_TOKENS.min(answer.len() / LEAST_REPEATS);
        (1..=longest).find_map(|period_tokens| {
            // From the end: as long as each token equals the one that stands a period before it.
            let same = answer.iter().rev().zip(answer[..answer.len() - period_tokens].iter().rev());
            let repeated = same.take_while(|(later, earlier)| later == earlier).count();
            let covered = repeated + period_tokens;
            (covered >= LEAST_TOKENS && covered >= LEAST_REPEATS * period_tokens)
                .then_some(Self { begins_at: answer.len() - covered, period_tokens })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_ends_in_a_loop_says_where_the_loop_began_and_how_long_it_is() {
        let answer: Vec<TokenId> = (0..50).chain((0..30).flat_map(|_| [7, 8, 9])).collect();
        let found = Repetition::at_the_end_of(&answer);
        assert_eq!(found, Some(Repetition { begins_at: 50, period_tokens: 3 }));
        let one_token: Vec<TokenId> = [1, 2].into_iter().chain([5; 64]).collect();
        let found = Repetition::at_the_end_of(&one_token);
        assert_eq!(found, Some(Repetition { begins_at: 2, period_tokens: 1 }));
    }

    #[test]
    fn an_answer_without_a_loop_a_short_list_and_a_loop_that_ended_are_none() {
        let varied: Vec<TokenId> = (0..2000).map(|at| at * at % 1009).collect();
        let list: Vec<TokenId> = (0..100).chain([1, 2, 1, 2, 1, 2]).collect();
        let ended: Vec<TokenId> = [5; 100].into_iter().chain(0..40).collect();
        for answer in [&varied, &list, &ended, &Vec::new()] {
            assert_eq!(Repetition::at_the_end_of(answer), None, "{answer:?}");
        }
    }
}
