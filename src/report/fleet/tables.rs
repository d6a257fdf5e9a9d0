//! The tables of the data set: of each column one definition, which is its name, its kind, what it means and how it comes
//! from a record. Schema, rows and documentation follow from it.

use serde::Serialize;

use crate::judge::environment::{Guard, GuardState};
use crate::judge::kv::without_calibration;
use crate::judge::{Validity, invalidating_findings};

use crate::measure::Metric;
use crate::record::{
    Arm, ArmView, ComparisonRecord, DecisionRecord, Experiment, ProvenDevice, SampleRecord, Side,
    seconds_of_utc,
};
use crate::report::fleet::parquet::{Cell, Column, Kind};

macro_rules! columns {
    ($row:ident: $($name:ident $kind:ident $meaning:literal = $of:expr;)*) => {
        &[$(Column { name: stringify!($name), kind: Kind::$kind, meaning: $meaning, of: |$row| Cell::$kind($of) },)*]
    };
}

/// A record with the name that is its own.
#[derive(Clone, Copy)]
pub(super) struct RecordRow<'a> {
    pub(super) sha256: &'a str,
    pub(super) record: &'a Experiment,
}

/// An arm of it.
#[derive(Clone, Copy)]
pub(super) struct ArmRow<'a> {
    pub(super) of: RecordRow<'a>,
    pub(super) number: usize,
    pub(super) arm: ArmView<'a>,
}

/// A measured generation.
pub(super) struct SampleRow<'a> {
    pub(super) of: ArmRow<'a>,
    /// Among the measured ones of the arm, from 0.
    pub(super) number: usize,
    pub(super) sample: &'a SampleRecord,
}

/// A guard of an arm.
pub(super) struct GuardRow<'a> {
    pub(super) of: ArmRow<'a>,
    pub(super) guard: Guard,
    pub(super) state: GuardState,
}

/// An A/B that came to a decision.
pub(super) struct VerdictRow<'a> {
    pub(super) of: RecordRow<'a>,
    pub(super) decision: &'a DecisionRecord,
}

/// A pair of an A/B.
pub(super) struct PairRow<'a> {
    pub(super) of: RecordRow<'a>,
    pub(super) number: usize,
    pub(super) first: Side,
    pub(super) counts: bool,
    pub(super) sides: [Sums; 2],
}

/// How a cell comes from a row of each table.
type OfArm = fn(&ArmRow<'_>) -> Cell;
type OfSample = fn(&SampleRow<'_>) -> Cell;
type OfGuard = fn(&GuardRow<'_>) -> Cell;
type OfVerdict = fn(&VerdictRow<'_>) -> Cell;
type OfPair = fn(&PairRow<'_>) -> Cell;

pub(super) const RUNS: &[Column<OfArm>] = columns! { row:
    record_sha256 Text "sha256 of the record's payload, the name of the record" = text(row.of.sha256);
    arm Integer "place of the arm in the record, from 0; of an A/B 0 is the base and 1 the head" = count(row.number);
    run_id Text "short name of the record, for people; it may not be unique in a fleet" = text(&row.of.record.run_id);
    when_utc_s Integer "when the experiment began, seconds since 1970, UTC" = seconds_of_utc(&row.of.record.when_utc);
    unit_id Text "which machine of its class, where `history use --unit` was chosen" = row.of.record.unit_id.clone();
    plan Text "bench, ab, peers, kv or soak" = text(row.of.record.plan.as_str());
    suite Text "reference, depth or custom" = text(&row.of.record.suite);
    outcome Text "how the arm ended: complete, wrong-output, interrupted, failed or not-measured" = word(&row.arm.outcome);
    validity Text "valid, unverified, invalid, wrong-output, interrupted or failed" = text(Validity::of(row.of.record).as_str());
    golden Text "the worst result of its outputs: match, near-tie, none or break" = golden(row.arm.arm);
    guards_tripped Integer "guards that invalidate its times" = count(invalidating_findings(row.arm.arm).len());
    engine Text "whose loop drives the model" = text(&row.arm.host_loop);
    kv_transform Text "what an experiment of `kv` does to the KV cache, without the file of a calibration" = row.arm.kv.as_ref().map(|kv| without_calibration(&kv.transform));
    model Text "name of the model" = text(&row.arm.model.name);
    model_sha256 Text "sha256 of the model" = text(&row.arm.model.sha256);
    workload_sha256 Text "sha256 of prompts and protocol" = text(&row.arm.workload.sha256);
    device Text "what ran: CPU, GPU or NPU" = device(row.arm.arm);
    device_name Text "its name, as OpenVINO reports it" = row.arm.device.ran.as_ref().and_then(|ran| ran.facts().full_name.clone());
    is_emulated Integer "1 where the device is emulated" = Some(i64::from(row.arm.device.emulated_reason().is_some()));
    openvino Text "version of OpenVINO" = row.arm.runtime.as_ref().map(|it| it.openvino_version.clone());
    inference_precision Text "precision in force" = property(row.arm.arm, "INFERENCE_PRECISION_HINT");
    kv_cache_precision Text "precision of the KV cache in force" = property(row.arm.arm, "KV_CACHE_PRECISION");
    gpu_driver Text "version of the GPU's driver" = row.of.record.machine.gpu_driver.clone();
    kernel Text "version of the kernel" = row.of.record.machine.kernel.clone();
    commit_sha Text "the commit that was measured" = row.arm.commit.as_ref().map(|commit| commit.sha.clone());
    is_dirty Integer "1 where the tree had changes over the commit" = row.arm.commit.as_ref().map(|it| i64::from(it.dirty));
    arcgauge_version Text "version of arcgauge" = text(&row.of.record.arcgauge_version);
    processes Integer "measured processes" = count(row.arm.measured_processes().count());
    generations Integer "measured generations" = count(row.arm.measured_samples().count());
    prompt_tokens Integer "tokens of all prompts" = count(row.arm.measured_samples().map(|it| it.prompt_tokens).sum());
    decode_steps Integer "steps after the first token, of all generations" = count(row.arm.measured_samples().map(steps).sum());
    ttft_ns Integer "sum of the times to the first token, ns" = sums(row.arm.arm).map(|it| it.ttft_ns);
    decode_ns Integer "sum of the times from the first token to the last, ns" = sums(row.arm.arm).map(|it| it.decode_ns);
    e2e_ns Integer "sum of the times from the prompt to the last token, ns" = sums(row.arm.arm).map(|it| it.ttft_ns + it.decode_ns);
    infer_ns Integer "part of it that was spent in inferences, ns" = sums(row.arm.arm).map(|it| it.infer_ns);
    loads Integer "loads of measured processes" = count(loads(row.arm.arm).count());
    load_ns Integer "sum of those loads, ns" = loads(row.arm.arm).map(integer).sum();
    peak_rss_bytes Integer "highest resident set of a generation" = row.arm.measured_samples().filter_map(|it| it.peak_rss_bytes).max().and_then(integer);
    peak_device_memory_bytes Integer "highest memory of the device" = row.arm.measured_processes().filter_map(|it| it.device_memory_bytes).max().and_then(integer);
};

pub(super) const SAMPLES: &[Column<OfSample>] = columns! { row:
    record_sha256 Text "as in runs" = text(row.of.of.sha256);
    arm Integer "as in runs" = count(row.of.number);
    sample Integer "place among the arm's measured generations, from 0" = count(row.number);
    process Integer "which measured process, from 0" = count(row.sample.process);
    prompt_id Text "id of the prompt" = text(&row.sample.prompt_id);
    prompt_tokens Integer "tokens of the prompt" = count(row.sample.prompt_tokens);
    decode_steps Integer "steps after the first token" = count(steps(row.sample));
    ttft_ns Integer "from the prompt to the first token, ns" = Sums::of(row.sample).map(|it| it.ttft_ns);
    decode_ns Integer "from the first token to the last, ns" = Sums::of(row.sample).map(|it| it.decode_ns);
    infer_ns Integer "part of both that was spent in inferences, ns" = Sums::of(row.sample).map(|it| it.infer_ns);
    peak_rss_bytes Integer "highest resident set" = row.sample.peak_rss_bytes.and_then(integer);
};

pub(super) const TOKENS: &[Column<OfSample>] = columns! { row:
    record_sha256 Text "as in runs" = text(row.of.of.sha256);
    arm Integer "as in runs" = count(row.of.number);
    sample Integer "as in samples" = count(row.number);
    prompt_id Text "id of the prompt" = text(&row.sample.prompt_id);
    token_ids Integers "the tokens of the answer" = row.sample.token_ids.iter().map(|id| i64::from(*id)).collect();
    step_ns Integers "time of each decode step, ns" = step_ns(row.sample);
    infer_ns Integers "time of each inference, ns" = row.sample.times.iter().flat_map(|it| &it.infer_ns).filter_map(|ns| integer(*ns)).collect();
};

pub(super) const GUARDS: &[Column<OfGuard>] = columns! { row:
    record_sha256 Text "as in runs" = text(row.of.of.sha256);
    arm Integer "as in runs" = count(row.of.number);
    guard Text "id of the guard" = text(row.guard.id());
    status Text "tripped, vanished, clean or not-observed: the worst of all processes" = word(&row.state);
};

pub(super) const VERDICTS: &[Column<OfVerdict>] = columns! { row:
    record_sha256 Text "as in runs" = text(row.of.sha256);
    run_id Text "as in runs" = text(&row.of.record.run_id);
    when_utc_s Integer "as in runs" = seconds_of_utc(&row.of.record.when_utc);
    unit_id Text "as in runs" = row.of.record.unit_id.clone();
    model Text "name of the head's model" = text(&row.of.record.head().model.name);
    model_sha256 Text "its sha256" = text(&row.of.record.head().model.sha256);
    device Text "what ran the head" = device(row.of.record.head().arm);
    gpu_driver Text "version of the GPU's driver" = row.of.record.machine.gpu_driver.clone();
    base_openvino Text "version of OpenVINO on the base" = row.of.record.base().runtime.as_ref().map(|it| it.openvino_version.clone());
    head_openvino Text "and on the head" = row.of.record.head().runtime.as_ref().map(|it| it.openvino_version.clone());
    base_commit_sha Text "the base's commit" = row.of.record.base().commit.as_ref().map(|it| it.sha.clone());
    head_commit_sha Text "the head's commit" = row.of.record.head().commit.as_ref().map(|it| it.sha.clone());
    is_of_bisect Integer "1 for a comparison of a bisect" = Some(i64::from(row.of.record.bisect.is_some()));
    verdict Text "the verdict of the A/B" = text(row.decision.verdict.as_str());
    gate_verdict Text "the gate's verdict, where it judged" = row.of.record.gate_decision.as_ref().map(|it| it.verdict.as_str().to_owned());
    pairs_measured Integer "pairs that were measured" = count(row.of.record.rounds.len());
    pairs Integer "pairs that count" = mean_tpot(row.decision).and_then(|it| count(it.pairs));
    tpot_ratio_ppm Integer "TPOT of the head over the base's, millionths" = mean_tpot(row.decision).and_then(|it| millionths(it.ratio));
    tpot_lower_ppm Integer "lower bound of it, millionths" = mean_tpot(row.decision).and_then(|it| millionths(it.lower));
    tpot_upper_ppm Integer "upper bound of it, millionths" = mean_tpot(row.decision).and_then(|it| millionths(it.upper));
};

pub(super) const PAIRS: &[Column<OfPair>] = columns! { row:
    record_sha256 Text "as in runs" = text(row.of.sha256);
    pair Integer "place of the pair in the record, from 0" = count(row.number);
    first Text "which side ran first: base or head" = text(row.first.as_str());
    counts Integer "1 where no guard invalidated it, or guards were ignored" = Some(i64::from(row.counts));
    base_decode_steps Integer "steps of the base after the first tokens" = Some(row.sides[0].decode_steps);
    base_ttft_ns Integer "the base's times to the first token, ns" = Some(row.sides[0].ttft_ns);
    base_decode_ns Integer "the base's times from the first token to the last, ns" = Some(row.sides[0].decode_ns);
    head_decode_steps Integer "steps of the head after the first tokens" = Some(row.sides[1].decode_steps);
    head_ttft_ns Integer "the head's times to the first token, ns" = Some(row.sides[1].ttft_ns);
    head_decode_ns Integer "the head's times from the first token to the last, ns" = Some(row.sides[1].decode_ns);
};

/// Times of generations, ns, and the steps that they are of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    decode_steps: i64,
    ttft_ns: i64,
    decode_ns: i64,
    infer_ns: i64,
}

impl Sums {
    /// Of one generation; None where it has no speed.
    fn of(sample: &SampleRecord) -> Option<Self> {
        let times = sample.times.as_ref()?;
        let (first_ns, last_ns) = (*times.token_ns.first()?, *times.token_ns.last()?);
        Some(Self {
            decode_steps: count(steps(sample))?,
            ttft_ns: integer(first_ns.checked_sub(times.submitted_ns)?)?,
            decode_ns: integer(last_ns.checked_sub(first_ns)?)?,
            infer_ns: times.infer_ns.iter().map(|ns| integer(*ns)).sum::<Option<i64>>()?,
        })
    }

    /// Of several; None where one of them has no speed, or there is none.
    pub(super) fn of_all<'a>(samples: impl Iterator<Item = &'a SampleRecord>) -> Option<Self> {
        let mut samples = samples.map(Self::of).peekable();
        samples.peek()?;
        samples.try_fold(Self::default(), |sum, sample| {
            let sample = sample?;
            Some(Self {
                decode_steps: sum.decode_steps.checked_add(sample.decode_steps)?,
                ttft_ns: sum.ttft_ns.checked_add(sample.ttft_ns)?,
                decode_ns: sum.decode_ns.checked_add(sample.decode_ns)?,
                infer_ns: sum.infer_ns.checked_add(sample.infer_ns)?,
            })
        })
    }
}

fn sums(arm: &Arm) -> Option<Sums> {
    Sums::of_all(arm.measured_samples())
}

fn steps(sample: &SampleRecord) -> usize {
    sample.token_ids.len().saturating_sub(1)
}

fn step_ns(sample: &SampleRecord) -> Vec<i64> {
    let token_ns = sample.times.as_ref().map_or(&[][..], |times| &times.token_ns);
    token_ns.windows(2).filter_map(|pair| integer(pair[1].saturating_sub(pair[0]))).collect()
}

fn loads(arm: &Arm) -> impl Iterator<Item = u64> {
    arm.measured_processes().filter_map(|process| Some(process.load.as_ref()?.load_ns))
}

fn property(arm: &Arm, name: &str) -> Option<String> {
    arm.runtime.as_ref()?.properties_effective.get(name).cloned()
}

fn device(arm: &Arm) -> Option<String> {
    text(arm.device.ran.as_ref().map(ProvenDevice::kind)?.name())
}

fn golden(arm: &Arm) -> Option<String> {
    text(arm.prompts.iter().map(|prompt| prompt.golden).max()?.as_str())
}

/// Of the mean over all prompts.
fn mean_tpot(decision: &DecisionRecord) -> Option<&ComparisonRecord> {
    decision.comparisons.iter().find(|it| it.metric == Metric::TimePerOutputToken && it.prompt.is_none())
}

#[expect(clippy::unnecessary_wraps, reason = "a cell is one that may be null")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// As it is serialised.
fn word(value: &impl Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

fn count(count: usize) -> Option<i64> {
    i64::try_from(count).ok()
}

fn integer(value: u64) -> Option<i64> {
    i64::try_from(value).ok()
}

/// Rounded to the nearest millionth; None of what has none.
fn millionths(ratio: f64) -> Option<i64> {
    let millionths = (ratio * 1e6).round();
    #[expect(clippy::cast_possible_truncation, reason = "it is a whole number of less than 2^53")]
    (millionths.abs() < 9e15).then_some(millionths as i64)
}
