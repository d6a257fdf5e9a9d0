//! The files in which the kernel reports the machine's state, below a root that a test can replace; and what was read,
//! or why it could not be: zero is never a stand-in for unknown.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::files::{FileKind, bytes_of};
use crate::sys::os;

/// How much of an unexpected text is shown, characters.
const SHOWN: usize = 40;

/// Where `sys/` and `proc/` lie. Paths are given without a leading slash.
#[derive(Debug, Clone)]
pub struct SysfsRoot {
    root: PathBuf,
}

impl SysfsRoot {
    /// The kernel's own files.
    pub fn this_machine() -> Self {
        Self::at(os::ROOT)
    }

    /// A folder with `sys/` and `proc/` in it.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { root: folder.into() }
    }

    /// A file's text without the white space around it.
    ///
    /// # Errors
    /// When the file is not there or cannot be read, is no regular file, or is larger than any of the kernel's.
    pub fn text(&self, path: &str) -> Result<String, Unavailable> {
        let bytes = bytes_of(&self.root.join(path), FileKind::Kernel);
        let bytes = bytes.map_err(|cause| unreadable(path, &cause))?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// A file that holds one whole number.
    ///
    /// # Errors
    /// When the file cannot be read, or holds anything else.
    pub fn number<N: FromStr>(&self, path: &str) -> Result<N, Unavailable> {
        let text = self.text(path)?;
        text.parse().map_err(|_| {
            let shown: String = text.chars().take(SHOWN).collect();
            Unavailable::because(format!("`/{path}` holds `{shown}`, not a number"))
        })
    }

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// When the folder is not there or cannot be read.
    pub fn entries(&self, folder: &str) -> Result<Vec<String>, Unavailable> {
        let entries = fs::read_dir(self.root.join(folder)).map_err(|cause| unreadable(folder, &cause))?;
        // A process may end while its folder is read: what cannot be listed is no longer there.
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The numbers that follow `prefix` in the names of a folder, ascending: `card0` and `card1` but
    /// not `card0-HDMI-A-1`.
    ///
    /// # Errors
    /// When the folder cannot be read, or has none of that name.
    pub fn numbered(&self, folder: &str, prefix: &str) -> Result<Vec<u32>, Unavailable> {
        let names = self.entries(folder)?;
        let mut numbers: Vec<u32> =
            names.iter().filter_map(|name| digits(name.strip_prefix(prefix)?)).collect();
        if numbers.is_empty() {
            return Err(Unavailable::because(format!("there is no `/{folder}/{prefix}*`")));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Where a symbolic link points, if it is one.
    pub fn link(&self, path: &str) -> Option<PathBuf> {
        fs::read_link(self.root.join(path)).ok()
    }

    /// Whether something is there.
    pub fn has(&self, path: &str) -> bool {
        Path::exists(&self.root.join(path))
    }
}

/// Digits only: `+1` is no number of a device.
fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn unreadable(path: &str, cause: &io::Error) -> Unavailable {
    Unavailable::because(match cause.kind() {
        ErrorKind::NotFound => format!("there is no `/{path}`"),
        ErrorKind::PermissionDenied => format!("`/{path}` may not be read by this user"),
        _ => format!("`/{path}` cannot be read: {cause}"),
    })
}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// The reason, in words, with the path.
    pub reason: String,
}

impl Unavailable {
    /// For this reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Unavailable {}

/// A reading, or the reason why there is none.
///
/// On disk a reading is the bare value, and a missing one is `{"not_observed": "reason"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Observed<T> {
    /// There is none. It stands first, for the other variant takes whatever fits.
    NotObserved {
        /// The reason, in words.
        #[serde(rename = "not_observed")]
        reason: String,
    },
    /// It was read.
    Observed(T),
}

impl<T> Observed<T> {
    /// Nothing, for this reason.
    pub fn not(reason: impl Into<String>) -> Self {
        Self::NotObserved { reason: reason.into() }
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Observed(value) => Some(value),
            Self::NotObserved { .. } => None,
        }
    }

    /// The value, or the reason why there is none.
    ///
    /// # Errors
    /// When nothing was observed.
    pub fn known(&self) -> Result<&T, Unavailable> {
        match self {
            Self::Observed(value) => Ok(value),
            Self::NotObserved { reason } => Err(Unavailable::because(reason.as_str())),
        }
    }

    /// The same reading in another form; a reason stays what it is.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Observed<U> {
        match self {
            Self::Observed(value) => Observed::Observed(change(value)),
            Self::NotObserved { reason } => Observed::NotObserved { reason },
        }
    }
}

impl<T> From<Result<T, Unavailable>> for Observed<T> {
    fn from(read: Result<T, Unavailable>) -> Self {
        match read {
            Ok(value) => Self::Observed(value),
            Err(Unavailable { reason }) => Self::NotObserved { reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::sys::kernel_tree::Tree;

    #[test]
    fn a_missing_file_is_unavailable_and_not_zero() {
        let tree = Tree::new();
        let reason = tree.root().number::<u64>("sys/a").unwrap_err().reason;
        assert_eq!(reason, "there is no `/sys/a`");
        assert!(tree.root().entries("sys/b").is_err());
    }

    #[test]
    fn a_text_where_a_number_should_be_is_unavailable_and_shown() {
        let tree = Tree::new().file("sys/a", "<unsupported>\n").file("sys/b", "").file("sys/c", "-5\n");
        let reason = tree.root().number::<u64>("sys/a").unwrap_err().reason;
        assert_eq!(reason, "`/sys/a` holds `<unsupported>`, not a number");
        assert!(tree.root().number::<u64>("sys/b").is_err());
        assert!(tree.root().number::<u64>("sys/c").is_err());
        assert_eq!(tree.root().number::<i64>("sys/c"), Ok(-5));
    }

    #[test]
    fn what_the_kernel_has_nowhere_is_unavailable_at_once() {
        let tree = Tree::new();
        tree.sparse("sys/huge", 3 << 30);
        let reason = |path: &str| tree.root().text(path).unwrap_err().reason;
        assert!(reason("sys/huge").contains("has 3221225472 bytes"), "{}", reason("sys/huge"));
        std::os::unix::fs::symlink("/dev/zero", tree.path("sys/device")).unwrap();
        assert!(reason("sys/device").contains("it is a device"), "{}", reason("sys/device"));
        tree.pipe("sys/pipe");
        assert!(reason("sys/pipe").contains("it is a pipe"), "{}", reason("sys/pipe"));
    }

    #[test]
    fn a_folder_in_place_of_a_file_is_unavailable() {
        let tree = Tree::new().file("sys/a/b", "1");
        assert!(tree.root().text("sys/a").unwrap_err().reason.contains("cannot be read"));
    }

    #[test]
    fn cards_are_listed_by_number_and_without_their_connectors() {
        let tree = Tree::new();
        for name in ["card10", "card2", "card0-HDMI-A-1", "card", "renderD128", "card+1"] {
            tree.write(&format!("sys/drm/{name}/x"), "");
        }
        assert_eq!(tree.root().numbered("sys/drm", "card").unwrap(), [2, 10]);
        let reason = tree.root().numbered("sys/drm", "zone").unwrap_err().reason;
        assert_eq!(reason, "there is no `/sys/drm/zone*`");
    }

    fn through_json<T: Serialize + for<'a> Deserialize<'a>>(value: &T) -> (String, T) {
        let text = serde_json::to_string(value).unwrap();
        let back = serde_json::from_str(&text).unwrap();
        (text, back)
    }

    #[test]
    fn a_reading_and_a_reason_come_back_as_they_were() {
        let known = Observed::Observed(0.1 + 0.2);
        assert_eq!(through_json(&known), ("0.30000000000000004".to_owned(), known));
        let unknown = Observed::<u64>::not("no such file");
        assert_eq!(through_json(&unknown), (r#"{"not_observed":"no such file"}"#.to_owned(), unknown));
        let words = Observed::Observed("not_observed".to_owned());
        assert_eq!(through_json(&words).1, words);
        let map = Observed::Observed(BTreeMap::from([("TCPU".to_owned(), 41.5)]));
        assert_eq!(through_json(&map).1, map);
    }
}
