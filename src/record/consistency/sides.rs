//! Sides: arms that are compared are equal in all that was not requested to differ.

use serde::Serialize;
use serde_json::Value;

use crate::golden::GoldenResult;
use crate::record::consistency::counts::word;
use crate::record::consistency::{ArmAt, Found, arms, short};
use crate::record::{Arm, Experiment, Outcome, PlanKind, StopReason, WorkloadRecord};

pub(super) fn check(experiment: &Experiment, found: &mut Found) {
    let mut arms = arms(experiment);
    let Some(first) = arms.next() else { return };
    if experiment.plan == PlanKind::Bench && first.run.outcome != experiment.outcome {
        let other = format!("`{}` is another", first.field("outcome"));
        found.add("outcome".to_owned(), word(experiment.outcome), other);
    }
    for other in arms {
        let mut compared = Compared { one: &first, other: &other, found };
        match experiment.plan {
            PlanKind::Bench => {}
            PlanKind::Ab => {
                compared.sides();
                ended(experiment, &first, &other, found);
            }
            PlanKind::Peers => compared.engines(),
        }
    }
}

/// Two arms, the later of which is named where they differ.
struct Compared<'a, 'f> {
    one: &'a ArmAt<'a>,
    other: &'a ArmAt<'a>,
    found: &'f mut Found,
}

impl Compared<'_, '_> {
    fn sides(&mut self) {
        let (one, other) = (self.one.run, self.other.run);
        let differs = |key: &str| self.requested().any(|difference| difference.starts_with(key));
        let (model, device, openvino) = (differs("model="), differs("device="), differs("openvino="));
        let any = self.requested().next().is_some();
        self.workload();
        self.equal("environment_variables", &one.environment_variables, &other.environment_variables);
        if !model {
            self.equal("model.name", &one.model.name, &other.model.name);
            self.equal("model.sha256", &one.model.sha256, &other.model.sha256);
            self.equal("model.files", &one.model.files, &other.model.files);
            self.equal("model.shape", &one.model.shape, &other.model.shape);
            self.equal("model.active_weights", &one.model.active_weights, &other.model.active_weights);
        }
        if !device {
            self.equal("device.requested", &one.device.requested, &other.device.requested);
        }
        // A side of which nothing ran is not known to differ.
        if let (Some(ran), Some(other_ran)) = (&one.device.ran, &other.device.ran)
            && !device
            && !openvino
        {
            // The grade follows from each side's own evidence: of a generation that was short there is none.
            self.equal("device.ran.kind", &ran.kind(), &other_ran.kind());
            self.equal(
                "device.ran.execution_devices",
                ran.execution_devices(),
                other_ran.execution_devices(),
            );
            self.equal("device.ran", ran.facts(), other_ran.facts());
            self.equal("device.reason", &one.device.reason, &other.device.reason);
        }
        if let (Some(runtime), Some(other_runtime)) = (&one.runtime, &other.runtime) {
            if !openvino {
                self.equal(
                    "runtime.openvino_version",
                    &runtime.openvino_version,
                    &other_runtime.openvino_version,
                );
                self.equal("runtime.openvino_build", &runtime.openvino_build, &other_runtime.openvino_build);
            }
            // One property may change others.
            if !any {
                let (requested, effective) = (&runtime.properties_requested, &runtime.properties_effective);
                self.equal("runtime.properties_requested", requested, &other_runtime.properties_requested);
                self.equal("runtime.properties_effective", effective, &other_runtime.properties_effective);
            }
        }
    }

    fn engines(&mut self) {
        self.workload();
        let (one, other) = (self.one.run, self.other.run);
        self.equal("model.sha256", &one.model.sha256, &other.model.sha256);
        self.equal("device.requested", &one.device.requested, &other.device.requested);
    }

    /// Differences that one of the two was requested to have, and the other was not.
    fn requested(&self) -> impl Iterator<Item = &String> {
        let of_one = self.one.run.differences.iter().filter(|it| !self.other.run.differences.contains(it));
        of_one.chain(self.other.run.differences.iter().filter(|it| !self.one.run.differences.contains(it)))
    }

    /// The number of processes may differ by those that came before an early end.
    fn workload(&mut self) {
        let of = |run: &Arm| WorkloadRecord { runs: 0, ..run.workload.clone() };
        self.equal("workload", &of(self.one.run), &of(self.other.run));
    }

    fn equal<T: Serialize + PartialEq + ?Sized>(&mut self, field: &str, one: &T, other: &T) {
        if one == other {
            return;
        }
        let json = |it: &T| serde_json::to_value(it).unwrap_or_default();
        let Some(difference) = first_difference(field, &json(one), &json(other)) else { return };
        let first = self.one.field(&difference.field);
        self.found.add(
            self.other.field(&difference.field),
            difference.other,
            format!("`{first}` is `{}`: nothing was requested to differ in it", short(&difference.one)),
        );
    }
}

/// Where two values differ first, and what each has there.
struct Difference {
    field: String,
    one: String,
    other: String,
}

fn first_difference(field: &str, one: &Value, other: &Value) -> Option<Difference> {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            let at =
                |of: &serde_json::Map<String, Value>, key: &str| of.get(key).cloned().unwrap_or_default();
            let mut differences =
                keys.filter_map(|key| first_difference(&format!("{field}.{key}"), &at(a, key), &at(b, key)));
            differences.next()
        }
        (Value::Array(a), Value::Array(b)) => {
            let unequal = a.iter().zip(b).position(|(one, other)| one != other);
            match unequal {
                Some(at) => first_difference(&format!("{field}[{at}]"), &a[at], &b[at]),
                None if a.len() == b.len() => None,
                None => Some(Difference {
                    field: format!("{field}.length"),
                    one: a.len().to_string(),
                    other: b.len().to_string(),
                }),
            }
        }
        _ if one == other => None,
        _ => Some(Difference { field: field.to_owned(), one: bare(one), other: bare(other) }),
    }
}

/// A text without its quotation marks.
fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// How an A/B ended is what its sides show: what is the same was not measured, and what was not measured is the same.
fn ended(experiment: &Experiment, base: &ArmAt<'_>, head: &ArmAt<'_>, found: &mut Found) {
    let (outcome, stop_reason) = (experiment.outcome, experiment.stop_reason);
    let runs = [base.run, head.run];
    let not_measured = |outcome: Outcome| outcome == Outcome::NotMeasured;
    let identical = stop_reason == Some(StopReason::Identical);
    let is_one_not = |run: &&Arm| not_measured(run.outcome) != identical;
    if not_measured(outcome) != identical || runs.iter().any(is_one_not) {
        let word = if identical { "identical" } else { "not identical" };
        found.add("stop_reason".to_owned(), word, "`outcome` of the A/B and its sides says otherwise");
    }
    let (one, other) = (base.run, head.run);
    if identical && (one.worker.sha256.is_none() || one.worker.sha256 != other.worker.sha256) {
        let sha256 = |run: &Arm| run.worker.sha256.clone().unwrap_or_else(|| "null".to_owned());
        let other_sha256 =
            format!("`arms[0].worker.sha256` is `{}`: identical sides have one program", sha256(one));
        found.add(head.field("worker.sha256"), sha256(other), other_sha256);
    }
    let is_wrong = |run: &&Arm| run.prompts.iter().any(|prompt| prompt.golden == GoldenResult::Break);
    if stop_reason == Some(StopReason::WrongOutput) && !runs.iter().any(is_wrong) {
        found.add(
            "stop_reason".to_owned(),
            "wrong-output",
            "no verdict on an output of either side is `break`",
        );
    }
    // The outcome is how it ended; a side that did not end well has no part in an A/B that did.
    let is_unended = |run: &&Arm| matches!(run.outcome, Outcome::Failed | Outcome::Interrupted);
    if matches!(outcome, Outcome::Complete) && runs.iter().any(is_unended) {
        found.add("outcome".to_owned(), "complete", "a side did not come to its end");
    }
}
