//! The table of a run, in the published form, from the record alone.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use crate::golden::GoldenResult;
use crate::judge::{Figures, Published, Standing, Summary, summarise};
use crate::record::{Outcome, PromptRecord, RunRecord};

const HEADINGS: [&str; 8] =
    ["prompt", "latency s", "TPOT ms/token", "tok/s", "TTFT ms", "spread %", "peak MiB", "golden"];

/// The whole text that `bench` prints for a record.
#[must_use]
pub fn bench_table(record: &RunRecord, published: &Published) -> String {
    let summary = summarise(record);
    let mut text = String::new();
    text.push_str(&heading(record));
    text.push('\n');
    text.push_str(&rows(&summary));
    text.push_str(DEFINITIONS);
    text.push_str(&standing(record, published, &summary));
    for prompt in &record.prompts {
        text.push_str(&divergence(prompt));
    }
    if record.outcome == Outcome::Interrupted {
        text.push_str("interrupted: no speed is given\n");
    }
    if let Some(failure) = &record.failure {
        let _ = writeln!(text, "failed: {failure}");
    }
    for warning in &record.warnings {
        let _ = writeln!(text, "warning: {}\n  {}", warning.message, warning.advice);
    }
    text
}

const DEFINITIONS: &str = "
Latency, TPOT and tok/s include the prefill, as in the published table (e2e_latency@1,
e2e_per_token@1, e2e_throughput@1). Spread: longest less shortest latency of a prompt's runs.
";

fn heading(record: &RunRecord) -> String {
    let commit = record.commit.as_ref().map_or("no commit".to_owned(), |commit| {
        format!("{}{}", commit.short(), if commit.dirty { " (dirty)" } else { "" })
    });
    let effective = |key: &str| record.runtime.properties_effective.get(key).map_or("?", String::as_str);
    format!(
        "{model} on {device} ({name}), OpenVINO {version}, {precision} with a {cache} KV cache\n\
         {runs} x {tokens} greedy tokens a prompt, commit {commit}\n",
        model = record.model.name,
        device = record.device.actual,
        name = record.device.full_name.as_deref().unwrap_or(&record.machine.cpu),
        version = record.runtime.openvino_version,
        precision = effective("INFERENCE_PRECISION_HINT"),
        cache = effective("KV_CACHE_PRECISION"),
        runs = record.workload.runs,
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

fn row(title: &str, figures: Option<&Figures>, peak_rss_bytes: Option<u64>, golden: &str) -> [String; 8] {
    let cell = |figure: fn(&Figures) -> f64, decimals: usize| {
        figures.map_or("-".to_owned(), |figures| format!("{:.decimals$}", figure(figures)))
    };
    [
        title.to_owned(),
        cell(|f| f.mean.latency_s, 3),
        cell(|f| f.mean.per_token_ms, 2),
        cell(|f| f.mean.throughput_tok_s, 2),
        cell(|f| f.mean.ttft_ms, 1),
        figures
            .and_then(|figures| figures.spread)
            .map_or("-".to_owned(), |spread| format!("{:.1}", spread * 100.0)),
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

fn standing(record: &RunRecord, published: &Published, summary: &Summary) -> String {
    let figure = published.throughput_tok_s();
    let holds_for = published.holds_for();
    let speed = summary.average.as_ref().map(|average| average.mean.throughput_tok_s);
    let verdict = match published.standing(record, speed) {
        Standing::NotJudged(because) => format!("not judged here: {because}"),
        Standing::Reached => "reached".to_owned(),
        Standing::Below => "NOT reached".to_owned(),
    };
    format!("Published reference: {figure:.2} tok/s ({holds_for}); {verdict}.\n")
}

/// Where an answer left its reference, in words and ids.
fn divergence(prompt: &PromptRecord) -> String {
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
