//! Taking the branch's records into this store.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::record::history::{place_of, without_password};
use crate::record::sharing::Relay;
use crate::record::sharing::tip::content;
use crate::record::{History, RecordSource, Taken};

/// What was pulled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Records that the store has now and had not.
    pub added: Vec<PathBuf>,
    /// Records of the branch that it had.
    pub there: usize,
    /// Files of the branch that were not taken, and why.
    pub refused: Vec<(String, Error)>,
}

impl Relay {
    /// Takes the branch's records that the store has not. What comes from others is read whole first; what
    /// is damaged, or lies where it does not belong, is named and not taken.
    ///
    /// # Errors
    /// A remote that cannot be reached or has no such branch; a store that cannot be written.
    pub fn pull(&self, history: &History) -> Result<Pulled> {
        let source =
            RecordSource::Pulled { remote: without_password(&self.remote), branch: self.branch.clone() };
        let Some(tip) = self.fetch()? else {
            return Err(Error::input(format!("`{}` has no branch `{}`", self.url, self.branch))
                .hint("the first `cargo xtask history push` makes it"));
        };
        let mut pulled = Pulled { refused: tip.refused, ..Pulled::default() };
        let objects = self.objects()?;
        for (path, object) in tip.files {
            // Only what the store does not have is read.
            if history.root().join(&path).symlink_metadata().is_ok_and(|found| found.is_file()) {
                pulled.there += 1;
                continue;
            }
            let name = format!("{}:{path}", self.branch);
            let taken = content(&objects, object, &name).and_then(|bytes| {
                let place = place_of(&bytes, &name)?;
                if place.display().to_string() != path {
                    return Err(Error::input(format!("record `{name}` belongs at `{}`", place.display())));
                }
                history.take(&bytes, &name, &source)
            });
            match taken {
                Ok(Taken::Added(path)) => pulled.added.push(path),
                Ok(Taken::There(_)) => pulled.there += 1,
                // A full disk is no fault of the record's.
                Err(error) if error.kind() == crate::error::ErrorKind::Harness => return Err(error),
                Err(error) => pulled.refused.push((path, error)),
            }
        }
        Ok(pulled)
    }
}
