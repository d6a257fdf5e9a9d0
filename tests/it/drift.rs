//! Next-token distributions against the stored ones: other releases and thread counts are within the limit, and damage
//! that greedy tokens hardly show is above it.

use arcgauge::engine::openvino::{Graph, OpenVinoEngine};
use arcgauge::engine::{ModelFolder, Path, replay};
use arcgauge::golden::{DriftReference, GoldenSet};
use arcgauge::record::Outcome;
use serde_json::json;

use crate::checkout::{Checkout, edit_json, repository};
use crate::fake_worker::fake_worker;
use crate::model_copy::ModelCopy;
use crate::this_machine::engine_with;

/// A checkout whose reference has one of the four texts: a quarter of the time.
fn with_one_text() -> Checkout {
    let checkout = Checkout::with_own_goldens();
    edit_json(&checkout.golden("drift"), |reference| {
        reference["texts"].as_array_mut().unwrap().truncate(1);
    });
    for text in ["pattern", "prose", "scripts"] {
        std::fs::remove_file(checkout.path(format!("fixtures/prompts/drift/{text}.txt"))).unwrap();
    }
    checkout
}

#[test]
fn another_release_and_another_number_of_threads_are_within_the_limit() {
    let checkout = with_one_text();
    for flags in [["--openvino", "2026.1.0"], ["--property", "INFERENCE_NUM_THREADS=1"]] {
        let ended = checkout.run([&["golden", "drift", "--device", "CPU"], &flags[..]].concat());
        ended.exits(0).prints("160 of 160").prints("within limit: mean KL ");
    }
}

#[test]
fn a_bench_whose_drift_is_above_the_limit_has_wrong_output_though_every_token_is_right() {
    let checkout = with_one_text();
    edit_json(&checkout.golden("drift"), |reference| {
        reference["limits"][0]["largest_logit_difference"] = json!(-1.0);
    });
    let ended = checkout.bench(&["--drift", "--prompt", "fibonacci"]);
    ended
        .exits(11)
        .prints("match")
        .says("drift: one more load, followed by 160 untimed steps")
        .says("the next-token distributions moved by");
    let record = checkout.only_record();
    let drift = record.arms[0].distribution_drift.as_ref().unwrap();
    assert_eq!((drift.texts[0].agreed_steps, drift.limit.as_ref().unwrap().mean_kl_nats), (160, 1e-9));
    assert_eq!(record.outcome, Outcome::Complete);
}

#[test]
fn a_worker_that_compares_no_distributions_costs_the_run_its_exit_code_and_not_its_times() {
    let checkout = Checkout::new();
    let worker = fake_worker(&checkout, "is-older");
    let ended = checkout.bench(&[
        "--prompt",
        "fibonacci",
        "--unverified",
        "--drift",
        "--worker",
        worker.to_str().unwrap(),
    ]);
    ended.exits(20).says("no distributions of bench were compared: unknown command `compare-distributions`");
    let record = checkout.only_record();
    assert_eq!((record.outcome, &record.arms[0].distribution_drift), (Outcome::Complete, &None));
    assert!(record.arms[0].samples.iter().all(|sample| sample.times.is_some()));
    assert!(record.arms[0].warnings.iter().any(|warning| warning.id == "no-drift"));
}

#[test]
fn a_drift_above_the_limit_is_wrong_output_and_one_at_another_precision_has_no_limit() {
    let checkout = with_one_text();
    edit_json(&checkout.golden("drift"), |reference| {
        let logit = &mut reference["texts"][0]["steps"][7]["logits"][0];
        *logit = json!(logit.as_f64().unwrap() + 0.01);
    });
    let ended = checkout.run(["golden", "drift", "--device", "CPU"]);
    ended.exits(11).prints("ABOVE LIMIT").prints("largest logit difference 1.0e-2 of 1.0e-3");

    let at_u8 = ["golden", "drift", "--device", "CPU", "--property", "KV_CACHE_PRECISION=u8"];
    checkout.run(at_u8).exits(0).says("no limit is known for CPU, f32, u8");
}

#[test]
fn a_device_is_compared_with_the_cpu_without_a_stored_reference() {
    let checkout = with_one_text();
    std::fs::remove_file(checkout.golden("drift")).unwrap();
    let refused = checkout.run(["golden", "drift", "--device", "CPU"]);
    refused.refuses("model `tiny-gpt-oss` has no reference distributions", "golden drift --make");
    let ended = checkout.run(["golden", "drift", "--device", "CPU", "--against", "cpu"]);
    ended.exits(0).prints("mean KL 0.0e0 nats, largest logit difference 0.0e0");
}

#[test]
fn a_reference_of_another_model_and_a_device_that_quantises_are_refused() {
    let checkout = with_one_text();
    let quantising = ["--property", "DYNAMIC_QUANTIZATION_GROUP_SIZE=32"];
    let ended = checkout.run([&["golden", "drift", "--device", "CPU"], &quantising[..]].concat());
    ended.exits(12).says("is `32` where 0 is needed");
    edit_json(&checkout.golden("drift"), |reference| reference["model_sha256"] = json!("0".repeat(64)));
    let ended = checkout.run(["golden", "drift", "--device", "CPU"]);
    ended.refuses("were made from `0000", "restore the model's files");
}

/// How far a layer of every second sees back, negative.
const WINDOW: &str = "Constant_140451";

/// Damage to the weights, or to a constant of the graph, which are in one file: its name, the constant, and what it does to
/// the constant's bytes.
type Fault = (&'static str, String, fn(&mut [u8]));

fn scale_f32(bytes: &mut [u8], factor: f32) {
    let (numbers, _) = bytes.as_chunks_mut::<4>();
    for number in numbers {
        *number = (f32::from_le_bytes(*number) * factor).to_le_bytes();
    }
}

/// At two sites each.
fn faults() -> Vec<Fault> {
    let whole = str::to_owned;
    let frequencies = "__module.model.rotary_emb/aten::to/Convert";
    let mut faults: Vec<Fault> = vec![
        ("RoPE frequencies + 0.1 %", whole(frequencies), |bytes| scale_f32(bytes, 1.001)),
        ("RoPE frequencies + 1 %", whole(frequencies), |bytes| scale_f32(bytes, 1.01)),
        ("window of 127", whole(WINDOW), |bytes| bytes.copy_from_slice(&(-127_i64).to_le_bytes())),
        ("window of 129", whole(WINDOW), |bytes| bytes.copy_from_slice(&(-129_i64).to_le_bytes())),
    ];
    for layer in [3, 20] {
        let weight = |name: &str| format!("self.model.layers.{layer}.{name}");
        let constant = |name: &str| format!("__module.model.layers.{layer}.{name}");
        faults.extend::<[Fault; 4]>([
            ("two bits of a weight", weight("self_attn.v_proj.weight"), |bytes| bytes[100] ^= 0x60),
            ("an expert's bias zeroed", constant("mlp.experts/aten::add/Multiply_2"), |bytes| {
                bytes[..256].fill(0);
            }),
            ("a sink removed", constant("self_attn/aten::reshape/Reshape_1"), |bytes| {
                bytes[..4].copy_from_slice(&(-30.0_f32).to_le_bytes());
            }),
            // The sign of the row's scale, which is of 16 bits.
            ("a router row negated", weight("mlp.router.weight/scale"), |bytes| bytes[1] ^= 0x80),
        ]);
    }
    faults
}

/// A window of 127 in one layer alone: what lies between the shared constant and that layer's mask is there twice.
fn with_window_of_127_in(layer: usize) -> ModelCopy {
    let copy = ModelCopy::new();
    let text = std::fs::read_to_string(copy.file("openvino_model.xml")).unwrap();
    let graph = roxmltree::Document::parse(&text).unwrap();
    let named = |name: &str| graph.descendants().find(|node| node.attribute("name") == Some(name)).unwrap();
    let mask = named(&format!("__module.model.layers.{layer}.self_attn/aten::slice/Slice_7"));
    let mask = mask.attribute("id").unwrap();
    let ends = |edge: &roxmltree::Node<'_, '_>| {
        Some((edge.attribute("from-layer")?.to_owned(), edge.attribute("to-layer")?.to_owned()))
    };
    let edges: Vec<(String, String)> = graph.descendants().filter_map(|node| ends(&node)).collect();
    let mut twice = vec![named(WINDOW).attribute("id").unwrap().to_owned()];
    while !edges.contains(&(twice.last().unwrap().clone(), mask.to_owned())) {
        let next = edges.iter().find(|(from, _)| from == twice.last().unwrap()).unwrap();
        twice.push(next.1.clone());
    }
    let renumbered = |text: &str, attribute: &str| {
        twice.iter().fold(text.to_owned(), |text, id| {
            text.replacen(&format!(r#"{attribute}="{id}""#), &format!(r#"{attribute}="{id}000000""#), 1)
        })
    };
    let is_twice = |id: Option<&str>| id.is_some_and(|id| twice.iter().any(|node| node == id));
    let mut edited = text.clone();
    for node in graph.descendants() {
        let part = &text[node.range()];
        if node.has_tag_name("layer") && is_twice(node.attribute("id")) {
            let again = renumbered(part, "layer id").replacen(r#"" type"#, r#"/again" type"#, 1);
            edited = edited.replacen("</layers>", &format!("{again}</layers>"), 1);
        } else if is_twice(node.attribute("to-layer")) {
            let again = renumbered(&renumbered(part, "to-layer"), "from-layer");
            edited = edited.replacen("</edges>", &format!("{again}</edges>"), 1);
        } else if node.attribute("to-layer") == Some(mask) && is_twice(node.attribute("from-layer")) {
            edited = edited.replacen(part, &renumbered(part, "from-layer"), 1);
        }
    }
    let offset = named(WINDOW).children().find_map(|data| data.attribute("offset")).unwrap();
    let end = std::fs::metadata(copy.file("openvino_model.bin")).unwrap().len();
    let (first, again) = edited.split_once("000000\" name").unwrap();
    let again = again.replacen(&format!(r#"offset="{offset}""#), &format!(r#"offset="{end}""#), 1);
    std::fs::write(copy.file("openvino_model.xml"), [first, "000000\" name", &again].concat()).unwrap();
    copy.with("openvino_model.bin", |weights| weights.extend((-127_i64).to_le_bytes()))
}

fn planted((_, constant, damage): &Fault) -> ModelCopy {
    let copy = ModelCopy::new();
    let graph = std::fs::read_to_string(copy.file("openvino_model.xml")).unwrap();
    let graph = roxmltree::Document::parse(&graph).unwrap();
    let is_it = |node: &roxmltree::Node<'_, '_>| {
        node.attribute("name") == Some(constant) && node.attribute("type") == Some("Const")
    };
    let layer =
        graph.descendants().find(is_it).unwrap_or_else(|| panic!("there is no constant `{constant}`"));
    let data = layer.children().find(|child| child.has_tag_name("data")).unwrap();
    let [offset, size] = ["offset", "size"].map(|it| data.attribute(it).unwrap().parse::<usize>().unwrap());
    copy.with("openvino_model.bin", |bytes| damage(&mut bytes[offset..][..size]))
}

fn exact_engine(model: &std::path::Path) -> OpenVinoEngine {
    let folder = ModelFolder::open(model).unwrap();
    let graph = Graph::read(&folder).unwrap();
    engine_with(&folder, &graph, &["DYNAMIC_QUANTIZATION_GROUP_SIZE=0".parse().unwrap()])
}

/// Tokens of a golden that are compared with those of a planted fault.
const GREEDY_TOKENS: usize = 64;

#[test]
#[ignore = "heavy: fifteen loads and 4,000 tokens"]
fn every_planted_fault_is_above_the_limit_and_greedy_tokens_see_few_of_them() {
    let folder = repository().join("fixtures/golden/tiny-gpt-oss");
    let reference = DriftReference::load(&folder).unwrap().unwrap();
    let golden = &GoldenSet::load(&folder).unwrap().goldens["fibonacci"];
    let limit = reference.limit(["CPU", "f32", "f32"]).unwrap();
    let mut seen_by_tokens = 0;
    let windows =
        [0, 12, 22].map(|layer| (format!("window of 127 in layer {layer}"), with_window_of_127_in(layer)));
    let planted = faults().into_iter().map(|fault| (format!("{} in {}", fault.0, fault.1), planted(&fault)));
    let models: Vec<(String, ModelCopy)> = planted.chain(windows).collect();
    for (name, model) in &models {
        let mut engine = exact_engine(&model.path());
        // The mean over all texts is at least a text's share in it, so the first text that suffices saves the others.
        let shares = reference
            .texts
            .iter()
            .map(|text| text.drift(&mut engine).unwrap().mean_kl_nats / reference.texts.len() as f64);
        let seen = shares.into_iter().find(|share| *share > 10.0 * limit.mean_kl_nats);
        assert!(seen.is_some(), "{name} is not above the limit");
        let choices = replay(&mut engine, golden.input(), Path::Greedy(GREEDY_TOKENS)).unwrap();
        let golden = golden.token_ids.iter().take(GREEDY_TOKENS).copied();
        let is_golden = choices.iter().map(|choice| choice.token).eq(golden);
        seen_by_tokens += usize::from(!is_golden);
    }
    assert!(seen_by_tokens < models.len() / 2, "{seen_by_tokens}");
}
