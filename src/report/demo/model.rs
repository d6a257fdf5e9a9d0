//! The models of the invented history: one that nobody has hashed here, and the shipped one.

use crate::engine::openvino::ActiveWeights;
use crate::record::{ModelFile, ModelRecord, sha256_of_bytes};

/// The shipped model's identity, as its goldens name it.
const SHIPPED_SHA256: &str = "62ea3becaa660793322b13ce5f5d12ce58d89fdedb095bdb8765ecd0f9cb7a43";
const MIB: u64 = 1 << 20;

/// The model that the project is about. Its hash is of a sentence and of no model: the repository accepts no
/// file's hash yet, and an invented record must not name one that it may accept some day.
pub(super) fn gpt_oss() -> ModelRecord {
    let weights_bytes = 12_160 * MIB;
    ModelRecord {
        sha256: sha256_of_bytes(b"the large model of the demonstration"),
        // Of 20.9 billion weights a token passes 3.6 billion, and 4-bit ones take half a byte.
        active_weights: Some(ActiveWeights {
            total_bytes: weights_bytes,
            active_bytes_per_token: 1_950 * MIB,
            expert_bytes: 10_320 * MIB,
            lookup_bytes: 552 * MIB,
        }),
        ..model("gpt-oss-20b-int4-ov", weights_bytes)
    }
}

/// The shipped model, which runs on any machine.
pub(super) fn tiny() -> ModelRecord {
    ModelRecord { sha256: SHIPPED_SHA256.to_owned(), ..model("tiny-gpt-oss", 8_280_029) }
}

fn model(name: &str, weights_bytes: u64) -> ModelRecord {
    let file = |path: &str, size_bytes: u64| ModelFile {
        path: path.to_owned(),
        size_bytes,
        sha256: sha256_of_bytes(format!("{path} of {name}").as_bytes()),
    };
    ModelRecord {
        name: name.to_owned(),
        sha256: String::new(),
        files: vec![file("openvino_model.bin", weights_bytes), file("openvino_model.xml", 3 * MIB)],
        manifest_verified: true,
        same_after_run: true,
        edited_graph_sha256: Some(sha256_of_bytes(format!("edited graph of {name}").as_bytes())),
        unedited_reason: None,
        shape: None,
        active_weights: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tiny_model_is_the_shipped_one() {
        let golden = include_str!("../../../fixtures/golden/tiny-gpt-oss/fibonacci.json");
        assert!(golden.contains(&format!("\"model_sha256\": \"{}\"", tiny().sha256)));
    }
}
