//! `bench` on the GPU: whether it decodes, how well that is proven, and what came of it.

use crate::engine::openvino::DeviceKind;
use crate::golden::GoldenResult;
use crate::judge::first_light::evidence::{failure, is_genuine};
use crate::judge::first_light::{Evidence, StepSeen, Word};
use crate::judge::summarise;
use crate::record::{Outcome, ProofGrade, ProvenDevice, RunRecord, SampleRole};

pub(super) fn gpu_decodes(evidence: &Evidence) -> Word {
    let record = match with_a_gpu(evidence) {
        Ok(record) => record,
        Err(word) => return word,
    };
    let made = || record.samples.iter().filter(|sample| sample.role == SampleRole::Measured);
    let tokens: usize = made().map(|sample| sample.token_ids.len()).sum();
    if tokens > 0 {
        let ran = record.device.ran.as_ref().map_or("", ProvenDevice::execution_devices);
        return Word::yes(format!("`{ran}` made {tokens} tokens in {} generations", made().count()))
            .with("tokens", tokens as f64);
    }
    match record.outcome {
        Outcome::Failed => Word::no(failure(record)),
        _ => Word::not_observed(failure(record)),
    }
}

pub(super) fn device_proof(evidence: &Evidence) -> Word {
    let record = match with_a_gpu(evidence) {
        Ok(record) => record,
        Err(word) => return word,
    };
    let Some(ran) = &record.device.ran else {
        // Where every process did its work, what failed afterwards is the proof.
        let all_done =
            !record.processes.is_empty() && record.processes.iter().all(|process| process.ending == "done");
        let because = format!("no device was proven: {}", failure(record));
        return if all_done && record.outcome == Outcome::Failed {
            Word::no(because)
        } else {
            Word::not_observed(because)
        };
    };
    let devices = ran.execution_devices();
    match ran.grade() {
        ProofGrade::PropertyAndCounters => Word::yes(format!(
            "`EXECUTION_DEVICES` is `{devices}`, and the kernel counted the worker's GPU work"
        )),
        ProofGrade::Property => Word::not_observed(format!(
            "`EXECUTION_DEVICES` is `{devices}`, and the worker's counters could not be read: it stands on OpenVINO's word alone"
        )),
    }
}

pub(super) fn bench(evidence: &Evidence) -> Word {
    let record = match with_a_gpu(evidence) {
        Ok(record) => record,
        Err(word) => return word,
    };
    match record.outcome {
        Outcome::Complete => complete(record),
        Outcome::WrongOutput => Word::no(format!("its output is wrong: {}", broken_prompts(record))),
        Outcome::Failed => Word::no(failure(record)),
        Outcome::Interrupted | Outcome::NotMeasured => Word::not_observed(failure(record)),
    }
}

fn complete(record: &RunRecord) -> Word {
    let summary = summarise(record);
    let Some(average) = &summary.average else {
        return Word::not_observed("it came to its end and has no speed");
    };
    let golden = match summary.golden {
        Some(GoldenResult::Match) => "every token is the golden one",
        Some(GoldenResult::NearTie) => "tokens differ from the goldens at near-ties alone",
        Some(GoldenResult::Break) => {
            return Word::no(format!("its output is wrong: {}", broken_prompts(record)));
        }
        Some(GoldenResult::None) | None => "there are no goldens yet, and all generations agree",
    };
    let mean = &average.mean;
    let word = Word::yes(format!(
        "{:.2} tok/s with the prefill, {:.1} ms to the first token; {golden}",
        mean.throughput_tok_s, mean.ttft_ms
    ));
    let word = word.with("e2e_throughput_tok_s", mean.throughput_tok_s).with("ttft_ms", mean.ttft_ms);
    match mean.decode_tpot_ms {
        Some(tpot_ms) => word.with("tpot_ms_per_token", tpot_ms),
        None => word,
    }
}

fn broken_prompts(record: &RunRecord) -> String {
    let broken = record.prompts.iter().filter(|prompt| prompt.golden == GoldenResult::Break);
    let ids: Vec<String> = broken.map(|prompt| format!("`{}`", prompt.id)).collect();
    ids.join(", ")
}

/// The record, where a GPU ran or should have: what fails on a machine with one is a no.
fn with_a_gpu(evidence: &Evidence) -> Result<&RunRecord, Word> {
    let record = match &evidence.bench {
        StepSeen::Told(record) => record,
        StepSeen::Failed(because) if evidence.expects_a_gpu() => {
            return Err(Word::no(because.as_str()));
        }
        StepSeen::Failed(because) | StepSeen::NotRun(because) => {
            return Err(Word::not_observed(because.as_str()));
        }
    };
    is_genuine(record)?;
    match record.device.ran.as_ref().map(ProvenDevice::kind) {
        Some(DeviceKind::Gpu) => Ok(record),
        None if evidence.expects_a_gpu() => Ok(record),
        None => Err(Word::not_observed(format!("nothing ran: {}", failure(record)))),
        Some(DeviceKind::Cpu) => {
            let of_cpu = match (record.outcome, summarise(record).average) {
                (Outcome::Complete, Some(average)) => {
                    format!("; there it came to its end with {:.2} tok/s", average.mean.throughput_tok_s)
                }
                _ => String::new(),
            };
            let because = evidence.cpu_ran(record.device.reason.as_deref());
            Err(Word::not_observed(format!("{because}{of_cpu}")))
        }
    }
}
