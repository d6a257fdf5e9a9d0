//! A report as blocks of content. A report is built once and rendered for a terminal, as Markdown or as HTML.
//!
//! Text of others is passed in as it is: each renderer makes it visible and escapes it, so that it becomes
//! neither markup nor a control character nor a line of its own.

mod escape;
mod html;
mod line;
mod markdown;
mod table;
mod terminal;
#[cfg(test)]
mod tests;

pub(in crate::report) use escape::code;
pub use escape::escape;
pub(in crate::report) use html::Place;
pub use line::Line;
pub(in crate::report) use table::{Cell, Table, metric, number, status};

use crate::record::Warning;
use crate::report::chart::Chart;
use crate::report::decision::Mark;

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
    /// The report without its warnings, and the warnings: a terminal has them on stderr.
    #[must_use]
    pub fn split_warnings(self) -> (Self, Self) {
        let (warnings, blocks) =
            self.blocks.into_iter().partition(|block| matches!(block, Block::Warning { .. }));
        (Self { blocks }, Self { blocks: warnings })
    }

    /// What the report is about.
    pub(in crate::report) fn title(&mut self, title: impl Into<Line>) {
        self.blocks.push(Block::Title(title.into()));
    }

    /// The heading of what follows.
    pub(in crate::report) fn section(&mut self, heading: impl Into<Line>) {
        self.blocks.push(Block::Section(heading.into()));
    }

    /// A sentence or a paragraph.
    pub(in crate::report) fn text(&mut self, text: impl Into<Line>) {
        self.blocks.push(Block::Text(text.into()));
    }

    /// A result with its reason.
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
