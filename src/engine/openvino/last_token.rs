//! Computes the logits of the last position only.
//!
//! A prompt of n tokens makes n rows of logits, and greedy decoding needs the last. A `Gather` of
//! the last position before the LM head spares the rest (for a vocabulary of 201,088, 804 KB and a
//! matrix row a prompt token). The edit is made in the graph's text; the weights file stays as it
//! is, for the two constants that the `Gather` needs point at equal bytes that it holds already.

use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::engine::openvino::graph::{Graph, LmHead};
use crate::error::{Error, Result};
use crate::files::{self, FileKind};

/// The graph's text with the edit.
///
/// `Ok(Err(reason))` where the graph has no place for it: such a model decodes as well, only with a
/// slower prefill.
///
/// # Errors
/// When the weights cannot be read.
pub fn last_token_only(graph: &Graph, weights: &Path) -> Result<Result<String, &'static str>> {
    let Some(head) = &graph.head else {
        return Ok(Err("the LM head was not recognised in the graph"));
    };
    let file = files::open(weights, FileKind::Large)?;
    let mut last = None;
    let mut axis = None;
    for &offset in &head.scalar_offsets {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, offset)
            .map_err(|cause| Error::io("read", weights, &cause).as_input())?;
        match i64::from_le_bytes(bytes) {
            -1 => last = last.or(Some(offset)),
            1 => axis = axis.or(Some(offset)),
            _ => {}
        }
    }
    let (Some(last), Some(axis)) = (last, axis) else {
        return Ok(Err("the weights hold no constants -1 and 1 to point at"));
    };
    let mut xml = graph.xml.clone();
    // The later place first, so that the earlier one does not move.
    xml.replace_range(head.edge.clone(), &edges(head));
    xml.insert_str(head.layers_end, &layers(head, last, axis));
    Ok(Ok(xml))
}

fn layers(head: &LmHead, last: u64, axis: u64) -> String {
    let LmHead { width, precision, free_layer, .. } = head;
    let (index, axis_layer, gather) = (free_layer, free_layer + 1, free_layer + 2);
    format!(
        r#"<layer id="{index}" name="last_token/index" type="Const" version="opset1">
<data element_type="i64" shape="1" offset="{last}" size="8" />
<output><port id="0" precision="I64"><dim>1</dim></port></output>
</layer>
<layer id="{axis_layer}" name="last_token/axis" type="Const" version="opset1">
<data element_type="i64" shape="" offset="{axis}" size="8" />
<output><port id="0" precision="I64" /></output>
</layer>
<layer id="{gather}" name="last_token" type="Gather" version="opset8">
<data batch_dims="0" />
<input>
<port id="0" precision="{precision}"><dim>-1</dim><dim>-1</dim><dim>{width}</dim></port>
<port id="1" precision="I64"><dim>1</dim></port>
<port id="2" precision="I64" />
</input>
<output><port id="3" precision="{precision}"><dim>-1</dim><dim>1</dim><dim>{width}</dim></port></output>
</layer>
"#
    )
}

fn edges(head: &LmHead) -> String {
    let LmHead { layer, from_layer, from_port, free_layer, .. } = head;
    let (index, axis, gather) = (free_layer, free_layer + 1, free_layer + 2);
    format!(
        r#"<edge from-layer="{from_layer}" from-port="{from_port}" to-layer="{gather}" to-port="0" />
<edge from-layer="{index}" from-port="0" to-layer="{gather}" to-port="1" />
<edge from-layer="{axis}" from-port="0" to-layer="{gather}" to-port="2" />
<edge from-layer="{gather}" from-port="3" to-layer="{layer}" to-port="0" />"#
    )
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::engine::openvino::graph::tests::decoder;

    #[test]
    fn the_head_reads_the_last_position_and_nothing_else_moves() {
        let (graph, folder) = decoder();
        let edited = last_token_only(&graph, &folder.path().join("openvino_model.bin")).unwrap().unwrap();
        let document = Document::parse(&edited).unwrap();
        let edge = |to: &str, port: &str| {
            let mut edges = document.descendants().filter(|node| {
                node.attribute("to-layer") == Some(to) && node.attribute("to-port") == Some(port)
            });
            let from = edges.next().unwrap().attribute("from-layer").unwrap();
            assert!(edges.next().is_none(), "two edges into port {port} of layer {to}");
            from
        };
        assert_eq!(edge("8", "0"), "13", "the head reads the gather");
        assert_eq!([edge("13", "0"), edge("13", "1"), edge("13", "2")], ["4", "11", "12"]);
        let layers = document.descendants().filter(|node| node.has_tag_name("layer"));
        assert_eq!(layers.count(), 11 + 3);
        let offset = |name: &str| {
            let layer = document.descendants().find(|node| node.attribute("name") == Some(name)).unwrap();
            layer.descendants().find_map(|node| node.attribute("offset")).unwrap()
        };
        assert_eq!((offset("last_token/index"), offset("last_token/axis")), ("0", "8"));
    }

    #[test]
    fn a_graph_without_a_place_for_the_edit_is_left_as_it_is_and_says_why() {
        let (mut graph, folder) = decoder();
        let weights = folder.path().join("openvino_model.bin");
        std::fs::write(&weights, [0; 52]).unwrap();
        assert!(last_token_only(&graph, &weights).unwrap().unwrap_err().contains("-1 and 1"));
        graph.head = None;
        assert!(last_token_only(&graph, &weights).unwrap().unwrap_err().contains("LM head"));
    }
}
