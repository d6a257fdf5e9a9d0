//! For an issue or a pull request. No text of others makes markup, a link, a mention or a reference in it.

use std::fmt::Write;

use crate::report::comparison::columns::columns;
use crate::report::comparison::view::{ComparisonView, SideView};
use crate::report::comparison::words::{BREAKS, DIFFERENCE_HEADINGS, GOLDEN_HEADINGS, NO_DIFFERENCE};
use crate::report::decision::markdown::{code, escape};

/// A comparison as Markdown.
#[must_use]
pub fn comparison_markdown(view: &ComparisonView) -> String {
    let mut text = format!("### arcgauge: {}\n\n", escape(&view.title));
    for side in [&view.a, &view.b] {
        text.push_str(&told(side));
    }
    let _ = writeln!(text, "\nLikeness: {} {}.", view.likeness.mark, view.likeness.sentence);
    for refusal in &view.refusals {
        let _ = writeln!(text, "- {}", escape(refusal));
    }
    if view.differences.is_empty() {
        let _ = writeln!(text, "\n{NO_DIFFERENCE}");
    } else {
        text.push_str(&head(&DIFFERENCE_HEADINGS, &[]));
        for row in &view.differences {
            text.push_str(&line(&[escape(&row.what), escape(&row.a), escape(&row.b), row.breaks.to_owned()]));
        }
        let _ = writeln!(text, "\n{BREAKS}");
    }
    text.push_str(&figures(view));
    if !view.goldens.is_empty() {
        text.push_str(&head(&GOLDEN_HEADINGS, &[]));
        for row in &view.goldens {
            let (a, b) = (format!("{} {}", row.a_mark, row.a), format!("{} {}", row.b_mark, row.b));
            text.push_str(&line(&[escape(&row.prompt), a, b]));
        }
    }
    text.push('\n');
    for row in &view.commands {
        let _ = writeln!(text, "- {}: `{}`", row.purpose, row.command);
    }
    for row in &view.warnings {
        let _ = writeln!(text, "- warning ({}): {}; {}", row.of, escape(&row.message), escape(&row.advice));
    }
    text
}

fn told(side: &SideView) -> String {
    let said = [&side.subject, &side.model, &side.device, &side.openvino, &side.machine].map(|it| escape(it));
    let [subject, model, device, openvino, machine] = said;
    format!(
        "- **{}** {}, {} {subject}; {model} on {device}, OpenVINO {openvino}, {}; {machine}, {}\n",
        side.letter,
        side.speed,
        escape(&side.commit),
        side.workload,
        code(&side.when_utc),
    )
}

fn figures(view: &ComparisonView) -> String {
    if view.figures.is_empty() {
        return String::new();
    }
    let columns = columns(view);
    let headings: Vec<&str> = columns.iter().map(|column| column.heading).collect();
    let numbers: Vec<bool> = columns.iter().map(|column| column.is_number).collect();
    let mut text = head(&headings, &numbers);
    for row in &view.figures {
        // The id is the first; a lone hyphen is no list within a cell.
        let cells = columns.iter().enumerate().map(|(at, column)| match (at, (column.cell)(row)) {
            (0, id) => format!("`{id}`"),
            (_, "-") => "-".to_owned(),
            (_, cell) => escape_figure(cell),
        });
        text.push_str(&line(&cells.collect::<Vec<_>>()));
    }
    if !view.caption.is_empty() {
        let _ = writeln!(text, "\n{}", view.caption);
    }
    text
}

/// A sign before a number is no list within a cell.
fn escape_figure(cell: &str) -> String {
    let is_signed = cell.starts_with(['+', '-']);
    let escaped = escape(cell);
    if is_signed { escaped.trim_start_matches('\\').to_owned() } else { escaped }
}

fn head(headings: &[&str], are_numbers: &[bool]) -> String {
    let rules = (0..headings.len())
        .map(|at| if are_numbers.get(at).copied().unwrap_or_default() { "--:" } else { "---" });
    format!("\n{}{}", line(headings), line(&rules.collect::<Vec<_>>()))
}

fn line<S: AsRef<str>>(cells: &[S]) -> String {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |\n", cells.join(" | "))
}
