//! What the weights are for, and in which precision each kind of them is.
//!
//! Experts, tables that are looked up and the LM head are recognised by how the graph uses them; of the rest
//! the names say, as exports write them. What no name says is "other".

use std::collections::BTreeMap;

use roxmltree::Document;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::engine::ModelConfig;
use crate::engine::openvino::Graph;
use crate::engine::openvino::graph::attribute;
use crate::engine::openvino::weights::{Constant, Flow, Reading, by_place, experts};
use crate::error::{Error, Result};

/// What weights are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum WeightKind {
    /// The experts of all layers.
    Experts,
    /// What chooses the experts of a token.
    Router,
    /// The projections of attention.
    Attention,
    /// The feed-forward part of layers without experts.
    FeedForward,
    /// The table of tokens, of which one row is looked up.
    Embeddings,
    /// What makes logits of hidden states.
    Head,
    /// One table for both.
    #[strum(serialize = "embeddings and head")]
    EmbeddingsAndHead,
    /// Norms between the layers.
    Norms,
    /// What is none of these, and the arguments of layers.
    Other,
}

impl WeightKind {
    /// The kind in words.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The weights of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindOfWeight {
    /// What they are for.
    pub kind: WeightKind,
    /// Their bytes in the weights file, with scales, zero points and biases.
    pub size_bytes: u64,
    /// The element type that takes most of them: the weights themselves.
    pub precision: String,
    /// Bytes by element type: scales and zero points are of another than what they scale.
    pub bytes_by_element_type: BTreeMap<String, u64>,
}

impl KindOfWeight {
    /// Sorts the constants of a graph by what they are for.
    ///
    /// # Errors
    /// A graph or a config that is not understood, with the reason.
    pub fn all_of(graph: &Graph, config: &ModelConfig) -> Result<Vec<Self>> {
        sorted(graph, config)
            .map_err(|reason| Error::input(format!("the kinds of weights cannot be distinguished: {reason}")))
    }
}

fn sorted(graph: &Graph, config: &ModelConfig) -> Result<Vec<KindOfWeight>, String> {
    let document = Document::parse(&graph.xml).map_err(|cause| format!("the graph is not XML ({cause})"))?;
    let flow = Flow::of(&document)?;
    let head = graph.head.as_ref().and_then(|head| {
        let is_head =
            |node: &roxmltree::Node| node.has_tag_name("layer") && attribute(*node, "id") == head.layer;
        document.descendants().find(is_head).map(|layer| attribute(layer, "name"))
    });
    let mut kinds: BTreeMap<WeightKind, BTreeMap<String, u64>> = BTreeMap::new();
    for sharing in by_place(&flow, experts(config)?)? {
        let bytes = kinds.entry(kind_of(&sharing, head)).or_default();
        *bytes.entry(sharing[0].element_type.to_owned()).or_default() += sharing[0].size_bytes;
    }
    let kinds = kinds.into_iter().map(|(kind, bytes)| KindOfWeight {
        kind,
        size_bytes: bytes.values().sum(),
        precision: bytes
            .iter()
            .max_by_key(|(_, bytes)| **bytes)
            .map(|(name, _)| name.clone())
            .unwrap_or_default(),
        bytes_by_element_type: bytes,
    });
    Ok(kinds.collect())
}

/// What one place in the weights file is for, whoever shares it.
fn kind_of(sharing: &[Constant], head: Option<&str>) -> WeightKind {
    // Numbers, axes and shapes are what layers are given, not what was learnt.
    let is_argument = |constant: &Constant| {
        matches!(constant.element_type, "i32" | "i64" | "boolean")
            || constant.dimensions.iter().product::<u64>() == 1
    };
    if sharing.iter().all(is_argument) {
        return WeightKind::Other;
    }
    let readings = || sharing.iter().flat_map(|constant| &constant.readings);
    let is_head = sharing.iter().flat_map(|constant| &constant.used_by).any(|user| Some(*user) == head);
    let is_table = readings().any(|reading| matches!(reading, Reading::Row { .. }));
    if readings().any(|reading| matches!(reading, Reading::Experts(_))) {
        return WeightKind::Experts;
    }
    match (is_table, is_head) {
        (true, true) => return WeightKind::EmbeddingsAndHead,
        (true, false) => return WeightKind::Embeddings,
        (false, true) => return WeightKind::Head,
        (false, false) => {}
    }
    let names = sharing.iter().flat_map(|constant| constant.used_by.iter().copied().chain([constant.name]));
    let kinds = names.map(|name| kind_by_name(&name.to_ascii_lowercase()));
    kinds.min().unwrap_or(WeightKind::Other)
}

/// By the names that exports of transformers give.
fn kind_by_name(name: &str) -> WeightKind {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["norm"]) {
        WeightKind::Norms
    } else if has(&["router", "mlp.gate.", "mlp.gate/"]) {
        WeightKind::Router
    } else if has(&["self_attn", "attention"]) {
        WeightKind::Attention
    } else if has(&["embed_tokens"]) {
        WeightKind::Embeddings
    } else if has(&["lm_head"]) {
        WeightKind::Head
    } else if has(&["mlp", "feed_forward"]) {
        WeightKind::FeedForward
    } else {
        WeightKind::Other
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::engine::ModelFolder;
    use crate::engine::openvino::ActiveWeights;

    #[test]
    fn the_shipped_model_has_its_experts_in_int4_and_all_else_in_int8() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/tiny-gpt-oss");
        let folder = ModelFolder::open(&shipped).unwrap();
        let graph = Graph::read(&folder).unwrap();
        let kinds = KindOfWeight::all_of(&graph, folder.config()).unwrap();
        let of = |kind| kinds.iter().find(|found| found.kind == kind).unwrap();
        for (kind, precision) in [
            (WeightKind::Experts, "i4"),
            (WeightKind::Router, "u8"),
            (WeightKind::Attention, "u8"),
            (WeightKind::Embeddings, "u8"),
            (WeightKind::Head, "u8"),
            (WeightKind::Norms, "f32"),
        ] {
            assert_eq!(of(kind).precision, precision, "{kind:?}");
        }
        // From config.json, layer by layer: q, k, v and o with a zero point of a byte and a scale of two for
        // each row, and biases and sinks in f32.
        let (layers, hidden, query, key) = (24, 64, 1024, 512);
        let rows = query + 2 * key + hidden;
        let projections = hidden * query * 2 + hidden * key * 2 + rows * 3;
        let attention = &of(WeightKind::Attention).bytes_by_element_type;
        assert_eq!(attention["u8"] + attention["f16"], layers * projections);
        // The table of 672 tokens, twice: looked up, and as the head.
        assert_eq!(of(WeightKind::Embeddings).size_bytes, 672 * (hidden + 3));
        assert_eq!(of(WeightKind::Head).size_bytes, 672 * (hidden + 3));
        let weights = ActiveWeights::of(&graph, folder.config()).unwrap();
        assert_eq!(of(WeightKind::Experts).size_bytes, weights.expert_bytes);
        assert_eq!(kinds.iter().map(|kind| kind.size_bytes).sum::<u64>(), weights.total_bytes);
        assert!(of(WeightKind::Other).size_bytes < 20_000, "much is not recognised by its name");
    }
}
