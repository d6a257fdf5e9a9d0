//! How large a model is and how it is layered, as its config says: for people, so that a fact which is not
//! there or is of another form is left out, and refuses nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::ModelFolder;
use crate::files::{self, FileKind};

/// What a config says of a model's shape.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelShape {
    /// The architecture, as in `gpt_oss`.
    pub model_type: Option<String>,
    /// The class of the original, as in `GptOssForCausalLM`.
    pub architectures: Vec<String>,
    /// Layers.
    pub layers: Option<u64>,
    /// How many of them there are of each kind of attention, as in `sliding_attention`.
    pub layers_by_attention: BTreeMap<String, u64>,
    /// How far back a sliding layer sees.
    pub sliding_window_tokens: Option<u64>,
    /// Width of the hidden state.
    pub hidden_size: Option<u64>,
    /// Heads of a layer.
    pub attention_heads: Option<u64>,
    /// Heads of a layer that have keys and values.
    pub kv_heads: Option<u64>,
    /// Width of a head.
    pub head_size: Option<u64>,
    /// Experts of a layer.
    pub experts: Option<u64>,
    /// Experts that a token passes through in a layer.
    pub experts_per_token: Option<u64>,
    /// Width of an expert, or of the feed-forward part.
    pub intermediate_size: Option<u64>,
    /// Tokens in the vocabulary.
    pub vocabulary_tokens: Option<u64>,
    /// The longest sequence.
    pub context_tokens: Option<u64>,
}

impl ModelShape {
    /// What a model's config says.
    #[must_use]
    pub fn of(folder: &ModelFolder) -> Self {
        let text = files::read_text(&folder.config_file(), FileKind::ModelText).unwrap_or_default();
        Self::from_config(&serde_json::from_str(&text).unwrap_or_default())
    }

    fn from_config(config: &Value) -> Self {
        let number = |names: &[&str]| names.iter().find_map(|name| config[*name].as_u64());
        let texts = |name: &str| {
            let list = config[name].as_array().into_iter().flatten();
            list.filter_map(|text| text.as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        let mut layers_by_attention = BTreeMap::new();
        for kind in texts("layer_types") {
            *layers_by_attention.entry(kind).or_default() += 1;
        }
        let (hidden_size, attention_heads) = (number(&["hidden_size"]), number(&["num_attention_heads"]));
        let usual_head = || hidden_size?.checked_div(attention_heads?);
        Self {
            model_type: config["model_type"].as_str().map(str::to_owned),
            architectures: texts("architectures"),
            layers: number(&["num_hidden_layers"]),
            layers_by_attention,
            sliding_window_tokens: number(&["sliding_window"]),
            kv_heads: number(&["num_key_value_heads"]).or(attention_heads),
            head_size: number(&["head_dim"]).or_else(usual_head),
            experts: number(&["num_local_experts", "num_experts"]),
            experts_per_token: number(&["num_experts_per_tok", "experts_per_token"]),
            intermediate_size: number(&["intermediate_size"]),
            vocabulary_tokens: number(&["vocab_size"]),
            context_tokens: number(&["max_position_embeddings"]),
            hidden_size,
            attention_heads,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_config_that_says_little_gives_what_follows_from_it_and_one_that_says_nonsense_gives_nothing() {
        let llama = ModelShape::from_config(&json!({ "hidden_size": 4096, "num_attention_heads": 32 }));
        assert_eq!((llama.head_size, llama.kv_heads, llama.experts), (Some(128), Some(32), None));
        let nonsense = json!({ "hidden_size": "wide", "num_attention_heads": 0, "layer_types": 7 });
        assert_eq!(ModelShape::from_config(&nonsense).head_size, None);
        assert_eq!(ModelShape::from_config(&json!([])), ModelShape::default());
    }

    #[test]
    fn sliding_and_full_layers_are_counted() {
        let kinds = ["sliding_attention", "full_attention", "sliding_attention"];
        let shape = ModelShape::from_config(&json!({ "layer_types": kinds }));
        assert_eq!(shape.layers_by_attention["sliding_attention"], 2);
        assert_eq!(shape.layers_by_attention["full_attention"], 1);
    }
}
