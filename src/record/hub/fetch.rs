//! A model's folder: what is there is kept, what is missing or wrong comes, and a manifest says in the end
//! what it must hold.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::record::hub::asking::Hub;
use crate::record::hub::attendant::{Attendant, Event};
use crate::record::hub::fetched::FetchedFrom;
use crate::record::hub::listing::{HubFile, HubHash, Listing};
use crate::record::hub::partial::{Partial, sha256_if, unfinished, written};
use crate::record::hub::refusal::Fault;
use crate::record::hub::room;
use crate::record::model::MANIFEST;
use crate::record::model_files::is_model_file;
use crate::record::model_name::as_plain;
use crate::record::{FileLock, HashCache, Manifest, ModelFile, Overwrite, read_manifest, write_whole};

/// The file by which processes that fetch into the same folder take turns.
const LOCK: &str = ".lock";

/// A model that is to be in a folder.
#[derive(Clone, Copy)]
pub struct Fetch<'a> {
    /// Where it comes from.
    pub hub: &'a Hub,
    /// What it is.
    pub listing: &'a Listing,
    /// Where it is to be.
    pub folder: &'a Path,
}

/// A model that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedModel {
    /// The folder.
    pub folder: PathBuf,
    /// What it must hold from now on.
    pub manifest: Manifest,
    /// How many files it has in all, documents among them.
    pub files: usize,
    /// How many of them had to come.
    pub fetched_files: usize,
}

/// A file of the hub with the sha256 that it has in the folder, where it is there and right.
struct Place<'a> {
    file: &'a HubFile,
    sha256: Option<String>,
}

impl Fetch<'_> {
    /// Fetches what is missing; None where whoever waits was told to stop, and what has come is kept.
    ///
    /// # Errors
    /// A folder with something else in it, too little room, a hub that fails or refuses, a file that is not
    /// what the hub says.
    pub fn run(&self, known: &mut HashCache, attendant: &mut dyn Attendant) -> Result<Option<FetchedModel>> {
        match self.complete(known, attendant) {
            Ok(model) => Ok(Some(model)),
            Err(Fault::Stopped) => Ok(None),
            Err(Fault::Final(error)) => Err(error),
            Err(Fault::Passing { because, .. }) => Err(Error::harness(because)),
        }
    }

    fn complete(&self, known: &mut HashCache, attendant: &mut dyn Attendant) -> Result<FetchedModel, Fault> {
        let parts = unfinished(self.folder);
        // Looked at before anything is made: a folder of somebody else's stays as it is.
        let is_ours = parts.is_dir() || FetchedFrom::read(self.folder).is_some();
        let mut places = self.places(is_ours, known, attendant)?;
        if places.iter().all(|place| place.sha256.is_some()) {
            let manifest = self.manifest(&places);
            // Somebody who may only read such a folder has nothing to write there, either.
            if self.is_finished(&manifest) {
                return Ok(self.fetched(manifest, 0));
            }
        }
        let missing = self.missing_bytes(&places);
        room::check(self.folder, missing, attendant).map_err(Fault::Final)?;
        fs::create_dir_all(&parts).map_err(|cause| Fault::Final(written(&parts, &cause)))?;
        let _turn = self.turn(attendant)?;
        if places.iter().any(|place| place.sha256.is_none()) {
            // Whoever had the turn before may have fetched it all.
            places = self.places(true, known, attendant)?;
        }
        self.remove_strays(&parts);
        fs::create_dir_all(&parts).map_err(|cause| Fault::Final(written(&parts, &cause)))?;
        let mut fetched_files = 0;
        for place in places.iter_mut().filter(|place| place.sha256.is_none()) {
            place.sha256 = Some(self.partial(place.file).fetch(attendant)?);
            fetched_files += 1;
        }
        let manifest = self.manifest(&places);
        self.finish(&parts, &manifest).map_err(Fault::Final)?;
        Ok(self.fetched(manifest, fetched_files))
    }

    fn fetched(&self, manifest: Manifest, fetched_files: usize) -> FetchedModel {
        let files = self.listing.files.len();
        FetchedModel { folder: self.folder.to_owned(), manifest, files, fetched_files }
    }

    fn partial<'a>(&'a self, file: &'a HubFile) -> Partial<'a> {
        let Listing { repository, commit, .. } = self.listing;
        Partial { hub: self.hub, repository, commit, file, folder: self.folder }
    }

    /// What of each file is still to come.
    fn missing_bytes(&self, places: &[Place]) -> u64 {
        let missing = places.iter().filter(|place| place.sha256.is_none());
        let bytes =
            missing.map(|place| place.file.size_bytes.saturating_sub(self.partial(place.file).there_bytes()));
        bytes.fold(0, u64::saturating_add)
    }

    /// Looks at what is there. In a folder that was not made by a fetch nothing is replaced.
    fn places<'a>(
        &'a self,
        is_ours: bool,
        known: &mut HashCache,
        attendant: &mut dyn Attendant,
    ) -> Result<Vec<Place<'a>>, Fault> {
        let mut places = Vec::new();
        for file in &self.listing.files {
            if !attendant.goes_on() {
                return Err(Fault::Stopped);
            }
            let path = self.folder.join(&file.name);
            let sha256 = sha256_if_right(&path, file, known, attendant).map_err(Fault::Final)?;
            if sha256.is_none() && !is_ours && path.symlink_metadata().is_ok() {
                return Err(Fault::Final(self.foreign(&file.name, "is not as the hub has it")));
            }
            places.push(Place { file, sha256 });
        }
        let entries = fs::read_dir(self.folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| is_model_file(name))
            .collect();
        names.retain(|name| {
            self.folder.join(name).is_file() && !places.iter().any(|place| place.file.name == *name)
        });
        match names.iter().min() {
            Some(stray) => Err(Fault::Final(self.foreign(stray, "is none of the repository's"))),
            None => Ok(places),
        }
    }

    fn foreign(&self, name: &str, what: &str) -> Error {
        Error::input(format!("`{}` {what}", self.folder.join(name).display()))
            .hint("name a folder that is empty or not there: `--output DIR`; or remove that file")
    }

    /// Waits for whoever fetches into the same folder.
    fn turn(&self, attendant: &mut dyn Attendant) -> Result<FileLock, Fault> {
        let lock = self.folder.join(LOCK);
        let mut told = false;
        let mut goes_on = || {
            if !told {
                attendant.hear(Event::WaitsForAnother);
                told = true;
            }
            attendant.goes_on()
        };
        FileLock::take(&lock, &mut goes_on).map_err(Fault::Final)?.ok_or(Fault::Stopped)
    }

    /// Parts of files that the repository no longer has.
    fn remove_strays(&self, parts: &Path) {
        let wanted: Vec<PathBuf> = self.listing.files.iter().map(|file| self.partial(file).path()).collect();
        for entry in fs::read_dir(parts).into_iter().flatten().flatten() {
            if !wanted.contains(&entry.path()) {
                // One that stays is in nobody's way.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn manifest(&self, places: &[Place]) -> Manifest {
        let files = places.iter().filter(|place| is_model_file(&place.file.name)).map(|place| ModelFile {
            path: place.file.name.clone(),
            size_bytes: place.file.size_bytes,
            sha256: place.sha256.clone().unwrap_or_default(),
        });
        Manifest { schema: 1, name: as_plain(self.listing.repository.name()), files: files.collect() }
    }

    /// Whether the folder says already what it holds and where that came from.
    fn is_finished(&self, manifest: &Manifest) -> bool {
        let (repository, commit) = (self.listing.repository.to_string(), &self.listing.commit);
        let from = FetchedFrom::read(self.folder);
        let is_from = from.is_some_and(|from| from.repository == repository && from.commit == *commit);
        is_from && read_manifest(self.folder).is_ok_and(|there| there.as_ref() == Some(manifest))
    }

    /// The manifest comes last: with it the folder is complete.
    fn finish(&self, parts: &Path, manifest: &Manifest) -> Result<()> {
        let file = self.folder.join(MANIFEST);
        let text = serde_json::to_string_pretty(manifest)
            .map_err(|cause| Error::harness(format!("cannot write `{}`: {cause}", file.display())))?;
        FetchedFrom::write(self.folder, self.listing)?;
        write_whole(&file, (text + "\n").as_bytes(), Overwrite::Replace)?;
        fs::set_permissions(&file, Permissions::from_mode(0o444)).map_err(|cause| written(&file, &cause))?;
        // With nothing in it any more.
        let _ = fs::remove_dir(parts);
        Ok(())
    }
}

/// The sha256 of a file that is there and what the hub says; None of any other.
fn sha256_if_right(
    path: &Path,
    file: &HubFile,
    known: &mut HashCache,
    attendant: &mut dyn Attendant,
) -> Result<Option<String>> {
    let there = fs::metadata(path).is_ok_and(|told| told.is_file() && told.len() == file.size_bytes);
    if !there {
        return Ok(None);
    }
    match &file.hash {
        HubHash::Sha256(expected) => {
            let (name, size_bytes) = (&file.name, file.size_bytes);
            let found = known.sha256_of(path, || attendant.hear(Event::Hashing { name, size_bytes }))?;
            Ok(Some(found).filter(|found| found == expected))
        }
        blob @ HubHash::GitBlob(_) => sha256_if(path, blob),
    }
}
