//! The columns of the figures: those of changes only where there is one.

use crate::report::comparison::view::{ComparisonView, FigureRow};

/// One column.
pub(super) struct Column {
    /// What it is called.
    pub(super) heading: &'static str,
    /// Whether it holds numbers.
    pub(super) is_number: bool,
    /// What stands in it.
    pub(super) cell: fn(&FigureRow) -> &str,
}

/// All that have something to say.
pub(super) fn columns(view: &ComparisonView) -> Vec<Column> {
    let word = |heading, cell| Column { heading, is_number: false, cell };
    let number = |heading, cell| Column { heading, is_number: true, cell };
    let mut columns = vec![
        word("figure", |row| row.metric),
        word("prompt", |row| &row.prompt),
        word("unit", |row| row.unit),
        word("better", |row| row.better),
        number("A", |row| &row.a),
        number("B", |row| &row.b),
    ];
    if !view.caption.is_empty() {
        columns.push(number("change", |row| &row.change));
        columns.push(number("interval", |row| &row.interval));
    }
    columns.push(word("said", |row| &row.said));
    columns
}
