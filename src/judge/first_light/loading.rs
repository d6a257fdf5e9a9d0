//! Loads and memory on the GPU.

use crate::judge::first_light::{ClaimResult, Evidence, guards};
use crate::measure::guard::GuardLog;
use crate::measure::protocol::CacheState;
use crate::measure::supervisor::Purpose;
use crate::record::{Arm, LoadRecord, ProcessRecord};

/// What the files of the model have together that the harness is for, bytes; it has 12.8 GB.
const WHOLE_MODEL_BYTES: f64 = 10_000_000_000.0;

const MEBIBYTE: f64 = 1_048_576.0;

pub(super) fn memory_by_phase(evidence: &Evidence) -> ClaimResult {
    let record = match evidence.bench_on_gpu() {
        Ok(record) => record,
        Err(word) => return word,
    };
    let Some(process) = measured(record).last() else {
        return ClaimResult::not_observed("no process was measured");
    };
    let memory = &process.memory;
    let phases = [("load", &memory.load), ("prefill", &memory.prefill), ("decode", &memory.decode)];
    let mut reported = Vec::new();
    let mut missing = Vec::new();
    for (name, phase) in phases {
        match (phase.peak_rss_bytes, phase.device_resident_bytes) {
            (Some(host), Some(device)) => reported.push(format!(
                "{name} {:.0} + {:.0} MiB",
                host as f64 / MEBIBYTE,
                device as f64 / MEBIBYTE
            )),
            (None, _) => missing.push(format!("{name}: the host's")),
            (_, None) => missing.push(format!("{name}: the GPU's")),
        }
    }
    if !missing.is_empty() {
        return ClaimResult::not_observed(format!("not reported: {}", missing.join(", ")));
    }
    if phases.iter().all(|(_, phase)| phase.device_resident_bytes == Some(0)) {
        return ClaimResult::no("the worker had no GPU memory in any phase, and a GPU ran");
    }
    let ids = [
        ["load_peak_rss_bytes", "load_gpu_resident_bytes"],
        ["prefill_peak_rss_bytes", "prefill_gpu_resident_bytes"],
        ["decode_peak_rss_bytes", "decode_gpu_resident_bytes"],
    ];
    let word = ClaimResult::yes(format!("host + GPU: {}", reported.join(", ")));
    phases.iter().zip(ids).fold(word, |word, ((_, phase), [host, device])| {
        word.with(host, phase.peak_rss_bytes.unwrap_or_default() as f64)
            .with(device, phase.device_resident_bytes.unwrap_or_default() as f64)
    })
}

pub(super) fn gpu_memory(evidence: &Evidence) -> ClaimResult {
    let record = match evidence.bench_on_gpu() {
        Ok(record) => record,
        Err(word) => return word,
    };
    let by_kernel = guards::logs(record).filter_map(GuardLog::peak_device_memory_bytes).max();
    let by_openvino = measured(record).filter_map(|process| process.device_memory_bytes).max();
    let reported = by_openvino.map_or("OpenVINO tells nothing".to_owned(), |bytes| {
        format!("OpenVINO says {:.0} MiB", bytes as f64 / MEBIBYTE)
    });
    let word = match by_kernel {
        None => {
            ClaimResult::not_observed(format!("the kernel tells no GPU memory of the worker; {reported}"))
        }
        Some(0) => ClaimResult::no(format!(
            "the kernel says that the worker has no GPU memory, and a GPU ran; {reported}"
        )),
        Some(bytes) => {
            ClaimResult::yes(format!("{:.0} MiB at most by the kernel; {reported}", bytes as f64 / MEBIBYTE))
                .with("peak_by_kernel_bytes", bytes as f64)
        }
    };
    match by_openvino {
        Some(bytes) => word.with("peak_by_openvino_bytes", bytes as f64),
        None => word,
    }
}

pub(super) fn cold(evidence: &Evidence) -> ClaimResult {
    let record = match evidence.bench_on_gpu() {
        Ok(record) => record,
        Err(word) => return word,
    };
    let loads = loads_in(record, CacheState::Cold);
    let primed = record.processes.iter().find(|process| process.purpose == Purpose::CacheWarmUp);
    match (primed, loads.first()) {
        (Some(cache_warm_up), _) if cache_warm_up.exit_reason != "done" => {
            let reason = cache_warm_up.exit_detail.as_deref().unwrap_or("it does not say why");
            ClaimResult::no(format!(
                "the cache warm-up process ended `{}`: {reason}",
                cache_warm_up.exit_reason
            ))
        }
        (Some(_), Some(load)) => {
            ClaimResult::yes(format!("the cache warm-up load took {:.1} s", seconds(load)))
                .with("cold_load_s", seconds(load))
        }
        (None, Some(_)) => ClaimResult::not_observed("no process was warmed, and a measured one loaded cold"),
        (_, None) if loads_in(record, CacheState::Off).is_empty() => ClaimResult::not_observed(
            "the cache was warm before: `rm -r ~/.cache/arcgauge/compiled-models`, and run this again",
        ),
        (_, None) => ClaimResult::not_observed("no cache of compiled models was used"),
    }
}

pub(super) fn warm(evidence: &Evidence) -> ClaimResult {
    let record = match evidence.bench_on_gpu() {
        Ok(record) => record,
        Err(word) => return word,
    };
    let warm = loads_in(record, CacheState::Warm);
    let cold = loads_in(record, CacheState::Cold);
    if warm.is_empty() {
        let measured_cold = measured(record)
            .filter_map(|process| process.load.as_ref())
            .any(|load| load.compiled_model_cache == CacheState::Cold);
        let was_primed = record.processes.iter().any(|process| process.purpose == Purpose::CacheWarmUp);
        return if was_primed && measured_cold {
            ClaimResult::no("a process was warmed, and those after it found the cache cold all the same")
        } else {
            ClaimResult::not_observed("no process loaded from a warm cache")
        };
    }
    let mean = warm.iter().map(|load| seconds(load)).sum::<f64>() / warm.len() as f64;
    let reported = format!("{mean:.1} s, mean of {}", warm.len());
    let word = match cold.first().map(|load| seconds(load)) {
        Some(cold) => ClaimResult::yes(format!("{reported}; {:.1} x as fast as the cold load", cold / mean)),
        None => ClaimResult::yes(reported),
    };
    word.with("warm_load_s", mean)
}

pub(super) fn whole_model(evidence: &Evidence) -> ClaimResult {
    let record = match evidence.complete_bench_on_gpu() {
        Ok(record) => record,
        Err(word) => return word,
    };
    let bytes: f64 = record.model.files.iter().map(|file| file.size_bytes as f64).sum();
    let reported = format!("`{}` has {:.1} GB", record.model.name, bytes / 1e9);
    if bytes < WHOLE_MODEL_BYTES {
        return ClaimResult::not_observed(format!(
            "{reported}; name the folder of the whole one: `--model-dir DIR`"
        ));
    }
    ClaimResult::yes(format!("{reported}, and ran")).with("model_bytes", bytes)
}

fn measured(record: &Arm) -> impl Iterator<Item = &ProcessRecord> {
    record.processes.iter().filter(|process| process.purpose == Purpose::Measured)
}

fn loads_in(record: &Arm, state: CacheState) -> Vec<&LoadRecord> {
    let loads = record.processes.iter().filter_map(|process| process.load.as_ref());
    loads.filter(|load| load.compiled_model_cache == state).collect()
}

fn seconds(load: &LoadRecord) -> f64 {
    load.load_ns as f64 / 1e9
}
