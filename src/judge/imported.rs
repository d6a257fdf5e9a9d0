//! Averages of what another tool measured, made from its rows and from nothing else that it says.

use crate::measure::Role;
use crate::record::imported::{
    AverageBy, Definition, ImportedRecord, ImportedRow, ReportedAverage, definition,
};

/// Two averages that differ by more than this share are two.
const SAME: f64 = 1e-4;

/// The values of a prompt by one definition, or of all prompts.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedAverage {
    /// Which prompt; None where it is of all.
    pub prompt: Option<String>,
    /// By which definition.
    pub definition: Definition,
    /// Rows that count.
    pub rows: usize,
    /// Tokens of the prompt, where they are reported and equal.
    pub prompt_tokens: Option<u64>,
    /// Tokens made, where they are reported and equal.
    pub new_tokens: Option<u64>,
    /// Total tokens over total seconds, whichever way round the definition has it.
    pub average: f64,
    /// The lowest of the rows.
    pub lowest: f64,
    /// The highest of the rows.
    pub highest: f64,
    /// What the file says instead, where it says something else.
    pub told_otherwise: Option<f64>,
}

/// Averages of each prompt in the order of the file, then of all prompts where there are several of one
/// kind of work. Warm-ups count for nothing.
pub fn imported_averages(record: &ImportedRecord) -> Vec<ImportedAverage> {
    let measured: Vec<&ImportedRow> = record.rows.iter().filter(|row| row.role == Role::Measured).collect();
    let mut prompts: Vec<&str> = Vec::new();
    for row in &measured {
        if !prompts.contains(&row.prompt.as_str()) {
            prompts.push(&row.prompt);
        }
    }
    let mut averages = Vec::new();
    for prompt in &prompts {
        let rows: Vec<&ImportedRow> = measured.iter().copied().filter(|row| row.prompt == *prompt).collect();
        averages.extend(of_rows(Some(prompt), &rows, record));
    }
    // Tests of a different length or depth are different work: no average of them means anything.
    if prompts.len() > 1 && measured.iter().all(|row| row.context_tokens.is_none()) {
        averages.extend(of_rows(None, &measured, record));
    }
    averages
}

/// How many rows are warm-ups.
pub fn imported_warm_ups(record: &ImportedRecord) -> usize {
    record.rows.iter().filter(|row| row.role == Role::WarmUp).count()
}

/// One average for each definition that some of these rows have.
fn of_rows(prompt: Option<&str>, rows: &[&ImportedRow], record: &ImportedRecord) -> Vec<ImportedAverage> {
    let mut ids: Vec<&str> = Vec::new();
    for metric_value in rows.iter().flat_map(|row| &row.metric_values) {
        if !ids.contains(&metric_value.definition.as_str()) {
            ids.push(&metric_value.definition);
        }
    }
    ids.into_iter().filter_map(|id| of_definition(prompt, definition(id)?, rows, record)).collect()
}

fn of_definition(
    prompt: Option<&str>,
    definition: Definition,
    rows: &[&ImportedRow],
    record: &ImportedRecord,
) -> Option<ImportedAverage> {
    let value = |row: &ImportedRow| {
        let metric_value =
            row.metric_values.iter().find(|metric_value| metric_value.definition == definition.id)?;
        metric_value.value.is_finite().then_some(metric_value.value)
    };
    let (mut weights, mut total) = (0.0, 0.0);
    let (mut lowest, mut highest, mut counted) = (f64::INFINITY, f64::NEG_INFINITY, 0);
    for row in rows {
        let Some(value) = value(row) else { continue };
        let weight = weight(definition.average_by, row, value)?;
        weights += weight;
        total += weight * value;
        (lowest, highest) = (lowest.min(value), highest.max(value));
        counted += 1;
    }
    let average = total / weights;
    if counted == 0 || !average.is_finite() {
        return None;
    }
    let reported = record.averages_reported.iter().find(|reported| is_of(reported, prompt, definition.id));
    Some(ImportedAverage {
        prompt: prompt.map(str::to_owned),
        definition,
        rows: counted,
        prompt_tokens: alike(rows, |row| row.prompt_tokens),
        new_tokens: alike(rows, |row| row.new_tokens),
        average,
        lowest,
        highest,
        told_otherwise: reported
            .map(|reported| reported.value)
            .filter(|reported| (reported - average).abs() > SAME * average),
    })
}

fn is_of(reported: &ReportedAverage, prompt: Option<&str>, id: &str) -> bool {
    reported.prompt.as_deref() == prompt && reported.definition == id
}

/// What a row counts for in an average; None where its tokens are not reported.
fn weight(average_by: AverageBy, row: &ImportedRow, value: f64) -> Option<f64> {
    let new_tokens = row.new_tokens.map(|tokens| tokens as f64);
    match average_by {
        AverageBy::Generation => Some(1.0),
        AverageBy::Token => new_tokens,
        AverageBy::LaterToken => new_tokens.map(|tokens| (tokens - 1.0).max(0.0)),
        // Seconds, from tokens and their rate. Of a pass over a prompt these are the prompt's.
        AverageBy::Second => {
            let passed = row.context_tokens.and(row.prompt_tokens).map_or(0.0, |tokens| tokens as f64);
            new_tokens.map(|tokens| (tokens + passed) / value)
        }
    }
}

fn alike(rows: &[&ImportedRow], of: impl Fn(&ImportedRow) -> Option<u64>) -> Option<u64> {
    let first = of(rows.first()?)?;
    rows.iter().all(|row| of(row) == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::imported::{ImportedFormat, ImportedSource, ReportedByTool, metric_value};

    fn row(prompt: &str, iteration: u64, tokens: u64, seconds: f64) -> ImportedRow {
        let per_token_ms = seconds * 1e3 / tokens as f64;
        let metric_values = [
            metric_value("e2e_latency@1", Some(seconds)),
            metric_value("e2e_per_token@1", Some(per_token_ms)),
            metric_value("e2e_throughput@1", Some(tokens as f64 / seconds)),
        ];
        ImportedRow {
            prompt: prompt.to_owned(),
            iteration,
            role: if iteration == 0 { Role::WarmUp } else { Role::Measured },
            prompt_tokens: Some(20),
            new_tokens: Some(tokens),
            context_tokens: None,
            metric_values: metric_values.into_iter().flatten().collect(),
        }
    }

    fn record(rows: Vec<ImportedRow>, averages_reported: Vec<ReportedAverage>) -> ImportedRecord {
        ImportedRecord {
            format: ImportedFormat::LlmBenchJson,
            imported_utc: "2026-11-25T03:00:00Z".to_owned(),
            source: ImportedSource { file_name: "a.json".to_owned(), sha256: "0".repeat(64), size_bytes: 1 },
            reported_by_tool: ReportedByTool::default(),
            metric_values: Vec::new(),
            rows,
            averages_reported,
            warnings: Vec::new(),
        }
    }

    fn average<'a>(averages: &'a [ImportedAverage], prompt: Option<&str>, id: &str) -> &'a ImportedAverage {
        let is_it = |it: &&ImportedAverage| it.prompt.as_deref() == prompt && it.definition.id == id;
        averages.iter().find(is_it).unwrap()
    }

    #[test]
    fn every_warm_up_is_left_out_and_an_average_that_the_file_has_is_only_told_beside_it() {
        // Three prompts: the file's own average leaves out one row, so two warm-ups are in it.
        let mut rows = Vec::new();
        for (iteration, seconds) in [(0, 11.56), (1, 9.4), (2, 9.4)] {
            rows.extend(["P0", "P1", "P2"].map(|prompt| row(prompt, iteration, 200, seconds)));
        }
        let of_all_but_one = (2.0 * 57.8 + 6.0 * 47.0) / 8.0;
        let reported =
            ReportedAverage { prompt: None, definition: "e2e_per_token@1".into(), value: of_all_but_one };
        let record = record(rows, vec![reported]);
        let averages = imported_averages(&record);
        let all = average(&averages, None, "e2e_per_token@1");
        assert!((all.average - 47.0).abs() < 1e-9, "{all:?}");
        assert_eq!((all.rows, imported_warm_ups(&record)), (6, 3));
        assert_eq!(all.told_otherwise, Some(of_all_but_one));
        assert!((average(&averages, Some("P1"), "e2e_latency@1").average - 9.4).abs() < 1e-9);
        assert_eq!(average(&averages, Some("P1"), "e2e_per_token@1").told_otherwise, None);
    }

    #[test]
    fn an_average_is_total_tokens_over_total_seconds_and_no_mean_of_rates() {
        let record =
            record(vec![row("P0", 0, 1, 1.0), row("P0", 1, 100, 1.0), row("P0", 2, 100, 3.0)], vec![]);
        let averages = imported_averages(&record);
        let rate = average(&averages, Some("P0"), "e2e_throughput@1");
        assert!((rate.average - 50.0).abs() < 1e-9, "{rate:?}");
        assert!((rate.highest - 100.0).abs() < 1e-9 && (rate.lowest - 100.0 / 3.0).abs() < 1e-9);
        assert!(averages.iter().all(|average| average.prompt.is_some()), "one prompt needs no line of all");
    }

    #[test]
    fn tests_of_unlike_lengths_have_no_average_of_all() {
        let mut rows = vec![row("pp16", 1, 0, 1.0), row("tg32", 1, 32, 1.0)];
        for row in &mut rows {
            row.context_tokens = Some(0);
            row.metric_values = metric_value("llama_bench.tg@1", Some(10.0)).into_iter().collect();
        }
        assert!(imported_averages(&record(rows, vec![])).iter().all(|average| average.prompt.is_some()));
    }
}
