//! The two forms in which people read: what is text of others is written differently in each.

use crate::report::decision::markdown::escape;
use crate::report::one_line::one_line;

/// Where text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// On a terminal or in a log.
    Terminal,
    /// As Markdown, by GitHub.
    Markdown,
}

impl Form {
    /// Text of others.
    pub(super) fn said(self, text: &str) -> String {
        match self {
            Self::Terminal => one_line(text),
            Self::Markdown => escape(text),
        }
    }

    /// A name that others gave, set apart from our words.
    pub(super) fn name(self, text: &str) -> String {
        let said = self.said(text);
        match self {
            Self::Terminal => format!("`{said}`"),
            Self::Markdown => format!("**{said}**"),
        }
    }

    /// An id of ours.
    pub(super) fn id(self, id: &'static str) -> String {
        match self {
            Self::Terminal => id.to_owned(),
            Self::Markdown => format!("`{id}`"),
        }
    }
}
