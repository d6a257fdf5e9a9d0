//! Two runs that were measured apart, as they are told: what differs around them first. No form of it is a
//! verdict.

mod columns;
mod commands;
mod json;
mod markdown;
mod page;
mod rows;
mod text;
mod view;
mod words;

use crate::golden::GoldenResult;
use crate::judge::likeness::{ComparedSide, GoldenPair, TwoRuns};
use crate::measure::Metric;
use crate::record::{RunRecord, Warning};
use crate::report::badge::Badge;
use crate::report::number::{counted, four_digits};
use crate::report::one_line::one_line;

pub use json::comparison_json;
pub use markdown::comparison_markdown;
pub use page::{ComparisonPage, PagesOfSide};
pub use text::comparison_text;
pub(in crate::report) use words::ALIKE;

pub use view::{
    CommandRow, ComparisonView, DifferenceRow, FigureRow, GoldenRow, LikenessView, SideView, WarningRow,
};

/// A record that is compared.
#[derive(Debug, Clone, Copy)]
pub struct ComparedRecord<'a> {
    /// What it says.
    pub run: &'a RunRecord,
    /// Its file, as it is told.
    pub file: &'a str,
}

/// Two records with what differs between them, ready to be shown.
#[must_use]
pub fn comparison_view(a: ComparedRecord<'_>, b: ComparedRecord<'_>, two: &TwoRuns) -> ComparisonView {
    ComparisonView {
        title: format!("{} against {}", one_line(&b.run.run_id), one_line(&a.run.run_id)),
        a: side("A", a, &two.a),
        b: side("B", b, &two.b),
        likeness: words::likeness(two),
        refusals: refusals(two),
        differences: two.differences.iter().map(rows::difference).collect(),
        figures: two.figures.iter().map(rows::figure).collect(),
        caption: words::caption(two),
        goldens: two.goldens.iter().map(golden).collect(),
        warnings: warnings(a.run, b.run),
        commands: commands::commands(a.run, b.run, two),
    }
}

fn side(letter: &'static str, record: ComparedRecord<'_>, side: &ComparedSide) -> SideView {
    let run = record.run;
    let commit = run.commit.as_ref().map_or("no commit".to_owned(), |commit| {
        format!("{}{}", one_line(commit.short()), if commit.dirty { " (dirty)" } else { "" })
    });
    let speed = side.summary.average.as_ref().and_then(|average| average.mean.decode_tpot_ms);
    let metric = Metric::TimePerOutputToken;
    let openvino = run.runtime.as_ref().map_or("?", |runtime| runtime.openvino_version.as_str());
    let workload = &run.workload;
    SideView {
        letter,
        run_id: one_line(&run.run_id),
        when_utc: one_line(&run.when_utc),
        file: one_line(record.file),
        commit,
        subject: run.commit.as_ref().map(|commit| one_line(&commit.subject)).unwrap_or_default(),
        machine: one_line(&run.machine.slug),
        model: one_line(&run.model.name),
        device: one_line(&run.device.in_words(&run.machine.cpu)),
        openvino: one_line(openvino),
        workload: format!(
            "{} x {}, {}",
            counted(workload.prompts.len(), "prompt"),
            counted(workload.new_tokens, "token"),
            if workload.runs == 1 { "1 process".to_owned() } else { format!("{} processes", workload.runs) }
        ),
        speed: speed.map_or("no speed".to_owned(), |ms| {
            format!("{} {} ({})", four_digits(ms), metric.unit(), metric.id())
        }),
    }
}

/// What keeps figures from being compared, by side.
fn refusals(two: &TwoRuns) -> Vec<String> {
    let of = |letter: &str, side: &ComparedSide| {
        let refused = side.no_speed_because.as_ref();
        let doubted = side.doubted_because.as_ref();
        let refused = refused.map(|why| format!("{letter} has no speed: {}", one_line(why)));
        let doubted = doubted
            .map(|why| format!("{letter}'s times are not compared: a guard tripped, {}", one_line(why)));
        [refused, doubted]
    };
    [of("A", &two.a), of("B", &two.b)].into_iter().flatten().flatten().collect()
}

fn golden(pair: &GoldenPair) -> GoldenRow {
    let glyph = |word: Option<GoldenResult>| words::golden_mark(word).glyph();
    let badge = |word: Option<GoldenResult>| Badge::new(words::golden_mark(word), words::golden(word));
    GoldenRow {
        prompt: one_line(&pair.prompt),
        a_mark: glyph(pair.a),
        a: words::golden(pair.a),
        b_mark: glyph(pair.b),
        b: words::golden(pair.b),
        a_badge: badge(pair.a),
        b_badge: badge(pair.b),
    }
}

/// Once where both say the same.
fn warnings(a: &RunRecord, b: &RunRecord) -> Vec<WarningRow> {
    let row = |of: &'static str, warning: &Warning| WarningRow {
        of,
        message: one_line(&warning.message),
        advice: one_line(&warning.advice),
    };
    let of_a = a
        .warnings
        .iter()
        .map(|warning| row(if b.warnings.contains(warning) { "A and B" } else { "A" }, warning));
    let of_b = b.warnings.iter().filter(|warning| !a.warnings.contains(warning));
    of_a.chain(of_b.map(|warning| row("B", warning))).collect()
}
