//! The GPU's guards and counters, as they were read while the worker of `bench` ran.

use crate::judge::first_light::{Answer, ClaimResult, Evidence, Judged, no, not_observed, yes};
use crate::measure::guard::{GuardLog, MachineReading, Phase, WorkerGpuUse};
use crate::measure::protocol::CacheState;
use crate::measure::supervisor::Purpose;
use crate::record::{Arm, LoadRecord, ProcessRecord};
use crate::sys::Unavailable;

pub(super) fn gpu_counters(evidence: &Evidence) -> Judged {
    let readings = while_it_worked(evidence)?;
    let uses = reported(&readings, |reading| reading.worker_gpus.known())?;
    let work: Vec<u64> =
        uses.iter().map(|gpus| gpus.iter().map(WorkerGpuUse::work).fold(0, u64::saturating_add)).collect();
    if uses.iter().all(|gpus| gpus.is_empty()) {
        return no("the kernel shows no client of the worker on any GPU, and a GPU ran");
    }
    let most = work.iter().max().copied().unwrap_or_default();
    let unit = if uses.iter().any(|gpus| gpus.iter().any(|gpu| !gpu.busy_cycles.is_empty())) {
        "cycles"
    } else {
        "ns"
    };
    if most > 0 {
        let reported =
            format!("the worker's engines were busy for up to {most} {unit}, over {} readings", uses.len());
        return Ok(yes(reported).with("most_busy", most as f64));
    }
    no(format!("the worker's counters stayed at {most} {unit} while a GPU ran"))
}

pub(super) fn gpu_clock(evidence: &Evidence) -> Judged {
    let readings = while_it_worked(evidence)?;
    let clocks = reported(&readings, |reading| {
        let gpus = reading.gpus.known()?.iter();
        gpus.map(|gpu| gpu.actual_mhz.known().copied()).collect::<Result<Vec<u32>, Unavailable>>()
    })?;
    let clocks: Vec<u32> = clocks.into_iter().flatten().collect();
    match (clocks.iter().min(), clocks.iter().max()) {
        (Some(least), Some(most)) if *most > 0 => {
            Ok(yes(format!("{least} to {most} MHz over {} readings", clocks.len()))
                .with("least_mhz", f64::from(*least))
                .with("most_mhz", f64::from(*most)))
        }
        (Some(_), Some(_)) => no(format!("all {} readings are 0 MHz while a GPU ran", clocks.len())),
        _ => not_observed("no reading has a GPU's clock"),
    }
}

pub(super) fn gpu_throttle(evidence: &Evidence) -> Judged {
    let readings = while_it_worked(evidence)?;
    let reasons = reported(&readings, |reading| {
        let gpus = reading.gpus.known()?.iter();
        let reasons = gpus.map(|gpu| gpu.throttled_by.known()).collect::<Result<Vec<_>, Unavailable>>()?;
        Ok(reasons.into_iter().flatten().cloned().collect::<Vec<String>>())
    })?;
    let held_back = reasons.iter().filter(|reasons| !reasons.is_empty()).count();
    let mut names: Vec<&str> = reasons.iter().flatten().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let reported = if names.is_empty() {
        format!("nothing held it back in {} readings", reasons.len())
    } else {
        format!("`{}` held it back in {held_back} of {} readings", names.join("`, `"), reasons.len())
    };
    Ok(yes(reported).with("readings_held_back", held_back as f64))
}

pub(super) fn other_clients(evidence: &Evidence) -> Judged {
    let readings = while_it_worked(evidence)?;
    let others = reported(&readings, |reading| reading.other_gpu.known())?;
    let clients = others.iter().map(|others| others.clients).max().unwrap_or_default();
    let hidden = others.iter().map(|others| others.hidden_processes).max().unwrap_or_default();
    let share = others.iter().filter_map(|others| others.busy_share).reduce(f64::max);
    if clients == 0 && hidden > 0 {
        return not_observed(format!(
            "no other program was seen on the GPU, and {hidden} processes may not be looked at by this user"
        ));
    }
    let Some(share) = share else {
        return not_observed("no two readings show what the GPU did for other programs");
    };
    let result = yes(format!(
        "{clients} of other programs, busy for up to {:.1} % of the time; {hidden} processes could not be looked at",
        share * 100.0
    ));
    Ok(result.with("clients", clients as f64).with("most_busy_share", share))
}

pub(super) fn energy(evidence: &Evidence) -> Judged {
    let readings = while_it_worked(evidence)?;
    let energies = reported(&readings, |reading| reading.energy_microjoules.known())?;
    let (Some(first), Some(last)) = (energies.first(), energies.last()) else {
        return not_observed("no reading has the package's energy");
    };
    if energies.len() < 2 {
        return not_observed("a single reading of the package's energy gives no energy");
    }
    if first == last {
        return no(format!("the package's counter stayed at {} microjoules while a GPU ran", first.total()));
    }
    Ok(yes(format!("the package's counter moved over {} readings", energies.len())))
}

/// The readings that were taken while a worker of `bench` ran on a GPU.
fn while_it_worked(evidence: &Evidence) -> Judged<Vec<&MachineReading>> {
    let record = evidence.bench_on_gpu()?;
    let readings: Vec<&MachineReading> =
        logs(record).flat_map(|log| &log.readings).filter(|reading| reading.phase == Phase::During).collect();
    if readings.is_empty() {
        let cut_short = logs(record).find_map(|log| log.cut_short_reason.as_deref());
        let reason = cut_short.unwrap_or("the workers were too short for a reading while they ran");
        return not_observed(reason);
    }
    Ok(readings)
}

fn logs(record: &Arm) -> impl Iterator<Item = &GuardLog> {
    let measured = record.processes.iter().filter(|process| process.purpose == Purpose::Measured);
    measured.filter_map(|process| process.guards.as_ref())
}

/// The values of the readings that have one; where none does, the reason of the first.
fn reported<'a, T>(
    readings: &[&'a MachineReading],
    pick: impl Fn(&'a MachineReading) -> Result<T, Unavailable>,
) -> Judged<Vec<T>> {
    let mut reason = None;
    let mut reported = Vec::new();
    for reading in readings {
        match pick(reading) {
            Ok(value) => reported.push(value),
            Err(unavailable) => reason = reason.or(Some(unavailable.reason)),
        }
    }
    if reported.is_empty() {
        return not_observed(reason.unwrap_or_else(|| "no reading has it".to_owned()));
    }
    Ok(reported)
}

/// What the files of the model have together that the harness is for, bytes; it has 12.8 GB.
const WHOLE_MODEL_BYTES: f64 = 10_000_000_000.0;

const MEBIBYTE: f64 = 1_048_576.0;

pub(super) fn memory_by_phase(evidence: &Evidence) -> Judged {
    let record = evidence.bench_on_gpu()?;
    let Some(process) = measured(record).last() else {
        return not_observed("no process was measured");
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
        return not_observed(format!("not reported: {}", missing.join(", ")));
    }
    if phases.iter().all(|(_, phase)| phase.device_resident_bytes == Some(0)) {
        return no("the worker had no GPU memory in any phase, and a GPU ran");
    }
    let ids = [
        ["load_peak_rss_bytes", "load_gpu_resident_bytes"],
        ["prefill_peak_rss_bytes", "prefill_gpu_resident_bytes"],
        ["decode_peak_rss_bytes", "decode_gpu_resident_bytes"],
    ];
    let result = yes(format!("host + GPU: {}", reported.join(", ")));
    Ok(phases.iter().zip(ids).fold(result, |result, ((_, phase), [host, device])| {
        result
            .with(host, phase.peak_rss_bytes.map(|bytes| bytes as f64))
            .with(device, phase.device_resident_bytes.map(|bytes| bytes as f64))
    }))
}

pub(super) fn gpu_memory(evidence: &Evidence) -> Judged {
    let record = evidence.bench_on_gpu()?;
    let by_kernel = logs(record).filter_map(GuardLog::peak_device_memory_bytes).max();
    let by_openvino = measured(record).filter_map(|process| process.device_memory_bytes).max();
    let reported = by_openvino.map_or("OpenVINO reports nothing".to_owned(), |bytes| {
        format!("OpenVINO says {:.0} MiB", bytes as f64 / MEBIBYTE)
    });
    let result = match by_kernel {
        None => ClaimResult::new(
            Answer::NotObserved,
            format!("the kernel reports no GPU memory of the worker; {reported}"),
        ),
        Some(0) => ClaimResult::new(
            Answer::No,
            format!("the kernel says that the worker has no GPU memory, and a GPU ran; {reported}"),
        ),
        Some(bytes) => yes(format!("{:.0} MiB at most by the kernel; {reported}", bytes as f64 / MEBIBYTE))
            .with("peak_by_kernel_bytes", bytes as f64),
    };
    Ok(result.with("peak_by_openvino_bytes", by_openvino.map(|bytes| bytes as f64)))
}

pub(super) fn cold(evidence: &Evidence) -> Judged {
    let record = evidence.bench_on_gpu()?;
    let loads = loads_in(record, CacheState::Cold);
    let warmed_up = record.processes.iter().find(|process| process.purpose == Purpose::CacheWarmUp);
    match (warmed_up, loads.first()) {
        (Some(cache_warm_up), _) if cache_warm_up.exit_reason != "done" => {
            let reason = cache_warm_up.exit_detail.as_deref().unwrap_or("it does not say why");
            no(format!("the cache warm-up process ended `{}`: {reason}", cache_warm_up.exit_reason))
        }
        (Some(_), Some(load)) => Ok(yes(format!("the cache warm-up load took {:.1} s", seconds(load)))
            .with("cold_load_s", seconds(load))),
        (None, Some(_)) => not_observed("no process was warmed, and a measured one loaded cold"),
        (_, None) if loads_in(record, CacheState::Off).is_empty() => not_observed(
            "the cache was warm before: `rm -r ~/.cache/arcgauge/compiled-models`, and run this again",
        ),
        (_, None) => not_observed("no cache of compiled models was used"),
    }
}

pub(super) fn warm(evidence: &Evidence) -> Judged {
    let record = evidence.bench_on_gpu()?;
    let warm = loads_in(record, CacheState::Warm);
    let cold = loads_in(record, CacheState::Cold);
    if warm.is_empty() {
        let measured_cold = measured(record)
            .filter_map(|process| process.load.as_ref())
            .any(|load| load.compiled_model_cache == CacheState::Cold);
        let was_warmed_up = record.processes.iter().any(|process| process.purpose == Purpose::CacheWarmUp);
        return if was_warmed_up && measured_cold {
            no("a process was warmed, and those after it found the cache cold all the same")
        } else {
            not_observed("no process loaded from a warm cache")
        };
    }
    let mean = warm.iter().map(|load| seconds(load)).sum::<f64>() / warm.len() as f64;
    let reported = format!("{mean:.1} s, mean of {}", warm.len());
    let result = match cold.first().map(|load| seconds(load)) {
        Some(cold) => yes(format!("{reported}; {:.1} x as fast as the cold load", cold / mean)),
        None => yes(reported),
    };
    Ok(result.with("warm_load_s", mean))
}

pub(super) fn whole_model(evidence: &Evidence) -> Judged {
    let record = evidence.complete_bench_on_gpu()?;
    let bytes: f64 = record.model.files.iter().map(|file| file.size_bytes as f64).sum();
    let reported = format!("`{}` has {:.1} GB", record.model.name, bytes / 1e9);
    if bytes < WHOLE_MODEL_BYTES {
        return not_observed(format!("{reported}; name the folder of the whole one: `--model-dir DIR`"));
    }
    Ok(yes(format!("{reported}, and ran")).with("model_bytes", bytes))
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
