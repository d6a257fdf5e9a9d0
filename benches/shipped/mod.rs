//! The shipped small model, loaded as `bench --device CPU` loads it.

use std::path::Path;

use arcgauge::engine::ModelFolder;
use arcgauge::engine::openvino::{
    DeviceKind, Graph, LoadRequest, OpenVinoEngine, Runtime, Sources, default_properties,
};
use arcgauge::golden::{Golden, GoldenSet};

/// A loaded model with its goldens.
pub(crate) struct Shipped {
    pub(crate) engine: OpenVinoEngine,
    pub(crate) goldens: Vec<Golden>,
}

/// The model's folder.
pub(crate) fn folder() -> ModelFolder {
    ModelFolder::open(&fixtures().join("models/tiny-gpt-oss")).unwrap()
}

fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"))
}

impl Shipped {
    pub(crate) fn load() -> Self {
        let folder = folder();
        let mut runtime = Runtime::load(Sources::from_environment(None).locate().unwrap()).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let load = LoadRequest {
            folder: &folder,
            graph: &Graph::read(&folder).unwrap(),
            device: "CPU",
            properties: &default_properties(DeviceKind::Cpu, &[]),
            edited_graph: Some(&scratch.path().join("openvino_model.xml")),
            compiled_models: None,
        };
        let engine = OpenVinoEngine::load(&mut runtime, load).unwrap();
        let goldens = GoldenSet::load(&fixtures().join("golden/tiny-gpt-oss")).unwrap().goldens;
        Self { engine, goldens: goldens.into_values().collect() }
    }
}
