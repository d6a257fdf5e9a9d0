//! Taking the branch's records into this store.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::record::history::{place_of, without_password};
use crate::record::sharing::Relay;
use crate::record::sharing::git::fed;
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
        let mut pulled = Pulled::default();
        let records = tip
            .files
            .iter()
            .filter(|(path, _)| Path::new(path).extension().is_some_and(|extension| extension == "json"));
        // Only what the store does not have is fetched out; a name that leads elsewhere is no file of it.
        let is_there = |path: &str| !path.contains("..") && history.root().join(path).is_file();
        let (there, new): (Vec<_>, Vec<_>) = records.partition(|(path, _)| is_there(path));
        pulled.there = there.len();
        let contents = self.contents(new.iter().map(|(_, object)| object.as_str()))?;
        for ((path, _), bytes) in new.into_iter().zip(contents) {
            let name = format!("{}:{path}", self.branch);
            let place = place_of(&bytes, &name);
            let taken = match place {
                Ok(place) if place.display().to_string() != *path => {
                    Err(Error::input(format!("record `{name}` belongs at `{}`", place.display())))
                }
                Ok(_) => history.take(&bytes, &name, &source),
                Err(error) => Err(error),
            };
            match taken {
                Ok(Taken::Added(path)) => pulled.added.push(path),
                Ok(Taken::There(_)) => pulled.there += 1,
                // A full disk is no fault of the record's.
                Err(error) if error.kind() == crate::error::ErrorKind::Harness => return Err(error),
                Err(error) => pulled.refused.push((path.clone(), error)),
            }
        }
        Ok(pulled)
    }

    /// The contents of objects, in their order.
    fn contents<'a>(&self, objects: impl Iterator<Item = &'a str>) -> Result<Vec<Vec<u8>>> {
        let asked: String = objects.flat_map(|object| [object, "\n"]).collect();
        let told = fed(self.git().args(["cat-file", "--batch"]), asked.as_bytes())?;
        let mut contents = Vec::new();
        let mut rest = told.as_slice();
        // "0123... blob 42\n", 42 bytes, and a line's end.
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let size =
                String::from_utf8_lossy(&rest[..end]).rsplit(' ').next().and_then(|it| it.parse().ok());
            let body = end + 1..end + 1 + size.unwrap_or(0usize);
            let Some(bytes) = size.and_then(|_| rest.get(body.clone())) else {
                return Err(Error::harness(format!("git does not give an object of `{}`", self.branch))
                    .hint("try again"));
            };
            contents.push(bytes.to_vec());
            rest = rest.get(body.end + 1..).unwrap_or_default();
        }
        Ok(contents)
    }
}
