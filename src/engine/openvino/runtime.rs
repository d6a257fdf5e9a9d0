//! Finds the OpenVINO library (the one that the user names, or a pinned release in the cache folder), loads it from that
//! file, and resolves a device on it: all that is known before minutes of compiling.
//!
//! Nothing has to be exported and no search path matters. The first load of a process wins; one process uses one OpenVINO.

use std::env;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf, is_separator};
use std::rc::Rc;

use openvino::{Core, DeviceType, PropertyKey, RwPropertyKey};
use serde::Deserialize;

use crate::engine::openvino::state::{StateBridge, is_loaded, prepare_load};
use crate::engine::openvino::{DeviceChoice, DeviceFacts, Property, default_properties, failed};
use crate::error::{Error, Result};
use crate::places;
use crate::sys::{canonicalize, sysfs};

/// Below a user's installation, where the libraries may be.
const LIBRARY_FOLDERS: [&str; 8] = [
    "",
    "libs",
    "openvino/libs",
    "runtime/lib/intel64",
    "lib",
    "lib/x86_64-linux-gnu",
    // As an archive and a Python environment have them on Windows.
    "runtime/bin/intel64/Release",
    "Lib/site-packages/openvino/libs",
];

/// Where a runtime may come from, in the order in which they win.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// A release's version or a folder, requested by a flag.
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
    /// A release of this version, in the cache folder.
    Release(String),
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
            (Some(version), _) if places::openvino_c_library(version).is_some() => {
                release(&releases, version)
            }
            (Some(requested), _) if requested.contains(is_separator) || Path::new(requested).is_dir() => {
                installed(Path::new(requested), FoundBy::Flag)
            }
            (Some(requested), _) => Err(Error::input(format!(
                "OpenVINO `{requested}` is neither a folder nor the version of a release"
            ))
            .hint(format!("try `--openvino {}`", releases.default))),
            (None, Some(named)) => installed(&named.folder, FoundBy::Variable(named.variable)),
            (None, None) => release(&releases, &releases.default),
        }
    }
}

fn release(releases: &Releases, version: &str) -> Result<RuntimeLocation> {
    let library = places::openvino_c_library(version)
        .ok_or_else(|| Error::harness(format!("`{version}` is not the version of an OpenVINO release")))?;
    let folder = places::openvino_dir(version)
        .ok_or_else(|| Error::harness("this user has no home folder and so no cache folder"))?;
    let c_library = folder.join(library);
    if !c_library.is_file() {
        let how = if version == releases.default { String::new() } else { format!(" --openvino {version}") };
        return Err(Error::harness(format!(
            "OpenVINO `{version}` is not set up: no `{}`",
            c_library.display()
        ))
        .hint(format!("run `cargo xtask setup{how}`")));
    }
    Ok(RuntimeLocation { c_library, found_by: FoundBy::Release(version.to_owned()) })
}

fn installed(folder: &Path, found_by: FoundBy) -> Result<RuntimeLocation> {
    let of_python = fs::read_dir(folder.join("lib")).into_iter().flatten().filter_map(Result::ok);
    let of_python = of_python.map(|entry| entry.path().join("site-packages/openvino/libs"));
    let below = LIBRARY_FOLDERS.iter().map(|below| folder.join(below)).chain(of_python);
    let found = below.into_iter().find_map(|folder| c_library_in(&folder));
    let c_library = found.ok_or_else(|| {
        let name = c_library_name();
        Error::input(format!("no `{name}` in or below the OpenVINO folder `{}`", folder.display())).hint(
            "name the folder that has `runtime/lib/intel64` or `openvino/libs`, or a Python environment with \
                 OpenVINO, or leave it out to use the pinned release",
        )
    })?;
    Ok(RuntimeLocation { c_library, found_by })
}

/// As in `libopenvino_c.so`.
fn c_library_name() -> String {
    format!("{DLL_PREFIX}openvino_c{DLL_SUFFIX}")
}

/// The library in a folder, with or without a version behind its name.
fn c_library_in(folder: &Path) -> Option<PathBuf> {
    let name = c_library_name();
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(|n| n.starts_with(&name)))
        .collect();
    found.sort();
    canonicalize(found.first()?).ok()
}

/// The list, as it stands in `releases.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Releases {
    /// The version used where none is requested.
    pub default: String,
    /// Every pinned release.
    pub releases: Vec<Release>,
    /// Their extension for tokenizers.
    pub tokenizers: TokenizersExtension,
}

/// What is alike in the tokenizers extensions of all releases.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TokenizersExtension {
    /// The library's path inside the unpacked wheel.
    pub library: String,
}

/// One pinned release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Release {
    /// As in "2026.4.1".
    pub version: String,
    /// The version of its tokenizers extension, as in "2026.4.1.0".
    pub tokenizers_version: String,
    /// Whether the state bridge was tested against this version's layout.
    pub state_access_tested: bool,
}

impl Releases {
    /// The list that was built in.
    ///
    /// # Panics
    /// Never in a build that passed its tests: the list is a constant.
    pub fn pinned() -> Self {
        serde_json::from_str(include_str!("releases.json")).expect("releases.json is a release list")
    }

    /// The release of this version.
    pub fn get(&self, version: &str) -> Option<&Release> {
        self.releases.iter().find(|release| release.version == version)
    }

    /// The versions, as a phrase.
    pub fn versions(&self) -> String {
        let versions: Vec<_> = self.releases.iter().map(|release| format!("`{}`", release.version)).collect();
        versions.join(", ")
    }
}

/// A loaded OpenVINO.
pub struct Runtime {
    pub(super) core: Core,
    version: String,
    build: String,
    location: RuntimeLocation,
    state_bridge: Result<Rc<StateBridge>, String>,
}

impl Runtime {
    /// Loads the library at this place.
    ///
    /// # Errors
    /// When it cannot be opened, or another OpenVINO was loaded in this process before.
    pub fn load(location: RuntimeLocation) -> Result<Self> {
        let path = location.c_library.display().to_string();
        prepare_load(&location.c_library);
        openvino_sys::library::load_from(location.c_library.clone()).map_err(|cause| {
            let error = Error::harness(format!("cannot load OpenVINO from `{path}`: {cause}"));
            let default = Releases::pinned().default;
            match &location.found_by {
                FoundBy::Release(version) if *version != default => {
                    error.hint(format!("take a release of 2025 or later, as `--openvino {default}`"))
                }
                _ => error.hint("run `cargo xtask doctor`"),
            }
        })?;
        if !is_loaded(&location.c_library) {
            return Err(Error::harness(format!(
                "`{path}` was to be loaded, but this process runs another OpenVINO"
            ))
            .hint("one process uses one OpenVINO: use a process for each"));
        }
        let core = Core::new().map_err(|cause| {
            Error::harness(format!("OpenVINO at `{path}` does not start: {cause:?}"))
                .hint("run `cargo xtask doctor`")
        })?;
        let build = openvino::version().build_number;
        let version = build.split('-').next().unwrap_or_default().to_owned();
        if let FoundBy::Release(requested) = &location.found_by
            && *requested != version
        {
            return Err(Error::harness(format!(
                "OpenVINO `{requested}` was requested, but `{version}` is loaded from `{path}`"
            ))
            .hint("one process uses one OpenVINO: use a process for each"));
        }
        let state_bridge = open_bridge(&version, &location.c_library).map(Rc::new);
        Ok(Self { core, version, build, location, state_bridge })
    }

    /// As in "2026.4.1".
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The full build string.
    pub fn build(&self) -> &str {
        &self.build
    }

    /// Where it was loaded from.
    pub fn location(&self) -> &RuntimeLocation {
        &self.location
    }

    /// The access to KV states, or why there is none.
    ///
    /// # Errors
    /// The reason, as a phrase.
    pub fn state_bridge(&self) -> Result<Rc<StateBridge>, String> {
        self.state_bridge.clone()
    }

    /// The devices that OpenVINO sees, as in "CPU", "GPU" or "GPU.1".
    ///
    /// # Errors
    /// When the runtime refuses.
    pub fn available_devices(&self) -> Result<Vec<String>> {
        let devices = self.core.available_devices().map_err(|cause| failed("list the devices", &cause))?;
        Ok(devices.iter().map(ToString::to_string).collect())
    }

    /// A property of a device, where it has it. Leaks a few bytes a call: not for loops.
    pub fn device_property(&self, device: &str, key: &'static str) -> Option<String> {
        let key = PropertyKey::Other(key.into());
        self.core.get_property(&DeviceType::from(device), &key).ok()
    }

    /// Sets a property for all models compiled for a device from now on; "" is the core itself. Errors: when
    /// the runtime refuses the key or the value.
    pub(super) fn set_property(&mut self, device: &str, property: &Property) -> Result<()> {
        let key = RwPropertyKey::Other(property.key.clone().into());
        self.core.set_property(&DeviceType::from(device), &key, &property.value).map_err(|cause| {
            failed(&format!("set `{}={}` on `{device}`", property.key, property.value), &cause)
                .as_input()
                .hint("check the name and the value; `--property KEY=VALUE` takes OpenVINO's own")
        })
    }
}

fn open_bridge(version: &str, c_library: &Path) -> Result<StateBridge, String> {
    let releases = Releases::pinned();
    let tested = releases.get(version).is_some_and(|release| release.state_access_tested);
    if !tested {
        return Err(format!(
            "the KV states of OpenVINO `{version}` are out of reach: the state access was tested with {} only",
            releases.versions()
        ));
    }
    StateBridge::open(c_library)
}

/// What will run where, and how it is set.
pub struct ResolvedRuntime {
    /// The loaded library.
    pub runtime: Runtime,
    /// What was requested and what will be compiled for.
    pub choice: DeviceChoice,
    /// What the runtime reports of that device.
    pub facts: DeviceFacts,
    /// The properties that are set before compiling: the device's defaults, and over them what was
    /// requested.
    pub properties: Vec<Property>,
}

impl ResolvedRuntime {
    /// Loads the library and settles the device.
    ///
    /// # Errors
    /// When the library cannot be loaded, or the device is not one that can be measured here.
    pub fn on(location: RuntimeLocation, device: &str, requested: &[Property]) -> Result<Self> {
        let runtime = Runtime::load(location)?;
        let choice = DeviceChoice::settle(device, &runtime.available_devices()?)?;
        let facts = DeviceFacts::read(&runtime, &choice.target, sysfs());
        let properties = default_properties(choice.kind(), requested);
        Ok(Self { runtime, choice, facts, properties })
    }

    /// The machine's GPU, as OpenVINO names it, whatever device runs.
    pub fn gpu_name(&self) -> Option<String> {
        self.runtime.device_property("GPU", "FULL_DEVICE_NAME")
    }
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
    fn what_is_neither_a_version_nor_a_folder_is_refused() {
        let sources = Sources { requested: Some("2019.1".into()), installed: None };
        let error = sources.locate().unwrap_err();
        assert!(error.to_string().contains("neither a folder nor the version"), "{error}");
        assert_eq!(error.hint_text(), Some("try `--openvino 2026.4.1`"));
    }

    #[test]
    fn a_python_environment_is_a_folder_with_openvino() {
        let folder = tempfile::tempdir().unwrap();
        let libs = folder.path().join("lib/python3.12/site-packages/openvino/libs");
        fs::create_dir_all(&libs).unwrap();
        fs::write(libs.join("libopenvino_c.so.2650"), "").unwrap();
        let requested = Some(folder.path().display().to_string());
        let found = Sources { requested, installed: None }.locate().unwrap();
        assert!(found.c_library.ends_with("openvino/libs/libopenvino_c.so.2650"));
    }

    #[test]
    fn the_default_release_is_pinned_and_tested() {
        let releases = Releases::pinned();
        assert!(releases.get(&releases.default).is_some_and(|release| release.state_access_tested));
    }
}
