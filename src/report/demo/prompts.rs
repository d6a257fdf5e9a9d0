//! What is asked of a model in the invented history, and what it answers: the same each time.

use crate::error::Result;
use crate::record::{RequestedPrompt, WorkloadRecord};
use crate::report::demo::noise::Noise;
use crate::report::demo::plan::DemoPlan;
use crate::workload::TokenId;

/// A stream of its own for tokens.
const TOKENS: u64 = 3;
/// Tokens of the shipped model's vocabulary, which the large one has, too.
const VOCABULARY: u64 = 600;

/// A reference prompt.
struct Reference {
    id: &'static str,
    title: &'static str,
    tokens: usize,
}

/// Those of the published figures.
const REFERENCES: [Reference; 3] = [
    Reference { id: "moe-vs-dense", title: "MoE vs Dense transformer", tokens: 20 },
    Reference { id: "fibonacci", title: "Fibonacci memoization", tokens: 23 },
    Reference { id: "openvino-advantages", title: "OpenVINO advantages", tokens: 30 },
];

/// Prompts and answers.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) workload: WorkloadRecord,
    /// By prompt, in the order requested.
    pub(super) answers: Vec<Vec<TokenId>>,
}

impl Request {
    /// Of a model, by its number.
    ///
    /// # Errors
    /// None in practice.
    pub(super) fn of(plan: &DemoPlan, model: u64) -> Result<Self> {
        let tokens = |stream: u64, prompt: usize, count: usize| -> Vec<TokenId> {
            let mut noise = Noise::of(plan.seed, &[TOKENS, stream, prompt as u64]);
            (0..count).map(|_| TokenId::try_from(noise.below(VOCABULARY)).unwrap_or_default()).collect()
        };
        let prompts = REFERENCES.iter().enumerate().map(|(at, reference)| RequestedPrompt {
            id: reference.id.to_owned(),
            title: reference.title.to_owned(),
            token_ids: tokens(0, at, reference.tokens),
        });
        Ok(Self {
            workload: WorkloadRecord::new(prompts.collect(), plan.runs, plan.new_tokens)?,
            answers: (0..REFERENCES.len()).map(|at| tokens(model + 1, at, plan.new_tokens)).collect(),
        })
    }

    pub(super) fn prompts(&self) -> usize {
        self.workload.prompts.len()
    }
}
