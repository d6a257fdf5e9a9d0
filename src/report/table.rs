//! The text of a run, from the record alone: a table in the published form, and what must be known
//! beside it.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use crate::golden::GoldenResult;
use crate::judge::{Figures, Standing, Summary, standing, summarise};
use crate::measure::Metric;
use crate::record::{Outcome, PromptRecord, RunRecord};
use crate::report::facts::facts;

const HEADINGS: [&str; 10] = [
    "prompt",
    "latency s",
    "ms/token",
    "tok/s",
    "TTFT ms",
    "TPOT ms",
    "decode tok/s",
    "spread %",
    "peak MiB",
    "golden",
];

/// The whole text that `bench` prints for a record, and `history show` prints again.
#[must_use]
pub fn bench_table(record: &RunRecord) -> String {
    let summary = summarise(record);
    let mut text = String::new();
    text.push_str(&heading(record));
    text.push('\n');
    text.push_str(&rows(&summary));
    text.push_str(DEFINITIONS);
    text.push_str(&published(record, &summary));
    text.push_str(&facts(record, &summary));
    for prompt in &record.prompts {
        text.push_str(&divergence(prompt));
    }
    if record.outcome == Outcome::Interrupted {
        text.push_str("interrupted: no speed is given\n");
    }
    if let Some(failure) = &record.failure {
        let _ = writeln!(text, "failed: {failure}\nno speed is given");
    }
    for warning in &record.warnings {
        let _ = writeln!(text, "warning: {}\n  {}", warning.message, warning.advice);
    }
    text
}

/// The definitions of all figures, for `--explain`.
#[must_use]
pub fn explanation() -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["id", "unit", "better", "definition"]);
    for metric in Metric::ALL {
        let better = metric.direction().word();
        table.add_row([metric.id(), metric.unit(), better, metric.formula()]);
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    format!("{EXPLANATION}{}", lines.collect::<String>())
}

const DEFINITIONS: &str = "
latency, ms/token and tok/s include the prefill, as in the published table (e2e_latency@1,
e2e_per_token@1, e2e_throughput@1); TPOT and decode tok/s exclude it (tpot@1, decode_throughput@1).
Spread: longest less shortest latency of a prompt's runs. `--explain` has every formula.
";

const EXPLANATION: &str = "
t_0 is just before the first inference is submitted, after tokenisation; t_i is when token i of N is
known on the host, argmax included. The clock is monotonic. An average is total tokens over total
seconds. Figures of unlike ids are never compared.

";

fn heading(record: &RunRecord) -> String {
    let commit = record.commit.as_ref().map_or("no commit".to_owned(), |commit| {
        format!("{}{}", commit.short(), if commit.dirty { " (dirty)" } else { "" })
    });
    let runtime = record.runtime.as_ref();
    let effective = |key: &str| {
        runtime.and_then(|runtime| runtime.properties_effective.get(key)).map_or("?", String::as_str)
    };
    format!(
        "{model} on {device}, OpenVINO {version}, {precision} with a {cache} KV cache\n\
         {runs}, {tokens} greedy tokens a prompt in each, commit {commit}\n",
        model = record.model.name,
        device = record.device.in_words(&record.machine.cpu),
        version = runtime.map_or("?", |runtime| runtime.openvino_version.as_str()),
        precision = effective("INFERENCE_PRECISION_HINT"),
        cache = effective("KV_CACHE_PRECISION"),
        runs = if record.workload.runs == 1 {
            "1 fresh process".to_owned()
        } else {
            format!("{} fresh processes", record.workload.runs)
        },
        tokens = record.workload.new_tokens,
    )
}

fn rows(summary: &Summary) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(HEADINGS);
    for prompt in &summary.prompts {
        table.add_row(row(
            &prompt.title,
            prompt.figures.as_ref(),
            prompt.peak_rss_bytes,
            word(prompt.golden),
        ));
    }
    table.add_row(row("average", summary.average.as_ref(), summary.peak_rss_bytes, word(summary.golden)));
    for (index, column) in table.column_iter_mut().enumerate() {
        let first_or_last = index == 0 || index + 1 == HEADINGS.len();
        column.set_cell_alignment(if first_or_last { CellAlignment::Left } else { CellAlignment::Right });
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect()
}

fn row(title: &str, figures: Option<&Figures>, peak_rss_bytes: Option<u64>, golden: &str) -> [String; 10] {
    let cell = |figure: fn(&Figures) -> Option<f64>, decimals: usize| {
        figures.and_then(figure).map_or("-".to_owned(), |figure| format!("{figure:.decimals$}"))
    };
    [
        title.to_owned(),
        cell(|f| Some(f.mean.latency_s), 3),
        cell(|f| Some(f.mean.per_token_ms), 2),
        cell(|f| Some(f.mean.throughput_tok_s), 2),
        cell(|f| Some(f.mean.ttft_ms), 1),
        cell(|f| f.mean.decode_tpot_ms, 2),
        cell(|f| f.mean.decode_throughput_tok_s, 2),
        cell(|f| f.spread.map(|spread| spread * 100.0), 1),
        peak_rss_bytes.map_or("-".to_owned(), |bytes| format!("{:.0}", bytes as f64 / f64::from(1 << 20))),
        golden.to_owned(),
    ]
}

fn word(golden: Option<GoldenResult>) -> &'static str {
    match golden {
        None => "not judged",
        Some(GoldenResult::None) => "none (unverified)",
        Some(other) => other.word(),
    }
}

fn published(record: &RunRecord, summary: &Summary) -> String {
    let Some(published) = &record.published else { return String::new() };
    let speed = summary.average.as_ref().map(Figures::throughput);
    let verdict = match standing(published, record, speed) {
        Standing::NotJudged(because) => format!("not judged here: {because}"),
        Standing::Reached => "reached".to_owned(),
        Standing::Below => "NOT reached".to_owned(),
    };
    format!(
        "Published reference: {:.2} tok/s ({}, {}); {verdict}.\n",
        published.reference.value, published.model.name, published.device.name
    )
}

/// Where an answer left its reference, in words and ids.
pub(super) fn divergence(prompt: &PromptRecord) -> String {
    let Some(found) = &prompt.divergence else { return String::new() };
    let mut text = format!(
        "\n{word}: prompt `{id}` differs first at token {position}: expected {expected}, got {got} (gap {gap:.3} logit)\n",
        word = prompt.golden.word(),
        id = prompt.id,
        position = found.position + 1,
        expected = found.expected,
        got = found.got,
        gap = found.gap_logit,
    );
    if let Some(words) = &prompt.divergence_text {
        let _ = writeln!(text, "  after:    {:?}", words.before);
        let _ = writeln!(text, "  expected: {:?}", words.expected);
        let _ = writeln!(text, "  got:      {:?}", words.got);
    }
    text
}
