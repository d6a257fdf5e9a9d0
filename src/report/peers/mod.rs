//! Engines side by side: the tokens first, then each engine's metric values, then their ratios with intervals, and
//! what the published difference consists of here.

mod finding;
mod json;

pub use json::peers_json;

use crate::golden::GoldenResult;
use crate::judge::peers::{Facets, Multiple, PeerFigures, RoundFigures, Stands, peer_figures, round_figures};
use crate::measure::Metric;
use crate::record::{Arm, Experiment, Outcome, Warning};
use crate::report::decision::{Mark, interrupted_after};
use crate::report::document::{Cell, Document, Table, metric, number, status};
use crate::report::number::{counted, four_digits, mebibytes};

#[cfg(test)]
mod tests;

/// The report on a record of `peers`.
#[must_use]
pub fn peers_document(record: &Experiment) -> Document {
    let rounds = round_figures(record);
    let mut document = Document::default();
    document.title(title(record));
    document.text(plan(record, &rounds));
    if record.outcome == Outcome::Interrupted {
        let has_times = record.subject().samples.iter().any(|sample| sample.times.is_some());
        let complete = if has_times { rounds.len() } else { 0 };
        document.status(Mark::NotJudged, "INTERRUPTED", interrupted_after(complete, "round"));
    } else if let Some(failure) = &record.failure {
        document.status(Mark::Fails, "FAILED", failure);
    }
    let headings = ["engine", "tokens", ""];
    let rows = record.arms.iter().map(|engine| tokens(record, engine));
    document.titled_table("Tokens", Table::new(headings).with_rows(rows));
    let figures = peer_figures(record);
    document.titled_table("Engines", engines(record, &figures));
    let ratios = ratios(record, &figures, &rounds);
    if !ratios.is_empty() {
        document.titled_table(format!("Compared with `{}`", record.arms[0].label), ratios);
        document.text(
            "Ratio: geometric mean over the rounds, with its 95 % interval by Student's t, each row by itself; \
             similar: the interval contains 1.",
        );
        document.text("The values above are over every process, including those of invalidated rounds.");
    }
    finding::add(&mut document, record);
    let headings = ["round", "TPOT ms of each process, in the order in which they ran", ""];
    let rows = rounds.iter().enumerate().map(|(at, round)| round_row(record, at, round));
    document.titled_table("Rounds", Table::new(headings).with_rows(rows));
    warnings(&mut document, record);
    document
}

fn title(record: &Experiment) -> String {
    let run = &record.subject();
    let version = run.runtime.as_ref().map_or("?", |runtime| runtime.openvino_version.as_str());
    format!("{} on {}, OpenVINO {version}", run.model.name, run.device.in_words(&record.machine.cpu))
}

fn plan(record: &Experiment, rounds: &[RoundFigures]) -> String {
    let workload = &record.subject().workload;
    let commit = record.subject().commit.as_ref().map_or("no commit".to_owned(), |commit| {
        format!("commit {}{}", commit.short(), if commit.dirty { " (dirty)" } else { "" })
    });
    format!(
        "{}, interleaved; {} of fresh processes of which {} count, {}, {} greedy tokens each, {commit}",
        counted(record.arms.len(), "engine"),
        counted(rounds.len(), "round"),
        rounds.iter().filter(|round| round.counts).count(),
        counted(workload.prompts.len(), "prompt"),
        workload.new_tokens
    )
}

fn tokens(record: &Experiment, engine: &Arm) -> [Cell; 3] {
    let generations = counted(engine.samples.len(), "generation");
    let reference = &record.arms[0].label;
    let places = || {
        let place = |prompt: &crate::record::PromptRecord| {
            let it = prompt.divergence.as_ref()?;
            Some(format!(
                "`{}` at token {} ({} for {}, logit margin {:.3})",
                prompt.id,
                it.position + 1,
                it.got,
                it.expected,
                it.logit_margin
            ))
        };
        engine.prompts.iter().filter_map(place).collect::<Vec<_>>().join(", ")
    };
    let (mark, word, detail) = match engine.prompts.iter().map(|prompt| prompt.golden).max() {
        Some(GoldenResult::Match) => {
            (Mark::Holds, "match", format!("every token of {generations} matches the golden"))
        }
        Some(GoldenResult::None) if engine.label == *reference => {
            let detail = format!("no golden covers all its tokens; its {generations} agree");
            (Mark::Unknown, "unverified", detail)
        }
        Some(GoldenResult::None) => {
            let detail =
                format!("every token of {generations} equals that of `{reference}`; no golden covers all");
            (Mark::Unknown, "equal", detail)
        }
        Some(GoldenResult::NearTie) => {
            (Mark::Warns, "near-tie", format!("differs where two tokens are nearly tied: {}", places()))
        }
        Some(GoldenResult::Break) => {
            (Mark::Fails, "wrong output", format!("no speed is reported: {}", places()))
        }
        None => (Mark::NotJudged, "not judged", "the run ended before it was checked".to_owned()),
    };
    [(&engine.label).into(), status(mark, word), detail.into()]
}

fn engines(record: &Experiment, figures: &[PeerFigures]) -> Table {
    let headings = [
        "engine",
        "loop",
        "attention",
        "KV cache",
        "TTFT ms",
        "TPOT ms",
        "tok/s",
        "host us/token",
        "load s",
        "peak RSS",
        "anonymous",
        "file-backed",
        "worker",
    ];
    let rows = record.arms.iter().zip(figures).map(|(engine, figures)| {
        let facets = Facets::of(engine);
        let average = figures.summary.average.as_ref().map(|average| &average.mean);
        // Without verified tokens there is no value, be it of speed or of memory.
        let value = |value: Option<f64>| number(value.filter(|_| average.is_some()).map(four_digits));
        let memory = |bytes: Option<u64>| number(bytes.filter(|_| average.is_some()).map(mebibytes));
        [
            (&engine.label).into(),
            facets.host_loop.into(),
            facets.attention.unwrap_or("-").into(),
            facets.kv_cache_precision.unwrap_or("-").into(),
            value(average.and_then(|it| it.get(Metric::TimeToFirstToken))),
            value(average.and_then(|it| it.get(Metric::TimePerOutputToken))),
            value(average.and_then(|it| it.get(Metric::EndToEndThroughput))),
            value(figures.host_overhead_us),
            value(figures.load_s),
            memory(figures.peak_rss_bytes),
            memory(figures.anonymous_bytes),
            memory(figures.file_backed_bytes),
            engine.worker.name.as_deref().unwrap_or("never started").into(),
        ]
    });
    Table::new(headings).with_rows(rows)
}

fn ratios(record: &Experiment, figures: &[PeerFigures], rounds: &[RoundFigures]) -> Table {
    let counting = rounds.iter().filter(|round| round.counts).count();
    let headings = ["engine", "metric", "ratio", "95 % interval", "better", "result"];
    let mut table = Table::new(headings).with_keys(2);
    for (engine, figures) in record.arms.iter().zip(figures) {
        for multiple in &figures.multiples {
            table.row([
                match multiple.rounds {
                    rounds if rounds == counting => (&engine.label).into(),
                    rounds => format!("{} ({})", engine.label, counted(rounds, "round")).into(),
                },
                metric(multiple.metric),
                number(Some(four_digits(multiple.ratio))),
                interval(multiple),
                multiple.metric.direction().as_str().into(),
                result(multiple),
            ]);
        }
    }
    table
}

/// How an engine compares. That another engine is worse is nobody's failure.
fn result(multiple: &Multiple) -> Cell {
    match multiple.stands() {
        Stands::Better => status(Mark::Holds, "better"),
        Stands::Worse => status(Mark::Warns, "worse"),
        Stands::Alike => status(Mark::NotJudged, "similar"),
        Stands::Unknown => status(Mark::Unknown, "one round"),
    }
}

/// As in "[1.083, 1.172]".
fn interval(multiple: &Multiple) -> Cell {
    let bounds = multiple.lower.zip(multiple.upper);
    number(bounds.map(|(lower, upper)| format!("[{}, {}]", four_digits(lower), four_digits(upper))))
}

fn round_row(record: &Experiment, at: usize, round: &RoundFigures) -> [Cell; 3] {
    let tpot = |place: &usize| {
        let name = &record.arms.get(*place)?.label;
        let tpot = round.of(*place).and_then(|it| it.get(Metric::TimePerOutputToken));
        Some(format!("{name} {}", tpot.map_or("-".to_owned(), four_digits)))
    };
    let state = match round.invalidated_by.first() {
        None => "counts".to_owned(),
        Some(reason) if round.counts => format!("counts in spite of {reason}"),
        Some(reason) => format!("invalidated: {reason}"),
    };
    let processes: Vec<String> = round.order.iter().filter_map(tpot).collect();
    [number(Some((at + 1).to_string())), processes.join(", ").into(), state.into()]
}

/// Of all, then of each engine; what several engines are warned of appears once, as the first has it.
fn warnings(document: &mut Document, record: &Experiment) {
    let mut warnings: Vec<(&Warning, Vec<&str>)> = Vec::new();
    let of_all = record.warnings.iter().map(|warning| (None, warning));
    let of_engines = record
        .arms
        .iter()
        .flat_map(|engine| engine.warnings.iter().map(|warning| (Some(engine.label.as_str()), warning)));
    for (engine, warning) in of_all.chain(of_engines) {
        match warnings.iter_mut().find(|(before, _)| before.id == warning.id) {
            Some((_, engines)) => engines.extend(engine),
            None => warnings.push((warning, engine.into_iter().collect())),
        }
    }
    for (warning, engines) in warnings {
        document.warning(engines.join(", "), warning);
    }
}
