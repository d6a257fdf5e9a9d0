//! Python environments in the user's cache folder, each complete or not at all: what `benches/peers` and `xtask/hub`
//! pin by hash, in an environment of its own that nothing of the user's reaches into.

use std::fs;
use std::path::{Path, PathBuf};

use super::browser_tests::sha256_of;
use super::python::{self, Python};
use super::workbench::{Workbench, cannot_write};
use crate::failure::Failure;
use crate::{places, say};

/// What is installed into one environment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Environment {
    /// Its name.
    pub(crate) name: &'static str,
    /// What messages call it.
    pub(crate) title: &'static str,
    /// The file of its requirements.
    pub(crate) list: &'static str,
    /// What that file says: each requirement with its hashes.
    requirements: &'static str,
    /// What is imported to see that it works.
    pub(crate) module: &'static str,
    /// The releases of Python that it is pinned for.
    pub(crate) pythons: &'static str,
    /// Free space that its wheels and their unpacked files take, bytes.
    needed_bytes: u64,
    /// The same in words.
    size: &'static str,
    /// Its folder, by its name and the hash of its requirements.
    place: fn(&str, &str) -> Option<PathBuf>,
    /// The command that makes it.
    pub(crate) again: &'static str,
}

/// `openvino_genai`.
pub(crate) const GENAI: Environment = Environment {
    name: "genai",
    title: "the peer genai",
    list: "benches/peers/requirements-genai.txt",
    requirements: include_str!("../../../benches/peers/requirements-genai.txt"),
    module: "openvino_genai",
    pythons: "3.10 to 3.13",
    needed_bytes: 1_500_000_000,
    size: "about 150 MB",
    place: places::peer_dir,
    again: "cargo xtask setup --peers",
};
/// optimum-intel, with `PyTorch` and the libraries that come with it.
pub(crate) const OPTIMUM: Environment = Environment {
    name: "optimum",
    title: "the peer optimum",
    list: "benches/peers/requirements-optimum.txt",
    requirements: include_str!("../../../benches/peers/requirements-optimum.txt"),
    module: "optimum.intel",
    needed_bytes: 12_000_000_000,
    size: "about 3 GB",
    ..GENAI
};
/// The client of the Hugging Face hub, which `model fetch` starts.
pub(crate) const HUB_CLIENT: Environment = Environment {
    name: "huggingface_hub",
    title: "huggingface_hub",
    list: "xtask/hub/requirements.txt",
    requirements: include_str!("../../hub/requirements.txt"),
    module: "huggingface_hub",
    pythons: "3.9 to 3.13",
    needed_bytes: 200_000_000,
    size: "about 12 MB",
    place: |_, sha256| places::hub_client_dir(sha256),
    again: "cargo xtask model fetch",
};

/// Everything the set-up of an environment depends on, so that a test can hand in its own.
#[derive(Debug, Default)]
pub(crate) struct Environments {
    /// Who makes environments and fetches wheels.
    pub(crate) python: Python,
    /// The folder of all environments in place of the user's.
    pub(crate) folder: Option<PathBuf>,
}

impl Environments {
    /// Leaves an environment in its folder, or leaves nothing. Its presence means that it is complete.
    pub(crate) fn provide(&self, environment: Environment, ready: impl Fn(&str)) -> Result<(), Failure> {
        let place = (environment.place)(environment.name, &sha256_of(environment.requirements));
        let place = place.ok_or_else(|| no_home(environment))?;
        let folder = match &self.folder {
            Some(folder) => folder.join(place.file_name().unwrap_or_default()),
            None => place,
        };
        let is_ready = || folder.join("bin/python").is_file();
        if !is_ready() {
            self.make(environment, &folder, &is_ready)?;
        }
        ready(&format!("ready: {} in `{}`", environment.title, folder.display()));
        Ok(())
    }

    fn make(
        &self,
        environment: Environment,
        folder: &Path,
        is_ready: &impl Fn() -> bool,
    ) -> Result<(), Failure> {
        let parent = folder.parent().unwrap_or(folder);
        let workbench = Workbench::open(parent, environment.name)?;
        if is_ready() {
            return Ok(()); // by the set-up we waited for
        }
        let free = self.python.free_bytes(&workbench.folder)?;
        if free < environment.needed_bytes {
            let how =
                format!("{} MB free, {} MB needed", free / 1_000_000, environment.needed_bytes / 1_000_000);
            return Err(python::full_disk(&workbench.folder, &how));
        }
        say(&format!("fetching {} through pip, {}", environment.title, environment.size));
        let list = workbench.folder.join("requirements.txt");
        fs::write(&list, environment.requirements).map_err(|error| cannot_write(&list, &error))?;
        let made = workbench.folder.join("made");
        self.python.make_environment(&made, environment, &workbench.folder)?;
        self.python.install_into(&made, &list, environment, &workbench.folder)?;
        self.python.check_import(&made, environment, &workbench.folder)?;
        workbench.move_into_place(&made, folder, is_ready)
    }
}

/// Which peers the flag names: `--peers` all of them, `--peers=genai` one.
pub(crate) fn named(flag: &str) -> Option<Vec<Environment>> {
    match flag.strip_prefix("--peers")? {
        "" => Some(vec![GENAI, OPTIMUM]),
        "=genai" => Some(vec![GENAI]),
        "=optimum" => Some(vec![OPTIMUM]),
        _ => None,
    }
}

fn no_home(environment: Environment) -> Failure {
    Failure::harness(
        format!("no home folder to keep {} in", environment.title),
        format!("name a cache folder: XDG_CACHE_HOME=/ABSOLUTE/DIR {}", environment.again),
    )
}
