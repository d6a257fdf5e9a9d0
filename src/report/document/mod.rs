//! A report as blocks of content. A report is built once and rendered for a terminal, as Markdown or as HTML.
//!
//! Text of others is passed in as it is: each renderer makes it visible and escapes it, so that it becomes
//! neither markup nor a control character nor a line of its own.

mod escape;
mod html;
mod markdown;
mod terminal;
#[cfg(test)]
mod tests;

use crate::measure::Metric;
use crate::record::Warning;
use crate::report::chart::Chart;
use crate::report::document::terminal::plain;
use crate::report::mark::Mark;

pub use escape::escape;
pub(in crate::report) use escape::{code, escape_xml};
pub(in crate::report) use html::{Place, prose};
pub use terminal::fit;

/// A report.
#[derive(Debug, Clone, Default)]
pub struct Document {
    blocks: Vec<Block>,
}

#[derive(Debug, Clone)]
enum Block {
    Title(Line),
    Section(Line),
    Text(Line),
    Status { mark: Mark, status: String, reason: Line },
    Facts(Vec<(Line, Line)>),
    Table(Table),
    Command { purpose: String, command: String },
    Warning { of: String, message: String, advice: String },
    Chart(Chart),
    Verbatim(&'static str),
}

impl Document {
    /// The report without its warnings, and the warnings that were not printed before: a terminal has them on stderr.
    pub fn split_warnings(self, printed: &[Warning]) -> (Self, Self) {
        let (mut warnings, blocks): (Vec<_>, _) =
            self.blocks.into_iter().partition(|block| matches!(block, Block::Warning { .. }));
        warnings.retain(|block| {
            let is = |warning: &Warning| matches!(block, Block::Warning { message, .. } if *message == warning.message);
            !printed.iter().any(is)
        });
        (Self { blocks }, Self { blocks: warnings })
    }

    /// Adds the blocks of another one at its end.
    pub(in crate::report) fn extend(&mut self, other: Self) {
        self.blocks.extend(other.blocks);
    }

    pub(in crate::report) fn title(&mut self, title: impl Into<Line>) {
        self.blocks.push(Block::Title(title.into()));
    }

    pub(in crate::report) fn section(&mut self, heading: impl Into<Line>) {
        self.blocks.push(Block::Section(heading.into()));
    }

    pub(in crate::report) fn text(&mut self, text: impl Into<Line>) {
        self.blocks.push(Block::Text(text.into()));
    }

    pub(in crate::report) fn status(
        &mut self,
        mark: Mark,
        status: impl Into<String>,
        reason: impl Into<Line>,
    ) {
        self.blocks.push(Block::Status { mark, status: status.into(), reason: reason.into() });
    }

    /// A value with its label. Adjacent facts form a list.
    pub(in crate::report) fn fact(&mut self, label: impl Into<Line>, value: impl Into<Line>) {
        let fact = (label.into(), value.into());
        match self.blocks.last_mut() {
            Some(Block::Facts(facts)) => facts.push(fact),
            _ => self.blocks.push(Block::Facts(vec![fact])),
        }
    }

    /// A table; one without rows is left out.
    pub(in crate::report) fn table(&mut self, table: Table) {
        if !table.rows.is_empty() {
            self.blocks.push(Block::Table(table));
        }
    }

    /// A table below its heading; without rows both are left out.
    pub(in crate::report) fn titled_table(&mut self, heading: impl Into<Line>, table: Table) {
        if !table.rows.is_empty() {
            self.section(heading);
            self.table(table);
        }
    }

    /// A command of ours to run next.
    pub(in crate::report) fn command(&mut self, purpose: impl Into<String>, command: impl Into<String>) {
        self.blocks.push(Block::Command { purpose: purpose.into(), command: command.into() });
    }

    /// A warning with its advice; `of` names what it concerns, and is empty where that is the whole.
    pub(in crate::report) fn warning(&mut self, of: impl Into<String>, warning: &Warning) {
        let (message, advice) = (warning.message.clone(), warning.advice.clone());
        self.blocks.push(Block::Warning { of: of.into(), message, advice });
    }

    /// A chart, which HTML alone shows.
    pub(in crate::report) fn chart(&mut self, chart: Option<Chart>) {
        self.blocks.extend(chart.map(Block::Chart));
    }

    /// Markdown of ours, as it is.
    pub(in crate::report) fn verbatim(&mut self, markdown: &'static str) {
        self.blocks.push(Block::Verbatim(markdown));
    }
}

impl Block {
    /// Whether both stand together, without a blank line between them.
    fn adjoins(&self, before: &Self) -> bool {
        match before {
            Self::Section(_) | Self::Title(_) => {
                !matches!(self, Self::Section(_) | Self::Status { .. } | Self::Command { .. })
            }
            Self::Table(_) | Self::Facts(_) => matches!(self, Self::Text(_)),
            Self::Text(_) => matches!(self, Self::Text(_) | Self::Warning { .. }),
            Self::Status { .. } => matches!(self, Self::Facts(_) | Self::Text(_)),
            _ => std::mem::discriminant(self) == std::mem::discriminant(before),
        }
    }
}

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

    pub(in crate::report) fn and(mut self, next: impl Into<Self>) -> Self {
        self.0.extend(next.into().0);
        self
    }

    pub(in crate::report) fn to_text(&self) -> String {
        plain(self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|span| matches!(span, Span::Text(text) if text.is_empty()))
    }
}

impl<T: AsRef<str>> From<T> for Line {
    fn from(text: T) -> Self {
        Self(vec![Span::Text(text.as_ref().to_owned())])
    }
}

#[derive(Debug, Clone)]
pub(in crate::report) struct Table {
    pub(super) headings: Vec<&'static str>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// Columns that name a row; they are repeated where a table goes on below itself.
    pub(super) keys: usize,
    /// Columns that a terminal too narrow for all of them leaves out, the first one first.
    pub(super) optional: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(in crate::report) enum Cell {
    /// Text, be it of others.
    Text(Line),
    /// A number with its unit, or an interval: aligned to the right and never broken.
    Number(String),
    /// The id of a metric's definition; never broken.
    Metric(Metric),
    /// A status with its mark.
    Status(Mark, String),
}

impl Table {
    /// Without headings where all of them are empty.
    pub(in crate::report) fn new(headings: impl IntoIterator<Item = &'static str>) -> Self {
        Self { headings: headings.into_iter().collect(), rows: Vec::new(), keys: 1, optional: Vec::new() }
    }

    /// With this many columns that name a row.
    pub(in crate::report) fn with_keys(self, keys: usize) -> Self {
        Self { keys, ..self }
    }

    /// With these columns left out, one after the other, where a terminal is too narrow for all of them.
    pub(in crate::report) fn with_optional(self, headings: &[&'static str]) -> Self {
        let place = |heading| self.headings.iter().position(|it| it == heading);
        Self { optional: headings.iter().filter_map(place).collect(), ..self }
    }

    pub(in crate::report) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(in crate::report) fn with_rows<R: IntoIterator<Item = Cell>>(
        mut self,
        rows: impl IntoIterator<Item = R>,
    ) -> Self {
        rows.into_iter().for_each(|row| self.row(row));
        self
    }

    pub(in crate::report) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn has_headings(&self) -> bool {
        self.headings.iter().any(|heading| !heading.is_empty())
    }

    pub(super) fn is_number(&self, column: usize) -> bool {
        self.rows.iter().any(|row| matches!(row.get(column), Some(Cell::Number(_))))
    }
}

/// A cell of a number; "-" where there is none.
pub(in crate::report) fn number(value: Option<String>) -> Cell {
    Cell::Number(value.unwrap_or_else(|| "-".to_owned()))
}

/// A cell of a metric's id.
pub(in crate::report) fn metric(metric: Metric) -> Cell {
    Cell::Metric(metric)
}

pub(in crate::report) fn status(mark: Mark, status: impl Into<String>) -> Cell {
    Cell::Status(mark, status.into())
}

impl<T: Into<Line>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}
