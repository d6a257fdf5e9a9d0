//! Finds the OpenVINO library: the one the user names, or the pinned release in the cache folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::engine::openvino::release::Releases;
use crate::error::{Error, Result};
use crate::places;

/// Below a user's installation, where the libraries may be.
const LIBRARY_FOLDERS: [&str; 6] =
    ["", "libs", "openvino/libs", "runtime/lib/intel64", "lib", "lib/x86_64-linux-gnu"];

/// Where a runtime may come from, in the order in which they win.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// A pinned version or a folder, requested by a flag.
    pub requested: Option<String>,
    /// A folder named by the environment, and the variable that names it.
    pub installed: Option<InstalledBy>,
}

/// A user's own installation, named by a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledBy {
    /// The variable's name.
    pub variable: &'static str,
    /// What it says.
    pub folder: PathBuf,
}

/// How a runtime was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundBy {
    /// `--openvino DIR`.
    Flag,
    /// An environment variable of this name.
    Variable(&'static str),
    /// A pinned release of this version, in the cache folder.
    Pinned(String),
}

/// A runtime that can be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeLocation {
    /// `libopenvino_c.so.*`, resolved.
    pub c_library: PathBuf,
    /// How it was found.
    pub found_by: FoundBy,
}

impl Sources {
    /// The flag's word, then `OPENVINO_INSTALL_DIR`, then `INTEL_OPENVINO_DIR`, then the pinned one.
    #[must_use]
    pub fn from_environment(requested: Option<String>) -> Self {
        let variables = ["OPENVINO_INSTALL_DIR", "INTEL_OPENVINO_DIR"].into_iter();
        let installed = variables
            .filter_map(|variable| Some((variable, env::var_os(variable)?)))
            .find(|(_, folder)| !folder.is_empty())
            .map(|(variable, folder)| InstalledBy { variable, folder: folder.into() });
        Self { requested, installed }
    }

    /// Finds the library's file.
    ///
    /// # Errors
    /// When what was named has none, or the pinned release is not set up.
    pub fn locate(&self) -> Result<RuntimeLocation> {
        let releases = Releases::pinned();
        match (&self.requested, &self.installed) {
            (Some(requested), _) if releases.get(requested).is_some() => pinned(&releases, requested),
            (Some(requested), _) if requested.contains('/') || Path::new(requested).is_dir() => {
                installed(Path::new(requested), FoundBy::Flag)
            }
            (Some(requested), _) => Err(Error::input(format!(
                "OpenVINO `{requested}` is neither a folder nor one of the pinned releases ({})",
                releases.versions()
            ))
            .hint(format!("try `--openvino {}`", releases.default))),
            (None, Some(named)) => installed(&named.folder, FoundBy::Variable(named.variable)),
            (None, None) => pinned(&releases, &releases.default),
        }
    }
}

fn pinned(releases: &Releases, version: &str) -> Result<RuntimeLocation> {
    let release = releases
        .get(version)
        .ok_or_else(|| Error::harness(format!("OpenVINO `{version}` is not a pinned release")))?;
    let folder = places::openvino_dir(version)
        .ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))?;
    let c_library = folder.join(&release.c_library);
    if !c_library.is_file() {
        let how = if version == releases.default { String::new() } else { format!(" --openvino {version}") };
        return Err(Error::harness(format!(
            "OpenVINO `{version}` is not set up: no `{}`",
            c_library.display()
        ))
        .hint(format!("run `cargo xtask setup{how}`")));
    }
    Ok(RuntimeLocation { c_library, found_by: FoundBy::Pinned(version.to_owned()) })
}

fn installed(folder: &Path, found_by: FoundBy) -> Result<RuntimeLocation> {
    let found = LIBRARY_FOLDERS.iter().find_map(|below| c_library_in(&folder.join(below)));
    let c_library = found.ok_or_else(|| {
        Error::input(format!("no `libopenvino_c.so` in or below the OpenVINO folder `{}`", folder.display()))
            .hint("name the folder that has `runtime/lib/intel64` or `openvino/libs`, or leave it out to use the pinned release")
    })?;
    Ok(RuntimeLocation { c_library, found_by })
}

/// The library in a folder: `libopenvino_c.so`, with or without a version behind it.
fn c_library_in(folder: &Path) -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|n| n.starts_with("libopenvino_c.so"))
        })
        .collect();
    found.sort();
    fs::canonicalize(found.first()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_named_by_the_flag_wins_over_the_variable() {
        let folder = tempfile::tempdir().unwrap();
        let libs = folder.path().join("runtime/lib/intel64");
        fs::create_dir_all(&libs).unwrap();
        fs::write(libs.join("libopenvino_c.so.2650"), "").unwrap();
        let sources = Sources {
            requested: Some(folder.path().display().to_string()),
            installed: Some(InstalledBy { variable: "OPENVINO_INSTALL_DIR", folder: "/nowhere".into() }),
        };
        let found = sources.locate().unwrap();
        assert_eq!(found.found_by, FoundBy::Flag);
        assert!(found.c_library.ends_with("runtime/lib/intel64/libopenvino_c.so.2650"));
    }

    #[test]
    fn a_variable_that_names_no_openvino_is_said_and_not_passed_over() {
        let installed = Some(InstalledBy { variable: "INTEL_OPENVINO_DIR", folder: "/nowhere".into() });
        let error = Sources { requested: None, installed }.locate().unwrap_err();
        assert!(error.to_string().contains("`/nowhere`"), "{error}");
    }

    #[test]
    fn an_unknown_version_is_refused_with_the_list_of_those_there_are() {
        let sources = Sources { requested: Some("2019.1".into()), installed: None };
        let error = sources.locate().unwrap_err();
        assert!(error.to_string().contains("`2026.4.1`, `2026.1.0`"), "{error}");
    }
}
