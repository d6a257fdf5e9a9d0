//! For a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use crate::report::comparison::columns::columns;
use crate::report::comparison::view::{ComparisonView, DifferenceRow, FigureRow, SideView};
use crate::report::comparison::words::{BREAKS, DIFFERENCE_HEADINGS, GOLDEN_HEADINGS, NO_DIFFERENCE};

/// The whole text that `compare` prints.
#[must_use]
pub fn comparison_text(view: &ComparisonView) -> String {
    let mut text = format!("{}\n", view.title);
    for side in [&view.a, &view.b] {
        text.push_str(&told(side));
    }
    let _ = writeln!(text, "\nlikeness: {} {}", view.likeness.mark, view.likeness.sentence);
    for refusal in &view.refusals {
        let _ = writeln!(text, "{refusal}");
    }
    text.push_str(&differences(&view.differences));
    text.push_str(&figures(view));
    if !view.goldens.is_empty() {
        let rows = view.goldens.iter().map(|row| {
            vec![row.prompt.clone(), format!("{} {}", row.a_mark, row.a), format!("{} {}", row.b_mark, row.b)]
        });
        let _ = write!(text, "\n{}", lines(&table(&GOLDEN_HEADINGS, rows)));
    }
    text.push('\n');
    for row in &view.commands {
        let _ = writeln!(text, "{}:\n  {}", row.purpose, row.command);
    }
    for row in &view.warnings {
        let _ = writeln!(text, "warning ({}): {}\n  {}", row.of, row.message, row.advice);
    }
    text
}

fn told(side: &SideView) -> String {
    let SideView { letter, commit, subject, machine, model, device, openvino, workload, speed, .. } = side;
    format!(
        "{letter}  {speed}, {commit} {subject}\n   {model} on {device}, OpenVINO {openvino}, {workload}\n   \
         {machine}, {when}, {file}\n",
        when = side.when_utc,
        file = side.file,
    )
}

fn differences(rows: &[DifferenceRow]) -> String {
    if rows.is_empty() {
        return format!("\n{NO_DIFFERENCE}\n");
    }
    let cells =
        rows.iter().map(|row| vec![row.what.clone(), row.a.clone(), row.b.clone(), row.breaks.to_owned()]);
    format!("\n{}\n{BREAKS}\n", lines(&table(&DIFFERENCE_HEADINGS, cells)))
}

fn figures(view: &ComparisonView) -> String {
    if view.figures.is_empty() {
        return String::new();
    }
    let columns = columns(view);
    let headings: Vec<&str> = columns.iter().map(|column| column.heading).collect();
    let cells = |row: &FigureRow| columns.iter().map(|column| (column.cell)(row).to_owned()).collect();
    let mut table = table(&headings, view.figures.iter().map(cells));
    for (column, told) in table.column_iter_mut().zip(&columns) {
        column.set_cell_alignment(if told.is_number { CellAlignment::Right } else { CellAlignment::Left });
    }
    let caption = if view.caption.is_empty() { String::new() } else { format!("\n{}\n", view.caption) };
    format!("\n{}{caption}", lines(&table))
}

fn table(headings: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(headings);
    for row in rows {
        table.add_row(row);
    }
    table
}

/// Rows in aligned columns, with a line's end after each.
fn lines(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
