//! Stateful decoding through OpenVINO.
//!
//! `release`, `location` and `runtime` find and load the library; `device` and `property` settle what is requested
//! of it and what it really does, `facts` and `opencl` say what it is; `graph` and `last_token` read and prepare the model's graph, and
//! `kv_graph` edits it for KV experiments, `weights` counts what a token reads of it, `anatomy` has what else it says of the model; `device_resolved` is what is known before compiling, and `compile`
//! brings a model onto a device, with `compiled_models` as its cache; `tensor`, `state` and
//! `string_tensor` are the safe wrappers; `pipeline` is the engine built from all of these, and `kv_cache` what it offers to KV experiments;
//! `profile` is what each operator took; `tokenizer_ir` is a tokenizer that is a graph.

mod compile;
mod compiled_models;
mod device;
mod facts;
mod graph;
mod kv_cache;
mod kv_graph;
mod opencl;
mod pipeline;
mod profile;
mod runtime;
mod state;
mod string_tensor;
mod tensor;
mod tokenizer_ir;
mod weights;

pub use compile::{LastTokenOnly, last_token_only};
pub use compiled_models::{
    COMPILED_MODELS_FOLDER, COMPILED_MODELS_LIMIT_BYTES, CompiledModelFolder, trim_compiled_models,
};
pub use device::{DeviceChoice, DeviceKind, DeviceProof, EffectiveProperties, Property, default_properties};
pub use facts::DeviceFacts;
pub use graph::{Anatomy, Graph};
pub use kv_cache::{AttentionLook, calibrate};
pub use pipeline::OpenVinoEngine;
pub use profile::{ProfiledNode, ProfiledSteps};
pub use runtime::{
    FoundBy, InstalledBy, Release, Releases, ResolvedRuntime, Runtime, RuntimeLocation, Sources,
    TokenizersExtension,
};
pub use state::{KvState, NamedState, StateBridge};
pub use tokenizer_ir::{LoadedTokenizer, TokenizerIr};
pub use weights::{ActiveWeights, KindOfWeight, WeightKind};

use crate::error::Error;

/// An OpenVINO failure in one line: its messages span several and name its source files.
fn failed(doing: &str, cause: &openvino::InferenceError) -> Error {
    let message = one_line(cause.message.as_deref().unwrap_or_default());
    let message = if message.is_empty() { format!("{:?}", cause.kind) } else { message };
    Error::harness(format!("OpenVINO cannot {doing}: {message}"))
}

/// An OpenVINO message in one line, without the lines that name its source files.
fn one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.filter(|line| !line.starts_with("Exception from src")).collect::<Vec<_>>().join("; ")
}
