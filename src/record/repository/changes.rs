//! Which files differ between a commit and a side.

use std::collections::BTreeSet;

use git2::DiffOptions;

use crate::error::Result;
use crate::record::repository::fault::unreadable;
use crate::record::{Repository, Source};

impl Repository {
    /// The files below these files and folders that differ between the commit of this sha and `head`:
    /// added, changed, removed, of another kind or another mode; of a renamed one both names. Sorted, with
    /// `/` between folders. No paths means all.
    ///
    /// # Errors
    /// When a commit is missing, or git cannot read the repository.
    pub fn changed_between(&self, base: &str, head: &Source, paths: &[&str]) -> Result<Vec<String>> {
        let failed = |cause: git2::Error| unreadable(self.folder(), &cause);
        let mut options = DiffOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).include_typechange(true);
        // A name is a name, even with a star in it.
        options.disable_pathspec_match(true);
        for path in paths {
            options.pathspec(*path);
        }
        let base = self.commit(base)?.tree().map_err(failed)?;
        let difference = match head {
            Source::Commit(commit) => {
                let head = self.commit(&commit.sha)?.tree().map_err(failed)?;
                self.git.diff_tree_to_tree(Some(&base), Some(&head), Some(&mut options))
            }
            Source::WorkTree(_) => self.git.diff_tree_to_workdir_with_index(Some(&base), Some(&mut options)),
        };
        let difference = difference.map_err(failed)?;
        let names = difference.deltas().flat_map(|delta| [delta.old_file(), delta.new_file()]);
        let names = names.filter_map(|file| Some(String::from_utf8_lossy(file.path_bytes()?).into_owned()));
        Ok(names.collect::<BTreeSet<_>>().into_iter().collect())
    }
}
