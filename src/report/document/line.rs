//! A line of text, with names and code in it.

use crate::measure::Metric;
use crate::report::document::terminal::plain;

/// A line of text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(pub(super) Vec<Span>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Span {
    /// Text, be it of others.
    Text(String),
    /// A name that others gave.
    Name(String),
    /// A command or a path, as `cargo xtask ab`.
    Code(String),
    /// The id of a metric's definition.
    Metric(Metric),
    /// A moment, UTC.
    Moment(String),
    /// Text that HTML links to this address of ours, relative to the site's folder.
    Link(String, String),
}

impl Line {
    /// A sentence in which what is in backticks is code.
    pub(in crate::report) fn prose(text: &str) -> Self {
        let parts: Vec<&str> = text.split('`').collect();
        if parts.len().is_multiple_of(2) {
            return text.into();
        }
        let span = |(at, part): (usize, &&str)| {
            if at % 2 == 1 { Span::Code((*part).to_owned()) } else { Span::Text((*part).to_owned()) }
        };
        Self(parts.iter().enumerate().map(span).collect())
    }

    /// A name that others gave, set apart from our words.
    pub(in crate::report) fn name(name: &str) -> Self {
        Self(vec![Span::Name(name.to_owned())])
    }

    /// The id of a metric's definition.
    pub(in crate::report) fn metric(metric: Metric) -> Self {
        Self(vec![Span::Metric(metric)])
    }

    /// A moment, UTC.
    pub(in crate::report) fn moment(utc: &str) -> Self {
        Self(vec![Span::Moment(utc.to_owned())])
    }

    /// Text that leads to a page or file of the site, where that is there.
    pub(in crate::report) fn link(text: &str, href: Option<&str>) -> Self {
        Self(vec![match href {
            Some(href) => Span::Link(text.to_owned(), href.to_owned()),
            None => Span::Text(text.to_owned()),
        }])
    }

    /// This and what follows.
    #[must_use]
    pub(in crate::report) fn and(mut self, next: impl Into<Self>) -> Self {
        self.0.extend(next.into().0);
        self
    }

    /// As on a terminal.
    pub(in crate::report) fn to_text(&self) -> String {
        plain(self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|span| matches!(span, Span::Text(text) if text.is_empty()))
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self(vec![Span::Text(text.to_owned())])
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self(vec![Span::Text(text)])
    }
}

impl From<&String> for Line {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}
