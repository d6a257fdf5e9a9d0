//! Graphs of a few layers, written by hand.

use std::fmt::Write as _;

use crate::engine::ModelConfig;
use crate::engine::openvino::weights::{ActiveWeights, read};

/// A graph under construction: each layer is given with the edges into it.
#[derive(Default)]
pub(super) struct Model {
    layers: String,
    edges: String,
}

impl Model {
    pub(super) fn constant(mut self, id: &str, kind: &str, shape: &str, at: [u64; 2]) -> Self {
        let [offset, size] = at;
        write!(
            self.layers,
            r#"<layer id="{id}" name="{id}" type="Const"><data element_type="{kind}" shape="{shape}" offset="{offset}" size="{size}"/>{}</layer>"#,
            ports("output", &[("0", shape)])
        )
        .unwrap();
        self
    }

    /// A layer with inputs (from which layer, with which dimensions) and the dimensions of its output.
    pub(super) fn layer(mut self, id: &str, kind: &str, inputs: &[(&str, &str)], output: &str) -> Self {
        let numbers: Vec<String> = (0..=inputs.len()).map(|number| number.to_string()).collect();
        let dimensions: Vec<(&str, &str)> =
            numbers.iter().zip(inputs).map(|(number, (_, dims))| (number.as_str(), *dims)).collect();
        write!(
            self.layers,
            r#"<layer id="{id}" name="{id}" type="{kind}">{}{}</layer>"#,
            ports("input", &dimensions),
            ports("output", &[(&numbers[inputs.len()], output)])
        )
        .unwrap();
        for (port, (from, _)) in inputs.iter().enumerate() {
            write!(
                self.edges,
                r#"<edge from-layer="{from}" from-port="0" to-layer="{id}" to-port="{port}"/>"#
            )
            .unwrap();
        }
        self
    }

    pub(super) fn xml(&self) -> String {
        format!("<net><layers>{}</layers><edges>{}</edges></net>", self.layers, self.edges)
    }

    pub(super) fn weights(&self, config: &ModelConfig) -> Result<ActiveWeights, String> {
        read(&self.xml(), config)
    }
}

fn ports(side: &str, ports: &[(&str, &str)]) -> String {
    let mut xml = format!("<{side}>");
    for (id, shape) in ports {
        write!(xml, r#"<port id="{id}">"#).unwrap();
        for dim in shape.split(',') {
            write!(xml, "<dim>{}</dim>", dim.trim()).unwrap();
        }
        xml += "</port>";
    }
    xml + &format!("</{side}>")
}
