//! What the readers of each format rely on: its shape, its rules, and that text of others stays text.

mod forged;
mod hostile;
mod rules;
mod snapshots;

use csv::ReaderBuilder;
use roxmltree::Document;
use serde_json::Value;

use super::{ExchangeFormat, exchange};
use crate::measure::Direction;
use crate::record::Experiment;

/// A file of records in a format.
fn text_of(format: ExchangeFormat, records: &[Experiment]) -> String {
    exchange(format, records).unwrap().text
}

fn json_of(format: ExchangeFormat, records: &[Experiment]) -> Value {
    serde_json::from_str(&text_of(format, records)).unwrap()
}

/// Each element's name with its attributes' names.
fn elements(xml: &str) -> Vec<String> {
    let document = Document::parse(xml).unwrap();
    let reported = document.descendants().filter(roxmltree::Node::is_element).map(|element| {
        let names: Vec<&str> = element.attributes().map(|attribute| attribute.name()).collect();
        format!("{} {}", element.tag_name().name(), names.join(" "))
    });
    reported.collect()
}

/// An attribute of every element of a name.
fn attributes(xml: &str, element: &str, attribute: &str) -> Vec<String> {
    let document = Document::parse(xml).unwrap();
    let named = document.descendants().filter(|node| node.has_tag_name(element));
    named.map(|node| node.attribute(attribute).unwrap_or_default().to_owned()).collect()
}

/// The cells of a table, its header first; every row has as many.
fn cells(csv: &str) -> Vec<Vec<String>> {
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Every format that records alone make.
const FORMATS: [ExchangeFormat; 8] = [
    ExchangeFormat::SampleCsv,
    ExchangeFormat::LlamaBench,
    ExchangeFormat::BenchmarkAction(Direction::Lower),
    ExchangeFormat::BenchmarkAction(Direction::Higher),
    ExchangeFormat::MetricFormat,
    ExchangeFormat::Benchstat,
    ExchangeFormat::Junit,
    ExchangeFormat::Github,
];
