//! `bench --output FILE`: a run's figures as JSON, in the words of the published benchmark.

use serde_json::{Value, json};

use crate::judge::{Figures, RunFigures, Summary, summarise};
use crate::measure::Metric;
use crate::record::{ProcessPurpose, ProvenDevice, RunRecord};

/// Version of this form.
const SCHEMA: &str = "arcgauge-results@1";

/// The results of a record, as text. Values are not rounded; what has no speed is null.
#[must_use]
pub fn results_json(record: &RunRecord) -> String {
    let summary = summarise(record);
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
        "run_id": record.run_id,
        "when_utc": record.when_utc,
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
    format!("{value:#}\n")
}

/// `load@1` of each measured process, s.
fn loads_s(record: &RunRecord) -> Vec<f64> {
    let measured = record.processes.iter().filter(|process| process.purpose == ProcessPurpose::Measured);
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
    let Some(figures) = figures else {
        return json!({
            "latency_s": null, "tpot_ms": null, "throughput_tok_s": null, "ttft_ms": null,
            "decode_tpot_ms": null, "decode_throughput_tok_s": null, "host_overhead_us": null, "spread": null,
        });
    };
    let mut value = run(&figures.mean);
    value["spread"] = json!(figures.spread);
    value
}

fn run(run: &RunFigures) -> Value {
    json!({
        "latency_s": run.latency_s,
        "tpot_ms": run.per_token_ms,
        "throughput_tok_s": run.throughput_tok_s,
        "ttft_ms": run.ttft_ms,
        "decode_tpot_ms": run.decode_tpot_ms,
        "decode_throughput_tok_s": run.decode_throughput_tok_s,
        "host_overhead_us": run.host_overhead_us,
    })
}
