//! The way to the GPU: PCI bus, kernel driver, render node, OpenVINO, and what `doctor` says of it.

use crate::engine::openvino::DeviceKind;
use crate::judge::first_light::{ClaimResult, Evidence};
use crate::record::ProvenDevice;
use crate::record::first_light::{DoctorLine, GpuOnBus, MachineLook};
use crate::sys::Observed;

/// The kernel's drivers that OpenVINO can work with.
const DRIVERS: [&str; 2] = ["xe", "i915"];
/// The subjects of `doctor` that are about the way to a GPU.
const DOCTOR_SUBJECTS: [&str; 5] =
    ["intel gpu", "render node", "opencl loader", "opencl driver", "gpu in openvino"];

const NO_GPU: &str = "there is no Intel GPU on the PCI bus";

pub(super) fn pci_bus(evidence: &Evidence) -> ClaimResult {
    let machine = match evidence.machine.reported() {
        Ok(machine) => machine,
        Err(word) => return word,
    };
    if machine.gpus.is_empty() {
        return match machine.gpus_in_openvino() {
            Some(names) if !names.is_empty() => {
                ClaimResult::no(format!("the PCI bus shows none, and OpenVINO lists {}", quoted(names)))
            }
            _ => ClaimResult::not_observed(NO_GPU),
        };
    }
    let mut ids: Vec<&str> = machine.gpus.iter().map(|gpu| gpu.pci_id.as_str()).collect();
    ids.sort_unstable();
    // What a record calls the machine is taken from the bus as well, by another process.
    if let Ok(record) = evidence.bench.reported()
        && record.machine.gpu_pci_ids != ids
    {
        let kept = quoted(record.machine.gpu_pci_ids.iter().map(String::as_str));
        return ClaimResult::no(format!(
            "the bus shows {}, and the record's machine has {kept}",
            quoted(ids)
        ));
    }
    ClaimResult::yes(format!("the bus shows {}", quoted(ids)))
}

pub(super) fn kernel_driver(evidence: &Evidence) -> ClaimResult {
    on_bus(evidence, |gpus| {
        let held = |gpu: &GpuOnBus| gpu.driver.as_deref().is_some_and(|driver| DRIVERS.contains(&driver));
        let reported = gpus.iter().map(|gpu| match &gpu.driver {
            Some(driver) => format!("`{}` is held by `{driver}`", gpu.pci_id),
            None => format!("no driver holds `{}`", gpu.pci_id),
        });
        let reported = reported.collect::<Vec<_>>().join(", ");
        if gpus.iter().any(held) { ClaimResult::yes(reported) } else { ClaimResult::no(reported) }
    })
}

pub(super) fn render_node(evidence: &Evidence) -> ClaimResult {
    on_bus(evidence, |gpus| {
        let nodes: Vec<_> = gpus.iter().flat_map(|gpu| &gpu.render_nodes).collect();
        let reported = nodes.iter().map(|node| match &node.refused_reason {
            None => format!("`{}` opens for reading and writing", node.name),
            Some(reason) => format!("`{}` does not open: {reason}", node.name),
        });
        let reported = reported.collect::<Vec<_>>().join(", ");
        if nodes.iter().any(|node| node.refused_reason.is_none()) {
            ClaimResult::yes(reported)
        } else if nodes.is_empty() {
            ClaimResult::no("the GPU has no render node")
        } else {
            ClaimResult::no(reported)
        }
    })
}

fn on_bus(evidence: &Evidence, judge: impl FnOnce(&[GpuOnBus]) -> ClaimResult) -> ClaimResult {
    match evidence.machine.reported() {
        Err(word) => word,
        Ok(MachineLook { gpus, .. }) if gpus.is_empty() => ClaimResult::not_observed(NO_GPU),
        Ok(MachineLook { gpus, .. }) => judge(gpus),
    }
}

pub(super) fn openvino_lists_gpu(evidence: &Evidence) -> ClaimResult {
    let machine = match evidence.machine.reported() {
        Ok(machine) => machine,
        Err(word) => return word,
    };
    let runtime = match &machine.runtime {
        Observed::Observed(runtime) => runtime,
        Observed::NotObserved { reason } => {
            return ClaimResult::not_observed(format!("OpenVINO was not queried: {reason}"));
        }
    };
    let gpus: Vec<_> = runtime.devices.iter().filter(|device| device.name.starts_with("GPU")).collect();
    if gpus.is_empty() {
        let listed = quoted(runtime.devices.iter().map(|device| device.name.as_str()));
        let reported = format!("OpenVINO {} lists {listed}", runtime.version);
        return if machine.gpus.is_empty() {
            ClaimResult::not_observed(format!("{reported}, and {NO_GPU}"))
        } else {
            ClaimResult::no(format!(
                "{reported}, though there is a GPU; `cargo xtask doctor` says what is missing"
            ))
        };
    }
    let reported = gpus.iter().map(|gpu| {
        let facts = &gpu.facts;
        let units = facts.execution_units.map_or("unknown".to_owned(), |units| units.to_string());
        format!("`{}` is {}, {units} execution units", gpu.name, facts.gpu_in_words())
    });
    let reported = reported.collect::<Vec<_>>().join("; ");
    if gpus.iter().any(|gpu| gpu.facts.full_name.is_some()) {
        ClaimResult::yes(reported)
    } else {
        ClaimResult::no(reported)
    }
}

pub(super) fn arc_140v(evidence: &Evidence) -> ClaimResult {
    let machine = match evidence.machine.reported() {
        Ok(machine) => machine,
        Err(word) => return word,
    };
    let arc = &evidence.arc_140v;
    let Some(on_bus) = machine.gpus.iter().find(|gpu| arc.pci_ids.contains(&gpu.pci_id)) else {
        return ClaimResult::not_observed(if machine.gpus.is_empty() {
            NO_GPU.to_owned()
        } else {
            let ids = quoted(machine.gpus.iter().map(|gpu| gpu.pci_id.as_str()));
            format!("this is another GPU: the bus shows {ids}")
        });
    };
    let runtime = match &machine.runtime {
        Observed::Observed(runtime) => runtime,
        Observed::NotObserved { reason } => {
            return ClaimResult::not_observed(format!("OpenVINO was not queried: {reason}"));
        }
    };
    let id = &on_bus.pci_id;
    let gpus: Vec<_> = runtime.devices.iter().filter(|device| device.name.starts_with("GPU")).collect();
    if gpus.is_empty() {
        return ClaimResult::not_observed(format!("the bus shows `{id}`, and OpenVINO lists no GPU"));
    }
    let Some(listed) = gpus.iter().find(|gpu| gpu.facts.pci_id.as_ref() == Some(id)) else {
        return ClaimResult::no(format!(
            "the bus shows `{id}`, and OpenVINO tells of no GPU with that PCI id"
        ));
    };
    if let Some(reason) = &listed.facts.emulated_reason {
        return ClaimResult::no(format!("`{}` is emulated: {reason}", listed.name));
    }
    let name = listed.facts.full_name.as_deref().unwrap_or("a GPU without a name");
    match listed.facts.execution_units {
        Some(units) if units == arc.execution_units => {
            ClaimResult::yes(format!("`{id}` with {units} execution units, which OpenVINO calls {name}"))
                .with("execution_units", f64::from(units))
        }
        // The Arc 130V has the same PCI id.
        Some(units) => ClaimResult::not_observed(format!(
            "`{id}` has {units} execution units here: not {}, and so no Arc 140V",
            arc.execution_units
        )),
        None => ClaimResult::no(format!("`{id}` is {name}, and OpenVINO tells no execution units")),
    }
}

pub(super) fn doctor_gpu(evidence: &Evidence) -> ClaimResult {
    let lines = match evidence.doctor.reported() {
        Ok(lines) => lines,
        Err(word) => return word,
    };
    if !evidence.has_a_gpu() {
        return ClaimResult::not_observed(NO_GPU);
    }
    let ran = evidence.bench.reported().ok().and_then(|record| record.subject().arm.device.ran.as_ref());
    if ran.map(ProvenDevice::kind) != Some(DeviceKind::Gpu) {
        return ClaimResult::not_observed(
            "no GPU ran, so that what `doctor` says of it cannot be compared with anything",
        );
    }
    let about_the_gpu = |line: &&DoctorLine| {
        DOCTOR_SUBJECTS.contains(&line.subject.as_str()) || line.subject.starts_with("device GPU")
    };
    let about: Vec<&DoctorLine> = lines.iter().filter(about_the_gpu).collect();
    if let Some(amiss) = about.iter().find(|line| line.word != "ok") {
        return ClaimResult::no(format!(
            "a GPU ran, and `doctor` says `{}` of `{}`: {}",
            amiss.word, amiss.subject, amiss.found
        ));
    }
    if about.is_empty() {
        return ClaimResult::no("a GPU ran, and `doctor` says nothing of it");
    }
    ClaimResult::yes(format!("{} lines about the GPU are all `ok`, and it ran", about.len()))
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
