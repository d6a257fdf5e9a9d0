//! The KV cache on a GPU: states that cannot be read before the first inference, and that can be put back only
//! after one.

use std::env;
use std::process::{Command, Stdio};

use arcgauge::engine::openvino::{
    DeviceKind, Graph, LoadRequest, OpenVinoEngine, Runtime, Sources, default_properties,
};
use arcgauge::engine::{Engine, ModelFolder};

use crate::checkout::shipped_model;
use crate::ended::Ended;
use crate::gpu_plugin::EmulatedGpu;
use crate::states::{PROMPT, block, decode, prefill};
use crate::this_machine::tokenizer;

on_each_release!(
    after_a_prompt_every_state_is_as_long_as_what_was_fed,
    states_are_put_back_exactly_after_an_inference_and_refused_before_one,
);

/// Names the release to [`the_engine`]; nobody else sets it.
const RELEASE: &str = "ARCGAUGE_TEST_RELEASE";

fn after_a_prompt_every_state_is_as_long_as_what_was_fed(release: &'static str) {
    let tokens = tokenizer().encode(PROMPT).unwrap().len();
    let gpu = EmulatedGpu::new(release);
    let ended = gpu.run_on_gpu(&["states", "--prompt", PROMPT, "--tokens", "3"]);
    ended.exits(0).prints("# before");
    // The states are read as f32 although the cache is f16.
    ended.prints(&block(&format!("after the prompt's {tokens} tokens"), &format!("(1, 8, {tokens}, 64)")));
    ended.prints(&block("after 3 more", &format!("(1, 8, {}, 64)", tokens + 3)));
}

fn states_are_put_back_exactly_after_an_inference_and_refused_before_one(release: &'static str) {
    let gpu = EmulatedGpu::new(release);
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "gpu_plugin::states::the_engine", "--ignored", "--test-threads=1"]);
    gpu.emulate(&mut command);
    let ended = Ended::of(command.env(RELEASE, release).stdin(Stdio::null()).output().unwrap());
    ended.exits(0).prints("1 passed");
}

/// OpenVINO in a process of its own, because the emulated GPU is no part of the other tests' process.
#[test]
#[ignore = "a part of other tests, which start it as a process of its own"]
fn the_engine() {
    let Ok(release) = env::var(RELEASE) else { return };
    let prompt = tokenizer().encode(PROMPT).unwrap();
    let mut engine = engine_of(&release);
    let first = prefill(&mut engine, &prompt);
    let token = *decode(&mut engine, first, 5).last().unwrap();
    let kept = engine.states().unwrap();
    let went_on = decode(&mut engine, token, 10);

    engine.restore(&kept).unwrap();
    assert_eq!(engine.cached_tokens().unwrap(), Some(prompt.len() + 5));
    assert_eq!(decode(&mut engine, token, 10), went_on, "the states are those that were read");

    engine.reset().unwrap();
    let refused = engine.restore(&kept).unwrap_err().to_string();
    assert!(refused.contains("inference"), "after a reset: {refused}");
    assert_eq!(prefill(&mut engine, &prompt), first, "the cache was empty");
    drop(engine);

    let refused = engine_of(&release).restore(&kept).unwrap_err().to_string();
    assert!(refused.contains("inference"), "before the first one: {refused}");
}

/// The shipped model on the GPU, with the defaults.
fn engine_of(release: &str) -> OpenVinoEngine {
    let sources = Sources { asked: Some(release.to_owned()), ..Sources::default() };
    let folder = ModelFolder::open(&shipped_model()).unwrap();
    let load = LoadRequest {
        folder: &folder,
        graph: &Graph::read(&folder).unwrap(),
        device: "GPU",
        properties: &default_properties(DeviceKind::Gpu, &[]),
        edited_graph: None,
        compiled_models: None,
    };
    OpenVinoEngine::load(&mut Runtime::load(sources.locate().unwrap()).unwrap(), load).unwrap()
}
