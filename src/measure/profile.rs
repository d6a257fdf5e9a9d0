//! Where the time of a decode step goes, by operator. It is measured apart, for profiling makes each inference slower.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::openvino::ProfiledSteps;
use crate::measure::protocol::ProfileCommand;

/// The operators of a decode step at one depth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// After which prompt.
    pub prompt_id: String,
    /// Tokens of the prompt, or those that the KV cache was filled to.
    pub depth_tokens: usize,
    /// Decode steps that the times are the mean of.
    pub steps: usize,
    /// A step on the host's clock, µs: what its operators do not explain is of the host and between them.
    pub wall_us: f64,
    /// The operators by kind and name, those that took most first.
    pub operators: Vec<OperatorTime>,
}

/// Operators of one kind whose names differ in the layer alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatorTime {
    /// As the plugin names it, one name where releases have two.
    pub kind: String,
    /// As in the graph, with `*` for the layer's number; empty where it is of the many that took least.
    pub name: String,
    /// How many there are.
    pub count: usize,
    /// The time of all of them in a decode step, µs.
    pub time_us: f64,
}

impl Profile {
    /// Operators that are listed by name; the rest of each kind are one.
    pub const MOST_NAMED: usize = 64;
    /// Bytes of a kind or a name; a longer one is cut off.
    pub const LONGEST_NAME: usize = 256;

    /// What was profiled as the command requested.
    pub fn of(command: &ProfileCommand, profiled: ProfiledSteps) -> Self {
        let mut by_name: BTreeMap<(String, String), (usize, f64)> = BTreeMap::new();
        for node in profiled.nodes {
            let key = (kind(&node.kind), without_layer(&node.name));
            let of_key = by_name.entry(key).or_default();
            *of_key = (of_key.0 + 1, of_key.1 + node.time_us);
        }
        let operator = |((kind, name), (count, time_us))| OperatorTime { kind, name, count, time_us };
        let mut operators: Vec<OperatorTime> = by_name.into_iter().map(operator).collect();
        operators.sort_by(|one, other| other.time_us.total_cmp(&one.time_us));
        let mut rest: BTreeMap<String, OperatorTime> = BTreeMap::new();
        for least in operators.drain(Self::MOST_NAMED.min(operators.len())..) {
            let of_kind = rest.entry(least.kind.clone()).or_insert_with(|| OperatorTime {
                kind: least.kind,
                name: String::new(),
                count: 0,
                time_us: 0.0,
            });
            of_kind.count += least.count;
            of_kind.time_us += least.time_us;
        }
        operators.extend(rest.into_values());
        Self {
            prompt_id: command.prompt_id.clone(),
            depth_tokens: command.input().depth_tokens(),
            steps: command.steps,
            wall_us: profiled.wall_us,
            operators,
        }
    }

    /// The time of all operators in a step, µs.
    pub fn operators_us(&self) -> f64 {
        self.operators.iter().map(|operator| operator.time_us).sum()
    }
}

/// Kinds that have another name in some releases, and the name that stands for both.
const ALIASES: [(&str, &str); 2] =
    [("BatchGatherMatmul", "GatherMatmul"), ("BatchGatherMatmulCompressed", "GatherMatmulCompressed")];

fn kind(kind: &str) -> String {
    let alias = ALIASES.iter().find(|(other, _)| *other == kind);
    cut(alias.map_or(kind, |(_, name)| name))
}

/// So many digits are the number of a node that has no name of its own, and say nothing.
const DIGITS_OF_UNNAMED: usize = 4;

/// A name with `*` for a layer's number, which stands between a dot and another sign, and for the number that a release
/// gives to a node without a name.
fn without_layer(name: &str) -> String {
    let is_digit = |character: char| character.is_ascii_digit();
    let (mut short, mut rest) = (String::with_capacity(name.len()), name);
    while let Some(at) = rest.find(is_digit) {
        let (before, from) = rest.split_at(at);
        let (digits, after) =
            from.split_at(from.find(|character| !is_digit(character)).unwrap_or(from.len()));
        let is_layer = before.ends_with('.') && !after.starts_with(char::is_alphanumeric);
        let is_unnamed = before.ends_with('_') && digits.len() >= DIGITS_OF_UNNAMED;
        short.push_str(before);
        short.push_str(if is_layer || is_unnamed { "*" } else { digits });
        rest = after;
    }
    short.push_str(rest);
    cut(&short)
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(Profile::LONGEST_NAME)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::openvino::ProfiledNode;

    fn of(nodes: impl IntoIterator<Item = (&'static str, String, f64)>) -> Profile {
        let node =
            |(kind, name, time_us): (&str, _, _)| ProfiledNode { kind: kind.to_owned(), name, time_us };
        let nodes = nodes.into_iter().map(node).collect();
        let command = ProfileCommand {
            prompt_id: "a".into(),
            token_ids: vec![1; 7],
            cache_tokens: Some(4096),
            steps: 32,
        };
        Profile::of(&command, ProfiledSteps { wall_us: 1e4, nodes })
    }

    #[test]
    fn the_layers_of_a_model_are_one_operator_whatever_a_release_calls_its_kind() {
        let name = |layer| format!("__module.model.layers.{layer}.mlp.experts/aten::bmm/MatMul_1");
        let profile = of([
            ("GatherMatmulCompressed", name(0), 40.0),
            ("BatchGatherMatmulCompressed", name(23), 50.0),
            ("ReadValue", "ReadValue_180110".to_owned(), 7.0),
            ("ReadValue", "ReadValue_66148".to_owned(), 1.0),
        ]);
        let operators =
            profile.operators.iter().map(|it| (it.kind.as_str(), it.name.as_str(), it.count, it.time_us));
        assert_eq!(
            operators.collect::<Vec<_>>(),
            [
                ("GatherMatmulCompressed", "__module.model.layers.*.mlp.experts/aten::bmm/MatMul_1", 2, 90.0),
                ("ReadValue", "ReadValue_*", 2, 8.0),
            ]
        );
        assert_eq!((profile.depth_tokens, profile.steps), (4097, 32));
    }

    #[test]
    fn operators_beyond_those_that_are_listed_lose_their_names_and_not_their_time() {
        let many = (0..1000_u16).map(|at| {
            let kind = ["Add", "Concat"][usize::from(at % 2)];
            (kind, format!("{at}{}", "é".repeat(400)), f64::from(at))
        });
        let profile = of(many);
        assert_eq!(profile.operators.len(), Profile::MOST_NAMED + 2);
        assert!(profile.operators.iter().all(|it| it.name.len() <= Profile::LONGEST_NAME));
        assert!((profile.operators_us() - f64::from((0..1000).sum::<i32>())).abs() < 1e-6);
        assert_eq!(profile.operators.iter().map(|it| it.count).sum::<usize>(), 1000);
    }
}
