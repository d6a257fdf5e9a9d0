//! The edited graph's file in the cache folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::places;
use crate::record::ModelIdentity;

/// The folder of these files, in the cache folder.
pub const FOLDER: &str = "graphs";

/// The edited graph's file, for this process and its workers alone; removed at the end.
pub struct EditedGraph(PathBuf);

impl EditedGraph {
    /// A place for it; None where the graph is to be compiled as it is.
    ///
    /// # Errors
    /// A cache folder that cannot be written.
    pub fn place(identity: &ModelIdentity, all_logits: bool) -> Result<Option<Self>> {
        if all_logits {
            return Ok(None);
        }
        let cache = places::cache_dir()
            .ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))?;
        let folder = cache.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|cause| Error::io("write", &folder, &cause))?;
        let name = format!("{}-{}.xml", &identity.sha256[..16], std::process::id());
        Ok(Some(Self(folder.join(name))))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// The process that a file of this name is for, by its id.
#[must_use]
pub fn process_of(name: &str) -> Option<u32> {
    let (_, process) = name.strip_suffix(".xml")?.rsplit_once('-')?;
    process.parse().ok()
}

impl Drop for EditedGraph {
    fn drop(&mut self) {
        // OpenVINO has read it; one that stays behind costs a few megabytes of cache.
        let _ = fs::remove_file(&self.0);
    }
}
