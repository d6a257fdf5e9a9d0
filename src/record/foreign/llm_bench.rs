//! `llm_bench`: what its JSON and its CSV have in common.
//!
//! Its clock stands around one call of `generate`, after tokenisation. Iteration 0 of every prompt is a
//! warm-up, and the averages of its JSON leave out one row in all, not one a prompt.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::measure::Role;
use crate::record::foreign::field::{Fields, missing, refused};
use crate::record::foreign::{ForeignFigure, ForeignRow, ReportedByTool, figure};

/// A field of a row, and the definition of what is in it.
pub(super) struct Timed {
    pub(super) key: &'static str,
    pub(super) definition: &'static str,
}

/// Every figure of a row that is read.
pub(super) const TIMED: [Timed; 8] = [
    Timed { key: "generation_time", definition: "e2e_latency@1" },
    Timed { key: "latency", definition: "e2e_per_token@1" },
    Timed { key: "first_latency", definition: "llm_bench.first_latency@1" },
    Timed { key: "second_avg_latency", definition: "llm_bench.second_avg_latency@1" },
    Timed { key: "first_infer_latency", definition: "llm_bench.first_infer_latency@1" },
    Timed { key: "second_infer_avg_latency", definition: "llm_bench.second_infer_avg_latency@1" },
    Timed { key: "tokenization_time", definition: "llm_bench.tokenization_time@1" },
    Timed { key: "detokenization_time", definition: "llm_bench.detokenization_time@1" },
];
/// The tool rounds to five decimals; twice the half of one of them, for a time in s reported in ms.
const ROUNDING_MS: f64 = 0.01;
/// The same, for a time of each token.
const ROUNDING_MS_PER_TOKEN: f64 = 1e-5;

/// What the tool says of itself, in the words of its `metadata` or of a row of its CSV.
pub(super) fn reported(fields: &Fields<'_>) -> Result<ReportedByTool> {
    for (key, why) in [
        ("num_beams", "a search of several beams makes other work of a token"),
        ("batch_size", "a figure of several answers at once is of none of them"),
    ] {
        match fields.count(key)? {
            Some(1) => {}
            Some(other) => {
                return Err(refused(format!(
                    "`{}` is `{other}`, and only 1 is read: {why}",
                    fields.path(key)
                )));
            }
            None => return Err(missing(&fields.path(key))),
        }
    }
    let mut settings = BTreeMap::new();
    for key in ["framework", "num_beams", "batch_size"] {
        settings.extend(fields.text(key)?.map(|text| (key.to_owned(), text)));
    }
    Ok(ReportedByTool {
        model: fields.text("model")?,
        device: fields.text("device")?,
        precision: fields.text("precision")?,
        settings,
        ..ReportedByTool::default()
    })
}

/// One row.
pub(super) fn row(fields: &Fields<'_>) -> Result<ForeignRow> {
    if fields.get("chat_idx").is_some() {
        return Err(refused(format!(
            "`{}` is set: in a chat the first latency is a time a token of the prompt, and prompts grow",
            fields.path("chat_idx")
        )));
    }
    let iteration = fields.needed_count("iteration")?;
    let prompt = fields.needed_count("prompt_idx")?;
    let role = if iteration == 0 { Role::WarmUp } else { Role::Measured };
    let tokens = fields.count("output_size")?.filter(|tokens| *tokens > 0);
    if role == Role::Measured {
        fields.positive("generation_time")?;
        if tokens.is_none() {
            return Err(refused(format!(
                "`{}` is missing or `0`: without tokens there is no speed",
                fields.path("output_size")
            )));
        }
    }
    let mut figures: Vec<ForeignFigure> = Vec::new();
    for Timed { key, definition } in TIMED {
        figures.extend(figure(definition, fields.number(key)?));
    }
    if let (Some(tokens), Some(seconds)) = (tokens, fields.number("generation_time")?) {
        agrees(fields, tokens, seconds)?;
        let throughput = tokens as f64 / seconds;
        figures.extend(figure("e2e_throughput@1", Some(throughput).filter(|it| it.is_finite())));
    }
    // The three with the prefill stand together.
    figures.sort_by_key(|figure| !figure.definition.starts_with("e2e_"));
    Ok(ForeignRow {
        prompt: label(prompt),
        iteration,
        role,
        prompt_tokens: fields.count("input_size")?,
        new_tokens: tokens,
        context_tokens: None,
        figures,
    })
}

/// The time a token, reported twice, must be one.
fn agrees(fields: &Fields<'_>, tokens: u64, seconds: f64) -> Result<()> {
    let Some(per_token_ms) = fields.number("latency")? else { return Ok(()) };
    let (whole_ms, tokens) = (seconds * 1e3, tokens as f64);
    let difference = (per_token_ms * tokens - whole_ms).abs();
    if difference > ROUNDING_MS + ROUNDING_MS_PER_TOKEN * tokens {
        return Err(refused(format!(
            "`{}` is `{per_token_ms}` ms for each of {tokens} tokens, and `{}` is `{seconds}` s: one of them is \
             wrong",
            fields.path("latency"),
            fields.path("generation_time")
        )));
    }
    Ok(())
}

/// A prompt as the tool prints it.
pub(super) fn label(prompt: u64) -> String {
    format!("P{prompt}")
}

/// Makes sure that every prompt has its warm-up, something that counts, and no row twice.
pub(super) fn complete(rows: &[ForeignRow]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for row in rows {
        if !seen.insert((&row.prompt, row.iteration)) {
            let what = format!("prompt `{}` has iteration `{}` twice", row.prompt, row.iteration);
            return Err(refused(what));
        }
    }
    if rows.is_empty() {
        return Err(refused("it has no row".to_owned()));
    }
    for prompt in rows.iter().map(|row| &row.prompt).collect::<BTreeSet<_>>() {
        let of = |role| rows.iter().any(|row| row.prompt == *prompt && row.role == role);
        if !of(Role::WarmUp) {
            return Err(refused(format!(
                "prompt `{prompt}` has no iteration 0: which of its rows is the warm-up cannot be known"
            )));
        }
        if !of(Role::Measured) {
            return Err(refused(format!("prompt `{prompt}` has a warm-up and nothing else"))
                .hint("measure with `-n 1` or more, and import that"));
        }
    }
    Ok(())
}
