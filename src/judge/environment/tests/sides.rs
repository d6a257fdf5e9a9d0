//! The rules on two sides, and energy.

use std::collections::BTreeMap;

use super::*;

#[test]
fn power_limits_may_differ_by_five_points() {
    let limited = |count: usize| {
        let mut log = quiet();
        log.readings = (0..100).map(|second| reading(second, Phase::During)).collect();
        (0..count).for_each(|second| throttle(&mut log, second, "pl1"));
        log
    };
    let state =
        |one, other| state_of(&between(&gpu(&limited(one)), &gpu(&limited(other))), Guard::GpuPowerLimit);
    assert_eq!(state(10, 15), GuardState::Clean);
    assert_eq!(state(10, 16), GuardState::Tripped);
}

#[test]
fn median_clocks_may_differ_by_two_percent() {
    assert_eq!(says_between(&each(|it| clock(it, 1960)), Guard::GpuClock), GuardState::Clean);
    assert_eq!(says_between(&each(|it| clock(it, 1950)), Guard::GpuClock), GuardState::Tripped);
    let dips = with(|log| {
        clock(&mut log.readings[1], 0);
        clock(&mut log.readings[2], 700);
    });
    assert_eq!(says_between(&dips, Guard::GpuClock), GuardState::Clean, "the median of 700, 2000, 2000");
    let asleep = each(|it| clock(it, 0));
    assert_eq!(says_between(&asleep, Guard::GpuClock), GuardState::Vanished, "a sleeping GPU has no clock");
}

#[test]
fn the_clock_is_that_of_the_gpu_that_worked() {
    let two = |addresses: [&'static str; 2]| {
        each(move |it| {
            let Known(gpus) = &mut it.gpus else { panic!() };
            gpus.push(GpuReading { pci_address: "0000:03:00.0".to_owned(), ..gpus[0].clone() });
            gpus[0].actual_mhz = Known(300);
            it.worker_gpus = Known(vec![worker(addresses[0], 1), worker(addresses[1], it.at_ns)]);
        })
    };
    assert_eq!(says_between(&two([PCI, "0000:03:00.0"]), Guard::GpuClock), GuardState::Clean);
    assert_eq!(says_between(&two(["0000:03:00.0", PCI]), Guard::GpuClock), GuardState::Tripped);
    let unknown = with(|log| {
        *log = two([PCI, PCI]);
        log.readings.iter_mut().for_each(|it| it.worker_gpus = Observed::not("hidden"));
    });
    assert_eq!(says(&unknown, Guard::GpuThrottle), GuardState::NotObserved);
}

#[test]
fn two_sides_start_within_three_degrees() {
    let warmer = |celsius: f64| {
        with(|log| {
            let sensors = [("TCPU".to_owned(), celsius), ("iwlwifi_1".to_owned(), 90.0)];
            log.readings[0].temperatures_celsius = Known(Temperatures { by_sensor_celsius: sensors.into() });
        })
    };
    assert_eq!(says_between(&warmer(48.0), Guard::StartTemperature), GuardState::Clean);
    assert_eq!(says_between(&warmer(48.1), Guard::StartTemperature), GuardState::Tripped);
    assert_eq!(says_between(&warmer(41.9), Guard::StartTemperature), GuardState::Tripped);
}

#[test]
fn energy_adds_up_across_the_counter_s_new_beginning() {
    let Known(whole) = energy(&gpu(&quiet())) else { panic!() };
    assert!((whole.joules - 100.0).abs() < 1e-9 && whole.over_ns == 5 * SECOND, "{whole:?}");
    let wrapped = |range| {
        with(|log| {
            log.facts.energy_range_microjoules = range;
            for (reading, counter) in log.readings.iter_mut().zip([70, 80, 90, 5, 15, 25]) {
                reading.energy_microjoules = Known((counter * 1_000_000).into());
            }
        })
    };
    let Known(across) = energy(&gpu(&wrapped(Known(100_000_000.into())))) else { panic!() };
    assert!((across.joules - 55.0).abs() < 1e-9, "{across:?}");
    let unknown = energy(&gpu(&wrapped(Observed::not("no range"))));
    assert!(unknown.known().unwrap_err().reason.contains("no range"));
    assert!(energy(&gpu(&wrapped(Known(50_000_000.into())))).value().is_none(), "beyond its own range");
}

#[test]
fn energy_adds_up_over_packages_whose_counters_begin_again_each_at_its_time() {
    let both = |first: u64, second: u64| {
        let zones =
            [("package-0".to_owned(), first * 1_000_000), ("package-1".to_owned(), second * 1_000_000)];
        Known(BTreeMap::from(zones).into())
    };
    let log = with(|log| {
        log.facts.energy_range_microjoules = both(100, 50);
        let counters = [(70, 30), (80, 40), (90, 50), (5, 10), (15, 20), (25, 30)];
        for (reading, (first, second)) in log.readings.iter_mut().zip(counters) {
            reading.energy_microjoules = both(first, second);
        }
    });
    let Known(sum) = energy(&gpu(&log)) else { panic!() };
    assert!((sum.joules - (55.0 + 50.0)).abs() < 1e-9, "{sum:?}");
    let one_is_lost = with(|log| log.readings[3].energy_microjoules = both(90, 1));
    assert!(energy(&gpu(&one_is_lost)).value().is_none());
}

#[test]
fn energy_that_is_absent_once_is_absent_and_not_zero() {
    let gap = with(|log| log.readings[3].energy_microjoules = Observed::not("only root may read it"));
    assert_eq!(energy(&gpu(&gap)), Observed::not("only root may read it"));
    let single = with(|log| log.readings.truncate(1));
    assert!(energy(&gpu(&single)).value().is_none());
}
