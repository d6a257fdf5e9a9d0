//! The guards' rules: on one process, some of them against the first process of the job, and on two processes whose times
//! are to be compared.

use std::collections::BTreeSet;

use crate::engine::openvino::DeviceKind;
use crate::judge::environment::{
    Guard, GuardFinding, GuardState, Observation, ProcessGuards, known, threshold,
};
use crate::measure::guard::{MachineFacts, MachineReading, Temperatures, gpu_work};
use crate::sys::{Observed, suspended_ns};

/// What a rule observed; an error where it could not.
type RuleResult = Result<Observation, Observation>;
/// Judges a process, some rules against the first one.
type Rule = fn(&ProcessGuards<'_>, Option<&ProcessGuards<'_>>) -> RuleResult;

const RULES: [(Guard, Rule); 9] = [
    (Guard::CpuPolicy, cpu_policy),
    (Guard::CpuThrottle, cpu_throttle),
    (Guard::AcPower, ac_power),
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

/// The rules that a run on a GPU does not need.
const CPU_RULES: [(Guard, Rule); 1] = [(Guard::OtherCpuUse, other_cpu_use)];

/// Every guard's word on a process. `first` is the first process of the job, None for that one itself:
/// what it could observe and this one cannot has vanished.
pub fn of_process(process: &ProcessGuards<'_>, first: Option<&ProcessGuards<'_>>) -> Vec<GuardFinding> {
    let of_device: &[(Guard, Rule)] = match process.device {
        DeviceKind::Gpu => &GPU_RULES,
        DeviceKind::Cpu => &CPU_RULES,
    };
    let rules = of_device.iter().chain(&RULES);
    rules.map(|(guard, rule)| apply(*rule, process, first).of(*guard)).collect()
}

fn apply(rule: Rule, process: &ProcessGuards<'_>, first: Option<&ProcessGuards<'_>>) -> Observation {
    let word = either(rule(process, first));
    match word.state {
        GuardState::Clean => match process.uncovered_reason() {
            Some(reason) => Observation::vanished(reason),
            None => word,
        },
        GuardState::NotObserved if first.is_some_and(|first| was_observed(rule, first)) => {
            Observation::vanished(format!("the first process had it; now {}", word.reason))
        }
        _ => word,
    }
}

/// A later process is judged like the first here, so that no rule that needs the first lacks it.
fn was_observed(rule: Rule, first: &ProcessGuards<'_>) -> bool {
    let later = either(rule(first, Some(first)));
    matches!(later.state, GuardState::Clean | GuardState::Tripped)
}

fn either(result: RuleResult) -> Observation {
    result.unwrap_or_else(|word| word)
}

fn gpu_proof(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> RuleResult {
    let Some(grown) = gpu_work(process.around()) else {
        let read = process.around().iter().find_map(|reading| known(&reading.worker_gpus).err());
        let none = "the worker's descriptors lead to no client of an Intel GPU".to_owned();
        return Err(Observation::not_observed(read.unwrap_or(none)));
    };
    Ok(if grown > 0 {
        Observation::clean(format!("the worker's engines counted `{grown}` of work"))
    } else {
        Observation::tripped("no engine of a GPU worked for the worker, though it has opened one")
    })
}

fn gpu_throttle(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> RuleResult {
    let readings = throttle_readings(process)?;
    let reasons = readings.iter().flat_map(|reasons| reasons.iter());
    let hot: BTreeSet<&str> = reasons.map(String::as_str).filter(|it| is_heat(it)).collect();
    let times = readings.iter().filter(|reasons| reasons.iter().any(|it| is_heat(it))).count();
    let count = readings.len();
    Ok(if times == 0 {
        Observation::clean(format!(
            "neither heat nor the voltage regulator held the GPU back in {count} readings"
        ))
    } else {
        let names: Vec<&str> = hot.into_iter().collect();
        Observation::tripped(format!(
            "`{}` held the GPU back in {times} of {count} readings",
            names.join("`, `")
        ))
    })
}

/// The throttle reasons of each reading while the worker ran.
fn throttle_readings<'a>(process: &ProcessGuards<'a>) -> Result<Vec<&'a [String]>, Observation> {
    process.all_of(process.during(), |reading| known(&process.gpu(reading)?.throttled_by).map(Vec::as_slice))
}

/// Reasons of heat, of another chip's alarm, and of the voltage regulator; `ratl` is the limit of the
/// running average of the temperature. Whatever else a kernel names is a limit of power or current.
fn is_heat(reason: &str) -> bool {
    reason.contains("therm") || reason.contains("prochot") || reason.starts_with("vr") || reason == "ratl"
}

fn other_gpu_clients(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> RuleResult {
    let sees_the_worker =
        |reading: &MachineReading| reading.worker_gpus.value().is_some_and(|gpus| !gpus.is_empty());
    // A kernel that does not show the worker's own client shows no one's.
    if !process.log.readings.iter().any(sees_the_worker) {
        return Err(Observation::not_observed("not even the worker's own client of the GPU is shown"));
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
        return Err(Observation::not_observed("no two readings show what the GPU did for other programs"));
    }
    let share = busy_ns / seen_ns;
    let reported = format!("other programs used the GPU for {:.1} % of the time", share * 100.0);
    Ok(if share >= threshold::OTHER_GPU_SHARE {
        Observation::tripped(reported)
    } else {
        Observation::clean(format!("{reported}; {hidden} processes could not be looked at"))
    })
}

fn cpu_throttle(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> RuleResult {
    let times = process.growth(process.around(), |reading| known(&reading.cpu_throttle_count).copied())?;
    Ok(unless(times > 0, || format!("the processor was held back for heat `{times}` times")))
}

fn ac_power(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> RuleResult {
    let readings = process.all_of(process.log.readings.iter(), |reading| known(&reading.is_on_ac_power))?;
    let on_battery = readings.iter().filter(|on_ac_power| !***on_ac_power).count();
    let count = readings.len();
    Ok(unless(on_battery > 0, || format!("the machine ran on battery at {on_battery} of {count} readings")))
}

/// What the processors did beyond our own work. It shows what `cpu_pressure` cannot on a run on the processor.
fn other_cpu_use(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> RuleResult {
    let readings = process.around();
    let ends = || [readings.first(), readings.last()].into_iter().flatten();
    let times = process.all_of(ends(), |reading| known(&reading.cpu_time))?;
    let moments: Vec<u64> = ends().map(|reading| reading.at_ns).collect();
    let ([before, after], [start_ns, end_ns]) = (&times[..], &moments[..]) else {
        return Err(Observation::not_observed("there is no reading"));
    };
    let all_ns = end_ns.saturating_sub(*start_ns) as f64 * f64::from(after.processors);
    if all_ns <= 0.0 {
        return Err(Observation::not_observed("there are not two readings to compare"));
    }
    let is_much =
        |ns: u64| ns >= threshold::OTHER_CPU_LEAST_NS && ns as f64 / all_ns >= threshold::OTHER_CPU_SHARE;
    let busy_ns = after.busy_ns.saturating_sub(before.busy_ns);
    let own_ns = after.own_ns.saturating_sub(before.own_ns);
    if is_much(own_ns.saturating_sub(busy_ns)) {
        let partial = "the kernel's busy time of the processors does not hold all of the worker's";
        return Err(Observation::not_observed(partial));
    }
    let others_ns = busy_ns.saturating_sub(own_ns);
    let share = others_ns as f64 / all_ns;
    let reported = format!("other programs used {:.1} % of the CPU while it was measured", share * 100.0);
    Ok(Observation::tripped_if(is_much(others_ns), reported))
}

/// A run on the processor loads it by itself, so only the reading before the first process shows
/// others there; the reading before a later one still holds the load of the one that just ended.
fn cpu_pressure(process: &ProcessGuards<'_>, first: Option<&ProcessGuards<'_>>) -> RuleResult {
    let percent = |reading: &MachineReading| known(&reading.cpu_some_avg10_percent).copied();
    let percents = match (process.device, first) {
        (DeviceKind::Gpu, _) => process.all_of(process.during(), percent)?,
        (DeviceKind::Cpu, None) => process.all_of(process.before(), percent)?,
        (DeviceKind::Cpu, Some(_)) => {
            let own = "the worker loads the processor itself, and others cannot be distinguished from it";
            return Err(Observation::not_observed(own));
        }
    };
    let most = percents.into_iter().fold(0.0, f64::max);
    Ok(unless(most >= threshold::CPU_PRESSURE_PERCENT, || {
        format!("tasks waited for a processor for {most:.1} % of ten seconds")
    }))
}

fn memory_pressure(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> RuleResult {
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

fn swap_in(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> RuleResult {
    let pages = process.growth(process.around(), |reading| known(&reading.pages_swapped_in).copied())?;
    Ok(unless(pages > 0, || format!("`{pages}` pages were read back from swap")))
}

/// Over the whole process: a kill while loading shows a machine without memory to spare.
fn oom_kill(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> RuleResult {
    let kills = process.growth(&process.log.readings, |reading| known(&reading.oom_kills).copied())?;
    Ok(unless(kills > 0, || format!("`{kills}` processes of the group were killed for want of memory")))
}

fn suspend(process: &ProcessGuards<'_>, _: Option<&ProcessGuards<'_>>) -> RuleResult {
    let clocks =
        known(&process.log.clocks_before).and_then(|one| Ok((one, known(&process.log.clocks_after)?)));
    let (before, after) = clocks.map_err(Observation::not_observed)?;
    let slept_ns = suspended_ns(*before, *after);
    Ok(unless(slept_ns > threshold::SUSPEND_NS, || {
        format!("the machine slept for {:.1} s in the middle", slept_ns as f64 / 1e9)
    }))
}

fn unless(is_trouble: bool, trouble: impl FnOnce() -> String) -> Observation {
    if is_trouble { Observation::tripped(trouble()) } else { Observation::clean("nothing was seen") }
}

fn cpu_policy(process: &ProcessGuards<'_>, first: Option<&ProcessGuards<'_>>) -> RuleResult {
    let joined = |values: &Observed<Vec<String>>| values.clone().map(|values| values.join(", "));
    let turbo = |is_off: &Observed<bool>| is_off.clone().map(|off| if off { "off" } else { "on" }.to_owned());
    let settings = [
        fixed("the governor", process, first, |facts| joined(&facts.cpu.governors)),
        fixed("the energy preference", process, first, |facts| joined(&facts.cpu.energy_preferences)),
        fixed("turbo", process, first, |facts| turbo(&facts.cpu.is_turbo_off)),
    ];
    // One that is not observed leaves the others to say something.
    let mut clean = Vec::new();
    let mut not_observed = None;
    for word in settings {
        match word {
            Ok(word) => clean.push(word.reason),
            Err(word) if word.state == GuardState::NotObserved => not_observed = Some(word),
            Err(trouble) => return Err(trouble),
        }
    }
    match not_observed {
        Some(word) if clean.is_empty() => Err(word),
        _ => Ok(Observation::clean(clean.join(", "))),
    }
}

fn power_profile(process: &ProcessGuards<'_>, first: Option<&ProcessGuards<'_>>) -> RuleResult {
    fixed("the power profile", process, first, |facts| facts.platform_profile.clone())
}

/// A setting that must be the same at the start, at the end, and in the first process.
fn fixed(
    name: &str,
    process: &ProcessGuards<'_>,
    first: Option<&ProcessGuards<'_>>,
    pick: impl Fn(&MachineFacts) -> Observed<String>,
) -> RuleResult {
    let now = pick(&process.log.facts);
    let end = process.log.facts_at_end.as_ref().map(&pick);
    let at_first = first.map(|first| pick(&first.log.facts));
    // Each earlier one with a later one, which must be the same and must still be there.
    let pairs = [(Some(&now), end.as_ref()), (at_first.as_ref(), Some(&now))];
    for (earlier, later) in pairs.into_iter().filter_map(|(earlier, later)| earlier.zip(later)) {
        match (earlier, later) {
            (Observed::Observed(earlier), Observed::Observed(later)) if earlier != later => {
                return Err(Observation::tripped(format!("{name} went from `{earlier}` to `{later}`")));
            }
            (Observed::Observed(_), Observed::NotObserved { reason }) => {
                return Err(Observation::vanished(reason.as_str()));
            }
            _ => {}
        }
    }
    match known(&now) {
        Ok(now) => Ok(Observation::clean(format!("{name} stayed `{now}`"))),
        Err(reason) => Err(Observation::not_observed(reason)),
    }
}

/// Whether two processes ran under the same conditions: GPU clock, power limits, start temperature.
pub fn between(one: &ProcessGuards<'_>, other: &ProcessGuards<'_>) -> Vec<GuardFinding> {
    let mut findings = Vec::new();
    if [one, other].iter().any(|side| side.device == DeviceKind::Gpu) {
        findings.push(compare(median_clock(one), median_clock(other), clocks).of(Guard::GpuClock));
        let shares = compare(power_limit_percent(one), power_limit_percent(other), power_limits);
        findings.push(shares.of(Guard::GpuPowerLimit));
    }
    let temperatures = compare(start(one), start(other), temperatures);
    findings.push(temperatures.of(Guard::StartTemperature));
    findings
}

/// What only one side observed has vanished, whichever came first.
fn compare<T>(
    one: Result<T, Observation>,
    other: Result<T, Observation>,
    rule: impl Fn(T, T) -> Observation,
) -> Observation {
    match (one, other) {
        (Ok(one), Ok(other)) => rule(one, other),
        (Ok(_), Err(word)) | (Err(word), Ok(_)) => Observation { state: GuardState::Vanished, ..word },
        (Err(word), Err(_)) => word,
    }
}

/// MHz, of the readings at which the GPU was awake.
fn median_clock(side: &ProcessGuards<'_>) -> Result<f64, Observation> {
    let clocks = side.all_of(side.during(), |reading| known(&side.gpu(reading)?.actual_mhz).copied())?;
    let mut awake: Vec<u32> = clocks.into_iter().filter(|mhz| *mhz > 0).collect();
    awake.sort_unstable();
    let middle = awake.len() / 2;
    match awake.get(middle) {
        None => Err(Observation::not_observed("the GPU slept at every reading")),
        Some(upper) if awake.len() % 2 == 1 => Ok(f64::from(*upper)),
        Some(upper) => Ok(f64::midpoint(f64::from(awake[middle - 1]), f64::from(*upper))),
    }
}

fn clocks(one: f64, other: f64) -> Observation {
    let share = (one - other).abs() / one.max(other);
    let reported = format!("the GPU's median clock was {one} MHz and {other} MHz");
    Observation::tripped_if(share > threshold::CLOCK_DIFFERENCE_SHARE, reported)
}

/// The share of readings at which something other than heat held the GPU back, percent.
fn power_limit_percent(side: &ProcessGuards<'_>) -> Result<f64, Observation> {
    let readings = throttle_readings(side)?;
    let limited = readings.iter().filter(|reasons| reasons.iter().any(|it| !is_heat(it))).count();
    Ok(limited as f64 * 100.0 / readings.len() as f64)
}

fn power_limits(one: f64, other: f64) -> Observation {
    let reported = format!("power limits held the GPU back in {one:.0} % and {other:.0} % of the readings");
    Observation::tripped_if((one - other).abs() > threshold::POWER_LIMIT_DIFFERENCE_POINTS, reported)
}

fn start<'a>(side: &ProcessGuards<'a>) -> Result<&'a Temperatures, Observation> {
    let first = side.log.readings.first().ok_or_else(|| Observation::not_observed("there is no reading"))?;
    known(&first.temperatures_celsius).map_err(Observation::not_observed)
}

fn temperatures(one: &Temperatures, other: &Temperatures) -> Observation {
    let (one, other) = (one.of_the_chip(), other.of_the_chip());
    let both = one.iter().filter_map(|(sensor, celsius)| Some((sensor, *celsius, *other.get(sensor)?)));
    let furthest = both.max_by(|a, b| (a.1 - a.2).abs().total_cmp(&(b.1 - b.2).abs()));
    let Some((sensor, one, other)) = furthest else {
        return Observation::vanished("no sensor was read on both sides");
    };
    let reported = format!("`{sensor}` started at {one:.1} and {other:.1} degrees Celsius");
    Observation::tripped_if((one - other).abs() > threshold::START_DIFFERENCE_CELSIUS, reported)
}
