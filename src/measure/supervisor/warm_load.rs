//! Whether a model from the cache of compiled models gives the tokens that it gave when it was compiled.
//!
//! Users have reported models that answer right after a cold load and wrong after a warm one.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::measure::protocol::CacheState;
use crate::measure::supervisor::{ProcessFacts, Purpose};
use crate::measure::{Role, Sample};
use crate::workload::TokenId;

/// What the processes of a session show of that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarmLoad {
    /// No process made a cold load.
    #[default]
    NoColdLoad,
    /// A process made a cold load, and none answered the same prompts after a warm one.
    NotTested,
    /// Every answer after a warm load is that of the cold one.
    SameTokens,
    /// An answer differs.
    Differs(DifferingAnswer),
}

/// The first answer of a warm load that differs from the cold one's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferingAnswer {
    /// The prompt.
    pub prompt_id: String,
    /// Which token of the answer, from 0.
    pub position: usize,
    /// The token after the cold load.
    pub cold: TokenId,
    /// The token after the warm one.
    pub warm: TokenId,
    /// The folder of the compiled model; not in a record, for it names a user.
    #[serde(skip)]
    pub folder: Option<PathBuf>,
}

impl WarmLoad {
    /// Whether no process made a cold load.
    pub fn is_without_cold_load(&self) -> bool {
        *self == Self::NoColdLoad
    }

    /// Compares the answers of the process that filled the cache with those of the processes that used it.
    pub fn of(processes: &[ProcessFacts]) -> Self {
        let state = |process: &ProcessFacts| Some(process.resolved.as_ref()?.compiled_model_cache);
        let Some(cold) = processes.iter().find(|process| state(process) == Some(CacheState::Cold)) else {
            return Self::NoColdLoad;
        };
        if cold.purpose != Purpose::CacheWarmUp {
            return Self::NotTested;
        }
        let mut compared = 0;
        for process in processes.iter().filter(|process| state(process) == Some(CacheState::Warm)) {
            let measured = process.samples.iter().filter(|sample| sample.role == Role::Measured);
            for warm in measured {
                let same_prompt = |sample: &&Sample| sample.prompt_id == warm.prompt_id;
                let Some(cold) = cold.samples.iter().find(same_prompt) else { continue };
                compared += 1;
                let mut tokens = cold.token_ids.iter().zip(&warm.token_ids);
                if let Some(position) = tokens.position(|(cold, warm)| cold != warm) {
                    return Self::Differs(DifferingAnswer {
                        prompt_id: warm.prompt_id.clone(),
                        position,
                        cold: cold.token_ids[position],
                        warm: warm.token_ids[position],
                        folder: process.resolved.as_ref().and_then(|it| it.compiled_model_folder.clone()),
                    });
                }
            }
        }
        if compared > 0 { Self::SameTokens } else { Self::NotTested }
    }

    /// The error of an answer that differs.
    pub fn error(&self) -> Option<Error> {
        let Self::Differs(answer) = self else { return None };
        let folder = answer.folder.as_ref().map(|folder| format!(" `{}`", folder.display()));
        let folder = folder.unwrap_or_default();
        Some(
            Error::wrong_output(format!(
                "wrong output from the compiled-model cache{folder}: prompt `{}`, token {}: `{}` after a warm load, \
                 `{}` after the cold one",
                answer.prompt_id,
                answer.position + 1,
                answer.warm,
                answer.cold
            ))
            .hint("remove that folder and measure again; if it comes back, report it to OpenVINO"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::openvino::DeviceFacts;
    use crate::measure::Role;
    use crate::measure::protocol::DeviceResolvedEvent;
    use crate::sys::MemoryReading;

    fn process(purpose: Purpose, cache: CacheState, tokens: &[TokenId]) -> ProcessFacts {
        let role = if purpose == Purpose::CacheWarmUp { Role::WarmUp } else { Role::Measured };
        let sample = Sample {
            role,
            prompt_id: "a".to_owned(),
            process: 0,
            prompt_tokens: 1,
            token_ids: tokens.to_vec(),
            submitted_ns: 0,
            token_ns: Vec::new(),
            infer_ns: Vec::new(),
            memory: MemoryReading::default(),
        };
        let resolved = DeviceResolvedEvent {
            openvino_version: String::new(),
            openvino_build: String::new(),
            device: "GPU".to_owned(),
            fallback_reason: None,
            facts: DeviceFacts::default(),
            gpu_name: None,
            properties_requested: [].into(),
            compiled_model_cache: cache,
            compiled_model_folder: Some(PathBuf::from("/cache/a-model")),
        };
        ProcessFacts { resolved: Some(resolved), samples: vec![sample], ..ProcessFacts::new(purpose, 0, 0) }
    }

    #[test]
    fn answers_of_a_warm_load_are_compared_with_those_of_the_cold_one() {
        let cold = process(Purpose::CacheWarmUp, CacheState::Cold, &[1, 2, 3]);
        let same = process(Purpose::Measured, CacheState::Warm, &[1, 2, 3]);
        let other = process(Purpose::Measured, CacheState::Warm, &[1, 9, 3]);
        assert_eq!(WarmLoad::of(&[cold.clone(), same.clone()]), WarmLoad::SameTokens);
        let error = WarmLoad::of(&[cold.clone(), same.clone(), other]).error().unwrap();
        assert_eq!(
            error.to_string(),
            "wrong output from the compiled-model cache `/cache/a-model`: prompt `a`, token 2: `9` after a warm \
             load, `2` after the cold one"
        );
        assert_eq!(WarmLoad::of(&[cold]), WarmLoad::NotTested, "nothing used the cache");
        assert_eq!(WarmLoad::of(&[same]), WarmLoad::NoColdLoad);
    }

    #[test]
    fn a_measured_process_that_made_the_cold_load_tests_nothing() {
        let measured = process(Purpose::Measured, CacheState::Cold, &[1]);
        assert_eq!(WarmLoad::of(&[measured]), WarmLoad::NotTested);
        let without = process(Purpose::Measured, CacheState::Off, &[1]);
        assert_eq!(WarmLoad::of(&[without]), WarmLoad::NoColdLoad);
    }
}
