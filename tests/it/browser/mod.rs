//! The browser of this machine, driven by the scripts in `tests/browser/`: it looks at pages and finds what a
//! report must not do, and it does on a page what a user would.
//!
//! A test cannot skip itself. Where something is missing, it fails and says how to get it; who cannot get it
//! sets `ARCGAUGE_WITHOUT_BROWSER=1`, and then every such test passes and says that it has tested nothing. On a
//! build machine (`CI=true`) there is no such way out.

mod act;
mod look;
mod program;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use arcgauge::places;
use arcgauge::record::sha256_of_bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use act::{Act, Acted};
pub(crate) use look::{Look, Looks};

use crate::checkout::repository;

/// Names what `cargo xtask test` fetches, as it does there.
const LOCK: &[u8] = include_bytes!("../../browser/package-lock.json");
/// A second browser would take the time from the first, and some tests are about time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A browser, and what drives it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Browser {
    program: PathBuf,
    node: PathBuf,
    modules: PathBuf,
}

/// The browser of this machine. None where the user goes without, which is said.
///
/// # Panics
/// Where it is missing, and nobody has said that it may be.
pub(crate) fn here() -> Option<Browser> {
    if program::goes_without() {
        let test = std::thread::current();
        let test = test.name().unwrap_or("a test");
        // Not with a macro: what those print of a test that passes is kept from the user.
        let line = format!("NOT TESTED: {test} needs a browser, and {} is set\n", program::WITHOUT);
        let _ = std::io::stderr().write_all(line.as_bytes());
        return None;
    }
    let modules = places::browser_tests_dir(&sha256_of_bytes(LOCK)).map(|folder| folder.join("node_modules"));
    let modules = modules.filter(|folder| folder.is_dir());
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    match Browser::of(program::browser(), program::on_path("node"), modules) {
        Ok(browser) => Some(browser),
        Err(missing) => panic!("{}", advice(&missing, is_ci)),
    }
}

/// What to do about it. On a build machine nothing but to install it.
pub(crate) fn advice(missing: &str, is_ci: bool) -> String {
    let install = program::INSTALL;
    let without = format!("; or test all but the pages: {}=1 cargo xtask test", program::WITHOUT);
    format!("{missing}, so no page can be tested\n\nhint: {install}{}", if is_ci { "" } else { &without })
}

impl Browser {
    /// Of what there is, or what is missing.
    pub(crate) fn of(
        program: Option<PathBuf>,
        node: Option<PathBuf>,
        modules: Option<PathBuf>,
    ) -> Result<Self, String> {
        Ok(Self {
            program: program.ok_or("no Chromium on the PATH")?,
            node: node.ok_or("no `node` on the PATH")?,
            modules: modules.ok_or("what drives the browser is not fetched")?,
        })
    }

    /// Looks at every page in every combination.
    ///
    /// # Panics
    /// Where the browser does not start, or is not done in time.
    pub(crate) fn look(&self, look: &Look) -> Looks {
        self.run("look.mjs", look, look.seconds())
    }

    /// Does all steps on one page.
    ///
    /// # Panics
    /// Where a step cannot be done; the message says which.
    pub(crate) fn act(&self, act: &Act) -> Acted {
        self.run("act.mjs", act, 120)
    }

    fn run<T: DeserializeOwned>(&self, script: &str, job: &impl Serialize, seconds: usize) -> T {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut job = serde_json::to_value(job).unwrap();
        job["program"] = path(&self.program);
        job["modules"] = path(&self.modules);
        job["seconds"] = seconds.into();
        let mut node = Command::new(&self.node)
            .arg(repository().join("tests/browser").join(script))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Both ends of the pipe are ours alone, so the script reads to the end of it.
        node.stdin.take().unwrap().write_all(job.to_string().as_bytes()).unwrap();
        let output = node.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} failed:\n{complaint}\nthe job: {job}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|cause| panic!("{cause}: {complaint}"))
    }
}

/// As JSON names it. The paths of tests are UTF-8.
fn path(path: &Path) -> serde_json::Value {
    path.to_str().unwrap().into()
}
