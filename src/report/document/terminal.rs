//! For a terminal and for logs: tables fit the width, and numbers are never broken.

use std::fmt::Write;

use comfy_table::{CellAlignment, ColumnConstraint, Width, presets};

use crate::report::document::{Block, Cell, Document, Line, Span, Table};
use crate::visible::{lines, one_line};

/// Of a terminal whose width is unknown.
const USUAL_WIDTH: usize = 80;
/// No terminal is wider.
const WIDEST: usize = 10_000;
/// Between two columns; the smaller where a table fits with that alone.
const GAPS: [usize; 2] = [2, 1];

impl Document {
    /// The report for a terminal of this many columns. Where they are unknown, tables fit 80, and a sentence stays
    /// on its line.
    pub fn to_text(&self, columns: Option<usize>) -> String {
        let mut text = String::new();
        let mut before: Option<&Block> = None;
        for block in &self.blocks {
            if before.is_some_and(|before| !block.adjoins(before)) {
                text.push('\n');
            }
            rendered(&mut text, block, columns);
            before = Some(block);
        }
        // A wrapped cell begins a line, and no line may begin with a command to GitHub's runner.
        lines(&text)
    }
}

fn rendered(text: &mut String, block: &Block, columns: Option<usize>) {
    match block {
        Block::Title(line) | Block::Section(line) | Block::Text(line) => {
            text.push_str(&wrapped(&plain(line), columns, ""));
        }
        Block::Status { status, reason, .. } => {
            text.push_str(&wrapped(
                &format!("{}: {}", one_line(status).to_uppercase(), plain(reason)),
                columns,
                "",
            ));
        }
        Block::Facts(facts) => {
            let label = |line: &Line| plain(line).chars().count();
            let width = facts.iter().map(|(line, _)| label(line)).max().unwrap_or_default();
            for (label, value) in facts {
                let fact = format!("{:<width$}  {}", plain(label), plain(value));
                text.push_str(&wrapped(fact.trim_end(), columns, &" ".repeat(width + 2)));
            }
        }
        Block::Table(table) => text.push_str(&match columns {
            Some(width) => fitted(table, width.min(WIDEST)),
            // In a file or a log nothing is left out.
            None => broken_table(table, &Column::all(table), USUAL_WIDTH),
        }),
        Block::Command { purpose, command } => {
            text.push_str(&wrapped(&format!("{purpose}:"), columns, "  "));
            text.push_str(&broken(&format!("  {command}"), columns, "    ", true));
        }
        Block::Warning { of, message, advice } => {
            let of = if of.is_empty() { String::new() } else { format!(" ({})", one_line(of)) };
            text.push_str(&wrapped(&format!("warning{of}: {}", one_line(message)), columns, "  "));
            text.push_str(&wrapped(&format!("  {}", one_line(advice)), columns, "  "));
        }
        Block::Verbatim(markdown) => text.push_str(markdown),
        Block::Chart(_) => {}
    }
}

pub(super) fn plain(line: &Line) -> String {
    let span = |span: &Span| match span {
        Span::Text(text) | Span::Link(text, _) | Span::Moment(text) => shown(text),
        Span::Name(name) => format!("`{}`", one_line(name)),
        Span::Code(code) => format!("`{}`", one_line(code)),
        Span::Metric(metric) => metric.id().to_owned(),
    };
    line.0.iter().map(span).collect()
}

/// A text with the spaces at its ends, which part it from what is beside it.
pub(super) fn shown(text: &str) -> String {
    let begins = if text.starts_with(' ') { " " } else { "" };
    let ends = if text.ends_with(' ') && !text.trim().is_empty() { " " } else { "" };
    format!("{begins}{}{ends}", one_line(text))
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(line) => plain(line),
        Cell::Number(number) => one_line(number),
        Cell::Metric(metric) => metric.id().to_owned(),
        Cell::Status(mark, status) if status == mark.as_str() => mark.glyph().to_owned(),
        Cell::Status(mark, status) => format!("{} {}", mark.glyph(), one_line(status)),
    }
}

/// Lines for people on a terminal of this many columns, each wrapped at its spaces where it is longer; what continues
/// a line stands below its last column, and a command in backticks is continued by a backslash, so that it can be
/// pasted.
pub fn fit(text: &str, columns: Option<usize>) -> String {
    let Some(width) = columns else { return text.to_owned() };
    let fitted = text.split_inclusive('\n').map(|line| {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let line = line.replace('\t', "  ");
        wrapped(&line, columns, &" ".repeat(hanging(&line, width))).trim_end_matches('\n').to_owned() + end
    });
    fitted.collect()
}

/// Where the last column of a line begins, as in `label  value`; it leaves at least half of the width to its text.
fn hanging(line: &str, width: usize) -> usize {
    let letters: Vec<char> = line.chars().collect();
    let begins = |at: &usize| letters[*at] != ' ' && *at >= 2 && letters[at - 2..*at] == [' ', ' '];
    (0..letters.len().min(width / 2 + 1)).rev().find(begins).unwrap_or(2)
}

/// A line, or as many as a known width makes of it at its spaces, those after the first indented.
fn wrapped(line: &str, columns: Option<usize>, indent: &str) -> String {
    broken(line, columns, indent, false)
}

/// As [`wrapped`]; `in_code` where the line begins within a command.
fn broken(line: &str, columns: Option<usize>, indent: &str, mut in_code: bool) -> String {
    let Some(columns) = columns.filter(|columns| line.chars().count() > *columns) else {
        return format!("{line}\n");
    };
    let (mut text, mut used) = (String::new(), 0);
    let mut words = line.split_inclusive(' ').peekable();
    while let Some(word) = words.next() {
        let length = word.trim_end().chars().count();
        let continues = in_code ^ !word.matches('`').count().is_multiple_of(2);
        // The backslash that continues a command needs room, too.
        let room = if continues && words.peek().is_some() { columns.saturating_sub(2) } else { columns };
        if used + length > room && used > indent.len() {
            text.truncate(text.trim_end().len());
            let _ = write!(text, "{}\n{indent}", if in_code { " \\" } else { "" });
            used = indent.len();
        }
        text.push_str(word);
        used += word.chars().count();
        in_code = continues;
    }
    text + "\n"
}

/// A longer word, as the settings of a `plugin:` arm, is also broken after a `+` or a `,`.
const LONG_WORD: usize = 24;

/// The parts of a cell's text between which it may be wrapped.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ').flat_map(|word| {
        let is_long = word.chars().count() > LONG_WORD;
        word.split_inclusive(move |sign| is_long && matches!(sign, '+' | ','))
    })
}

/// A cell's text in lines of at most this width, unless a part is longer.
fn in_lines(text: &str, width: usize) -> String {
    let (mut lines, mut used) = (String::new(), 0);
    for part in parts(text) {
        if used > 0 && used + part.trim_end().chars().count() > width {
            lines.truncate(lines.trim_end().len());
            lines.push('\n');
            used = 0;
        }
        lines.push_str(part);
        used += part.chars().count();
    }
    lines
}

/// A table within this width: columns that it can do without are left out, and named beneath; its headings and texts are
/// wrapped at spaces, and where that is not enough, it goes on below itself with the columns that name a row.
fn fitted(table: &Table, width: usize) -> String {
    let mut columns = Column::all(table);
    let is_whole = |columns: &[Column], gap: usize| {
        columns.iter().map(|column| column.unbroken + gap).sum::<usize>() <= width + gap
    };
    let mut left_out = Vec::new();
    for at in &table.optional {
        if GAPS.into_iter().any(|gap| is_whole(&columns, gap)) {
            break;
        }
        columns.retain(|column| column.at != *at);
        left_out.push(table.headings[*at]);
    }
    let whole = GAPS.into_iter().find(|gap| !table.optional.is_empty() && is_whole(&columns, *gap));
    let text = match whole {
        Some(gap) => drawn(table, &columns.iter().collect::<Vec<_>>(), width, gap),
        None => broken_table(table, &columns, width),
    };
    if left_out.is_empty() {
        return text;
    }
    text + &wrapped(&format!("left out at {width} columns: {}", left_out.join(", ")), Some(width), "")
}

/// A table whose texts are wrapped, and which goes on below itself where that is not enough.
fn broken_table(table: &Table, columns: &[Column], width: usize) -> String {
    let count = columns.len();
    let fits = |columns: &[&Column], gap: usize| {
        columns.iter().map(|column| column.narrowest + gap).sum::<usize>() <= width + gap
    };
    let all: Vec<&Column> = columns.iter().collect();
    if let Some(gap) = GAPS.into_iter().find(|gap| fits(&all, *gap)) {
        return drawn(table, &all, width, gap);
    }
    let (keys, rest) = all.split_at(table.keys.min(count));
    let mut groups: Vec<Vec<&Column>> = vec![keys.to_vec()];
    for column in rest {
        let longer: Vec<&Column> = groups[groups.len() - 1].iter().copied().chain([*column]).collect();
        if !fits(&longer, GAPS[0]) && longer.len() > keys.len() + 1 {
            groups.push(keys.iter().copied().chain([*column]).collect());
        } else if let Some(group) = groups.last_mut() {
            *group = longer;
        }
    }
    let groups: Vec<String> = groups.iter().map(|group| drawn(table, group, width, GAPS[0])).collect();
    groups.join("\n")
}

struct Column {
    at: usize,
    /// As wide as its widest cell.
    widest: usize,
    /// As wide as its longest word, or number.
    narrowest: usize,
    /// So wide that no cell is wrapped, but the heading may be.
    unbroken: usize,
}

impl Column {
    fn all(table: &Table) -> Vec<Self> {
        let count = table.headings.len().max(table.rows.iter().map(Vec::len).max().unwrap_or_default());
        (0..count).map(|at| Self::of(table, at)).collect()
    }

    fn of(table: &Table, at: usize) -> Self {
        let longest =
            |text: &str| parts(text).map(|part| part.trim_end().chars().count()).max().unwrap_or_default();
        let heading = table.headings.get(at).copied().unwrap_or_default();
        let cells = table.rows.iter().filter_map(|row| row.get(at));
        let (mut widest, mut narrowest) = (heading.chars().count(), longest(heading));
        let mut unbroken = narrowest;
        for content in cells {
            let text = cell(content);
            let length = text.chars().count();
            widest = widest.max(length);
            unbroken = unbroken.max(length);
            narrowest = narrowest.max(match content {
                Cell::Text(_) | Cell::Status(..) => longest(&text),
                Cell::Number(_) | Cell::Metric(_) => length,
            });
        }
        Self { at, widest, narrowest, unbroken }
    }
}

fn drawn(table: &Table, columns: &[&Column], width: usize, gap: usize) -> String {
    let mut widths: Vec<usize> = columns.iter().map(|column| column.widest).collect();
    // The widest that can give way does, a sign at a time; headings before cells.
    while widths.iter().map(|width| width + gap).sum::<usize>() > width + gap {
        let heading = (0..widths.len()).filter(|at| widths[*at] > columns[*at].unbroken);
        let cells = (0..widths.len()).filter(|at| widths[*at] > columns[*at].narrowest);
        let can: Vec<usize> =
            if heading.clone().next().is_some() { heading.collect() } else { cells.collect() };
        let Some(at) = can.into_iter().max_by_key(|at| widths[*at]) else { break };
        widths[at] -= 1;
    }
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(presets::NOTHING);
    if table.has_headings() {
        drawn.set_header(
            columns.iter().map(|column| table.headings.get(column.at).copied().unwrap_or_default()),
        );
    }
    for row in &table.rows {
        let cells = columns.iter().zip(&widths).map(|(column, width)| (row.get(column.at), *width));
        drawn.add_row(cells.map(|(content, width)| match content {
            Some(content @ Cell::Text(_)) => in_lines(&cell(content), width),
            Some(content) => cell(content),
            None => String::new(),
        }));
    }
    for ((drawn, column), width) in drawn.column_iter_mut().zip(columns).zip(widths) {
        let width = u16::try_from(width + gap).unwrap_or(u16::MAX);
        drawn.set_padding((0, u16::try_from(gap).unwrap_or_default()));
        drawn.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        if table.is_number(column.at) {
            drawn.set_cell_alignment(CellAlignment::Right);
        }
    }
    drawn.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
