//! What a side is in words: where its program comes from, and in what it differs when it runs.
//!
//! | word | means |
//! |---|---|
//! | `main`, `HEAD~1`, a sha | the program of this commit |
//! | `.` | the program of the work tree as it lies there |
//! | `openvino=VERSION\|DIR` | another OpenVINO |
//! | `model=DIR` | another model folder |
//! | `device=DEVICE` | another device |
//! | `env:NAME=VALUE` | an environment variable of the workers |
//! | `KEY=VALUE` | a compile property; its name is in capitals |

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::engine::openvino::Property;
use crate::error::{Error, Result};
use crate::record::{Repository, Source};

/// The differences that have a name of their own.
const NAMED: [&str; 3] = ["openvino", "model", "device"];

/// What the name of a difference begins with that is an environment variable.
const VARIABLE: &str = "env:";

/// Where a side's program comes from, as it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedSource {
    /// A revision of the repository.
    Revision(String),
    /// The work tree.
    WorkTree,
}

impl NamedSource {
    /// What it stands for.
    ///
    /// # Errors
    /// When the repository has no such revision, or no work tree.
    pub fn find(&self, repository: &Repository) -> Result<Source> {
        match self {
            Self::Revision(revision) => repository.resolve(revision).map(Source::Commit),
            Self::WorkTree => repository.head().map(Source::WorkTree),
        }
    }
}

/// A side in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SideWords {
    /// Where its program comes from; None where no word says so.
    pub source: Option<NamedSource>,
    /// A pinned version, or the folder of an installation.
    pub openvino: Option<String>,
    /// The folder of a model.
    pub model: Option<PathBuf>,
    /// A device.
    pub device: Option<String>,
    /// Environment variables of the workers, by name.
    pub variables: BTreeMap<String, String>,
    /// Compile properties, by name.
    pub properties: Vec<Property>,
}

impl SideWords {
    /// Reads the words of one side. What has a `=` is a difference, anything else a revision.
    ///
    /// # Errors
    /// A word that is empty or says a second time what another has said, a difference without a value, or
    /// one of an unknown name.
    pub fn parse(words: &[String]) -> Result<Self> {
        let mut side = Self::default();
        for word in words {
            side.add(word)?;
        }
        side.properties.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(side)
    }

    /// In what it runs in another way than it would by itself, each difference as a word.
    pub fn differences(&self) -> Vec<String> {
        let Self { source: _, openvino, model, device, variables, properties } = self;
        let named = [
            openvino.as_ref().map(|openvino| format!("openvino={openvino}")),
            model.as_ref().map(|model| format!("model={}", model.display())),
            device.as_ref().map(|device| format!("device={device}")),
        ];
        let variables = variables.iter().map(|(name, value)| format!("{VARIABLE}{name}={value}"));
        let properties = properties.iter().map(ToString::to_string);
        named.into_iter().flatten().chain(variables).chain(properties).collect()
    }

    fn add(&mut self, word: &str) -> Result<()> {
        if word.trim().is_empty() {
            return Err(Error::input("a side has an empty word")
                .hint("name a revision, `.` for the work tree, or a difference, as `device=CPU`"));
        }
        let Some((key, value)) = word.split_once('=') else {
            let source =
                if word == "." { NamedSource::WorkTree } else { NamedSource::Revision(word.to_owned()) };
            if let Some(first) = self.source.replace(source) {
                return Err(Error::input(format!("a side cannot be both `{first}` and `{word}`"))
                    .hint("name one revision, or `.`, for each side"));
            }
            return Ok(());
        };
        if key.is_empty() || value.is_empty() {
            let what = if key.is_empty() { "name" } else { "value" };
            return Err(Error::input(format!("difference `{word}` has no {what}"))
                .hint("write it as NAME=VALUE, as in `device=CPU` or `KV_CACHE_PRECISION=u8`"));
        }
        let is_second = match key {
            "openvino" => self.openvino.replace(value.to_owned()).is_some(),
            "model" => self.model.replace(PathBuf::from(value)).is_some(),
            "device" => self.device.replace(value.to_ascii_uppercase()).is_some(),
            _ if key.strip_prefix(VARIABLE).is_some_and(is_variable) => {
                self.variables.insert(key[VARIABLE.len()..].to_owned(), value.to_owned()).is_some()
            }
            _ if is_property(key) => {
                let is_second = self.properties.iter().any(|property| property.key == key);
                self.properties.push(Property::new(key, value));
                is_second
            }
            _ => {
                return Err(Error::input(format!("difference `{word}` has an unknown name, `{key}`")).hint(
                    format!(
                        "give one of {}, `{VARIABLE}NAME=`, or a compile property in capitals; a branch whose name has a `=` \
                         can be given as its sha: `git rev-parse '{word}'`",
                        NAMED.map(|name| format!("`{name}=`")).join(", ")
                    ),
                ));
            }
        };
        if is_second {
            return Err(Error::input(format!("difference `{key}` is given twice, at last as `{word}`"))
                .hint("give each difference once for each side"));
        }
        Ok(())
    }
}

/// Whether an environment variable could have this name.
fn is_variable(name: &str) -> bool {
    name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// Whether OpenVINO could have a property of this name.
fn is_property(key: &str) -> bool {
    let mut letters = key.bytes();
    letters.next().is_some_and(|first| first.is_ascii_uppercase())
        && letters.all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_')
}

impl fmt::Display for NamedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Revision(revision) => revision,
            Self::WorkTree => ".",
        })
    }
}

impl fmt::Display for SideWords {
    /// The words again, the same for sides that are the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.source.as_ref().map(ToString::to_string);
        let words: Vec<String> = source.into_iter().chain(self.differences()).collect();
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<SideWords> {
        SideWords::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_revision_the_work_tree_and_differences_are_told_apart() {
        let side = parse(&["HEAD~1", "openvino=2026.1.0", "KV_CACHE_PRECISION=u8", "device=CPU"]).unwrap();
        assert_eq!(side.source, Some(NamedSource::Revision("HEAD~1".into())));
        assert_eq!(side.openvino.as_deref(), Some("2026.1.0"));
        assert_eq!(side.properties, [Property::new("KV_CACHE_PRECISION", "u8")]);
        assert_eq!(side.device.as_deref(), Some("CPU"));
        assert_eq!(side.differences(), ["openvino=2026.1.0", "device=CPU", "KV_CACHE_PRECISION=u8"]);
        let side = parse(&["env:OMP_NUM_THREADS=1", "env:_x=a=b"]).unwrap();
        assert_eq!(side.variables["_x"], "a=b");
        assert_eq!(side.differences(), ["env:OMP_NUM_THREADS=1", "env:_x=a=b"]);
        let side = parse(&["."]).unwrap();
        assert_eq!(side.source, Some(NamedSource::WorkTree));
        assert!(side.differences().is_empty());
        assert_eq!(parse(&[]).unwrap(), SideWords::default());
    }

    #[test]
    fn a_value_may_have_anything_in_it_and_is_kept_as_it_is() {
        let side = parse(&["model=/models/a=b c", "NUM_STREAMS=$(touch x)"]).unwrap();
        assert_eq!(side.model, Some(PathBuf::from("/models/a=b c")));
        assert_eq!(side.properties[0].value, "$(touch x)");
    }

    #[test]
    fn sides_that_are_the_same_are_told_in_the_same_words() {
        let one = parse(&["B=2", "device=CPU", "A=1", "main"]).unwrap();
        assert_eq!(one.to_string(), "main device=CPU A=1 B=2");
        assert_eq!(one, parse(&["main", "A=1", "device=CPU", "B=2"]).unwrap());
    }

    #[test]
    fn words_that_cannot_be_meant_are_refused_with_what_could_be() {
        for (words, fault, help) in [
            (&[""][..], "an empty word", "`device=CPU`"),
            (&["main", ""], "an empty word", "`.` for the work tree"),
            (&["main", "HEAD"], "both `main` and `HEAD`", "one revision"),
            (&["main", "."], "both `main` and `.`", "one revision"),
            (&["device="], "`device=` has no value", "NAME=VALUE"),
            (&["=CPU"], "`=CPU` has no name", "NAME=VALUE"),
            (&["device=CPU", "device=GPU"], "`device` is given twice, at last as `device=GPU`", "once"),
            (&["A=1", "A=1"], "`A` is given twice", "once"),
            (&["env:A=1", "env:A=2"], "`env:A` is given twice, at last as `env:A=2`", "once"),
            (&["env:1A=1"], "has an unknown name, `env:1A`", "`env:NAME=`"),
            (
                &["divice=CPU"],
                "`divice=CPU` has an unknown name, `divice`",
                "`openvino=`, `model=`, `device=`",
            ),
            (&["feature=x/y"], "unknown name, `feature`", "`git rev-parse 'feature=x/y'`"),
            (&["Kv_Cache=u8"], "unknown name, `Kv_Cache`", "in capitals"),
            (&["--output=x"], "unknown name, `--output`", "in capitals"),
        ] {
            let error = parse(words).unwrap_err();
            assert!(error.to_string().contains(fault), "{words:?}: {error}");
            assert!(error.hint_text().unwrap().contains(help), "{words:?}: {:?}", error.hint_text());
        }
    }
}
