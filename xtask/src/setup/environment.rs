//! Python environments in the user's cache folder, each complete or not at all: what `benches/peers`, `reports/fleet`
//! and `xtask/hub` pin by hash, in an environment of its own that nothing of the user's reaches into.

use std::path::PathBuf;

use super::install::sha256_of;
use super::python::Python;
use super::workbench::{self, no_home};
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
    /// Those of which there is no wheel, likewise: they are built with what the others brought. May be empty.
    sources: &'static str,
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
    sources: "",
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
/// DuckDB, by which the tests ask the data set of `history export`.
pub(crate) const DUCKDB: Environment = Environment {
    name: "duckdb",
    title: "DuckDB",
    list: "reports/fleet/requirements.txt",
    requirements: include_str!("../../../reports/fleet/requirements.txt"),
    module: "duckdb",
    needed_bytes: 200_000_000,
    size: "about 20 MB",
    again: "cargo xtask test",
    ..GENAI
};
/// Apache Spark with a Java, by which `test --fleet` asks it too.
pub(crate) const SPARK: Environment = Environment {
    name: "spark",
    title: "Apache Spark",
    list: "reports/fleet/requirements-spark.txt",
    requirements: include_str!("../../../reports/fleet/requirements-spark.txt"),
    sources: include_str!("../../../reports/fleet/requirements-spark-source.txt"),
    module: "pyspark",
    pythons: "3.10 to 3.12",
    needed_bytes: 2_000_000_000,
    size: "about 350 MB",
    again: "cargo xtask test --fleet",
    ..GENAI
};
/// The client of the Hugging Face hub, which `model fetch` starts.
pub(crate) const HUB_CLIENT: Environment = Environment {
    name: "huggingface_hub",
    title: "huggingface_hub",
    list: "xtask/hub/requirements.txt",
    requirements: include_str!("../../hub/requirements.txt"),
    sources: "",
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
        let lists = environment.requirements.to_owned() + environment.sources;
        let place = (environment.place)(environment.name, &sha256_of(&lists))
            .ok_or_else(|| no_home(&format!("{} in", environment.title), environment.again))?;
        let folder = match &self.folder {
            Some(folder) => folder.join(place.file_name().unwrap_or_default()),
            None => place,
        };
        let is_ready = || places::python_in(&folder).is_file();
        workbench::provide(&folder, environment.name, is_ready, |workbench, made| {
            self.python.check_space(&workbench.folder, environment.needed_bytes)?;
            say(&format!("fetching {} through pip, {}", environment.title, environment.size));
            let list = workbench.write("requirements.txt", environment.requirements)?;
            self.python.make_environment(made, environment, &workbench.folder)?;
            self.python.install_into(made, &list, environment, &workbench.folder)?;
            if !environment.sources.is_empty() {
                let list = workbench.write("requirements-source.txt", environment.sources)?;
                self.python.build_into(made, &list, environment, &workbench.folder)?;
            }
            self.python.check_import(made, environment, &workbench.folder)
        })?;
        ready(&format!("ready: {} in `{}`", environment.title, folder.display()));
        Ok(())
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
