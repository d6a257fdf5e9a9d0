//! Where things live on the user's machine: one cache folder and one config folder.
//!
//! The file stands alone, because `xtask` includes it too: both must name the same folders.

use std::env;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::path::{Path, PathBuf};

/// The folder for what can be made again: OpenVINO runtimes, edited graphs, fetched models, what pages need from
/// npm, linters, Python environments.
///
/// `$XDG_CACHE_HOME/arcgauge`, or `~/.cache/arcgauge`. None where the user has no home folder.
pub fn cache_dir() -> Option<PathBuf> {
    xdg("XDG_CACHE_HOME", ".cache")
}

/// The folder for the user's settings: `$XDG_CONFIG_HOME/arcgauge`, or `~/.config/arcgauge`.
pub fn config_dir() -> Option<PathBuf> {
    xdg("XDG_CONFIG_HOME", ".config")
}

/// The folder of an unpacked OpenVINO release below the cache folder; there only when complete.
pub fn openvino_dir(version: &str) -> Option<PathBuf> {
    Some(cache_dir()?.join("openvino").join(version))
}

/// OpenVINO's C library inside the unpacked wheel of a release: on Linux `libopenvino_c.so.2641` for 2026.4.1. None for what is not
/// a release's version.
pub fn openvino_c_library(version: &str) -> Option<PathBuf> {
    let parts: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
    let [year @ 2000..=2099, minor, patch] = parts?[..] else { return None };
    (version == format!("{year}.{minor}.{patch}")).then(|| {
        // Windows has no version in the name of a library.
        let number =
            if DLL_SUFFIX == ".so" { format!(".{}{minor}{patch}", year - 2000) } else { String::new() };
        // In parts, for Windows loads no library by a path with slashes.
        let file = format!("{DLL_PREFIX}openvino_c{DLL_SUFFIX}{number}");
        ["openvino", "libs", &file].iter().collect()
    })
}

/// The folder of an unpacked release of OpenVINO's tokenizers extension below the cache folder; there only when
/// complete.
pub fn openvino_tokenizers_dir(version: &str) -> Option<PathBuf> {
    Some(cache_dir()?.join("openvino-tokenizers").join(version))
}

/// The folder of a chart library below the cache folder; there only when complete.
pub fn web_library_dir(name: &str, version: &str) -> Option<PathBuf> {
    Some(cache_dir()?.join("web").join(format!("{name}-{version}")))
}

/// The folder of what the browser tests take from npm, by the hash of its lock file; there only when complete.
pub fn browser_tests_dir(lock_sha256: &str) -> Option<PathBuf> {
    Some(cache_dir()?.join("browser-tests").join(lock_sha256))
}

/// The folder of models that `model fetch` brought, each in one of its own; nothing but the user removes them.
pub fn models_dir() -> Option<PathBuf> {
    Some(cache_dir()?.join("models"))
}

/// The folder of the linters that `cargo xtask lint` fetches or builds, each in one of its own; there only when complete.
pub fn linters_dir() -> Option<PathBuf> {
    Some(cache_dir()?.join("linters"))
}

/// The folder of the Python environment of a peer, by the hash of what is installed there; there only when complete.
pub fn peer_dir(peer: &str, requirements_sha256: &str) -> Option<PathBuf> {
    let digits = requirements_sha256.get(..12)?;
    Some(cache_dir()?.join("peers").join(format!("{peer}-{digits}")))
}

/// The folder of the Python environment with the client of the Hugging Face hub, by the hash of what is installed
/// there; there only when complete.
pub fn hub_client_dir(requirements_sha256: &str) -> Option<PathBuf> {
    Some(cache_dir()?.join("hub-client").join(requirements_sha256.get(..12)?))
}

/// The folder of what `cargo xtask test --gpu-plugin` sets up: an OpenCL runtime and the layer over it.
pub fn gpu_plugin_dir() -> Option<PathBuf> {
    Some(cache_dir()?.join("gpu-plugin"))
}

/// The Python of an environment.
pub fn python_in(environment: &Path) -> PathBuf {
    let (folder, file) = if EXE_SUFFIX.is_empty() { ("bin", "python") } else { ("Scripts", "python.exe") };
    environment.join(folder).join(file)
}

/// A relative path in the variable is ignored, as the XDG base directory specification asks.
fn xdg(variable: &str, below_home: &str) -> Option<PathBuf> {
    let base = match env::var_os(variable).map(PathBuf::from) {
        Some(folder) if folder.is_absolute() => folder,
        _ => env::home_dir()?.join(below_home),
    };
    Some(base.join("arcgauge"))
}
