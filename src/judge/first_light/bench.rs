//! `bench` on the GPU: whether it decodes, how well that is proven, and what came of it.

use crate::engine::openvino::DeviceKind;
use crate::golden::GoldenResult;
use crate::judge::first_light::{
    Answer, ClaimResult, Evidence, Judged, StepSeen, failure, is_genuine, no, not_observed, yes,
};
use crate::judge::summarise;
use crate::measure::{Metric, Role};
use crate::record::first_light::{StatesLook, Trial};
use crate::record::{Arm, Experiment, Outcome, ProofGrade, ProvenDevice, Verdict};

pub(super) fn gpu_decodes(evidence: &Evidence) -> Judged {
    let record = with_a_gpu(evidence)?;
    let made = || record.samples.iter().filter(|sample| sample.role == Role::Measured);
    let tokens: usize = made().map(|sample| sample.token_ids.len()).sum();
    if tokens > 0 {
        let ran = record.device.ran.as_ref().map_or("", ProvenDevice::execution_devices);
        return Ok(yes(format!("`{ran}` made {tokens} tokens in {} generations", made().count()))
            .with("tokens", tokens as f64));
    }
    match record.outcome {
        Outcome::Failed => no(failure(record)),
        _ => not_observed(failure(record)),
    }
}

pub(super) fn device_proof(evidence: &Evidence) -> Judged {
    let record = with_a_gpu(evidence)?;
    let Some(ran) = &record.device.ran else {
        // Where every process did its work, what failed afterwards is the proof.
        let all_done = !record.processes.is_empty()
            && record.processes.iter().all(|process| process.exit_reason == "done");
        let reason = format!("no device was proven: {}", failure(record));
        return if all_done && record.outcome == Outcome::Failed { no(reason) } else { not_observed(reason) };
    };
    let devices = ran.execution_devices();
    match ran.grade() {
        ProofGrade::PropertyAndCounters => Ok(yes(format!(
            "`EXECUTION_DEVICES` is `{devices}`, and the kernel counted the worker's GPU work"
        ))),
        ProofGrade::Property => not_observed(format!(
            "`EXECUTION_DEVICES` is `{devices}`, and the worker's counters could not be read: it is reported by OpenVINO alone"
        )),
    }
}

pub(super) fn bench(evidence: &Evidence) -> Judged {
    let record = with_a_gpu(evidence)?;
    match record.outcome {
        Outcome::Complete => complete(record),
        Outcome::WrongOutput => no(format!("its output is wrong: {}", broken_prompts(record))),
        Outcome::Failed => no(failure(record)),
        Outcome::Interrupted | Outcome::NotMeasured => not_observed(failure(record)),
    }
}

fn complete(record: &Arm) -> Judged {
    let summary = summarise(record);
    let Some(average) = &summary.average else {
        return not_observed("it came to its end and has no speed");
    };
    let golden = match summary.golden {
        Some(GoldenResult::Match) => "every token is the golden one",
        Some(GoldenResult::NearTie) => "tokens differ from the goldens at near-ties alone",
        Some(GoldenResult::Break) => {
            return no(format!("its output is wrong: {}", broken_prompts(record)));
        }
        Some(GoldenResult::None) | None => "there are no goldens yet, and all generations agree",
    };
    let mean = &average.mean;
    let throughput = mean.get_or_nan(Metric::EndToEndThroughput);
    let ttft_ms = mean.get_or_nan(Metric::TimeToFirstToken);
    let result =
        yes(format!("{throughput:.2} tok/s with the prefill, {ttft_ms:.1} ms to the first token; {golden}"));
    let result = result.with("e2e_throughput_tok_s", throughput).with("ttft_ms", ttft_ms);
    Ok(result.with("tpot_ms_per_token", mean.get(Metric::TimePerOutputToken)))
}

fn broken_prompts(record: &Arm) -> String {
    let broken = record.prompts.iter().filter(|prompt| prompt.golden == GoldenResult::Break);
    let ids: Vec<String> = broken.map(|prompt| format!("`{}`", prompt.id)).collect();
    ids.join(", ")
}

/// The record, where a GPU ran or should have: what fails on a machine with one is a no.
fn with_a_gpu(evidence: &Evidence) -> Judged<&Arm> {
    let record = evidence.tried(&evidence.bench)?.subject().arm;
    is_genuine(record)?;
    match record.device.ran.as_ref().map(ProvenDevice::kind) {
        Some(DeviceKind::Gpu) => Ok(record),
        None if evidence.expects_a_gpu() => Ok(record),
        None => not_observed(format!("nothing ran: {}", failure(record))),
        Some(DeviceKind::Cpu) => {
            let of_cpu = match (record.outcome, summarise(record).average) {
                (Outcome::Complete, Some(average)) => {
                    format!("; there it came to its end with {:.2} tok/s", average.throughput().value)
                }
                _ => String::new(),
            };
            let reason = evidence.cpu_ran(record.device.reason.as_deref());
            not_observed(format!("{reason}{of_cpu}"))
        }
    }
}

const F16: &str = "f16";

pub(super) fn inference_precision(evidence: &Evidence) -> Judged {
    in_force(evidence, "INFERENCE_PRECISION_HINT")
}

pub(super) fn kv_cache_precision(evidence: &Evidence) -> Judged {
    in_force(evidence, "KV_CACHE_PRECISION")
}

fn in_force(evidence: &Evidence, property: &str) -> Judged {
    let record = evidence.bench_on_gpu()?;
    let runtime = record.runtime.as_ref();
    if let Some(requested) = runtime.and_then(|runtime| runtime.properties_requested.get(property))
        && requested != F16
    {
        return not_observed(format!("`{property}={requested}` was requested"));
    }
    match runtime.and_then(|runtime| runtime.properties_effective.get(property)) {
        None => not_observed(format!("OpenVINO does not report which `{property}` is in force")),
        Some(value) if value == F16 => {
            Ok(yes(format!("the compiled model reports `{property}` as `{value}`")))
        }
        Some(value) => no(format!("the compiled model reports `{property}` as `{value}`, not `{F16}`")),
    }
}

/// Keys and values of 24 layers.
const STATES: usize = 48;

pub(super) fn states_read(evidence: &Evidence) -> Judged {
    let look = on_gpu(evidence, |look| &look.read)?;
    let result = match (&look.read, look.count) {
        (Trial::Held(reported), Some(count)) if count != STATES => {
            ClaimResult::new(Answer::No, format!("{reported}, and not {STATES} states"))
        }
        (trial, _) => reported(trial),
    };
    Ok(result.with("states", look.count.map(|count| count as f64)))
}

pub(super) fn states_reset(evidence: &Evidence) -> Judged {
    on_gpu(evidence, |look| &look.reset).map(|look| reported(&look.reset))
}

pub(super) fn states_put_back(evidence: &Evidence) -> Judged {
    on_gpu(evidence, |look| &look.put_back).map(|look| reported(&look.put_back))
}

/// The look at states that a GPU held; of a CPU's, the result of this trial.
fn on_gpu(evidence: &Evidence, trial: impl FnOnce(&StatesLook) -> &Trial) -> Judged<&StatesLook> {
    match &evidence.states {
        // The step can only fail before the first state: while the model is loaded.
        StepSeen::Failed(reason) | StepSeen::NotRun(reason) => not_observed(reason.as_str()),
        StepSeen::Reported(look) if look.ran == DeviceKind::Gpu.name() => Ok(look),
        StepSeen::Reported(look) => {
            let of_cpu = match trial(look) {
                Trial::Held(reported) => format!("there {reported}"),
                Trial::Failed(reason) => format!("there it failed: {reason}"),
                Trial::NotTried(reason) => format!("there it was not tried: {reason}"),
            };
            let reason =
                evidence.bench.reported().ok().and_then(|record| record.subject().device.reason.clone());
            not_observed(format!("{}; {of_cpu}", evidence.cpu_ran(reason.as_deref())))
        }
    }
}

fn reported(trial: &Trial) -> ClaimResult {
    let (answer, reason) = match trial {
        Trial::Held(reported) => (Answer::Yes, reported),
        Trial::Failed(reason) => (Answer::No, reason),
        Trial::NotTried(reason) => (Answer::NotObserved, reason),
    };
    ClaimResult::new(answer, reason)
}

pub(super) fn cross_check(evidence: &Evidence) -> Judged {
    evidence.bench_on_gpu()?;
    let look = evidence.cross_check.reported()?;
    let tokens: usize = look.answers.iter().map(|answer| answer.tokens).sum();
    if tokens == 0 {
        return not_observed("`bench` left no answer to be checked");
    }
    let others: usize = look.answers.iter().map(|answer| answer.other_preferred).sum();
    let widest = look
        .answers
        .iter()
        .max_by(|one, other| one.largest_logit_margin.total_cmp(&other.largest_logit_margin));
    let margin = widest.map_or(0.0, |answer| answer.largest_logit_margin);
    let limit = look.limit_logit;
    let result = match widest {
        Some(answer) if margin >= limit => ClaimResult::new(
            Answer::No,
            format!(
                "at token {} of `{}` the CPU prefers another by {margin:.3} logit, and {limit} is the most that rounding explains",
                answer.widest_at.unwrap_or_default(),
                answer.prompt_id
            ),
        ),
        _ if others == 0 => {
            yes(format!("the CPU prefers all {tokens} tokens of {} answers", look.answers.len()))
        }
        _ => yes(format!(
            "the CPU prefers {} of {tokens} tokens; at the others its first two logits are at most {margin:.3} apart",
            tokens.saturating_sub(others)
        )),
    };
    Ok(result
        .with("tokens", tokens as f64)
        .with("other_preferred", others as f64)
        .with("widest_gap_logit", f64::from(margin)))
}

pub(super) fn against_itself(evidence: &Evidence) -> Judged {
    let record = evidence.against_itself.reported()?;
    for side in &record.arms {
        evidence.is_on_gpu(side).map_err(|mut result| {
            if let Some(noise) = noise(record) {
                result.reason = format!("{}; there {noise}", result.reason);
            }
            result
        })?;
    }
    match record.outcome {
        Outcome::Failed => return no(reason_of(record)),
        Outcome::WrongOutput => return no("the output of a side is wrong"),
        Outcome::Interrupted | Outcome::NotMeasured => return not_observed(reason_of(record)),
        Outcome::Complete => {}
    }
    if !record.is_against_itself() {
        return not_observed("its two sides are not the same program with the same inputs");
    }
    let Some(decision) = &record.decision else { return not_observed("it was not decided") };
    let noise = noise(record).unwrap_or_else(|| "too few pairs to estimate the noise".to_owned());
    let reported = format!("{noise}; `{}`: {}", decision.verdict.as_str(), decision.reason);
    let answer = match decision.verdict {
        Verdict::Regressed | Verdict::Mixed | Verdict::Improved | Verdict::WrongOutput => Answer::No,
        Verdict::InvalidEnvironment => Answer::NotObserved,
        Verdict::Pass | Verdict::Inconclusive if decision.sensitivity.is_none() => Answer::NotObserved,
        Verdict::Pass | Verdict::Inconclusive => Answer::Yes,
    };
    let result = ClaimResult::new(answer, reported);
    let seen = decision.sensitivity.as_ref();
    Ok(result
        .with("pairs", seen.map(|seen| seen.pairs as f64))
        .with("pair_sd_percent", seen.map(|seen| seen.pair_sd_percent))
        .with("smallest_seen_percent", seen.map(|seen| seen.smallest_seen_percent)))
}

/// How far its pairs differ, where there are enough.
fn noise(record: &Experiment) -> Option<String> {
    let seen = record.decision.as_ref()?.sensitivity.as_ref()?;
    Some(format!(
        "{} pairs differ by {:.2} % (sd), so that {:.2} % could be seen",
        seen.pairs, seen.pair_sd_percent, seen.smallest_seen_percent
    ))
}

fn reason_of(record: &Experiment) -> String {
    let failure = record.failure.clone();
    failure.unwrap_or_else(|| "it did not come to its end, and does not say why".to_owned())
}
