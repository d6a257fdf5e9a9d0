//! OpenVINO itself: found how and where, whether it loads, whether the KV states can be reached, and
//! which devices it sees.

use std::path::PathBuf;

use crate::cli::doctor::caught;
use crate::cli::doctor::model::FoundModel;
use crate::engine::openvino::{
    DeviceChoice, DeviceFacts, DeviceKind, FoundBy, Releases, Runtime, RuntimeLocation, Sources,
};
use crate::error::{Error, Result};
use crate::places;
use crate::record::first_light::{Check, CheckStatus as Status};
use crate::report::file_size;
use crate::sys::{available_memory_bytes, sysfs};

const OPENVINO: &str = "openvino";
const KV_STATES: &str = "kv states";
const DEVICE: &str = "device requested";

/// What later checks need to know of a runtime that loaded.
pub(super) struct Seen {
    /// The folder that its library stands in; what the GPU plugin needs is searched there first.
    pub(super) folder: PathBuf,
    /// Every device that it lists.
    pub(super) devices: Vec<(String, DeviceFacts)>,
    /// Whether the device that was requested is there, a fallback not counted.
    pub(super) has_requested: bool,
}

impl Seen {
    /// The GPUs among the devices.
    pub(super) fn gpus(&self) -> impl Iterator<Item = &(String, DeviceFacts)> {
        self.devices.iter().filter(|(name, _)| name.starts_with("GPU"))
    }
}

/// Finds and loads the runtime, and asks it for its devices.
pub(super) fn examine(openvino: Option<&str>, device: &str) -> (Vec<Check>, Option<Seen>) {
    let sources = Sources::from_environment(openvino.map(str::to_owned));
    let location = match sources.locate() {
        Ok(location) => location,
        Err(error) => {
            let decisive = sources.installed.filter(|_| sources.requested.is_none());
            return without_runtime(not_found(&error, decisive.map(|named| named.variable)));
        }
    };
    // A library that lacks a function, as one of another OpenVINO does, panics when it is called.
    let loaded_or_not = caught(|| Runtime::load(location.clone()));
    let runtime = match loaded_or_not.unwrap_or_else(|message| Err(Error::harness(message))) {
        Ok(runtime) => runtime,
        Err(error) => return without_runtime(does_not_load(&location, &error)),
    };
    let mut checks = vec![
        loaded(&location, runtime.version(), runtime.build()),
        kv_states(runtime.state_bridge().map(|_| ())),
    ];
    let names = match runtime.available_devices() {
        Ok(names) => names,
        Err(error) => {
            checks.push(Check::of_error("devices", &error, &fix_installation(&location.found_by)));
            Vec::new()
        }
    };
    let facts = |name: &String| (name.clone(), DeviceFacts::read(&runtime, name, sysfs()));
    let devices: Vec<(String, DeviceFacts)> = names.iter().map(facts).collect();
    checks.extend(devices.iter().map(|(name, facts)| listed(name, facts)));
    let choice = DeviceChoice::settle(device, &names);
    checks.push(requested(&choice));
    let has_requested = choice.is_ok_and(|choice| choice.fallback_reason.is_none());
    let folder = location.c_library.parent().map(PathBuf::from).unwrap_or_default();
    (checks, Some(Seen { folder, devices, has_requested }))
}

/// What else cannot be determined without a runtime.
fn without_runtime(openvino: Check) -> (Vec<Check>, Option<Seen>) {
    let rest =
        [KV_STATES, DEVICE].map(|subject| Check::skip(subject, "not looked at: OpenVINO is not loaded"));
    (std::iter::once(openvino).chain(rest).collect(), None)
}

fn loaded(location: &RuntimeLocation, version: &str, build: &str) -> Check {
    let how = match &location.found_by {
        FoundBy::Flag => "named by `--openvino`".to_owned(),
        FoundBy::Variable(variable) => format!("named by `{variable}`"),
        FoundBy::Release(_) if Releases::pinned().get(version).is_none() => "not pinned".to_owned(),
        FoundBy::Release(_) => "pinned".to_owned(),
    };
    Check::ok(OPENVINO, format!("{version} (build {build}), {how}, `{}`", location.c_library.display()))
}

/// `variable` is the one that named a folder, where that is what decided.
fn not_found(error: &Error, variable: Option<&str>) -> Check {
    match variable {
        Some(variable) => Check::fail(
            OPENVINO,
            format!("{error} (named by `{variable}`)"),
            format!("`unset {variable}` to use the pinned release, or let it name a whole installation"),
        ),
        None => Check::of_error(OPENVINO, error, "run `cargo xtask setup`"),
    }
}

/// The error's own hint is to run this verb, and not each error names the library.
fn does_not_load(location: &RuntimeLocation, error: &Error) -> Check {
    let (library, found) = (location.c_library.display().to_string(), error.to_string());
    let found = if found.contains(&library) { found } else { format!("`{library}` cannot be used: {found}") };
    Check::fail(OPENVINO, found, fix_installation(&location.found_by))
}

fn fix_installation(found_by: &FoundBy) -> String {
    match found_by {
        FoundBy::Flag => {
            "name a whole installation by `--openvino DIR`, or leave it out to use the pinned release"
                .to_owned()
        }
        FoundBy::Variable(variable) => {
            format!("`unset {variable}` to use the pinned release, or let it name a whole installation")
        }
        FoundBy::Release(version) => {
            let folder = places::openvino_dir(version).unwrap_or_default();
            format!("fetch it again: `rm -r {} && cargo xtask setup --openvino {version}`", folder.display())
        }
    }
}

fn kv_states(access: Result<(), String>) -> Check {
    match access {
        Ok(()) => Check::ok(KV_STATES, "can be read, written and reset"),
        Err(reason) => {
            let releases = Releases::pinned();
            let tested = releases.releases.iter().filter(|release| release.state_access_tested);
            let flags: Vec<String> =
                tested.map(|release| format!("`--openvino {}`", release.version)).collect();
            let fix = format!("measure without seeing the cache empty, or use {}", flags.join(" or "));
            Check::warn(KV_STATES, reason, fix)
        }
    }
}

/// What is known of a device, in a line.
fn described(name: &str, facts: &DeviceFacts) -> String {
    let of_gpu = DeviceKind::of_name(name) == DeviceKind::Gpu;
    let reported = [
        if of_gpu { Some(facts.gpu_in_words()) } else { facts.full_name.clone() },
        of_gpu.then(|| facts.drivers_in_words()),
        facts.execution_units.map(|units| format!("{units} execution units")),
        facts.memory_bytes.map(|bytes| format!("{} of memory", file_size(bytes))),
    ];
    let reported: Vec<String> = reported.into_iter().flatten().collect();
    if reported.is_empty() { "OpenVINO reports nothing about it".to_owned() } else { reported.join(", ") }
}

/// A device in the list of OpenVINO.
fn listed(name: &str, facts: &DeviceFacts) -> Check {
    let (subject, found) = (format!("device {name}"), described(name, facts));
    match &facts.emulated_reason {
        None => Check::ok(&subject, found),
        Some(reason) => Check::warn(
            &subject,
            format!("{found}; it is emulated: {reason}"),
            "check tokens on it and no speed: its records are no baseline and pass no gate".to_owned(),
        ),
    }
}

fn requested(choice: &Result<DeviceChoice>) -> Check {
    match choice {
        Ok(DeviceChoice { requested, target, fallback_reason: Some(reason) }) => {
            Check::ok(DEVICE, format!("`{requested}` falls back to `{target}`: {reason}"))
        }
        Ok(DeviceChoice { requested, .. }) => Check::ok(DEVICE, format!("`{requested}` is there")),
        Err(error) => Check::of_error(DEVICE, error, "try `--device CPU`"),
    }
}

const HOST: &str = "host memory";
/// While it is loaded, a model stands in the host's memory about this many times.
const TIMES_WHILE_LOADING: u64 = 2;

/// Holds the model's size against the host's memory and that of each GPU that OpenVINO lists.
pub(super) fn examine_memory(
    model: Option<&FoundModel>,
    openvino: Option<&Seen>,
    level: Status,
) -> Vec<Check> {
    let Some(model_bytes) = model.and_then(|model| model.weights_bytes) else {
        return vec![Check::skip(HOST, "not looked at: the model's size is not known")];
    };
    let gpus = openvino.into_iter().flat_map(Seen::gpus);
    let on_gpus = gpus.map(|(name, facts)| on_gpu(name, facts, model_bytes, level));
    [on_host(model_bytes, available_memory_bytes())].into_iter().chain(on_gpus).collect()
}

fn on_host(model_bytes: u64, available: Option<u64>) -> Check {
    let Some(available) = available else {
        return Check::skip(HOST, "not looked at: the system does not report how much is available");
    };
    let needed = model_bytes.saturating_mul(TIMES_WHILE_LOADING);
    let found = format!(
        "loading needs about {} for a while ({TIMES_WHILE_LOADING} x {}), {} are available",
        file_size(needed),
        file_size(model_bytes),
        file_size(available)
    );
    let fix = "end what takes most: `ps -eo pid,rss,comm --sort=-rss | head`";
    if available >= needed {
        Check::ok(HOST, found)
    } else if available >= model_bytes {
        Check::warn(HOST, found, fix)
    } else {
        Check::fail(HOST, found, fix)
    }
}

fn on_gpu(name: &str, facts: &DeviceFacts, model_bytes: u64, level: Status) -> Check {
    let subject = format!("memory of {name}");
    let Some(memory) = facts.memory_bytes else {
        return Check::skip(&subject, "not looked at: OpenVINO does not report how much it has");
    };
    let found = format!(
        "the model needs {} and its KV cache more, the GPU has {}",
        file_size(model_bytes),
        file_size(memory)
    );
    if memory > model_bytes {
        return Check::ok(&subject, found);
    }
    let fix = "where the system limits the GPU's share of memory, raise that limit; or `--device CPU`";
    Check::trouble(level, &subject, found, fix)
}

#[cfg(test)]
mod tests {
    use crate::record::first_light::CheckStatus as Status;

    use super::*;

    #[test]
    fn a_runtime_that_is_not_set_up_is_fixed_by_the_command_that_fetches_it_or_by_the_variable() {
        let error = Error::harness("OpenVINO `2026.1.0` is not set up")
            .hint("run `cargo xtask setup --openvino 2026.1.0`");
        let check = not_found(&error, None);
        assert_eq!(check.status, Status::Fail);
        assert_eq!(check.fix.as_deref(), Some("run `cargo xtask setup --openvino 2026.1.0`"));
        let check = not_found(&Error::input("no `libopenvino_c.so`"), Some("INTEL_OPENVINO_DIR"));
        assert!(check.found.contains("`INTEL_OPENVINO_DIR`"), "{}", check.found);
        assert!(check.fix.unwrap().starts_with("`unset INTEL_OPENVINO_DIR`"));
    }

    #[test]
    fn a_library_that_does_not_load_is_named_and_not_fixed_by_this_verb_again() {
        let by = |found_by| {
            let location = RuntimeLocation { c_library: "/o/libopenvino_c.so".into(), found_by };
            does_not_load(&location, &Error::harness("no function").hint("run `cargo xtask doctor`"))
        };
        for found_by in [FoundBy::Flag, FoundBy::Variable("V"), FoundBy::Release("2026.4.1".into())] {
            let check = by(found_by);
            assert_eq!(check.found, "`/o/libopenvino_c.so` cannot be used: no function");
            let fix = check.fix.unwrap();
            assert!(!fix.contains("doctor"), "{fix}");
        }
        let pinned = by(FoundBy::Release("2026.4.1".into())).fix.unwrap();
        assert!(pinned.ends_with("cargo xtask setup --openvino 2026.4.1`"), "{pinned}");
    }

    #[test]
    fn states_out_of_reach_are_a_warning_that_names_the_tested_releases() {
        assert_eq!(kv_states(Ok(())).status, Status::Ok);
        let check = kv_states(Err("out of reach".into()));
        assert_eq!((check.status, check.found.as_str()), (Status::Warn, "out of reach"));
        assert!(check.fix.unwrap().contains("`--openvino 2026.4.1`"));
    }

    #[test]
    fn of_a_device_all_is_told_and_of_a_gpu_what_was_not_observed() {
        let mut facts =
            DeviceFacts { full_name: Some("Intel(R) Arc(TM) 140V GPU".into()), ..Default::default() };
        assert_eq!(
            described("GPU", &facts),
            "Intel(R) Arc(TM) 140V GPU, vendor not observed, PCI id not observed, driver not observed, \
             OpenCL not observed, kernel driver not observed"
        );
        let processor = DeviceFacts { full_name: Some("AMD EPYC".into()), ..Default::default() };
        assert_eq!(described("CPU", &processor), "AMD EPYC");
        assert_eq!(described("CPU", &DeviceFacts::default()), "OpenVINO reports nothing about it");
        facts.vendor = Some("Intel(R) Corporation".into());
        facts.pci_id = Some("8086:64a0".into());
        facts.execution_units = Some(64);
        facts.driver_version = Some("25.18".into());
        facts.opencl_version = Some("OpenCL 3.0 NEO".into());
        facts.kernel_driver = Some("xe".into());
        facts.memory_bytes = Some(18_200_000_000);
        assert_eq!(
            described("GPU", &facts),
            "Intel(R) Arc(TM) 140V GPU, vendor Intel(R) Corporation, PCI id 8086:64a0, driver 25.18, \
             OpenCL 3.0 NEO, kernel driver xe, 64 execution units, 18.2 GB of memory"
        );
    }

    #[test]
    fn an_emulated_device_is_a_warning_with_its_reason() {
        assert_eq!(listed("GPU", &DeviceFacts::default()).status, Status::Ok);
        let facts = DeviceFacts { emulated_reason: Some("a runtime for CPUs".into()), ..Default::default() };
        let check = listed("GPU", &facts);
        assert_eq!(check.status, Status::Warn);
        assert!(check.found.ends_with("; it is emulated: a runtime for CPUs"), "{}", check.found);
    }

    #[test]
    fn the_default_falls_back_aloud_and_a_named_device_that_is_absent_fails() {
        let cpu = ["CPU".to_owned()];
        let fallback = requested(&DeviceChoice::settle("GPU", &cpu));
        assert_eq!(fallback.status, Status::Ok);
        assert!(fallback.found.starts_with("`GPU` falls back to `CPU`"), "{}", fallback.found);
        assert_eq!(requested(&DeviceChoice::settle("GPU.0", &cpu)).status, Status::Fail);
        assert_eq!(
            requested(&DeviceChoice::settle("CPU", &cpu)),
            Check::ok("device requested", "`CPU` is there")
        );
    }

    #[test]
    fn a_model_needs_twice_its_size_to_load_and_its_size_at_the_least() {
        let status = |available| on_host(12, Some(available)).status;
        assert_eq!([24, 23, 12, 11].map(status), [Status::Ok, Status::Warn, Status::Warn, Status::Fail]);
        assert_eq!(
            on_host(12, None).status,
            Status::Skip,
            "memory that is not reported is not taken for none"
        );
        assert_eq!(on_gpu("GPU", &DeviceFacts::default(), 12, Status::Fail).status, Status::Skip);
        let check = on_host(12_840_000_000, Some(19_000_000_000));
        assert_eq!(
            check.found,
            "loading needs about 25.7 GB for a while (2 x 12.8 GB), 19.0 GB are available"
        );
    }

    #[test]
    fn a_model_that_is_larger_than_the_gpu_s_memory_is_as_bad_as_the_gpu_is_needed() {
        let facts = |bytes| DeviceFacts { memory_bytes: Some(bytes), ..Default::default() };
        assert_eq!(on_gpu("GPU", &facts(13), 12, Status::Fail).status, Status::Ok);
        assert_eq!(on_gpu("GPU", &facts(12), 12, Status::Warn).status, Status::Warn);
        let check = on_gpu("GPU.1", &facts(9_100_000_000), 12_840_000_000, Status::Fail);
        assert_eq!((check.status, check.subject.as_str()), (Status::Fail, "memory of GPU.1"));
        assert_eq!(check.found, "the model needs 12.8 GB and its KV cache more, the GPU has 9.1 GB");
    }
}
