//! What a decoded token must read of the weights: the lower bound that the roofline rests on.
//!
//! Of each layer's experts the router takes k of n, so that k/n of their constants count. A table
//! that is only looked up, such as the token embedding, counts one row. All else counts whole, and
//! once, however many layers share it. What is not understood is refused: a wrong bound would be
//! worse than none.

mod kinds;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use roxmltree::{Document, Node};
use serde::{Deserialize, Serialize};

use crate::engine::ModelConfig;
use crate::engine::openvino::Graph;
use crate::engine::openvino::graph::{attribute, data, descendants, dims};
use crate::error::{Error, Result};

pub use kinds::{KindOfWeight, WeightKind};

/// The bytes of a model's weights, and how many of them one decoded token must read.
///
/// Bytes are those of the weights file, where a 4-bit weight takes half a byte. The KV cache is not
/// among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveWeights {
    /// All constants of the graph.
    pub total_bytes: u64,
    /// What one token reads at least.
    pub active_bytes_per_token: u64,
    /// All experts together, part of the total.
    pub expert_bytes: u64,
    /// Tables that are only looked up, part of the total.
    pub lookup_bytes: u64,
}

impl ActiveWeights {
    /// Counts the weights of a graph; the config states how many experts there are and how many of
    /// them a token passes through.
    ///
    /// # Errors
    /// A graph or a config that is not understood, with the reason.
    pub fn of(graph: &Graph, config: &ModelConfig) -> Result<Self> {
        read(&graph.xml, config).map_err(|reason| {
            Error::input(format!("the weights that a token reads cannot be counted: {reason}"))
        })
    }
}

/// A constant as the graph describes it, with what is read of it.
struct Constant<'a> {
    name: &'a str,
    element_type: &'a str,
    dimensions: Vec<u64>,
    size_bytes: u64,
    readings: Vec<Reading>,
    /// The layers that use it for each token, by name.
    used_by: Vec<&'a str>,
}

fn read(xml: &str, config: &ModelConfig) -> Result<ActiveWeights, String> {
    let document = Document::parse(xml).map_err(|cause| format!("the graph is not XML ({cause})"))?;
    let flow = Flow::of(&document)?;
    let experts = experts(config)?;
    let mut sum =
        ActiveWeights { total_bytes: 0, active_bytes_per_token: 0, expert_bytes: 0, lookup_bytes: 0 };
    for sharing in by_place(&flow, experts)? {
        let size_bytes = sharing[0].size_bytes;
        let readings = || sharing.iter().flat_map(|constant| &constant.readings);
        let every = |wanted: fn(&Reading) -> bool| readings().next().is_some() && readings().all(wanted);
        sum.total_bytes += size_bytes;
        // Of several readings the one that takes most has the others in it.
        sum.active_bytes_per_token += readings().map(|reading| reading.bytes(size_bytes)).max().unwrap_or(0);
        if every(|reading| matches!(reading, Reading::Experts(_))) {
            sum.expert_bytes += size_bytes;
        } else if every(|reading| matches!(reading, Reading::Row { .. })) {
            sum.lookup_bytes += size_bytes;
        }
    }
    match experts {
        Some(Experts { all, .. }) if sum.expert_bytes == 0 => {
            Err(format!("the config names `{all}` experts, and none of them was found in the graph"))
        }
        _ => Ok(sum),
    }
}

/// The constants of a graph, those together that share their place in the weights file: equal ones do.
fn by_place<'a>(flow: &Flow<'a>, experts: Option<Experts>) -> Result<Vec<Vec<Constant<'a>>>, String> {
    let mut by_offset: BTreeMap<u64, Vec<Constant>> = BTreeMap::new();
    for place in flow.constants() {
        let (offset, constant) = constant(flow, place, experts)?;
        if constant.size_bytes > 0 {
            by_offset.entry(offset).or_default().push(constant);
        }
    }
    let mut end = 0_u64;
    for (offset, sharing) in &by_offset {
        let size_bytes = sharing[0].size_bytes;
        if *offset < end || sharing.iter().any(|constant| constant.size_bytes != size_bytes) {
            return Err(format!("constant `{}` overlaps another", sharing[0].name));
        }
        end = offset.checked_add(size_bytes).ok_or("a constant ends beyond 2^64 bytes")?;
    }
    Ok(by_offset.into_values().collect())
}

/// Experts by whichever of its two names; None in a model without.
fn experts(config: &ModelConfig) -> Result<Option<Experts>, String> {
    let one_of = |a: Option<u64>, b: Option<u64>, names: &str| match (a, b) {
        (Some(a), Some(b)) if a != b => Err(format!("the config's {names} differ: `{a}` and `{b}`")),
        _ => Ok(a.or(b)),
    };
    let all = one_of(config.num_local_experts, config.num_experts, "`num_local_experts` and `num_experts`")?;
    let names = "`num_experts_per_tok` and `experts_per_token`";
    let of_a_token = one_of(config.num_experts_per_tok, config.experts_per_token, names)?;
    match (all, of_a_token) {
        (None | Some(0 | 1), _) => Ok(None),
        (Some(all), Some(of_a_token)) if (1..=all).contains(&of_a_token) => {
            Ok(Some(Experts { all, of_a_token }))
        }
        (Some(all), Some(taken)) => Err(format!("a token cannot pass through `{taken}` of `{all}` experts")),
        (Some(all), None) => {
            Err(format!("the config names `{all}` experts, and not how many a token passes through"))
        }
    }
}

fn constant<'a>(
    flow: &Flow<'a>,
    place: usize,
    experts: Option<Experts>,
) -> Result<(u64, Constant<'a>), String> {
    let name = flow.name(place);
    let unclear = |fact: &str| format!("constant `{name}` has no `{fact}` that could be read");
    let number = |fact: &str| {
        flow.fact(place, fact).and_then(|value| value.parse::<u64>().ok()).ok_or_else(|| unclear(fact))
    };
    let shape = flow.fact(place, "shape").ok_or_else(|| unclear("shape"))?;
    let words = shape.split(',').map(str::trim).filter(|word| !word.is_empty());
    let dimensions = words.map(str::parse).collect::<Result<Vec<u64>, _>>().map_err(|_| unclear("shape"))?;
    let mut constant = Constant {
        name,
        element_type: flow.fact(place, "element_type").ok_or_else(|| unclear("element_type"))?,
        dimensions,
        size_bytes: number("size")?,
        readings: Vec::new(),
        used_by: Vec::new(),
    };
    for consumer in flow.consumers(place) {
        constant.readings.push(constant.share_in(reading(flow, consumer, experts)?)?);
        constant.used_by.push(flow.name(consumer.layer));
    }
    Ok((number("offset")?, constant))
}

impl Constant<'_> {
    /// What a constant itself contributes to what a token reads of the value made with it. One without
    /// an entry for each expert or row belongs to all of them: a shape to bring them into, a scale.
    fn share_in(&self, reading: Reading) -> Result<Reading, String> {
        let entries = match reading {
            Reading::Whole => return Ok(reading),
            Reading::Experts(experts) => experts.all,
            Reading::Row { of } => of,
        };
        let is_argument = matches!(self.element_type, "i32" | "i64");
        match self.dimensions.first() {
            Some(first) if *first == entries => Ok(reading),
            None | Some(1) => Ok(Reading::Whole),
            Some(_) if is_argument => Ok(Reading::Whole),
            Some(first) => {
                Err(format!("constant `{}` has `{first}` entries where there should be {entries}", self.name))
            }
        }
    }
}

/// Their output is not settled by their inputs.
const STATEFUL: [&str; 2] = ["ReadValue", "RandomUniform"];
/// They hold a graph of their own.
const BODIES: [&str; 3] = ["body", "then_body", "else_body"];

/// The layers of a graph and what flows between them.
struct Flow<'a> {
    layers: Vec<Node<'a, 'a>>,
    /// Edges into each layer.
    into: Vec<Vec<Edge<'a>>>,
    /// Edges out of each layer.
    out_of: Vec<Vec<Edge<'a>>>,
    /// Whether a layer is a constant or computed from constants alone.
    is_constant: Vec<bool>,
}

#[derive(Debug, Clone, Copy)]
struct Edge<'a> {
    from: usize,
    to: usize,
    to_port: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Consumer<'a> {
    /// The layer's place in the list of layers.
    layer: usize,
    port: &'a str,
}

impl<'a> Flow<'a> {
    /// Follows the constants; a reason where that cannot be done.
    fn of(document: &'a Document<'a>) -> Result<Self, String> {
        let children = |name: &'static str, kind: &'static str| {
            let list = document.root_element().children().filter(move |node| node.has_tag_name(name));
            list.flat_map(|node| node.children()).filter(move |node| node.has_tag_name(kind))
        };
        let layers: Vec<Node> = children("layers", "layer").collect();
        let has_body = |layer: &&Node| layer.children().any(|node| BODIES.contains(&node.tag_name().name()));
        if let Some(layer) = layers.iter().find(has_body) {
            return Err(format!("layer `{}` has a graph of its own", attribute(*layer, "name")));
        }
        let places: HashMap<&str, usize> =
            layers.iter().enumerate().map(|(place, layer)| (attribute(*layer, "id"), place)).collect();
        let place = |id: &str| {
            places.get(id).copied().ok_or_else(|| format!("an edge names layer `{id}`, which is not there"))
        };
        let mut into = vec![Vec::new(); layers.len()];
        let mut out_of = vec![Vec::new(); layers.len()];
        for node in children("edges", "edge") {
            let (from, to) = (place(attribute(node, "from-layer"))?, place(attribute(node, "to-layer"))?);
            let edge = Edge { from, to, to_port: attribute(node, "to-port") };
            into[to].push(edge);
            out_of[from].push(edge);
        }
        let is_constant = computed_once(&layers, &into, &out_of);
        Ok(Self { layers, into, out_of, is_constant })
    }

    fn constants(&self) -> impl Iterator<Item = usize> {
        (0..self.layers.len()).filter(|place| self.kind(*place) == "Const")
    }

    /// Who uses a constant for each token.
    fn consumers(&self, constant: usize) -> HashSet<Consumer<'a>> {
        let mut consumers = HashSet::new();
        let mut seen = HashSet::from([constant]);
        let mut ahead = vec![constant];
        while let Some(place) = ahead.pop() {
            for edge in &self.out_of[place] {
                if !self.is_constant[edge.to] {
                    consumers.insert(Consumer { layer: edge.to, port: edge.to_port });
                } else if seen.insert(edge.to) {
                    ahead.push(edge.to);
                }
            }
        }
        consumers
    }

    fn source(&self, layer: usize, port: &str) -> Option<usize> {
        self.into[layer].iter().find(|edge| edge.to_port == port).map(|edge| edge.from)
    }

    fn is_constant(&self, layer: usize) -> bool {
        self.is_constant[layer]
    }

    fn kind(&self, layer: usize) -> &'a str {
        attribute(self.layers[layer], "type")
    }

    fn name(&self, layer: usize) -> &'a str {
        attribute(self.layers[layer], "name")
    }

    fn fact(&self, layer: usize, name: &str) -> Option<&'a str> {
        data(self.layers[layer], name)
    }

    /// Dimensions at an input or output port, as they are written: `-1` is one that varies.
    fn dimensions(&self, layer: usize, side: &'static str, port: &str) -> Vec<&'a str> {
        let mut ports = descendants(self.layers[layer], side);
        ports.find(|found| attribute(*found, "id") == port).map_or_else(Vec::new, |port| dims(port).collect())
    }
}

/// Which layers are constants or computed from constants alone.
fn computed_once(layers: &[Node], into: &[Vec<Edge>], out_of: &[Vec<Edge>]) -> Vec<bool> {
    let kind = |place: usize| attribute(layers[place], "type");
    let mut waits_for: Vec<usize> = into.iter().map(Vec::len).collect();
    let mut is_constant = vec![false; layers.len()];
    let mut settled: Vec<usize> = (0..layers.len()).filter(|place| kind(*place) == "Const").collect();
    while let Some(place) = settled.pop() {
        is_constant[place] = true;
        for edge in &out_of[place] {
            waits_for[edge.to] -= 1;
            if waits_for[edge.to] == 0 && !STATEFUL.contains(&kind(edge.to)) {
                settled.push(edge.to);
            }
        }
    }
    is_constant
}

/// Layers between the tokens and a lookup that change nothing of them.
const PASSED_ON: [&str; 4] = ["Convert", "Reshape", "Unsqueeze", "Squeeze"];
/// Inputs of which each new token brings exactly one element.
const ONE_A_TOKEN: [&str; 2] = ["input_ids", "position_ids"];

/// How a router chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Experts {
    all: u64,
    of_a_token: u64,
}

/// What a token reads of a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Whole,
    /// The experts that the router took.
    Experts(Experts),
    /// A row of a table of so many.
    Row {
        of: u64,
    },
}

impl Reading {
    fn bytes(self, size_bytes: u64) -> u64 {
        let (taken, all) = match self {
            Self::Whole => (1, 1),
            Self::Experts(Experts { of_a_token, all }) => (of_a_token, all),
            Self::Row { of } => (1, of),
        };
        // As u128, for the product may be beyond 2^64; the quotient is at most the size.
        let bytes = (u128::from(size_bytes) * u128::from(taken)).div_ceil(u128::from(all.max(1)));
        u64::try_from(bytes).unwrap_or(size_bytes)
    }
}

/// What a layer reads, for one token, of the constant that comes in at its port.
fn reading(flow: &Flow, consumer: Consumer, experts: Option<Experts>) -> Result<Reading, String> {
    let Consumer { layer, port } = consumer;
    let dimensions = flow.dimensions(layer, "input", port);
    let of_each_expert = one_of_each(&dimensions, experts);
    match (flow.kind(layer), of_each_expert) {
        ("MatMul", Some(experts)) => Ok(Reading::Experts(experts)),
        ("MatMul", None) => one_matrix(flow, layer, &dimensions),
        ("Add", Some(experts)) if is_bias(flow, consumer, experts) => Ok(Reading::Experts(experts)),
        (_, Some(_)) => Err(format!(
            "layer `{}` uses something of each expert in a way that is not known",
            flow.name(layer)
        )),
        ("Gather", None) if port == "0" && dimensions.len() > 1 => lookup(flow, layer, &dimensions),
        _ => Ok(Reading::Whole),
    }
}

/// One row, if the table's rows are chosen by the token or its position.
fn lookup(flow: &Flow, layer: usize, table: &[&str]) -> Result<Reading, String> {
    let indices = flow.dimensions(layer, "input", "1");
    let one_each = indices.iter().all(|dimension| ["-1", "1"].contains(dimension));
    let mut from = flow.source(layer, "1");
    while let Some(above) = from.filter(|above| PASSED_ON.contains(&flow.kind(*above))) {
        from = flow.source(above, "0");
    }
    let by_token = from.is_some_and(|from| ONE_A_TOKEN.contains(&flow.name(from)));
    // Rows: the table's first dimension gives way to those of the indices.
    let rows = [&indices[..], &table[1..]].concat();
    let outputs = flow.dimensions(layer, "output", "3");
    match table[0].parse() {
        Ok(of) if one_each && by_token && outputs == rows => Ok(Reading::Row { of }),
        _ => Err(format!("layer `{}` looks up a table in a way that is not known", flow.name(layer))),
    }
}

/// A stack of matrices would be one an expert, but of how many experts is not known.
fn one_matrix(flow: &Flow, layer: usize, dimensions: &[&str]) -> Result<Reading, String> {
    let stack = &dimensions[..dimensions.len().saturating_sub(2)];
    if dimensions.is_empty() {
        return Err(format!("layer `{}` does not state the shape that it multiplies by", flow.name(layer)));
    }
    if stack.iter().all(|dimension| *dimension == "1") {
        return Ok(Reading::Whole);
    }
    Err(format!(
        "layer `{}` multiplies by `{}` matrices, which are not the experts that the config names",
        flow.name(layer),
        stack.join(" x ")
    ))
}

/// Whether the other summand is the product with the experts' matrices.
fn is_bias(flow: &Flow, consumer: Consumer, experts: Experts) -> bool {
    let other = flow.source(consumer.layer, if consumer.port == "0" { "1" } else { "0" });
    let by_experts = |layer: usize, port: &str| {
        flow.source(layer, port).is_some_and(|source| flow.is_constant(source))
            && one_of_each(&flow.dimensions(layer, "input", port), Some(experts)).is_some()
    };
    other.is_some_and(|layer| {
        flow.kind(layer) == "MatMul" && (by_experts(layer, "0") || by_experts(layer, "1"))
    })
}

/// The experts, if these are three dimensions of which the first counts them.
fn one_of_each(dimensions: &[&str], experts: Option<Experts>) -> Option<Experts> {
    let [first, _, _] = dimensions else { return None };
    experts.filter(|experts| first.parse() == Ok(experts.all))
}
