//! The OpenVINO releases that arcgauge pins; `xtask` reads the same list.

use serde::Deserialize;

/// The list, as it stands in `releases.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Releases {
    /// The version used where none is requested.
    pub default: String,
    /// Every pinned release.
    pub releases: Vec<Release>,
}

/// One pinned release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Release {
    /// As in "2026.4.1".
    pub version: String,
    /// The C library's path inside the unpacked wheel.
    pub c_library: String,
    /// Whether the state bridge was tested against this version's layout.
    pub state_access_tested: bool,
}

impl Releases {
    /// The list that was built in.
    ///
    /// # Panics
    /// Never in a build that passed its tests: the list is a constant.
    #[must_use]
    pub fn pinned() -> Self {
        serde_json::from_str(include_str!("releases.json")).expect("releases.json is a release list")
    }

    /// The release of this version.
    #[must_use]
    pub fn get(&self, version: &str) -> Option<&Release> {
        self.releases.iter().find(|release| release.version == version)
    }

    /// The versions, as a phrase.
    #[must_use]
    pub fn versions(&self) -> String {
        let versions: Vec<_> = self.releases.iter().map(|release| format!("`{}`", release.version)).collect();
        versions.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_release_is_pinned_and_tested() {
        let releases = Releases::pinned();
        assert!(releases.get(&releases.default).is_some_and(|release| release.state_access_tested));
    }
}
