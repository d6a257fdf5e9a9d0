//! Edits of the graph for KV experiments: the queries as outputs, and TurboQuant before each row enters the cache.
//!
//! Like the edit for the last token these change the graph's text only; the weights file stays as it is. What a quantiser
//! needs (a rotation, the codebooks) are added inputs, set once a request, so that one graph, compiled once, serves any
//! number of bits and any seed.

use std::fmt::Write as _;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use half::f16;
use roxmltree::{Document, Node};

use crate::engine::ModelFolder;
use crate::engine::openvino::Graph;
use crate::engine::openvino::graph::{
    Edges, attribute, data, descendants, number, output_dims, parse_edited,
};
use crate::engine::transform::TransformSpec;
use crate::error::{Error, Result};
use crate::files::{self, FileKind};

/// The inputs that are added: a rotation, and for keys and for values the boundaries and centroids of a codebook.
pub(super) const ROTATION: &str = "arcgauge.kv.rotation";
pub(super) const BOUNDARIES: [&str; 2] = ["arcgauge.kv.keys.boundaries", "arcgauge.kv.values.boundaries"];
pub(super) const CENTROIDS: [&str; 2] = ["arcgauge.kv.keys.centroids", "arcgauge.kv.values.centroids"];

/// What was added to a graph.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Added {
    /// The queries of all layers.
    pub(super) queries: Option<QueryOutputs>,
    /// A quantiser before each row enters the cache, and whether it scales its code back to length one.
    pub(super) norm_correction: Option<bool>,
}

/// Queries as outputs, of layer 0 first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct QueryOutputs {
    pub(super) first_output: usize,
    /// Where the outputs of the attention follow, in the same order.
    pub(super) first_attention: Option<usize>,
    /// For each layer the attention sink of each head; empty where there are none.
    pub(super) sinks: Vec<Vec<f32>>,
}

impl Added {
    pub(super) fn is_any(&self) -> bool {
        self.queries.is_some() || self.norm_correction.is_some()
    }
}

impl Graph {
    /// The graph that a KV transform needs; itself for most of them.
    ///
    /// # Errors
    /// A graph without a place for the edit.
    pub fn for_transform(self, spec: &TransformSpec, folder: &ModelFolder) -> Result<Self> {
        let graph = if spec.needs_queries() { self.with_queries(folder)? } else { self };
        match spec.in_graph() {
            Some(quantiser) => graph.with_quantiser(folder, quantiser.norm_correction),
            None => Ok(graph),
        }
    }

    /// The graph with the queries of each layer as outputs, as they meet the keys.
    ///
    /// # Errors
    /// A graph whose attention is not recognised.
    pub fn with_queries(self, folder: &ModelFolder) -> Result<Self> {
        self.with_outputs(folder, false)
    }

    /// The same with what the attention of each layer gives, so that it can be checked by computation.
    ///
    /// # Errors
    /// A graph whose attention is not recognised.
    pub fn with_attention(self, folder: &ModelFolder) -> Result<Self> {
        self.with_outputs(folder, true)
    }

    fn with_outputs(self, folder: &ModelFolder, with_attention: bool) -> Result<Self> {
        let edited = {
            let document = read(&self.xml)?;
            let network = Network::of(&document);
            let attentions = network.attentions()?;
            let mut edit = Edit::new(&network);
            let mut output = |name: &str, layer: &str, port: &str| {
                let result = edit.layer(name, "Result", "opset1", "", &[RANK_4], None);
                edit.edge(layer, port, &result, 0);
            };
            let mut sinks = Vec::new();
            for (layer, attention) in attentions.iter().enumerate() {
                let edge = network.edge_into(attention, "0")?;
                let (from, port) = (attribute(edge, "from-layer"), attribute(edge, "from-port"));
                output(&format!("arcgauge.kv.queries.{layer}"), from, port);
                sinks.push(network.sinks(attention, folder)?);
            }
            for (layer, attention) in attentions.iter().enumerate().filter(|_| with_attention) {
                let port = descendants(*attention, "output").next();
                let port = port.ok_or_else(|| unknown("an attention has no output"))?;
                let name = format!("arcgauge.kv.attention.{layer}");
                output(&name, attribute(*attention, "id"), attribute(port, "id"));
            }
            let first_output = network.of_type("Result").count();
            let first_attention = with_attention.then_some(first_output + attentions.len());
            let queries = Some(QueryOutputs { first_output, first_attention, sinks });
            (edit.done(&self.xml), Added { queries, ..self.added.clone() })
        };
        parse_edited(edited.0, edited.1)
    }

    /// The graph with a quantiser before each row enters the cache.
    ///
    /// # Errors
    /// A graph whose cache is not recognised.
    pub(super) fn with_quantiser(self, folder: &ModelFolder, norm_correction: bool) -> Result<Self> {
        let edited = {
            let document = read(&self.xml)?;
            let network = Network::of(&document);
            let mut edit = Edit::new(&network);
            let quantiser = Quantiser::begin(&mut edit, &network, folder, norm_correction)?;
            for state in network.of_type("ReadValue") {
                let name = data(*state, "variable_id").unwrap_or_default();
                // `past_key_values.0.valuepresent.0.value` is of values.
                let kind = usize::from(!name.ends_with("key"));
                let edge = network.growth_of(state)?;
                quantiser.insert(&mut edit, edge, kind, name);
            }
            let added = Added { norm_correction: Some(norm_correction), ..self.added.clone() };
            (edit.done(&self.xml), added)
        };
        parse_edited(edited.0, edited.1)
    }
}

fn read(xml: &str) -> Result<Document<'_>> {
    Document::parse(xml).map_err(|cause| Error::input(format!("the graph is not XML ({cause})")))
}

fn unknown(what: &str) -> Error {
    Error::input(format!("the graph cannot be edited for a KV experiment: {what}"))
        .hint("use an arm that works between steps, as `turboquant:k6v4` without `in-graph`, or `none`")
}

const RANK_4: &str = "<dim>-1</dim><dim>-1</dim><dim>-1</dim><dim>-1</dim>";
const RANK_1: &str = "<dim>-1</dim>";

struct Network<'a> {
    layers: Vec<Node<'a, 'a>>,
    edges: Edges<'a>,
    layers_end: usize,
    edges_end: usize,
}

impl<'a> Network<'a> {
    fn of(document: &'a Document<'a>) -> Self {
        let children = |name: &'static str, each: &'static str| {
            let node = document.root_element().children().find(move |node| node.has_tag_name(name));
            let children: Vec<Node> =
                node.iter().flat_map(Node::children).filter(|node| node.has_tag_name(each)).collect();
            let end = node.map_or(0, |node| node.range().end - format!("</{name}>").len());
            (children, end)
        };
        let (layers, layers_end) = children("layers", "layer");
        let (edges, edges_end) = children("edges", "edge");
        Self { layers, edges: Edges(edges), layers_end, edges_end }
    }

    fn of_type(&self, kind: &'static str) -> impl Iterator<Item = &Node<'a, 'a>> {
        self.layers.iter().filter(move |layer| layer.attribute("type") == Some(kind))
    }

    fn by_id(&self, id: &str) -> Result<Node<'a, 'a>> {
        let found = self.layers.iter().find(|layer| layer.attribute("id") == Some(id));
        found.copied().ok_or_else(|| unknown("an edge leads to no layer"))
    }

    fn edge_into(&self, layer: &Node<'a, 'a>, port: &str) -> Result<Node<'a, 'a>> {
        let edge = self.edges.ending_at(attribute(*layer, "id"), port);
        edge.ok_or_else(|| unknown(&format!("`{}` has no input {port}", attribute(*layer, "name"))))
    }

    fn source(&self, layer: &Node<'a, 'a>, port: &str) -> Result<Node<'a, 'a>> {
        self.by_id(attribute(self.edge_into(layer, port)?, "from-layer"))
    }

    /// The attention of each layer, in the order of the layers, which the names of the states say.
    fn attentions(&self) -> Result<Vec<Node<'a, 'a>>> {
        let mut found = Vec::new();
        for attention in self.of_type("ScaledDotProductAttention") {
            let mut above = *attention;
            let mut port = "1";
            // Past what repeats the heads of a group, the concatenation, and the order of the beams.
            while above.attribute("type") != Some("ReadValue") {
                above = self.source(&above, port)?;
                port = "0";
            }
            let name = data(above, "variable_id").unwrap_or_default();
            let digits = name.split('.').find_map(|part| part.parse::<usize>().ok());
            found.push((
                digits.ok_or_else(|| unknown(&format!("the state `{name}` names no layer")))?,
                *attention,
            ));
        }
        found.sort_by_key(|(layer, _)| *layer);
        if found.is_empty() || found.iter().enumerate().any(|(index, (layer, _))| index != *layer) {
            return Err(unknown("the attention of its layers was not recognised"));
        }
        Ok(found.into_iter().map(|(_, attention)| attention).collect())
    }

    /// The sinks of an attention, where it has a sixth input.
    fn sinks(&self, attention: &Node<'a, 'a>, folder: &ModelFolder) -> Result<Vec<f32>> {
        let Ok(mut constant) = self.source(attention, "5") else { return Ok(Vec::new()) };
        if constant.attribute("type") == Some("Convert") {
            constant = self.source(&constant, "0")?;
        }
        let place = number(constant, "offset").zip(number(constant, "size"));
        let (offset, size) = place.ok_or_else(|| unknown("its attention sinks are no constants"))?;
        let bytes = weights_at(folder, offset, size)?;
        match data(constant, "element_type") {
            Some("f32") => Ok(bytes.as_chunks().0.iter().map(|it| f32::from_le_bytes(*it)).collect()),
            Some("f16") => {
                Ok(bytes.as_chunks().0.iter().map(|it| f16::from_le_bytes(*it).to_f32()).collect())
            }
            other => Err(unknown(&format!("its attention sinks are `{}`", other.unwrap_or_default()))),
        }
    }

    /// The edge by which new rows come to a state.
    fn growth_of(&self, state: &Node<'a, 'a>) -> Result<Node<'a, 'a>> {
        let following = |layer: &Node<'_, '_>, kind: &str| {
            let id = attribute(*layer, "id");
            let edges =
                self.edges.0.iter().filter(|edge| {
                    attribute(**edge, "from-layer") == id && attribute(**edge, "to-port") == "0"
                });
            let mut layers = edges.filter_map(|edge| self.by_id(attribute(*edge, "to-layer")).ok());
            layers.find(|layer| layer.attribute("type") == Some(kind))
        };
        // Past the order of the beams, where there is one.
        let ordered = following(state, "Gather");
        if let Some(grown) = following(ordered.as_ref().unwrap_or(state), "Concat") {
            return self.edge_into(&grown, "1");
        }
        let name = data(*state, "variable_id").unwrap_or_default();
        Err(unknown(&format!("what grows the state `{name}` was not recognised")))
    }
}

fn weights_at(folder: &ModelFolder, offset: u64, size: u64) -> Result<Vec<u8>> {
    let weights = folder.weights();
    let mut file = files::open(&weights, FileKind::Large)?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))
        .and_then(|_| file.take(size).read_to_end(&mut bytes))
        .map_err(|cause| Error::io("read", &weights, &cause).as_input())?;
    Ok(bytes)
}

/// Layers and edges that are added, and edges that are replaced.
struct Edit {
    free_layer: u64,
    layers: String,
    edges: String,
    replaced: Vec<(Range<usize>, String)>,
    layers_end: usize,
    edges_end: usize,
}

impl Edit {
    fn new(network: &Network) -> Self {
        let numbers = network.layers.iter().filter_map(|layer| attribute(*layer, "id").parse::<u64>().ok());
        Self {
            free_layer: numbers.max().map_or(0, |last| last + 1),
            layers: String::new(),
            edges: String::new(),
            replaced: Vec::new(),
            layers_end: network.layers_end,
            edges_end: network.edges_end,
        }
    }

    /// Adds a layer and gives its number; `inputs` are the dimensions of its f32 inputs, `output` precision, attributes
    /// and dimensions of its output, whose port comes after those of the inputs.
    fn layer(
        &mut self,
        name: &str,
        kind: &str,
        version: &str,
        data: &str,
        inputs: &[&str],
        output: Option<(&str, &str)>,
    ) -> String {
        let id = self.free_layer;
        self.free_layer += 1;
        let _ = writeln!(self.layers, r#"<layer id="{id}" name="{name}" type="{kind}" version="{version}">"#);
        if !data.is_empty() {
            let _ = writeln!(self.layers, "<data {data} />");
        }
        if !inputs.is_empty() {
            self.layers.push_str("<input>");
            for (port, dims) in inputs.iter().enumerate() {
                let _ = write!(self.layers, r#"<port id="{port}" precision="FP32">{dims}</port>"#);
            }
            self.layers.push_str("</input>\n");
        }
        if let Some((precision, dims)) = output {
            let port = inputs.len();
            // An input of the model is fed by this name.
            let names = if kind == "Parameter" { format!(r#" names="{name}""#) } else { String::new() };
            let _ = writeln!(
                self.layers,
                r#"<output><port id="{port}" precision="{precision}"{names}>{dims}</port></output>"#
            );
        }
        self.layers.push_str("</layer>\n");
        id.to_string()
    }

    fn edge(&mut self, from: &str, from_port: &str, to: &str, to_port: usize) {
        let _ = writeln!(
            self.edges,
            r#"<edge from-layer="{from}" from-port="{from_port}" to-layer="{to}" to-port="{to_port}" />"#
        );
    }

    fn done(mut self, xml: &str) -> String {
        self.replaced.push((self.layers_end..self.layers_end, self.layers));
        self.replaced.push((self.edges_end..self.edges_end, self.edges));
        // The later place first, so that the earlier ones do not move.
        self.replaced.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
        let mut xml = xml.to_owned();
        for (place, text) in self.replaced {
            xml.replace_range(place, &text);
        }
        xml
    }
}

/// The layers that all quantisers of a graph share.
struct Quantiser {
    rotation: String,
    boundaries: [String; 2],
    centroids: [String; 2],
    last_axis: String,
    first_axis: String,
    norm_correction: bool,
}

impl Quantiser {
    fn begin(
        edit: &mut Edit,
        network: &Network,
        folder: &ModelFolder,
        norm_correction: bool,
    ) -> Result<Self> {
        let state = network.of_type("ReadValue").next().ok_or_else(|| unknown("it has no states"))?;
        let size = output_dims(*state).last().filter(|dim| dim.parse::<u32>().is_ok());
        let size = size.ok_or_else(|| unknown("its states do not say the width of a head"))?;
        let mut parameter = |name: &str, shape: &str, dims: &str| {
            let data = format!(r#"shape="{shape}" element_type="f32""#);
            edit.layer(name, "Parameter", "opset1", &data, &[], Some(("FP32", dims)))
        };
        let rotation =
            parameter(ROTATION, &format!("{size},{size}"), &format!("<dim>{size}</dim><dim>{size}</dim>"));
        let boundaries = BOUNDARIES.map(|name| parameter(name, "?", RANK_1));
        let centroids = CENTROIDS.map(|name| parameter(name, "?", RANK_1));
        let mut axis = |name: &str, value: i64| -> Result<String> {
            let offset = scalar(network, folder, value)?
                .ok_or_else(|| unknown(&format!("its weights hold no constant {value} to point at")))?;
            let data = format!(r#"element_type="i64" shape="" offset="{offset}" size="8""#);
            Ok(edit.layer(name, "Const", "opset1", &data, &[], Some(("I64", ""))))
        };
        let last_axis = axis("arcgauge.kv.last_axis", -1)?;
        let first_axis = axis("arcgauge.kv.first_axis", 0)?;
        Ok(Self { rotation, boundaries, centroids, last_axis, first_axis, norm_correction })
    }

    /// Puts the quantiser of keys (0) or values (1) into an edge.
    fn insert(&self, edit: &mut Edit, edge: Node<'_, '_>, kind: usize, state: &str) {
        let row = (attribute(edge, "from-layer"), attribute(edge, "from-port"));
        let mut add = |name: &str, op: (&str, &str), data: &str, precision: &str, from: &[(&str, &str)]| {
            let name = format!("arcgauge.kv.{state}.{name}");
            let dims: Vec<&str> = from.iter().map(|_| RANK_4).collect();
            let id = edit.layer(&name, op.0, op.1, data, &dims, Some((precision, RANK_4)));
            for (port, (layer, from_port)) in from.iter().enumerate() {
                edit.edge(layer, from_port, &id, port);
            }
            id
        };
        let axis = (self.last_axis.as_str(), "0");
        let matrix = (self.rotation.as_str(), "0");
        let (reduce, divide) = (("ReduceL2", "opset4"), ("Divide", "opset1"));
        let (matmul, convert) = (("MatMul", "opset1"), ("Convert", "opset1"));
        let broadcast = r#"auto_broadcast="numpy""#;
        let norm = add("norm", reduce, r#"keep_dims="true""#, "FP32", &[row, axis]);
        let unit =
            add("unit", divide, &format!(r#"{broadcast} m_pythondiv="true""#), "FP32", &[row, (&norm, "2")]);
        let rotated = add(
            "rotated",
            matmul,
            r#"transpose_a="false" transpose_b="true""#,
            "FP32",
            &[(&unit, "2"), matrix],
        );
        let index = add(
            "index",
            ("Bucketize", "opset3"),
            r#"output_type="i32" with_right_bound="true""#,
            "I32",
            &[(&rotated, "2"), (&self.boundaries[kind], "0")],
        );
        let from = [(self.centroids[kind].as_str(), "0"), (&index, "2"), (&self.first_axis, "0")];
        let mut code = (add("code", ("Gather", "opset8"), r#"batch_dims="0""#, "FP32", &from), "3");
        if self.norm_correction {
            let length = add("length", reduce, r#"keep_dims="true""#, "FP32", &[(&code.0, code.1), axis]);
            let data = format!(r#"{broadcast} m_pythondiv="true""#);
            code = (add("corrected", divide, &data, "FP32", &[(&code.0, code.1), (&length, "2")]), "2");
        }
        let back = add(
            "back",
            matmul,
            r#"transpose_a="false" transpose_b="false""#,
            "FP32",
            &[(&code.0, code.1), matrix],
        );
        let half = add("half", convert, r#"destination_type="f16""#, "FP16", &[(&norm, "2")]);
        let stored = add("stored_norm", convert, r#"destination_type="f32""#, "FP32", &[(&half, "1")]);
        let row = add("row", ("Multiply", "opset1"), broadcast, "FP32", &[(&back, "2"), (&stored, "1")]);
        let (to, port) = (attribute(edge, "to-layer"), attribute(edge, "to-port"));
        let new = format!(r#"<edge from-layer="{row}" from-port="2" to-layer="{to}" to-port="{port}" />"#);
        edit.replaced.push((edge.range(), new));
    }
}

/// Where the weights hold this number.
fn scalar(network: &Network, folder: &ModelFolder, value: i64) -> Result<Option<u64>> {
    for constant in network.of_type("Const") {
        if data(*constant, "element_type") != Some("i64") || data(*constant, "size") != Some("8") {
            continue;
        }
        let Some(offset) = number(*constant, "offset") else { continue };
        if weights_at(folder, offset, 8)? == value.to_le_bytes() {
            return Ok(Some(offset));
        }
    }
    Ok(None)
}
