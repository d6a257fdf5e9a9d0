//! `model list`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::model::used;
use crate::cli::root::Root;
use crate::cli::{print, say, shell};
use crate::error::Result;
use crate::places;
use crate::record::hub::{FetchedFrom, fetched_folders, unfinished};
use crate::record::{VerifiedModels, read_manifest};
use crate::report::model::{ListedModel, ModelState, model_list};

/// Lists what was fetched, what is shipped, and what is remembered.
pub(super) fn list() -> Result<()> {
    let used = used()?;
    let used = fs::canonicalize(&used).unwrap_or(used);
    let mut folders = places::models_dir().map_or_else(Vec::new, |models| fetched_folders(&models));
    folders.extend([Root::find().shipped_model(), used.clone()]);
    let verified =
        places::cache_dir().map_or_else(VerifiedModels::default, |cache| VerifiedModels::load(&cache));
    let mut models: Vec<ListedModel> = Vec::new();
    for folder in folders {
        let folder = fs::canonicalize(&folder).unwrap_or(folder);
        if models.iter().all(|model| model.folder != folder) {
            models.push(listed(folder, &used, &verified));
        }
    }
    print(&model_list(&models))?;
    if let Some(cut) = models.iter().find(|model| model.state == ModelState::Unfinished) {
        say(&format!(
            "unfinished: the same `model fetch` resumes it; or remove it: rm -r {}",
            shell::word(&cut.folder)
        ));
    }
    Ok(())
}

fn listed(folder: PathBuf, used: &Path, verified: &VerifiedModels) -> ListedModel {
    let manifest = read_manifest(&folder).ok().flatten();
    let fetched_from = FetchedFrom::read(&folder);
    let state = match &manifest {
        Some(manifest) => match verified.when_utc(&folder, manifest) {
            Some(when_utc) => ModelState::Verified { when_utc: when_utc.to_owned() },
            None => ModelState::NotVerified,
        },
        None if unfinished(&folder).is_dir() => ModelState::Unfinished,
        None if folder.join("openvino_model.xml").is_file() => ModelState::NoManifest,
        None => ModelState::Gone,
    };
    ListedModel {
        name: manifest.as_ref().map_or_else(|| name_of(&folder), |manifest| manifest.name.clone()),
        size_bytes: size_of(&folder),
        fetched_from,
        state,
        is_used: folder == used,
        folder,
    }
}

/// The repository's of one that was not finished, else the folder's.
fn name_of(folder: &Path) -> String {
    let name = |folder: &Path| folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let around = folder.parent().map(name).unwrap_or_default();
    match around.split_once("--") {
        Some((_, repository)) => repository.to_owned(),
        None => name(folder),
    }
}

/// Bytes of what lies in a folder, and in the one of its unfinished parts.
fn size_of(folder: &Path) -> u64 {
    let sizes = |folder: &Path| -> u64 {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| fs::metadata(entry.path()).ok())
            .filter(fs::Metadata::is_file)
            .map(|reported| reported.len())
            .sum()
    };
    sizes(folder) + sizes(&unfinished(folder))
}
