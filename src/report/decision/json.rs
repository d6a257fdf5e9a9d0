//! For programs: a decision with all that it stands on, as JSON.
//!
//! | field | holds |
//! |---|---|
//! | `schema` | the version of this form; a field is added without raising it, never taken away |
//! | `kind` | "ab" where two sides were measured in pairs, "run" where one was compared with none |
//! | `run_id`, `when_utc`, `outcome`, `failure` | the record's own |
//! | `exit_code` | with which the verb ends |
//! | `decision` | `verdict`, `reason`, `status`, `judged_utc`; null where none was reached |
//! | `comparisons` | by `metric` (a definition id) and `prompt` (null: the mean): `ratio` head / base with `lower` and `upper`, the same as changes in percent, `better`, `pairs`, `word`, `reason` |
//! | `checks` | `id`, `word`, `reason` |
//! | `sensitivity` | what the pairs could have seen, percent |
//! | `pairs` | `pair` from 1, `first`, `difference_percent` of the mean `tpot@1`, `invalidated_by`, `counts_despite` |
//! | `sides` | `base` and `head`, or `head` alone: what was `label`, its `differences` from the usual run of its commit, commit, device, runtime, model, workload |
//! | `profile` | where both sides were profiled: µs of a decode step, what of it no operator explains, and the operators `by_kind` and `by_name`, the largest difference first |
//! | `machine`, `inputs`, `policy_sha256`, `seed`, `ignore_guards`, `stop_reason`, `warnings` | what else it depends on |
//!
//! Numbers are not rounded; units are in the fields' names.

use serde_json::{Map, Value, json};

use crate::measure::Metric;
use crate::record::{
    ArmView, ComparisonRecord, DecisionRecord, ProvenDevice, RequestedPrompt, Side, Warning,
};
use crate::report::decision::subject::{PairLine, Subject, mean_tpot_ms};
use crate::report::number::change_percent;
use crate::report::profile::profile_change_json;
use crate::visible;

const SCHEMA: &str = "arcgauge-decision@2";

/// A decision as JSON, with the exit code that the verb ends with; None where no decision was reached.
pub fn decision_json(subject: Subject<'_>, decision: Option<&DecisionRecord>, exit_code: u8) -> String {
    let (outcome, failure) = (subject.record.outcome, subject.record.failure.as_deref());
    let mut value = json!({
        "schema": SCHEMA,
        "kind": if subject.is_ab() { "ab" } else { "run" },
        "run_id": subject.record.run_id,
        "when_utc": subject.record.when_utc,
        "outcome": outcome,
        "failure": failure,
        "exit_code": exit_code,
        "decision": decision.map(|it| json!({
            "verdict": it.verdict,
            "reason": it.reason,
            "status": it.status,
            "judged_utc": it.judged_utc,
        })),
        "comparisons": decision.into_iter().flat_map(|it| &it.comparisons).map(comparison).collect::<Value>(),
        "checks": decision.map_or(&[][..], |it| &it.checks),
        "sensitivity": decision.and_then(|it| it.sensitivity),
        "pairs": subject.pairs().iter().enumerate().map(pair).collect::<Value>(),
        "sides": sides(subject),
        "machine": { "slug": subject.record.machine.slug, "sha256": subject.record.machine.sha256 },
        "warnings": subject.warnings().into_iter().map(warning).collect::<Value>(),
    });
    let record = subject.record;
    if subject.is_ab() {
        value["profile"] = profile_change_json(Side::BOTH.map(|side| record.side(side)));
        value["inputs"] = json!(record.inputs);
        if let Some(inputs) = value["inputs"].as_object_mut() {
            // Its text is in the record; its hash is enough here.
            inputs.remove("policy");
        }
        value["policy_sha256"] = json!(record.inputs.policy.sha256);
        value["seed"] = json!(record.sampling.seed);
        value["ignore_guards"] = json!(record.sampling.ignore_guards);
        value["stop_reason"] = json!(record.stop_reason);
    }
    // To a runner of GitHub's this would be a command, wherever in the log it stands; to JSON it is the
    // same text either way.
    visible::json(&format!("{value:#}\n"))
}

fn comparison(comparison: &ComparisonRecord) -> Value {
    let mut value = json!(comparison);
    value["prompt"] = json!(comparison.prompt);
    value["better"] = comparison.metric.direction().as_str().into();
    value["change_percent"] = change_percent(comparison.ratio).into();
    value["change_lower_percent"] = change_percent(comparison.lower).into();
    value["change_upper_percent"] = change_percent(comparison.upper).into();
    value
}

fn pair((index, pair): (usize, &PairLine)) -> Value {
    let mut value = json!(pair);
    value["pair"] = (index + 1).into();
    value
}

fn sides(subject: Subject<'_>) -> Value {
    let reported = subject.runs().into_iter().map(|(side, run)| {
        let mut value = identity(run);
        if subject.is_ab() {
            value["label"] = json!(run.label);
            value["differences"] = json!(run.differences);
        }
        (side.as_str().to_owned(), value)
    });
    Value::Object(reported.collect::<Map<_, _>>())
}

/// What a side is: all that must be the same, or was meant to differ.
fn identity(run: ArmView<'_>) -> Value {
    let commit = run.commit.as_ref();
    let ran = run.device.ran.as_ref();
    let runtime = run.runtime.as_ref();
    json!({
        "run_id": run.experiment.run_id,
        "outcome": run.outcome,
        "commit": commit,
        "worker_sha256": run.worker.sha256,
        "device": {
            "requested": run.device.requested,
            "actual": run.device.actual(),
            "name": ran.and_then(|ran| ran.facts().full_name.as_deref()),
            "gpu": run.device.gpu_identity(),
            "emulated_reason": run.device.emulated_reason(),
            "execution_devices": ran.map(ProvenDevice::execution_devices),
            "proof": ran.map(ProvenDevice::grade),
        },
        "openvino_version": runtime.map(|runtime| &runtime.openvino_version),
        "openvino_build": runtime.map(|runtime| &runtime.openvino_build),
        "properties_effective": runtime.map(|runtime| &runtime.properties_effective),
        "model": { "name": run.model.name, "sha256": run.model.sha256 },
        "workload": {
            "sha256": run.workload.sha256,
            "protocol": run.workload.protocol,
            "prompts": run.workload.prompts.iter().map(|RequestedPrompt { id, .. }| id).collect::<Vec<_>>(),
            "new_tokens": run.workload.new_tokens,
            "processes": run.workload.runs,
        },
        "mean_ms_per_token": { "metric": Metric::TimePerOutputToken, "value": mean_tpot_ms(run) },
    })
}

/// A warning, and which side it is of: null for both.
fn warning((side, warning): (Option<Side>, &Warning)) -> Value {
    json!({ "side": side, "id": warning.id, "message": warning.message, "advice": warning.advice })
}
