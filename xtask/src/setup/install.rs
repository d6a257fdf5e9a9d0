//! One release from the registry to the cache folder, step by step.

use std::env::consts;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::python::Python;
use super::workbench::{self, no_home};
use crate::failure::Failure;
use crate::release::{Release, Wheel};
use crate::say;
use crate::system::PYTHON;

/// Everything a set-up depends on, so that a test can hand in its own.
#[derive(Debug)]
pub(crate) struct Install<'a> {
    /// Who fetches and unpacks.
    pub(crate) python: Python,
    /// The operating system and the processor, as Rust names them.
    pub(crate) machine: (&'a str, &'a str),
    /// Which wheel.
    pub(crate) wheel: &'a Wheel,
    /// Which release.
    pub(crate) release: &'a Release,
    /// Where it will be; its presence means that it is complete.
    pub(crate) folder: PathBuf,
}

impl<'a> Install<'a> {
    /// For the machine and the user that run this; `place` is the folder of a version.
    pub(crate) fn here(
        wheel: &'a Wheel,
        release: &'a Release,
        place: fn(&str) -> Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let folder = place(&release.version)
            .ok_or_else(|| no_home("OpenVINO in: neither `HOME` nor `XDG_CACHE_HOME` is set", wheel.again))?;
        Ok(Self { python: Python::default(), machine: (consts::OS, consts::ARCH), wheel, release, folder })
    }

    /// Leaves the release in its folder, or leaves nothing.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        // What fetches and unpacks knows the first command alone, with which the others begin.
        self.provide().map_err(|mut failure| {
            failure.hint = failure.hint.replace("cargo xtask setup", self.wheel.again);
            failure
        })
    }

    fn provide(&self) -> Result<(), Failure> {
        let is_ready = || self.folder.join(&self.release.library).is_file();
        if is_ready() {
            workbench::sweep_stale(self.folder.parent().unwrap_or(&self.folder));
            return Ok(());
        }
        self.check_platform()?;
        let (version, Wheel { title, size, needed_bytes, .. }) = (&self.release.version, self.wheel);
        workbench::provide(&self.folder, version, is_ready, |workbench, made| {
            self.python.check_space(&workbench.folder, *needed_bytes)?;
            say(&format!("fetching {title} {version} through pip, {size}"));
            self.python.fetch(self.wheel, self.release, &workbench.folder)?;
            let wheel = only_wheel(&workbench.folder)?;
            say("checking its sha256");
            self.check_hash(&wheel)?;
            say("unpacking its libraries");
            self.python.unpack(&wheel, made, &workbench.folder)?;
            self.check_library(made)
        })
    }

    fn check_platform(&self) -> Result<(), Failure> {
        let (system, processor) = self.machine;
        let is_for = match system {
            "linux" => self.wheel.platform.ends_with(processor),
            "windows" => self.wheel.platform == "win_amd64" && processor == "x86_64",
            _ => false,
        };
        if is_for {
            return Ok(());
        }
        Err(Failure::harness(
            format!(
                "no pinned {} for `{system} {processor}`, only for `{}`",
                self.wheel.title, self.wheel.platform
            ),
            "install OpenVINO yourself and name its folder: cargo xtask VERB --openvino ./DIR",
        ))
    }

    fn check_hash(&self, wheel: &Path) -> Result<(), Failure> {
        let got = sha256_of_file(wheel).map_err(|error| cannot_read(wheel, &error))?;
        let version = &self.release.version;
        let kept = self.folder.with_file_name(format!("{version}.sha256"));
        let (expected, which) = match &self.release.sha256 {
            Some(pinned) => (pinned.clone(), "the pinned one"),
            // Which cannot be known of one that was never fetched; pip has compared it with the index.
            None => (fs::read_to_string(&kept).unwrap_or_else(|_| got.clone()), "the one fetched before"),
        };
        let expected = expected.trim();
        if got == expected {
            return self.release.sha256.as_ref().map_or_else(
                || fs::write(&kept, &got).map_err(|error| workbench::cannot_write(&kept, &error)),
                |_pinned| Ok(()),
            );
        }
        Err(Failure::harness(
            format!(
                "the wheel of {} `{version}` is not {which}: sha256 `{got}`, expected `{expected}`",
                self.wheel.title
            ),
            format!(
                "nothing was stored; see which registry pip asks: {PYTHON} -m pip config list; \
                 then: cargo xtask setup"
            ),
        ))
    }

    fn check_library(&self, unpacked: &Path) -> Result<(), Failure> {
        let Release { version, library, .. } = self.release;
        if unpacked.join(library).is_file() {
            return Ok(());
        }
        Err(Failure::harness(
            format!("the wheel of {} `{version}` holds no `{}`", self.wheel.title, library.display()),
            "nothing was stored; take a release that has it: cargo xtask setup",
        ))
    }
}

/// pip chooses the file's name, so it is found by its ending.
fn only_wheel(folder: &Path) -> Result<PathBuf, Failure> {
    wheels(folder)?.pop().ok_or_else(|| {
        Failure::harness(
            format!("pip ended well, but left no wheel in `{}`", folder.display()),
            format!("see what pip does: {PYTHON} -m pip download --no-deps openvino"),
        )
    })
}

/// The wheels in a folder.
pub(crate) fn wheels(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| cannot_read(folder, &error))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.filter(|path| path.extension().is_some_and(|extension| extension == "whl")).collect())
}

/// Of a whole file, in lower-case hexadecimal.
pub(crate) fn sha256_of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    Ok(hex(&hasher.finalize()))
}

/// Of a text, for the name of a folder whose content the text pins.
pub(crate) fn sha256_of(text: &str) -> String {
    hex(&Sha256::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    Failure::harness(format!("cannot read `{}`: {error}", path.display()), "try again: cargo xtask setup")
}
