//! For a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use crate::report::comparison::view::{ComparisonView, DifferenceRow, FigureRow, SideView};
use crate::report::comparison::words::{
    BREAKS, DIFFERENCE_HEADINGS, FIGURE_HEADINGS, GOLDEN_HEADINGS, NO_DIFFERENCE,
};

/// The columns of numbers.
const NUMBERS: [usize; 4] = [4, 5, 6, 7];

/// The whole text that `compare` prints.
#[must_use]
pub fn comparison_text(view: &ComparisonView) -> String {
    let mut text = format!("{}\n", view.title);
    for side in [&view.a, &view.b] {
        text.push_str(&told(side));
    }
    let _ = writeln!(text, "\n{} {}", view.likeness.mark, view.likeness.sentence);
    for refusal in &view.refusals {
        let _ = writeln!(text, "{refusal}");
    }
    text.push_str(&differences(&view.differences));
    text.push_str(&figures(&view.figures, &view.caption));
    if !view.goldens.is_empty() {
        let rows = view.goldens.iter().map(|row| {
            [row.prompt.clone(), format!("{} {}", row.a_mark, row.a), format!("{} {}", row.b_mark, row.b)]
        });
        let _ = write!(text, "\n{}", table(GOLDEN_HEADINGS, rows, &[]));
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
        rows.iter().map(|row| [row.what.clone(), row.a.clone(), row.b.clone(), row.breaks.to_owned()]);
    format!("\n{}\n{BREAKS}\n", table(DIFFERENCE_HEADINGS, cells, &[]))
}

fn figures(rows: &[FigureRow], caption: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let cells = rows.iter().map(|row| {
        [
            row.metric.to_owned(),
            row.prompt.clone(),
            row.unit.to_owned(),
            row.better.to_owned(),
            row.a.clone(),
            row.b.clone(),
            row.change.clone(),
            row.interval.clone(),
            row.said.clone(),
        ]
    });
    let caption = if caption.is_empty() { String::new() } else { format!("\n{caption}\n") };
    format!("\n{}{caption}", table(FIGURE_HEADINGS, cells, &NUMBERS))
}

/// Rows in aligned columns, with a line's end after each.
fn table<const N: usize>(
    headings: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
    numbers: &[usize],
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(headings);
    for row in rows {
        table.add_row(row);
    }
    for at in numbers {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
