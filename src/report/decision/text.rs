//! For a terminal: what was compared, the verdict, every comparison, check and pair, and what to do.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use crate::record::{AbRecord, CheckRecord, ComparisonWord, DecisionRecord, Outcome};
use crate::report::decision::form::Form;
use crate::report::decision::mark::Mark;
use crate::report::decision::subject::{PairLine, Subject};
use crate::report::decision::words::{self, COMPARISON_HEADINGS};
use crate::report::number::{counted, signed_percent};
use crate::report::one_line::one_line;
use crate::report::table::divergence;

/// The whole text that `ab` prints for a record, and `history show` prints again.
#[must_use]
pub fn ab_text(record: &AbRecord, pairs: &[PairLine]) -> String {
    tell(Subject::Ab { record, pairs }, record.decision.as_ref())
}

/// The whole text of a decision that was made of a record.
#[must_use]
pub fn decision_text(subject: Subject<'_>, decision: &DecisionRecord) -> String {
    tell(subject, Some(decision))
}

fn tell(subject: Subject<'_>, decision: Option<&DecisionRecord>) -> String {
    let mut text = title(subject);
    if let Some(decision) = decision {
        let _ = writeln!(text, "\n{}", words::verdict(decision, Form::Terminal));
    }
    text.push_str(&ending(subject));
    if subject.is_identical() {
        let _ = writeln!(text, "{}", words::IDENTICAL);
    }
    if let Some(decision) = decision {
        text.push_str(&comparisons(decision));
        text.push_str(&checks(decision));
    }
    text.push_str(&pairs(subject.pairs()));
    text.push_str(&divergences(subject));
    if let Some(decision) = decision {
        if let Some(known) = &decision.sensitivity {
            let _ = writeln!(text, "\n{}", words::sensitivity(known));
        }
        let _ = writeln!(text, "\nnext: {}", words::next(subject, decision));
    }
    text.push_str(&warnings(subject));
    text
}

fn title(subject: Subject<'_>) -> String {
    let mut text =
        format!("{}\nmodel {}\n", subject.headline(Form::Terminal), subject.setting(Form::Terminal));
    for side in subject.sides(Form::Terminal) {
        let _ = writeln!(text, "{:<5} {}", side.word, side.told());
    }
    text
}

/// How the measurement ended, where that was not as it should.
fn ending(subject: Subject<'_>) -> String {
    let (outcome, failure) = subject.ending();
    let mut text = String::new();
    if outcome == Outcome::Interrupted {
        let _ = writeln!(text, "\n{}", interrupted_after_pairs(subject.pairs()));
    }
    if let Some(failure) = failure {
        let _ = writeln!(text, "\nfailed: {}\nno speed is given", one_line(failure));
    }
    text
}

/// How far an interrupted A/B came.
pub(in crate::report) fn interrupted_after_pairs(pairs: &[PairLine]) -> String {
    interrupted_after(pairs.iter().filter(|pair| pair.difference_percent.is_some()).count(), "pair")
}

/// How far an interrupted measurement came.
pub(in crate::report) fn interrupted_after(whole: usize, of: &str) -> String {
    if whole == 0 {
        return "interrupted: no speed is given".to_owned();
    }
    format!("interrupted after {}: nothing is decided on", counted(whole, &format!("complete {of}")))
}

fn comparisons(decision: &DecisionRecord) -> String {
    let (comparisons, verdict) = (&decision.comparisons, decision.verdict);
    if comparisons.is_empty() {
        return String::new();
    }
    let rows = comparisons.iter().map(|told| words::comparison(told, verdict, Form::Terminal));
    let aligned = [(2, CellAlignment::Right), (3, CellAlignment::Right), (4, CellAlignment::Right)];
    let mut text = format!("\n{}\n{}\n", table(Some(COMPARISON_HEADINGS), rows, &aligned), words::CHANGE);
    // Of what has not changed, the row says enough.
    for comparison in comparisons.iter().filter(|told| told.word != ComparisonWord::Unchanged) {
        let [metric, prompt, ..] = words::comparison(comparison, verdict, Form::Terminal);
        let glyph = words::standing(comparison, verdict).0.glyph();
        let _ = writeln!(text, "  {glyph} {metric} {prompt}: {}", one_line(&comparison.because));
    }
    text
}

/// The rules, but for those on figures that the comparisons have told already.
fn checks(decision: &DecisionRecord) -> String {
    let told = |check: &&CheckRecord| {
        let mut beside_the_mean = decision.comparisons.iter().skip(1);
        beside_the_mean.any(|comparison| comparison.because == check.because)
    };
    let checks: Vec<&CheckRecord> = decision.checks.iter().filter(|check| !told(check)).collect();
    if checks.is_empty() {
        return String::new();
    }
    let rows = checks.iter().map(|check| {
        [Mark::from(check.word).glyph().to_owned(), one_line(&check.id), one_line(&check.because)]
    });
    format!("\nchecks\n{}", table(None, rows, &[]))
}

fn pairs(pairs: &[PairLine]) -> String {
    if pairs.is_empty() {
        return String::new();
    }
    let rows = pairs.iter().enumerate().map(|(index, pair)| {
        let told = match (&pair.spoilt_because, pair.difference_percent) {
            (Some(because), _) => format!("spoilt: {}", one_line(because)),
            (None, Some(_)) => "counts".to_owned(),
            (None, None) => "has no speed".to_owned(),
        };
        let difference = pair.difference_percent.map_or("-".to_owned(), signed_percent);
        [(index + 1).to_string(), format!("{} first", pair.first.word()), difference, told]
    });
    let aligned = [(0, CellAlignment::Right), (2, CellAlignment::Right)];
    format!("\npairs, by the head's mean tpot@1 against the base's\n{}", table(None, rows, &aligned))
}

/// Where answers left their reference, by side.
fn divergences(subject: Subject<'_>) -> String {
    let mut text = String::new();
    for (side, run) in subject.runs() {
        for told in run.prompts.iter().map(divergence).filter(|told| !told.is_empty()) {
            let _ = write!(text, "\n{}:{told}", side.word());
        }
    }
    text
}

/// What a reader must know: of all, then of each side.
fn warnings(subject: Subject<'_>) -> String {
    let mut text = String::new();
    for (of, warning) in subject.warnings() {
        let of = of.map(|side| format!(" ({})", side.word())).unwrap_or_default();
        let _ =
            writeln!(text, "warning{of}: {}\n  {}", one_line(&warning.message), one_line(&warning.advice));
    }
    text
}

/// Rows in aligned columns, with a line's end after each.
fn table<const N: usize>(
    headings: Option<[&str; N]>,
    rows: impl Iterator<Item = [String; N]>,
    aligned: &[(usize, CellAlignment)],
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(headings) = headings {
        table.set_header(headings);
    }
    for row in rows {
        table.add_row(row);
    }
    for (index, alignment) in aligned {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(*alignment);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
