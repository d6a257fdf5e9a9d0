//! A small package in the place of the product, in a repository of its own, and building it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use arcgauge::error::Error;
use arcgauge::gate::side::{Binary, Builder, NamedSource};

use crate::git_repository::GitRepository;

pub(crate) const MANIFEST: &str = "[package]\nname = \"arcgauge\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
pub(crate) const LOCK: &str = "version = 4\n\n[[package]]\nname = \"arcgauge\"\nversion = \"0.1.0\"\n";

/// A program that is a worker, says this, and holds the path of its sources, as the product does.
pub(crate) fn program(word: &str) -> String {
    format!(
        "fn main() {{\n    let verb = std::env::args().nth(1);\n    \
         if verb.as_deref() != Some(\"worker\") {{ std::process::exit(2) }}\n    \
         println!(\"{word} {{}}\", env!(\"CARGO_MANIFEST_DIR\"));\n}}\n"
    )
}

pub(crate) fn scene() -> GitRepository {
    GitRepository::with(&[
        ("Cargo.toml", MANIFEST),
        ("Cargo.lock", LOCK),
        (".gitignore", "/target\n"),
        ("README.md", "one"),
        ("src/main.rs", &program("one")),
    ])
}

/// What a build gave, and what a user heard meanwhile.
pub(crate) struct Built {
    pub(crate) result: Result<Option<Binary>, Error>,
    pub(crate) heard: Vec<String>,
}

impl Built {
    #[track_caller]
    pub(crate) fn binary(self) -> Binary {
        self.result.unwrap().unwrap()
    }
}

pub(crate) fn build(fixture: &GitRepository, side: &str) -> Built {
    build_until(fixture, side, &AtomicBool::new(false))
}

pub(crate) fn build_until(fixture: &GitRepository, side: &str, stop: &AtomicBool) -> Built {
    let named = if side == "." { NamedSource::WorkTree } else { NamedSource::Revision(side.to_owned()) };
    let repository = fixture.open();
    let source = named.find(&repository).unwrap();
    let mut heard = Vec::new();
    let mut hear = |line: &str| heard.push(line.to_owned());
    let result = Builder::new(&fixture.beside("cache")).build(&repository, &source, stop, &mut hear);
    Built { result, heard }
}

/// What the program says.
pub(crate) fn word(binary: &Binary) -> String {
    let output = Command::new(&binary.program).arg("worker").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

/// The names of what is cached.
pub(crate) fn cached(fixture: &GitRepository) -> Vec<PathBuf> {
    let entries = fs::read_dir(fixture.beside("cache/ab/binaries")).into_iter().flatten();
    let names = entries.map(|entry| PathBuf::from(entry.unwrap().file_name()));
    names.filter(|name| name != Path::new(".lock")).collect()
}
