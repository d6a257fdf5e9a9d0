//! `bench --output FILE`: a run's figures as JSON, in the words of the published benchmark.

use serde_json::{Value, json};

use crate::judge::{Figures, Summary, summarise};
use crate::measure::supervisor::Purpose;
use crate::measure::{Metric, MetricValues};
use crate::record::{ArmView, ProvenDevice};
use crate::visible;

/// Version of this form.
const SCHEMA: &str = "arcgauge-results@1";

/// The results of a record, as text. Values are not rounded; what has no speed is null.
#[must_use]
pub fn results_json(record: ArmView<'_>) -> String {
    let summary = summarise(&record);
    let value = json!({
        "schema": SCHEMA,
        "definitions": {
            "latency_s": Metric::EndToEndLatency.id(),
            "tpot_ms": Metric::EndToEndPerToken.id(),
            "throughput_tok_s": Metric::EndToEndThroughput.id(),
            "ttft_ms": Metric::TimeToFirstToken.id(),
            "decode_tpot_ms": Metric::TimePerOutputToken.id(),
            "decode_throughput_tok_s": Metric::DecodeThroughput.id(),
            "host_overhead_us": Metric::HostOverhead.id(),
            "load_s": Metric::Load.id(),
            "note": "latency_s, tpot_ms and throughput_tok_s include the prefill, as the published ones do",
        },
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
        "prompts": prompts(&summary),
        "average": average(&summary),
        "load_s": loads_s(record),
        "logit_drift": record.logit_drift,
        "warnings": record.warnings,
    });
    visible::json(&format!("{value:#}\n"))
}

/// `load@1` of each measured process, s.
fn loads_s(record: ArmView<'_>) -> Vec<f64> {
    let measured = record.processes.iter().filter(|process| process.purpose == Purpose::Measured);
    measured.filter_map(|process| Some(process.load.as_ref()?.load_ns as f64 / 1e9)).collect()
}

fn prompts(summary: &Summary) -> Vec<Value> {
    let prompts = summary.prompts.iter();
    prompts
        .map(|prompt| {
            let mut value = figures(prompt.figures.as_ref());
            value["id"] = json!(prompt.id);
            value["title"] = json!(prompt.title);
            value["golden"] = json!(prompt.golden);
            value["peak_rss_bytes"] = json!(prompt.peak_rss_bytes);
            value["runs"] = prompt.runs.iter().map(run).collect();
            value
        })
        .collect()
}

fn average(summary: &Summary) -> Value {
    let mut value = figures(summary.average.as_ref());
    value["golden"] = json!(summary.golden);
    value
}

fn figures(figures: Option<&Figures>) -> Value {
    let mut value = run(figures.map_or(&MetricValues::default(), |figures| &figures.mean));
    value["spread"] = json!(figures.and_then(|figures| figures.spread));
    value
}

/// The names that the published benchmark's results have, and every metric by its id.
fn run(run: &MetricValues) -> Value {
    json!({
        "latency_s": run.get(Metric::EndToEndLatency),
        "tpot_ms": run.get(Metric::EndToEndPerToken),
        "throughput_tok_s": run.get(Metric::EndToEndThroughput),
        "ttft_ms": run.get(Metric::TimeToFirstToken),
        "decode_tpot_ms": run.get(Metric::TimePerOutputToken),
        "decode_throughput_tok_s": run.get(Metric::DecodeThroughput),
        "host_overhead_us": run.get(Metric::HostOverhead),
        "metrics": run,
    })
}
