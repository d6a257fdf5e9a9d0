//! Brings a model onto a device: the graph prepared, properties set, compiled, and read back.
//!
//! Computes the logits of the last position only.
//!
//! A prompt of n tokens makes n rows of logits, and greedy decoding needs the last. A `Gather` of
//! the last position before the LM head spares the rest (for a vocabulary of 201,088, 804 KB and a
//! matrix row a prompt token). The edit is made in the graph's text; the weights file stays as it
//! is, for the two constants that the `Gather` needs point at equal bytes that it holds already.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use openvino::{CompiledModel, DeviceType, PropertyKey};

use crate::engine::ModelFolder;
use crate::engine::openvino::device::READ_BACK;
use crate::engine::openvino::graph::LmHead;
use crate::engine::openvino::{DeviceProof, EffectiveProperties, Graph, Property, ResolvedRuntime, failed};
use crate::error::{Error, Result};
use crate::files::{self, FileKind};

/// Whether the prefill computes the last position's logits only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastTokenOnly {
    /// It does, by an edit of the graph.
    Applied,
    /// It does not, for this reason.
    NotApplied(String),
}

pub(super) struct Compiled {
    pub(super) model: CompiledModel,
    pub(super) proof: DeviceProof,
    pub(super) effective: EffectiveProperties,
    pub(super) loaded_from_cache: Option<bool>,
    pub(super) last_token_only: LastTokenOnly,
}

pub(super) fn compile(
    resolved: &mut ResolvedRuntime,
    folder: &ModelFolder,
    graph: &Graph,
    edited_graph: Option<&Path>,
    compiled_models: Option<&Path>,
) -> Result<Compiled> {
    let (runtime, device, properties) =
        (&mut resolved.runtime, &resolved.choice.target, &resolved.properties);
    for property in properties {
        runtime.set_property(device, property)?;
    }
    if let Some(cache) = compiled_models {
        runtime.set_property(device, &Property::new("CACHE_DIR", text(cache)?))?;
    }
    let original = folder.graph();
    let last_token_only = prepare(folder, graph, edited_graph)?;
    let is_edited = last_token_only == LastTokenOnly::Applied || graph.added.is_any();
    let xml = edited_graph.filter(|_| is_edited).unwrap_or(&original);
    let model = runtime.core.read_model_from_file(text(xml)?, text(&folder.weights())?).map_err(|cause| {
        failed(&format!("read `{}`", original.display()), &cause).as_input().hint("fetch the model again")
    })?;
    let model = runtime.core.compile_model(&model, DeviceType::from(device.as_str())).map_err(|cause| {
        failed(&format!("compile `{}` for `{device}`", original.display()), &cause)
            .hint("run `cargo xtask doctor`")
    })?;
    let effective = read_back(&model, properties);
    let executed = effective.get("EXECUTION_DEVICES").map_or("", String::as_str);
    let proof = DeviceProof::read(executed, device)?;
    let loaded_from_cache = loaded_from_cache(&model);
    Ok(Compiled { model, proof, effective, loaded_from_cache, last_token_only })
}

/// Writes the edited graph, where one is wanted and the graph has a place for the edit.
fn prepare(folder: &ModelFolder, graph: &Graph, edited: Option<&Path>) -> Result<LastTokenOnly> {
    let Some(path) = edited else {
        if graph.added.is_any() {
            return Err(Error::harness("the graph was edited, and there is no place to write it to"));
        }
        return Ok(LastTokenOnly::NotApplied("it was switched off".to_owned()));
    };
    let write = |text: &str| fs::write(path, text).map_err(|cause| Error::io("write", path, &cause));
    match last_token_only(graph, &folder.weights())? {
        Ok(text) => {
            write(&text)?;
            Ok(LastTokenOnly::Applied)
        }
        Err(reason) => {
            if graph.added.is_any() {
                write(&graph.xml)?;
            }
            Ok(LastTokenOnly::NotApplied(reason.to_owned()))
        }
    }
}

fn read_back(compiled: &CompiledModel, requested: &[Property]) -> EffectiveProperties {
    let requested = requested.iter().map(|property| property.key.as_str());
    let mut effective = EffectiveProperties::new();
    for key in READ_BACK.into_iter().chain(requested) {
        let property = PropertyKey::Other(key.to_owned().into());
        if let Ok(value) = compiled.get_property(&property) {
            effective.insert(key.to_owned(), value.into_owned());
        }
    }
    effective
}

/// Whether the compiled model came from `CACHE_DIR`; None where the plugin does not report it.
fn loaded_from_cache(compiled: &CompiledModel) -> Option<bool> {
    let value = compiled.get_property(&PropertyKey::Other("LOADED_FROM_CACHE".into())).ok()?;
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        Error::input(format!("the path `{}` is not UTF-8, which OpenVINO needs", path.display()))
            .hint("move the model to a folder with a plain name")
    })
}

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
    let mut file = files::open(weights, FileKind::Large)?;
    let mut last = None;
    let mut axis = None;
    for &offset in &head.scalar_offsets {
        let mut bytes = [0; 8];
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut bytes))
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
