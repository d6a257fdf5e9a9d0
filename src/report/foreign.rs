//! What another tool measured: by which definition each value is, and that no token of it was ever verified.

use crate::judge::{ForeignAverage, foreign_averages, foreign_warm_ups};
use crate::record::ForeignRecord;
use crate::record::foreign::{ForeignFormat, definition};
use crate::report::document::{Cell, Document, Line, Table, number};
use crate::report::number::{change_percent, counted, four_digits, signed_percent};
use crate::visible::one_line;

/// Where our clock begins with the first inference.
const AROUND_THE_CALL: &str =
    "The tool's clock stands around the whole call: what it prepares there is in the e2e values, too.";

const AVERAGES_ALONE: &str =
    "A row is the tool's own mean of all passes of a test: its CSV has no time of a pass, and `-o json` has.";

/// The report that `history import` prints for a file of another tool, and `history show` prints again.
#[must_use]
pub fn foreign_document(record: &ForeignRecord) -> Document {
    let averages = foreign_averages(record);
    let mut document = Document::default();
    heading(&mut document, record);
    tables(&mut document, &averages);
    below(&mut document, record, &averages);
    definitions(&mut document, record, &averages);
    document
}

/// One line for a list of such records.
#[must_use]
pub fn foreign_line(record: &ForeignRecord) -> String {
    format!(
        "{}  {}  {}: {} on {}",
        one_line(&record.imported_utc),
        record.format.title(),
        one_line(&record.source.file_name),
        said(record.reported_by_tool.model.as_deref()),
        said(record.reported_by_tool.device.as_deref()),
    )
}

fn heading(document: &mut Document, record: &ForeignRecord) {
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
fn tables(document: &mut Document, averages: &[ForeignAverage]) {
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

fn prompt(average: &ForeignAverage) -> &str {
    average.prompt.as_deref().unwrap_or("all")
}

fn below(document: &mut Document, record: &ForeignRecord, averages: &[ForeignAverage]) {
    document.text(format!(
        "Averages are total tokens over total seconds of the rows that count; {} left out.",
        match foreign_warm_ups(record) {
            0 => "the file has no warm-up that was".to_owned(),
            1 => "1 warm-up was".to_owned(),
            warm_ups => format!("{} were", counted(warm_ups, "warm-up")),
        }
    ));
    match record.format {
        ForeignFormat::LlamaBenchJson => {}
        ForeignFormat::LlamaBenchCsv => document.text(AVERAGES_ALONE),
        _ => document.text(AROUND_THE_CALL),
    }
    for figure in &record.figures {
        let value = four_digits(figure.value);
        document.text(format!("Of the whole file: {} {value} {}", figure.definition, figure.unit));
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
        ForeignFormat::LlmBenchJson => " (they leave out one row in all, and not one of each prompt)",
        ForeignFormat::LlamaBenchJson => " (they are means of rates)",
        ForeignFormat::LlmBenchCsv | ForeignFormat::LlamaBenchCsv | ForeignFormat::PublishedResults => "",
    };
    document.titled_table(
        format!("The file's own averages differ{reason} and are not used"),
        Table::new(["prompt", "definition", "in the file", "by its rows", "difference"]).with_rows(different),
    );
}

/// The definitions that the table has, each once.
fn definitions(document: &mut Document, record: &ForeignRecord, averages: &[ForeignAverage]) {
    document.section("Values of different ids are never compared");
    let of_the_file = record.figures.iter().filter_map(|figure| definition(&figure.definition));
    let mut before: Vec<&str> = Vec::new();
    for definition in averages.iter().map(|average| average.definition).chain(of_the_file) {
        if !before.contains(&definition.id) {
            before.push(definition.id);
            document.fact(definition.id, definition.meaning);
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};

    use super::*;
    use crate::record::foreign::read_foreign;

    fn read(bytes: &[u8], name: &str) -> ForeignRecord {
        read_foreign(bytes, name, None, "2026-11-25T03:00:00Z").unwrap().unwrap()
    }

    #[test]
    fn a_table_says_first_whose_figures_these_are_and_last_what_they_mean() {
        let bytes = include_bytes!("../../fixtures/exchange/llama-bench/tiny-llama.json");
        assert_snapshot!(foreign_document(&read(bytes, "tiny-llama.json")).to_text(None), @r#"
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
    fn an_average_of_the_file_that_is_another_is_told_with_its_reason() {
        let bytes = include_bytes!("../../fixtures/exchange/llm_bench/one-token.json");
        assert_snapshot!(foreign_document(&read(bytes, "one-token.json")).to_text(None), @r#"
        Measured by another tool: llm_bench (JSON). Its tokens were never verified, and nothing here is compared with it.
        file       one-token.json
        sha256     89e66a527ab2
        imported   2026-11-25T03:00:00Z
        model      gpt
        device     CPU
        machine    not reported
        precision  not reported
        version    not reported
        settings   batch_size=1 framework=ov num_beams=1

        prompt  tokens in  tokens out  rows
        P0             20           1     2
        P1             23           1     2
        P2             30           1     2
        all             -           1     6

        prompt  definition                       average   lowest  highest  unit
        P0      e2e_latency@1                    0.07252  0.06681  0.07823  s
        P0      e2e_per_token@1                    72.52    66.81    78.23  ms/token
        P0      e2e_throughput@1                   13.79    12.78    14.97  token/s
        P0      llm_bench.first_latency@1          72.40    66.70    78.11  ms
        P0      llm_bench.first_infer_latency@1    72.34    66.62    78.05  ms
        P0      llm_bench.tokenization_time@1     0.8750   0.6583    1.092  ms
        P0      llm_bench.detokenization_time@1   0.4274   0.3936   0.4613  ms
        P1      e2e_latency@1                    0.05999  0.04159  0.07838  s
        P1      e2e_per_token@1                    59.99    41.59    78.38  ms/token
        P1      e2e_throughput@1                   16.67    12.76    24.04  token/s
        P1      llm_bench.first_latency@1          59.87    41.49    78.24  ms
        P1      llm_bench.first_infer_latency@1    59.81    41.43    78.18  ms
        P1      llm_bench.tokenization_time@1     0.7227   0.7115   0.7338  ms
        P1      llm_bench.detokenization_time@1   0.4013   0.3447   0.4578  ms
        P2      e2e_latency@1                     0.1234   0.1183   0.1284  s
        P2      e2e_per_token@1                    123.4    118.3    128.4  ms/token
        P2      e2e_throughput@1                   8.106    7.789    8.450  token/s
        P2      llm_bench.first_latency@1          123.2    118.2    128.3  ms
        P2      llm_bench.first_infer_latency@1    123.2    118.2    128.2  ms
        P2      llm_bench.tokenization_time@1     0.7487   0.6421   0.8554  ms
        P2      llm_bench.detokenization_time@1    2.264   0.4827    4.045  ms
        all     e2e_latency@1                    0.08529  0.04159   0.1284  s
        all     e2e_per_token@1                    85.29    41.59    128.4  ms/token
        all     e2e_throughput@1                   11.72    7.789    24.04  token/s
        all     llm_bench.first_latency@1          85.17    41.49    128.3  ms
        all     llm_bench.first_infer_latency@1    85.11    41.43    128.2  ms
        all     llm_bench.tokenization_time@1     0.7821   0.6421    1.092  ms
        all     llm_bench.detokenization_time@1    1.031   0.3447    4.045  ms
        Averages are total tokens over total seconds of the rows that count; 3 warm-ups were left out.
        The tool's clock stands around the whole call: what it prepares there is in the e2e values, too.
        Of the whole file: llm_bench.compile_time@1 5.232 s

        The file's own averages differ (they leave out one row in all, and not one of each prompt) and are not used
        prompt  definition                       in the file  by its rows  difference
        all     e2e_latency@1                        0.09288      0.08529     +8.90 %
        all     e2e_per_token@1                        92.88        85.29     +8.90 %
        all     llm_bench.first_latency@1              92.76        85.17     +8.91 %
        all     llm_bench.first_infer_latency@1        92.70        85.11     +8.91 %
        all     llm_bench.tokenization_time@1         0.8320       0.7821     +6.37 %
        all     llm_bench.detokenization_time@1       0.8755        1.031     -15.1 %

        Values of different ids are never compared
        e2e_latency@1                    t_N - t_0
        e2e_per_token@1                  (t_N - t_0) / N: prefill included, as the published time per token
        e2e_throughput@1                 N / (t_N - t_0): prefill included, as the published tok/s
        llm_bench.first_latency@1        first token: from the call on with the genai pipeline, the first step alone with optimum
        llm_bench.first_infer_latency@1  the first inference alone
        llm_bench.tokenization_time@1    text to tokens
        llm_bench.detokenization_time@1  tokens to text
        llm_bench.compile_time@1         from the call that makes the pipeline to its end; whether from a cache is not told
        "#);
    }

    #[test]
    fn words_of_a_stranger_steer_no_terminal_and_fill_no_screen() {
        let bytes = include_bytes!("../../fixtures/exchange/llm_bench/optimum.json");
        let mut file: Value = serde_json::from_slice(bytes).unwrap();
        file["metadata"]["model"] = json!("\u{1b}[2J<script>\r\n::error::x\u{202e}");
        file["metadata"]["device"] = json!("d".repeat(1000));
        let record = read(file.to_string().as_bytes(), "a\u{7}\nb.json");
        let text = foreign_document(&record).to_text(Some(10_000)) + &foreign_line(&record);
        assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text}");
        assert!(
            text.contains("model      \\u{1b}[2J<script>\\r\\n::error::x\\u{202e}\ndevice     dddd"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.chars().count() < 800), "{text}");
    }
}
