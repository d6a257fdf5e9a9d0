//! For an issue, a pull request or a step's summary. No text of others makes markup, a link, a mention or a reference.

use crate::report::document::escape::escape;
use crate::report::document::{Block, Cell, Document, Line, Span, Table};

/// A comment on GitHub holds 65,536 bytes, and a record from elsewhere may hold any amount of text.
const LARGEST: usize = 60_000;

impl Document {
    /// The report as Markdown, with as many whole lines as a comment on GitHub holds.
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        let mut is_list = false;
        for block in &self.blocks {
            let (block, is_item) = rendered(block);
            let adjoins = is_list && is_item;
            if !adjoins && !text.is_empty() && !block.is_empty() {
                text.push('\n');
            }
            is_list = is_item;
            text.push_str(&block);
        }
        if text.len() <= LARGEST {
            return text;
        }
        let mut kept = String::new();
        for line in text.split_inclusive('\n') {
            if kept.len() + line.len() <= LARGEST {
                kept.push_str(line);
            }
        }
        kept + "\nThere is more than a comment holds.\n"
    }
}

/// A block, and whether it is an item of a list.
fn rendered(block: &Block) -> (String, bool) {
    let paragraph = |text: String| (text + "\n", false);
    let item = |text: String| (format!("- {text}\n"), true);
    match block {
        Block::Title(line) => paragraph(format!("### {}", marked(line))),
        Block::Section(line) => paragraph(format!("#### {}", marked(line))),
        Block::Text(line) => paragraph(marked(line)),
        Block::Status { status, reason, .. } => {
            paragraph(format!("**{}**: {}", escape(&status.to_uppercase()), marked(reason)))
        }
        Block::Facts(facts) => {
            let fact = |(label, value): &(Line, Line)| match (label.is_empty(), value.is_empty()) {
                (true, _) => format!("- {}\n", marked(value)),
                (_, true) => format!("- {}\n", marked(label)),
                _ => format!("- {}: {}\n", marked(label), marked(value)),
            };
            (facts.iter().map(fact).collect(), true)
        }
        Block::Table(rows) => (table(rows), false),
        Block::Command { purpose, command } => item(format!("{purpose}: {}", code(command))),
        Block::Warning { of, message, advice } => {
            let of = if of.is_empty() { String::new() } else { format!(" ({})", escape(of)) };
            item(format!("**warning**{of}: {}; {}", escape(message), escape(advice)))
        }
        Block::Verbatim(markdown) => ((*markdown).to_owned(), false),
        Block::Chart(_) => (String::new(), false),
    }
}

fn marked(line: &Line) -> String {
    let span = |span: &Span| match span {
        Span::Text(text) | Span::Link(text, _) => spaced(text),
        Span::Name(name) => format!("**{}**", escape(name)),
        Span::Code(text) => code(text),
        Span::Metric(metric) => code(metric.id()),
        Span::Moment(utc) => super::code(utc),
    };
    line.0.iter().map(span).collect()
}

/// Escaped, with the spaces at its ends.
fn spaced(text: &str) -> String {
    let begins = if text.starts_with(' ') { " " } else { "" };
    let ends = if text.ends_with(' ') && !text.trim().is_empty() { " " } else { "" };
    format!("{begins}{}{ends}", escape(text))
}

/// Code, or the text in its backticks where it would end the code or a table's cell.
fn code(text: &str) -> String {
    if !text.trim().is_empty() && !text.contains(['`', '|']) && !text.contains(char::is_control) {
        return format!("`{text}`");
    }
    format!("\\`{}\\`", escape(text))
}

fn table(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let columns = 0..table.headings.len();
    let rule = |column: usize| if table.is_number(column) { "--:" } else { "---" }.to_owned();
    let mut text = line(table.headings.iter().map(|heading| (*heading).to_owned()).collect());
    text.push_str(&line(columns.map(rule).collect()));
    for row in &table.rows {
        text.push_str(&line(row.iter().map(cell).collect()));
    }
    text
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(line) => marked(line),
        // Within a cell a sign is no list.
        Cell::Number(number) => match number.strip_prefix(['+', '-']) {
            Some(rest) => format!("{}{}", &number[..1], escape(rest)),
            None => escape(number),
        },
        Cell::Metric(metric) => code(metric.id()),
        Cell::Status(mark, status) if status == mark.as_str() => mark.glyph().to_owned(),
        Cell::Status(mark, status) => format!("{} {}", mark.glyph(), escape(status)),
    }
}
