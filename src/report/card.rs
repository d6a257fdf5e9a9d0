//! `report --card`: a run as a model card: its metadata, and the tables of the published one in Markdown.
//!
//! Latency, time per token and throughput are those of the published card, prefill included. Only verified output
//! has a card, and only valid times have metadata.

use std::fmt::Write;

use crate::error::{Error, Result};
use crate::golden::GoldenResult;
use crate::judge::comparability::ComparedSide;
use crate::judge::{MeanValues, Standing, Summary, standing};
use crate::measure::{Metric, MetricValue};
use crate::record::{ArmView, ProcessRecord, ProofGrade, ProvenDevice};
use crate::report::document::{Cell, Document, Line, Table, code, escape, number};
use crate::report::exchange::device_name;
use crate::report::number::{counted, four_digits, mebibytes, percent};
use crate::report::reproduce::{bench_command, word};
use crate::visible;

/// A record that a card is made of.
#[derive(Debug, Clone, Copy)]
pub struct CardRecord<'a> {
    /// What it says.
    pub run: ArmView<'a>,
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
    let side = ComparedSide::of(&run);
    let average = match (&side.no_speed_reason, &side.summary.average) {
        (None, Some(average)) => average,
        (reason, _) => {
            let reason = reason.as_deref().unwrap_or("a prompt of it has no times");
            return Err(Error::input(format!("record `{}` has no card: {reason}", run.experiment.run_id))
                .hint("a card is of a complete run with verified output: `cargo xtask bench`"));
        }
    };
    // A reader of metadata sees no warning, so invalid times have none.
    let mut text = match side.doubted_reason {
        None => metadata(record, average),
        Some(_) => String::new(),
    };
    let standing = against_published(run, average);
    text.push_str(&standing_note(run, &side, standing.as_ref()));
    let _ = writeln!(text, "## {} on {}\n", escape(&run.model.name), escape(device_name(run)));
    text.push_str(&settings(run));
    text.push_str(&metric_values(&side.summary, average));
    text.push_str(&reference(run, standing));
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

/// What must be known before a value is read; nothing where the run is one of the published benchmark's.
fn standing_note(run: ArmView<'_>, side: &ComparedSide, standing: Option<&Compared>) -> String {
    let reason = match standing {
        Some((Standing::NotJudged(reason), _)) => Some(reason.as_str()),
        Some(_) => None,
        None => Some("the record holds no published values"),
    };
    let mut text = String::new();
    if let Some(reason) = reason {
        let _ = writeln!(
            text,
            "> Not the published benchmark: {}. These values are of {} on {}.",
            escape(reason),
            escape(&run.model.name),
            run.device.actual(),
        );
    }
    if let Some(reason) = &side.doubted_reason {
        let _ = writeln!(text, "> Times are invalid, so the card has no metadata: {}.", escape(reason));
    }
    if text.is_empty() { text } else { text + "\n" }
}

/// How the run stands to the published value, and by which share.
type Compared = (Standing, Option<f64>);

/// None where no value is known.
fn against_published(run: ArmView<'_>, average: &MeanValues) -> Option<Compared> {
    let published = run.experiment.published.as_ref()?;
    let speed = average.throughput();
    let metric_value = MetricValue { metric: published.reference.metric, value: published.reference.value };
    Some((standing(published, &run, Some(speed)), speed.ratio_to(metric_value).ok()))
}

fn reference(run: ArmView<'_>, standing: Option<Compared>) -> String {
    let (Some(published), Some((standing, share))) = (&run.experiment.published, standing) else {
        return String::new();
    };
    let reported = match (standing, share) {
        (Standing::NotJudged(reason), _) => format!("not compared: {}", escape(&reason)),
        (_, Some(share)) => format!("this run reaches {} of it", percent(share * 100.0)),
        (_, None) => "not compared".to_owned(),
    };
    format!(
        "\nPublished: {} tok/s ({}, {} on {}); {reported}.\n",
        four_digits(published.reference.value),
        escape(&published.reference.series),
        escape(&published.model.name),
        escape(&published.device.name)
    )
}

fn settings(run: ArmView<'_>) -> String {
    let runtime = run.runtime.as_ref();
    let effective = |key: &str| {
        let value = runtime.and_then(|runtime| runtime.properties_effective.get(key));
        value.map_or("not known", String::as_str)
    };
    let openvino = runtime.map_or("not known".to_owned(), |runtime| {
        format!("{} ({})", runtime.openvino_version, runtime.openvino_build)
    });
    let sha256 = Line::prose(&format!("`{}`", run.model.sha256));
    let rows: [(&str, Line); 9] = [
        ("Model", Line::from(&run.model.name).and(", sha256 ").and(sha256)),
        ("Device", device(run).into()),
        ("OpenVINO", openvino.into()),
        ("Inference precision", effective("INFERENCE_PRECISION_HINT").into()),
        ("KV cache", kv_cache(run, effective("KV_CACHE_PRECISION")).into()),
        (
            "Answers",
            format!("{} each, greedy, stateful", counted(run.workload.new_tokens, "new token")).into(),
        ),
        ("Prompts", prompts(run).into()),
        ("Runs", runs(run).into()),
        ("Machine", machine(run).into()),
    ];
    let rows = rows.into_iter().map(|(name, value)| [name.into(), value.into()]);
    markdown(Table::new(["Setting", "Value"]).with_rows(rows))
}

fn markdown(table: Table) -> String {
    let mut document = Document::default();
    document.table(table);
    document.to_markdown()
}

fn metric_values(summary: &Summary, average: &MeanValues) -> String {
    let prompts = summary.prompts.iter().filter_map(|prompt| {
        Some(row(Line::from(&prompt.title), prompt.metric_values.as_ref()?, prompt.golden))
    });
    let headings = ["Prompt", "Latency (s)", "TPOT (ms/token)", "Throughput (tok/s)", "Output"];
    let rows = prompts.chain([row(Line::name("Average"), average, summary.golden)]);
    format!("\n{}", markdown(Table::new(headings).with_rows(rows)))
}

fn row(title: Line, metric_values: &MeanValues, golden: Option<GoldenResult>) -> [Cell; 5] {
    let [latency, per_token, throughput] =
        [Metric::EndToEndLatency, Metric::EndToEndPerToken, Metric::EndToEndThroughput]
            .map(|metric| number(Some(four_digits(metric_values.mean.get_or_nan(metric)))));
    let output = match golden {
        Some(GoldenResult::Match) => "verified",
        Some(GoldenResult::NearTie) => "near-tie",
        _ => "not verified",
    };
    [title.into(), latency, per_token, throughput, output.into()]
}

fn device(run: ArmView<'_>) -> String {
    let proof = match run.device.ran.as_ref().map(ProvenDevice::grade) {
        Some(ProofGrade::PropertyAndCounters) => "reported by OpenVINO and verified by the kernel's counters",
        Some(ProofGrade::Property) => "reported by OpenVINO alone",
        None => "not known",
    };
    format!("{}, {proof}", run.device.in_words(&run.experiment.machine.cpu))
}

fn kv_cache(run: ArmView<'_>, precision: &str) -> String {
    let cache = run.processes.iter().find_map(|process: &ProcessRecord| process.kv_cache.as_ref());
    let size = cache.and_then(|cache| Some((cache.bytes?, cache.tokens)));
    let size = size.map(|(bytes, tokens)| format!(", {} for {tokens} tokens", mebibytes(bytes)));
    format!("{precision}{}", size.unwrap_or_default())
}

fn prompts(run: ArmView<'_>) -> String {
    let tokens = run.workload.prompts.iter().map(|prompt| prompt.token_ids.len());
    let (fewest, most) = (tokens.clone().min().unwrap_or_default(), tokens.max().unwrap_or_default());
    let count = run.workload.prompts.len();
    if fewest == most {
        return format!("{count} of {}", counted(most, "token"));
    }
    format!("{count} of {fewest} to {}", counted(most, "token"))
}

fn runs(run: ArmView<'_>) -> String {
    let processes = match run.workload.runs {
        1 => "1 fresh process".to_owned(),
        runs => format!("{runs} fresh processes"),
    };
    format!("{processes}, each prompt once per process, after a discarded warm-up")
}

fn machine(run: ArmView<'_>) -> String {
    let machine = &run.experiment.machine;
    let reported = [
        Some(machine.cpu.clone()),
        Some(counted(machine.logical_cores, "logical processor")),
        Some(format!("{} GiB", machine.memory_gib)),
        machine.os.clone(),
        machine.kernel.as_ref().map(|kernel| format!("kernel {kernel}")),
    ];
    reported.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// When, at which commit, from which file, and the command that repeats it.
fn provenance(record: CardRecord<'_>) -> String {
    let run = record.run;
    let commit = run.commit.as_ref();
    let reported = commit.map_or("outside a repository".to_owned(), |commit| {
        let dirty = if commit.dirty { ", with changes that are not in it" } else { "" };
        format!("at commit {}{dirty}", code(&commit.sha))
    });
    let mut text = format!(
        "\nMeasured {} {reported}, by arcgauge {}. Record {}, sha256 of its payload {}.\n",
        code(&run.experiment.when_utc),
        escape(&run.experiment.arcgauge_version),
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

/// The front matter of a card. `verified` is not written: only the hub itself may set it.
fn metadata(record: CardRecord<'_>, average: &MeanValues) -> String {
    let run = record.run;
    let runtime = run.runtime.as_ref();
    let property = |key: &str| runtime.and_then(|runtime| runtime.properties_effective.get(key)).cloned();
    let args = [
        ("prompts", Some(run.workload.prompts.len().to_string())),
        ("new_tokens", Some(run.workload.new_tokens.to_string())),
        ("processes", Some(run.workload.runs.to_string())),
        ("model_sha256", Some(quoted(&run.model.sha256))),
        ("device", Some(quoted(&run.device.in_words(&run.experiment.machine.cpu)))),
        ("openvino", runtime.map(|runtime| quoted(&runtime.openvino_version))),
        ("inference_precision", property("INFERENCE_PRECISION_HINT").map(|it| quoted(&it))),
        ("kv_cache_precision", property("KV_CACHE_PRECISION").map(|it| quoted(&it))),
        ("commit", run.commit.as_ref().map(|commit| quoted(&commit.sha))),
        ("measured_utc", Some(quoted(&run.experiment.when_utc))),
        ("record", Some(quoted(record.file_name))),
        ("record_sha256", Some(quoted(record.payload_sha256))),
    ];
    let mut text = format!(
        "---\nmodel-index:\n- name: {}\n  results:\n  - task:\n      type: text-generation\n    dataset:\n      \
         type: arcgauge-prompts\n      name: {}\n      revision: {}\n      args:\n",
        quoted(&run.model.name),
        quoted(&format!("arcgauge, {} prompts", run.experiment.suite)),
        quoted(&run.workload.sha256),
    );
    for (key, value) in args.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        let _ = writeln!(text, "        {key}: {value}");
    }
    text.push_str("    metrics:\n");
    for (metric, value) in average.mean.iter().filter(|(_, value)| value.is_finite()) {
        let name = quoted(&format!("{} ({})", metric.title(), metric.unit()));
        let (id, value) = (quoted(metric.id()), four_digits(value));
        let _ = writeln!(text, "    - type: {id}\n      name: {name}\n      value: {value}");
    }
    text + "---\n\n"
}

/// A text as a double-quoted scalar: JSON's strings are YAML's, and nothing in it is invisible.
fn quoted(text: &str) -> String {
    serde_json::Value::from(visible::line(text)).to_string()
}
