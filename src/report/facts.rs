//! What must be known beside the table: proof of device, load and memory by phase, guards, the harness's cost.

use crate::engine::openvino::DeviceKind;
use crate::judge::environment::{Guard, GuardState, of_record};
use crate::judge::{Roofline, Summary, energy_per_token, roofline_of};
use crate::measure::Metric;
use crate::measure::guard::GuardLog;
use crate::measure::kv::StateAccess;
use crate::measure::protocol::{CacheState, KvBytesSource};
use crate::measure::supervisor::WarmLoad;
use crate::record::{Arm, ArmView, LogitDriftRecord, ProcessRecord, ProofGrade};
use crate::report::number::{four_digits, mebibytes};
use crate::sys::MemoryReading;
use crate::visible::line;
use crate::workload::TokenId;

/// What must be known beside the values of a run; what is not known is not there.
pub(super) fn facts_of(record: ArmView<'_>, summary: &Summary) -> Vec<(&'static str, String)> {
    let fact = |subject: &'static str, said: Option<String>| said.map(|said| (subject, line(&said)));
    let known = [
        fact("backfilled", backfilled(record)),
        fact("device", device(record)),
        fact("tokenizer", template_tokens(record)),
        fact("load", load(record)),
        fact("peak memory", memory(record, summary)),
        fact("GPU memory", device_memory(record)),
        fact("KV cache", kv_cache(record)),
        fact("KV states", state_access(record)),
        fact("logits", drift(record)),
        fact("distributions", distribution_drift(record)),
        fact("environment", validity(record)),
        fact("guards", guards(record)),
        fact("energy", energy(record)),
        fact("roofline", roofline(record, summary)),
        fact("criterion", criterion(record)),
        fact("harness", harness(record, summary)),
    ];
    known.into_iter().flatten().collect()
}

/// Where a commit was measured later, by another harness than its own.
fn backfilled(record: ArmView<'_>) -> Option<String> {
    let harness = record.experiment.backfilled_by()?;
    Some(format!("built from its commit, and measured with the harness and the inputs of {harness}"))
}

fn device(record: ArmView<'_>) -> Option<String> {
    let ran = record.device.ran.as_ref()?;
    let proof = match ran.grade() {
        ProofGrade::PropertyAndCounters => "reported by OpenVINO and by the kernel's counters of the worker",
        ProofGrade::Property => "reported by OpenVINO alone: recorded, never gated",
    };
    let drivers = (ran.kind() == DeviceKind::Gpu).then(|| format!("; {}", ran.facts().drivers_in_words()));
    Some(format!("`{}` ran, {proof}{}", ran.execution_devices(), drivers.unwrap_or_default()))
}

/// Special tokens around a prompt that was given as text; most tokenizers of chat models put none.
fn template_tokens(record: ArmView<'_>) -> Option<String> {
    let template = record.workload.template_tokens.as_ref().filter(|template| !template.is_empty())?;
    let named = |ids: &[TokenId], place: &str| {
        let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
        (!ids.is_empty()).then(|| format!("{} {place} a text", ids.join(", ")))
    };
    let parts = [named(&template.before, "before"), named(&template.after, "after")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Some(format!("its template puts token {}; pinned prompts are as they are", parts.join(" and ")))
}

fn load(record: ArmView<'_>) -> Option<String> {
    let loads: Vec<_> = record.measured_processes().filter_map(|process| process.load.as_ref()).collect();
    let first = loads.first()?;
    let seconds: Vec<f64> = loads.iter().map(|load| load.load_ns as f64 / 1e9).collect();
    let mean = seconds.iter().sum::<f64>() / seconds.len() as f64;
    let cache = match first.compiled_model_cache {
        CacheState::Off => "compiled each time",
        CacheState::Cold => "cold: nothing was in the cache of compiled models",
        CacheState::Warm => "warm: from the cache of compiled models",
    };
    let tokens = match record.warm_load {
        WarmLoad::SameTokens => ", with the tokens of the cold load",
        WarmLoad::Differs(_) => ", with other tokens than the cold load",
        WarmLoad::NoColdLoad | WarmLoad::NotTested => "",
    };
    Some(format!("{mean:.2} s, mean of {} (load@1; {cache}{tokens})", seconds.len()))
}

/// A phase, and its reading in a process.
type Phase = (&'static str, fn(&ProcessRecord) -> &MemoryReading);

/// The highest reading of each phase, as in "load 1.0 MiB, prefill 2.0 MiB"; None where none was taken.
fn phases(record: ArmView<'_>, of: fn(&MemoryReading) -> Option<u64>) -> Option<String> {
    let phases: [Phase; 3] = [
        ("load", |process| &process.memory.load),
        ("prefill", |process| &process.memory.prefill),
        ("decode", |process| &process.memory.decode),
    ];
    let highest = |(name, phase): Phase| {
        let bytes = record.measured_processes().filter_map(|process| of(phase(process))).max()?;
        Some(format!("{name} {}", mebibytes(bytes)))
    };
    let highest: Vec<String> = phases.into_iter().filter_map(highest).collect();
    (!highest.is_empty()).then(|| highest.join(", "))
}

/// The highest of the measured generations, as the table has it; the phases are those of the warm-ups, which alone
/// are read by phase.
fn memory(record: ArmView<'_>, summary: &Summary) -> Option<String> {
    let phases = phases(record, |reading| reading.peak_rss_bytes)?;
    let highest = summary.peak_rss_bytes.map_or("unknown".to_owned(), mebibytes);
    let end = record.measured_processes().last().map(|process| &process.memory.decode);
    let split = end.and_then(|end| {
        let (anonymous, file) = (end.rss_anonymous_bytes?, end.rss_file_bytes?);
        Some(format!("; at the end {} anonymous, {} file-backed", mebibytes(anonymous), mebibytes(file)))
    });
    Some(format!("{highest} (peak_rss@1); warm-up: {phases}{}", split.unwrap_or_default()))
}

/// Of a GPU: the highest reading, and what was resident at the end of each phase.
fn device_memory(record: ArmView<'_>) -> Option<String> {
    let highest = record.measured_processes().filter_map(device_memory_bytes).max()?;
    let ends = phases(record, |reading| reading.device_resident_bytes);
    let ends = ends.map(|ends| format!("; at the end of {ends}")).unwrap_or_default();
    Some(format!("{} (peak_device_memory@1{ends})", mebibytes(highest)))
}

/// What the kernel showed of the worker, and what OpenVINO reported of itself: the higher of the two.
fn device_memory_bytes(process: &ProcessRecord) -> Option<u64> {
    let sampled = process.guards.as_ref().and_then(GuardLog::peak_device_memory_bytes);
    sampled.max(process.device_memory_bytes)
}

/// The size of the KV cache, with its bound where it is only bounded.
pub(super) fn kv_cache_size(record: ArmView<'_>) -> Option<String> {
    let cache = record.measured_processes().find_map(|process| process.kv_cache.as_ref())?;
    let bound = if cache.bytes_source == KvBytesSource::DeviceMemoryGrowth { "at most " } else { "" };
    Some(format!("{bound}{}", mebibytes(cache.bytes?)))
}

fn kv_cache(record: ArmView<'_>) -> Option<String> {
    let cache = record.measured_processes().find_map(|process| process.kv_cache.as_ref())?;
    let bytes = cache.bytes.map_or("size unknown".to_owned(), mebibytes);
    let tokens = cache.tokens;
    let precision = &cache.precision;
    Some(match cache.bytes_source {
        KvBytesSource::CachePrecision => {
            format!("{bytes} for {tokens} tokens in {precision} (by its shapes)")
        }
        KvBytesSource::InferencePrecision => format!(
            "{bytes} for {tokens} tokens in the inference precision (by its shapes): its states can be read, \
             so it is not compressed, though KV_CACHE_PRECISION reads {precision}"
        ),
        KvBytesSource::DeviceMemoryGrowth => format!(
            "at most {bytes} for {tokens} tokens in {precision} (growth of the device's memory): its states \
             cannot be read"
        ),
    })
}

/// How long the KV states took to be read and written back, over the processes that timed it.
fn state_access(record: ArmView<'_>) -> Option<String> {
    let all: Vec<&StateAccess> =
        record.measured_processes().filter_map(|it| it.state_access.as_ref()).collect();
    let first = all.first()?;
    let mean = |metric| {
        let values: Vec<f64> = all.iter().filter_map(|access| access.values().get(metric)).collect();
        (!values.is_empty()).then(|| four_digits(values.iter().sum::<f64>() / values.len() as f64))
    };
    Some(format!(
        "{} rows, {}: {} ms to read all, {} ms to write all back, {} ms together",
        first.rows,
        mebibytes(first.bytes),
        mean(Metric::StateRead)?,
        mean(Metric::StateWrite)?,
        mean(Metric::StateRoundTrip)?
    ))
}

fn drift(record: ArmView<'_>) -> Option<String> {
    let LogitDriftRecord { drift, limit } = record.logit_drift.as_ref()?;
    let normal = limit.as_ref().map_or("no limit is calibrated".to_owned(), |limit| {
        format!("limits {:.4} and {:.4}", limit.largest_logit, limit.mean_logit)
    });
    Some(format!(
        "difference {:.4} logit at most, {:.4} on average over {} steps of the probe text (logit_drift@1; {normal})",
        drift.largest_logit, drift.mean_logit, drift.steps
    ))
}

fn distribution_drift(record: ArmView<'_>) -> Option<String> {
    let drift = record.distribution_drift.as_ref()?;
    let whole = drift.whole()?;
    let normal = drift.limit.as_ref().map_or("no limit is calibrated".to_owned(), |limit| {
        format!("limits {:.1e} and {:.1e}", limit.mean_kl_nats, limit.largest_logit_difference)
    });
    Some(format!(
        "mean KL {:.1e} nats, largest logit difference {:.1e}, over {} steps of {} texts (mean_kl@1, \
         max_logit_difference@1; {normal})",
        whole.mean_kl_nats,
        whole.largest_logit_difference,
        whole.steps,
        drift.texts.len()
    ))
}

fn criterion(record: ArmView<'_>) -> Option<String> {
    let count = record.experiment.criterion.len();
    (count > 0).then(|| format!("{count} estimates, stored in the record, never gated"))
}

fn harness(record: ArmView<'_>, summary: &Summary) -> Option<String> {
    summary.average.as_ref()?;
    let cost = &record.experiment.cost;
    let seconds = |ns: u64| ns as f64 / 1e9;
    Some(format!(
        "overhead {:.1} % of the workers' loads and generations; beside it hashing {:.1} s, bandwidth reference {:.1} s, cool-down {:.1} s, untimed passes {:.1} s",
        (cost.ratio()? - 1.0) * 100.0,
        seconds(cost.hashing_ns),
        seconds(cost.bandwidth_reference_ns),
        seconds(cost.cool_down_ns),
        seconds(cost.untimed_pass_ns),
    ))
}

/// Whether the times are valid, by the guards that were observed.
fn validity(record: ArmView<'_>) -> Option<String> {
    let processes = of_record(&record);
    let invalid: Vec<String> = processes
        .iter()
        .filter(|process| process.is_invalid())
        .map(|process| (process.process + 1).to_string())
        .collect();
    if processes.is_empty() {
        return None;
    }
    Some(match invalid.len() {
        0 => "no guard tripped of those that were observed".to_owned(),
        _ => format!("INVALID in process {}: do not compare these times", invalid.join(", ")),
    })
}

/// Which guards looked, and which could not; None where none was requested.
fn guards(record: ArmView<'_>) -> Option<String> {
    let states = guard_states(record.arm);
    let named = |(word, wanted): (&str, GuardState)| {
        let named = states.iter().filter(|(_, state)| *state == wanted).map(|(guard, _)| guard.id());
        let named: Vec<&str> = named.collect();
        (!named.is_empty()).then(|| format!("{word}: {}", named.join(", ")))
    };
    let reported: Vec<String> = [
        ("tripped", GuardState::Tripped),
        ("vanished", GuardState::Vanished),
        ("clean", GuardState::Clean),
        ("not observed", GuardState::NotObserved),
    ]
    .into_iter()
    .filter_map(named)
    .collect();
    (!reported.is_empty()).then(|| reported.join("; "))
}

/// What each guard that was read says of all processes together: something seen outweighs what could not be seen in
/// another process, and what vanished or tripped once is not clean.
pub(super) fn guard_states(arm: &Arm) -> Vec<(Guard, GuardState)> {
    let findings: Vec<_> = of_record(arm).into_iter().flat_map(|process| process.findings).collect();
    let worst = |guard: Guard| {
        let states = findings.iter().filter(|finding| finding.guard == guard).map(|finding| finding.state);
        states.max_by_key(|state| match state {
            GuardState::NotObserved => 0,
            GuardState::Clean => 1,
            GuardState::Vanished => 2,
            GuardState::Tripped => 3,
        })
    };
    Guard::ALL.into_iter().filter_map(|guard| Some((guard, worst(guard)?))).collect()
}

/// Energy a token; absent is absent.
fn energy(record: ArmView<'_>) -> Option<String> {
    let metric_value = energy_per_token(&record)?;
    Some(format!(
        "{:.3} J/token of the processor's package ({})",
        metric_value.value,
        metric_value.metric.id()
    ))
}

/// How near decoding came to what memory allows.
fn roofline(record: ArmView<'_>, summary: &Summary) -> Option<String> {
    summary.average.as_ref()?;
    record.experiment.bandwidth_after.as_ref()?;
    Some(match roofline_of(record, summary) {
        Roofline::NotMeaningful { reason } => format!("not meaningful: {reason}"),
        Roofline::Share { fastest_ms_per_token, share, caveat } => format!(
            "{:.0} % of what memory allows ({fastest_ms_per_token:.2} ms/token){}",
            share * 100.0,
            caveat.map(|caveat| format!("; {caveat}")).unwrap_or_default()
        ),
    })
}
