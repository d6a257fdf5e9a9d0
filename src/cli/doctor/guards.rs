//! The guards that this machine offers: what can be watched while a process is measured, with its
//! reading now, and what not.
//!
//! A guard that is not observed is no fault: records say so, too. The GPU's have not been read on the
//! hardware.

use crate::judge::environment::Guard;
use crate::judge::preflight;
use crate::measure::guard::{
    CpuPolicy, GpuFacts, GpuReading, GuardLog, MachineFacts, MachineReading, PackageCounters, Watch,
};
use crate::record::first_light::Check;
use crate::sys::{Clock, MonotonicClock, Observed, SysfsRoot};

const GUARDS: &str = "guards";
/// Not a guard, for it never trips, but read like one.
const ENERGY: &str = "energy";

/// Reads a machine. A driver that does not answer is given up after a while.
pub(super) fn read(root: SysfsRoot) -> GuardLog {
    Watch::start(root, || MonotonicClock.now_ns(), None).finish()
}

/// Reports each guard that was observed, those that were not in one line, and what to fix first.
pub(super) fn examine(log: &GuardLog) -> Vec<Check> {
    let Some(reading) = log.readings.first() else {
        let reason = log.cut_short_reason.as_deref().unwrap_or("the machine's state could not be read");
        let fix = "look for a device that does not answer: `sudo dmesg | tail`; a restart frees it";
        return vec![Check::warn(GUARDS, reason, fix)];
    };
    let sights = sights(&log.facts, reading);
    let mut advice = preflight(&log.facts, reading);
    let mut checks = Vec::new();
    for sight in &sights {
        let at = advice.iter().position(|advice| advice.guard.id() == sight.subject);
        if let Some(advice) = at.map(|at| advice.remove(at)) {
            checks.push(Check::warn(sight.subject, advice.problem, advice.fix));
        } else if let Observed::Observed(reported) = &sight.reported {
            checks.push(Check::ok(sight.subject, reported));
        }
    }
    // Advice on what is not listed above is advice all the same.
    checks.extend(advice.into_iter().map(|it| Check::warn(it.guard.id(), it.problem, it.fix)));
    checks.extend(not_observed(&sights));
    checks
}

/// What there is to see of one guard.
struct Sight {
    subject: &'static str,
    reported: Observed<String>,
}

fn sights(facts: &MachineFacts, reading: &MachineReading) -> Vec<Sight> {
    let guards = [
        (Guard::CpuPolicy, cpu_policy(&facts.cpu)),
        (
            Guard::CpuThrottle,
            reported(&reading.cpu_throttle_count, |times| {
                format!("held back for heat {times} times since the machine was started")
            }),
        ),
        (Guard::StartTemperature, hottest(reading)),
        (
            Guard::AcPower,
            reported(&reading.is_on_ac_power, |on_ac_power| {
                if *on_ac_power { "on AC power" } else { "on battery" }.to_owned()
            }),
        ),
        (Guard::PowerProfile, reported(&facts.platform_profile, |profile| format!("`{profile}`"))),
        (
            Guard::CpuPressure,
            reported(&reading.cpu_some_avg10_percent, |percent| {
                format!("tasks waited for a processor for {percent:.1} % of the last ten seconds")
            }),
        ),
        (
            Guard::OtherCpuUse,
            reported(&reading.cpu_time, |time| {
                format!(
                    "the time of {} processors is counted, and that of our own processes",
                    time.processors
                )
            }),
        ),
        (
            Guard::MemoryPressure,
            reported(&reading.memory_full_avg10_percent, |percent| {
                format!("all tasks waited for memory for {percent:.1} % of the last ten seconds")
            }),
        ),
        (
            Guard::SwapIn,
            reported(&reading.pages_swapped_in, |pages| {
                format!("{pages} pages read back from swap since the machine was started")
            }),
        ),
        (
            Guard::OomKill,
            reported(&reading.oom_kills, |kills| {
                format!("{kills} processes of this memory group were killed for want of memory so far")
            }),
        ),
        (Guard::GpuClock, gpu_clocks(facts, reading)),
        (Guard::GpuThrottle, gpu_throttle(reading)),
        (
            Guard::OtherGpuClients,
            reported(&reading.other_gpu, |others| {
                let hidden = others.hidden_processes;
                format!("{} of other programs; {hidden} processes could not be looked at", others.clients)
            }),
        ),
    ];
    let guards = guards.into_iter().map(|(guard, reported)| Sight { subject: guard.id(), reported });
    guards.chain([Sight { subject: ENERGY, reported: energy(facts, reading) }]).collect()
}

/// All that is not observed, those of one reason together: a machine that reports nothing gets one line.
fn not_observed(sights: &[Sight]) -> Option<Check> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut count = 0;
    for sight in sights {
        let Observed::NotObserved { reason } = &sight.reported else { continue };
        count += 1;
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, subjects)) => subjects.push(sight.subject),
            None => reasons.push((reason, vec![sight.subject])),
        }
    }
    let reasons: Vec<String> =
        reasons.into_iter().map(|(reason, subjects)| format!("{} ({reason})", subjects.join(", "))).collect();
    (count > 0).then(|| Check::skip(GUARDS, format!("{count} not observed here: {}", reasons.join("; "))))
}

fn reported<T>(observed: &Observed<T>, report: impl FnOnce(&T) -> String) -> Observed<String> {
    match observed {
        Observed::Observed(value) => Observed::Observed(report(value)),
        Observed::NotObserved { reason } => Observed::not(reason),
    }
}

fn cpu_policy(cpu: &CpuPolicy) -> Observed<String> {
    let governors = reported(&cpu.governors, |names| format!("governor `{}`", names.join("`, `")));
    let preferences =
        reported(&cpu.energy_preferences, |names| format!("energy preference `{}`", names.join("`, `")));
    let turbo = reported(&cpu.is_turbo_off, |off| format!("turbo {}", if *off { "off" } else { "on" }));
    let known: Vec<&str> = [&governors, &preferences, &turbo]
        .into_iter()
        .filter_map(|it| it.value().map(String::as_str))
        .collect();
    if known.is_empty() { governors } else { Observed::Observed(known.join(", ")) }
}

fn hottest(reading: &MachineReading) -> Observed<String> {
    reported(&reading.temperatures_celsius, |temperatures| {
        let sensors = temperatures.of_the_chip().into_iter();
        let hottest = sensors.max_by(|(_, a), (_, b)| a.total_cmp(b));
        hottest.map_or_else(String::new, |(name, celsius)| format!("{celsius:.1} C at `{name}`"))
    })
}

fn gpu_clocks(facts: &MachineFacts, reading: &MachineReading) -> Observed<String> {
    let limits = facts.gpus.value().map_or(&[][..], Vec::as_slice);
    of_each_gpu(reading, |gpu| {
        let limits = limits.iter().find(|facts| facts.pci_address == gpu.pci_address);
        reported(&gpu.actual_mhz, |mhz| format!("{mhz} MHz{}", limits.map(range).unwrap_or_default()))
    })
}

fn range(facts: &GpuFacts) -> String {
    match (facts.min_mhz.value(), facts.max_mhz.value()) {
        (Some(lowest), Some(highest)) => format!(", {lowest} to {highest} allowed"),
        _ => String::new(),
    }
}

fn gpu_throttle(reading: &MachineReading) -> Observed<String> {
    of_each_gpu(reading, |gpu| {
        reported(&gpu.throttled_by, |reasons| match &reasons[..] {
            [] => "nothing holds it back".to_owned(),
            reasons => format!("held back by `{}`", reasons.join("`, `")),
        })
    })
}

/// What is reported of every GPU; where one reports nothing, why not.
fn of_each_gpu(
    reading: &MachineReading,
    report: impl Fn(&GpuReading) -> Observed<String>,
) -> Observed<String> {
    let each = reading.gpus.known().and_then(|gpus| {
        let report = |gpu: &GpuReading| Ok(format!("`{}`: {}", gpu.pci_address, report(gpu).known()?));
        gpus.iter().map(report).collect::<Result<Vec<String>, _>>()
    });
    each.map(|each| each.join("; ")).into()
}

fn energy(facts: &MachineFacts, reading: &MachineReading) -> Observed<String> {
    let joules = |counters: &PackageCounters| counters.total() as f64 / 1e6;
    // Without its end the counter cannot be distinguished from one that has begun again.
    match &facts.energy_range_microjoules {
        Observed::NotObserved { reason } => Observed::not(reason),
        Observed::Observed(range) => reported(&reading.energy_microjoules, |counter| {
            let whose = match counter.packages() {
                1 => "the package's counter is".to_owned(),
                packages => format!("the counters of {packages} packages are"),
            };
            format!("{whose} at {:.0} J of {:.0} J", joules(counter), joules(range))
        }),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::sys::kernel_tree::{CARD, Tree, xe_client};

    fn report(tree: &Tree) -> String {
        examine(&read(tree.root())).iter().map(Check::render).collect()
    }

    #[test]
    fn a_laptop_with_an_arc_gpu_tells_every_guard_with_its_reading() {
        let tree = Tree::xe().client(9, 3, &xe_client(1, 40, 100, 0));
        assert_snapshot!(report(&tree), @r"
        ok    cpu-policy         governor `performance`, energy preference `performance`, turbo on
        ok    cpu-throttle       held back for heat 13 times since the machine was started
        ok    start-temperature  49.0 C at `coretemp Package id 0`
        ok    ac-power           on AC power
        ok    power-profile      `balanced`
        ok    cpu-pressure       tasks waited for a processor for 1.2 % of the last ten seconds
        ok    other-cpu-use      the time of 2 processors is counted, and that of our own processes
        ok    memory-pressure    all tasks waited for memory for 0.0 % of the last ten seconds
        ok    swap-in            12 pages read back from swap since the machine was started
        ok    oom-kill           2 processes of this memory group were killed for want of memory so far
        ok    gpu-clock          `0000:00:02.0`: 1950 MHz, 400 to 2050 allowed
        ok    gpu-throttle       `0000:00:02.0`: nothing holds it back
        ok    other-gpu-clients  1 of other programs; 0 processes could not be looked at
        ok    energy             the package's counter is at 1 J of 262143 J
        ");
    }

    #[test]
    fn a_machine_that_tells_nothing_is_one_line_and_no_fault() {
        let report = report(&Tree::new());
        assert!(report.starts_with("skip  guards             14 not observed here: "), "{report}");
        assert_eq!(report.lines().count(), 1);
        let of_one_reason = "gpu-clock, gpu-throttle, other-gpu-clients (there is no `/sys/class/drm`)";
        assert!(report.contains(of_one_reason), "{report}");
    }

    #[test]
    fn what_ought_to_be_fixed_first_is_a_warning_in_place_of_the_reading() {
        let tree = Tree::xe()
            .file("sys/class/power_supply/ADP1/online", "0")
            .file("sys/class/power_supply/BAT0/type", "Battery")
            .file("sys/class/power_supply/BAT0/status", "Discharging")
            .file("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "ondemand")
            .file("proc/pressure/cpu", "some avg10=42.00 avg60=0.00 avg300=0.00 total=1\n");
        let report = report(&tree);
        let warnings: Vec<&str> = report.lines().filter(|line| line.starts_with("warn")).collect();
        assert_snapshot!(warnings.join("\n"), @r"
        warn  cpu-policy         the processor's clock follows the governor `ondemand`
        warn  ac-power           the machine runs on battery
        warn  cpu-pressure       tasks waited for a processor for 42.0 % of the last ten seconds
        ");
        assert_eq!(report.matches("hint: ").count(), 3);
        assert!(!report.contains("ok    ac-power") && !report.contains("ok    cpu-policy"), "{report}");
    }

    #[test]
    fn a_reading_that_is_only_half_there_tells_its_half() {
        let tree = Tree::xe().client(9, 3, &xe_client(1, 40, 100, 0));
        for core in ["cpu0", "cpu1"] {
            tree.remove(&format!("sys/devices/system/cpu/{core}/cpufreq"));
        }
        tree.remove(&format!("{CARD}/device/tile0/gt0/freq0/max_freq"));
        tree.write(&format!("{CARD}/device/tile0/gt0/freq0/throttle/reason_pl1"), "1");
        tree.remove("sys/class/powercap/intel-rapl:0/energy_uj");
        let report = report(&tree);
        for line in [
            "ok    cpu-policy         turbo on\n",
            "ok    gpu-clock          `0000:00:02.0`: 1950 MHz\n",
            "ok    gpu-throttle       `0000:00:02.0`: held back by `pl1`\n",
            "1 not observed here: energy (there is no `/sys/class/powercap/intel-rapl:0/energy_uj`)\n",
        ] {
            assert!(report.contains(line), "{line}{report}");
        }
    }

    #[test]
    fn a_machine_that_never_answers_is_a_warning_and_not_a_machine_without_guards() {
        let mut log = read(Tree::xe().root());
        log.readings.clear();
        log.cut_short_reason = Some("a reading was not done after 5 s".to_owned());
        let checks = examine(&log);
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].found, "a reading was not done after 5 s");
        assert!(checks[0].fix.is_some());
    }
}
