//! `bench` on the GPU: whether it decodes, how well that is proven, and what came of it.

use crate::engine::openvino::DeviceKind;
use crate::golden::GoldenResult;
use crate::judge::first_light::{ClaimResult, Evidence, StepSeen, failure, is_genuine};
use crate::judge::summarise;
use crate::measure::{Metric, Role};
use crate::record::first_light::{StatesLook, Trial};
use crate::record::{Arm, Experiment, Outcome, ProofGrade, ProvenDevice, Verdict};

pub(super) fn gpu_decodes(evidence: &Evidence) -> ClaimResult {
    let record = match with_a_gpu(evidence) {
        Ok(record) => record,
        Err(word) => return word,
    };
    let made = || record.samples.iter().filter(|sample| sample.role == Role::Measured);
    let tokens: usize = made().map(|sample| sample.token_ids.len()).sum();
    if tokens > 0 {
        let ran = record.device.ran.as_ref().map_or("", ProvenDevice::execution_devices);
        return ClaimResult::yes(format!("`{ran}` made {tokens} tokens in {} generations", made().count()))
            .with("tokens", tokens as f64);
    }
    match record.outcome {
        Outcome::Failed => ClaimResult::no(failure(record)),
        _ => ClaimResult::not_observed(failure(record)),
    }
}

pub(super) fn device_proof(evidence: &Evidence) -> ClaimResult {
    let record = match with_a_gpu(evidence) {
        Ok(record) => record,
        Err(word) => return word,
    };
    let Some(ran) = &record.device.ran else {
        // Where every process did its work, what failed afterwards is the proof.
        let all_done = !record.processes.is_empty()
            && record.processes.iter().all(|process| process.exit_reason == "done");
        let reason = format!("no device was proven: {}", failure(record));
        return if all_done && record.outcome == Outcome::Failed {
            ClaimResult::no(reason)
        } else {
            ClaimResult::not_observed(reason)
        };
    };
    let devices = ran.execution_devices();
    match ran.grade() {
        ProofGrade::PropertyAndCounters => ClaimResult::yes(format!(
            "`EXECUTION_DEVICES` is `{devices}`, and the kernel counted the worker's GPU work"
        )),
        ProofGrade::Property => ClaimResult::not_observed(format!(
            "`EXECUTION_DEVICES` is `{devices}`, and the worker's counters could not be read: it is reported by OpenVINO alone"
        )),
    }
}

pub(super) fn bench(evidence: &Evidence) -> ClaimResult {
    let record = match with_a_gpu(evidence) {
        Ok(record) => record,
        Err(word) => return word,
    };
    match record.outcome {
        Outcome::Complete => complete(record),
        Outcome::WrongOutput => ClaimResult::no(format!("its output is wrong: {}", broken_prompts(record))),
        Outcome::Failed => ClaimResult::no(failure(record)),
        Outcome::Interrupted | Outcome::NotMeasured => ClaimResult::not_observed(failure(record)),
    }
}

fn complete(record: &Arm) -> ClaimResult {
    let summary = summarise(record);
    let Some(average) = &summary.average else {
        return ClaimResult::not_observed("it came to its end and has no speed");
    };
    let golden = match summary.golden {
        Some(GoldenResult::Match) => "every token is the golden one",
        Some(GoldenResult::NearTie) => "tokens differ from the goldens at near-ties alone",
        Some(GoldenResult::Break) => {
            return ClaimResult::no(format!("its output is wrong: {}", broken_prompts(record)));
        }
        Some(GoldenResult::None) | None => "there are no goldens yet, and all generations agree",
    };
    let mean = &average.mean;
    let throughput = mean.get_or_nan(Metric::EndToEndThroughput);
    let ttft_ms = mean.get_or_nan(Metric::TimeToFirstToken);
    let word = ClaimResult::yes(format!(
        "{throughput:.2} tok/s with the prefill, {ttft_ms:.1} ms to the first token; {golden}"
    ));
    let word = word.with("e2e_throughput_tok_s", throughput).with("ttft_ms", ttft_ms);
    match mean.get(Metric::TimePerOutputToken) {
        Some(tpot_ms) => word.with("tpot_ms_per_token", tpot_ms),
        None => word,
    }
}

fn broken_prompts(record: &Arm) -> String {
    let broken = record.prompts.iter().filter(|prompt| prompt.golden == GoldenResult::Break);
    let ids: Vec<String> = broken.map(|prompt| format!("`{}`", prompt.id)).collect();
    ids.join(", ")
}

/// The record, where a GPU ran or should have: what fails on a machine with one is a no.
fn with_a_gpu(evidence: &Evidence) -> Result<&Arm, ClaimResult> {
    let record = match &evidence.bench {
        StepSeen::Reported(record) => record.subject().arm,
        StepSeen::Failed(reason) if evidence.expects_a_gpu() => {
            return Err(ClaimResult::no(reason.as_str()));
        }
        StepSeen::Failed(reason) | StepSeen::NotRun(reason) => {
            return Err(ClaimResult::not_observed(reason.as_str()));
        }
    };
    is_genuine(record)?;
    match record.device.ran.as_ref().map(ProvenDevice::kind) {
        Some(DeviceKind::Gpu) => Ok(record),
        None if evidence.expects_a_gpu() => Ok(record),
        None => Err(ClaimResult::not_observed(format!("nothing ran: {}", failure(record)))),
        Some(DeviceKind::Cpu) => {
            let of_cpu = match (record.outcome, summarise(record).average) {
                (Outcome::Complete, Some(average)) => {
                    format!("; there it came to its end with {:.2} tok/s", average.throughput().value)
                }
                _ => String::new(),
            };
            let reason = evidence.cpu_ran(record.device.reason.as_deref());
            Err(ClaimResult::not_observed(format!("{reason}{of_cpu}")))
        }
    }
}

const F16: &str = "f16";

pub(super) fn inference_precision(evidence: &Evidence) -> ClaimResult {
    in_force(evidence, "INFERENCE_PRECISION_HINT")
}

pub(super) fn kv_cache_precision(evidence: &Evidence) -> ClaimResult {
    in_force(evidence, "KV_CACHE_PRECISION")
}

fn in_force(evidence: &Evidence, property: &str) -> ClaimResult {
    let record = match evidence.bench_on_gpu() {
        Ok(record) => record,
        Err(word) => return word,
    };
    let runtime = record.runtime.as_ref();
    if let Some(requested) = runtime.and_then(|runtime| runtime.properties_requested.get(property))
        && requested != F16
    {
        return ClaimResult::not_observed(format!("`{property}={requested}` was requested"));
    }
    match runtime.and_then(|runtime| runtime.properties_effective.get(property)) {
        None => ClaimResult::not_observed(format!("OpenVINO does not tell which `{property}` is in force")),
        Some(value) if value == F16 => {
            ClaimResult::yes(format!("the compiled model reports `{property}` as `{value}`"))
        }
        Some(value) => {
            ClaimResult::no(format!("the compiled model reports `{property}` as `{value}`, not `{F16}`"))
        }
    }
}

/// Keys and values of 24 layers.
const STATES: usize = 48;

pub(super) fn states_read(evidence: &Evidence) -> ClaimResult {
    let look = match on_gpu(evidence, |look| &look.read) {
        Ok(look) => look,
        Err(word) => return word,
    };
    match (&look.read, look.count) {
        (Trial::Held(reported), Some(count)) if count != STATES => {
            ClaimResult::no(format!("{reported}, and not {STATES} states")).with("states", count as f64)
        }
        (trial, Some(count)) => reported(trial).with("states", count as f64),
        (trial, None) => reported(trial),
    }
}

pub(super) fn states_reset(evidence: &Evidence) -> ClaimResult {
    on_gpu(evidence, |look| &look.reset).map_or_else(|word| word, |look| reported(&look.reset))
}

pub(super) fn states_put_back(evidence: &Evidence) -> ClaimResult {
    on_gpu(evidence, |look| &look.put_back).map_or_else(|word| word, |look| reported(&look.put_back))
}

/// The look at states that a GPU held; of a CPU's, the result of this trial.
fn on_gpu(
    evidence: &Evidence,
    trial: impl FnOnce(&StatesLook) -> &Trial,
) -> Result<&StatesLook, ClaimResult> {
    match &evidence.states {
        // The step can only fail before the first state: while the model is loaded.
        StepSeen::Failed(reason) | StepSeen::NotRun(reason) => {
            Err(ClaimResult::not_observed(reason.as_str()))
        }
        StepSeen::Reported(look) if look.ran == DeviceKind::Gpu.name() => Ok(look),
        StepSeen::Reported(look) => {
            let of_cpu = match trial(look) {
                Trial::Held(reported) => format!("there {reported}"),
                Trial::Failed(reason) => format!("there it failed: {reason}"),
                Trial::NotTried(reason) => format!("there it was not tried: {reason}"),
            };
            let reason =
                evidence.bench.reported().ok().and_then(|record| record.subject().device.reason.clone());
            Err(ClaimResult::not_observed(format!("{}; {of_cpu}", evidence.cpu_ran(reason.as_deref()))))
        }
    }
}

fn reported(trial: &Trial) -> ClaimResult {
    match trial {
        Trial::Held(reported) => ClaimResult::yes(reported.as_str()),
        Trial::Failed(reason) => ClaimResult::no(reason.as_str()),
        Trial::NotTried(reason) => ClaimResult::not_observed(reason.as_str()),
    }
}

pub(super) fn cross_check(evidence: &Evidence) -> ClaimResult {
    if let Err(word) = evidence.bench_on_gpu() {
        return word;
    }
    let look = match evidence.cross_check.reported() {
        Ok(look) => look,
        Err(word) => return word,
    };
    let tokens: usize = look.answers.iter().map(|answer| answer.tokens).sum();
    if tokens == 0 {
        return ClaimResult::not_observed("`bench` left no answer to be checked");
    }
    let others: usize = look.answers.iter().map(|answer| answer.other_preferred).sum();
    let widest = look
        .answers
        .iter()
        .max_by(|one, other| one.largest_logit_margin.total_cmp(&other.largest_logit_margin));
    let margin = widest.map_or(0.0, |answer| answer.largest_logit_margin);
    let limit = look.limit_logit;
    let word = match widest {
        Some(answer) if margin >= limit => ClaimResult::no(format!(
            "at token {} of `{}` the CPU prefers another by {margin:.3} logit, and {limit} is the most that rounding explains",
            answer.widest_at.unwrap_or_default(),
            answer.prompt_id
        )),
        _ if others == 0 => {
            ClaimResult::yes(format!("the CPU prefers all {tokens} tokens of {} answers", look.answers.len()))
        }
        _ => ClaimResult::yes(format!(
            "the CPU prefers {} of {tokens} tokens; at the others its first two logits are at most {margin:.3} apart",
            tokens.saturating_sub(others)
        )),
    };
    word.with("tokens", tokens as f64)
        .with("other_preferred", others as f64)
        .with("widest_gap_logit", f64::from(margin))
}

pub(super) fn against_itself(evidence: &Evidence) -> ClaimResult {
    let record = match evidence.against_itself.reported() {
        Ok(record) => record,
        Err(word) => return word,
    };
    for side in &record.arms {
        if let Err(mut word) = evidence.is_on_gpu(side) {
            if let Some(noise) = noise(record) {
                word.reason = format!("{}; there {noise}", word.reason);
            }
            return word;
        }
    }
    match record.outcome {
        Outcome::Failed => return ClaimResult::no(because_of(record)),
        Outcome::WrongOutput => return ClaimResult::no("the output of a side is wrong"),
        Outcome::Interrupted | Outcome::NotMeasured => return ClaimResult::not_observed(because_of(record)),
        Outcome::Complete => {}
    }
    if !record.is_against_itself() {
        return ClaimResult::not_observed("its two sides are not the same program with the same inputs");
    }
    let Some(decision) = &record.decision else { return ClaimResult::not_observed("it was not decided") };
    let noise = noise(record).unwrap_or_else(|| "too few pairs to tell the noise".to_owned());
    let said = format!("{noise}; `{}`: {}", decision.verdict.as_str(), decision.reason);
    let word = match decision.verdict {
        Verdict::Regressed | Verdict::Mixed | Verdict::Improved | Verdict::WrongOutput => {
            ClaimResult::no(said)
        }
        Verdict::InvalidEnvironment => ClaimResult::not_observed(said),
        Verdict::Pass | Verdict::Inconclusive if decision.sensitivity.is_none() => {
            ClaimResult::not_observed(said)
        }
        Verdict::Pass | Verdict::Inconclusive => ClaimResult::yes(said),
    };
    match &decision.sensitivity {
        Some(seen) => word
            .with("pairs", seen.pairs as f64)
            .with("pair_sd_percent", seen.pair_sd_percent)
            .with("smallest_seen_percent", seen.smallest_seen_percent),
        None => word,
    }
}

/// How far its pairs differ, where there are enough.
fn noise(record: &Experiment) -> Option<String> {
    let seen = record.decision.as_ref()?.sensitivity.as_ref()?;
    Some(format!(
        "{} pairs differ by {:.2} % (sd), so that {:.2} % could be seen",
        seen.pairs, seen.pair_sd_percent, seen.smallest_seen_percent
    ))
}

fn because_of(record: &Experiment) -> String {
    let failure = record.failure.clone();
    failure.unwrap_or_else(|| "it did not come to its end, and does not say why".to_owned())
}
