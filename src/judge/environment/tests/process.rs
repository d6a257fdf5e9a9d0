//! The rules on one process.

use super::*;

#[test]
fn a_gpu_that_did_not_work_for_the_worker_trips() {
    assert_eq!(
        says(&each(|it| it.worker_gpus = Known(vec![worker(PCI, 8)])), Guard::GpuProof),
        GuardState::Tripped
    );
    let other_engine = each(|it| {
        let Known(gpus) = &mut it.worker_gpus else { panic!() };
        gpus[0].busy_cycles = [("vcs".to_owned(), it.at_ns)].into();
    });
    assert_eq!(says(&other_engine, Guard::GpuProof), GuardState::Tripped, "a video engine does not compute");
    let none = each(|it| it.worker_gpus = Known(vec![]));
    assert_eq!(says(&none, Guard::GpuProof), GuardState::NotObserved);
    assert_eq!(says_later(&none, Guard::GpuProof), GuardState::Vanished);
}

#[test]
fn heat_and_the_voltage_regulator_trip_and_power_limits_are_only_compared() {
    for reason in ["thermal", "soc_thermal", "prochot", "vr_tdc", "vr_thermalert", "ratl"] {
        let log = with(|log| throttle(log, 2, reason));
        assert_eq!(says(&log, Guard::GpuThrottle), GuardState::Tripped, "{reason}");
        assert_eq!(says_between(&log, Guard::GpuPowerLimit), GuardState::Clean, "{reason}");
    }
    for reason in ["pl1", "pl2", "iccmax"] {
        let log = with(|log| throttle(log, 2, reason));
        assert_eq!(says(&log, Guard::GpuThrottle), GuardState::Clean, "{reason}");
        assert_eq!(says_between(&log, Guard::GpuPowerLimit), GuardState::Tripped, "1 of 4: {reason}");
    }
    let before = with(|log| throttle(log, 0, "thermal"));
    assert_eq!(says(&before, Guard::GpuThrottle), GuardState::Clean, "the worker had not started");
}

#[test]
fn what_happened_before_the_first_timed_generation_does_not_count() {
    let hot = with(|log| throttle(log, 1, "thermal"));
    let judged = |start: u64| {
        let timed = Some(TimeSpan { start_ns: start * SECOND, end_ns: 4 * SECOND });
        state_of(&of_process(&ProcessGuards { timed, ..gpu(&hot) }, None), Guard::GpuThrottle)
    };
    assert_eq!(judged(1), GuardState::Tripped);
    assert_eq!(judged(2), GuardState::Clean);
}

#[test]
fn a_single_reading_of_work_is_proof_for_a_process_starts_with_none() {
    let single = with(|log| {
        log.readings[0].worker_gpus = Observed::not("there was no worker yet");
        log.readings.truncate(2);
    });
    assert_eq!(says(&single, Guard::GpuProof), GuardState::Clean);
}

#[test]
fn other_programs_on_the_gpu_trip_from_five_percent_of_the_time_on() {
    let used = |shares: [f64; 5]| {
        with(|log| {
            for (reading, share) in log.readings[1..].iter_mut().zip(shares) {
                let busy_share = Some(share);
                reading.other_gpu = Known(OtherGpuUse { clients: 1, busy_share, hidden_processes: 0 });
            }
        })
    };
    assert_eq!(says(&used([0.2, 0.0, 0.0, 0.0, 0.04]), Guard::OtherGpuClients), GuardState::Clean);
    assert_eq!(says(&used([0.25, 0.0, 0.0, 0.0, 0.0]), Guard::OtherGpuClients), GuardState::Tripped);
    let never_twice = each(|it| {
        it.other_gpu = Known(OtherGpuUse { clients: 0, busy_share: None, hidden_processes: 0 });
    });
    assert_eq!(says(&never_twice, Guard::OtherGpuClients), GuardState::NotObserved);
    let unseen = each(|it| {
        it.other_gpu = Known(OtherGpuUse { clients: 1, busy_share: None, hidden_processes: 0 });
    });
    assert_eq!(says(&unseen, Guard::OtherGpuClients), GuardState::NotObserved, "nothing says what they did");
    let blind = each(|it| it.worker_gpus = Known(vec![]));
    assert_eq!(says(&blind, Guard::OtherGpuClients), GuardState::NotObserved, "no client is shown at all");
}

#[test]
fn settings_must_stay_as_they_were_and_as_in_the_first_process() {
    let powersave = |facts: &mut MachineFacts| facts.cpu.governors = Known(vec!["powersave".to_owned()]);
    let other = with(|log| powersave(&mut log.facts));
    assert_eq!(says(&other, Guard::CpuPolicy), GuardState::Clean);
    assert_eq!(says_later(&other, Guard::CpuPolicy), GuardState::Tripped);
    let changed = |change: fn(&mut MachineFacts)| {
        with(|log| {
            let mut facts = log.facts.clone();
            change(&mut facts);
            log.facts_at_end = Some(facts);
        })
    };
    assert_eq!(says(&changed(powersave), Guard::CpuPolicy), GuardState::Tripped);
    let turbo = changed(|facts| facts.cpu.is_turbo_off = Known(true));
    assert_eq!(says(&turbo, Guard::CpuPolicy), GuardState::Tripped);
    let preference = changed(|facts| facts.cpu.energy_preferences = Known(vec!["power".to_owned()]));
    assert_eq!(says(&preference, Guard::CpuPolicy), GuardState::Tripped);
    let gone = changed(|facts| facts.cpu.governors = Observed::not("gone"));
    assert_eq!(says(&gone, Guard::CpuPolicy), GuardState::Vanished);
    let profile = changed(|facts| facts.platform_profile = Known("quiet".to_owned()));
    assert_eq!(says(&profile, Guard::PowerProfile), GuardState::Tripped);
    assert_eq!(says(&profile, Guard::CpuPolicy), GuardState::Clean);
}

#[test]
fn counters_that_grow_while_tokens_are_made_trip() {
    let later = |change: fn(&mut MachineReading)| with(|log| log.readings[3..].iter_mut().for_each(change));
    let heat = later(|it| it.cpu_throttle_count = Known(6));
    assert_eq!(says(&heat, Guard::CpuThrottle), GuardState::Tripped);
    let swapped = later(|it| it.pages_swapped_in = Known(8));
    assert_eq!(says(&swapped, Guard::SwapIn), GuardState::Tripped);
    let killed = later(|it| it.oom_kills = Known(2));
    assert_eq!(says(&killed, Guard::OomKill), GuardState::Tripped);
    // The growth lies between the readings of the seconds 2 and 3.
    let judged = |log: &GuardLog, start: u64, end: u64, guard| {
        let timed = Some(TimeSpan { start_ns: start * SECOND, end_ns: end * SECOND });
        state_of(&of_process(&ProcessGuards { timed, ..gpu(log) }, None), guard)
    };
    assert_eq!(judged(&swapped, 3, 5, Guard::SwapIn), GuardState::Clean, "while the model was loaded");
    assert_eq!(judged(&swapped, 2, 5, Guard::SwapIn), GuardState::Tripped);
    assert_eq!(judged(&swapped, 1, 2, Guard::SwapIn), GuardState::Clean, "afterwards");
    assert_eq!(judged(&killed, 3, 5, Guard::OomKill), GuardState::Tripped, "at any time");
}

#[test]
fn battery_is_a_warning_and_not_an_end() {
    let log = with(|log| log.readings[4].is_on_ac_power = Known(false));
    let findings = of_process(&gpu(&log), None);
    let ac_power = findings.iter().find(|finding| finding.guard == Guard::AcPower).unwrap();
    assert_eq!(ac_power.state, GuardState::Tripped);
    assert!(ac_power.is_trouble() && !ac_power.invalidates());
    let swapped = with(|log| log.readings[5].pages_swapped_in = Known(99));
    assert!(of_process(&gpu(&swapped), None).iter().any(GuardFinding::invalidates));
}

#[test]
fn a_background_load_trips_from_five_percent_on() {
    let at =
        |second: usize, percent| with(|log| log.readings[second].cpu_some_avg10_percent = Known(percent));
    assert_eq!(says(&at(2, 4.9), Guard::CpuPressure), GuardState::Clean);
    assert_eq!(says(&at(2, 5.0), Guard::CpuPressure), GuardState::Tripped);
    assert_eq!(says(&at(0, 50.0), Guard::CpuPressure), GuardState::Clean, "the worker had not started");
}

#[test]
fn a_run_on_the_processor_is_not_taken_for_its_own_background_load() {
    let busy =
        each(|it| it.cpu_some_avg10_percent = Known(if it.phase == Phase::Before { 1.0 } else { 80.0 }));
    let cpu = on(&busy, DeviceKind::Cpu);
    assert_eq!(state_of(&of_process(&cpu, None), Guard::CpuPressure), GuardState::Clean);
    assert_eq!(state_of(&of_process(&cpu, Some(&cpu)), Guard::CpuPressure), GuardState::NotObserved);
    let loaded = with(|log| log.readings[0].cpu_some_avg10_percent = Known(30.0));
    let first = of_process(&on(&loaded, DeviceKind::Cpu), None);
    assert_eq!(state_of(&first, Guard::CpuPressure), GuardState::Tripped);
    assert!(first.iter().all(|finding| !finding.guard.id().contains("gpu")), "it needs no GPU");
}

/// A run on the four processors in which others have so many thousandths of all their time, second by second.
fn beside_others(thousandths: [u64; 5]) -> GuardLog {
    with(|log| {
        let mut others_ns = 0;
        for (reading, share) in log.readings[1..].iter_mut().zip(thousandths) {
            others_ns += share * 4 * SECOND / 1000;
            let Known(time) = &mut reading.cpu_time else { panic!() };
            time.busy_ns = 90 * SECOND + time.own_ns + others_ns;
        }
    })
}

fn other_cpu_use(log: &GuardLog) -> GuardFinding {
    let findings = of_process(&on(log, DeviceKind::Cpu), None);
    findings.into_iter().find(|finding| finding.guard == Guard::OtherCpuUse).unwrap()
}

#[test]
fn a_load_by_others_that_begins_in_the_middle_of_a_run_on_the_processor_trips() {
    let loaded = other_cpu_use(&beside_others([0, 0, 600, 600, 600]));
    assert_eq!(loaded.state, GuardState::Tripped);
    assert_eq!(loaded.reason, "other programs used 36.0 % of the CPU while it was measured");
    assert!(loaded.invalidates());
    assert_eq!(other_cpu_use(&beside_others([50; 5])).state, GuardState::Tripped);
    assert_eq!(other_cpu_use(&beside_others([49; 5])).state, GuardState::Clean);
    assert_eq!(other_cpu_use(&beside_others([10, 0, 50, 10, 20])).state, GuardState::Clean);
}

#[test]
fn a_load_while_the_model_is_loaded_or_after_the_last_token_does_not_count() {
    let log = beside_others([600, 0, 0, 0, 600]);
    let timed = Some(TimeSpan { start_ns: SECOND, end_ns: 4 * SECOND });
    let cpu = ProcessGuards { timed, ..on(&log, DeviceKind::Cpu) };
    assert_eq!(state_of(&of_process(&cpu, None), Guard::OtherCpuUse), GuardState::Clean);
}

#[test]
fn what_the_counting_by_ticks_leaves_open_is_no_load() {
    let mut log = beside_others([100; 5]);
    for reading in &mut log.readings {
        reading.at_ns /= 25;
        let Known(time) = &mut reading.cpu_time else { panic!() };
        (time.busy_ns, time.own_ns) = (time.busy_ns / 25, time.own_ns / 25);
    }
    assert_eq!(other_cpu_use(&log).state, GuardState::Clean, "0.08 s of four processors in 0.2 s");
}

#[test]
fn busy_time_that_does_not_hold_our_own_and_an_older_record_are_not_observed() {
    let partial = each(|it| {
        let Known(time) = &mut it.cpu_time else { panic!() };
        time.busy_ns = 90 * SECOND;
    });
    assert_eq!(other_cpu_use(&partial).state, GuardState::NotObserved);
    let mut older = serde_json::to_value(reading(0, Phase::During)).unwrap();
    older.as_object_mut().unwrap().remove("cpu_time").unwrap();
    let older: MachineReading = serde_json::from_value(older).unwrap();
    let older = with(|log| log.readings.iter_mut().for_each(|it| it.cpu_time = older.cpu_time.clone()));
    assert_eq!(other_cpu_use(&older).state, GuardState::NotObserved);
    assert!(other_cpu_use(&older).reason.contains("made the record"));
}

#[test]
fn any_stall_for_memory_trips() {
    let log = with(|log| log.readings[2].memory_full_avg10_percent = Known(0.01));
    assert_eq!(says(&log, Guard::MemoryPressure), GuardState::Tripped);
    let short = with(|log| {
        log.readings.drain(1..5);
        log.readings[1].memory_full_avg10_percent = Known(0.5);
    });
    assert_eq!(says(&short, Guard::MemoryPressure), GuardState::Tripped);
    assert_eq!(says(&short, Guard::GpuThrottle), GuardState::NotObserved, "too short to be read");
}

#[test]
fn sleep_of_more_than_a_second_trips() {
    let slept = |ns| {
        with(|log| {
            log.clocks_after = Known(ClockPair { monotonic_ns: 6 * SECOND, boottime_ns: 15 * SECOND + ns });
        })
    };
    assert_eq!(says(&slept(SECOND), Guard::Suspend), GuardState::Clean);
    assert_eq!(says(&slept(SECOND + 1), Guard::Suspend), GuardState::Tripped);
}
