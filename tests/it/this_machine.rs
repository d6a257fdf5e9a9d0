//! OpenVINO in the process of the tests: the shipped model on the CPU, and what devices there are.

use std::path::Path;

use arcgauge::engine::ModelFolder;
use arcgauge::engine::openvino::{Graph, OpenVinoEngine, Property, ResolvedRuntime, Runtime, Sources};
use arcgauge::workload::TextTokenizer;

use crate::checkout::shipped_model;

/// The default pinned release, whatever the environment names.
pub(crate) fn runtime() -> Runtime {
    Runtime::load(Sources::default().locate().unwrap()).unwrap()
}

/// Whether `--device GPU` would run on one.
pub(crate) fn has_a_gpu() -> bool {
    runtime().available_devices().unwrap().iter().any(|device| device.starts_with("GPU"))
}

/// The shipped model, loaded for the CPU as `bench` loads it.
pub(crate) fn engine() -> OpenVinoEngine {
    engine_of(&shipped_model())
}

/// A model, loaded for the CPU as `bench` loads it.
pub(crate) fn engine_of(model: &Path) -> OpenVinoEngine {
    let folder = ModelFolder::open(model).unwrap();
    engine_with(&folder, &Graph::read(&folder).unwrap(), &[])
}

/// The same of a graph, with these properties.
pub(crate) fn engine_with(folder: &ModelFolder, graph: &Graph, properties: &[Property]) -> OpenVinoEngine {
    let edited = tempfile::tempdir().unwrap();
    let edited = edited.path().join("edited.xml");
    let location = Sources::default().locate().unwrap();
    let mut resolved = ResolvedRuntime::on(location, "CPU", properties).unwrap();
    resolved.load(folder, graph, Some(&edited), None).unwrap()
}

/// The shipped model's tokenizer.
pub(crate) fn tokenizer() -> TextTokenizer {
    TextTokenizer::from_file(&shipped_model().join("tokenizer.json")).unwrap()
}
