//! The pinned OpenVINO releases, from the same file the library reads, and which of them, or which installation of the
//! user's own, a verb will run on.

use std::env::consts;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf, is_separator};

use serde_json::Value;

use crate::failure::Failure;
use crate::places;

/// The one list of releases, compiled in so that xtask and library cannot disagree.
const LIST: &str = include_str!("../../src/engine/openvino/releases.json");

const WINDOWS: &str = "windows";

/// All that may be set up.
#[derive(Debug)]
pub(crate) struct Releases {
    default: String,
    /// Which wheel of a release is fetched.
    pub(crate) wheel: Wheel,
    /// Which wheel of its tokenizers extension is.
    pub(crate) tokenizers_wheel: Wheel,
    /// The releases in the order of the file.
    pub(crate) list: Vec<Release>,
}

/// The tags that name one wheel. Only its libraries are used, so one wheel serves whatever Python is installed.
#[derive(Debug, Clone)]
pub(crate) struct Wheel {
    /// The package's name on the registry.
    pub(crate) package: String,
    /// What messages call it.
    pub(crate) title: &'static str,
    /// What is downloaded, in words.
    pub(crate) size: &'static str,
    /// Free space that it takes: twice for a moment, and its libraries unpacked.
    pub(crate) needed_bytes: u64,
    /// The command that fetches it.
    pub(crate) again: &'static str,
    /// The interpreter's version, as pip writes it.
    pub(crate) python_version: String,
    /// The interpreter's implementation tag.
    pub(crate) implementation: String,
    /// The interpreter's binary interface tag.
    pub(crate) abi: String,
    /// The platform tag: system, its C library and processor.
    pub(crate) platform: String,
}

/// One release of OpenVINO, or of its tokenizers extension.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    /// What the user types after `--openvino`.
    pub(crate) version: String,
    /// The wheel's hash, in lower-case hexadecimal. None of a release that is not pinned: the first wheel that is fetched
    /// decides, which pip has compared with the index.
    pub(crate) sha256: Option<String>,
    /// The library inside the unpacked wheel that is loaded.
    pub(crate) library: PathBuf,
    /// The extension of the same release, where it is pinned; an extension has none.
    pub(crate) tokenizers: Option<Box<Release>>,
}

impl Releases {
    /// The releases this checkout was written for.
    pub(crate) fn pinned() -> Result<Self, Failure> {
        Self::pinned_for(consts::OS)
    }

    /// The same for another operating system, as Rust names it.
    pub(crate) fn pinned_for(system: &str) -> Result<Self, Failure> {
        Self::parse(LIST, system).map_err(|why| {
            Failure::harness(
                format!("src/engine/openvino/releases.json is not understood: {why}"),
                "git checkout -- src/engine/openvino/releases.json",
            )
        })
    }

    /// The release used when none is named.
    pub(crate) fn default(&self) -> Result<Release, Failure> {
        self.named(&self.default)
    }

    /// The release of that version.
    pub(crate) fn named(&self, version: &str) -> Result<Release, Failure> {
        let pinned = self.list.iter().find(|release| release.version == version).cloned();
        pinned.or_else(|| Release::not_pinned(version)).ok_or_else(|| {
            Failure::usage(
                format!(
                    "`{version}` is not the version of an OpenVINO release; pinned are {}",
                    self.versions()
                ),
                format!("cargo xtask setup --openvino {}, or --openvino ./DIR for your own", self.default),
            )
        })
    }

    /// All versions, for a sentence.
    pub(crate) fn versions(&self) -> String {
        self.list.iter().map(|release| format!("`{}`", release.version)).collect::<Vec<_>>().join(", ")
    }

    fn parse(json: &str, system: &str) -> Result<Self, String> {
        let root: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let wheel = &root["wheel"];
        let list = root["releases"].as_array().ok_or("`releases` is not a list")?;
        let default = text(&root, "default")?;
        let wheel = Wheel {
            package: text(wheel, "package")?,
            title: "OpenVINO",
            size: of_system("about 59 MB", "about 85 MB", system),
            needed_bytes: 350_000_000,
            again: "cargo xtask setup",
            python_version: text(wheel, "python_version")?,
            implementation: text(wheel, "implementation")?,
            abi: text(wheel, "abi")?,
            platform: text(wheel, of_system("platform", "windows_platform", system))?,
        };
        let tokenizers = &root["tokenizers"];
        let tokenizers_wheel = Wheel {
            package: text(tokenizers, "package")?,
            title: "openvino_tokenizers",
            size: "about 4 MB",
            needed_bytes: 30_000_000,
            again: "cargo xtask setup --tokenizers",
            ..wheel.clone()
        };
        let library = text(tokenizers, "library")?;
        let list =
            list.iter().map(|json| Release::parse(json, &library, system)).collect::<Result<_, _>>()?;
        Ok(Self { default, wheel, tokenizers_wheel, list })
    }
}

impl Release {
    fn not_pinned(version: &str) -> Option<Self> {
        let library = places::openvino_c_library(version)?;
        Some(Self { version: version.to_owned(), sha256: None, library, tokenizers: None })
    }

    fn parse(json: &Value, tokenizers_library: &str, system: &str) -> Result<Self, String> {
        let tokenizers = Self {
            version: text(json, "tokenizers_version")?,
            sha256: Some(text(json, "tokenizers_sha256")?),
            library: tokenizers_library.into(),
            tokenizers: None,
        };
        let version = text(json, "version")?;
        Ok(Self {
            sha256: Some(text(json, of_system("sha256", "windows_sha256", system))?),
            library: library_for(&version, system).ok_or("`version` is not one of a release")?,
            version,
            // Its texts are of Microsoft's standard library, which cannot be read.
            tokenizers: (system != WINDOWS).then(|| Box::new(tokenizers)),
        })
    }
}

fn of_system(word: &'static str, on_windows: &'static str, system: &str) -> &'static str {
    if system == WINDOWS { on_windows } else { word }
}

/// Where the library is on this system, and on Windows for a test from another one.
fn library_for(version: &str, system: &str) -> Option<PathBuf> {
    let here = places::openvino_c_library(version)?;
    Some(if system == consts::OS { here } else { here.with_file_name("openvino_c.dll") })
}

fn text(json: &Value, key: &str) -> Result<String, String> {
    json[key].as_str().map(str::to_owned).ok_or_else(|| format!("`{key}` is not a text"))
}

/// The flag that names a release or a folder.
pub(crate) const FLAG: &str = "--openvino";
/// The variables by which OpenVINO's own set-up scripts name an installation.
const VARIABLES: [&str; 2] = ["OPENVINO_INSTALL_DIR", "INTEL_OPENVINO_DIR"];

/// What has to be there before the binary runs.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// A release that xtask fetches when it is missing.
    Release(Release),
    /// An installation of the user's; nothing is fetched.
    Own {
        /// Where it is.
        folder: PathBuf,
        /// The flag or the variable that named it.
        named_by: &'static str,
    },
}

impl Wanted {
    /// An explicit flag wins over the variables, a variable over the default.
    ///
    /// A version is a version even where a folder has the same name: `./2026.4.1` means the folder.
    pub(crate) fn decide(
        releases: &Releases,
        flag: Option<&OsStr>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Failure> {
        if let Some(value) = flag {
            return match releases.named(&value.to_string_lossy()) {
                Err(_) if looks_like_a_path(value) => Self::own(value, FLAG),
                release => release.map(Self::Release),
            };
        }
        let set =
            |name: &&'static str| variable(name).filter(|value| !value.is_empty()).map(|it| (it, *name));
        match VARIABLES.iter().find_map(set) {
            Some((folder, name)) => Self::own(&folder, name),
            None => releases.default().map(Self::Release),
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
    value.to_string_lossy().chars().any(is_separator) || Path::new(value).is_dir()
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

/// The releases that the sides of an `ab` or a `bisect` name, as in `--base openvino=2026.1.0` or `--head=openvino=2026.1.0`.
pub(crate) fn of_sides(args: &[OsString]) -> impl Iterator<Item = &str> {
    let words = args.iter().take_while(|arg| *arg != "--").filter_map(|arg| arg.to_str());
    words.filter_map(|word| {
        let word = ["--base=", "--head=", "--good=", "--over=", "--bad="]
            .iter()
            .find_map(|flag| word.strip_prefix(flag))
            .unwrap_or(word);
        word.strip_prefix("openvino=")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_list_is_understood_and_holds_its_default() {
        let releases = Releases::pinned().expect("the list of this checkout");
        let default = releases.default().expect("the default release");
        assert_eq!(default.version, releases.default);
        for release in &releases.list {
            let tokenizers = release.tokenizers.as_ref().expect("an extension");
            let hashes = [&release.sha256, &tokenizers.sha256];
            assert!(hashes.into_iter().flatten().filter(|sha256| sha256.len() == 64).count() == 2);
            assert!(tokenizers.version.starts_with(&format!("{}.", release.version)), "of the same release");
        }
    }

    #[test]
    fn for_windows_each_release_has_a_wheel_of_its_own_and_no_tokenizers() {
        let (here, there) = (Releases::pinned().unwrap(), Releases::pinned_for(WINDOWS).unwrap());
        assert_eq!(there.wheel.platform, "win_amd64");
        for (here, there) in here.list.iter().zip(&there.list) {
            assert_ne!(here.sha256, there.sha256);
            assert_eq!(there.library, Path::new("openvino/libs/openvino_c.dll"));
            assert!(there.tokenizers.is_none());
        }
    }

    #[test]
    fn an_unknown_version_is_bad_usage_and_lists_those_there_are() {
        let releases = Releases::pinned().expect("the list of this checkout");
        let failure = releases.named("2019.1").expect_err("never pinned");
        assert_eq!(failure.code, 2);
        for release in &releases.list {
            assert!(failure.message.contains(&format!("`{}`", release.version)), "{failure}");
        }
    }

    #[test]
    fn a_release_that_is_not_pinned_is_known_by_its_version() {
        let releases = Releases::pinned().expect("the list of this checkout");
        let older = releases.named("2025.4.1").expect("a version");
        assert_eq!((older.sha256, older.library), (None, "openvino/libs/libopenvino_c.so.2541".into()));
        for word in ["2025.4", "2025.04.1", "v2025.4.1", "2025.4.1.0", "2025.4.x", "+2025.4.1", ""] {
            assert!(releases.named(word).is_err(), "{word}");
        }
    }

    #[test]
    fn a_broken_list_says_which_key_is_missing() {
        assert_eq!(
            Releases::parse(r#"{"releases": []}"#, "linux").expect_err("no default"),
            "`default` is not a text"
        );
    }

    fn args(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn decide(flag: Option<&str>, variable: Option<(&str, &str)>) -> Result<String, Failure> {
        let releases = Releases::pinned()?;
        let lookup = |name: &str| variable.filter(|(set, _)| *set == name).map(|(_, value)| value.into());
        Ok(match Wanted::decide(&releases, flag.map(OsStr::new), lookup)? {
            Wanted::Release(release) => release.version,
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
        let words = args(&["bisect", "--good=openvino=1.0", "--over", "openvino=1.5", "--bad=openvino=2.0"]);
        assert_eq!(of_sides(&words).collect::<Vec<_>>(), ["1.0", "1.5", "2.0"]);
    }

    #[test]
    fn a_flag_wins_over_the_variables_and_a_variable_over_the_default() {
        let default = Releases::pinned().expect("list").default().expect("default").version.clone();
        let (intel, install) = ("INTEL_OPENVINO_DIR", "OPENVINO_INSTALL_DIR");
        for (flag, variable, wanted) in [
            (None, None, default.as_str()),
            (None, Some((install, "")), &default),
            (None, Some((intel, "/usr")), "/usr by INTEL_OPENVINO_DIR"),
            (Some("2026.1.0"), Some((intel, "/usr")), "2026.1.0"),
            (Some("/usr"), None, "/usr by --openvino"),
        ] {
            assert_eq!(decide(flag, variable).expect("decided"), wanted, "{flag:?} {variable:?}");
        }
    }

    #[test]
    fn a_path_that_is_not_there_and_what_is_no_version_are_bad_usage() {
        let failure = decide(Some("./not/there"), None).expect_err("missing");
        assert_eq!(failure.code, 2);
        assert!(failure.message.contains("`./not/there`"), "{failure}");
        assert_eq!(decide(Some("latest"), None).expect_err("unknown").code, 2);
    }
}
