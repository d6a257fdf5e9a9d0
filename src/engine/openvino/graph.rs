//! Reads the model's graph (`openvino_model.xml`) without loading it: enough to refuse a model that
//! cannot be decoded statefully, before minutes of compiling, and to find the LM head.

#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;

use roxmltree::{Document, Node};

use crate::engine::ModelFolder;
use crate::engine::openvino::kv_graph::Added;
use crate::error::{Error, Result};
use crate::files::{self, FileKind};

struct Input {
    name: &'static str,
    element_type: &'static str,
    /// A row of the batch for each, but for the beams, which are one.
    dimensions: usize,
}

/// The inputs of a stateful decoder: these and no others are fed.
const INPUTS: [Input; 4] = [
    Input { name: "attention_mask", element_type: "i64", dimensions: 2 },
    Input { name: "beam_idx", element_type: "i32", dimensions: 1 },
    Input { name: "input_ids", element_type: "i64", dimensions: 2 },
    Input { name: "position_ids", element_type: "i64", dimensions: 2 },
];
/// What the logits are read as.
const LOGITS_PRECISION: &str = "FP32";

/// A graph's text and what was read from it.
#[derive(Debug, Clone, PartialEq)]
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
    /// Length of the weights that it needs.
    weights_bytes: u64,
    /// What was added to it for a KV experiment.
    pub(super) added: Added,
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
        let xml = files::read_text(&path, FileKind::Graph)?;
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
        Ok(Self { xml, ..graph })
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Fault {
    NotXml(String),
    NoGraph,
    NotStateful,
    StateShape { name: String, found: String },
    MissingInput(&'static str),
    ExtraInput(String),
    InputType { name: &'static str, found: String, fed: &'static str },
    InputShape { name: &'static str, found: String, fed: usize },
    NoLogits,
    LogitsPrecision(String),
}

impl Fault {
    fn hint(&self) -> &'static str {
        match self {
            Self::NotXml(_) | Self::NoGraph => "fetch the model again",
            Self::NotStateful | Self::NoLogits => {
                "export it as a stateful text generator: `optimum-cli export openvino --task text-generation-with-past`"
            }
            // Another export of such a model has the same inputs.
            _ => {
                "supported are decoders of text with the inputs `input_ids`, `attention_mask` and `position_ids` \
                 (i64, a row each), `beam_idx` (i32) and f32 logits, as of GPT-OSS, Llama, Qwen and Mistral: docs/models.md"
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
            Self::StateShape { name, found } => write!(
                f,
                "its state `{name}` has the shape `{found}`, and a state of a KV cache has four dimensions, the third \
                 of which grows with the tokens: this kind of model is not supported"
            ),
            Self::MissingInput(name) => {
                write!(f, "it has no input `{name}`, so it is of a kind of model that is not supported")
            }
            Self::ExtraInput(name) => {
                write!(f, "it has the input `{name}`, which is not fed: this kind of model is not supported")
            }
            Self::InputType { name, found, fed } => {
                write!(f, "its input `{name}` holds `{found}`, and `{fed}` is fed")
            }
            Self::InputShape { name, found, fed } => {
                write!(f, "its input `{name}` has the shape `{found}`, and {fed} dimensions are fed")
            }
            Self::NoLogits => f.write_str("it has no output called `logits`"),
            Self::LogitsPrecision(found) => {
                write!(f, "its output `logits` holds `{found}`, and `{LOGITS_PRECISION}` is read")
            }
        }
    }
}

/// The graph but for its text.
fn parse(xml: &str) -> Result<Graph, Fault> {
    let fed = |parameters: &[Node<'_, '_>]| check_inputs(parameters);
    parse_with(xml, fed)
}

/// The same of a graph to which inputs were added.
pub(super) fn parse_edited(xml: String, added: Added) -> Result<Graph> {
    let graph = parse_with(&xml, |_| Ok(()));
    let graph = graph.map_err(|fault| Error::harness(format!("the edited graph cannot be used: {fault}")))?;
    Ok(Graph { xml, added, ..graph })
}

fn parse_with(
    xml: &str,
    check_inputs: impl FnOnce(&[Node<'_, '_>]) -> Result<(), Fault>,
) -> Result<Graph, Fault> {
    let document = Document::parse(xml).map_err(|cause| Fault::NotXml(cause.to_string()))?;
    let child = |name: &str| document.root_element().children().find(|node| node.has_tag_name(name));
    let (layers_node, edges_node) = child("layers").zip(child("edges")).ok_or(Fault::NoGraph)?;
    let layers: Vec<Node> = layers_node.children().filter(|node| node.has_tag_name("layer")).collect();
    let of_type =
        |kind: &'static str| layers.iter().filter(move |layer| layer.attribute("type") == Some(kind));

    of_type("ReadValue").try_for_each(|state| check_state(*state))?;
    let mut state_names: Vec<String> =
        of_type("ReadValue").filter_map(|layer| data(*layer, "variable_id")).map(str::to_owned).collect();
    state_names.sort();
    if state_names.is_empty() {
        return Err(Fault::NotStateful);
    }
    check_inputs(&of_type("Parameter").copied().collect::<Vec<_>>())?;

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
    let port =
        descendants(made_by, "output").find(|port| port.attribute("id") == source.attribute("from-port"));
    if let Some(other) =
        port.and_then(|port| port.attribute("precision")).filter(|it| *it != LOGITS_PRECISION)
    {
        return Err(Fault::LogitsPrecision(other.to_owned()));
    }
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
    let added = Added::default();
    Ok(Graph { xml: String::new(), state_names, logits_output, vocabulary_size, head, weights_bytes, added })
}

/// Refuses a state that holds something else than keys or values by the token, as those of convolutions do: the
/// tokens in the cache could not be counted.
fn check_state(state: Node<'_, '_>) -> Result<(), Fault> {
    // `...` is a shape of any number of dimensions.
    let shape = data(state, "variable_shape").filter(|shape| !shape.contains("..."));
    let Some(found) = shape else { return Ok(()) };
    let dimensions: Vec<&str> = found.split(',').map(str::trim).collect();
    if dimensions.len() == 4 && dimensions[2].parse::<u64>().is_err() {
        return Ok(());
    }
    let name = data(state, "variable_id").unwrap_or_default().to_owned();
    Err(Fault::StateShape { name, found: found.to_owned() })
}

/// Refuses inputs that are not those that are fed, in name, type or number of dimensions: the runtime
/// would say so only after minutes of compiling, or not at all.
fn check_inputs(parameters: &[Node<'_, '_>]) -> Result<(), Fault> {
    let is = |parameter: &Node<'_, '_>, name: &str| {
        let mut names = names_of_outputs(*parameter).filter(|name| !name.is_empty()).peekable();
        if names.peek().is_some() {
            names.any(|it| it == name)
        } else {
            attribute(*parameter, "name") == name
        }
    };
    let extra = parameters.iter().find(|parameter| !INPUTS.iter().any(|input| is(parameter, input.name)));
    if let Some(extra) = extra {
        let fed_by = names_of_outputs(*extra).find(|name| !name.is_empty());
        return Err(Fault::ExtraInput(fed_by.unwrap_or(attribute(*extra, "name")).to_owned()));
    }
    for Input { name, element_type, dimensions } in INPUTS {
        let parameter = parameters.iter().find(|parameter| is(parameter, name));
        let parameter = *parameter.ok_or(Fault::MissingInput(name))?;
        if let Some(found) = data(parameter, "element_type").filter(|found| *found != element_type) {
            return Err(Fault::InputType { name, found: found.to_owned(), fed: element_type });
        }
        // `...` is a shape of any number of dimensions.
        let shape = data(parameter, "shape").filter(|shape| !shape.contains("..."));
        if let Some(found) = shape.filter(|shape| shape.split(',').count() != dimensions) {
            return Err(Fault::InputShape { name, found: found.to_owned(), fed: dimensions });
        }
    }
    Ok(())
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

pub(super) struct Edges<'a>(pub(super) Vec<Node<'a, 'a>>);

impl<'a> Edges<'a> {
    pub(super) fn ending_at(&self, layer: &str, port: &str) -> Option<Node<'a, 'a>> {
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
