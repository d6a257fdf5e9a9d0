//! Counts: processes, samples, tokens and judged prompts are those of the workload. Answers: verdicts are what the tokens
//! say, without the goldens as far as that goes, and with them in full.

use std::collections::{HashMap, HashSet};

use crate::golden::{Golden, GoldenResult, GoldenSet, conditions};
use crate::measure::Role;
use crate::measure::supervisor::Purpose;
use crate::record::consistency::{ArmAt, Found, Numbered, is, short};
use crate::record::{Arm, Outcome, ProcessRecord, RequestedPrompt, SampleRecord};
use crate::workload::TokenId;

pub(super) fn check_counts(arm: &ArmAt<'_>, found: &mut Found) {
    let run = arm.run;
    workload(arm, found);
    if !arm.has_values() {
        if let Some(at) = run.samples.iter().position(|sample| sample.times.is_some()) {
            let other = format!("`{}` has times", arm.field(&format!("samples[{at}]")));
            let of_record = matches!(arm.experiment.outcome, Outcome::Failed | Outcome::NotMeasured);
            let (field, outcome) = if of_record {
                ("outcome".to_owned(), arm.experiment.outcome)
            } else {
                (arm.field("outcome"), run.outcome)
            };
            found.add(field, outcome, other);
        }
        let counts = [run.processes.len(), run.samples.len(), run.prompts.len()];
        let [processes, samples, prompts] = counts;
        found.unless(
            run.outcome != Outcome::NotMeasured || counts == [0; 3],
            arm.field("outcome"),
            run.outcome,
            format!("it has {processes} processes, {samples} samples and {prompts} judged prompts"),
        );
        return;
    }
    processes(arm, found);
    judged(arm, found);
    samples(arm, found);
}

fn workload(arm: &ArmAt<'_>, found: &mut Found) {
    let workload = &arm.run.workload;
    if let Ok(identity) = workload.identity() {
        let other = format!("the sha256 of its protocol, prompts and tokens is `{identity}`");
        found.unless(identity == workload.sha256, arm.field("workload.sha256"), &workload.sha256, other);
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
    let other = format!("`{}` has {count} measured ones", arm.field("processes"));
    found.unless(count == workload.runs, arm.field("workload.runs"), workload.runs, other);
    for (number, (at, process)) in measured().enumerate() {
        let field = |name: &str| arm.field(&format!("processes[{at}].{name}"));
        let other = format!("it is measured process {number}, counted from 0");
        found.unless(process.index == number, field("index"), process.index, other);
        let other = is(arm.field("outcome"), arm.run.outcome);
        found.unless(process.exit_reason == "done", field("exit_reason"), &process.exit_reason, other);
        // The order is turned by one place from process to process, unless prompts are deep.
        let prompts = &workload.prompts;
        let turned =
            |by: usize| (0..prompts.len()).map(move |place| &prompts[(place + by) % prompts.len()].id);
        let expected = turned(number);
        let may_be_fixed = prompts.iter().any(RequestedPrompt::is_deep);
        let is_fixed = may_be_fixed && process.prompt_order.iter().eq(turned(0));
        if !is_fixed && !process.prompt_order.iter().eq(expected.clone()) {
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
    let other = format!("`{}` has {}", arm.field("workload.prompts"), prompts.len());
    found.unless(prompts.len() == judged.len(), arm.field("prompts.length"), judged.len(), other);
    for (at, (requested, judged)) in prompts.iter().zip(judged).enumerate() {
        let field = arm.field(&format!("prompts[{at}].id"));
        let other = is(arm.field(&format!("workload.prompts[{at}].id")), &requested.id);
        found.unless(requested.id == judged.id, field, &judged.id, other);
    }
}

fn samples(arm: &ArmAt<'_>, found: &mut Found) {
    let workload = &arm.run.workload;
    let requested: HashMap<&str, &RequestedPrompt> =
        workload.prompts.iter().map(|prompt| (prompt.id.as_str(), prompt)).collect();
    let verdicts: HashMap<&str, GoldenResult> =
        arm.run.prompts.iter().map(|prompt| (prompt.id.as_str(), prompt.golden)).collect();
    let goes_on = arm.experiment.sampling.soak.is_some();
    let mut measured: HashMap<usize, HashSet<&str>> = HashMap::new();
    let mut warmed_up = HashSet::new();
    for (at, sample) in arm.run.samples.iter().enumerate() {
        let field = |name: &str| arm.field(&format!("samples[{at}].{name}"));
        let id = sample.prompt_id.as_str();
        let Some(prompt) = requested.get(id) else {
            let other = format!("`{}` has no such prompt", arm.field("workload.prompts"));
            found.add(field("prompt_id"), id, other);
            continue;
        };
        let is_first = match sample.role {
            Role::Measured => measured.entry(sample.process).or_default().insert(id) || goes_on,
            Role::WarmUp => warmed_up.insert(sample.process),
        };
        if sample.process >= workload.runs || !is_first {
            let other = if is_first {
                is(arm.field("workload.runs"), workload.runs)
            } else {
                format!("an earlier sample of that process and role answers `{id}` or warms it up")
            };
            found.add(field("process"), sample.process, other);
        }
        check_tokens(arm, at, sample, prompt, found);
        let is_wrong = verdicts.get(id).is_none_or(|verdict| *verdict == GoldenResult::Break);
        if sample.times.is_none() != is_wrong {
            let verdict = verdicts.get(id).map_or("missing", |verdict| verdict.as_str());
            let other = format!("the verdict on `{id}` in `{}` is `{verdict}`", arm.field("prompts"));
            found.add(field("times"), if is_wrong { "present" } else { "null" }, other);
        }
    }
    for process in 0..workload.runs.min(arm.run.processes.len()) {
        let count = measured.get(&process).map_or(0, HashSet::len);
        let (prompts, requested) = (arm.field("workload.prompts"), workload.prompts.len());
        let other = format!("process {process} has {count} measured ones, and `{prompts}` has {requested}");
        found.unless(count == requested, arm.field("samples.length"), arm.run.samples.len(), other);
    }
}

fn check_tokens(
    arm: &ArmAt<'_>,
    at: usize,
    sample: &SampleRecord,
    prompt: &RequestedPrompt,
    found: &mut Found,
) {
    let new_tokens = arm.run.workload.new_tokens;
    let field = |name: &str| arm.field(&format!("samples[{at}].{name}"));
    let (tokens, timed) = (sample.prompt_tokens, prompt.timed_tokens());
    let other = format!("prompt `{}` has {timed} tokens", prompt.id);
    found.unless(tokens == timed, field("prompt_tokens"), tokens, other);
    let made = [
        ("token_ids.length", Some(sample.token_ids.len())),
        ("times.token_ns.length", sample.times.as_ref().map(|times| times.token_ns.len())),
        ("times.infer_ns.length", sample.times.as_ref().map(|times| times.infer_ns.len())),
    ];
    for (name, length) in made {
        if let Some(length) = length.filter(|length| *length != new_tokens) {
            found.add(field(name), length, is(arm.field("workload.new_tokens"), new_tokens));
        }
    }
}

/// Every generation of a prompt that matches its golden has the same tokens.
pub(super) fn check_verdicts(arm: &ArmAt<'_>, found: &mut Found) {
    if !arm.has_values() {
        return;
    }
    let by_prompt = samples_by_prompt(arm);
    for (at, judged) in arm.run.prompts.iter().enumerate() {
        if judged.golden != GoldenResult::Match {
            continue;
        }
        let verdict = arm.field(&format!("prompts[{at}].golden"));
        found.unless(judged.divergence.is_none(), verdict.clone(), "match", "it has a divergence");
        let samples = by_prompt.get(judged.id.as_str()).map(Vec::as_slice).unwrap_or_default();
        let Some((first, others)) = samples.split_first() else { continue };
        if let Some(other) = others.iter().find(|other| other.sample.token_ids != first.sample.token_ids) {
            let field = |it: &Numbered<'_>| arm.field(&format!("samples[{}].token_ids", it.at));
            let differs = format!("{}, and `{}` differs from it", is(verdict, "match"), field(first));
            found.add(field(other), tokens(&other.sample.token_ids), differs);
        }
    }
}

fn samples_by_prompt<'a>(arm: &ArmAt<'a>) -> HashMap<&'a str, Vec<Numbered<'a>>> {
    let mut by_prompt: HashMap<&str, Vec<Numbered<'_>>> = HashMap::new();
    for (at, sample) in arm.run.samples.iter().enumerate() {
        by_prompt.entry(sample.prompt_id.as_str()).or_default().push(Numbered { at, sample });
    }
    by_prompt
}

/// Every token once more, against the goldens of its model.
pub(super) fn check_against(arm: &ArmAt<'_>, goldens: &GoldenSet, found: &mut Found) {
    let by_prompt = samples_by_prompt(arm);
    let verdicts: HashMap<&str, usize> =
        arm.run.prompts.iter().enumerate().map(|(at, judged)| (judged.id.as_str(), at)).collect();
    for requested in &arm.run.workload.prompts {
        let Some(at) = verdicts.get(requested.id.as_str()).copied() else { continue };
        let samples = by_prompt.get(requested.id.as_str()).map(Vec::as_slice).unwrap_or_default();
        check_prompt(arm, requested, at, samples, goldens, found);
    }
}

fn check_prompt(
    arm: &ArmAt<'_>,
    requested: &RequestedPrompt,
    at: usize,
    samples: &[Numbered<'_>],
    goldens: &GoldenSet,
    found: &mut Found,
) {
    let (id, new_tokens) = (requested.id.as_str(), arm.run.workload.new_tokens);
    let golden = goldens.goldens.get(id).filter(|golden| golden.answers(requested.input()));
    let verdict = arm.run.prompts[at].golden;
    let field = arm.field(&format!("prompts[{at}].golden"));
    match (verdict, golden) {
        // What is not said to be right is judged as it is said.
        (GoldenResult::Break | GoldenResult::None, _) => {}
        (GoldenResult::Match | GoldenResult::NearTie, None) => {
            found.add(field, verdict.as_str(), format!("`{id}` has no golden of these prompt tokens"));
        }
        (_, Some(golden)) => {
            let other = format!("`{id}` was never answered");
            found.unless(!samples.is_empty(), field, verdict.as_str(), other);
            let near_tie = verdict == GoldenResult::NearTie;
            let epsilon_logit = if near_tie { epsilon_logit(arm.run, goldens) } else { 0.0 };
            let is_wrong =
                |it: &&Numbered<'_>| !holds(&it.sample.token_ids, golden, new_tokens, epsilon_logit);
            if let Some(wrong) = samples.iter().find(is_wrong) {
                let field = arm.field(&format!("samples[{}].token_ids", wrong.at));
                let other = format!("the golden of `{id}` has other tokens: `{}`", tokens(&golden.token_ids));
                found.add(field, tokens(&wrong.sample.token_ids), other);
            }
        }
    }
}

/// Whether an answer is the golden one, or first leaves it where two logits are too close to call.
fn holds(tokens: &[TokenId], golden: &Golden, new_tokens: usize, epsilon_logit: f32) -> bool {
    if tokens.len() != new_tokens || golden.token_ids.len() < new_tokens {
        return false;
    }
    let place = tokens.iter().zip(&golden.token_ids).position(|(got, expected)| got != expected);
    place.is_none_or(|place| golden.logit_margins[place] < epsilon_logit)
}

fn epsilon_logit(run: &Arm, goldens: &GoldenSet) -> f32 {
    let (Some(ran), Some(runtime)) = (&run.device.ran, &run.runtime) else { return 0.0 };
    goldens.epsilon_logit(conditions(ran.kind().name(), &runtime.properties_effective))
}

fn tokens(ids: &[TokenId]) -> String {
    let words: Vec<String> = ids.iter().map(ToString::to_string).collect();
    short(&words.join(" "))
}
