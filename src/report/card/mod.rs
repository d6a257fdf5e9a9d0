//! `report --card`: a run as the tables of the published model card, in Markdown.
//!
//! Latency, time per token and throughput are those of the card, prefill included. Only output that was
//! found right has a card.

use std::fmt::Write;

use crate::error::{Error, Result};
use crate::golden::GoldenResult;
use crate::judge::likeness::ComparedSide;
use crate::judge::{Figures, Standing, Summary, standing};
use crate::measure::Figure;
use crate::record::{ProcessRecord, ProofGrade, ProvenDevice, RunRecord};
use crate::report::decision::markdown::{code, escape};
use crate::report::number::{counted, four_digits, mebibytes, percent};
use crate::report::reproduce::{bench_command, word};

/// A record that a card is made of.
#[derive(Debug, Clone, Copy)]
pub struct CardRecord<'a> {
    /// What it says.
    pub run: &'a RunRecord,
    /// The name of its file.
    pub file_name: &'a str,
    /// The hash that its header states.
    pub payload_sha256: &'a str,
}

/// The card of a run.
///
/// # Errors
/// A run without a verified speed of every prompt: nothing of it may be published.
pub fn card(record: CardRecord<'_>) -> Result<String> {
    let run = record.run;
    let side = ComparedSide::of(run);
    let average = match (&side.no_speed_because, &side.summary.average) {
        (None, Some(average)) => average,
        (because, _) => {
            let because = because.as_deref().unwrap_or("a prompt of it has no times");
            return Err(Error::input(format!("record `{}` has no card: {because}", run.run_id))
                .hint("a card is of a complete run with verified output: `cargo xtask bench`"));
        }
    };
    let mut text = standing_note(run, &side, average);
    let _ = writeln!(text, "## {} on {}\n", escape(&run.model.name), escape(device_name(run)));
    text.push_str(&settings(run));
    text.push_str(&figures(&side.summary, average));
    text.push_str(&reference(run, average));
    text.push_str(DEFINITIONS);
    text.push_str(&provenance(record));
    Ok(text)
}

const DEFINITIONS: &str = "
Latency, TPOT and throughput include the prefill, as in the published card (`e2e_latency@1`,
`e2e_per_token@1`, `e2e_throughput@1`): what is called TPOT there is latency / tokens, not the time between
tokens. The average is total tokens over total seconds, and its inverse. \"Verified\": every token is the
golden one; \"near-tie\": tokens differ only where the first two logits are too close to call.
";

/// What must be known before a figure is read; nothing where the run is one of the published benchmark's.
fn standing_note(run: &RunRecord, side: &ComparedSide, average: &Figures) -> String {
    let because = match against_published(run, average) {
        Some((Standing::NotJudged(because), _)) => Some(because),
        Some(_) => None,
        None => Some("the record holds no published figures".to_owned()),
    };
    let mut text = String::new();
    if let Some(because) = because {
        let _ = writeln!(
            text,
            "> Not the published benchmark: {}. These figures are of {} on {}.",
            escape(&because),
            escape(&run.model.name),
            run.device.actual(),
        );
    }
    if let Some(because) = &side.doubted_because {
        let _ = writeln!(text, "> A guard tripped while it was measured, {}.", escape(because));
    }
    if text.is_empty() { text } else { text + "\n" }
}

/// How the run stands to the published figure, and by which share; None where none is known.
fn against_published(run: &RunRecord, average: &Figures) -> Option<(Standing, Option<f64>)> {
    let published = run.published.as_ref()?;
    let speed = average.throughput();
    let figure = Figure { metric: published.reference.metric, value: published.reference.value };
    Some((standing(published, run, Some(speed)), speed.ratio_to(figure).ok()))
}

fn reference(run: &RunRecord, average: &Figures) -> String {
    let (Some(published), Some((standing, share))) = (&run.published, against_published(run, average)) else {
        return String::new();
    };
    let told = match (standing, share) {
        (Standing::NotJudged(because), _) => format!("not compared: {}", escape(&because)),
        (_, Some(share)) => format!("this run reaches {} of it", percent(share * 100.0)),
        (_, None) => "not compared".to_owned(),
    };
    format!(
        "\nPublished: {} tok/s ({}, {} on {}); {told}.\n",
        four_digits(published.reference.value),
        escape(&published.reference.series),
        escape(&published.model.name),
        escape(&published.device.name)
    )
}

fn settings(run: &RunRecord) -> String {
    let runtime = run.runtime.as_ref();
    let effective = |key: &str| {
        let value = runtime.and_then(|runtime| runtime.properties_effective.get(key));
        value.map_or("not known".to_owned(), |value| escape(value))
    };
    let openvino = runtime.map_or("not known".to_owned(), |runtime| {
        format!("{} ({})", escape(&runtime.openvino_version), escape(&runtime.openvino_build))
    });
    let rows = [
        ("Model", format!("{}, sha256 {}", escape(&run.model.name), code(&run.model.sha256))),
        ("Device", device(run)),
        ("OpenVINO", openvino),
        ("Inference precision", effective("INFERENCE_PRECISION_HINT")),
        ("KV cache", kv_cache(run, &effective("KV_CACHE_PRECISION"))),
        ("Answers", format!("{} each, greedy, stateful", counted(run.workload.new_tokens, "new token"))),
        ("Prompts", prompts(run)),
        ("Runs", runs(run)),
        ("Machine", machine(run)),
    ];
    let mut text = "| Setting | Value |\n| --- | --- |\n".to_owned();
    for (name, value) in rows {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    text
}

fn figures(summary: &Summary, average: &Figures) -> String {
    let mut text = "\n| Prompt | Latency (s) | TPOT (ms/token) | Throughput (tok/s) | Output |\n\
        | --- | --: | --: | --: | --- |\n"
        .to_owned();
    for prompt in &summary.prompts {
        if let Some(figures) = &prompt.figures {
            text.push_str(&row(&escape(&prompt.title), figures, prompt.golden));
        }
    }
    text.push_str(&row("**Average**", average, summary.golden));
    text
}

fn row(title: &str, figures: &Figures, golden: Option<GoldenResult>) -> String {
    let mean = &figures.mean;
    let [latency, per_token, throughput] =
        [mean.latency_s, mean.per_token_ms, mean.throughput_tok_s].map(four_digits);
    let output = match golden {
        Some(GoldenResult::Match) => "verified",
        Some(GoldenResult::NearTie) => "near-tie",
        _ => "not verified",
    };
    format!("| {title} | {latency} | {per_token} | {throughput} | {output} |\n")
}

fn device_name(run: &RunRecord) -> &str {
    let name = run.device.ran.as_ref().and_then(|ran| ran.facts().full_name.as_deref());
    name.unwrap_or(&run.machine.cpu)
}

fn device(run: &RunRecord) -> String {
    let proof = match run.device.ran.as_ref().map(ProvenDevice::grade) {
        Some(ProofGrade::PropertyAndCounters) => "proven by OpenVINO's word and the kernel's counters",
        Some(ProofGrade::Property) => "by OpenVINO's word alone",
        None => "not known",
    };
    format!("{}, {proof}", escape(&run.device.in_words(&run.machine.cpu)))
}

fn kv_cache(run: &RunRecord, precision: &str) -> String {
    let cache = run.processes.iter().find_map(|process: &ProcessRecord| process.kv_cache.as_ref());
    let size = cache.and_then(|cache| Some((cache.bytes?, cache.tokens)));
    let size = size.map(|(bytes, tokens)| format!(", {} for {tokens} tokens", mebibytes(bytes)));
    format!("{precision}{}", size.unwrap_or_default())
}

fn prompts(run: &RunRecord) -> String {
    let tokens = run.workload.prompts.iter().map(|prompt| prompt.token_ids.len());
    let (fewest, most) = (tokens.clone().min().unwrap_or_default(), tokens.max().unwrap_or_default());
    let count = run.workload.prompts.len();
    if fewest == most {
        return format!("{count} of {}", counted(most, "token"));
    }
    format!("{count} of {fewest} to {}", counted(most, "token"))
}

fn runs(run: &RunRecord) -> String {
    let processes = match run.workload.runs {
        1 => "1 fresh process, which asked each prompt once".to_owned(),
        runs => format!("{runs} fresh processes, each of which asked each prompt once"),
    };
    format!("{processes}, after a warm-up that does not count")
}

fn machine(run: &RunRecord) -> String {
    let machine = &run.machine;
    let told = [
        Some(escape(&machine.cpu)),
        Some(counted(machine.logical_cores, "logical processor")),
        Some(format!("{} GiB", machine.memory_gib)),
        machine.os.as_deref().map(escape),
        machine.kernel.as_ref().map(|kernel| format!("kernel {}", escape(kernel))),
    ];
    told.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// When, of what, from which file, and how to do it again.
fn provenance(record: CardRecord<'_>) -> String {
    let run = record.run;
    let commit = run.commit.as_ref();
    let told = commit.map_or("outside a repository".to_owned(), |commit| {
        let dirty = if commit.dirty { ", with changes that are not in it" } else { "" };
        format!("at commit {}{dirty}", code(&commit.sha))
    });
    let mut text = format!(
        "\nMeasured {} {told}, by arcgauge {}. Record {}, sha256 of its payload {}.\n",
        code(&run.when_utc),
        escape(&run.arcgauge_version),
        code(record.file_name),
        code(record.payload_sha256)
    );
    if !run.warnings.is_empty() {
        text.push('\n');
    }
    for warning in &run.warnings {
        let _ = writeln!(text, "- warning: {}", escape(&warning.message));
    }
    let checkout = commit.map(|commit| format!("git checkout {}\n", word(&commit.sha, "COMMIT")));
    let _ =
        write!(text, "\nReproduce:\n\n```sh\n{}{}\n```\n", checkout.unwrap_or_default(), bench_command(run));
    text
}
