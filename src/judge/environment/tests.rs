//! The rules on scripted readings: clean, tripped, not observed, vanished.

mod process;
mod sides;

use super::*;
use crate::engine::openvino::DeviceKind;
use crate::measure::guard::{
    CpuPolicy, GpuDriver, GpuFacts, GpuReading, GuardLog, MachineFacts, MachineReading, Phase, Temperatures,
    WorkerGpuUse,
};
use crate::sys::fdinfo::OtherGpuUse;
use crate::sys::{ClockPair, CpuTime, Observed};

use Observed::Observed as Known;

const SECOND: u64 = 1_000_000_000;
const PCI: &str = "0000:00:02.0";

fn reading(second: u64, phase: Phase) -> MachineReading {
    let temperatures = [("TCPU".to_owned(), 45.0), ("iwlwifi_1".to_owned(), 60.0)];
    MachineReading {
        at_ns: second * SECOND,
        phase,
        gpus: Known(vec![GpuReading {
            pci_address: PCI.to_owned(),
            actual_mhz: Known(2000),
            requested_mhz: Known(2000),
            throttled_by: Known(vec![]),
        }]),
        temperatures_celsius: Known(Temperatures { by_sensor_celsius: temperatures.into() }),
        cpu_throttle_count: Known(5),
        is_on_ac_power: Known(true),
        cpu_some_avg10_percent: Known(1.0),
        // The worker has one of four processors, and others a fiftieth of one.
        cpu_time: Known(CpuTime {
            processors: 4,
            busy_ns: 90 * SECOND + second * (SECOND + SECOND / 50),
            own_ns: second * SECOND,
        }),
        memory_full_avg10_percent: Known(0.0),
        io_some_avg10_percent: Known(0.0),
        pages_swapped_in: Known(7),
        oom_kills: Known(1),
        energy_microjoules: Known((1_000_000 + second * 20_000_000).into()),
        worker_gpus: Known(vec![worker(PCI, second * 1_000)]),
        other_gpu: Known(OtherGpuUse { clients: 1, busy_share: Some(0.01), hidden_processes: 3 }),
    }
}

fn worker(pci_address: &str, ccs: u64) -> WorkerGpuUse {
    WorkerGpuUse {
        pci_address: pci_address.to_owned(),
        clients: 1,
        busy_cycles: [("ccs".to_owned(), ccs)].into(),
        busy_ns: [].into(),
        resident_bytes: Some(1 << 30),
    }
}

/// A process of six seconds on a machine that reports everything and is quiet.
fn quiet() -> GuardLog {
    let facts = MachineFacts {
        cpu: CpuPolicy {
            governors: Known(vec!["performance".to_owned()]),
            energy_preferences: Known(vec!["performance".to_owned()]),
            is_turbo_off: Known(false),
        },
        platform_profile: Known("balanced".to_owned()),
        gpus: Known(vec![GpuFacts {
            pci_address: PCI.to_owned(),
            driver: GpuDriver::Xe,
            min_mhz: Known(400),
            max_mhz: Known(2050),
            throttle_reasons: Known(vec!["pl1".to_owned(), "thermal".to_owned()]),
        }]),
        energy_range_microjoules: Known(262_143_328_850.into()),
    };
    let mut readings: Vec<MachineReading> = (0..6).map(|second| reading(second, Phase::During)).collect();
    readings[0].phase = Phase::Before;
    readings[5].phase = Phase::After;
    GuardLog {
        facts,
        facts_at_end: None,
        clocks_before: Known(ClockPair { monotonic_ns: 0, boottime_ns: 9 * SECOND }),
        clocks_after: Known(ClockPair { monotonic_ns: 6 * SECOND, boottime_ns: 15 * SECOND }),
        readings,
        cut_short_reason: None,
    }
}

fn with(change: impl FnOnce(&mut GuardLog)) -> GuardLog {
    let mut log = quiet();
    change(&mut log);
    log
}

fn each(change: impl Fn(&mut MachineReading)) -> GuardLog {
    with(|log| log.readings.iter_mut().for_each(change))
}

fn on(log: &GuardLog, device: DeviceKind) -> ProcessGuards<'_> {
    ProcessGuards { log, device, timed: None }
}

fn gpu(log: &GuardLog) -> ProcessGuards<'_> {
    on(log, DeviceKind::Gpu)
}

fn state_of(findings: &[GuardFinding], guard: Guard) -> GuardState {
    findings.iter().find(|finding| finding.guard == guard).map(|finding| finding.state).unwrap()
}

fn says(log: &GuardLog, guard: Guard) -> GuardState {
    state_of(&of_process(&gpu(log), None), guard)
}

/// What a guard says of a process after a quiet first one.
fn says_later(log: &GuardLog, guard: Guard) -> GuardState {
    state_of(&of_process(&gpu(log), Some(&gpu(&quiet()))), guard)
}

fn says_between(log: &GuardLog, guard: Guard) -> GuardState {
    let quiet = quiet();
    let forth = state_of(&between(&gpu(&quiet), &gpu(log)), guard);
    assert_eq!(forth, state_of(&between(&gpu(log), &gpu(&quiet)), guard), "the order does not matter");
    forth
}

/// Takes away all that a machine can report.
fn silence(reading: &mut MachineReading) {
    fn not<T>() -> Observed<T> {
        Observed::not("no such file")
    }
    let MachineReading { at_ns, phase, .. } = *reading;
    *reading = MachineReading {
        at_ns,
        phase,
        gpus: not(),
        temperatures_celsius: not(),
        cpu_throttle_count: not(),
        is_on_ac_power: not(),
        cpu_some_avg10_percent: not(),
        cpu_time: not(),
        memory_full_avg10_percent: not(),
        io_some_avg10_percent: not(),
        pages_swapped_in: not(),
        oom_kills: not(),
        energy_microjoules: not(),
        worker_gpus: not(),
        other_gpu: not(),
    };
}

fn silent() -> GuardLog {
    with(|log| {
        log.readings.iter_mut().for_each(silence);
        log.facts = MachineFacts {
            cpu: CpuPolicy {
                governors: Observed::not("a"),
                energy_preferences: Observed::not("b"),
                is_turbo_off: Observed::not("c"),
            },
            platform_profile: Observed::not("d"),
            gpus: Observed::not("e"),
            energy_range_microjoules: Observed::not("f"),
        };
        log.clocks_before = Observed::not("g");
    })
}

fn throttle(log: &mut GuardLog, second: usize, reason: &str) {
    let Known(gpus) = &mut log.readings[second].gpus else { panic!() };
    gpus[0].throttled_by = Known(vec![reason.to_owned()]);
}

fn clock(reading: &mut MachineReading, mhz: u32) {
    let Known(gpus) = &mut reading.gpus else { panic!() };
    gpus[0].actual_mhz = Known(mhz);
}

#[test]
fn a_quiet_machine_is_clean_in_every_guard() {
    let quiet = quiet();
    let mut findings = of_process(&gpu(&quiet), Some(&gpu(&quiet)));
    findings.extend(between(&gpu(&quiet), &gpu(&quiet)));
    for finding in &findings {
        assert_eq!(finding.state, GuardState::Clean, "{finding:?}");
    }
    assert_eq!(findings.len(), 15);
}

#[test]
fn a_machine_that_tells_nothing_is_not_observed_and_never_clean() {
    let silent = silent();
    let mut findings = of_process(&gpu(&silent), Some(&gpu(&silent)));
    findings.extend(between(&gpu(&silent), &gpu(&silent)));
    findings.extend(of_process(&on(&silent, DeviceKind::Cpu), None));
    for finding in &findings {
        assert_eq!(finding.state, GuardState::NotObserved, "{finding:?}");
        assert!(!finding.reason.is_empty() && !finding.invalidates());
    }
    let empty = with(|log| {
        *log = GuardLog { readings: vec![], ..silent.clone() };
    });
    for finding in of_process(&gpu(&empty), None) {
        assert_eq!(finding.state, GuardState::NotObserved, "{finding:?}");
    }
}

#[test]
fn what_the_first_process_could_observe_and_a_later_one_cannot_has_vanished() {
    let silent = silent();
    let quiet = quiet();
    for finding in of_process(&gpu(&silent), Some(&gpu(&quiet))) {
        assert_eq!(finding.state, GuardState::Vanished, "{finding:?}");
        assert!(finding.is_trouble());
    }
    for finding in between(&gpu(&quiet), &gpu(&silent)) {
        assert_eq!(finding.state, GuardState::Vanished, "{finding:?}");
    }
    for finding in of_process(&gpu(&quiet), Some(&gpu(&silent))) {
        assert_eq!(finding.state, GuardState::Clean, "what comes has not vanished: {finding:?}");
    }
}

#[test]
fn what_goes_in_the_middle_has_vanished() {
    let log = with(|log| log.readings[2..].iter_mut().for_each(silence));
    let findings = of_process(&gpu(&log), None);
    for guard in [
        Guard::GpuThrottle,
        Guard::OtherGpuClients,
        Guard::CpuThrottle,
        Guard::AcPower,
        Guard::CpuPressure,
        Guard::MemoryPressure,
        Guard::SwapIn,
        Guard::OomKill,
    ] {
        assert_eq!(state_of(&findings, guard), GuardState::Vanished, "{}", guard.id());
    }
}

#[test]
fn a_log_that_was_cut_short_is_not_clean() {
    let log = with(|log| log.cut_short_reason = Some("a reading hung".to_owned()));
    assert!(of_process(&gpu(&log), None).iter().all(|it| it.state == GuardState::Vanished));
    let timed = ProcessGuards { timed: Some(TimeSpan { start_ns: SECOND, end_ns: 4 * SECOND }), ..gpu(&log) };
    assert!(of_process(&timed, None).iter().all(|it| it.state == GuardState::Clean), "it came later");
    assert!(energy(&timed).value().is_some() && energy(&gpu(&log)).value().is_none());
}

#[test]
fn a_guard_s_name_is_what_is_written() {
    let quiet = quiet();
    let mut findings = of_process(&gpu(&quiet), None);
    findings.extend(between(&gpu(&quiet), &gpu(&quiet)));
    for finding in findings {
        let written = serde_json::to_value(&finding).unwrap();
        assert_eq!(written["guard"], finding.guard.id());
        assert_eq!(serde_json::from_value::<GuardFinding>(written).unwrap(), finding);
    }
}
