//! The Python environments of the peers, in the user's cache folder, each complete or not at all: what
//! `benches/peers` pins by hash, in an environment of its own that nothing of the user's reaches into.

use std::fs;
use std::path::{Path, PathBuf};

use super::browser_tests::sha256_of;
use super::python::{self, Python};
use super::workbench::{Workbench, cannot_write};
use crate::failure::Failure;
use crate::{places, say};

/// One of the peers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it needs, each with its hashes.
    requirements: &'static str,
    /// What is imported to see that it works.
    module: &'static str,
    /// Free space that its wheels and their unpacked files take, bytes.
    needed_bytes: u64,
    /// The same in words.
    size: &'static str,
}

/// `openvino_genai`.
pub(crate) const GENAI: Peer = Peer {
    name: "genai",
    requirements: include_str!("../../../benches/peers/requirements-genai.txt"),
    module: "openvino_genai",
    needed_bytes: 1_500_000_000,
    size: "about 150 MB",
};
/// optimum-intel, with `PyTorch` and the libraries that come with it.
pub(crate) const OPTIMUM: Peer = Peer {
    name: "optimum",
    requirements: include_str!("../../../benches/peers/requirements-optimum.txt"),
    module: "optimum.intel",
    needed_bytes: 12_000_000_000,
    size: "about 3 GB",
};

/// Everything the set-up of the peers depends on, so that a test can hand in its own.
#[derive(Debug)]
pub(crate) struct Peers {
    /// Who makes environments and fetches wheels.
    pub(crate) python: Python,
    /// Where the environments will be, each in a folder of its own; its presence means that it is complete.
    pub(crate) folder: PathBuf,
}

impl Peers {
    /// For the user that runs this.
    pub(crate) fn here() -> Result<Self, Failure> {
        Ok(Self { python: Python::default(), folder: places::peers_dir().ok_or_else(no_home)? })
    }

    /// Leaves the peer's environment in its folder, or leaves nothing.
    pub(crate) fn provide(&self, peer: Peer, ready: impl Fn(&str)) -> Result<(), Failure> {
        let place = places::peer_dir(peer.name, &sha256_of(peer.requirements)).ok_or_else(no_home)?;
        let folder = self.folder.join(place.file_name().unwrap_or_default());
        let is_ready = || folder.join("bin/python").is_file();
        if !is_ready() {
            self.make(peer, &folder, &is_ready)?;
        }
        ready(&format!("ready: the peer {} in `{}`", peer.name, folder.display()));
        Ok(())
    }

    fn make(&self, peer: Peer, folder: &Path, is_ready: &impl Fn() -> bool) -> Result<(), Failure> {
        let parent = folder.parent().unwrap_or(folder);
        let workbench = Workbench::open(parent, peer.name)?;
        if is_ready() {
            return Ok(()); // by the set-up we waited for
        }
        let free = self.python.free_bytes(&workbench.folder)?;
        if free < peer.needed_bytes {
            let how = format!("{} MB free, {} MB needed", free / 1_000_000, peer.needed_bytes / 1_000_000);
            return Err(python::full_disk(&workbench.folder, &how));
        }
        say(&format!("fetching the peer {} through pip, {}", peer.name, peer.size));
        let list = workbench.folder.join("requirements.txt");
        fs::write(&list, peer.requirements).map_err(|error| cannot_write(&list, &error))?;
        let made = workbench.folder.join("made");
        self.python.make_environment(&made, &workbench.folder)?;
        self.python.install_into(&made, &list, peer.name, &workbench.folder)?;
        self.python.check_import(&made, peer.module, peer.name, &workbench.folder)?;
        workbench.move_into_place(&made, folder, is_ready)
    }
}

/// Which peers the flag names: `--peers` all of them, `--peers=genai` one.
pub(crate) fn named(flag: &str) -> Option<Vec<Peer>> {
    match flag.strip_prefix("--peers")? {
        "" => Some(vec![GENAI, OPTIMUM]),
        "=genai" => Some(vec![GENAI]),
        "=optimum" => Some(vec![OPTIMUM]),
        _ => None,
    }
}

fn no_home() -> Failure {
    Failure::harness(
        "no home folder to keep the peers in",
        "name a cache folder: XDG_CACHE_HOME=/ABSOLUTE/DIR cargo xtask setup --peers",
    )
}
