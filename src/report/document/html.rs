//! For a page: what stands in it below the page's own heading.

use std::fmt::Write;

use crate::measure::Metric;
use crate::report::document::escape::escape_xml;
use crate::report::document::terminal::shown;
use crate::report::document::{Block, Cell, Document, Line, Span, Table};
use crate::report::mark::Badge;

/// Where a report stands in a page.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Place<'a> {
    /// Leads to the site's folder: as in "../".
    pub(in crate::report) root: &'a str,
    pub(in crate::report) level: u8,
    /// Distinguishes its tables from those of other reports of the page; may be empty.
    pub(in crate::report) of: &'a str,
}

impl Document {
    /// The report as HTML, every text escaped.
    pub(in crate::report) fn to_html(&self, place: Place<'_>) -> String {
        let mut text = String::new();
        let mut heading = String::new();
        let mut list = "";
        for block in &self.blocks {
            let is_warning = matches!(block, Block::Warning { .. });
            if is_warning != (list == "ul") {
                let _ = if is_warning {
                    write!(text, "<h{0}>Warnings</h{0}>\n<ul>\n", place.level)
                } else {
                    writeln!(text, "</ul>")
                };
                list = if is_warning { "ul" } else { "" };
            }
            if let Block::Section(line) | Block::Title(line) = block {
                heading = escaped(&line.to_text());
            }
            let _ = writeln!(text, "{}", place.rendered(block, &heading));
        }
        text + if list.is_empty() { "" } else { "</ul>\n" }
    }
}

impl Place<'_> {
    fn rendered(self, block: &Block, heading: &str) -> String {
        match block {
            Block::Title(line) => format!("<p class=\"setting\">{}</p>", self.marked(line)),
            Block::Section(line) => format!("<h{0}>{1}</h{0}>", self.level, self.marked(line)),
            Block::Text(line) => format!("<p>{}</p>", self.marked(line)),
            Block::Status { mark, status, reason } => format!(
                "<p class=\"answer\">{} <span>{}</span></p>",
                badge(&Badge::new(*mark, status)),
                self.marked(reason)
            ),
            Block::Facts(facts) => {
                let fact = |(label, value): &(Line, Line)| {
                    format!(
                        "<div class=\"fact\"><dt>{}</dt><dd>{}</dd></div>\n",
                        self.marked(label),
                        self.marked(value)
                    )
                };
                let facts: String = facts.iter().map(fact).collect();
                format!("<dl class=\"facts sides\">\n{facts}</dl>")
            }
            Block::Table(table) => self.table(table, heading),
            Block::Command { purpose, command } => {
                format!("<p>{purpose}:</p>\n<pre tabindex=\"0\"><code>{}</code></pre>", escaped(command))
            }
            Block::Warning { of, message, advice } => {
                let of = if of.is_empty() { String::new() } else { format!("({}) ", escaped(of)) };
                let (message, advice) = (prose(message), prose(advice));
                format!("<li>{of}{message}<br><span class=\"small\">{advice}</span></li>")
            }
            Block::Chart(chart) => format!(
                "<figure class=\"plot\">\n<figcaption><strong>{}.</strong> {}</figcaption>\n{}\n{}\n</figure>",
                escaped(&chart.title),
                escaped(&chart.description),
                chart.wide,
                chart.narrow
            ),
            Block::Verbatim(markdown) => format!("<pre>{}</pre>", escaped(markdown)),
        }
    }

    fn table(self, table: &Table, heading: &str) -> String {
        // Once for all rows: each answer is read from all of them.
        let columns = table.rows.iter().map(Vec::len).chain([table.headings.len()]).max().unwrap_or_default();
        let classes: Vec<&str> =
            (0..columns).map(|at| if table.is_number(at) { " class=\"number\"" } else { "" }).collect();
        let mut text = format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{heading}{}\">\n<table class=\"stack\">\n",
            escaped(self.of)
        );
        if table.has_headings() {
            text.push_str("<thead><tr>");
            for (at, heading) in table.headings.iter().enumerate() {
                let _ = write!(text, "<th scope=\"col\"{}>{}</th>", classes[at], escaped(heading));
            }
            text.push_str("</tr></thead>\n");
        }
        text.push_str("<tbody>\n");
        for row in &table.rows {
            text.push_str("<tr>");
            for (at, cell) in row.iter().enumerate() {
                let cell = self.cell(cell);
                let _ = match at {
                    0 => write!(text, "<th scope=\"row\"{}>{cell}</th>", classes[at]),
                    _ => write!(text, "<td{}{}>{cell}</td>", classes[at], self::label(table, at)),
                };
            }
            text.push_str("</tr>\n");
        }
        text + "</tbody>\n</table>\n</div>"
    }

    fn cell(self, cell: &Cell) -> String {
        match cell {
            Cell::Text(line) => self.marked(line),
            Cell::Number(number) => escaped(number),
            Cell::Metric(metric) => self.metric(*metric),
            Cell::Status(mark, status) if status == mark.as_str() => {
                badge(&Badge::new(*mark, mark.in_words()))
            }
            Cell::Status(mark, status) => badge(&Badge::new(*mark, status)),
        }
    }

    /// A link to its definition.
    fn metric(self, metric: Metric) -> String {
        format!(
            "<a href=\"{}method.html#{1}\" title=\"{2}\">{1}</a>",
            self.root,
            metric.id(),
            escaped(metric.title())
        )
    }

    fn marked(self, line: &Line) -> String {
        let span = |span: &Span| match span {
            Span::Text(text) => prose(text),
            Span::Name(name) => format!("<strong>{}</strong>", escaped(name)),
            Span::Code(code) => format!("<code>{}</code>", escaped(code)),
            Span::Metric(metric) => self.metric(*metric),
            Span::Moment(utc) => format!("<time datetime=\"{0}\">{0}</time>", escaped(utc)),
            Span::Link(text, href) => {
                format!("<a href=\"{}{}\">{}</a>", self.root, escaped(href), escaped(text))
            }
        };
        line.0.iter().map(span).collect()
    }
}

/// The heading of a column, for a screen on which rows are blocks.
fn label(table: &Table, column: usize) -> String {
    let heading = table.headings.get(column).filter(|heading| !heading.is_empty());
    heading.map(|heading| format!(" data-label=\"{}\"", escaped(heading))).unwrap_or_default()
}

fn badge(badge: &Badge) -> String {
    format!(
        "<span class=\"badge {}\"><span class=\"shape\" aria-hidden=\"true\">{}</span> {}</span>",
        badge.class,
        badge.glyph,
        prose(&badge.word)
    )
}

/// A text as HTML in which what stands in backticks is code.
pub(in crate::report) fn prose(text: &str) -> String {
    let parts: Vec<String> = shown(text).split('`').map(escape_xml_of).collect();
    if parts.len().is_multiple_of(2) {
        return escaped(text);
    }
    let part = |(at, part): (usize, &String)| {
        if at % 2 == 1 { format!("<code>{part}</code>") } else { part.clone() }
    };
    parts.iter().enumerate().map(part).collect()
}

/// A text as HTML, in an element or an attribute.
fn escaped(text: &str) -> String {
    escape_xml_of(&shown(text))
}

fn escape_xml_of(text: &str) -> String {
    escape_xml(text).replace("&apos;", "&#x27;")
}
