//! Each single difference lands in its class, and values are compared with each other only as far as that
//! allows. The record is a real one, of three processes.

use std::collections::BTreeMap;

use super::{Breaks, Comparability, TwoRuns, ValuePair, differences};
use crate::engine::openvino::{DeviceFacts, DeviceKind};
use crate::golden::GoldenResult;
use crate::measure::Metric;
use crate::measure::protocol::CacheState;
use crate::record::{DeviceEvidence, Epoch, Experiment, Outcome, ProvenDevice, SampleTimes, Series, open};
use crate::sys::Observed;

fn run() -> Experiment {
    open(include_bytes!("../../../fixtures/records/bench-3.0.json"), "a record").unwrap()
}

fn edited(edit: impl FnOnce(&mut Experiment)) -> Experiment {
    let mut record = run();
    record.run_id = "00000000000b".to_owned();
    edit(&mut record);
    record
}

/// The same at another pace, percent of its own times.
fn paced(percent: u64) -> Experiment {
    edited(|record| {
        for SampleTimes { submitted_ns, token_ns, .. } in
            record.arms[0].samples.iter_mut().filter_map(|sample| sample.times.as_mut())
        {
            for token in token_ns {
                *token = *submitted_ns + (*token - *submitted_ns) * percent / 100;
            }
        }
    })
}

fn ran(device: &'static str, facts: DeviceFacts) -> ProvenDevice {
    let evidence = DeviceEvidence {
        target: if device.starts_with("GPU") { "GPU" } else { "CPU" },
        execution_devices: vec![device],
        facts,
        gpu_counters_grew: Some(true),
        processor_ns: Some(300_000_000),
        generation_ns: 300_000_000,
    };
    ProvenDevice::establish(evidence).unwrap()
}

fn on_cpu(it: &mut Experiment, facts: DeviceFacts) {
    it.arms[0].device.ran = Some(ran("CPU", facts));
}

fn effective(it: &mut Experiment) -> &mut BTreeMap<String, String> {
    &mut it.arms[0].runtime.as_mut().unwrap().properties_effective
}

fn named(name: &str) -> DeviceFacts {
    DeviceFacts { full_name: Some(name.to_owned()), ..DeviceFacts::default() }
}

#[track_caller]
fn metric_value(two: &TwoRuns, metric: Metric) -> ValuePair {
    two.metric_values.iter().find(|pair| pair.metric == metric && pair.prompt.is_none()).unwrap().clone()
}

#[test]
fn each_single_difference_is_told_and_breaks_what_it_breaks() {
    type Edit = fn(&mut Experiment);
    let cases: [(&str, Breaks, Edit); 33] = [
        ("machine", Breaks::Machine, |it| it.machine.sha256 = "9".repeat(64)),
        ("processor", Breaks::Machine, |it| it.machine.cpu = "another".into()),
        ("logical processors", Breaks::Machine, |it| it.machine.logical_cores += 1),
        ("memory", Breaks::Machine, |it| it.machine.memory_gib += 1),
        ("Intel GPUs on the bus", Breaks::Machine, |it| it.machine.gpu_pci_ids = vec!["8086:64a0".into()]),
        ("model", Breaks::Model, |it| it.arms[0].model.sha256 = "9".repeat(64)),
        ("protocol", Breaks::Workload, |it| it.arms[0].workload.protocol = "bench@3".into()),
        ("tokens of each answer", Breaks::Workload, |it| it.arms[0].workload.new_tokens = 7),
        ("prompt fibonacci", Breaks::Workload, |it| it.arms[0].workload.prompts[1].token_ids[0] += 1),
        ("workload", Breaks::Workload, |it| it.arms[0].workload.sha256 = "9".repeat(64)),
        ("the device's PCI id", Breaks::Device, |it| {
            on_cpu(it, DeviceFacts { pci_id: Some("8086:64a0".into()), ..named("AMD EPYC") });
        }),
        ("execution units", Breaks::Device, |it| {
            on_cpu(it, DeviceFacts { execution_units: Some(64), ..named("AMD EPYC") });
        }),
        ("the device's vendor", Breaks::Device, |it| {
            on_cpu(it, DeviceFacts { vendor: Some("Intel".into()), ..named("AMD EPYC") });
        }),
        ("emulation", Breaks::Device, |it| {
            on_cpu(it, DeviceFacts { emulated_reason: Some("x".into()), ..named("AMD EPYC") });
        }),
        ("OpenCL of the GPU driver", Breaks::Epoch, |it| {
            on_cpu(it, DeviceFacts { opencl_version: Some("OpenCL 3.0".into()), ..named("AMD EPYC") });
        }),
        ("GPU kernel driver", Breaks::Epoch, |it| {
            on_cpu(it, DeviceFacts { kernel_driver: Some("xe".into()), ..named("AMD EPYC") });
        }),
        ("OpenVINO", Breaks::Runtime, |it| {
            it.arms[0].runtime.as_mut().unwrap().openvino_version = "2027.0.0".into();
        }),
        ("property NUM_STREAMS", Breaks::Runtime, |it| {
            effective(it).insert("NUM_STREAMS".into(), "4".into());
        }),
        ("OpenVINO's build", Breaks::Epoch, |it| {
            it.arms[0].runtime.as_mut().unwrap().openvino_build = "x".into();
        }),
        ("kernel", Breaks::Epoch, |it| it.machine.kernel = None),
        ("GPU driver", Breaks::Epoch, |it| it.machine.gpu_driver = Some("x".into())),
        ("firmware", Breaks::Epoch, |it| it.machine.firmware = Some("x".into())),
        ("microcode", Breaks::Epoch, |it| it.machine.microcode = Some("x".into())),
        ("operating system", Breaks::Environment, |it| it.machine.os = Some("x".into())),
        ("the GPU's name", Breaks::Environment, |it| it.machine.gpu = Some("x".into())),
        ("the device's name", Breaks::Environment, |it| {
            it.arms[0].device.ran = Some(ran("CPU", named("x")));
        }),
        ("variable OMP_NUM_THREADS", Breaks::Environment, |it| {
            it.arms[0].environment_variables.insert("OMP_NUM_THREADS".into(), "1".into());
        }),
        ("commit", Breaks::Nothing, |it| it.arms[0].commit = None),
        ("processes", Breaks::Nothing, |it| it.arms[0].workload.runs = 9),
        ("device requested", Breaks::Nothing, |it| it.arms[0].device.requested = "CPU".into()),
        ("arcgauge", Breaks::Nothing, |it| it.arcgauge_version = "x".into()),
        ("the worker's program", Breaks::Nothing, |it| it.arms[0].worker.sha256 = None),
        ("graph as compiled", Breaks::Nothing, |it| it.arms[0].model.edited_graph_sha256 = None),
    ];
    for (what, breaks, edit) in cases {
        let other = edited(edit);
        let found = differences(run().subject(), other.subject());
        let reported: Vec<_> = found.iter().map(|it| (it.what.as_str(), it.breaks)).collect();
        assert_eq!(reported, [(what, breaks)]);
        assert_ne!(found[0].a, found[0].b, "{what}");
        assert_eq!(
            TwoRuns::of(run().subject(), other.subject()).comparability,
            breaks.comparability(),
            "{what}"
        );
    }
}

#[test]
fn another_kind_of_device_is_unlike_whatever_else_differs_with_it() {
    let other = edited(|it| it.arms[0].device.ran = Some(ran("GPU.0", named("A GPU"))));
    let two = TwoRuns::of(run().subject(), other.subject());
    assert_eq!((two.comparability, two.unlike_reason()), (Comparability::Unlike, vec!["device"]));
    assert_eq!(two.differences[0].breaks, Breaks::Device, "what weighs most is first");
    assert_eq!(other.subject().device.ran.as_ref().unwrap().kind(), DeviceKind::Gpu);
}

#[test]
fn two_gpus_without_a_pci_id_are_told_by_their_names_and_are_unlike() {
    let on = |name: &str| edited(|it| it.arms[0].device.ran = Some(ran("GPU.0", named(name))));
    let two = TwoRuns::of(on("NVIDIA H200 (dGPU)").subject(), on("NVIDIA L4 (dGPU)").subject());
    assert_eq!((two.comparability, two.unlike_reason()), (Comparability::Unlike, vec!["device"]));
}

#[test]
fn the_times_of_an_emulated_device_are_no_speed_to_be_compared() {
    let emulated = || {
        edited(|it| {
            let facts = DeviceFacts { emulated_reason: Some("a runtime for CPUs".into()), ..named("A GPU") };
            it.arms[0].device.ran = Some(ran("GPU.0", facts));
        })
    };
    let two = TwoRuns::of(emulated().subject(), emulated().subject());
    assert_eq!(two.b.doubted_reason.as_deref(), Some("the device is emulated: a runtime for CPUs"));
    assert!(!two.compares_speed());
}

#[test]
fn a_run_and_itself_differ_in_nothing() {
    assert_eq!(differences(run().subject(), run().subject()), []);
    let two = TwoRuns::of(run().subject(), run().subject());
    assert_eq!(two.comparability, Comparability::Same);
    let tpot = metric_value(&two, Metric::TimePerOutputToken);
    assert!((tpot.change.unwrap().ratio - 1.0).abs() < 1e-12 && tpot.interval().unwrap().holds_no_change());
}

#[test]
fn no_two_series_or_epochs_are_ever_the_same() {
    // A part of an identity of which no row is reported.
    let other = edited(|it| drop(effective(it).insert("EXECUTION_DEVICES".into(), "x".into())));
    assert_ne!(
        (Series::of(run().subject()).id, Epoch::of(run().subject()).id),
        (Series::of(other.subject()).id, Epoch::of(other.subject()).id)
    );
    assert_eq!(
        TwoRuns::of(run().subject(), other.subject()).comparability,
        Comparability::EnvironmentDiffers
    );
}

#[test]
fn two_runs_of_one_thing_have_an_interval_around_the_change_that_was_made() {
    let two = TwoRuns::of(run().subject(), paced(150).subject());
    for (metric, expected) in [
        (Metric::TimePerOutputToken, 1.5),
        (Metric::TimeToFirstToken, 1.5),
        (Metric::EndToEndLatency, 1.5),
        (Metric::EndToEndThroughput, 1.0 / 1.5),
        (Metric::DecodeThroughput, 1.0 / 1.5),
    ] {
        let pair = metric_value(&two, metric);
        let (change, interval) = (pair.change.unwrap(), pair.interval().unwrap());
        assert!((change.ratio - expected).abs() < 1e-6, "{pair:?}");
        assert!(interval.lower < expected && expected < interval.upper, "{pair:?}");
    }
    assert_eq!(metric_value(&two, Metric::PeakRss).change.unwrap().ratio.to_bits(), 1.0_f64.to_bits());
    let prompts = two.metric_values.iter().filter(|pair| pair.metric == Metric::TimePerOutputToken).count();
    assert_eq!(prompts, 4, "the mean and three prompts");
    assert!(two.compares_speed());
}

#[test]
fn under_another_kernel_the_change_is_an_observation_without_an_interval() {
    let other =
        Experiment { machine: edited(|it| it.machine.kernel = Some("x".into())).machine, ..paced(200) };
    let two = TwoRuns::of(run().subject(), other.subject());
    let tpot = metric_value(&two, Metric::TimePerOutputToken);
    assert!((tpot.change.unwrap().ratio - 2.0).abs() < 1e-6 && tpot.interval().is_none());
    assert!(two.compares_speed());
}

#[test]
fn unlike_runs_stand_side_by_side_without_one_ratio() {
    let two = TwoRuns::of(run().subject(), edited(|it| it.machine.sha256 = "9".repeat(64)).subject());
    assert!(
        two.metric_values.iter().all(|pair| pair.a.is_some() && pair.b.is_some() && pair.change.is_none())
    );
    assert!(!two.compares_speed());
}

#[test]
fn what_is_wrong_unverified_or_unfinished_has_no_speed_to_be_compared() {
    let why = |edit: fn(&mut Experiment)| {
        let two = TwoRuns::of(run().subject(), edited(edit).subject());
        let speeds = two.metric_values.iter().filter(|pair| pair.is_speed());
        assert!(
            speeds.clone().count() > 0 && speeds.clone().all(|pair| pair.a.is_some() && pair.b.is_none())
        );
        assert!(two.metric_values.iter().all(|pair| pair.change.is_none()) && !two.compares_speed());
        two.b.no_speed_reason.unwrap()
    };
    assert_eq!(why(|it| it.arms[0].outcome = Outcome::WrongOutput), "its output is wrong");
    assert_eq!(why(|it| it.arms[0].outcome = Outcome::Interrupted), "it was interrupted");
    let unverified = why(|it| it.arms[0].prompts[1].golden = GoldenResult::None);
    assert_eq!(unverified, "its output is unverified: no golden for `fibonacci`");
}

#[test]
fn a_cold_load_is_not_compared_with_a_warm_one() {
    let cached = |state: CacheState| {
        edited(|it| {
            let loads = it.arms[0].processes.iter_mut().filter_map(|process| process.load.as_mut());
            loads.for_each(|load| load.compiled_model_cache = state);
        })
    };
    let load = |a: CacheState, b: CacheState| {
        metric_value(&TwoRuns::of(cached(a).subject(), cached(b).subject()), Metric::Load)
    };
    let unlike = load(CacheState::Cold, CacheState::Warm);
    assert_eq!((unlike.change, unlike.a == unlike.b), (None, true));
    assert_eq!(unlike.uncompared_reason.unwrap(), "cold and warm loads are two values");
    assert!(load(CacheState::Warm, CacheState::Warm).change.is_some());
}

#[test]
fn a_tripped_guard_takes_the_times_and_leaves_the_memory() {
    let other = edited(|it| {
        for process in &mut it.arms[0].processes {
            let log = process.guards.as_mut().unwrap();
            if let Observed::Observed(clocks) = &mut log.clocks_after {
                clocks.boottime_ns += 60_000_000_000;
            }
        }
    });
    let two = TwoRuns::of(run().subject(), other.subject());
    assert!(two.b.doubted_reason.as_ref().unwrap().starts_with("`suspend`"), "{:?}", two.b.doubted_reason);
    assert!(two.metric_values.iter().filter(|pair| pair.is_speed()).all(|pair| pair.change.is_none()));
    assert!(metric_value(&two, Metric::PeakRss).change.is_some());
    let reported: Vec<_> = two.differences.iter().map(|it| (it.what.as_str(), it.breaks)).collect();
    assert_eq!(reported, [("guards that tripped", Breaks::Environment)]);
}
