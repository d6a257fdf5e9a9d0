//! A small probe for tests.

use super::{Probe, ProbeOrigin, ProbeTokens};

/// Four steps with logit margins that floats hold exactly.
pub(in crate::golden) fn probe() -> Probe {
    Probe {
        schema: 1,
        model: "m".into(),
        model_sha256: "a sha".into(),
        text: "a text".into(),
        tokens: ProbeTokens { prompt_ids: vec![1, 2], forced_ids: vec![3, 4, 5, 6] },
        preferred_ids: vec![5, 6, 7, 8],
        runner_up_ids: vec![0; 4],
        logit_margins: vec![1.0, 0.5, 2.0, 0.25],
        made: ProbeOrigin {
            when_utc: String::new(),
            who: String::new(),
            reason: String::new(),
            openvino: String::new(),
            device: String::new(),
            properties: std::collections::BTreeMap::new(),
        },
        limits: Vec::new(),
    }
}
