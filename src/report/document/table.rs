//! A table with typed cells.

use crate::measure::Metric;
use crate::report::decision::Mark;
use crate::report::document::Line;

/// Rows of cells below headings.
#[derive(Debug, Clone)]
pub(in crate::report) struct Table {
    pub(super) headings: Vec<&'static str>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// Columns that name a row; they are repeated where a table goes on below itself.
    pub(super) keys: usize,
}

/// A cell.
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
        Self { headings: headings.into_iter().collect(), rows: Vec::new(), keys: 1 }
    }

    /// With this many columns that name a row.
    pub(in crate::report) fn with_keys(self, keys: usize) -> Self {
        Self { keys, ..self }
    }

    /// One more row.
    pub(in crate::report) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// These rows.
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

/// A cell of a status.
pub(in crate::report) fn status(mark: Mark, status: impl Into<String>) -> Cell {
    Cell::Status(mark, status.into())
}

impl<T: Into<Line>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}
