//! What a decoded token must read of the weights: the lower bound that the roofline rests on.
//!
//! Of each layer's experts the router takes k of n, so that k/n of their constants count. A table
//! that is only looked up, such as the token embedding, counts one row. All else counts whole, and
//! once, however many layers share it. What is not understood is refused: a wrong bound would be
//! worse than none.

use std::collections::BTreeMap;

use roxmltree::Document;
use serde::{Deserialize, Serialize};

use crate::engine::ModelConfig;
use crate::engine::openvino::Graph;
use crate::engine::openvino::weights::flow::Flow;
use crate::engine::openvino::weights::reading::{Experts, Reading, reading};
use crate::error::{Error, Result};

mod flow;
mod kinds;
mod reading;

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
    /// Counts the weights of a graph; the config tells how many experts there are and how many of
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

#[cfg(test)]
mod tests;
