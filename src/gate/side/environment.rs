//! What of this process's environment a build may see.
//!
//! Two builds of one commit must give the same program, whoever starts them: cargo by way of `xtask`, a
//! shell with settings of its own, or continuous integration. So cargo's and the compiler's variables are
//! taken away (`CARGO_TARGET_DIR`, `CARGO_MANIFEST_DIR`, `CARGO_PROFILE_*`, `RUSTFLAGS`, `RUSTC_WRAPPER`
//! and all others), and so are those of git that name another repository. What says where packages come
//! from, how they are fetched and which toolchain is used stays, and so do cargo's configuration files.
//! The C++ compiler's variables stay, too, because some systems have no compiler without them: they are
//! part of what a program is recognised by.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

/// Beginnings of names that are taken away.
const TAKEN: [&str; 9] = [
    "CARGO",
    "RUST",
    "MAKEFLAGS",
    "MFLAGS",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
];
/// Beginnings of names among them that stay.
const LEFT: [&str; 10] = [
    "CARGO_BUILD_JOBS",
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
];
/// Names, alone or before a `_`, of what chooses and steers the C++ compiler.
const COMPILER: [&str; 6] = ["AR", "ARFLAGS", "CC", "CFLAGS", "CXX", "CXXFLAGS"];

/// Takes out of a command's environment what a build may not see.
pub(super) fn strip(command: &mut Command) {
    for (name, _) in env::vars_os().filter(|(name, _)| !is_handed_on(&name.to_string_lossy())) {
        command.env_remove(name);
    }
}

/// The cargo that runs this process, else the user's.
pub(super) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// By what compilers things are built: what rustc says of itself, and the C++ compiler's variables. Rustc
/// is asked in `folder`, so that no toolchain file of the user's work tree counts.
///
/// # Errors
/// When there is no rustc.
pub(super) fn toolchain(folder: &Path) -> Result<String> {
    let failed = |what: String| {
        Error::harness(format!("cannot run `rustc --version --verbose`: {what}"))
            .hint("install Rust with rustup: a side is built from its commit")
    };
    let mut rustc = Command::new("rustc");
    strip(&mut rustc);
    let requested = rustc.args(["--version", "--verbose"]).current_dir(folder).stdin(Stdio::null()).output();
    let reported = requested.map_err(|cause| failed(cause.to_string()))?;
    if !reported.status.success() {
        return Err(failed(String::from_utf8_lossy(&reported.stderr).trim().to_owned()));
    }
    let mut variables: Vec<String> = env::vars_os()
        .filter(|(name, _)| is_the_compilers(&name.to_string_lossy()))
        .map(|(name, value)| format!("{}={}\n", name.to_string_lossy(), value.to_string_lossy()))
        .collect();
    variables.sort();
    Ok(format!("{}{}", String::from_utf8_lossy(&reported.stdout), variables.concat()))
}

fn is_handed_on(name: &str) -> bool {
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| name.starts_with(beginning));
    begins(&LEFT) || !begins(&TAKEN)
}

fn is_the_compilers(name: &str) -> bool {
    let rest = |compiler: &&str| name.strip_prefix(*compiler);
    COMPILER.iter().filter_map(rest).any(|rest| rest.is_empty() || rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_a_build_or_leads_it_elsewhere_is_taken_away() {
        for name in [
            "CARGO",
            "CARGO_BUILD_TARGET",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_INCREMENTAL",
            "CARGO_MAKEFLAGS",
            "CARGO_MANIFEST_DIR",
            "CARGO_PROFILE_RELEASE_DEBUG",
            "CARGO_TARGET_DIR",
            "GIT_DIR",
            "MAKEFLAGS",
            "RUSTC",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
        ] {
            assert!(!is_handed_on(name), "{name}");
        }
    }

    #[test]
    fn what_finds_packages_and_compilers_stays() {
        for name in [
            "CARGO_HOME",
            "GIT_SSH_COMMAND",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRIES_OURS_INDEX",
            "PATH",
            "HOME",
            "CXX",
        ] {
            assert!(is_handed_on(name), "{name}");
        }
    }

    #[test]
    fn the_variables_of_the_compiler_are_known_with_and_without_a_target() {
        for name in ["CC", "CXXFLAGS", "CC_x86_64-unknown-linux-gnu", "CFLAGS_aarch64"] {
            assert!(is_the_compilers(name), "{name}");
        }
        for name in ["CCACHE_DIR", "ARCH", "PATH", "CARGO"] {
            assert!(!is_the_compilers(name), "{name}");
        }
    }

    #[test]
    fn rustc_tells_its_version() {
        let reported = toolchain(&env::temp_dir()).unwrap();
        assert!(reported.contains("host: ") && reported.contains("release: "), "{reported}");
    }
}
