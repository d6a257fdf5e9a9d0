//! A model that is damaged, incomplete or another than its goldens' is refused before anything is
//! loaded, and its folder is never written to.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use arcgauge::engine::ModelFolder;
use arcgauge::engine::openvino::Graph;
use arcgauge::golden::GoldenResult;
use arcgauge::record::{HashCache, ManifestCheck, ModelIdentity};
use serde_json::json;

use crate::checkout::{Checkout, edit_json, shipped_model};
use crate::ended::Ended;
use crate::model_copy::{ModelCopy, listing};

const HINT: [&str; 2] = ["restore the folder", "fetch the model again"];

/// A short bench of a model, which must leave the model's folder as it is.
#[track_caller]
fn bench(checkout: &Checkout, model: &ModelCopy, more: &[&str]) -> Ended {
    let before = model.listing();
    let ended = checkout.bench(&[&["--model-dir", &model.argument()][..], more].concat());
    assert_eq!(model.listing(), before, "the model's folder was written to");
    ended
}

/// The model is refused with its path, the fault and a hint, and there is no record.
#[track_caller]
fn is_refused(model: &ModelCopy, fault: &str, hint: &str) {
    let checkout = Checkout::new();
    let ended = bench(&checkout, model, &[]);
    ended.refuses(fault, hint).refuses(&model.argument(), hint);
    assert!(checkout.record_files().is_empty(), "a record was written\n{ended}");
}

#[test]
fn the_shipped_model_is_as_its_manifest_says_and_has_48_states() {
    let folder = ModelFolder::open(&shipped_model()).unwrap();
    assert_eq!(
        ModelIdentity::of(&folder, &mut HashCache::default(), |_, _| {}).unwrap().manifest,
        ManifestCheck::Verified
    );
    assert_eq!(Graph::read(&folder).unwrap().state_names.len(), 48);
    let bytes: u64 = listing(&shipped_model()).values().map(|(bytes, _)| bytes).sum();
    assert!(bytes <= 12_000_000, "{bytes} bytes in git");
}

#[test]
fn files_that_are_not_of_the_manifest_by_name_or_size_are_named_without_being_read() {
    let model = ModelCopy::new();
    for name in ["extra.bin", "openvino_model.bin"] {
        let file = File::create(Path::new(&model.argument()).join(name)).unwrap();
        file.set_len(3 << 30).unwrap();
    }
    let began = Instant::now();
    let checkout = Checkout::new();
    let verify = checkout.run(["model", "verify", &model.argument()]);
    verify.exits(2).prints("extra.bin").prints("has 3221225472 bytes, the manifest says");
    let describe =
        checkout.run(["infer", "--device", "CPU", "--prompt", "x", "--model-dir", &model.argument()]);
    describe.exits(2).says("model file `");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn one_flipped_bit_of_the_weights_is_refused_by_the_manifest() {
    is_refused(
        &ModelCopy::new().with_a_flipped_bit(),
        "openvino_model.bin` is altered: its sha256 is ",
        HINT[0],
    );
}

#[test]
fn one_flipped_bit_of_the_weights_is_refused_by_the_goldens_where_there_is_no_manifest() {
    let model = ModelCopy::new().with_a_flipped_bit().without("manifest.json");
    is_refused(&model, "is not the one its goldens were made from", "`--unverified`");
}

#[test]
fn a_changed_model_can_be_measured_unverified_and_its_folder_stays_as_it_is() {
    let model = ModelCopy::new().with_a_flipped_bit().without("manifest.json");
    let checkout = Checkout::new();
    let ended = bench(&checkout, &model, &["--unverified", "--prompt", "fibonacci"]);
    ended.exits(0).prints("unverified");
    let record = checkout.only_record();
    assert_eq!(record.arms[0].prompts[0].golden, GoldenResult::None);
    assert!(!record.arms[0].model.manifest_verified);
}

#[test]
fn an_edited_graph_is_refused_by_the_manifest_whether_its_size_changed_or_not() {
    let longer = ModelCopy::new().with("openvino_model.xml", |xml| xml.extend(b"<!-- edited -->\n"));
    is_refused(&longer, "openvino_model.xml` has ", HINT[0]);
    let as_long = ModelCopy::new().with("openvino_model.xml", |xml| {
        let text = String::from_utf8(xml.clone()).unwrap();
        *xml = text.replacen("version=\"opset1\"", "version=\"opset2\"", 1).into_bytes();
    });
    is_refused(&as_long, "openvino_model.xml` is altered", HINT[0]);
}

#[test]
fn truncated_weights_are_refused_with_both_lengths() {
    for length in [0, 1, 8_000_000] {
        let model = ModelCopy::new().with("openvino_model.bin", |bytes| bytes.truncate(length));
        is_refused(&model, &format!("openvino_model.bin` is truncated: it has {length} bytes"), HINT[1]);
    }
}

#[test]
fn a_graph_that_is_cut_off_or_no_graph_is_refused() {
    let cut_off = ModelCopy::new().with("openvino_model.xml", |xml| xml.truncate(1_000_000));
    is_refused(&cut_off, "openvino_model.xml` cannot be used: it is not XML", HINT[1]);
    let empty = ModelCopy::new().with("openvino_model.xml", Vec::clear);
    is_refused(&empty, "it is not XML", HINT[1]);
    let other = ModelCopy::new().with("openvino_model.xml", |xml| *xml = b"<svg/>".to_vec());
    is_refused(&other, "it is not an OpenVINO graph", HINT[1]);
}

#[test]
fn a_model_that_is_not_stateful_is_refused_with_the_way_to_export_it() {
    let model = ModelCopy::new().without("manifest.json").with("openvino_model.xml", |xml| {
        let text = String::from_utf8(xml.clone()).unwrap();
        *xml = text.replace("type=\"ReadValue\"", "type=\"Parameter\"").into_bytes();
    });
    is_refused(&model, "the model is not stateful", "--task text-generation-with-past");
}

#[test]
fn a_folder_without_a_file_that_every_model_has_is_refused() {
    for name in ["openvino_model.bin", "openvino_model.xml", "config.json"] {
        is_refused(&ModelCopy::new().without(name), &format!("has no `{name}`"), "--model-dir DIR");
    }
    is_refused(&ModelCopy::empty(), "has no `openvino_model.xml`", "--model-dir DIR");
}

#[test]
fn a_folder_that_is_not_there_or_no_folder_is_refused() {
    let checkout = Checkout::new();
    let refused = |folder: &str, fault: &str| {
        checkout.bench(&["--model-dir", folder]).refuses(fault, "cargo xtask model use DIR");
    };
    refused("nowhere/at-all", "model folder `nowhere/at-all` does not exist");
    refused("fixtures/prompts/reference.json", "reference.json` has no `openvino_model.xml`");
}

#[test]
fn a_file_that_the_manifest_does_not_list_and_one_that_it_misses_are_refused() {
    let model = ModelCopy::new();
    fs::write(model.file("openvino_tokenizer.xml"), "<net/>").unwrap();
    is_refused(&model, "openvino_tokenizer.xml` is not in the model's manifest", HINT[0]);
    let model = ModelCopy::new().without("tokenizer.json");
    is_refused(&model, "tokenizer.json` is missing, the manifest lists it", HINT[0]);
}

#[test]
fn a_config_or_a_manifest_that_is_no_json_is_refused() {
    let no_config = ModelCopy::new().with("config.json", |text| text.truncate(20));
    is_refused(&no_config, "config.json` is not a model config", "--model-dir DIR");
    let no_manifest = ModelCopy::new().with("manifest.json", |text| *text = b"sha256".to_vec());
    is_refused(&no_manifest, "manifest.json` is not a model manifest", HINT[0]);
}

#[test]
fn a_tokenizer_that_is_none_is_refused() {
    let model =
        ModelCopy::new().without("manifest.json").with("tokenizer.json", |text| *text = b"{}".to_vec());
    is_refused(&model, "cannot read the tokenizer", "--tokenizer FILE");
}

#[test]
fn a_prompt_longer_than_the_model_s_context_is_refused_before_anything_is_loaded() {
    let model = ModelCopy::new().without("manifest.json");
    edit_json(&model.file("config.json"), |config| config["max_position_embeddings"] = json!(30));
    let checkout = Checkout::new();
    let fault = "prompt `fibonacci` and its answer have `31` tokens, more than the model's context of 30";
    bench(&checkout, &model, &["--prompt", "fibonacci"]).refuses(fault, "lower `--max-new-tokens`");
    assert!(checkout.record_files().is_empty());
}
