//! What a graph says of the model beside what running it needs: what a token adds to the KV cache, and how
//! the model was made.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

use crate::engine::openvino::Graph;
use crate::engine::openvino::graph::{attribute, data};
use crate::error::{Error, Result};

/// The dimensions of a state that vary: the batch and the length.
const VARYING: usize = 2;

/// What a graph says of its model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anatomy {
    /// Values that one token adds to all KV states; None where a state does not say its shape.
    pub kv_values_per_token: Option<u64>,
    /// What the tools that made the model noted in it, as in `nncf.weight_compression.mode`.
    pub made_by: BTreeMap<String, String>,
}

impl Anatomy {
    /// Reads it from a graph.
    ///
    /// # Errors
    /// A graph that is no XML.
    pub fn of(graph: &Graph) -> Result<Self> {
        let document = Document::parse(&graph.xml)
            .map_err(|cause| Error::input(format!("the graph is not XML ({cause})")))?;
        let root = document.root_element();
        let states = root.descendants().filter(|node| node.attribute("type") == Some("ReadValue"));
        let values: Option<Vec<u64>> = states.map(values_per_token).collect();
        let mut made_by = BTreeMap::new();
        // The model's own notes stand last; those before are of its layers.
        if let Some(notes) = root.children().rfind(|node| node.has_tag_name("rt_info")) {
            collect(notes, "", &mut made_by);
        }
        Ok(Self { kv_values_per_token: values.map(|values| values.iter().sum()), made_by })
    }
}

/// What a token adds to a state: the product of the dimensions that do not vary.
fn values_per_token(state: Node) -> Option<u64> {
    let dimensions: Vec<&str> = data(state, "variable_shape")?.split(',').map(str::trim).collect();
    let fixed: Vec<u64> = dimensions.iter().filter_map(|dimension| dimension.parse().ok()).collect();
    (dimensions.len() == fixed.len() + VARYING).then(|| fixed.iter().product())
}

/// Every note with a value, by the names of those around it.
fn collect(notes: Node, around: &str, found: &mut BTreeMap<String, String>) {
    for note in notes.children().filter(Node::is_element) {
        let name = note.tag_name().name();
        let path = if around.is_empty() { name.to_owned() } else { format!("{around}.{name}") };
        // One that is called `info` has its name beside its value, and is there again under that.
        if let Some(value) = note.attribute("value").filter(|_| attribute(note, "name").is_empty()) {
            found.insert(path.clone(), value.to_owned());
        }
        collect(note, &path, found);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::engine::ModelFolder;

    #[test]
    fn the_shipped_model_says_what_a_token_adds_and_how_it_was_made() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/tiny-gpt-oss");
        let graph = Graph::read(&ModelFolder::open(&shipped).unwrap()).unwrap();
        let anatomy = Anatomy::of(&graph).unwrap();
        // Keys and values of 24 layers, 8 heads of 64.
        assert_eq!(anatomy.kv_values_per_token, Some(2 * 24 * 8 * 64));
        assert_eq!(anatomy.made_by["nncf.weight_compression.mode"], "int8_asym");
        assert_eq!(anatomy.made_by["optimum.transformers_version"], "4.57.6");
        assert!(anatomy.made_by.keys().all(|key| key != "info"));
    }
}
