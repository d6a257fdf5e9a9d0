//! Brings a model onto a device: the graph prepared, properties set, compiled, and read back.

use std::fs;
use std::path::Path;

use openvino::{CompiledModel, DeviceType, PropertyKey};

use crate::engine::ModelFolder;
use crate::engine::openvino::property::READ_BACK;
use crate::engine::openvino::{
    DeviceProof, EffectiveProperties, Graph, Property, Runtime, failed, last_token_only,
};
use crate::error::{Error, Result};

/// What to load and how.
#[derive(Debug, Clone, Copy)]
pub struct LoadRequest<'a> {
    /// The model.
    pub folder: &'a ModelFolder,
    /// Its graph.
    pub graph: &'a Graph,
    /// The device to compile for, as OpenVINO names it.
    pub device: &'a str,
    /// Properties to compile with.
    pub properties: &'a [Property],
    /// Where the edited graph is written; None decodes with the graph as it is.
    pub edited_graph: Option<&'a Path>,
    /// Where compiled models are kept and taken from (`CACHE_DIR`); None compiles anew.
    pub compiled_models: Option<&'a Path>,
}

/// Whether the prefill computes the last position's logits only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastTokenOnly {
    /// It does, by an edit of the graph.
    Applied,
    /// It does not, for this reason.
    NotApplied(String),
}

/// A model that was compiled, with what the runtime made of it.
pub(super) struct Compiled {
    pub(super) model: CompiledModel,
    pub(super) proof: DeviceProof,
    pub(super) effective: EffectiveProperties,
    pub(super) loaded_from_cache: Option<bool>,
    pub(super) last_token_only: LastTokenOnly,
}

/// Prepares, reads and compiles.
pub(super) fn compile(runtime: &mut Runtime, load: LoadRequest<'_>) -> Result<Compiled> {
    let LoadRequest { folder, graph, device, properties, edited_graph, compiled_models } = load;
    for property in properties {
        runtime.set_property(device, property)?;
    }
    if let Some(cache) = compiled_models {
        runtime.set_property(device, &Property::new("CACHE_DIR", text(cache)?))?;
    }
    let original = folder.graph();
    let last_token_only = prepare(folder, graph, edited_graph)?;
    let xml = match (&last_token_only, edited_graph) {
        (LastTokenOnly::Applied, Some(edited)) => edited,
        _ => original.as_path(),
    };
    let model = runtime.core.read_model_from_file(text(xml)?, text(&folder.weights())?).map_err(|cause| {
        failed(&format!("read `{}`", original.display()), &cause).as_input().hint("fetch the model again")
    })?;
    let model = runtime.core.compile_model(&model, DeviceType::from(device)).map_err(|cause| {
        failed(&format!("compile `{}` for `{device}`", original.display()), &cause)
            .hint("run `cargo xtask doctor`")
    })?;
    let effective = read_back(&model, properties);
    let executed = effective.get("EXECUTION_DEVICES").map_or("", String::as_str);
    let proof = DeviceProof::read(executed, device)?;
    let loaded_from_cache = loaded_from_cache(&model);
    Ok(Compiled { model, proof, effective, loaded_from_cache, last_token_only })
}

/// Writes the edited graph, where one is wanted and the graph has a place for the edit.
fn prepare(folder: &ModelFolder, graph: &Graph, edited: Option<&Path>) -> Result<LastTokenOnly> {
    let Some(path) = edited else { return Ok(LastTokenOnly::NotApplied("it was switched off".to_owned())) };
    match last_token_only(graph, &folder.weights())? {
        Ok(text) => {
            fs::write(path, text).map_err(|cause| Error::io("write", path, &cause))?;
            Ok(LastTokenOnly::Applied)
        }
        Err(reason) => Ok(LastTokenOnly::NotApplied(reason.to_owned())),
    }
}

/// The properties in force: those requested, and those of which the defaults matter.
fn read_back(compiled: &CompiledModel, requested: &[Property]) -> EffectiveProperties {
    let requested = requested.iter().map(|property| property.key.as_str());
    let mut effective = EffectiveProperties::new();
    for key in READ_BACK.into_iter().chain(requested) {
        let property = PropertyKey::Other(key.to_owned().into());
        if let Ok(value) = compiled.get_property(&property) {
            effective.insert(key.to_owned(), value.into_owned());
        }
    }
    effective
}

/// Whether the compiled model came from `CACHE_DIR`; None where the plugin does not report it.
fn loaded_from_cache(compiled: &CompiledModel) -> Option<bool> {
    let value = compiled.get_property(&PropertyKey::Other("LOADED_FROM_CACHE".into())).ok()?;
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        Error::input(format!("the path `{}` is not UTF-8, which OpenVINO needs", path.display()))
            .hint("move the model to a folder with a plain name")
    })
}
