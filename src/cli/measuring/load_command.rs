//! What every worker loads.

use std::path::PathBuf;

use crate::cli::flags::EngineFlags;
use crate::engine::openvino::{FoundBy, RuntimeLocation};
use crate::measure::protocol::LoadCommand;
use crate::run::EditedGraph;
use crate::run::FoundModel;

/// The command that makes a worker load what the flags name.
pub(in crate::cli) fn load_command(
    engine: &EngineFlags,
    model: &FoundModel,
    location: RuntimeLocation,
    edited: Option<&EditedGraph>,
    compiled_models: Option<PathBuf>,
) -> LoadCommand {
    LoadCommand {
        pinned_version: match location.found_by {
            FoundBy::Pinned(version) => Some(version),
            FoundBy::Flag | FoundBy::Variable(_) => None,
        },
        c_library: location.c_library,
        model_dir: model.folder.path().to_owned(),
        model_sha256: model.identity.sha256.clone(),
        device: engine.device.clone(),
        properties: engine.properties.iter().map(|p| format!("{}={}", p.key, p.value)).collect(),
        edited_graph: edited.map(|edited| edited.path().to_owned()),
        compiled_models,
    }
}
