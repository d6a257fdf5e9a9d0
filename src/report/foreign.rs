//! What another tool measured, told as such: by which definition each figure is, and that no token of it
//! was ever checked.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use crate::judge::{ForeignAverage, foreign_averages, foreign_warm_ups};
use crate::record::ForeignRecord;
use crate::record::foreign::definition;
use crate::report::number::{change_percent, counted, four_digits, signed_percent};
use crate::report::one_line;

const HEADINGS: [&str; 9] =
    ["prompt", "tokens in", "tokens out", "rows", "definition", "average", "lowest", "highest", "unit"];
/// The columns of text; all others are figures.
const TEXTS: [usize; 3] = [0, 4, 8];

/// The whole text that `history import` prints for a file of another tool, and `history show` prints again.
#[must_use]
pub fn foreign_table(record: &ForeignRecord) -> String {
    let averages = foreign_averages(record);
    format!(
        "{}\n{}{}{}",
        heading(record),
        rows(&averages),
        below(record, &averages),
        definitions(record, &averages)
    )
}

/// One line for a list of such records.
#[must_use]
pub fn foreign_line(record: &ForeignRecord) -> String {
    format!(
        "{}  {}  {}: {} on {}",
        one_line(&record.imported_utc),
        record.format.title(),
        one_line(&record.source.file_name),
        said(record.told_by_tool.model.as_deref()),
        said(record.told_by_tool.device.as_deref()),
    )
}

fn heading(record: &ForeignRecord) -> String {
    let told = &record.told_by_tool;
    let mut text = format!(
        "Measured by another tool: {}. Its tokens were never checked, and nothing here is held against it.\n\
         File {} (sha256 {}), imported {}\n\
         As the tool says: model {}, device {}, machine {}, precision {}, version {}\n",
        record.format.title(),
        one_line(&record.source.file_name),
        record.id(),
        one_line(&record.imported_utc),
        said(told.model.as_deref()),
        said(told.device.as_deref()),
        said(told.machine.as_deref()),
        said(told.precision.as_deref()),
        said(told.tool_version.as_deref()),
    );
    if !told.settings.is_empty() {
        let settings: Vec<String> = told
            .settings
            .iter()
            .map(|(key, value)| format!("{}={}", one_line(key), one_line(value)))
            .collect();
        let _ = writeln!(text, "Settings: {}", settings.join(" "));
    }
    text
}

fn said(text: Option<&str>) -> String {
    text.map_or_else(|| "not told".to_owned(), one_line)
}

fn rows(averages: &[ForeignAverage]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(HEADINGS);
    let mut before = None;
    for average in averages {
        let is_first = before != Some(&average.prompt);
        before = Some(&average.prompt);
        // What is of the prompt stands once.
        let once = |text: String| if is_first { text } else { String::new() };
        let count = |tokens: Option<u64>| tokens.map_or_else(|| "-".to_owned(), |tokens| tokens.to_string());
        table.add_row([
            once(average.prompt.as_deref().map_or_else(|| "all".to_owned(), one_line)),
            once(count(average.prompt_tokens)),
            once(count(average.new_tokens)),
            once(average.rows.to_string()),
            average.definition.id.to_owned(),
            four_digits(average.average),
            four_digits(average.lowest),
            four_digits(average.highest),
            average.definition.unit.to_owned(),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        let is_text = TEXTS.contains(&index);
        column.set_cell_alignment(if is_text { CellAlignment::Left } else { CellAlignment::Right });
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect()
}

fn below(record: &ForeignRecord, averages: &[ForeignAverage]) -> String {
    let warm_ups = foreign_warm_ups(record);
    let mut text = format!(
        "\nAverages are total tokens over total seconds of the rows that count; {} left out.\n",
        match warm_ups {
            0 => "the file has no warm-up that was".to_owned(),
            1 => "1 warm-up was".to_owned(),
            _ => format!("{} were", counted(warm_ups, "warm-up")),
        }
    );
    for figure in &record.figures {
        let _ = writeln!(
            text,
            "Of the whole file: {} {} {}",
            figure.definition,
            four_digits(figure.value),
            figure.unit
        );
    }
    for average in averages {
        let Some(told) = average.told_otherwise else { continue };
        let _ = writeln!(
            text,
            "note: the file's own average of {} for {} is {}, {} beside that of its rows, {}; it is not used",
            average.definition.id,
            average.prompt.as_deref().map_or_else(|| "all".to_owned(), one_line),
            four_digits(told),
            signed_percent(change_percent(told / average.average)),
            four_digits(average.average),
        );
    }
    text
}

/// The definitions that stand in the table, each once.
fn definitions(record: &ForeignRecord, averages: &[ForeignAverage]) -> String {
    let mut text = "\nFigures of unlike ids are never compared:\n".to_owned();
    let mut told: Vec<&str> = Vec::new();
    let of_the_file = record.figures.iter().filter_map(|figure| definition(&figure.definition));
    for definition in averages.iter().map(|average| average.definition).chain(of_the_file) {
        if !told.contains(&definition.id) {
            told.push(definition.id);
            let _ = writeln!(text, "  {}: {}", definition.id, definition.meaning);
        }
    }
    text
}
