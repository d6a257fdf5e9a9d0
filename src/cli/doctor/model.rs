//! The model: its folder, its graph, its files.

use std::fs;
use std::path::Path;

use crate::cli::doctor::check::{Check, size};
use crate::cli::flags::ModelFlags;
use crate::cli::loading::{announce_hashing, model_dir};
use crate::cli::root::Root;
use crate::engine::ModelFolder;
use crate::engine::openvino::Graph;
use crate::error::Result;
use crate::record::{ManifestCheck, ModelIdentity};
use crate::run::known_hashes;

const FOLDER: &str = "model folder";
const GRAPH: &str = "model graph";
const FILES: &str = "model files";
const NAME_ANOTHER: &str =
    "name another with `--model-dir DIR`, or once and for all `cargo xtask model use DIR`";

/// What later checks need to know of a model whose folder opened.
pub(super) struct FoundModel {
    /// Its folder.
    pub(super) folder: ModelFolder,
    /// The size of its weights, where the file tells it.
    pub(super) weights_bytes: Option<u64>,
    /// None where its files are not what they ought to be.
    pub(super) identity: Option<ModelIdentity>,
}

/// Looks at the model that a verb with these flags would use.
pub(super) fn examine(flags: &ModelFlags, root: &Root) -> (Vec<Check>, Option<FoundModel>) {
    let Ok(path) = model_dir(flags, root) else {
        let reason = "not looked at: the settings, which name it, cannot be read";
        return (vec![Check::skip(FOLDER, reason)], None);
    };
    examine_folder(&path)
}

fn examine_folder(path: &Path) -> (Vec<Check>, Option<FoundModel>) {
    let folder = match ModelFolder::open(path) {
        Ok(folder) => folder,
        Err(error) => {
            let rest = [GRAPH, FILES].map(|subject| Check::skip(subject, "not looked at: no model folder"));
            let checks = [Check::of_error(FOLDER, &error, NAME_ANOTHER)].into_iter().chain(rest);
            return (checks.collect(), None);
        }
    };
    let identity = ModelIdentity::of(&folder, &mut known_hashes(), announce_hashing);
    let checks = vec![
        Check::ok(FOLDER, format!("`{}`", folder.path().display())),
        graph(Graph::read(&folder)),
        files(&identity),
    ];
    let weights_bytes = fs::metadata(folder.weights()).ok().map(|weights| weights.len());
    (checks, Some(FoundModel { folder, weights_bytes, identity: identity.ok() }))
}

fn graph(read: Result<Graph>) -> Check {
    match read {
        Ok(graph) => Check::ok(GRAPH, format!("stateful, {} KV states", graph.state_names.len())),
        Err(error) => Check::of_error(GRAPH, &error, NAME_ANOTHER),
    }
}

fn files(identity: &Result<ModelIdentity>) -> Check {
    let identity = match identity {
        Ok(identity) => identity,
        Err(error) => return Check::of_error(FILES, error, NAME_ANOTHER),
    };
    let bytes = identity.files.iter().map(|file| file.size_bytes).sum();
    let checked = match identity.manifest {
        ManifestCheck::Verified => "as their manifest says",
        ManifestCheck::Absent => "no manifest to compare them with",
    };
    let found = format!(
        "`{}`, sha256 {}, {} in {} files, {checked}",
        identity.name,
        identity.sha256.get(..12).unwrap_or(&identity.sha256),
        size(bytes),
        identity.files.len()
    );
    Check::ok(FILES, found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::check::Status;

    fn statuses(folder: &Path) -> Vec<(String, Status)> {
        examine_folder(folder).0.into_iter().map(|check| (check.subject, check.status)).collect()
    }

    fn each(folder: Status, graph: Status, files: Status) -> Vec<(String, Status)> {
        vec![(FOLDER.to_owned(), folder), (GRAPH.to_owned(), graph), (FILES.to_owned(), files)]
    }

    /// A folder with the shipped model's files.
    fn copy_of_the_shipped_model() -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/tiny-gpt-oss");
        for entry in
            fs::read_dir(shipped).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
        {
            fs::copy(&entry, copy.path().join(entry.file_name().unwrap())).unwrap();
        }
        copy
    }

    #[test]
    fn the_shipped_model_is_whole() {
        let copy = copy_of_the_shipped_model();
        assert_eq!(statuses(copy.path()), each(Status::Ok, Status::Ok, Status::Ok));
        let (checks, found) = examine_folder(copy.path());
        let found = found.unwrap();
        let sha256 = &found.identity.unwrap().sha256[..12];
        assert!(
            checks[2].found.contains(&format!("`tiny-gpt-oss`, sha256 {sha256}, ")),
            "{}",
            checks[2].found
        );
        assert!(checks[2].found.ends_with("as their manifest says"), "{}", checks[2].found);
        assert_eq!(
            found.weights_bytes,
            Some(fs::metadata(copy.path().join("openvino_model.bin")).unwrap().len())
        );
    }

    #[test]
    fn altered_weights_fail_by_the_manifest_while_the_graph_still_reads() {
        let copy = copy_of_the_shipped_model();
        let weights = copy.path().join("openvino_model.bin");
        let mut bytes = fs::read(&weights).unwrap();
        bytes[100] ^= 1;
        fs::write(&weights, bytes).unwrap();
        assert_eq!(statuses(copy.path()), each(Status::Ok, Status::Ok, Status::Fail));
    }

    #[test]
    fn a_truncated_download_fails_and_so_does_a_graph_that_is_none() {
        let copy = copy_of_the_shipped_model();
        fs::remove_file(copy.path().join("manifest.json")).unwrap();
        assert_eq!(statuses(copy.path()), each(Status::Ok, Status::Ok, Status::Ok));
        fs::write(copy.path().join("openvino_model.bin"), "short").unwrap();
        assert_eq!(statuses(copy.path()), each(Status::Ok, Status::Fail, Status::Ok));
        fs::write(copy.path().join("openvino_model.xml"), "<net/>").unwrap();
        assert_eq!(statuses(copy.path()), each(Status::Ok, Status::Fail, Status::Ok));
    }

    #[test]
    fn a_folder_that_is_not_there_fails_once() {
        assert_eq!(statuses(Path::new("/nowhere")), each(Status::Fail, Status::Skip, Status::Skip));
    }
}
