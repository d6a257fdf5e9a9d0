//! What a branch holds: as many entries as records can be, and no deeper than records lie. Whoever writes to the
//! branch may have made a tree of any size of a few objects.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid, Repository};

use crate::error::{Error, Result};
use crate::files::{FileKind, is_file_name};

/// Folders around a record: its machine's and its commit's.
const DEEPEST: usize = 2;
/// A store of ten thousand commits has a tenth of it.
const MOST_ENTRIES: usize = 200_000;
/// A folder of so many entries has less.
const LARGEST_TREE_BYTES: usize = 16 << 20;
/// What of a mode says which kind an entry is, and the kinds.
const KIND: i32 = 0o170_000;
const FOLDER: i32 = 0o040_000;
const FILE: i32 = 0o100_000;

/// A state of the branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tip {
    pub(super) commit: String,
    /// The files that have the names of records: the path, and the object.
    pub(super) files: BTreeMap<String, Oid>,
    /// What has such a name and is no file, and what lies where no record does; and why it is not taken.
    pub(super) refused: Vec<(String, Error)>,
}

impl Tip {
    /// Lists the files of a commit.
    pub(super) fn of(objects: &Repository, commit: String) -> Result<Self> {
        let tree = Oid::from_str(&commit).and_then(|id| {
            let id = objects.find_commit(id)?.tree_id();
            Ok(id)
        });
        let tree = tree.map_err(|cause| unreadable(&commit, &cause))?;
        let mut list = List { objects, entries: 0, deeper: 0, files: BTreeMap::new(), refused: Vec::new() };
        list.folder(tree, "", 0);
        if list.deeper > 0 {
            let what = format!("{} folders lie deeper than records do, and are not looked into", list.deeper);
            list.refused.push((commit.clone(), Error::input(what)));
        }
        Ok(Self { commit, files: list.files, refused: list.refused })
    }
}

/// The content of a file of the branch.
///
/// # Errors
/// An object that is no file, cannot be read, or is larger than a record may be.
pub(super) fn content(objects: &Repository, id: Oid, name: &str) -> Result<Vec<u8>> {
    let failed = |cause: git2::Error| unreadable(name, &cause);
    let objects = objects.odb().map_err(failed)?;
    let (bytes, kind) = objects.read_header(id).map_err(failed)?;
    if kind != ObjectType::Blob || bytes as u64 > FileKind::Record.largest_bytes() {
        let largest = FileKind::Record.largest_bytes();
        return Err(Error::input(format!(
            "record `{name}` is not taken: it has {bytes} bytes, and a record has at most {largest}"
        )));
    }
    Ok(objects.read(id).map_err(failed)?.data().to_vec())
}

fn unreadable(name: &str, cause: &git2::Error) -> Error {
    Error::input(format!("`{name}` cannot be read from git: {}", cause.message())).hint("try again")
}

struct List<'a> {
    objects: &'a Repository,
    entries: usize,
    deeper: usize,
    files: BTreeMap<String, Oid>,
    refused: Vec<(String, Error)>,
}

impl List<'_> {
    fn folder(&mut self, tree: Oid, below: &str, depth: usize) {
        let size = self.objects.odb().and_then(|objects| objects.read_header(tree));
        let tree = match size {
            Ok((bytes, _)) if bytes > LARGEST_TREE_BYTES => {
                return self.refuse(
                    below,
                    &format!("it is a folder of {bytes} bytes, more than {LARGEST_TREE_BYTES}"),
                );
            }
            Ok(_) => self.objects.find_tree(tree),
            Err(cause) => Err(cause),
        };
        let tree = match tree {
            Ok(tree) => tree,
            Err(cause) => return self.refused.push((below.to_owned(), unreadable(below, &cause))),
        };
        for entry in &tree {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                if self.entries == MOST_ENTRIES + 1 {
                    self.refuse(below, &format!("the branch has more than {MOST_ENTRIES} entries"));
                }
                return;
            }
            let name = String::from_utf8_lossy(entry.name_bytes());
            let path = if below.is_empty() { name.clone().into_owned() } else { format!("{below}/{name}") };
            match entry.filemode_raw() & KIND {
                FOLDER if depth < DEEPEST => self.folder(entry.id(), &path, depth + 1),
                FOLDER => self.deeper += 1,
                _ if !name.ends_with(".json") => {}
                _ if !path.split('/').all(is_file_name) => self.refuse(&path, "no record has such a name"),
                FILE => drop(self.files.insert(path, entry.id())),
                _ => self.refuse(&path, "it is a link or a submodule, not a file"),
            }
        }
    }

    fn refuse(&mut self, path: &str, why: &str) {
        let what = format!("`{path}` of the branch is not taken: {why}");
        self.refused.push((path.to_owned(), Error::input(what)));
    }
}
