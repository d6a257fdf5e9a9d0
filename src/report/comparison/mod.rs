//! Two runs that were measured apart: what differs in their environments first. No form of it is a verdict.

mod commands;
mod json;
mod words;

use crate::golden::GoldenResult;
use crate::judge::Validity;
use crate::judge::comparability::{ComparedSide, FigurePair, Interval, TwoRuns};
use crate::measure::Metric;
use crate::record::ArmView;
use crate::report::chart::Chart;
use crate::report::decision::Mark;
use crate::report::document::{Cell, Document, Line, Table, metric, number, status};
use crate::report::number::{change_percent, counted, four_digits, signed_percent};
use crate::report::view::CommitLink;

pub use commands::CommandRow;
pub use json::comparison_json;
pub(in crate::report) use words::COMPARABLE;

/// Of memory nobody reads bytes.
const BYTES_PER_MEBIBYTE: f64 = 1_048_576.0;

/// A record that is compared.
#[derive(Debug, Clone, Copy)]
pub struct ComparedRecord<'a> {
    /// Its content.
    pub run: ArmView<'a>,
    /// Its file, as it is named.
    pub file: &'a str,
}

/// What a page has beside the text: the charts, and links to what else the site has of both runs.
#[derive(Debug, Clone, Default)]
pub struct OfPage {
    /// The steps of both; None where their speeds are not compared.
    pub chart: Option<Chart>,
    /// The pages of their commits, where they are there.
    pub commits: [Option<CommitLink>; 2],
    /// The copies of their records, below the site's folder, where they are there.
    pub records: [Option<String>; 2],
}

/// The report on two records.
#[must_use]
pub fn comparison_document(
    a: ComparedRecord<'_>,
    b: ComparedRecord<'_>,
    two: &TwoRuns,
    of_page: OfPage,
) -> Document {
    let mut document = Document::default();
    for (letter, run) in [("A", a.run), ("B", b.run)] {
        if let Validity::Invalid(reasons) = Validity::of_run(&run) {
            document.status(Mark::Warns, "invalid", format!("{letter}, {}", reasons.join("; ")));
        }
    }
    document.title(format!("{} compared with {}", b.run.experiment.run_id, a.run.experiment.run_id));
    let (one, other) = (side(a, &two.a, &of_page, 0), side(b, &two.b, &of_page, 1));
    let rows = one.into_iter().zip(other).map(|((what, a), (_, b))| [what.into(), a.into(), b.into()]);
    document.table(Table::new(["run", "A", "B"]).with_rows(rows));
    for ((letter, record), copy) in [("A", a), ("B", b)].into_iter().zip(&of_page.records) {
        document.fact(format!("record {letter}"), Line::link(record.file, copy.as_deref()));
    }
    differences(&mut document, two);
    let (mark, word, sentence) = words::comparability(two);
    document.status(mark, word, sentence);
    for (letter, side) in [("A", &two.a), ("B", &two.b)] {
        if let Some(reason) = &side.no_speed_reason {
            document.text(format!("{letter} has no speed: {reason}"));
        }
        if let Some(reason) = &side.doubted_reason {
            document.text(format!("The times of {letter} are not compared: {reason}"));
        }
    }
    figures(&mut document, two);
    document.chart(of_page.chart);
    let rows = two.goldens.iter().map(|pair| [(&pair.prompt).into(), golden(pair.a), golden(pair.b)]);
    document.titled_table("Output", Table::new(["prompt", "A", "B"]).with_rows(rows));
    for row in commands::commands(a.run, b.run, two) {
        document.command(row.purpose, row.command);
    }
    for warning in &a.run.warnings {
        document.warning(if b.run.warnings.contains(warning) { "A and B" } else { "A" }, warning);
    }
    for warning in b.run.warnings.iter().filter(|warning| !a.run.warnings.contains(warning)) {
        document.warning("B", warning);
    }
    document
}

/// One run, each of its facts with its label.
fn side(
    record: ComparedRecord<'_>,
    side: &ComparedSide,
    of_page: &OfPage,
    at: usize,
) -> Vec<(&'static str, Line)> {
    let run = record.run;
    let speed =
        side.summary.average.as_ref().and_then(|average| average.mean.get(Metric::TimePerOutputToken));
    let metric = Metric::TimePerOutputToken;
    let openvino = run.runtime.as_ref().map_or("?", |runtime| runtime.openvino_version.as_str());
    let workload = &run.workload;
    let commit = run.commit.as_ref().map_or("no commit".into(), |commit| {
        let dirty = if commit.dirty { " (dirty) " } else { " " };
        let href = of_page.commits[at].as_ref().map(|link| link.href.as_str());
        Line::link(commit.short(), href).and(dirty).and(&commit.subject)
    });
    let processes = counted(workload.runs, "process");
    let (prompts, tokens) =
        (counted(workload.prompts.len(), "prompt"), counted(workload.new_tokens, "token"));
    vec![
        ("id", run.experiment.run_id.as_str().into()),
        (
            "speed",
            speed.map_or("no speed".into(), |ms| {
                Line::from(format!("{} {} (", four_digits(ms), metric.unit()))
                    .and(Line::metric(metric))
                    .and(")")
            }),
        ),
        ("commit", commit),
        ("model", run.model.name.as_str().into()),
        ("device", run.device.in_words(&run.experiment.machine.cpu).into()),
        ("OpenVINO", openvino.into()),
        ("workload", format!("{prompts} x {tokens}, {processes}").into()),
        ("machine", run.experiment.machine.slug.as_str().into()),
        ("measured", Line::moment(&run.experiment.when_utc)),
    ]
}

fn differences(document: &mut Document, two: &TwoRuns) {
    document.section("Environment differences");
    if two.differences.is_empty() {
        document.text("Nothing that is recorded differs in their environments.");
        return;
    }
    let rows = two.differences.iter().map(|it| -> [Cell; 4] {
        let value = |value: &Option<String>| value.as_deref().unwrap_or(it.absent).into();
        [(&it.what).into(), value(&it.a), value(&it.b), it.breaks.as_str().into()]
    });
    document.table(Table::new(["difference", "A", "B", "breaks"]).with_rows(rows));
    for sentence in words::BREAKS {
        document.text(sentence);
    }
}

fn figures(document: &mut Document, two: &TwoRuns) {
    let has_changes = two.figures.iter().any(|pair| pair.change.is_some());
    let mut headings = vec!["metric", "prompt", "unit", "better", "A", "B"];
    headings.extend(if has_changes { &["change", "interval"][..] } else { &[] });
    headings.push("result");
    let rows = two.figures.iter().map(|pair| figure(pair, has_changes));
    document.titled_table("Metrics", Table::new(headings).with_keys(2).with_rows(rows));
    for sentence in words::caption(two) {
        document.text(Line::prose(&sentence));
    }
}

fn figure(pair: &FigurePair, has_changes: bool) -> Vec<Cell> {
    let is_memory = matches!(pair.metric, Metric::PeakRss | Metric::PeakDeviceMemory);
    let value = |value: Option<f64>| {
        number(value.map(|value| four_digits(if is_memory { value / BYTES_PER_MEBIBYTE } else { value })))
    };
    let of_process =
        matches!(pair.metric, Metric::Load | Metric::PeakRss | Metric::PeakDeviceMemory | Metric::LogitDrift);
    let all = if of_process { "" } else { "mean" };
    let percent = |ratio: f64| signed_percent(change_percent(ratio));
    let interval = |Interval { lower, upper }: Interval| format!("[{}, {}]", percent(lower), percent(upper));
    let mut cells = vec![
        metric(pair.metric),
        pair.prompt.as_deref().unwrap_or(all).into(),
        if is_memory { "MiB" } else { pair.metric.unit() }.into(),
        pair.metric.direction().as_str().into(),
        value(pair.a),
        value(pair.b),
    ];
    if has_changes {
        cells.push(number(pair.change.map(|change| percent(change.ratio))));
        cells.push(number(pair.interval().map(interval)));
    }
    cells.push(words::result(pair).into());
    cells
}

fn golden(word: Option<GoldenResult>) -> Cell {
    let (mark, word) = words::golden(word);
    status(mark, word)
}
