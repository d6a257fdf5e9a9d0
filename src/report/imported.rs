//! What another tool measured: by which definition each value is, and that no token of it was ever verified.

use crate::judge::{ImportedAverage, imported_averages, imported_warm_ups, summarise};
use crate::measure::Metric;
use crate::record::imported::{ImportedFormat, definition};
use crate::record::{ArmView, ImportedRecord};
use crate::report::document::{Cell, Document, Line, Table, metric, number};
use crate::report::number::{change_percent, counted, four_digits, signed_percent};
use crate::visible::one_line;

/// Where our clock begins with the first inference.
const AROUND_THE_CALL: &str =
    "The tool's clock stands around the whole call: what it prepares there is in the e2e values, too.";

const AVERAGES_ALONE: &str =
    "A row is the tool's own mean of all passes of a test: its CSV has no time of a pass, and `-o json` has.";

/// The report that `history import` prints for a file of another tool, and `history show` prints again.
pub fn imported_document(record: &ImportedRecord) -> Document {
    let averages = imported_averages(record);
    let mut document = Document::default();
    heading(&mut document, record);
    tables(&mut document, &averages);
    below(&mut document, record, &averages);
    definitions(&mut document, record, &averages);
    document
}

/// One line for a list of such records.
pub fn imported_line(record: &ImportedRecord) -> String {
    format!(
        "{}  {}  {}: {} on {}",
        one_line(&record.imported_utc),
        record.format.title(),
        one_line(&record.source.file_name),
        said(record.reported_by_tool.model.as_deref()),
        said(record.reported_by_tool.device.as_deref()),
    )
}

fn heading(document: &mut Document, record: &ImportedRecord) {
    let reported = &record.reported_by_tool;
    document.title(format!(
        "Measured by another tool: {}. Its tokens were never verified, and nothing here is compared with it.",
        record.format.title()
    ));
    document.fact("file", &record.source.file_name);
    document.fact("sha256", record.id());
    document.fact("imported", Line::moment(&record.imported_utc));
    let rows = [
        ("model", &reported.model),
        ("device", &reported.device),
        ("machine", &reported.machine),
        ("precision", &reported.precision),
        ("version", &reported.tool_version),
    ];
    for (label, value) in rows {
        document.fact(label, said(value.as_deref()));
    }
    let settings =
        reported.settings.iter().enumerate().map(|(at, (key, value))| {
            Line::from(if at == 0 { "" } else { " " }).and(key).and("=").and(value)
        });
    if let Some(settings) = settings.reduce(Line::and) {
        document.fact("settings", settings);
    }
}

fn said(text: Option<&str>) -> String {
    text.map_or_else(|| "not reported".to_owned(), one_line)
}

/// What the file has of each prompt, then the values by definition.
fn tables(document: &mut Document, averages: &[ImportedAverage]) {
    let count = |count: Option<u64>| number(count.map(|count| count.to_string()));
    let prompts = averages.chunk_by(|one, other| one.prompt == other.prompt).map(|of_prompt| -> [Cell; 4] {
        let average = &of_prompt[0];
        let (tokens_in, tokens_out) = (count(average.prompt_tokens), count(average.new_tokens));
        [prompt(average).into(), tokens_in, tokens_out, number(Some(average.rows.to_string()))]
    });
    document.table(Table::new(["prompt", "tokens in", "tokens out", "rows"]).with_rows(prompts));
    let values = averages.iter().map(|average| -> [Cell; 6] {
        let value = |value| number(Some(four_digits(value)));
        let (definition, unit) = (average.definition.id.into(), average.definition.unit.into());
        let [mean, lowest, highest] = [average.average, average.lowest, average.highest].map(value);
        [prompt(average).into(), definition, mean, lowest, highest, unit]
    });
    let headings = ["prompt", "definition", "average", "lowest", "highest", "unit"];
    document.table(Table::new(headings).with_keys(2).with_rows(values));
}

fn prompt(average: &ImportedAverage) -> &str {
    average.prompt.as_deref().unwrap_or("all")
}

fn below(document: &mut Document, record: &ImportedRecord, averages: &[ImportedAverage]) {
    document.text(format!(
        "Averages are total tokens over total seconds of the rows that count; {} left out.",
        match imported_warm_ups(record) {
            0 => "the file has no warm-up that was".to_owned(),
            1 => "1 warm-up was".to_owned(),
            warm_ups => format!("{} were", counted(warm_ups, "warm-up")),
        }
    ));
    match record.format {
        ImportedFormat::LlamaBenchJson => {}
        ImportedFormat::LlamaBenchCsv => document.text(AVERAGES_ALONE),
        _ => document.text(AROUND_THE_CALL),
    }
    for metric_value in &record.metric_values {
        let value = four_digits(metric_value.value);
        document
            .text(format!("Of the whole file: {} {value} {}", metric_value.definition, metric_value.unit));
    }
    let different = averages.iter().filter_map(|average| {
        let reported = average.told_otherwise?;
        Some([
            prompt(average).into(),
            average.definition.id.into(),
            number(Some(four_digits(reported))),
            number(Some(four_digits(average.average))),
            number(Some(signed_percent(change_percent(reported / average.average)))),
        ])
    });
    let reason = match record.format {
        ImportedFormat::LlmBenchJson => " (they leave out one row in all, and not one of each prompt)",
        ImportedFormat::LlamaBenchJson => " (they are means of rates)",
        ImportedFormat::LlmBenchCsv | ImportedFormat::LlamaBenchCsv | ImportedFormat::PublishedResults => "",
    };
    document.titled_table(
        format!("The file's own averages differ{reason} and are not used"),
        Table::new(["prompt", "definition", "in the file", "by its rows", "difference"]).with_rows(different),
    );
}

/// The definitions that the table has, each once.
fn definitions(document: &mut Document, record: &ImportedRecord, averages: &[ImportedAverage]) {
    document.section("Values of different ids are never compared");
    let of_the_file =
        record.metric_values.iter().filter_map(|metric_value| definition(&metric_value.definition));
    let mut before: Vec<&str> = Vec::new();
    for definition in averages.iter().map(|average| average.definition).chain(of_the_file) {
        if !before.contains(&definition.id) {
            before.push(definition.id);
            document.fact(definition.id, definition.meaning);
        }
    }
}

/// The definitions that others measure by, too.
const SHARED: [Metric; 3] = [Metric::EndToEndLatency, Metric::EndToEndPerToken, Metric::EndToEndThroughput];

/// Both columns, of definitions with one id alone, and none where the device is another.
pub fn imported_beside(ours: ArmView<'_>, theirs: &ImportedRecord) -> Document {
    let reported = &theirs.reported_by_tool;
    let mut document = Document::default();
    document.text(
        "Shown, not compared: the tokens of B were never verified, and what it ran is reported by the tool alone.",
    );
    let mut side = |letter, what: &str, model: &str, device: &str, tokens: &str| {
        document.fact(letter, format!("{what}, model {model}, device {device}, {tokens} tokens a prompt"));
    };
    let (run, tokens_of_ours) = (&ours.experiment.run_id, ours.workload.new_tokens.to_string());
    side("A", &format!("run {run}"), &ours.model.name, ours.device.actual(), &tokens_of_ours);
    let of_tool = |text: &'_ Option<String>| text.clone().unwrap_or_else(|| "not reported".to_owned());
    let tokens = tokens(theirs).map_or_else(|| "different".to_owned(), |tokens| tokens.to_string());
    side("B", theirs.format.title(), &of_tool(&reported.model), &of_tool(&reported.device), &tokens);
    let device = reported.device.as_deref();
    if !device.is_some_and(|device| device.eq_ignore_ascii_case(ours.device.actual())) {
        document.text("No value is shown: B is not reported to be of the device of A.");
        return document;
    }
    let rows = rows(ours, theirs);
    if rows.is_empty() {
        document.text("No value is shown: they have none of one definition.");
    }
    document.table(Table::new(["definition", "A", "B", "unit"]).with_rows(rows));
    document
}

/// The tokens that every row of theirs that counts has made.
fn tokens(theirs: &ImportedRecord) -> Option<u64> {
    imported_averages(theirs).last()?.new_tokens
}

fn rows(ours: ArmView<'_>, theirs: &ImportedRecord) -> Vec<[Cell; 4]> {
    let theirs = imported_averages(theirs);
    // The last are of all prompts, or of the only one.
    let (Some(ours), Some(whole)) = (summarise(&ours).average, theirs.last()) else { return Vec::new() };
    let row = |it: Metric| -> Option<[Cell; 4]> {
        let average = theirs.iter().find(|average| is_of(average, whole.prompt.as_ref(), it))?;
        let (a, b) = (four_digits(ours.mean.get_or_nan(it)), four_digits(average.average));
        Some([metric(it), number(Some(a)), number(Some(b)), it.unit().into()])
    };
    SHARED.into_iter().filter_map(row).collect()
}

fn is_of(average: &ImportedAverage, prompt: Option<&String>, metric: Metric) -> bool {
    average.prompt.as_ref() == prompt && average.definition.id == metric.id()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};

    use super::*;
    use crate::record::imported::read_imported;

    fn read(bytes: &[u8], name: &str) -> ImportedRecord {
        read_imported(bytes, name, None, "2026-11-25T03:00:00Z").unwrap().unwrap()
    }

    #[test]
    fn a_table_says_first_whose_values_these_are_and_last_what_they_mean() {
        let bytes = include_bytes!("../../fixtures/exchange/llama-bench/tiny-llama.json");
        assert_snapshot!(imported_document(&read(bytes, "tiny-llama.json")).to_text(None), @r#"
        Measured by another tool: llama-bench (JSON). Its tokens were never verified, and nothing here is compared with it.
        file       tiny-llama.json
        sha256     0d8b08d14a82
        imported   2026-11-25T03:00:00Z
        model      llama ?B F16 (tiny-llama-f16.gguf)
        device     CPU
        machine    AMD EPYC
        precision  not reported
        version    build 1 (0c1e570)
        settings   backends=CPU devices=auto embeddings=false flash_attn=-1 model_n_params=107200 model_size=215040 n_batch=2048 n_cpu_moe=0 n_gpu_layers=-1 n_threads=2 n_ubatch=512 no_kv_offload=false split_mode=layer tensor_split=0.00 type_k=f16 type_v=f16

        prompt  tokens in  tokens out  rows
        pp16           16           0     3
        tg32            0          32     3

        prompt  definition        average  lowest  highest  unit
        pp16    llama_bench.pp@1    55136   51490    59811  token/s
        tg32    llama_bench.tg@1    21479   20936    21809  token/s
        Averages are total tokens over total seconds of the rows that count; the file has no warm-up that was left out.

        The file's own averages differ (they are means of rates) and are not used
        prompt  definition        in the file  by its rows  difference
        pp16    llama_bench.pp@1        55345        55136     +0.38 %
        tg32    llama_bench.tg@1        21486        21479     +0.03 %

        Values of different ids are never compared
        llama_bench.pp@1  tokens of a prompt of random tokens over the time of its pass: no token is chosen
        llama_bench.tg@1  steps of one token over their time: no prompt, and random tokens instead of chosen ones
        "#);
    }

    #[test]
    fn an_average_of_the_file_that_is_another_is_shown_with_its_reason() {
        let bytes = include_bytes!("../../fixtures/exchange/llm_bench/one-token.json");
        let text = imported_document(&read(bytes, "one-token.json")).to_text(None);
        for part in [
            "P0      e2e_latency@1                    0.07252  0.06681  0.07823  s\n",
            "rows that count; 3 warm-ups were left out.\nThe tool's clock stands around the whole call",
            "Of the whole file: llm_bench.compile_time@1 5.232 s\n",
            "averages differ (they leave out one row in all, and not one of each prompt) and are not used\n",
            "all     e2e_latency@1                        0.09288      0.08529     +8.90 %\n",
            "llm_bench.first_infer_latency@1  the first inference alone\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn words_of_a_stranger_steer_no_terminal_and_fill_no_screen() {
        let bytes = include_bytes!("../../fixtures/exchange/llm_bench/optimum.json");
        let mut file: Value = serde_json::from_slice(bytes).unwrap();
        file["metadata"]["model"] = json!("\u{1b}[2J<script>\r\n::error::x\u{202e}");
        file["metadata"]["device"] = json!("d".repeat(1000));
        let record = read(file.to_string().as_bytes(), "a\u{7}\nb.json");
        let text = imported_document(&record).to_text(Some(10_000)) + &imported_line(&record);
        assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text}");
        assert!(
            text.contains("model      \\u{1b}[2J<script>\\r\\n::error::x\\u{202e}\ndevice     dddd"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.chars().count() < 800), "{text}");
    }
}
