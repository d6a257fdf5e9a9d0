//! Which OpenVINO a verb will run on: a pinned release, or the user's own.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::release::{Release, Releases};

/// The flag that names a release or a folder.
pub(crate) const FLAG: &str = "--openvino";
/// The variables by which OpenVINO's own set-up scripts name an installation.
const VARIABLES: [&str; 2] = ["OPENVINO_INSTALL_DIR", "INTEL_OPENVINO_DIR"];

/// What has to be there before the binary runs.
#[derive(Debug)]
pub(crate) enum Wanted<'a> {
    /// A release that xtask fetches when it is missing.
    Pinned(&'a Release),
    /// An installation of the user's; nothing is fetched.
    Own {
        /// Where it is.
        folder: PathBuf,
        /// The flag or the variable that named it.
        named_by: &'static str,
    },
}

impl<'a> Wanted<'a> {
    /// An explicit flag wins over the variables, a variable over the default.
    ///
    /// A listed version is a version even where a folder has the same name: `./2026.4.1` means the folder.
    pub(crate) fn decide(
        releases: &'a Releases,
        flag: Option<&OsStr>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Failure> {
        if let Some(value) = flag {
            return match releases.named(&value.to_string_lossy()) {
                Err(_) if looks_like_a_path(value) => Self::own(value, FLAG),
                release => release.map(Self::Pinned),
            };
        }
        let set =
            |name: &&'static str| variable(name).filter(|value| !value.is_empty()).map(|it| (it, *name));
        match VARIABLES.iter().find_map(set) {
            Some((folder, name)) => Self::own(&folder, name),
            None => releases.default().map(Self::Pinned),
        }
    }

    fn own(folder: &OsStr, named_by: &'static str) -> Result<Self, Failure> {
        let folder = PathBuf::from(folder);
        if folder.exists() {
            return Ok(Self::Own { folder, named_by });
        }
        Err(Failure::usage(
            format!("`{named_by}` names `{}`, which is not there", folder.display()),
            "name the folder of your OpenVINO, or leave it out to use the pinned release",
        ))
    }
}

fn looks_like_a_path(value: &OsStr) -> bool {
    value.as_encoded_bytes().contains(&b'/') || Path::new(value).is_dir()
}

/// The value of `--openvino X` or `--openvino=X`, wherever it stands before a bare `--`.
pub(crate) fn flag(args: &[OsString]) -> Option<&OsStr> {
    let mut args = args.iter().take_while(|arg| *arg != "--");
    while let Some(arg) = args.next() {
        if arg == FLAG {
            return args.next().map(OsString::as_os_str);
        }
        if let Some(value) = arg.to_str().and_then(|arg| arg.strip_prefix(FLAG)?.strip_prefix('=')) {
            return Some(OsStr::new(value));
        }
    }
    None
}

/// The releases that the sides of an `ab` name, as in `--base openvino=2026.1.0` or `--head=openvino=2026.1.0`.
pub(crate) fn of_sides(args: &[OsString]) -> impl Iterator<Item = &str> {
    let words = args.iter().take_while(|arg| *arg != "--").filter_map(|arg| arg.to_str());
    words.filter_map(|word| {
        let word = ["--base=", "--head="].iter().find_map(|flag| word.strip_prefix(flag)).unwrap_or(word);
        word.strip_prefix("openvino=")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn decide(flag: Option<&str>, variable: Option<(&str, &str)>) -> Result<String, Failure> {
        let releases = Releases::pinned()?;
        let lookup = |name: &str| variable.filter(|(set, _)| *set == name).map(|(_, value)| value.into());
        Ok(match Wanted::decide(&releases, flag.map(OsStr::new), lookup)? {
            Wanted::Pinned(release) => release.version.clone(),
            Wanted::Own { folder, named_by } => format!("{} by {named_by}", folder.display()),
        })
    }

    #[test]
    fn the_flag_is_found_in_both_spellings_and_not_behind_a_bare_dash_dash() {
        assert_eq!(flag(&args(&["bench", "--openvino", "1.0", "x"])), Some(OsStr::new("1.0")));
        assert_eq!(flag(&args(&["bench", "--openvino=1.0"])), Some(OsStr::new("1.0")));
        assert_eq!(flag(&args(&["bench", "--openvino-ish=1.0"])), None);
        assert_eq!(flag(&args(&["bench", "--", "--openvino", "1.0"])), None);
    }

    #[test]
    fn the_sides_of_an_ab_name_releases_in_both_spellings() {
        let words =
            args(&["ab", "--base", "openvino=1.0", "--head=openvino=2.0", "--base", "main", "openvino"]);
        assert_eq!(of_sides(&words).collect::<Vec<_>>(), ["1.0", "2.0"]);
    }

    #[test]
    fn nothing_said_means_the_default_release() {
        let default = Releases::pinned().expect("list").default().expect("default").version.clone();
        assert_eq!(decide(None, None).expect("the default"), default);
    }

    #[test]
    fn a_variable_means_the_users_own() {
        let own = decide(None, Some(("INTEL_OPENVINO_DIR", "/usr"))).expect("own");
        assert_eq!(own, "/usr by INTEL_OPENVINO_DIR");
        assert!(decide(None, Some(("OPENVINO_INSTALL_DIR", ""))).is_ok_and(|it| !it.contains("by")));
    }

    #[test]
    fn an_explicit_version_wins_over_the_variables() {
        let version = decide(Some("2026.1.0"), Some(("INTEL_OPENVINO_DIR", "/usr"))).expect("pinned");
        assert_eq!(version, "2026.1.0");
    }

    #[test]
    fn a_path_means_the_users_own_and_must_be_there() {
        assert_eq!(decide(Some("/usr"), None).expect("own"), "/usr by --openvino");
        let failure = decide(Some("./not/there"), None).expect_err("missing");
        assert_eq!(failure.code, 2);
        assert!(failure.message.contains("`./not/there`"), "{failure}");
    }

    #[test]
    fn what_is_neither_a_version_nor_a_path_is_bad_usage() {
        assert_eq!(decide(Some("latest"), None).expect_err("unknown").code, 2);
    }
}
