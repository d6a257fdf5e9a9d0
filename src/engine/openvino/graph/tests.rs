//! A decoder's graph in forty lines: one state, one constant a weight, a head behind a conversion.

use super::*;

const DECODER: &str = r#"<?xml version="1.0"?>
<net name="m" version="11">
<layers>
<layer id="0" name="input_ids" type="Parameter" version="opset1"/>
<layer id="1" name="attention_mask" type="Parameter" version="opset1"/>
<layer id="2" name="position_ids" type="Parameter" version="opset1"/>
<layer id="3" name="beam_idx" type="Parameter" version="opset1"/>
<layer id="4" name="past" type="ReadValue" version="opset6"><data variable_id="past_key_values.0.key"/></layer>
<layer id="5" name="minus one" type="Const" version="opset1">
<data element_type="i64" shape="" offset="0" size="8"/></layer>
<layer id="6" name="one" type="Const" version="opset1">
<data element_type="i64" shape="1" offset="8" size="8"/></layer>
<layer id="7" name="weights" type="Const" version="opset1">
<data element_type="u8" shape="4,9" offset="16" size="36"/></layer>
<layer id="8" name="head" type="MatMul" version="opset1">
<input><port id="0" precision="FP32"><dim>-1</dim><dim>-1</dim><dim>4</dim></port>
<port id="1" precision="FP32"><dim>9</dim><dim>4</dim></port></input>
<output><port id="2" precision="FP32"><dim>-1</dim><dim>-1</dim><dim>9</dim></port></output></layer>
<layer id="9" name="to f32" type="Convert" version="opset1">
<input><port id="0" precision="FP32"><dim>-1</dim><dim>-1</dim><dim>9</dim></port></input>
<output><port id="1" precision="FP32" names="logits"><dim>-1</dim><dim>-1</dim><dim>9</dim></port></output></layer>
<layer id="10" name="logits" type="Result" version="opset1"/>
</layers>
<edges>
<edge from-layer="4" from-port="1" to-layer="8" to-port="0" />
<edge from-layer="7" from-port="0" to-layer="8" to-port="1" />
<edge from-layer="8" from-port="2" to-layer="9" to-port="0" />
<edge from-layer="9" from-port="1" to-layer="10" to-port="0" />
</edges>
</net>
"#;

fn fault(xml: &str) -> String {
    parse(xml).err().map(|fault| fault.to_string()).unwrap_or_default()
}

/// The graph, with weights that hold -1, 1 and 36 bytes, in a folder that must outlive it.
pub(in crate::engine::openvino) fn decoder() -> (Graph, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let weights = [&(-1_i64).to_le_bytes()[..], &1_i64.to_le_bytes(), &[0; 36]].concat();
    fs::write(folder.path().join("openvino_model.bin"), weights).unwrap();
    let graph = Graph { xml: DECODER.to_owned(), ..parse(DECODER).unwrap() };
    (graph, folder)
}

#[test]
fn a_decoder_tells_its_states_its_vocabulary_and_the_weights_it_needs() {
    let parsed = parse(DECODER).unwrap();
    assert_eq!(parsed.state_names, ["past_key_values.0.key"]);
    assert_eq!(parsed.vocabulary_size, Some(9));
    assert_eq!(parsed.weights_bytes, 52);
}

#[test]
fn the_head_is_found_behind_a_conversion() {
    let head = parse(DECODER).unwrap().head.unwrap();
    assert_eq!((head.layer.as_str(), head.from_layer.as_str(), head.width.as_str()), ("8", "4", "4"));
    assert_eq!(head.free_layer, 11);
    assert_eq!(head.scalar_offsets, [0, 8]);
}

#[test]
fn a_graph_that_is_no_stateful_decoder_says_what_it_lacks() {
    assert!(fault("no xml").starts_with("it is not XML"));
    assert!(fault("<net/>").contains("no layers"));
    assert!(fault(&DECODER.replace("ReadValue", "Parameter")).contains("not stateful"));
    assert!(fault(&DECODER.replace("beam_idx", "beams")).contains("`beams`"));
    assert!(fault(&DECODER.replace(r#"names="logits""#, r#"names="hidden""#)).contains("`logits`"));
}

#[test]
fn a_kind_of_model_that_is_not_supported_is_refused_by_the_input_that_differs() {
    let with = |layer: &str, data: &str| {
        let bare = format!(r#"name="{layer}" type="Parameter" version="opset1"/>"#);
        assert!(DECODER.contains(&bare));
        let whole = format!(r#"name="{layer}" type="Parameter" version="opset1"><data {data}/></layer>"#);
        DECODER.replace(&bare, &whole)
    };
    let with_state = |shape: &str| {
        let state = r#"variable_id="past_key_values.0.key""#;
        DECODER.replace(state, &format!(r#"{state} variable_type="f32" variable_shape="{shape}""#))
    };
    for (xml, named) in [
        (with_state("?,16,3"), "state `past_key_values.0.key` has the shape `?,16,3`"),
        (with_state("?,2,64,8"), "has the shape `?,2,64,8`"),
        (
            DECODER.replace("name=\"position_ids\" type=\"Parameter\"", "name=\"p\" type=\"Const\""),
            "no input `position_ids`",
        ),
        (
            DECODER
                .replace("name=\"minus one\" type=\"Const\"", "name=\"token_type_ids\" type=\"Parameter\""),
            "the input `token_type_ids`",
        ),
        (DECODER.replace("\"input_ids\"", "\"inputs_embeds\""), "the input `inputs_embeds`"),
        (with("input_ids", r#"element_type="i32" shape="?,?""#), "`input_ids` holds `i32`"),
        (with("beam_idx", r#"element_type="i64" shape="?""#), "`beam_idx` holds `i64`"),
        (with("position_ids", r#"element_type="i64" shape="3,?,?""#), "`position_ids` has the shape `3,?,?`"),
        (
            DECODER.replace(r#"precision="FP32" names="logits""#, r#"precision="FP16" names="logits""#),
            "`logits` holds `FP16`",
        ),
    ] {
        let fault = parse(&xml).err().unwrap();
        assert!(fault.to_string().contains(named), "{fault}");
        assert!(fault.hint().contains("docs/models.md"), "{fault}");
    }
    assert!(parse(&with("position_ids", r#"element_type="i64" shape="1,?""#)).is_ok());
    for shape in ["?,2,?,8", "1,2,?,8", "?,2,0..4096,8", "..."] {
        assert!(parse(&with_state(shape)).is_ok(), "{shape}");
    }
}

#[test]
fn an_input_is_known_by_the_name_that_it_is_fed_by() {
    let bare = r#"name="input_ids" type="Parameter" version="opset1"/>"#;
    let named = |name: &str, names: &str| {
        let output = format!(r#"<output><port id="0" precision="I64" names="{names}"/></output>"#);
        DECODER.replace(bare, &format!(r#"name="{name}" type="Parameter" version="opset1">{output}</layer>"#))
    };
    assert!(parse(&named("Parameter_7", "tokens,input_ids")).is_ok());
    assert!(fault(&named("input_ids", "tokens")).contains("the input `tokens`"));
}

#[test]
fn a_graph_without_logits_says_so() {
    assert!(fault(&DECODER.replace(r#"names="logits""#, r#"names="hidden""#)).contains("`logits`"));
}

#[test]
fn the_shipped_model_says_what_a_token_adds_and_how_it_was_made() {
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/tiny-gpt-oss");
    let graph = Graph::read(&ModelFolder::open(&shipped).unwrap()).unwrap();
    let anatomy = Anatomy::of(&graph).unwrap();
    // Keys and values of 24 layers, 8 heads of 64.
    assert_eq!(anatomy.kv_values_per_token, Some(2 * 24 * 8 * 64));
    assert_eq!(anatomy.made_by["nncf.weight_compression.mode"], "int8_asym");
    assert_eq!(anatomy.made_by["optimum.transformers_version"], "4.57.6");
    assert!(anatomy.made_by.keys().all(|key| key != "info"));
}
