//! `bench` on the GPU: whether it decodes, how well that is proven, and what came of it.

use crate::engine::openvino::DeviceKind;
use crate::golden::GoldenResult;
use crate::judge::first_light::evidence::{failure, is_genuine};
use crate::judge::first_light::{ClaimResult, Evidence, StepSeen};
use crate::judge::summarise;
use crate::measure::{Metric, Role};
use crate::record::{Arm, Outcome, ProofGrade, ProvenDevice};

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
