//! The report for an issue.

use std::fmt::Write;

use crate::report::decision::markdown::{code, escape};
use crate::report::first_light::{FirstLight, WHAT_RAN_WHERE, first_light_tally};
use crate::report::one_line;

/// The answers, the steps, and what ran where before, as tables.
#[must_use]
pub fn first_light_markdown(told: &FirstLight<'_>) -> String {
    let mut text = format!("## First light: {}\n\n", escape(&told.subject()));
    let _ = writeln!(
        text,
        "arcgauge {}, {}, {}. {}.\n",
        escape(told.arcgauge_version),
        code(told.when_utc),
        prose(&format!("`--device {}`", told.requested)),
        first_light_tally(told)
    );
    if let Some(note) = told.note() {
        let _ = writeln!(text, "> {}.\n", prose(&note));
    }
    text.push_str("| claim | | answer | what was seen |\n|---|---|---|---|\n");
    for answered in told.answers {
        let _ = writeln!(
            text,
            "| `{}` | {} | **{}** | {} |",
            answered.claim.id,
            prose(answered.claim.words),
            answered.word.answer.word(),
            prose(&answered.word.because)
        );
    }
    text.push_str("\n| step | ended | took s |\n|---|---|---|\n");
    for step in told.steps {
        let because = step.because.as_ref().map(|because| format!(": {}", prose(because)));
        let because = because.unwrap_or_default();
        let _ = writeln!(text, "| {} | {}{because} | {:.1} |", step.name, step.ended, step.took_s);
    }
    let _ = write!(text, "\n### What ran where before this run\n\n{WHAT_RAN_WHERE}");
    text
}

/// A text of ours, in which what stands in backticks is code; all else in it is escaped.
fn prose(text: &str) -> String {
    let line = one_line(text);
    let parts: Vec<&str> = line.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escape(&line);
    }
    let part = |(at, part): (usize, &&str)| match at % 2 {
        // A bar would end the table's cell.
        1 if !part.trim().is_empty() && !part.contains('|') => format!("`{part}`"),
        1 => format!("\\`{}\\`", escape(part)),
        _ => spaced(part),
    };
    parts.iter().enumerate().map(part).collect()
}

/// Escaped, with the spaces at its ends.
fn spaced(part: &str) -> String {
    let begins = if part.starts_with(' ') { " " } else { "" };
    let ends = if part.ends_with(' ') && !part.trim().is_empty() { " " } else { "" };
    format!("{begins}{}{ends}", escape(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_backticks_is_code_and_nothing_else_is_markup() {
        assert_eq!(prose("`a_b` and `*c*` in _d_"), "`a_b` and `*c*` in \\_d\\_");
        assert_eq!(prose("`open"), "\\`open");
        assert_eq!(prose("see `a|b`"), format!("see \\`{}\\`", escape("a|b")));
        assert_eq!(prose("`x` ``"), "`x` \\`\\`");
    }
}
