//! The shipped small model, loaded as `bench --device CPU` loads it.

use std::path::Path;

use arcgauge::engine::ModelFolder;
use arcgauge::engine::openvino::{Graph, OpenVinoEngine, ResolvedRuntime, Sources};
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
        let location = Sources::from_environment(None).locate().unwrap();
        let mut resolved = ResolvedRuntime::on(location, "CPU", &[]).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let edited = scratch.path().join("openvino_model.xml");
        let engine = resolved.load(&folder, &Graph::read(&folder).unwrap(), Some(&edited), None).unwrap();
        let goldens = GoldenSet::load(&fixtures().join("golden/tiny-gpt-oss")).unwrap().goldens;
        Self { engine, goldens: goldens.into_values().collect() }
    }
}
