//! By what a file is recognised again, and what the standard library does not give of disks and files alike on every
//! system.

use std::fs::Metadata;

use serde::{Deserialize, Serialize};

pub use crate::sys::os::disk::{
    canonicalize, check_executable, for_all, free_bytes, is_executable, is_pipe, is_removed, is_socket,
    open_at_once, path_of_bytes, read_only, symlink, sync_folder,
};

/// By what a file is recognised: whatever replaces or changes it changes one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// The number of its file system.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its size.
    pub size_bytes: u64,
    /// When its contents last changed, ns after 1970 began.
    pub modified_ns: i128,
    /// When anything of it last changed, ns after 1970 began.
    pub changed_ns: i128,
}

impl FileStamp {
    /// The stamp of a file by its metadata.
    pub fn of(file: &Metadata) -> Self {
        crate::sys::os::disk::stamp_of(file)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_room_of_the_one_that_it_will_be_in() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(&folder.path().join("a/b")).unwrap() > 0);
        assert!(free_bytes(Path::new("not/there")).unwrap() > 0);
    }
}
