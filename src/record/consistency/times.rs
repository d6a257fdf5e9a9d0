//! Times: tokens rise and lie in the window of their process, no two processes run at once, the machine was read meanwhile,
//! and no token comes faster than the machine's memory allows. Sides: arms that are compared are equal in all that was not
//! requested to differ.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;

use crate::engine::openvino::DeviceKind;
use crate::golden::GoldenResult;
use crate::measure::supervisor::Purpose;
use crate::measure::{BandwidthReading, Role};
use crate::record::consistency::{
    ArmAt, BANDWIDTH_FACTOR_CPU, BANDWIDTH_FACTOR_GPU, Found, LEAST_TOKEN_NS, LONGEST_GAP_NS, Numbered,
    WEIGHTS_TO_CACHE, arms, is, short,
};
use crate::record::{
    Arm, Experiment, Outcome, PlanKind, ProcessRecord, ProvenDevice, SampleRecord, SampleTimes, StopReason,
    WorkloadRecord,
};

pub(super) fn check_times(arm: &ArmAt<'_>, found: &mut Found) {
    if !arm.has_values() {
        return;
    }
    let least_ns = least_mean_step_ns(arm);
    for (at, sample) in arm.run.samples.iter().enumerate() {
        if let Some(times) = &sample.times {
            steps(arm, at, times, found);
            if let Some(least_ns) = least_ns {
                pace(arm, at, times, least_ns, found);
            }
        }
    }
    let by_process = arm.samples_by_process();
    for (at, process) in arm.run.processes.iter().enumerate() {
        if process.purpose == Purpose::Measured {
            let samples = by_process.get(&process.index).map(Vec::as_slice).unwrap_or_default();
            window(arm, at, process, samples, found);
            readings(arm, at, process, samples, found);
        }
    }
}

/// Each token comes after the one before it, and not sooner than any runtime could give it; its inference is a part
/// of its step. The first step of a sample that is not so is named.
fn steps(arm: &ArmAt<'_>, at: usize, times: &SampleTimes, found: &mut Found) {
    let mut before_ns = times.submitted_ns;
    for (step, (known_ns, infer_ns)) in times.token_ns.iter().zip(&times.infer_ns).enumerate() {
        let field = |name: &str| arm.field(&format!("samples[{at}].times.{name}[{step}]"));
        let Some(step_ns) = known_ns.checked_sub(before_ns).filter(|step_ns| *step_ns >= LEAST_TOKEN_NS)
        else {
            let other =
                format!("`{before_ns}` is before it, and no token takes less than {LEAST_TOKEN_NS} ns");
            found.add(field("token_ns"), known_ns, other);
            return;
        };
        if *infer_ns > step_ns {
            found.add(field("infer_ns"), infer_ns, format!("its step took `{step_ns}` ns"));
            return;
        }
        before_ns = *known_ns;
    }
}

/// The least mean time of a token that the machine's memory allows, ns: what a token reads of the weights, by a
/// generous multiple of the best bandwidth that was seen. None where the weights fit into a cache, or one of these is
/// not known.
fn least_mean_step_ns(arm: &ArmAt<'_>) -> Option<f64> {
    let weights = arm.run.model.active_weights.as_ref()?;
    let cache = arm.experiment.machine.last_level_cache_bytes?;
    let bandwidth_readings = || {
        let before = arm.run.processes.iter().filter_map(|process| process.bandwidth_before.as_ref());
        before.chain(&arm.experiment.bandwidth_after)
    };
    let bandwidth =
        bandwidth_readings().filter_map(BandwidthReading::bandwidth_bytes_per_s).max_by(f64::total_cmp)?;
    let active_bytes = weights.active_bytes_per_token.min(weights.total_bytes);
    let fits = active_bytes < cache.saturating_mul(WEIGHTS_TO_CACHE);
    let factor = match arm.run.device.ran.as_ref().map(ProvenDevice::kind) {
        Some(DeviceKind::Gpu) => BANDWIDTH_FACTOR_GPU,
        _ => BANDWIDTH_FACTOR_CPU,
    };
    (!fits).then(|| active_bytes as f64 / (bandwidth * factor) * 1e9)
}

fn pace(arm: &ArmAt<'_>, at: usize, times: &SampleTimes, least_ns: f64, found: &mut Found) {
    let (Some(first), Some(last)) = (times.token_ns.first(), times.token_ns.last()) else { return };
    let steps = times.token_ns.len() - 1;
    let mean_ns = last.saturating_sub(*first) as f64 / steps.max(1) as f64;
    if steps > 0 && mean_ns < least_ns {
        let active = arm.field("model.active_weights.active_bytes_per_token");
        let bytes = arm.run.model.active_weights.map_or(0, |weights| weights.active_bytes_per_token);
        let other =
            format!("`{active}` of `{bytes}` cannot be read in less than {least_ns:.0} ns on this machine");
        let field = arm.field(&format!("samples[{at}].times.token_ns"));
        found.add(field, format!("{mean_ns:.0} ns a token"), other);
    }
}

/// Every generation lies in the window of its process, in the order in which its prompts were given.
fn window(arm: &ArmAt<'_>, at: usize, process: &ProcessRecord, samples: &[Numbered<'_>], found: &mut Found) {
    let field = |name: &str| arm.field(&format!("processes[{at}].{name}"));
    let (Some(started_ns), Some(ended_ns)) = (process.started_ns, process.ended_ns) else {
        let name = if process.started_ns.is_none() { "started_ns" } else { "ended_ns" };
        found.add(field(name), "null", "a measured process has a window");
        return;
    };
    let mut before_ns = started_ns;
    let mut before = field("started_ns");
    for Numbered { at, sample } in in_order(process, samples) {
        let Some(times) = &sample.times else { continue };
        let of_sample = |name: &str| arm.field(&format!("samples[{at}].times.{name}"));
        let other = is(&before, before_ns);
        found.unless(times.submitted_ns >= before_ns, of_sample("submitted_ns"), times.submitted_ns, other);
        if let Some((last, last_ns)) = times.token_ns.iter().enumerate().next_back() {
            before = of_sample(&format!("token_ns[{last}]"));
            before_ns = *last_ns;
        }
    }
    found.unless(before_ns <= ended_ns, before, before_ns, is(field("ended_ns"), ended_ns));
}

/// The samples of a process as they must have been made: the warm-up, then the prompts in their order; in a soak again
/// and again.
fn in_order<'a>(process: &ProcessRecord, samples: &[Numbered<'a>]) -> Vec<Numbered<'a>> {
    let places: HashMap<&str, usize> =
        process.prompt_order.iter().enumerate().map(|(place, id)| (id.as_str(), place)).collect();
    let mut made: HashMap<(bool, &str), usize> = HashMap::new();
    let mut ordered: Vec<_> = samples
        .iter()
        .map(|it| {
            let (is_warm_up, id) = (it.sample.role == Role::WarmUp, it.sample.prompt_id.as_str());
            let pass = made.entry((is_warm_up, id)).or_default();
            *pass += 1;
            let place = places.get(id).copied().unwrap_or(usize::MAX);
            ((Reverse(is_warm_up), *pass, place), *it)
        })
        .collect();
    ordered.sort_by_key(|(key, _)| *key);
    ordered.into_iter().map(|(_, sample)| sample).collect()
}

/// The machine was read from before the first measured generation until after the last, with no long gap.
fn readings(
    arm: &ArmAt<'_>,
    at: usize,
    process: &ProcessRecord,
    samples: &[Numbered<'_>],
    found: &mut Found,
) {
    let measured = samples.iter().map(|it| it.sample).filter(|sample| sample.role == Role::Measured);
    let Some((start_ns, end_ns)) = SampleRecord::span(measured) else { return };
    let field = |name: &str| arm.field(&format!("processes[{at}].guards{name}"));
    let span = format!("its generations were measured from `{start_ns}` to `{end_ns}`");
    let Some(log) = &process.guards else {
        found.add(field(""), "null", span);
        return;
    };
    let Some((first, last)) = log.readings.first().zip(log.readings.last()) else {
        found.add(field(".readings"), "[]", span);
        return;
    };
    if first.at_ns > start_ns {
        found.add(field(".readings[0].at_ns"), first.at_ns, span);
    } else if last.at_ns < end_ns && log.cut_short_reason.is_none() {
        found.add(field(&format!(".readings[{}].at_ns", log.readings.len() - 1)), last.at_ns, span);
    }
    for (at, pair) in log.readings.windows(2).enumerate() {
        let (one_ns, next_ns) = (pair[0].at_ns, pair[1].at_ns);
        let is_of_span = next_ns > start_ns && one_ns < end_ns;
        let is_gap = is_of_span && next_ns.saturating_sub(one_ns) > LONGEST_GAP_NS;
        if next_ns < one_ns || is_gap {
            let other = format!("the reading before it is of `{one_ns}`: they come each second");
            found.add(field(&format!(".readings[{}].at_ns", at + 1)), next_ns, other);
            return;
        }
    }
}

struct Window {
    field: String,
    start_ns: u64,
    end_ns: u64,
}

/// No two processes run at once, and those of a round run in its order.
pub(super) fn check_order(experiment: &Experiment, found: &mut Found) {
    let mut windows = Vec::new();
    for arm in arms(experiment).filter(ArmAt::has_values) {
        let mut before_ns = 0;
        for (at, process) in arm.run.processes.iter().enumerate() {
            let (Some(start_ns), Some(end_ns)) = (process.started_ns, process.ended_ns) else { continue };
            let field = arm.field(&format!("processes[{at}]"));
            let other = format!("`{before_ns}` and `{end_ns}` are the end of the one before it and its own");
            let is_ordered = before_ns <= start_ns && start_ns <= end_ns;
            found.unless(is_ordered, format!("{field}.started_ns"), start_ns, other);
            before_ns = end_ns;
            windows.push(Window { field, start_ns, end_ns });
        }
    }
    windows.sort_by_key(|window| window.start_ns);
    for pair in windows.windows(2) {
        let [Window { field: one, end_ns, .. }, Window { field: other, start_ns, .. }] = pair else {
            continue;
        };
        let ended = is(format!("{one}.ended_ns"), end_ns);
        found.unless(start_ns >= end_ns, format!("{other}.started_ns"), start_ns, ended);
    }
    rounds(experiment, found);
}

fn rounds(experiment: &Experiment, found: &mut Found) {
    let arms: Vec<ArmAt<'_>> = arms(experiment).collect();
    let measured: Vec<Vec<&ProcessRecord>> =
        arms.iter().map(|arm| arm.run.measured_processes().collect()).collect();
    let mut next = vec![0; arms.len()];
    let mut before_ns = 0;
    for (number, round) in experiment.rounds.iter().enumerate() {
        let field = format!("rounds[{number}]");
        for at in &round.order {
            let (arm, number) = (&arms[*at], next[*at]);
            next[*at] += 1;
            let Some(process) = measured[*at].get(number) else {
                let value = format!("of process {number} of arm {at}");
                found.add(field, value, "there is no such measured process");
                return;
            };
            let Some(start_ns) = process.started_ns.filter(|_| arm.has_values()) else { continue };
            if start_ns < before_ns {
                let other =
                    format!("`{}` started before what ran before it in that order", arm.field("processes"));
                found.add(field, "out of order", other);
                return;
            }
            before_ns = start_ns;
        }
    }
    let is_whole =
        experiment.outcome == Outcome::Complete && experiment.stop_reason != Some(StopReason::WrongOutput);
    if !is_whole {
        return;
    }
    for (at, arm) in arms.iter().enumerate() {
        let other = format!("`rounds` has {} of its measured ones", next[at]);
        let is_whole = next[at] == measured[at].len();
        found.unless(is_whole, arm.field("processes.length"), arm.run.processes.len(), other);
    }
}

pub(super) fn check_sides(experiment: &Experiment, found: &mut Found) {
    let mut arms = arms(experiment);
    let Some(first) = arms.next() else { return };
    let is_expected = !experiment.plan.is_alone() || first.run.outcome == experiment.outcome;
    let other = format!("`{}` is another", first.field("outcome"));
    found.unless(is_expected, "outcome".to_owned(), experiment.outcome, other);
    for other in arms {
        let mut compared = Compared { one: &first, other: &other, found };
        match experiment.plan {
            PlanKind::Bench | PlanKind::Soak => {}
            PlanKind::Ab => {
                compared.sides();
                ended(experiment, &first, &other, found);
            }
            PlanKind::Peers | PlanKind::Kv => compared.engines(),
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
        // A variable of a side's own stands among its differences.
        let own: Vec<String> =
            self.requested().filter_map(|it| it.strip_prefix("env:")).map(str::to_owned).collect();
        let others = |run: &Arm| -> BTreeMap<String, String> {
            let variables = run.environment_variables.clone().into_iter();
            variables.filter(|(name, value)| !own.contains(&format!("{name}={value}"))).collect()
        };
        self.equal("environment_variables", &others(one), &others(other));
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
            let devices = other_ran.execution_devices();
            self.equal("device.ran.execution_devices", ran.execution_devices(), devices);
            self.equal("device.ran", ran.facts(), other_ran.facts());
            self.equal("device.reason", &one.device.reason, &other.device.reason);
        }
        if let (Some(runtime), Some(other_runtime)) = (&one.runtime, &other.runtime) {
            if !openvino {
                let version = &other_runtime.openvino_version;
                self.equal("runtime.openvino_version", &runtime.openvino_version, version);
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
        let other = "no verdict on an output of either side is `break`";
        found.add("stop_reason".to_owned(), "wrong-output", other);
    }
    // The outcome is how it ended; a side that did not end well has no part in an A/B that did.
    let is_unended = |run: &&Arm| matches!(run.outcome, Outcome::Failed | Outcome::Interrupted);
    let is_ended = outcome != Outcome::Complete || !runs.iter().any(is_unended);
    found.unless(is_ended, "outcome".to_owned(), "complete", "a side did not come to its end");
}
