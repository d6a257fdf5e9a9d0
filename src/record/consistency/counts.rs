//! Counts: processes, samples, tokens and judged prompts are those of the workload.

use std::collections::{HashMap, HashSet};

use crate::golden::GoldenResult;
use crate::measure::Role;
use crate::measure::supervisor::Purpose;
use crate::record::consistency::{ArmAt, Found};
use crate::record::{Outcome, ProcessRecord, RequestedPrompt, SampleRecord};

pub(super) fn check(arm: &ArmAt<'_>, found: &mut Found) {
    let run = arm.run;
    workload(arm, found);
    if !arm.has_figures() {
        if let Some(at) = run.samples.iter().position(|sample| sample.times.is_some()) {
            let other = format!("`{}` has times", arm.field(&format!("samples[{at}]")));
            let of_record = matches!(arm.experiment.outcome, Outcome::Failed | Outcome::NotMeasured);
            if of_record {
                found.add("outcome".to_owned(), word(arm.experiment.outcome), other);
            } else {
                found.add(arm.field("outcome"), word(run.outcome), other);
            }
        }
        let was_measured = !run.samples.is_empty() || !run.processes.is_empty() || !run.prompts.is_empty();
        if run.outcome == Outcome::NotMeasured && was_measured {
            let other = format!(
                "it has {} processes, {} samples and {} judged prompts",
                run.processes.len(),
                run.samples.len(),
                run.prompts.len()
            );
            found.add(arm.field("outcome"), word(run.outcome), other);
        }
        return;
    }
    processes(arm, found);
    judged(arm, found);
    samples(arm, found);
}

pub(super) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "complete",
        Outcome::WrongOutput => "wrong-output",
        Outcome::Interrupted => "interrupted",
        Outcome::Failed => "failed",
        Outcome::NotMeasured => "not-measured",
    }
}

fn workload(arm: &ArmAt<'_>, found: &mut Found) {
    let workload = &arm.run.workload;
    match workload.identity() {
        Ok(identity) if identity != workload.sha256 => found.add(
            arm.field("workload.sha256"),
            &workload.sha256,
            format!("the sha256 of its protocol, prompts and tokens is `{identity}`"),
        ),
        _ => {}
    }
    let mut ids = HashSet::new();
    if let Some(at) = workload.prompts.iter().position(|prompt| !ids.insert(&prompt.id)) {
        let field = arm.field(&format!("workload.prompts[{at}].id"));
        found.add(field, &workload.prompts[at].id, "an earlier prompt has that id");
    }
}

fn processes(arm: &ArmAt<'_>, found: &mut Found) {
    let workload = &arm.run.workload;
    let is_measured = |it: &(usize, &ProcessRecord)| it.1.purpose == Purpose::Measured;
    let measured = || arm.run.processes.iter().enumerate().filter(is_measured);
    let count = measured().count();
    if count != workload.runs {
        let other = format!("`{}` has {count} measured ones", arm.field("processes"));
        found.add(arm.field("workload.runs"), workload.runs, other);
    }
    for (number, (at, process)) in measured().enumerate() {
        let field = |name: &str| arm.field(&format!("processes[{at}].{name}"));
        if process.index != number {
            let other = format!("it is measured process {number}, counted from 0");
            found.add(field("index"), process.index, other);
        }
        if process.exit_reason != "done" {
            let other = format!("`{}` is `{}`", arm.field("outcome"), word(arm.run.outcome));
            found.add(field("exit_reason"), &process.exit_reason, other);
        }
        // The order is turned by one place from process to process.
        let prompts = &workload.prompts;
        let expected = (0..prompts.len()).map(|place| &prompts[(place + number) % prompts.len()].id);
        if !process.prompt_order.iter().eq(expected.clone()) {
            let expected: Vec<&str> = expected.map(String::as_str).collect();
            let other =
                format!("process {number} is given the workload's prompts as `{}`", expected.join(", "));
            found.add(field("prompt_order"), process.prompt_order.join(", "), other);
        }
    }
}

/// Every prompt of the workload has a verdict, in its order.
fn judged(arm: &ArmAt<'_>, found: &mut Found) {
    let (prompts, judged) = (&arm.run.workload.prompts, &arm.run.prompts);
    if prompts.len() != judged.len() {
        let other = format!("`{}` has {}", arm.field("workload.prompts"), prompts.len());
        found.add(arm.field("prompts.length"), judged.len(), other);
    }
    for (at, (requested, judged)) in prompts.iter().zip(judged).enumerate() {
        if requested.id != judged.id {
            let other =
                format!("`{}` is `{}`", arm.field(&format!("workload.prompts[{at}].id")), requested.id);
            found.add(arm.field(&format!("prompts[{at}].id")), &judged.id, other);
        }
    }
}

fn samples(arm: &ArmAt<'_>, found: &mut Found) {
    let workload = &arm.run.workload;
    let requested: HashMap<&str, &RequestedPrompt> =
        workload.prompts.iter().map(|prompt| (prompt.id.as_str(), prompt)).collect();
    let verdicts: HashMap<&str, GoldenResult> =
        arm.run.prompts.iter().map(|prompt| (prompt.id.as_str(), prompt.golden)).collect();
    let mut measured: HashMap<usize, HashSet<&str>> = HashMap::new();
    let mut warmed_up = HashSet::new();
    for (at, sample) in arm.run.samples.iter().enumerate() {
        let field = |name: &str| arm.field(&format!("samples[{at}].{name}"));
        let id = sample.prompt_id.as_str();
        let Some(prompt) = requested.get(id) else {
            found.add(
                field("prompt_id"),
                id,
                format!("`{}` has no such prompt", arm.field("workload.prompts")),
            );
            continue;
        };
        let is_first = match sample.role {
            Role::Measured => measured.entry(sample.process).or_default().insert(id),
            Role::WarmUp => warmed_up.insert(sample.process),
        };
        if sample.process >= workload.runs || !is_first {
            let other = if is_first {
                format!("`{}` is `{}`", arm.field("workload.runs"), workload.runs)
            } else {
                format!("an earlier sample of that process and role answers `{id}` or warms it up")
            };
            found.add(field("process"), sample.process, other);
        }
        tokens(arm, at, sample, prompt, found);
        let is_wrong = verdicts.get(id).is_none_or(|verdict| *verdict == GoldenResult::Break);
        if sample.times.is_none() != is_wrong {
            let verdict = verdicts.get(id).map_or("missing", |verdict| verdict.as_str());
            let other = format!("the verdict on `{id}` in `{}` is `{verdict}`", arm.field("prompts"));
            found.add(field("times"), if is_wrong { "present" } else { "null" }, other);
        }
    }
    for process in 0..workload.runs.min(arm.run.processes.len()) {
        let count = measured.get(&process).map_or(0, HashSet::len);
        if count != workload.prompts.len() {
            let other = format!(
                "process {process} has {count} measured ones, and `{}` has {}",
                arm.field("workload.prompts"),
                workload.prompts.len()
            );
            found.add(arm.field("samples.length"), arm.run.samples.len(), other);
        }
    }
}

fn tokens(arm: &ArmAt<'_>, at: usize, sample: &SampleRecord, prompt: &RequestedPrompt, found: &mut Found) {
    let new_tokens = arm.run.workload.new_tokens;
    let field = |name: &str| arm.field(&format!("samples[{at}].{name}"));
    if sample.prompt_tokens != prompt.token_ids.len() {
        let other = format!("prompt `{}` has {} tokens", prompt.id, prompt.token_ids.len());
        found.add(field("prompt_tokens"), sample.prompt_tokens, other);
    }
    let made = [
        ("token_ids.length", Some(sample.token_ids.len())),
        ("times.token_ns.length", sample.times.as_ref().map(|times| times.token_ns.len())),
        ("times.infer_ns.length", sample.times.as_ref().map(|times| times.infer_ns.len())),
    ];
    for (name, length) in made {
        if let Some(length) = length.filter(|length| *length != new_tokens) {
            found.add(
                field(name),
                length,
                format!("`{}` is `{new_tokens}`", arm.field("workload.new_tokens")),
            );
        }
    }
}
