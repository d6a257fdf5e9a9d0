//! What a layer reads, for one token, of a constant that it uses.

use crate::engine::openvino::weights::flow::{Consumer, Flow};

/// Layers between the tokens and a lookup that change nothing of them.
const PASSED_ON: [&str; 4] = ["Convert", "Reshape", "Unsqueeze", "Squeeze"];
/// Inputs of which each new token brings exactly one element.
const ONE_A_TOKEN: [&str; 2] = ["input_ids", "position_ids"];

/// How a router chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Experts {
    pub(super) all: u64,
    pub(super) of_a_token: u64,
}

/// What a token reads of a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Whole,
    /// The experts that the router took.
    Experts(Experts),
    /// A row of a table of so many.
    Row {
        of: u64,
    },
}

impl Reading {
    /// Bytes read of so many.
    pub(super) fn bytes(self, size_bytes: u64) -> u64 {
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
pub(super) fn reading(flow: &Flow, consumer: Consumer, experts: Option<Experts>) -> Result<Reading, String> {
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
