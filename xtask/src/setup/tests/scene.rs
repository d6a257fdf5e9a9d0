//! A registry, a cache folder and a fake `python3` for the tests of set-up.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::failure::Failure;
use crate::release::{Release, Wheel};
use crate::setup::install::{Install, sha256_of_file};
use crate::setup::python::Python;

/// Where the wheel keeps the C library.
pub(super) const C_LIBRARY: &str = "openvino/libs/libopenvino_c.so.1";
/// The members of a wheel: what is needed, and what is not.
const MEMBERS: [&str; 4] =
    [C_LIBRARY, "openvino/libs/libtbb.so", "openvino/__init__.py", "openvino-1.0.dist-info/licenses/LICENSE"];

/// Counts the scenes, because tests that run at once have the same way to fail.
static SCENES: AtomicUsize = AtomicUsize::new(0);

/// A cache folder, a wheel and a way to fail.
pub(super) struct Scene {
    /// All of the test's files, removed with the scene.
    pub(super) folder: PathBuf,
    /// How the fake `python3` misbehaves.
    pub(super) fake: &'static str,
    /// The child's `PATH`, the fake first.
    pub(super) path: OsString,
    /// The tags to ask for.
    pub(super) wheel: Wheel,
    /// The release to set up, with the served wheel's hash.
    pub(super) release: Release,
}

impl Scene {
    /// The registry serves a good wheel, unless `fake` says otherwise.
    pub(super) fn new(fake: &'static str) -> Self {
        let number = SCENES.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("xtask-setup-{}-{number}-{fake}", process::id()));
        fs::create_dir_all(&folder).expect("a folder for the test");
        let served = folder.join("served.whl");
        zip(&served, &MEMBERS);
        let mut path = OsString::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/bin:"));
        path.push(std::env::var_os("PATH").expect("a PATH"));
        let text = str::to_owned;
        let wheel = Wheel {
            package: text("openvino"),
            title: "OpenVINO",
            size: "about 59 MB",
            needed_bytes: 350_000_000,
            again: "cargo xtask setup",
            python_version: text("3.11"),
            implementation: text("cp"),
            abi: text("cp311"),
            platform: text("manylinux_2_28_x86_64"),
        };
        let release = Release {
            version: text("1.0"),
            sha256: Some(sha256_of_file(&served).expect("the served wheel")),
            library: C_LIBRARY.into(),
            tokenizers: None,
        };
        Self { folder, fake, path, wheel, release }
    }

    /// Where releases and temporary folders lie.
    pub(super) fn cache(&self) -> PathBuf {
        self.folder.join("cache/openvino")
    }

    /// Where the release will be.
    pub(super) fn target(&self) -> PathBuf {
        self.cache().join("1.0")
    }

    /// A set-up in this scene.
    pub(super) fn install(&self) -> Install<'_> {
        let variables = [
            ("PATH", self.path.clone()),
            ("FAKE", self.fake.into()),
            ("WHEEL", self.folder.join("served.whl").into()),
        ];
        Install {
            python: Python { environment: variables.map(|(name, value)| (name.into(), value)).into() },
            machine: ("linux", "x86_64"),
            wheel: &self.wheel,
            release: &self.release,
            folder: self.target(),
        }
    }

    /// The failure of a set-up that must fail and keep nothing.
    pub(super) fn failure(&self) -> Failure {
        let failure = self.install().run().expect_err("this set-up fails");
        assert_eq!(failure.code, 20);
        assert!(!failure.hint.is_empty());
        assert_eq!(left_in(&self.cache()), [".setup.lock"], "{failure}");
        failure
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Writes an archive whose members hold their own names.
pub(super) fn zip(path: &Path, members: &[&str]) {
    const SCRIPT: &str = "import sys, zipfile\n\
        with zipfile.ZipFile(sys.argv[1], 'w') as z: [z.writestr(n, n) for n in sys.argv[2:]]";
    let made = Command::new("python3").args(["-c", SCRIPT]).arg(path).args(members).status();
    assert!(made.is_ok_and(|status| status.success()));
}

/// The names in a folder, sorted.
pub(super) fn left_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the cache folder").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Every one of these words is in the failure's message or hint.
pub(super) fn assert_says(failure: &Failure, words: &[&str]) {
    let text = failure.to_string();
    for words in words {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
}
