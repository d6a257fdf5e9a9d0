//! For programs: a comparison as JSON.
//!
//! | field | holds |
//! |---|---|
//! | `schema` | the version of this form; a field is added without raising it, never taken away |
//! | `exit_code` | with which the verb ends |
//! | `comparability` | "same", "environment-differs" or "unlike" |
//! | `sides` | `a` and `b`: run, commit, machine, model, workload, device and the record's file; why it has no speed, and why its times are doubted |
//! | `differences` | `what`, `a` and `b` (null: none), and which identity it `breaks` |
//! | `figures` | by `metric` (a definition id) and `prompt` (null: the mean, or of no prompt): `a`, `b`, `unit`, `better`; `ratio` b / a with `lower` and `upper` where they are compared, or `uncompared_reason` |
//! | `goldens` | the word on each prompt's output |
//! | `commands` | what to type next |
//!
//! Numbers are not rounded. Nothing in it is a verdict.

use serde_json::{Value, json};

use crate::judge::comparability::{ComparedSide, Difference, FigurePair, GoldenPair, TwoRuns};
use crate::record::ProvenDevice;
use crate::report::comparison::{ComparedRecord, commands, words};
use crate::visible;

/// Version of this form.
const SCHEMA: &str = "arcgauge-comparison@2";

/// A comparison as JSON, with the exit code that the verb ends with.
#[must_use]
pub fn comparison_json(a: ComparedRecord<'_>, b: ComparedRecord<'_>, two: &TwoRuns, exit_code: u8) -> String {
    let value = json!({
        "schema": SCHEMA,
        "exit_code": exit_code,
        "comparability": words::comparability_id(two),
        "sides": { "a": side(a, &two.a), "b": side(b, &two.b) },
        "differences": two.differences.iter().map(difference).collect::<Value>(),
        "figures": two.figures.iter().map(figure).collect::<Value>(),
        "goldens": two.goldens.iter().map(golden).collect::<Value>(),
        "commands": commands::commands(a.run, b.run, two),
        "warnings": { "a": a.run.warnings, "b": b.run.warnings },
    });
    // To a runner of GitHub's this would be a command, wherever in the log it stands.
    visible::json(&format!("{value:#}\n"))
}

fn side(record: ComparedRecord<'_>, side: &ComparedSide) -> Value {
    let run = record.run;
    let runtime = run.runtime.as_ref();
    json!({
        "file": record.file,
        "run_id": run.experiment.run_id,
        "when_utc": run.experiment.when_utc,
        "outcome": run.outcome,
        "commit": run.commit,
        "machine": { "slug": run.experiment.machine.slug, "sha256": run.experiment.machine.sha256 },
        "device": {
            "actual": run.device.actual(),
            "proof": run.device.ran.as_ref().map(ProvenDevice::grade),
            "gpu": run.device.gpu_identity(),
            "emulated_reason": run.device.emulated_reason(),
        },
        "openvino_version": runtime.map(|runtime| &runtime.openvino_version),
        "model": { "name": run.model.name, "sha256": run.model.sha256 },
        "workload_sha256": run.workload.sha256,
        "no_speed_reason": side.no_speed_reason,
        "doubted_reason": side.doubted_reason,
    })
}

fn difference(difference: &Difference) -> Value {
    json!({
        "what": difference.what,
        "a": difference.a,
        "b": difference.b,
        "breaks": difference.breaks.as_str(),
    })
}

fn figure(pair: &FigurePair) -> Value {
    let interval = pair.interval();
    json!({
        "metric": pair.metric,
        "prompt": pair.prompt,
        "unit": pair.metric.unit(),
        "better": pair.metric.direction().as_str(),
        "a": pair.a,
        "b": pair.b,
        "ratio": pair.change.map(|change| change.ratio),
        "lower": interval.map(|interval| interval.lower),
        "upper": interval.map(|interval| interval.upper),
        "uncompared_reason": pair.uncompared_reason,
    })
}

fn golden(pair: &GoldenPair) -> Value {
    json!({ "prompt": pair.prompt, "a": pair.a, "b": pair.b })
}
