//! Computes the logits of the last position only.
//!
//! A prompt of n tokens makes n rows of logits, and greedy decoding needs the last. A `Gather` of
//! the last position before the LM head spares the rest (for a vocabulary of 201,088, 804 KB and a
//! matrix row a prompt token). The edit is made in the graph's text; the weights file stays as it
//! is, for the two constants that the `Gather` needs point at equal bytes that it holds already.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::engine::openvino::graph::{Graph, LmHead};
use crate::error::{Error, Result};

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
    let file = File::open(weights).map_err(|cause| Error::io("read", weights, &cause).as_input())?;
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
