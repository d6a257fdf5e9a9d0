//! What another tool measured, told as such: by which definition each figure is, and that no token of it
//! was ever checked.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use crate::judge::{ForeignAverage, foreign_averages, foreign_warm_ups};
use crate::record::ForeignRecord;
use crate::record::foreign::{ForeignFormat, definition};
use crate::report::number::{change_percent, counted, four_digits, signed_percent};
use crate::report::one_line;

const HEADINGS: [&str; 9] =
    ["prompt", "tokens in", "tokens out", "rows", "definition", "average", "lowest", "highest", "unit"];
/// The columns of text; all others are figures.
const TEXTS: [usize; 3] = [0, 4, 8];

/// Where our clock begins with the first inference.
const AROUND_THE_CALL: &str =
    "The tool's clock stands around the whole call: what it prepares there is in the e2e figures, too.\n";

const AVERAGES_ALONE: &str = "A row is the tool's own mean of all passes of a test: its CSV has no time of a pass, and `-o json` has.\n";

/// The whole text that `history import` prints for a file of another tool, and `history show` prints again.
#[must_use]
pub fn foreign_table(record: &ForeignRecord) -> String {
    let averages = foreign_averages(record);
    format!(
        "{}\n{}{}{}",
        heading(record),
        rows(&averages),
        below(record, &averages),
        definitions(record, &averages)
    )
}

/// One line for a list of such records.
#[must_use]
pub fn foreign_line(record: &ForeignRecord) -> String {
    format!(
        "{}  {}  {}: {} on {}",
        one_line(&record.imported_utc),
        record.format.title(),
        one_line(&record.source.file_name),
        said(record.told_by_tool.model.as_deref()),
        said(record.told_by_tool.device.as_deref()),
    )
}

fn heading(record: &ForeignRecord) -> String {
    let told = &record.told_by_tool;
    let mut text = format!(
        "Measured by another tool: {}. Its tokens were never checked, and nothing here is held against it.\n\
         File {} (sha256 {}), imported {}\n\
         As the tool says: model {}, device {}, machine {}, precision {}, version {}\n",
        record.format.title(),
        one_line(&record.source.file_name),
        record.id(),
        one_line(&record.imported_utc),
        said(told.model.as_deref()),
        said(told.device.as_deref()),
        said(told.machine.as_deref()),
        said(told.precision.as_deref()),
        said(told.tool_version.as_deref()),
    );
    if !told.settings.is_empty() {
        let settings: Vec<String> = told
            .settings
            .iter()
            .map(|(key, value)| format!("{}={}", one_line(key), one_line(value)))
            .collect();
        let _ = writeln!(text, "Settings: {}", settings.join(" "));
    }
    text
}

fn said(text: Option<&str>) -> String {
    text.map_or_else(|| "not told".to_owned(), one_line)
}

fn rows(averages: &[ForeignAverage]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(HEADINGS);
    let mut before = None;
    for average in averages {
        let is_first = before != Some(&average.prompt);
        before = Some(&average.prompt);
        // What is of the prompt stands once.
        let once = |text: String| if is_first { text } else { String::new() };
        let count = |tokens: Option<u64>| tokens.map_or_else(|| "-".to_owned(), |tokens| tokens.to_string());
        table.add_row([
            once(average.prompt.as_deref().map_or_else(|| "all".to_owned(), one_line)),
            once(count(average.prompt_tokens)),
            once(count(average.new_tokens)),
            once(average.rows.to_string()),
            average.definition.id.to_owned(),
            four_digits(average.average),
            four_digits(average.lowest),
            four_digits(average.highest),
            average.definition.unit.to_owned(),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        let is_text = TEXTS.contains(&index);
        column.set_cell_alignment(if is_text { CellAlignment::Left } else { CellAlignment::Right });
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect()
}

fn below(record: &ForeignRecord, averages: &[ForeignAverage]) -> String {
    let warm_ups = foreign_warm_ups(record);
    let mut text = format!(
        "\nAverages are total tokens over total seconds of the rows that count; {} left out.\n",
        match warm_ups {
            0 => "the file has no warm-up that was".to_owned(),
            1 => "1 warm-up was".to_owned(),
            _ => format!("{} were", counted(warm_ups, "warm-up")),
        }
    );
    match record.format {
        ForeignFormat::LlamaBenchJson => {}
        ForeignFormat::LlamaBenchCsv => text.push_str(AVERAGES_ALONE),
        _ => text.push_str(AROUND_THE_CALL),
    }
    for figure in &record.figures {
        let _ = writeln!(
            text,
            "Of the whole file: {} {} {}",
            figure.definition,
            four_digits(figure.value),
            figure.unit
        );
    }
    text.push_str(&told_otherwise(record, averages));
    text
}

/// Averages that the file has and its rows do not.
fn told_otherwise(record: &ForeignRecord, averages: &[ForeignAverage]) -> String {
    let mut text = String::new();
    for average in averages {
        let Some(told) = average.told_otherwise else { continue };
        let _ = writeln!(
            text,
            "  {}, {}: {} in the file, {} by its rows ({})",
            average.prompt.as_deref().map_or_else(|| "all".to_owned(), one_line),
            average.definition.id,
            four_digits(told),
            four_digits(average.average),
            signed_percent(change_percent(told / average.average)),
        );
    }
    if text.is_empty() {
        return text;
    }
    let because = match record.format {
        ForeignFormat::LlmBenchJson => " (they leave out one row in all, and not one of each prompt)",
        ForeignFormat::LlamaBenchJson => " (they are means of rates)",
        ForeignFormat::LlmBenchCsv | ForeignFormat::LlamaBenchCsv | ForeignFormat::PublishedResults => "",
    };
    format!("Averages of its own in the file are others{because}, and are not used:\n{text}")
}

/// The definitions that stand in the table, each once.
fn definitions(record: &ForeignRecord, averages: &[ForeignAverage]) -> String {
    let mut text = "\nFigures of unlike ids are never compared:\n".to_owned();
    let mut told: Vec<&str> = Vec::new();
    let of_the_file = record.figures.iter().filter_map(|figure| definition(&figure.definition));
    for definition in averages.iter().map(|average| average.definition).chain(of_the_file) {
        if !told.contains(&definition.id) {
            told.push(definition.id);
            let _ = writeln!(text, "  {}: {}", definition.id, definition.meaning);
        }
    }
    text
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
        assert_snapshot!(foreign_table(&read(bytes, "tiny-llama.json")), @r#"
        Measured by another tool: llama-bench (JSON). Its tokens were never checked, and nothing here is held against it.
        File tiny-llama.json (sha256 0d8b08d14a82), imported 2026-11-25T03:00:00Z
        As the tool says: model llama ?B F16 (tiny-llama-f16.gguf), device CPU, machine AMD EPYC, precision not told, version build 1 (0c1e570)
        Settings: backends=CPU devices=auto embeddings=false flash_attn=-1 model_n_params=107200 model_size=215040 n_batch=2048 n_cpu_moe=0 n_gpu_layers=-1 n_threads=2 n_ubatch=512 no_kv_offload=false split_mode=layer tensor_split=0.00 type_k=f16 type_v=f16

         prompt  tokens in  tokens out  rows  definition        average  lowest  highest  unit
         pp16           16           0     3  llama_bench.pp@1    55136   51490    59811  token/s
         tg32            0          32     3  llama_bench.tg@1    21479   20936    21809  token/s

        Averages are total tokens over total seconds of the rows that count; the file has no warm-up that was left out.
        Averages of its own in the file are others (they are means of rates), and are not used:
          pp16, llama_bench.pp@1: 55345 in the file, 55136 by its rows (+0.38 %)
          tg32, llama_bench.tg@1: 21486 in the file, 21479 by its rows (+0.03 %)

        Figures of unlike ids are never compared:
          llama_bench.pp@1: tokens of a prompt of random tokens over the time of its pass: no token is chosen
          llama_bench.tg@1: steps of one token over their time: no prompt, and random tokens instead of chosen ones
        "#);
    }

    #[test]
    fn an_average_of_the_file_that_is_another_is_told_with_its_reason() {
        let bytes = include_bytes!("../../fixtures/exchange/llm_bench/one-token.json");
        assert_snapshot!(foreign_table(&read(bytes, "one-token.json")), @r#"
        Measured by another tool: llm_bench (JSON). Its tokens were never checked, and nothing here is held against it.
        File one-token.json (sha256 89e66a527ab2), imported 2026-11-25T03:00:00Z
        As the tool says: model gpt, device CPU, machine not told, precision not told, version not told
        Settings: batch_size=1 framework=ov num_beams=1

         prompt  tokens in  tokens out  rows  definition                       average   lowest  highest  unit
         P0             20           1     2  e2e_latency@1                    0.07252  0.06681  0.07823  s
                                              e2e_per_token@1                    72.52    66.81    78.23  ms/token
                                              e2e_throughput@1                   13.79    12.78    14.97  token/s
                                              llm_bench.first_latency@1          72.40    66.70    78.11  ms
                                              llm_bench.first_infer_latency@1    72.34    66.62    78.05  ms
                                              llm_bench.tokenization_time@1     0.8750   0.6583    1.092  ms
                                              llm_bench.detokenization_time@1   0.4274   0.3936   0.4613  ms
         P1             23           1     2  e2e_latency@1                    0.05999  0.04159  0.07838  s
                                              e2e_per_token@1                    59.99    41.59    78.38  ms/token
                                              e2e_throughput@1                   16.67    12.76    24.04  token/s
                                              llm_bench.first_latency@1          59.87    41.49    78.24  ms
                                              llm_bench.first_infer_latency@1    59.81    41.43    78.18  ms
                                              llm_bench.tokenization_time@1     0.7227   0.7115   0.7338  ms
                                              llm_bench.detokenization_time@1   0.4013   0.3447   0.4578  ms
         P2             30           1     2  e2e_latency@1                     0.1234   0.1183   0.1284  s
                                              e2e_per_token@1                    123.4    118.3    128.4  ms/token
                                              e2e_throughput@1                   8.106    7.789    8.450  token/s
                                              llm_bench.first_latency@1          123.2    118.2    128.3  ms
                                              llm_bench.first_infer_latency@1    123.2    118.2    128.2  ms
                                              llm_bench.tokenization_time@1     0.7487   0.6421   0.8554  ms
                                              llm_bench.detokenization_time@1    2.264   0.4827    4.045  ms
         all             -           1     6  e2e_latency@1                    0.08529  0.04159   0.1284  s
                                              e2e_per_token@1                    85.29    41.59    128.4  ms/token
                                              e2e_throughput@1                   11.72    7.789    24.04  token/s
                                              llm_bench.first_latency@1          85.17    41.49    128.3  ms
                                              llm_bench.first_infer_latency@1    85.11    41.43    128.2  ms
                                              llm_bench.tokenization_time@1     0.7821   0.6421    1.092  ms
                                              llm_bench.detokenization_time@1    1.031   0.3447    4.045  ms

        Averages are total tokens over total seconds of the rows that count; 3 warm-ups were left out.
        The tool's clock stands around the whole call: what it prepares there is in the e2e figures, too.
        Of the whole file: llm_bench.compile_time@1 5.232 s
        Averages of its own in the file are others (they leave out one row in all, and not one of each prompt), and are not used:
          all, e2e_latency@1: 0.09288 in the file, 0.08529 by its rows (+8.90 %)
          all, e2e_per_token@1: 92.88 in the file, 85.29 by its rows (+8.90 %)
          all, llm_bench.first_latency@1: 92.76 in the file, 85.17 by its rows (+8.91 %)
          all, llm_bench.first_infer_latency@1: 92.70 in the file, 85.11 by its rows (+8.91 %)
          all, llm_bench.tokenization_time@1: 0.8320 in the file, 0.7821 by its rows (+6.37 %)
          all, llm_bench.detokenization_time@1: 0.8755 in the file, 1.031 by its rows (-15.1 %)

        Figures of unlike ids are never compared:
          e2e_latency@1: t_N - t_0
          e2e_per_token@1: (t_N - t_0) / N: prefill included, as the published time per token
          e2e_throughput@1: N / (t_N - t_0): prefill included, as the published tok/s
          llm_bench.first_latency@1: first token: from the call on with the genai pipeline, the first step alone with optimum
          llm_bench.first_infer_latency@1: the first inference alone
          llm_bench.tokenization_time@1: text to tokens
          llm_bench.detokenization_time@1: tokens to text
          llm_bench.compile_time@1: from the call that makes the pipeline to its end; whether from a cache is not told
        "#);
    }

    #[test]
    fn words_of_a_stranger_steer_no_terminal_and_fill_no_screen() {
        let bytes = include_bytes!("../../fixtures/exchange/llm_bench/optimum.json");
        let mut file: Value = serde_json::from_slice(bytes).unwrap();
        file["metadata"]["model"] = json!("\u{1b}[2J<script>\r\n::error::x\u{202e}");
        file["metadata"]["device"] = json!("d".repeat(1000));
        let record = read(file.to_string().as_bytes(), "a\u{7}\nb.json");
        let text = foreign_table(&record) + &foreign_line(&record);
        assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text}");
        assert!(text.contains("model \\u{1b}[2J<script> ::error::x\\u{202e}, device dddd"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 800), "{text}");
    }
}
