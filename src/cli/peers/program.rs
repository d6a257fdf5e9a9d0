//! The program that an engine's workers run: this one, a script of the checkout in its environment, or whatever
//! `--program` names.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::measuring::{SupervisionArgs, own_program};
use crate::cli::peers::args::NamedProgram;
use crate::cli::peers::engine::{EngineWords, Kind};
use crate::cli::root::Root;
use crate::error::{Error, Result};
use crate::measure::supervisor::WorkerProgram;
use crate::places;
use crate::record::sha256_of_file;

/// A program of workers, and what it is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PeerProgram {
    pub(super) worker: WorkerProgram,
    /// The file whose hash stands in the record: of a script the script, not the Python that runs it.
    pub(super) known_by: PathBuf,
    /// Whether it is of no commit of this checkout.
    pub(super) is_foreign: bool,
}

/// Finds the program of an engine.
///
/// # Errors
/// An environment that was not set up, a program that is not there, or an engine that nobody knows.
pub(super) fn find(
    words: &EngineWords,
    programs: &[NamedProgram],
    supervision: &SupervisionArgs,
    root: &Root,
) -> Result<PeerProgram> {
    match &words.kind {
        Kind::Stateful => {
            let worker = supervision.program()?;
            let known_by = worker.program.clone();
            Ok(PeerProgram { worker, known_by, is_foreign: supervision.is_foreign() })
        }
        Kind::Genai(attention) => script(root, "genai", &["--attention", attention.as_str()]),
        Kind::Optimum => script(root, "optimum", &[]),
        Kind::Program(name) => foreign(name, programs),
    }
}

/// The environment of a peer below the cache folder, whether it is there or not.
pub(in crate::cli) fn environment(root: &Root, peer: &str) -> Result<PathBuf> {
    let list = root.peers().join(format!("requirements-{peer}.txt"));
    let sha256 = sha256_of_file(&list)
        .map_err(|error| error.hint("run it in a checkout of arcgauge: the peers' scripts are there"))?;
    places::peer_dir(peer, &sha256)
        .ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))
}

/// The Python of an environment.
pub(in crate::cli) fn python_of(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

fn script(root: &Root, peer: &str, arguments: &[&str]) -> Result<PeerProgram> {
    let python = python_of(&environment(root, peer)?);
    let script = root.peers().join(format!("{peer}.py"));
    if !python.is_file() {
        return Err(Error::input(format!(
            "engine `{peer}` is not set up: there is no `{}`",
            python.display()
        ))
        .hint("fetch the peers: `cargo xtask setup --peers`; or name others: `--engines stateful,...`"));
    }
    let text = |path: &Path| {
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| Error::input(format!("the path `{}` is not UTF-8", path.display())))
    };
    // Neither Python's own variables nor the user's packages reach into the environment.
    let mut all = vec!["-E".to_owned(), "-s".to_owned(), text(&script)?];
    all.extend(arguments.iter().map(ToString::to_string));
    Ok(PeerProgram {
        // A link to the system's Python, by which it knows its environment: the path stays as it is.
        worker: WorkerProgram { program: python, arguments: all, reaper: own_program()? },
        known_by: script,
        is_foreign: false,
    })
}

fn foreign(name: &str, programs: &[NamedProgram]) -> Result<PeerProgram> {
    let named = programs.iter().find(|program| program.name == name).ok_or_else(|| {
        Error::input(format!("there is no engine `{name}`")).hint(format!(
            "name stateful, genai, genai-pa, genai-pa-i8 or optimum; or say which program it is: \
             `--program {name}=FILE`"
        ))
    })?;
    let hint = "name a program that speaks the worker's protocol; benches/peers/README.md tells it";
    let file = fs::canonicalize(&named.file)
        .map_err(|cause| Error::io("start the worker", &named.file, &cause).as_input().hint(hint))?;
    if !file.is_file() {
        return Err(Error::input(format!("`{}` is no program", file.display())).hint(hint));
    }
    let worker = WorkerProgram { program: file.clone(), arguments: Vec::new(), reaper: own_program()? };
    Ok(PeerProgram { worker, known_by: file, is_foreign: true })
}
