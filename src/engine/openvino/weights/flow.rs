//! Where constants go in a graph: past everything that is computed from constants alone (which a
//! device does once, when it compiles) to the layers that use them for each token.

use std::collections::{HashMap, HashSet};

use roxmltree::{Document, Node};

use crate::engine::openvino::graph::{attribute, data, descendants, dims};

/// Their output is not settled by their inputs.
const STATEFUL: [&str; 2] = ["ReadValue", "RandomUniform"];
/// They hold a graph of their own.
const BODIES: [&str; 3] = ["body", "then_body", "else_body"];

/// The layers of a graph and what flows between them.
pub(super) struct Flow<'a> {
    layers: Vec<Node<'a, 'a>>,
    /// Edges into each layer.
    into: Vec<Vec<Edge<'a>>>,
    /// Edges out of each layer.
    out_of: Vec<Vec<Edge<'a>>>,
    /// Whether a layer is a constant or computed from constants alone.
    is_constant: Vec<bool>,
}

/// An edge, by the places of its layers in the list of layers.
#[derive(Debug, Clone, Copy)]
struct Edge<'a> {
    from: usize,
    to: usize,
    to_port: &'a str,
}

/// A layer that uses a constant for each token, and the port at which it comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Consumer<'a> {
    /// The layer's place in the list of layers.
    pub(super) layer: usize,
    pub(super) port: &'a str,
}

impl<'a> Flow<'a> {
    /// Follows the constants; a reason where that cannot be done.
    pub(super) fn of(document: &'a Document<'a>) -> Result<Self, String> {
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

    /// The places of the constants.
    pub(super) fn constants(&self) -> impl Iterator<Item = usize> {
        (0..self.layers.len()).filter(|place| self.kind(*place) == "Const")
    }

    /// Who uses a constant for each token.
    pub(super) fn consumers(&self, constant: usize) -> HashSet<Consumer<'a>> {
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

    /// The layer that feeds a port.
    pub(super) fn source(&self, layer: usize, port: &str) -> Option<usize> {
        self.into[layer].iter().find(|edge| edge.to_port == port).map(|edge| edge.from)
    }

    /// Whether a layer is a constant or computed from constants alone.
    pub(super) fn is_constant(&self, layer: usize) -> bool {
        self.is_constant[layer]
    }

    pub(super) fn kind(&self, layer: usize) -> &'a str {
        attribute(self.layers[layer], "type")
    }

    pub(super) fn name(&self, layer: usize) -> &'a str {
        attribute(self.layers[layer], "name")
    }

    /// A fact of a layer, from its `data`.
    pub(super) fn fact(&self, layer: usize, name: &str) -> Option<&'a str> {
        data(self.layers[layer], name)
    }

    /// Dimensions at an input or output port, as they are written: `-1` is one that varies.
    pub(super) fn dimensions(&self, layer: usize, side: &'static str, port: &str) -> Vec<&'a str> {
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
