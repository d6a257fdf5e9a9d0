//! The first day on an Intel GPU: every claim that was written without one, and what was seen of it.
//!
//! A claim holds only by what was read on a GPU. What nothing read is not observed, and what a CPU did
//! says nothing of a GPU. Pure: what the steps saw in, an answer a claim out.

mod bench;
mod claim_result;
mod claims;
mod evidence;
mod guards;
mod loading;
mod machine;
mod paged_attention;
mod pairs;
mod precision;
mod published_difference;
mod states;
mod tokens;

pub use claim_result::{Answer, ClaimResult, Fact};
pub use claims::{CLAIMS, Claim};
pub use evidence::{Evidence, StepSeen};

/// A claim with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The claim.
    pub claim: &'static Claim,
    /// The answer, and what it comes from.
    pub word: ClaimResult,
}

/// Answers every claim, in the order of the table.
#[must_use]
pub fn answers(evidence: &Evidence) -> Vec<Answered> {
    CLAIMS.iter().map(|claim| Answered { claim, word: (claim.answered_by)(evidence) }).collect()
}
