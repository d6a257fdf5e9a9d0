//! A model too big for a processor's cache: the shipped one with a vocabulary 3,000 times as large.
//!
//! Every row of the embedding and of the LM head is there 3,000 times, one whole vocabulary after the
//! other. So each logit comes 3,000 times as well, the first maximum is the shipped model's token,
//! and its goldens hold.

use std::fs;
use std::path::PathBuf;

use crate::checkout::{edit_json, shipped_model};
use crate::model_copy::ModelCopy;

/// Tokens of the shipped model's vocabulary.
const VOCABULARY: usize = 672;
/// Bytes of a row of the embedding or the head: 64 of weights, a zero point, and a scale of 2.
const ROW_BYTES: usize = 67;
/// How often the vocabulary is repeated: the head then has 135 MB, and the embedding as much.
const REPEATS: usize = 3000;
/// What the embedding has more than the shipped one; the head as much.
pub(crate) const BYTES_ADDED_TO_A_TABLE: u64 = (VOCABULARY * ROW_BYTES * (REPEATS - 1)) as u64;

/// The big model, in a folder that goes with it.
pub(crate) struct BigModel {
    copy: ModelCopy,
}

impl BigModel {
    pub(crate) fn make() -> Self {
        let copy = ModelCopy::new().without("manifest.json");
        let vocabulary = (VOCABULARY * REPEATS).to_string();
        let graph = fs::read_to_string(shipped_model().join("openvino_model.xml")).unwrap();
        let mut weights = fs::read(shipped_model().join("openvino_model.bin")).unwrap();
        let of_a_row = format!("shape=\"{VOCABULARY}, ");
        let dimension = format!("<dim>{VOCABULARY}</dim>");
        let mut lines = Vec::new();
        let mut enlarged = 0;
        for line in graph.lines() {
            lines.push(if line.contains(&of_a_row) {
                enlarged += 1;
                let [offset, size] = ["offset", "size"].map(|name| number(line, name));
                let repeated = weights[offset..offset + size].repeat(REPEATS);
                let line = line
                    .replace(&of_a_row, &format!("shape=\"{vocabulary}, "))
                    .replace(&attribute("offset", offset), &attribute("offset", weights.len()))
                    .replace(&attribute("size", size), &attribute("size", repeated.len()));
                weights.extend(repeated);
                line
            } else {
                line.replace(&dimension, &format!("<dim>{vocabulary}</dim>"))
            });
        }
        assert_eq!(enlarged, 6, "weights, zero points and scales of the embedding and of the head");
        fs::write(copy.file("openvino_model.xml"), lines.join("\n")).unwrap();
        fs::write(copy.file("openvino_model.bin"), weights).unwrap();
        edit_json(&copy.file("config.json"), |config| config["vocab_size"] = (VOCABULARY * REPEATS).into());
        Self { copy }
    }

    /// The folder.
    pub(crate) fn path(&self) -> PathBuf {
        self.copy.path()
    }
}

fn attribute(name: &str, value: usize) -> String {
    format!("{name}=\"{value}\"")
}

fn number(line: &str, name: &str) -> usize {
    let (_, rest) = line.split_once(&format!(" {name}=\"")).unwrap();
    rest.split('"').next().unwrap().parse().unwrap()
}
