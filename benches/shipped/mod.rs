//! The shipped small model, loaded as `bench --device CPU` loads it.

use std::fs;
use std::path::{Path, PathBuf};

use arcgauge::engine::ModelFolder;
use arcgauge::engine::openvino::{
    DeviceKind, Graph, LoadRequest, OpenVinoEngine, Runtime, Sources, default_properties, last_token_only,
};
use arcgauge::golden::{Golden, GoldenSet};

/// A loaded model with its goldens.
pub(crate) struct Shipped {
    pub(crate) engine: OpenVinoEngine,
    pub(crate) goldens: Vec<Golden>,
    /// The weights, and the graph that was compiled.
    pub(crate) weights: PathBuf,
    pub(crate) graph: PathBuf,
    _folder: tempfile::TempDir,
}

impl Shipped {
    pub(crate) fn load() -> Self {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let folder = ModelFolder::open(&fixtures.join("models/tiny-gpt-oss")).unwrap();
        let graph = Graph::read(&folder).unwrap();
        let mut runtime = Runtime::load(Sources::from_environment(None).locate().unwrap()).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let edited = scratch.path().join("openvino_model.xml");
        let load = LoadRequest {
            folder: &folder,
            graph: &graph,
            device: "CPU",
            properties: &default_properties(DeviceKind::Cpu, &[]),
            edited_graph: Some(&edited),
            compiled_models: None,
        };
        let engine = OpenVinoEngine::load(&mut runtime, load).unwrap();
        fs::write(&edited, last_token_only(&graph, &folder.weights()).unwrap().unwrap()).unwrap();
        let goldens = GoldenSet::load(&fixtures.join("golden/tiny-gpt-oss")).unwrap().goldens;
        Self {
            engine,
            goldens: goldens.into_values().collect(),
            weights: folder.weights(),
            graph: edited,
            _folder: scratch,
        }
    }
}
