//! The word on each prompt's output.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::engine::Choice;
use crate::golden::{Divergence, Finding, GoldenResult};
use crate::record::{Arm, SampleRecord};
use crate::workload::TokenId;

/// The word on a prompt's output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptRecord {
    /// The prompt's id.
    pub id: String,
    /// The word.
    pub golden: GoldenResult,
    /// Where the answer left its reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divergence: Option<Divergence>,
    /// Expected and got in words, where a tokenizer was at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divergence_text: Option<DivergenceText>,
    /// Runner-up and logit margin at each step, from which a golden can be blessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplayRecord>,
}

/// A divergence in words: what stands from the first different token on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DivergenceText {
    /// The last words that both have.
    pub before: String,
    /// How the reference goes on.
    pub expected: String,
    /// How the answer goes on.
    pub got: String,
}

/// Runner-up and logit margin at each step of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplayRecord {
    /// The token with the largest logit.
    pub token_ids: Vec<TokenId>,
    /// The token with the second largest logit.
    pub runner_up_ids: Vec<TokenId>,
    /// Largest minus second largest logit.
    pub logit_margins: Vec<f32>,
}

impl From<&[Choice]> for ReplayRecord {
    fn from(choices: &[Choice]) -> Self {
        Self {
            token_ids: choices.iter().map(|choice| choice.token).collect(),
            runner_up_ids: choices.iter().map(|choice| choice.runner_up).collect(),
            logit_margins: choices.iter().map(|choice| choice.margin).collect(),
        }
    }
}

impl PromptRecord {
    /// The wire form of a finding.
    #[must_use]
    pub fn of(id: &str, finding: &Finding) -> Self {
        Self {
            id: id.to_owned(),
            golden: finding.result,
            divergence: finding.divergence.clone(),
            divergence_text: None,
            replay: finding.replay.as_deref().map(ReplayRecord::from),
        }
    }
}

/// A record's parts by prompt: to search all of them for each prompt would take the square of a long record's time.
impl Arm {
    /// The generations of each prompt, in their order.
    #[must_use]
    pub fn samples_by_prompt(&self) -> HashMap<&str, Vec<&SampleRecord>> {
        let mut samples: HashMap<&str, Vec<&SampleRecord>> = HashMap::new();
        for sample in &self.samples {
            samples.entry(&sample.prompt_id).or_default().push(sample);
        }
        samples
    }

    /// The result of each prompt that was judged; the first where a prompt has several.
    #[must_use]
    pub fn judged_by_prompt(&self) -> HashMap<&str, &PromptRecord> {
        self.prompts.iter().rev().map(|prompt| (prompt.id.as_str(), prompt)).collect()
    }
}
