//! The rules on one process, some of them against the first process of the job.

use std::collections::BTreeSet;

use crate::engine::openvino::DeviceKind;
use crate::judge::environment::finding::{Guard, GuardFinding, GuardState, Word};
use crate::judge::environment::observation::{busy, known};
use crate::judge::environment::setting::{cpu_policy, power_profile};
use crate::judge::environment::{ProcessGuards, threshold};
use crate::measure::guard::MachineReading;
use crate::measure::suspended_ns;

type Rule = fn(&ProcessGuards<'_>, Option<&ProcessGuards<'_>>) -> Result<Word, Word>;

const RULES: [(Guard, Rule); 9] = [
    (Guard::CpuPolicy, cpu_policy),
    (Guard::CpuThrottle, cpu_throttle),
    (Guard::Mains, mains),
    (Guard::PowerProfile, power_profile),
    (Guard::CpuPressure, cpu_pressure),
    (Guard::MemoryPressure, memory_pressure),
    (Guard::SwapIn, swap_in),
    (Guard::OomKill, oom_kill),
    (Guard::Suspend, suspend),
];
/// The rules that a run on the processor does not need.
const GPU_RULES: [(Guard, Rule); 3] = [
    (Guard::GpuProof, gpu_proof),
    (Guard::GpuThrottle, gpu_throttle),
    (Guard::OtherGpuClients, other_gpu_clients),
];

/// Every guard's word on a process. `first` is the first process of the job, None for that one itself:
/// what it could observe and this one cannot has vanished.
#[must_use]
pub fn of_process(process: &ProcessGuards<'_>, first: Option<&ProcessGuards<'_>>) -> Vec<GuardFinding> {
    let gpu_rules = GPU_RULES.iter().filter(|_| process.device == DeviceKind::Gpu);
    let rules = gpu_rules.chain(&RULES);
    rules.map(|(guard, rule)| apply(*rule, process, first).of(*guard)).collect()
}

fn apply(rule: Rule, process: &ProcessGuards<'_>, first: Option<&ProcessGuards<'_>>) -> Word {
    let word = either(rule(process, first));
    match word.state {
        GuardState::Clean => match process.uncovered_because() {
            Some(because) => Word::vanished(because),
            None => word,
        },
        GuardState::NotObserved if first.is_some_and(|first| was_observed(rule, first)) => {
            Word::vanished(format!("the first process had it; now {}", word.because))
        }
        _ => word,
    }
}

/// A later process is judged like the first here, lest a rule that needs the first says it cannot tell.
fn was_observed(rule: Rule, first: &ProcessGuards<'_>) -> bool {
    let later = either(rule(first, Some(first)));
    matches!(later.state, GuardState::Clean | GuardState::Tripped)
}

fn either(result: Result<Word, Word>) -> Word {
    result.unwrap_or_else(|word| word)
}

fn gpu_proof(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> Result<Word, Word> {
    let readings = process.around().iter();
    // At the end the worker may be gone, and what it has used with it.
    let usages = readings.filter_map(|reading| reading.worker_gpus.value()).filter(|gpus| !gpus.is_empty());
    let busy: Vec<u64> = usages.map(|gpus| gpus.iter().map(busy).fold(0, u64::saturating_add)).collect();
    let (Some(first), Some(last)) = (busy.first(), busy.last()) else {
        let read = process.around().iter().find_map(|reading| known(&reading.worker_gpus).err());
        let none = "the worker's descriptors lead to no client of an Intel GPU".to_owned();
        return Err(Word::not_observed(read.unwrap_or(none)));
    };
    // A process has used nothing when it starts, so one reading is enough to see that it did.
    let before = if busy.len() > 1 { *first } else { 0 };
    let grown = last.saturating_sub(before);
    Ok(if grown > 0 {
        Word::clean(format!("the worker's engines counted `{grown}` of work"))
    } else {
        Word::tripped("no engine of a GPU worked for the worker, though it has opened one")
    })
}

fn gpu_throttle(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> Result<Word, Word> {
    let readings = throttle_readings(process)?;
    let hot: BTreeSet<&str> = readings
        .iter()
        .flat_map(|reasons| reasons.iter())
        .map(String::as_str)
        .filter(|it| is_heat(it))
        .collect();
    let times = readings.iter().filter(|reasons| reasons.iter().any(|it| is_heat(it))).count();
    let count = readings.len();
    Ok(if times == 0 {
        Word::clean(format!("neither heat nor the voltage regulator held the GPU back in {count} readings"))
    } else {
        let names: Vec<&str> = hot.into_iter().collect();
        Word::tripped(format!("`{}` held the GPU back in {times} of {count} readings", names.join("`, `")))
    })
}

/// The throttle reasons of each reading while the worker ran.
pub(super) fn throttle_readings<'a>(process: &ProcessGuards<'a>) -> Result<Vec<&'a [String]>, Word> {
    process.all_of(process.during(), |reading| known(&process.gpu(reading)?.throttled_by).map(Vec::as_slice))
}

/// Reasons of heat, of another chip's alarm, and of the voltage regulator; `ratl` is the limit of the
/// running average of the temperature. Whatever else a kernel names is a limit of power or current.
pub(super) fn is_heat(reason: &str) -> bool {
    reason.contains("therm") || reason.contains("prochot") || reason.starts_with("vr") || reason == "ratl"
}

fn other_gpu_clients(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> Result<Word, Word> {
    let sees_the_worker =
        |reading: &MachineReading| reading.worker_gpus.value().is_some_and(|gpus| !gpus.is_empty());
    // A kernel that does not show the worker's own client shows no one's.
    if !process.log.readings.iter().any(sees_the_worker) {
        return Err(Word::not_observed("not even the worker's own client of the GPU is shown"));
    }
    let mut busy_ns = 0.0;
    let mut seen_ns = 0.0;
    let mut hidden = 0;
    for pair in process.around().windows(2) {
        let usage = process.all_of(pair[1..].iter(), |reading| known(&reading.other_gpu))?;
        let elapsed_ns = pair[1].at_ns.saturating_sub(pair[0].at_ns) as f64;
        for usage in usage {
            hidden = hidden.max(usage.hidden_processes);
            if let Some(share) = usage.busy_share {
                busy_ns += share * elapsed_ns;
                seen_ns += elapsed_ns;
            }
        }
    }
    if seen_ns <= 0.0 {
        return Err(Word::not_observed("there are not two readings to compare"));
    }
    let share = busy_ns / seen_ns;
    let told = format!("other programs used the GPU for {:.1} % of the time", share * 100.0);
    Ok(if share >= threshold::OTHER_GPU_SHARE {
        Word::tripped(told)
    } else {
        Word::clean(format!("{told}; {hidden} processes could not be looked at"))
    })
}

fn cpu_throttle(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> Result<Word, Word> {
    let times = process.growth(process.around(), |reading| known(&reading.cpu_throttle_count).copied())?;
    Ok(unless(times > 0, || format!("the processor was held back for heat `{times}` times")))
}

fn mains(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> Result<Word, Word> {
    let readings = process.all_of(process.log.readings.iter(), |reading| known(&reading.is_on_mains))?;
    let on_battery = readings.iter().filter(|on_mains| !***on_mains).count();
    let count = readings.len();
    Ok(unless(on_battery > 0, || format!("the machine ran on battery at {on_battery} of {count} readings")))
}

/// A run on the processor loads it by itself, so only the reading before the first process tells of
/// others there; the reading before a later one still holds the load of the one that just ended.
fn cpu_pressure(process: &ProcessGuards<'_>, first: Option<&ProcessGuards<'_>>) -> Result<Word, Word> {
    let percent = |reading: &MachineReading| known(&reading.cpu_some_avg10_percent).copied();
    let percents = match (process.device, first) {
        (DeviceKind::Gpu, _) => process.all_of(process.during(), percent)?,
        (DeviceKind::Cpu, None) => process.all_of(process.before(), percent)?,
        (DeviceKind::Cpu, Some(_)) => {
            let own = "the worker loads the processor itself, and others cannot be told from it";
            return Err(Word::not_observed(own));
        }
    };
    let most = percents.into_iter().fold(0.0, f64::max);
    Ok(unless(most >= threshold::CPU_PRESSURE_PERCENT, || {
        format!("tasks waited for a processor for {most:.1} % of ten seconds")
    }))
}

fn memory_pressure(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> Result<Word, Word> {
    let percent = |reading: &MachineReading| known(&reading.memory_full_avg10_percent).copied();
    // The ten seconds before the end of a short process hold all of it.
    let percents = match process.during().next() {
        Some(_) => process.all_of(process.during(), percent)?,
        None => process.all_of(process.around().last().into_iter(), percent)?,
    };
    let most = percents.into_iter().fold(0.0, f64::max);
    Ok(unless(most > threshold::MEMORY_PRESSURE_PERCENT, || {
        format!("all tasks waited for memory for {most:.1} % of ten seconds")
    }))
}

fn swap_in(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> Result<Word, Word> {
    let pages = process.growth(process.around(), |reading| known(&reading.pages_swapped_in).copied())?;
    Ok(unless(pages > 0, || format!("`{pages}` pages were read back from swap")))
}

/// Over the whole process: a kill while loading tells of a machine without memory to spare.
fn oom_kill(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> Result<Word, Word> {
    let kills = process.growth(&process.log.readings, |reading| known(&reading.oom_kills).copied())?;
    Ok(unless(kills > 0, || format!("`{kills}` processes of the group were killed for want of memory")))
}

fn suspend(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> Result<Word, Word> {
    let clocks =
        known(&process.log.clocks_before).and_then(|one| Ok((one, known(&process.log.clocks_after)?)));
    let (before, after) = clocks.map_err(Word::not_observed)?;
    let slept_ns = suspended_ns(*before, *after);
    Ok(unless(slept_ns > threshold::SUSPEND_NS, || {
        format!("the machine slept for {:.1} s in the middle", slept_ns as f64 / 1e9)
    }))
}

fn unless(is_trouble: bool, trouble: impl FnOnce() -> String) -> Word {
    if is_trouble { Word::tripped(trouble()) } else { Word::clean("nothing was seen") }
}
