//! Pages in every combination of width, colour scheme and JavaScript, and the faults that were seen.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Which pages, and in which combinations.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Look {
    /// Paths or addresses; a path may end with a hash.
    pub(crate) pages: Vec<String>,
    /// Of the window, in pixels.
    pub(crate) widths: Vec<u32>,
    /// `light` and `dark`.
    pub(crate) schemes: Vec<&'static str>,
    /// Whether it is on.
    pub(crate) javascript: Vec<bool>,
    /// A folder that is there, for a picture of every combination.
    pub(crate) screenshots: Option<PathBuf>,
    /// Whether axe runs, where JavaScript is on.
    pub(crate) axe: bool,
    /// How often Tab is pressed at most.
    pub(crate) tabs: u32,
    /// Files that a page may load beside itself.
    pub(crate) allowed: Vec<String>,
    /// What a payload that ran has set in the page's window.
    pub(crate) flags: Vec<&'static str>,
}

impl Look {
    /// At these pages, in all that the reports must be good in.
    pub(crate) fn at(pages: &[impl AsRef<Path>]) -> Self {
        Self {
            pages: pages.iter().map(|page| page.as_ref().to_str().unwrap().to_owned()).collect(),
            widths: vec![320, 768, 1440],
            schemes: vec!["light", "dark"],
            javascript: vec![true, false],
            screenshots: None,
            axe: true,
            tabs: 100,
            allowed: Vec::new(),
            flags: vec!["pwned"],
        }
    }

    /// Enough for a machine that does other things too.
    pub(super) fn seconds(&self) -> usize {
        let combinations = self.widths.len() * self.schemes.len() * self.javascript.len();
        60 + 10 * self.pages.len() * combinations
    }
}

/// What was seen, combination by combination.
#[derive(Debug, Deserialize)]
pub(crate) struct Looks {
    pub(crate) looks: Vec<Seen>,
}

/// One page in one combination.
#[derive(Debug, Deserialize)]
pub(crate) struct Seen {
    pub(crate) page: String,
    pub(crate) width: u32,
    pub(crate) scheme: String,
    pub(crate) javascript: bool,
    pub(crate) faults: Vec<Fault>,
    /// How many elements there are by name, and how many comments as `#comment`: a text that is more than
    /// text makes one.
    pub(crate) nodes: BTreeMap<String, u32>,
    /// The elements that Tab reached.
    pub(crate) tabbed: u32,
    pub(crate) milliseconds: f64,
}

/// Something that a report must not do.
///
/// | kind | what |
/// |---|---|
/// | `axe` | what axe finds serious or critical |
/// | `console` | an error or a warning on the console |
/// | `cut` | an element whose content is cut off |
/// | `dialog` | it opens a dialog |
/// | `error` | an exception that nobody caught |
/// | `handler` | an attribute that runs something when it is used |
/// | `load` | the page could not be opened |
/// | `navigation` | the page went elsewhere, opened a window, or holds a frame |
/// | `outside` | a text of a chart that is not within its chart |
/// | `overflow` | it is wider than the window |
/// | `overlap` | two texts of a chart that lie over each other |
/// | `policy` | a violation of its Content-Security-Policy |
/// | `ran` | a payload ran |
/// | `request` | it asks for anything but itself and what is allowed |
/// | `unreached` | an element that Tab does not come to |
#[derive(Debug, Deserialize)]
pub(crate) struct Fault {
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Looks {
    /// # Panics
    /// Where there is a fault; the message lists all.
    #[track_caller]
    pub(crate) fn are_faultless(&self) -> &Self {
        let mut reported = String::new();
        for seen in self.looks.iter().filter(|seen| !seen.faults.is_empty()) {
            let Seen { page, width, scheme, javascript, faults, .. } = seen;
            let script = if *javascript { "with" } else { "without" };
            writeln!(reported, "{page} at {width} px, {scheme}, {script} JavaScript:").unwrap();
            for Fault { kind, text } in faults {
                writeln!(reported, "  {kind}: {text}").unwrap();
            }
        }
        assert!(!self.looks.is_empty(), "no page was looked at");
        assert!(reported.is_empty(), "{reported}");
        self
    }
}

impl Seen {
    /// The kinds of the faults, each once.
    pub(crate) fn kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<_> = self.faults.iter().map(|fault| fault.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}
