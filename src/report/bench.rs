//! The report on a run: its validity, a table in the published form, and what must be known beside it; and the same as
//! JSON for `bench --output FILE`, in the words of the published benchmark.

use serde_json::{Value, json};

use crate::judge::{
    CostLine, DepthGrowth, LINE_TOLERANCE, MeanValues, PromptSummary, Standing, Summary, Validity,
    depth_growth, standing, summarise,
};
use crate::measure::{Metric, MetricValues};
use crate::record::{ArmView, ProvenDevice};
use crate::report::decision::divergence;
use crate::report::document::{Cell, Document, Table, metric, number};
use crate::report::facts::{facts_of, kv_cache_size};
use crate::report::mark::{add_validity, output_word, repeats_validity};
use crate::report::number::{counted, mebibytes};
use crate::report::profile::add_profile;
use crate::visible;
use crate::workload::Suite;

/// How much of a run is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Five columns and a line beneath.
    Brief,
    /// All columns, and the facts of the run.
    Wide,
}

/// A value between prompt and output.
struct Column {
    heading: &'static str,
    decimals: usize,
    /// The least that has it.
    detail: Detail,
    of: fn(&MeanValues) -> Option<f64>,
}

const COLUMNS: [Column; 5] = [
    column("tok/s", 2, Detail::Brief, |it| it.mean.get(Metric::EndToEndThroughput)),
    column("TPOT ms", 2, Detail::Brief, |it| it.mean.get(Metric::TimePerOutputToken)),
    column("TTFT ms", 1, Detail::Brief, |it| it.mean.get(Metric::TimeToFirstToken)),
    column("latency s", 3, Detail::Wide, |it| it.mean.get(Metric::EndToEndLatency)),
    column("spread %", 1, Detail::Wide, |it| Some(it.spread? * 100.0)),
];

const fn column(
    heading: &'static str,
    decimals: usize,
    detail: Detail,
    of: fn(&MeanValues) -> Option<f64>,
) -> Column {
    Column { heading, decimals, detail, of }
}

/// Of the suite `depth`: prompts of different lengths have no average.
const DEPTH_HEADINGS: [&str; 6] = ["prompt", "prefill tok/s", "TTFT ms", "TPOT ms", "peak MiB", "output"];

/// The report that `bench` prints for a record, and `history show` prints again.
pub fn bench_document(record: ArmView<'_>, detail: Detail) -> Document {
    let summary = summarise(&record);
    let validity = Validity::of_run(&record);
    let mut document = Document::default();
    add_validity(&mut document, &validity, record);
    if validity == Validity::Interrupted {
        return document;
    }
    document.title(title(record));
    document.text(workload(record));
    if is_of_depth(record) {
        document.table(depth_table(record, &summary));
        add_growth(&mut document, record, &summary);
    } else {
        document.table(table(&summary, detail));
        document.text(beneath(record, &summary));
    }
    if detail == Detail::Wide {
        for sentence in DEFINITIONS {
            document.text(sentence);
        }
        for (subject, text) in facts_of(record, &summary) {
            document.fact(subject, text);
        }
    }
    add_profile(&mut document, record);
    for prompt in &record.prompts {
        divergence(&mut document, None, prompt);
    }
    for warning in record.warnings.iter().filter(|warning| !repeats_validity(&validity, warning)) {
        document.warning("", warning);
    }
    document
}

/// Adds the definitions of all metrics, for `--explain`.
pub fn explain(document: &mut Document) {
    let rows = Metric::ALL.iter().map(|it| -> [Cell; 4] {
        [metric(*it), it.unit().into(), it.direction().as_str().into(), it.formula().into()]
    });
    document.section("Definitions");
    document.text(
        "t_0 is just before the first inference is submitted, after tokenisation; t_i is when token i of N is known \
         on the host, argmax included. The clock is monotonic. An average is total tokens over total seconds. Values \
         of different ids are never compared.",
    );
    document.table(Table::new(["id", "unit", "better", "definition"]).with_rows(rows));
}

const DEFINITIONS: [&str; 2] = [
    "latency and tok/s include the prefill, as in the published table (e2e_latency@1, e2e_throughput@1); TPOT \
     excludes it (tpot@1).",
    "spread: longest less shortest latency of a prompt's runs. `--explain` has every formula.",
];

pub(super) fn title(record: ArmView<'_>) -> String {
    let runtime = record.runtime.as_ref();
    let effective = |key: &str| {
        let value = runtime.and_then(|runtime| runtime.properties_effective.get(key));
        value.map_or("?", String::as_str)
    };
    format!(
        "{} on {}, OpenVINO {}, {} with a {} KV cache",
        record.model.name,
        record.device.in_words(&record.experiment.machine.cpu),
        runtime.map_or("?", |runtime| runtime.openvino_version.as_str()),
        effective("INFERENCE_PRECISION_HINT"),
        effective("KV_CACHE_PRECISION")
    )
}

fn workload(record: ArmView<'_>) -> String {
    let commit = record.commit.as_ref().map_or("no commit".to_owned(), |commit| {
        format!("{}{}", commit.short(), if commit.dirty { " (dirty)" } else { "" })
    });
    format!(
        "{}, {} greedy tokens a prompt, commit {commit}{}",
        counted(record.workload.runs, "fresh process"),
        record.workload.new_tokens,
        record.experiment.backfilled_by().map_or(String::new(), |by| format!(", backfilled by {by}"))
    )
}

fn table(summary: &Summary, detail: Detail) -> Table {
    let is_wide = detail == Detail::Wide;
    let columns = COLUMNS.iter().filter(|column| is_wide || column.detail == Detail::Brief);
    let peak = is_wide.then_some("peak MiB");
    let headings = columns.clone().map(|column| column.heading).chain(peak);
    let headings = ["prompt"].into_iter().chain(headings).chain(["output"]);
    let row = |title: &str, values: Option<&MeanValues>, peak: Cell, output: Cell| -> Vec<Cell> {
        let cells = columns.clone().map(|Column { decimals, of, .. }| {
            number(values.and_then(of).map(|value| format!("{value:.decimals$}")))
        });
        let cells = cells.chain(is_wide.then_some(peak)).chain([output]);
        [title.into()].into_iter().chain(cells).collect()
    };
    let prompts = summary.prompts.iter().map(|prompt| {
        row(&prompt.title, prompt.metric_values.as_ref(), peak_mib(prompt), output_word(prompt.golden).into())
    });
    // A row of means: no highest value and no worst output.
    let average = row("average", summary.average.as_ref(), number(None), "".into());
    Table::new(headings).with_rows(prompts.chain([average]))
}

fn peak_mib(prompt: &PromptSummary) -> Cell {
    number(prompt.peak_rss_bytes.map(|bytes| format!("{:.1}", bytes as f64 / f64::from(1 << 20))))
}

/// Whether a run is of the suite `depth`, whose prompts are of different lengths.
pub(super) fn is_of_depth(record: ArmView<'_>) -> bool {
    record.experiment.suite == Suite::Depth.as_str()
}

/// Adds how the cost of a token grows over depth, where it can be said.
pub(super) fn add_growth(document: &mut Document, record: ArmView<'_>, summary: &Summary) {
    if let Some(growth) = depth_growth(&record, summary) {
        document.text(growth_sentence(&growth));
    }
}

/// Over a filled cache one token is the whole prefill, and so not shown as one.
pub(super) fn depth_table(record: ArmView<'_>, summary: &Summary) -> Table {
    let prompts = record.workload.prompts.iter().zip(&summary.prompts).map(|(requested, prompt)| {
        let of = |metric: Metric, decimals: usize| {
            let value = prompt.metric_values.as_ref().and_then(|values| values.mean.get(metric));
            number(value.map(|value| format!("{value:.decimals$}")))
        };
        let of_prefill = |metric| if requested.cache_tokens.is_some() { number(None) } else { of(metric, 1) };
        [
            Cell::from(prompt.title.as_str()),
            of_prefill(Metric::PrefillThroughput),
            of_prefill(Metric::TimeToFirstToken),
            of(Metric::TimePerOutputToken, 2),
            peak_mib(prompt),
            output_word(prompt.golden).into(),
        ]
    });
    Table::new(DEPTH_HEADINGS).with_rows(prompts)
}

/// The cost of a token over depth, and where it leaves the line.
fn growth_sentence(growth: &DepthGrowth) -> String {
    let CostLine { at_zero_ms, per_token_ms } = growth.line;
    let line =
        format!("TPOT grows by {:.2} ms per 1,000 tokens, from {at_zero_ms:.2} ms", per_token_ms * 1e3);
    let within = format!("{:.0} %", LINE_TOLERANCE * 100.0);
    match growth.leaves_at.and_then(|at| growth.costs.get(at)) {
        None => format!("{line}; all depths are within {within} of this line"),
        Some(left) => format!(
            "{line}; `{}` is off this line by more than {within}: {:.2} ms where it says {:.2} ms",
            left.title,
            left.tpot_ms,
            growth.line.at(left.depth_tokens)
        ),
    }
}

/// Peak memory, KV cache, and the published value or why the run is not compared with it.
fn beneath(record: ArmView<'_>, summary: &Summary) -> String {
    let parts = [
        summary.peak_rss_bytes.map(|bytes| format!("peak memory {}", mebibytes(bytes))),
        kv_cache_size(record).map(|size| format!("KV cache {size}")),
        published(record, summary),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn published(record: ArmView<'_>, summary: &Summary) -> Option<String> {
    let published = record.experiment.published.as_ref()?;
    let speed = summary.average.as_ref().map(MeanValues::throughput);
    let result = match standing(published, &record, speed) {
        Standing::NotJudged(reason) => format!("not judged, {reason}"),
        Standing::Reached => "reached".to_owned(),
        Standing::Below => "NOT reached".to_owned(),
    };
    Some(format!("published {:.2} tok/s: {result}", published.reference.value))
}

const SCHEMA: &str = "arcgauge-results@1";

const PUBLISHED: [(&str, Metric); 7] = [
    ("latency_s", Metric::EndToEndLatency),
    ("tpot_ms", Metric::EndToEndPerToken),
    ("throughput_tok_s", Metric::EndToEndThroughput),
    ("ttft_ms", Metric::TimeToFirstToken),
    ("decode_tpot_ms", Metric::TimePerOutputToken),
    ("decode_throughput_tok_s", Metric::DecodeThroughput),
    ("host_overhead_us", Metric::HostOverhead),
];

/// The results of a record, as text. Values are not rounded; what has no speed is null.
pub fn results_json(record: ArmView<'_>) -> String {
    let summary = summarise(&record);
    let mut average = values_json(summary.average.as_ref());
    average["golden"] = json!(summary.golden);
    let mut definitions: Value = PUBLISHED.iter().map(|(name, metric)| (*name, metric.id())).collect();
    definitions["load_s"] = Metric::Load.id().into();
    definitions["note"] =
        "latency_s, tpot_ms and throughput_tok_s include the prefill, as the published ones do".into();
    let value = json!({
        "schema": SCHEMA,
        "definitions": definitions,
        "run_id": record.experiment.run_id,
        "when_utc": record.experiment.when_utc,
        "outcome": record.outcome,
        "commit": record.commit,
        "device": {
            "requested": record.device.requested,
            "actual": record.device.actual(),
            "reason": record.device.reason,
            "proof": record.device.ran.as_ref().map(ProvenDevice::grade),
            "gpu": record.device.gpu_identity(),
            "emulated_reason": record.device.emulated_reason(),
        },
        "runtime": record.runtime,
        "model": { "name": record.model.name, "sha256": record.model.sha256 },
        "max_new_tokens": record.workload.new_tokens,
        "prompts": summary.prompts.iter().map(prompt_json).collect::<Value>(),
        "average": average,
        // Of each measured process.
        "load_s": record.measured_processes()
            .filter_map(|process| Some(process.load.as_ref()?.load_ns as f64 / 1e9))
            .collect::<Value>(),
        "logit_drift": record.logit_drift,
        "distribution_drift": record.distribution_drift,
        "warnings": record.warnings,
    });
    visible::json(&format!("{value:#}\n"))
}

fn prompt_json(prompt: &PromptSummary) -> Value {
    let mut value = values_json(prompt.metric_values.as_ref());
    value["id"] = json!(prompt.id);
    value["title"] = json!(prompt.title);
    value["golden"] = json!(prompt.golden);
    value["peak_rss_bytes"] = json!(prompt.peak_rss_bytes);
    value["runs"] = prompt.runs.iter().map(run_json).collect();
    value
}

fn values_json(metric_values: Option<&MeanValues>) -> Value {
    let mut value =
        run_json(metric_values.map_or(&MetricValues::default(), |metric_values| &metric_values.mean));
    value["spread"] = json!(metric_values.and_then(|metric_values| metric_values.spread));
    value
}

/// Every metric by its id, and some by the names that the published benchmark's results have.
fn run_json(run: &MetricValues) -> Value {
    let mut value: Value = PUBLISHED.iter().map(|(name, metric)| (*name, run.get(*metric))).collect();
    value["metrics"] = json!(run);
    value
}
