//! Reads the model's graph (`openvino_model.xml`) without loading it: enough to refuse a model that
//! cannot be decoded statefully, before minutes of compiling, and to find the LM head.

use std::fs;
use std::ops::Range;

use roxmltree::{Document, Node};

use crate::engine::ModelFolder;
use crate::error::{Error, Result};

/// The inputs of a stateful decoder.
const INPUTS: [&str; 4] = ["attention_mask", "beam_idx", "input_ids", "position_ids"];

/// A graph's text and what was read from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    pub(super) xml: String,
    /// Names of the states, sorted.
    pub state_names: Vec<String>,
    /// Index of the output that has the logits.
    pub(super) logits_output: usize,
    /// Length of a row of logits, where the graph states it.
    pub(super) vocabulary_size: Option<usize>,
    /// The LM head, where it was recognised.
    pub(super) head: Option<LmHead>,
}

/// The matrix multiplication that makes logits from hidden states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LmHead {
    /// The head's layer.
    pub layer: String,
    /// The layer and port that its hidden state comes from.
    pub from_layer: String,
    pub from_port: String,
    /// Where the edge between the two stands in the text.
    pub edge: Range<usize>,
    /// Width of the hidden state.
    pub width: String,
    /// Precision of the hidden state, as the ports name it.
    pub precision: String,
    /// Constants of one i64 in the weights file, by offset.
    pub scalar_offsets: Vec<u64>,
    /// The first layer number that is free.
    pub free_layer: u64,
    /// Where the list of layers ends in the text.
    pub layers_end: usize,
}

impl Graph {
    /// Reads the graph of a model folder and checks it against the weights' length.
    ///
    /// # Errors
    /// A graph that is no XML, is not stateful, or wants more weights than there are.
    pub fn read(folder: &ModelFolder) -> Result<Self> {
        let path = folder.graph();
        let xml = fs::read_to_string(&path).map_err(|cause| Error::io("read", &path, &cause).as_input())?;
        let graph = parse(&xml).map_err(|fault| {
            Error::input(format!("`{}` cannot be used: {fault}", path.display())).hint(fault.hint())
        })?;
        let weights = folder.weights();
        let found = fs::metadata(&weights).map_err(|cause| Error::io("read", &weights, &cause).as_input())?;
        if found.len() < graph.weights_bytes {
            return Err(Error::input(format!(
                "`{}` is truncated: it has {} bytes, the graph needs {}",
                weights.display(),
                found.len(),
                graph.weights_bytes
            ))
            .hint("fetch the model again"));
        }
        Ok(Self {
            state_names: graph.state_names,
            logits_output: graph.logits_output,
            vocabulary_size: graph.vocabulary_size,
            head: graph.head,
            xml,
        })
    }
}

struct Parsed {
    state_names: Vec<String>,
    logits_output: usize,
    vocabulary_size: Option<usize>,
    head: Option<LmHead>,
    weights_bytes: u64,
}

/// Why a graph cannot be used.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    NotXml(String),
    NoGraph,
    NotStateful,
    Inputs(String),
    NoLogits,
}

impl Fault {
    fn hint(&self) -> &'static str {
        match self {
            Self::NotXml(_) | Self::NoGraph => "fetch the model again",
            Self::NotStateful | Self::Inputs(_) | Self::NoLogits => {
                "export it as a stateful text generator: `optimum-cli export openvino --task text-generation-with-past`"
            }
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotXml(cause) => write!(f, "it is not XML ({cause})"),
            Self::NoGraph => f.write_str("it has no layers and edges, so it is not an OpenVINO graph"),
            Self::NotStateful => f.write_str("the model is not stateful (it has no states for a KV cache)"),
            Self::Inputs(found) => {
                write!(f, "its inputs are {found}; a stateful decoder has `{}`", INPUTS.join("`, `"))
            }
            Self::NoLogits => f.write_str("it has no output called `logits`"),
        }
    }
}

fn parse(xml: &str) -> Result<Parsed, Fault> {
    let document = Document::parse(xml).map_err(|cause| Fault::NotXml(cause.to_string()))?;
    let child = |name: &str| document.root_element().children().find(|node| node.has_tag_name(name));
    let (layers_node, edges_node) = child("layers").zip(child("edges")).ok_or(Fault::NoGraph)?;
    let layers: Vec<Node> = layers_node.children().filter(|node| node.has_tag_name("layer")).collect();
    let of_type =
        |kind: &'static str| layers.iter().filter(move |layer| layer.attribute("type") == Some(kind));

    let mut state_names: Vec<String> =
        of_type("ReadValue").filter_map(|layer| data(*layer, "variable_id")).map(str::to_owned).collect();
    state_names.sort();
    if state_names.is_empty() {
        return Err(Fault::NotStateful);
    }
    let mut inputs: Vec<&str> = of_type("Parameter").filter_map(|layer| layer.attribute("name")).collect();
    inputs.sort_unstable();
    if inputs != INPUTS {
        return Err(Fault::Inputs(format!("`{}`", inputs.join("`, `"))));
    }

    let edges = Edges(edges_node.children().filter(|node| node.has_tag_name("edge")).collect());
    let by_id = |id: &str| layers.iter().copied().find(|layer| layer.attribute("id") == Some(id));
    let results: Vec<Node> = of_type("Result").copied().collect();
    let (logits_output, source) = results
        .iter()
        .enumerate()
        .filter_map(|(index, result)| Some((index, edges.ending_at(attribute(*result, "id"), "0")?)))
        .find(|(_, edge)| {
            let from = by_id(attribute(*edge, "from-layer"));
            from.is_some_and(|layer| names_of_outputs(layer).any(|name| name == "logits"))
        })
        .ok_or(Fault::NoLogits)?;
    let made_by = by_id(attribute(source, "from-layer")).ok_or(Fault::NoLogits)?;
    let vocabulary_size = output_dims(made_by).last().and_then(|dim| dim.parse().ok());

    let constants = || of_type("Const");
    let extent = |layer: &Node| Some(number(*layer, "offset")? + number(*layer, "size")?);
    let weights_bytes = constants().filter_map(extent).max().unwrap_or(0);
    let scalars = constants()
        .filter(|layer| data(**layer, "element_type") == Some("i64") && data(**layer, "size") == Some("8"));
    let scalar_offsets = scalars.filter_map(|layer| number(*layer, "offset")).collect();
    let numbers = layers.iter().filter_map(|layer| attribute(*layer, "id").parse::<u64>().ok());
    let head = lm_head(made_by, &edges, &by_id).map(|found| LmHead {
        scalar_offsets,
        free_layer: numbers.max().map_or(0, |last| last + 1),
        layers_end: layers_node.range().end - "</layers>".len(),
        ..found
    });
    Ok(Parsed { state_names, logits_output, vocabulary_size, head, weights_bytes })
}

/// The head and the edge into it, from the layer that makes the logits upwards past conversions.
fn lm_head<'a>(
    made_by: Node<'a, 'a>,
    edges: &Edges<'a>,
    by_id: &impl Fn(&str) -> Option<Node<'a, 'a>>,
) -> Option<LmHead> {
    let mut head = made_by;
    while head.attribute("type") == Some("Convert") {
        head = by_id(attribute(edges.ending_at(attribute(head, "id"), "0")?, "from-layer"))?;
    }
    if head.attribute("type") != Some("MatMul") {
        return None;
    }
    let edge = edges.ending_at(attribute(head, "id"), "0")?;
    let port = descendants(head, "input").find(|port| port.attribute("id") == Some("0"))?;
    let dims: Vec<&str> = dims(port).collect();
    let [_, _, width] = dims[..] else { return None };
    Some(LmHead {
        layer: attribute(head, "id").to_owned(),
        from_layer: attribute(edge, "from-layer").to_owned(),
        from_port: attribute(edge, "from-port").to_owned(),
        edge: edge.range(),
        width: width.to_owned(),
        precision: port.attribute("precision")?.to_owned(),
        scalar_offsets: Vec::new(),
        free_layer: 0,
        layers_end: 0,
    })
}

struct Edges<'a>(Vec<Node<'a, 'a>>);

impl<'a> Edges<'a> {
    fn ending_at(&self, layer: &str, port: &str) -> Option<Node<'a, 'a>> {
        let ends =
            |edge: &&Node| attribute(**edge, "to-layer") == layer && attribute(**edge, "to-port") == port;
        self.0.iter().find(ends).copied()
    }
}

pub(super) fn attribute<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    node.attribute(name).unwrap_or_default()
}

pub(super) fn data<'a>(layer: Node<'a, '_>, name: &str) -> Option<&'a str> {
    layer.children().find(|node| node.has_tag_name("data"))?.attribute(name)
}

pub(super) fn number(layer: Node<'_, '_>, name: &str) -> Option<u64> {
    data(layer, name)?.parse().ok()
}

/// The ports below a layer's `input` or `output`.
pub(super) fn descendants<'a>(layer: Node<'a, 'a>, side: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    layer
        .children()
        .filter(move |node| node.has_tag_name(side))
        .flat_map(|node| node.children().filter(|node| node.has_tag_name("port")))
}

pub(super) fn dims<'a>(port: Node<'a, 'a>) -> impl Iterator<Item = &'a str> {
    port.children().filter(|node| node.has_tag_name("dim")).filter_map(|node| node.text())
}

pub(super) fn output_dims<'a>(layer: Node<'a, 'a>) -> impl Iterator<Item = &'a str> {
    descendants(layer, "output").flat_map(dims)
}

fn names_of_outputs<'a>(layer: Node<'a, 'a>) -> impl Iterator<Item = &'a str> {
    descendants(layer, "output").flat_map(|port| attribute(port, "names").split(','))
}

#[cfg(test)]
pub(super) mod tests;
