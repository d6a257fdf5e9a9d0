//! What the workers recite, and how long they take: always the same for the same seed.

use arcgauge::engine::scripted::Script;
use arcgauge::golden::{Golden, GoldenSet};
use arcgauge::measure::{Plan, RequestedPrompt};
use arcgauge::workload::TokenId;
use fastrand::Rng;

use crate::checkout::repository;
use crate::forged_pairs::{PROMPTS, TOKEN_NS, whole_ns};

/// Of a process: two of them in a pair differ by 1 % (sd).
const PROCESS_SD: f64 = 0.01 / std::f64::consts::SQRT_2;
const ANSWERS: [[TokenId; 4]; 3] = [[5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 5, 6]];

/// A process whose tokens take so many percent longer than the base's, but for its own noise.
pub(super) fn script(slower_percent: f64, rng: &mut Rng) -> Script {
    let noise = (normal(rng) * PROCESS_SD).exp();
    Script {
        vocabulary_size: 16,
        answers: plan().prompts.into_iter().map(|it| it.token_ids).zip(ANSWERS.map(Vec::from)).collect(),
        prefill_ns: 200_000_000,
        decode_ns: whole_ns(TOKEN_NS * (1.0 + slower_percent / 100.0) * noise),
        ..Script::default()
    }
}

/// A standard normal deviate, nearly: the sum of twelve uniform ones.
fn normal(rng: &mut Rng) -> f64 {
    (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0
}

pub(super) fn plan() -> Plan {
    let prompts = PROMPTS.iter().zip(1..).map(|(id, token)| RequestedPrompt::new(id, vec![token, token]));
    Plan { prompts: prompts.collect(), processes: 1, new_tokens: 4 }
}

pub(crate) fn goldens() -> GoldenSet {
    let shipped = repository().join("fixtures/golden/tiny-gpt-oss");
    let blank = GoldenSet::load(&shipped).unwrap().goldens.remove("fibonacci").unwrap();
    let golden = |(prompt, answer): (RequestedPrompt, [TokenId; 4])| {
        let golden = Golden {
            prompt_id: prompt.id.clone(),
            prompt_token_ids: prompt.token_ids,
            token_ids: answer.to_vec(),
            runner_up_ids: vec![0; 4],
            logit_margins: vec![10.0; 4],
            ..blank.clone()
        };
        (prompt.id, golden)
    };
    GoldenSet {
        goldens: plan().prompts.into_iter().zip(ANSWERS).map(golden).collect(),
        tolerances: Vec::new(),
    }
}
