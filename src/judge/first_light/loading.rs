//! Loads and memory on the GPU.

use crate::judge::first_light::{Evidence, Word, guards};
use crate::measure::guard::GuardLog;
use crate::measure::protocol::CacheState;
use crate::record::{LoadRecord, ProcessPurpose, ProcessRecord, RunRecord};

/// What the files of the model have together that the harness is for, bytes; it has 12.8 GB.
const WHOLE_MODEL_BYTES: u64 = 10_000_000_000;

const MEBIBYTE: f64 = 1_048_576.0;

pub(super) fn memory_by_phase(evidence: &Evidence) -> Word {
    let record = match evidence.bench_on_gpu() {
        Ok(record) => record,
        Err(word) => return word,
    };
    let Some(process) = measured(record).last() else {
        return Word::not_observed("no process was measured");
    };
    let memory = &process.memory;
    let phases = [("load", &memory.load), ("prefill", &memory.prefill), ("decode", &memory.decode)];
    let mut told = Vec::new();
    let mut missing = Vec::new();
    for (name, phase) in phases {
        match (phase.peak_rss_bytes, phase.device_resident_bytes) {
            (Some(host), Some(device)) => told.push(format!(
                "{name} {:.0} + {:.0} MiB",
                host as f64 / MEBIBYTE,
                device as f64 / MEBIBYTE
            )),
            (None, _) => missing.push(format!("{name}: the host's")),
            (_, None) => missing.push(format!("{name}: the GPU's")),
        }
    }
    if !missing.is_empty() {
        return Word::not_observed(format!("not told of {}", missing.join(", ")));
    }
    if phases.iter().all(|(_, phase)| phase.device_resident_bytes == Some(0)) {
        return Word::no("the worker had no GPU memory in any phase, and a GPU ran");
    }
    let ids = [
        ["load_peak_rss_bytes", "load_gpu_resident_bytes"],
        ["prefill_peak_rss_bytes", "prefill_gpu_resident_bytes"],
        ["decode_peak_rss_bytes", "decode_gpu_resident_bytes"],
    ];
    let word = Word::yes(format!("host + GPU: {}", told.join(", ")));
    phases.iter().zip(ids).fold(word, |word, ((_, phase), [host, device])| {
        word.with(host, phase.peak_rss_bytes.unwrap_or_default() as f64)
            .with(device, phase.device_resident_bytes.unwrap_or_default() as f64)
    })
}

pub(super) fn gpu_memory(evidence: &Evidence) -> Word {
    let record = match evidence.bench_on_gpu() {
        Ok(record) => record,
        Err(word) => return word,
    };
    let by_kernel = guards::logs(record).filter_map(GuardLog::peak_device_memory_bytes).max();
    let by_openvino = measured(record).filter_map(|process| process.device_memory_bytes).max();
    let told = by_openvino.map_or("OpenVINO tells nothing".to_owned(), |bytes| {
        format!("OpenVINO says {:.0} MiB", bytes as f64 / MEBIBYTE)
    });
    let word = match by_kernel {
        None => Word::not_observed(format!("the kernel tells no GPU memory of the worker; {told}")),
        Some(0) => {
            Word::no(format!("the kernel says that the worker has no GPU memory, and a GPU ran; {told}"))
        }
        Some(bytes) => Word::yes(format!("{:.0} MiB at most by the kernel; {told}", bytes as f64 / MEBIBYTE))
            .with("peak_by_kernel_bytes", bytes as f64),
    };
    match by_openvino {
        Some(bytes) => word.with("peak_by_openvino_bytes", bytes as f64),
        None => word,
    }
}

pub(super) fn cold(evidence: &Evidence) -> Word {
    let record = match evidence.bench_on_gpu() {
        Ok(record) => record,
        Err(word) => return word,
    };
    let loads = loads_in(record, CacheState::Cold);
    let primed = record.processes.iter().find(|process| process.purpose == ProcessPurpose::Priming);
    match (primed, loads.first()) {
        (Some(priming), _) if priming.ending != "done" => {
            let because = priming.ending_because.as_deref().unwrap_or("it does not say why");
            Word::no(format!("the priming process ended `{}`: {because}", priming.ending))
        }
        (Some(_), Some(load)) => Word::yes(format!("the priming load took {:.1} s", seconds(load)))
            .with("cold_load_s", seconds(load)),
        (None, Some(_)) => Word::not_observed("no process was primed, and a measured one loaded cold"),
        (_, None) if loads_in(record, CacheState::Off).is_empty() => Word::not_observed(
            "the cache was warm before: `rm -r ~/.cache/arcgauge/compiled-models`, and run this again",
        ),
        (_, None) => Word::not_observed("no cache of compiled models was used"),
    }
}

pub(super) fn warm(evidence: &Evidence) -> Word {
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
        let was_primed = record.processes.iter().any(|process| process.purpose == ProcessPurpose::Priming);
        return if was_primed && measured_cold {
            Word::no("a process was primed, and those after it found the cache cold all the same")
        } else {
            Word::not_observed("no process loaded from a warm cache")
        };
    }
    let mean = warm.iter().map(|load| seconds(load)).sum::<f64>() / warm.len() as f64;
    let told = format!("{mean:.1} s, mean of {}", warm.len());
    let word = match cold.first().map(|load| seconds(load)) {
        Some(cold) => Word::yes(format!("{told}; {:.1} x as fast as the cold load", cold / mean)),
        None => Word::yes(told),
    };
    word.with("warm_load_s", mean)
}

pub(super) fn whole_model(evidence: &Evidence) -> Word {
    let record = match evidence.complete_bench_on_gpu() {
        Ok(record) => record,
        Err(word) => return word,
    };
    let bytes: u64 = record.model.files.iter().map(|file| file.size_bytes).sum();
    let told = format!("`{}` has {:.1} GB", record.model.name, bytes as f64 / 1e9);
    if bytes < WHOLE_MODEL_BYTES {
        return Word::not_observed(format!("{told}; name the folder of the whole one: `--model-dir DIR`"));
    }
    Word::yes(format!("{told}, and ran")).with("model_bytes", bytes as f64)
}

fn measured(record: &RunRecord) -> impl Iterator<Item = &ProcessRecord> {
    record.processes.iter().filter(|process| process.purpose == ProcessPurpose::Measured)
}

fn loads_in(record: &RunRecord, state: CacheState) -> Vec<&LoadRecord> {
    let loads = record.processes.iter().filter_map(|process| process.load.as_ref());
    loads.filter(|load| load.compiled_model_cache == state).collect()
}

fn seconds(load: &LoadRecord) -> f64 {
    load.load_ns as f64 / 1e9
}
