//! A model's folder: what is there is kept, what is missing or wrong is downloaded and checked, and a manifest says in
//! the end what the folder must hold.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use git2::{ObjectType, Oid};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::files::{Overwrite, write_whole};
use crate::places;
use crate::record::hub::listing::{FetchedFrom, HubFile, HubHash, HubListing, Listing, RepositoryName};
use crate::record::model::{MANIFEST, as_plain, is_model_file};
use crate::record::{HashCache, Manifest, ModelFile, read_manifest, sha256_of_file};
use crate::sys::{
    FileLock, GroupEnded, GroupPatience, below_reaper, free_bytes, group_end, leads_group, read_only,
};
use crate::visible::one_line;

/// The file by which processes that fetch into the same folder take turns.
const LOCK: &str = ".lock";
/// Where files are until they are checked, in the model's folder: the same disk.
const UNFINISHED: &str = ".unfinished";
/// Where `huggingface_hub` keeps the files that it has begun, in the folder it downloads to. Each is named
/// `*.HASH.incomplete`.
const BEGUN: &str = ".cache/huggingface/download";
/// What a disk should keep free.
const MARGIN_BYTES: u64 = 256 << 20;

/// The folder of a model's files that are not checked yet.
pub fn unfinished(folder: &Path) -> PathBuf {
    folder.join(UNFINISHED)
}

/// What is under way, for whoever shows progress.
#[derive(Debug, Clone, Copy)]
pub enum FetchEvent<'a> {
    /// Another fetch into the same folder comes first.
    WaitsForAnother,
    /// A file that is there is being read.
    Hashing(&'a HubFile),
    /// The disk was looked at.
    Room {
        /// The folder.
        folder: &'a Path,
        /// Bytes that are still missing.
        missing_bytes: u64,
        /// Bytes that are free there, where the system says so.
        free_bytes: Option<u64>,
    },
    /// A file is being downloaded.
    Begins {
        /// The file.
        file: &'a HubFile,
        /// What of it is there already.
        there_bytes: u64,
    },
    /// It has been downloaded.
    Finished(&'a HubFile),
    /// A message of `huggingface_hub`.
    Note(&'a str),
}

/// A model that a folder now has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedModel {
    /// What the folder must hold from now on.
    pub manifest: Manifest,
    /// How many of its files had to be downloaded.
    pub fetched_files: usize,
}

/// A model that is to be in a folder.
#[derive(Debug, Clone, Copy)]
pub struct Fetch<'a> {
    /// Who downloads it.
    pub client: &'a HubClient,
    /// What it is.
    pub listing: &'a Listing,
    /// Where it is to be.
    pub folder: &'a Path,
}

/// A file of the hub with the sha256 that it has in the folder, where it is there and right.
struct Place<'a> {
    file: &'a HubFile,
    sha256: Option<String>,
}

impl Fetch<'_> {
    /// Fetches what is missing; gives what the folder must hold from now on, and how many files had to be downloaded. None
    /// where the user stopped it, and what was downloaded stays there.
    ///
    /// # Errors
    /// A folder with something else in it, too little room, a hub that fails or refuses, a file that is not
    /// what the hub says.
    pub fn run(
        &self,
        known: &mut HashCache,
        on_event: &mut dyn FnMut(FetchEvent<'_>),
    ) -> Result<Option<FetchedModel>> {
        let parts = unfinished(self.folder);
        // Looked at before anything is made: a folder of somebody else's stays as it is.
        let is_ours = parts.is_dir() || FetchedFrom::read(self.folder).is_some();
        let mut places = self.places(is_ours, known, on_event)?;
        if places.iter().all(|place| place.sha256.is_some()) {
            let manifest = self.manifest(&places);
            // Somebody who may only read such a folder has nothing to write there, either.
            if self.is_finished(&manifest) {
                return Ok(Some(FetchedModel { manifest, fetched_files: 0 }));
            }
        }
        self.check_room(&places, on_event)?;
        fs::create_dir_all(&parts).map_err(|cause| written(&parts, &cause))?;
        let Some(_turn) = self.turn(on_event)? else { return Ok(None) };
        if places.iter().any(|place| place.sha256.is_none()) {
            // Whoever had the turn before may have fetched it all.
            places = self.places(true, known, on_event)?;
        }
        let missing: Vec<&HubFile> =
            places.iter().filter(|place| place.sha256.is_none()).map(|place| place.file).collect();
        if !self.download(&missing, on_event)? {
            return Ok(None);
        }
        // All of them are checked before the first wrong one is reported: every wrong one is to be removed.
        let checked: Vec<_> = missing.iter().map(|file| self.checked_into_place(file)).collect();
        let fetched_files = checked.len();
        let unchecked = places.iter_mut().filter(|place| place.sha256.is_none());
        for (place, sha256) in unchecked.zip(checked) {
            place.sha256 = Some(sha256?);
        }
        let manifest = self.manifest(&places);
        self.finish(&parts, &manifest)?;
        Ok(Some(FetchedModel { manifest, fetched_files }))
    }

    /// Downloads beside the model what is not there yet; false where the user stopped it.
    fn download(&self, missing: &[&HubFile], on_event: &mut dyn FnMut(FetchEvent<'_>)) -> Result<bool> {
        let Listing { repository, commit, .. } = self.listing;
        let (repository_name, parts) = (repository.to_string(), unfinished(self.folder));
        let is_there = |file: &HubFile| size_of(&parts.join(&file.name)) == file.size_bytes;
        let files: Vec<&HubFile> = missing.iter().copied().filter(|file| !is_there(file)).collect();
        if files.is_empty() || self.client.is_stopped() {
            return Ok(!self.client.is_stopped());
        }
        let mut arguments = vec![OsStr::new("download"), OsStr::new(&repository_name), OsStr::new(commit)];
        arguments.push(parts.as_os_str());
        arguments.extend(files.iter().map(|file| OsStr::new(&file.name)));
        let there: Vec<u64> = files.iter().map(|file| self.there_bytes(file)).collect();
        let begins = |at: usize| FetchEvent::Begins { file: files[at], there_bytes: there[at] };
        on_event(begins(0));
        let ended = self.client.run(arguments, &mut |line| match line {
            ClientLine::Finished(name) => {
                let Some(at) = files.iter().position(|file| file.name == name) else { return };
                on_event(FetchEvent::Finished(files[at]));
                if at + 1 < files.len() {
                    on_event(begins(at + 1));
                }
            }
            ClientLine::Note(note) => on_event(FetchEvent::Note(&note)),
            ClientLine::Listing(_) | ClientLine::Error(_) => {}
        })?;
        match ended {
            ClientEnd::Done => Ok(true),
            ClientEnd::Stopped => Ok(false),
            ClientEnd::Failed(failure) => Err(failure.error(repository, commit, Some(self.folder))),
        }
    }

    /// What of a file is there, in its place or on its way.
    fn there_bytes(&self, file: &HubFile) -> u64 {
        let parts = unfinished(self.folder);
        let ending = format!(".{}.incomplete", file.hash.text());
        let begun = fs::read_dir(parts.join(BEGUN)).into_iter().flatten().flatten();
        let mut begun = begun.filter(|entry| entry.file_name().to_string_lossy().ends_with(&ending));
        size_of(&parts.join(&file.name)).max(begun.next().map_or(0, |entry| size_of(&entry.path())))
    }

    /// Moves a downloaded file to where it belongs if it is what the hub says, and gives its sha256; another is
    /// removed.
    fn checked_into_place(&self, file: &HubFile) -> Result<String> {
        let path = unfinished(self.folder).join(&file.name);
        let failed = |cause: io::Error| written(&path, &cause);
        File::open(&path).and_then(|part| part.sync_all()).map_err(failed)?;
        let Some(sha256) = sha256_if(&path, &file.hash)? else {
            fs::remove_file(&path).map_err(failed)?;
            return Err(Error::harness(format!(
                "`{}` of `{}` is not what the hub states: its hash is not {}; the download was removed",
                file.name,
                self.listing.repository,
                file.hash.text()
            ))
            .hint("run the same command again, which downloads that file again; is `HF_ENDPOINT` a hub? unset it for the usual one"));
        };
        fs::set_permissions(&path, read_only()).map_err(failed)?;
        fs::rename(&path, self.folder.join(&file.name)).map_err(failed)?;
        Ok(sha256)
    }

    fn check_room(&self, places: &[Place], on_event: &mut dyn FnMut(FetchEvent<'_>)) -> Result<()> {
        let missing = places.iter().filter(|place| place.sha256.is_none());
        let missing = missing.map(|place| place.file.size_bytes.saturating_sub(self.there_bytes(place.file)));
        let missing_bytes = missing.fold(0, u64::saturating_add);
        let free_bytes = free_bytes(self.folder);
        on_event(FetchEvent::Room { folder: self.folder, missing_bytes, free_bytes });
        let wanted = missing_bytes.saturating_add(MARGIN_BYTES);
        match free_bytes {
            Some(free) if missing_bytes > 0 && free < wanted => Err(Error::harness(format!(
                "there is not enough room for the model: {:.2} GB are missing, and `{}` has {:.2} GB free",
                wanted as f64 / 1e9,
                self.folder.display(),
                free as f64 / 1e9
            ))
            .hint("free some space, or name a folder on another disk: `--output DIR`; what was downloaded stays there")),
            _ => Ok(()),
        }
    }

    /// Looks at what is there. In a folder that was not made by a fetch nothing is replaced.
    fn places<'a>(
        &'a self,
        is_ours: bool,
        known: &mut HashCache,
        on_event: &mut dyn FnMut(FetchEvent<'_>),
    ) -> Result<Vec<Place<'a>>> {
        let mut places = Vec::new();
        for file in &self.listing.files {
            let path = self.folder.join(&file.name);
            let sha256 = sha256_if_right(&path, file, known, on_event)?;
            if sha256.is_none() && !is_ours && path.symlink_metadata().is_ok() {
                return Err(self.unexpected(&file.name, "is not as the hub has it"));
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
            Some(stray) => Err(self.unexpected(stray, "is none of the repository's")),
            None => Ok(places),
        }
    }

    fn unexpected(&self, name: &str, what: &str) -> Error {
        Error::input(format!("`{}` {what}", self.folder.join(name).display()))
            .hint("name a folder that is empty or not there: `--output DIR`; or remove that file")
    }

    /// Waits for whoever fetches into the same folder; None where the user stopped it.
    fn turn(&self, on_event: &mut dyn FnMut(FetchEvent<'_>)) -> Result<Option<FileLock>> {
        let mut is_first = true;
        FileLock::take(&self.folder.join(LOCK), &mut || {
            if std::mem::take(&mut is_first) {
                on_event(FetchEvent::WaitsForAnother);
            }
            !self.client.is_stopped()
        })
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
        fs::set_permissions(&file, read_only()).map_err(|cause| written(&file, &cause))?;
        // What stays there does no harm.
        let _ = fs::remove_dir_all(parts);
        Ok(())
    }
}

/// The sha256 of a file that is there and what the hub says; None of any other.
fn sha256_if_right(
    path: &Path,
    file: &HubFile,
    known: &mut HashCache,
    on_event: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<Option<String>> {
    let there = fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == file.size_bytes);
    if !there {
        return Ok(None);
    }
    match &file.hash {
        HubHash::Sha256(expected) => {
            let found = known.sha256_of(path, || on_event(FetchEvent::Hashing(file)))?;
            Ok(Some(found).filter(|found| found == expected))
        }
        blob @ HubHash::GitBlob(_) => sha256_if(path, blob),
    }
}

fn size_of(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |metadata| metadata.len())
}

/// The sha256 of a file, if it has this hash.
fn sha256_if(path: &Path, hash: &HubHash) -> Result<Option<String>> {
    match hash {
        HubHash::Sha256(expected) => Ok(Some(sha256_of_file(path)?).filter(|found| found == expected)),
        HubHash::GitBlob(expected) => {
            let found = Oid::hash_file(ObjectType::Blob, path).map_err(|cause| {
                Error::harness(format!("cannot hash `{}`: {}", path.display(), cause.message()))
            })?;
            if found.to_string() == *expected { sha256_of_file(path).map(Some) } else { Ok(None) }
        }
    }
}

fn written(path: &Path, cause: &io::Error) -> Error {
    Error::io("write", path, cause)
        .hint("free some space or correct the folder's permissions, or name another: `--output DIR`; what was downloaded stays there")
}

const SCRIPT: &str = "fetch.py";
/// What its environment was made from.
const REQUIREMENTS: &str = "requirements.txt";
/// A download may take days; one that is stopped has nothing to finish.
const PATIENCE: GroupPatience = GroupPatience { run: Duration::MAX, terminate: Duration::from_secs(1) };

/// The hub's own client, in the environment that `cargo xtask model fetch` sets up.
#[derive(Debug)]
pub struct HubClient {
    python: PathBuf,
    script: PathBuf,
    own: PathBuf,
    stop: Arc<AtomicBool>,
}

#[derive(Debug)]
pub(super) enum ClientEnd {
    Done,
    Stopped,
    Failed(ClientFailure),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClientLine {
    Listing(HubListing),
    /// The name of a file that has been downloaded.
    Finished(String),
    Note(String),
    Error(ClientFailure),
}

#[derive(Debug, Deserialize)]
pub(super) struct ClientFailure {
    kind: FailureKind,
    message: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailureKind {
    Disk,
    Failed,
    Gated,
    Hidden,
    Offline,
    Repository,
    Revision,
    Token,
}

impl HubClient {
    /// The client of this user, with its script in a folder of the checkout. `own` is the file of this program;
    /// setting `stop` ends every download.
    ///
    /// # Errors
    /// An environment that was not set up.
    pub fn find(scripts: &Path, own: PathBuf, stop: Arc<AtomicBool>) -> Result<Self> {
        let list = sha256_of_file(&scripts.join(REQUIREMENTS))
            .map_err(|error| error.hint("run it in a checkout of arcgauge, which has the script"))?;
        let environment = places::hub_client_dir(&list)
            .ok_or_else(|| Error::input("this user has no home folder and so no cache folder"))
            .map_err(|error| error.hint("name a cache folder: `XDG_CACHE_HOME=/ABSOLUTE/DIR`"))?;
        let python = places::python_in(&environment);
        if !python.is_file() {
            return Err(Error::input(format!("huggingface_hub is not set up: there is no `{}`", python.display()))
                .hint("`cargo xtask model fetch` sets it up; or name a folder that another client fetched: `model use DIR`"));
        }
        Ok(Self { python, script: scripts.join(SCRIPT), own, stop })
    }

    /// Whether the user wants no more.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Runs the script with these arguments. It finds the endpoint, the token and the proxy in the environment.
    pub(super) fn run<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        on_line: &mut dyn FnMut(ClientLine),
    ) -> Result<ClientEnd> {
        let failed = |cause| Error::io("run", &self.python, &cause);
        let mut command = below_reaper(&self.own, self.python.as_os_str());
        command
            // Neither Python's own variables nor packages of the user or of the current folder reach into it.
            .arg("-I")
            .arg(&self.script)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        // Ctrl-C is for this process alone, which then ends the whole group.
        let mut child = leads_group(&mut command).spawn().map_err(failed)?;
        let (sender, lines) = mpsc::channel();
        let output = child.stdout.take().map(BufReader::new);
        thread::spawn(move || {
            let lines = output.into_iter().flat_map(BufRead::lines).map_while(std::result::Result::ok);
            lines.map(|line| sender.send(line)).all(|sent| sent.is_ok())
        });
        let mut failure = None;
        let mut read = |line: String| match serde_json::from_str(&line) {
            Ok(ClientLine::Error(error)) => failure = Some(error),
            Ok(line) => on_line(line),
            Err(_) => on_line(ClientLine::Note(line)),
        };
        let ended = group_end(&mut child, &self.stop, PATIENCE, &mut || lines.try_iter().for_each(&mut read))
            .map_err(failed)?;
        lines.iter().for_each(read);
        match (ended, failure) {
            (GroupEnded::ByItself(status), None) if status.success() => Ok(ClientEnd::Done),
            (GroupEnded::ByItself(_), Some(failure)) => Ok(ClientEnd::Failed(failure)),
            (GroupEnded::ByItself(status), None) => Err(self.broken(&status.to_string())),
            (GroupEnded::Stopped | GroupEnded::TooLong, _) => Ok(ClientEnd::Stopped),
        }
    }

    fn broken(&self, status: &str) -> Error {
        let environment = self.python.ancestors().nth(2).unwrap_or(&self.python);
        Error::harness(format!("`{}` failed: {status}", self.python.display())).hint(format!(
            "its output is above; to set it up again: rm -r '{}', then the same command",
            environment.display()
        ))
    }
}

impl ClientFailure {
    pub(super) fn error(&self, repository: &RepositoryName, revision: &str, folder: Option<&Path>) -> Error {
        match self.kind {
            FailureKind::Gated => {
                Error::input(format!("the hub does not give you `{repository}`: it is gated, or the token may not read it"))
                    .hint("accept its terms on the hub's page, then give a token that may read it: `HF_TOKEN=hf_... cargo xtask model fetch ...`")
            }
            // The hub does not show strangers which private repositories there are.
            FailureKind::Hidden => {
                Error::input(format!("the hub wants a token for `{repository}`: it is private or gated, or does not exist"))
                    .hint("check the name; a private or gated one needs a token: `HF_TOKEN=hf_... cargo xtask model fetch ...`")
            }
            FailureKind::Token => Error::input(format!("the hub does not accept the token for `{repository}`"))
                .hint("make a new one on the hub and give it as `HF_TOKEN`, or unset it if the repository is public"),
            FailureKind::Repository => Error::input(format!("the hub has no repository `{repository}`"))
                .hint("check owner and name on the hub; a private one needs a token: `HF_TOKEN=hf_...`"),
            FailureKind::Revision => Error::input(format!("`{repository}` has no revision `{revision}`"))
                .hint("leave out `--revision` for its main branch, or look at its history on the hub"),
            FailureKind::Offline => Error::input("`HF_HUB_OFFLINE` is set, so the hub is not contacted")
                .hint("unset it to fetch a model"),
            FailureKind::Disk => {
                let folder = folder.unwrap_or(Path::new(".")).display();
                Error::harness(format!("no space is left for `{folder}`: {}", one_line(&self.message)))
                    .hint("free some space, then run the same command again: what was downloaded stays there")
            }
            FailureKind::Failed => {
                Error::harness(format!("`{repository}` cannot be fetched: {}", one_line(&self.message)))
                    .hint("check the network, the proxy, `HF_ENDPOINT` and `SSL_CERT_FILE`, then run the same command again: what was downloaded stays there")
            }
        }
    }
}
