//! `model describe`: what a model is made of, without OpenVINO, for people and for programs.

use std::fs;

use serde_json::{Value, json};

use crate::checkout::{Checkout, shipped_model};
use crate::ended::Ended;
use crate::model_copy::ModelCopy;

/// Describes a model where no OpenVINO is to be found.
fn describe(arguments: &[&str]) -> Ended {
    let checkout = Checkout::new();
    let mut command = checkout.command([&["model", "describe"], arguments].concat());
    command.env("XDG_CACHE_HOME", checkout.path("cache")).env("PATH", "/nowhere").env("LD_LIBRARY_PATH", "");
    Ended::of(command.output().unwrap())
}

#[test]
fn the_shipped_model_is_described_without_openvino_as_its_config_and_graph_say() {
    let reported = describe(&["--format", "json"]);
    let reported: Value = serde_json::from_str(&reported.exits(0).stdout).unwrap();
    let manifest: Value =
        serde_json::from_slice(&fs::read(shipped_model().join("manifest.json")).unwrap()).unwrap();
    assert_eq!((&reported["kind"], &reported["schema"]), (&json!("model-description"), &json!(1)));
    assert_eq!(reported["files"], manifest["files"]);
    assert_eq!(
        reported["shape"]["layers_by_attention"],
        json!({ "full_attention": 12, "sliding_attention": 12 })
    );
    assert_eq!(reported["shape"]["experts_per_token"], 4);
    assert_eq!(reported["weights"]["active_bytes_per_token"], 5_568_576);
    assert_eq!(reported["weights_by_kind"][0]["kind"], "experts");
    assert_eq!(reported["weights_by_kind"][0]["precision"], "i4");
    assert_eq!(reported["kv_cache"]["f16_bytes_per_token"], 2 * 24 * 8 * 64 * 2);
    assert_eq!(reported["made_by"]["nncf.weight_compression.mode"], "int8_asym");
    describe(&[]).exits(0).prints("12 with sliding attention (window of 128)").prints("experts     i4");
}

#[test]
fn a_model_without_a_manifest_is_described_by_the_hashes_of_its_files() {
    let model = ModelCopy::new().without("manifest.json");
    describe(&[&model.argument()]).exits(0).prints("by its files; it has no manifest");
}

#[test]
fn what_is_no_model_is_refused() {
    describe(&["/nowhere"]).refuses("`/nowhere` does not exist", "cargo xtask model use");
    let model = ModelCopy::new().with("openvino_model.xml", |xml| *xml = b"<net/>".to_vec());
    describe(&[&model.argument()]).refuses("it has no layers and edges", "fetch the model again");
}

#[test]
fn a_model_is_named_as_with_every_other_verb_and_not_twice() {
    let model = ModelCopy::new();
    let positional = describe(&[&model.argument()]).exits(0).stdout.clone();
    assert_eq!(describe(&["--model-dir", &model.argument()]).exits(0).stdout, positional);
    describe(&[&model.argument(), "--model-dir", &model.argument()]).refuses("cannot be used with", "--help");
    let checkout = Checkout::new();
    checkout.run(["model", "verify", "--model-dir", &model.argument()]).exits(0);
    let both = checkout.run(["model", "verify", &model.argument(), "--model-dir", &model.argument()]);
    both.refuses("cannot be used with", "--help");
}
