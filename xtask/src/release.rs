//! The pinned OpenVINO releases, from the same file the library reads.

use std::path::PathBuf;

use serde_json::Value;

use crate::failure::Failure;

/// The one list of releases, compiled in so that xtask and library cannot disagree.
const LIST: &str = include_str!("../../src/engine/openvino/releases.json");

/// All that may be set up.
#[derive(Debug)]
pub(crate) struct Releases {
    default: String,
    /// Which wheel of a release is fetched.
    pub(crate) wheel: Wheel,
    /// The releases in the order of the file.
    pub(crate) list: Vec<Release>,
}

/// The tags that name one wheel. Only its libraries are used, so one wheel serves whatever Python is installed.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// The package's name on the registry.
    pub(crate) package: String,
    /// The interpreter's version, as pip writes it.
    pub(crate) python_version: String,
    /// The interpreter's implementation tag.
    pub(crate) implementation: String,
    /// The interpreter's binary interface tag.
    pub(crate) abi: String,
    /// The platform tag: system, its C library and processor.
    pub(crate) platform: String,
}

/// One release of OpenVINO.
#[derive(Debug)]
pub(crate) struct Release {
    /// What the user types after `--openvino`.
    pub(crate) version: String,
    /// The wheel's hash, in lower-case hexadecimal.
    pub(crate) sha256: String,
    /// The C library inside the unpacked wheel.
    pub(crate) c_library: PathBuf,
}

impl Releases {
    /// The releases this checkout was written for.
    pub(crate) fn pinned() -> Result<Self, Failure> {
        Self::parse(LIST).map_err(|why| {
            Failure::harness(
                format!("src/engine/openvino/releases.json is not understood: {why}"),
                "git checkout -- src/engine/openvino/releases.json",
            )
        })
    }

    /// The release used when none is named.
    pub(crate) fn default(&self) -> Result<&Release, Failure> {
        self.named(&self.default)
    }

    /// The release of that version.
    pub(crate) fn named(&self, version: &str) -> Result<&Release, Failure> {
        self.list.iter().find(|release| release.version == version).ok_or_else(|| {
            Failure::usage(
                format!("no pinned OpenVINO release `{version}`; there are {}", self.versions()),
                format!("cargo xtask setup --openvino {}, or --openvino ./DIR for your own", self.default),
            )
        })
    }

    /// All versions, for a sentence.
    pub(crate) fn versions(&self) -> String {
        self.list.iter().map(|release| format!("`{}`", release.version)).collect::<Vec<_>>().join(", ")
    }

    fn parse(json: &str) -> Result<Self, String> {
        let root: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let wheel = &root["wheel"];
        let list = root["releases"].as_array().ok_or("`releases` is not a list")?;
        Ok(Self {
            default: text(&root, "default")?,
            wheel: Wheel {
                package: text(wheel, "package")?,
                python_version: text(wheel, "python_version")?,
                implementation: text(wheel, "implementation")?,
                abi: text(wheel, "abi")?,
                platform: text(wheel, "platform")?,
            },
            list: list.iter().map(Release::parse).collect::<Result<_, _>>()?,
        })
    }
}

impl Release {
    fn parse(json: &Value) -> Result<Self, String> {
        Ok(Self {
            version: text(json, "version")?,
            sha256: text(json, "sha256")?,
            c_library: text(json, "c_library")?.into(),
        })
    }
}

fn text(json: &Value, key: &str) -> Result<String, String> {
    json[key].as_str().map(str::to_owned).ok_or_else(|| format!("`{key}` is not a text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_list_is_understood_and_holds_its_default() {
        let releases = Releases::pinned().expect("the list of this checkout");
        let default = releases.default().expect("the default release");
        assert_eq!(default.version, releases.default);
        assert!(releases.list.iter().all(|release| release.sha256.len() == 64));
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
    fn a_broken_list_says_which_key_is_missing() {
        assert_eq!(
            Releases::parse(r#"{"releases": []}"#).expect_err("no default"),
            "`default` is not a text"
        );
    }
}
