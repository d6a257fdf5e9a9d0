//! The shipped model by values from its config, and graphs of a few layers for each rule.

use std::path::Path;

use self::model::Model;
use super::*;
use crate::engine::ModelFolder;

mod model;

fn two_of_eight() -> ModelConfig {
    ModelConfig { num_local_experts: Some(8), num_experts_per_tok: Some(2), ..ModelConfig::default() }
}

fn dense() -> ModelConfig {
    ModelConfig::default()
}

fn inputs() -> Model {
    Model::default().layer("input_ids", "Parameter", &[], "-1,-1").layer("x", "Parameter", &[], "-1,-1,4")
}

/// Experts in INT4 with a scale each, as the export writes them: 8 of 6 x 4 weights, and a bias.
fn experts() -> Model {
    inputs()
        .constant("w", "i4", "8,6,1,4", [0, 96])
        .constant("scale", "f16", "8,6,1,1", [96, 96])
        .constant("shape", "i64", "3", [192, 24])
        .constant("bias", "f32", "8,1,6", [216, 192])
        .layer("as f16", "Convert", &[("w", "8,6,1,4")], "8,6,1,4")
        .layer("scaled", "Multiply", &[("as f16", "8,6,1,4"), ("scale", "8,6,1,1")], "8,6,1,4")
        .layer("flat", "Reshape", &[("scaled", "8,6,1,4"), ("shape", "3")], "8,6,4")
        .layer("mlp", "MatMul", &[("x", "8,-1,4"), ("flat", "8,6,4")], "8,-1,6")
        .layer("plus bias", "Add", &[("mlp", "8,-1,6"), ("bias", "8,1,6")], "8,-1,6")
}

/// A table of 10 rows of 4 in INT8, each row with its scale and zero point.
fn embedding() -> Model {
    inputs()
        .constant("table", "u8", "10,4", [0, 40])
        .constant("zero", "u8", "10,1", [40, 10])
        .constant("scale", "f16", "10,1", [50, 20])
        .constant("axis", "i32", "", [70, 4])
        .layer("minus zero", "Subtract", &[("table", "10,4"), ("zero", "10,1")], "10,4")
        .layer("scaled", "Multiply", &[("minus zero", "10,4"), ("scale", "10,1")], "10,4")
        .layer("ids", "Convert", &[("input_ids", "-1,-1")], "-1,-1")
        .layer("embed", "Gather", &[("scaled", "10,4"), ("ids", "-1,-1"), ("axis", "")], "-1,-1,4")
}

#[test]
fn the_shipped_model_s_weights_are_those_that_its_config_implies() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/tiny-gpt-oss");
    let folder = ModelFolder::open(&shipped).unwrap();
    let weights = ActiveWeights::of(&Graph::read(&folder).unwrap(), folder.config()).unwrap();

    // From config.json: 24 layers, 32 experts, hidden 64, intermediate 32, vocabulary 672. INT4
    // takes half a byte and a scale of 2 bytes for 32 of them; biases are f32.
    let (layers, experts, hidden, intermediate, vocabulary) = (24, 32, 64, 32, 672);
    let int4 = |rows: u64, columns: u64| rows * columns / 2 + rows * columns / 32 * 2;
    let gate_and_up = int4(2 * intermediate, hidden) + 4 * 2 * intermediate;
    let down = int4(hidden, intermediate) + 4 * hidden;
    let expert_bytes = layers * experts * (gate_and_up + down);
    // A row of the embedding: a byte a weight, one zero point, and a scale of 2 bytes.
    let row = hidden + 1 + 2;

    assert_eq!(weights.expert_bytes, expert_bytes);
    assert_eq!(weights.expert_bytes, 3_047_424);
    assert_eq!(weights.lookup_bytes, vocabulary * row);
    let file = std::fs::metadata(folder.weights()).unwrap().len();
    assert_eq!(weights.total_bytes, file, "every byte of the weights file is some constant's");
    // 4 of 32 experts, and one row of the embedding.
    let active = file - expert_bytes + expert_bytes / 32 * 4 - vocabulary * row + row;
    assert_eq!(weights.active_bytes_per_token, active);
    assert_eq!(active, 5_568_576);
}

#[test]
fn of_the_experts_count_those_that_the_router_takes_with_their_scales_and_biases() {
    let weights = experts().weights(&two_of_eight()).unwrap();
    assert_eq!(weights.expert_bytes, 96 + 96 + 192);
    assert_eq!(weights.total_bytes, 96 + 96 + 24 + 192);
    assert_eq!(weights.active_bytes_per_token, (96 + 96 + 192) / 4 + 24);
}

#[test]
fn a_table_that_is_only_looked_up_counts_one_row() {
    let weights = embedding().weights(&dense()).unwrap();
    assert_eq!((weights.total_bytes, weights.lookup_bytes, weights.expert_bytes), (74, 70, 0));
    assert_eq!(weights.active_bytes_per_token, 4 + 1 + 2 + 4);
}

#[test]
fn a_table_that_is_the_head_as_well_counts_whole() {
    let tied = embedding().layer("head", "MatMul", &[("x", "-1,-1,4"), ("scaled", "10,4")], "-1,-1,10");
    let weights = tied.weights(&dense()).unwrap();
    assert_eq!((weights.active_bytes_per_token, weights.lookup_bytes), (74, 0));
}

#[test]
fn constants_that_share_their_place_in_the_file_count_once() {
    let shared = inputs()
        .constant("a", "f32", "4", [0, 16])
        .constant("b", "f32", "4", [0, 16])
        .layer("plus a", "Add", &[("x", "-1,-1,4"), ("a", "4")], "-1,-1,4")
        .layer("plus b", "Add", &[("plus a", "-1,-1,4"), ("b", "4")], "-1,-1,4");
    assert_eq!(shared.weights(&dense()).unwrap().total_bytes, 16);
    let overlapping = shared.constant("c", "f32", "4", [8, 16]);
    assert!(overlapping.weights(&dense()).unwrap_err().contains("`c` overlaps another"));
}

#[test]
fn a_constant_that_only_begins_a_state_is_no_reason_to_take_the_state_for_a_constant() {
    let state = inputs()
        .constant("begin", "f32", "4", [0, 16])
        .constant("w", "u8", "4,4", [16, 16])
        .layer("past", "ReadValue", &[("begin", "4")], "-1,4")
        .layer("mix", "MatMul", &[("past", "-1,4"), ("w", "4,4")], "-1,4")
        .layer("result", "Result", &[("mix", "-1,4")], "-1,4");
    assert_eq!(state.weights(&dense()).unwrap().active_bytes_per_token, 32);
}

#[test]
fn experts_that_config_and_graph_do_not_agree_on_are_refused() {
    let refused = |model: Model, config: &ModelConfig| model.weights(config).unwrap_err();
    assert!(refused(experts(), &dense()).contains("multiplies by `8` matrices"));
    let sixteen = ModelConfig { num_local_experts: Some(16), ..two_of_eight() };
    assert!(refused(experts(), &sixteen).contains("multiplies by `8` matrices"));
    assert!(refused(embedding(), &two_of_eight()).contains("none of them was found"));
    let no_choice = ModelConfig { num_experts_per_tok: None, ..two_of_eight() };
    assert!(refused(experts(), &no_choice).contains("not how many a token passes through"));
    let too_many = ModelConfig { num_experts_per_tok: Some(9), ..two_of_eight() };
    assert!(refused(experts(), &too_many).contains("`9` of `8`"));
    let two_minds = ModelConfig { experts_per_token: Some(4), ..two_of_eight() };
    assert!(refused(experts(), &two_minds).contains("differ: `2` and `4`"));
}

#[test]
fn the_other_names_for_experts_are_understood() {
    let config = ModelConfig { num_experts: Some(8), experts_per_token: Some(2), ..ModelConfig::default() };
    assert_eq!(experts().weights(&config), experts().weights(&two_of_eight()));
}

#[test]
fn a_config_of_no_expert_or_one_is_that_of_a_model_without() {
    for all in [0, 1] {
        let config = ModelConfig { num_experts: Some(all), ..dense() };
        assert_eq!(embedding().weights(&config), embedding().weights(&dense()));
    }
}

#[test]
fn weights_that_are_used_in_an_unknown_way_are_refused() {
    let by_expert = experts().constant("w2", "f16", "8,4,4", [408, 256]).layer(
        "other",
        "Einsum",
        &[("x", "8,-1,4"), ("w2", "8,4,4")],
        "8,-1,4",
    );
    assert!(by_expert.weights(&two_of_eight()).unwrap_err().contains("layer `other` uses something of each"));
    let no_bias = experts().constant("offset", "f32", "8,1,4", [408, 128]).layer(
        "moved",
        "Add",
        &[("x", "8,-1,4"), ("offset", "8,1,4")],
        "8,-1,4",
    );
    assert!(no_bias.weights(&two_of_eight()).unwrap_err().contains("layer `moved` uses something of each"));
    let of_hidden_states = experts()
        .constant("offset", "f32", "8,1,4", [408, 128])
        .layer("product", "MatMul", &[("x", "8,-1,4"), ("x", "8,4,4")], "8,-1,4")
        .layer("moved", "Add", &[("product", "8,-1,4"), ("offset", "8,1,4")], "8,-1,4");
    assert!(of_hidden_states.weights(&two_of_eight()).unwrap_err().contains("layer `moved` uses something"));
    let shapeless = embedding().layer("head", "MatMul", &[("x", "-1,-1,4"), ("scaled", "")], "-1,-1,10");
    assert!(shapeless.weights(&dense()).unwrap_err().contains("`head` does not state the shape"));
    let by_hidden_state = embedding().layer("chosen", "TopK", &[("x", "-1,-1,4")], "-1,-1").layer(
        "route",
        "Gather",
        &[("table", "10,4"), ("chosen", "-1,-1"), ("axis", "")],
        "-1,-1,4",
    );
    assert!(by_hidden_state.weights(&dense()).unwrap_err().contains("`route` looks up a table"));
    let columns = embedding().layer(
        "columns",
        "Gather",
        &[("table", "10,4"), ("ids", "-1,-1"), ("axis", "")],
        "10,-1,-1",
    );
    assert!(columns.weights(&dense()).unwrap_err().contains("`columns` looks up a table"));
    let three =
        embedding().layer("three", "Gather", &[("table", "10,4"), ("ids", "-1,3"), ("axis", "")], "-1,3,4");
    assert!(three.weights(&dense()).unwrap_err().contains("`three` looks up a table"));
    let uneven = embedding()
        .constant("five", "f16", "5,4", [74, 40])
        .layer("joined", "Concat", &[("five", "5,4"), ("five", "5,4")], "10,4")
        .layer("again", "Gather", &[("joined", "10,4"), ("ids", "-1,-1"), ("axis", "")], "-1,-1,4");
    assert!(uneven.weights(&dense()).unwrap_err().contains("`five` has `5` entries"));
}

#[test]
fn a_graph_within_a_graph_is_refused() {
    let branch = r#"<layer id="if" name="if" type="If"><then_body/></layer></layers>"#;
    let xml = embedding().xml().replace("</layers>", branch);
    assert!(read(&xml, &dense()).unwrap_err().contains("`if` has a graph of its own"));
}

#[test]
fn an_edge_that_leads_nowhere_is_refused() {
    let xml = embedding().xml().replace("to-layer=\"embed\"", "to-layer=\"gone\"");
    assert!(read(&xml, &dense()).unwrap_err().contains("layer `gone`, which is not there"));
}

#[test]
fn a_constant_without_a_size_is_refused() {
    let xml = embedding().xml().replace("size=\"40\"", "size=\"many\"");
    assert!(read(&xml, &dense()).unwrap_err().contains("`table` has no `size`"));
    assert!(read("no xml", &dense()).unwrap_err().contains("not XML"));
}
