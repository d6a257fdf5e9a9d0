//! What all pages have: title, the way to the others, and of what they were made.

use serde::Serialize;

/// A page of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// Status.
    Overview,
    /// Trends.
    History,
    /// Two runs, from the summaries in the page.
    Compare,
    /// Engines side by side.
    Peers,
    /// Machines, epochs, noise.
    Machines,
    /// The rules.
    Method,
    /// One commit; it stands in a folder of its own.
    Commit,
    /// Two runs, all that is reported of them; these pages stand in a folder of their own.
    Comparison,
}

impl PageKind {
    /// Pages that every page leads to, in order.
    pub const LISTED: [Self; 6] =
        [Self::Overview, Self::History, Self::Compare, Self::Peers, Self::Machines, Self::Method];

    /// Its file, below the site's folder; of those that are many, the folder.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Overview => "index.html",
            Self::History => "history.html",
            Self::Compare => "compare.html",
            Self::Peers => "peers.html",
            Self::Machines => "machines.html",
            Self::Method => "method.html",
            Self::Commit => "commit",
            Self::Comparison => "compare",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Overview => "Status",
            Self::History => "Trends",
            Self::Compare | Self::Comparison => "Compare",
            Self::Peers => "Engines",
            Self::Machines => "Machines",
            Self::Method => "Method",
            Self::Commit => "Commit",
        }
    }

    /// The way from this page to the site's folder.
    fn root(self) -> &'static str {
        match self {
            Self::Commit | Self::Comparison => "../",
            _ => "",
        }
    }

    /// The listed page that it belongs to.
    fn of_listed(self) -> Self {
        if self == Self::Comparison { Self::Compare } else { self }
    }
}

/// What is said of the whole site on each page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Whole records that it was made of.
    pub records: usize,
    /// When the newest of them began, UTC; None where there is none.
    pub newest_utc: Option<String>,
    /// Whether the records are invented.
    pub is_demo: bool,
}

/// The frame of a page.
#[derive(Debug, Clone, Serialize)]
pub struct Shell {
    title: String,
    root: &'static str,
    links: Vec<Link>,
    records: String,
    newest_utc: Option<String>,
    is_demo: bool,
    arcgauge_version: &'static str,
}

#[derive(Debug, Clone, Serialize)]
struct Link {
    href: String,
    label: &'static str,
    is_current: bool,
}

impl Shell {
    /// The frame of a page of this kind.
    #[must_use]
    pub fn new(kind: PageKind, title: impl Into<String>, site: &Site) -> Self {
        let link = |listed: PageKind| Link {
            href: format!("{}{}", kind.root(), listed.file()),
            label: listed.label(),
            is_current: listed == kind.of_listed(),
        };
        Self {
            title: title.into(),
            root: kind.root(),
            links: PageKind::LISTED.into_iter().map(link).collect(),
            records: crate::report::number::counted(site.records, "record"),
            newest_utc: site.newest_utc.clone(),
            is_demo: site.is_demo,
            arcgauge_version: env!("CARGO_PKG_VERSION"),
        }
    }
}
