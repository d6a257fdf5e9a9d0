//! How much room a disk has.

use std::path::Path;

/// Bytes that this user may still write where the folder is or will be; None where nobody tells.
#[must_use]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    // The current folder is where a relative path begins, and its name is not that of what is there.
    let named = |folder| if folder == Path::new("") { Path::new(".") } else { folder };
    let there = folder.ancestors().map(named).find(|folder| folder.exists())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_room_of_the_one_that_it_will_be_in() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(&folder.path().join("a/b")).unwrap() > 0);
        assert!(free_bytes(Path::new("not/there")).unwrap() > 0);
    }
}
