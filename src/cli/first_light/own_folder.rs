//! A folder for what the steps write.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::{env, process};

use crate::error::{Error, Result};
use crate::sys::{Clock, MonotonicClock};

/// A folder that is gone with the walk, and that no other user may look into.
pub(super) struct OwnFolder(PathBuf);

impl OwnFolder {
    pub(super) fn new() -> Result<Self> {
        let name = format!("arcgauge-first-light-{}-{}", process::id(), MonotonicClock.now_ns());
        let folder = env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&folder).map_err(|cause| Error::io("write", &folder, &cause))?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
