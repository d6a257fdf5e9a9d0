//! Where the browser of this machine is.
//!
//! The file stands alone, because `xtask` includes it too: both must find the same one.

use std::env;
use std::path::PathBuf;

/// Chromium's names, and that of the browser that is built from it.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// What to type where there is none.
pub(crate) const INSTALL: &str = "install Chromium and Node.js 20 or newer (Debian: sudo apt-get install chromium nodejs npm), \
     then: cargo xtask test";
/// Set to 1 by a user who has none, and knows what is not tested then.
pub(crate) const WITHOUT: &str = "ARCGAUGE_WITHOUT_BROWSER";

/// The first of the names on the `PATH`.
pub(crate) fn browser() -> Option<PathBuf> {
    NAMES.into_iter().find_map(on_path)
}

/// A program on the `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Whether the user goes without. What a build machine has not tested must not pass there, so it cannot.
pub(crate) fn goes_without() -> bool {
    let is = |name: &str, expected: &str| env::var(name).is_ok_and(|value| value == expected);
    is(WITHOUT, "1") && !is("CI", "true")
}
