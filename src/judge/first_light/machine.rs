//! The way to the GPU: PCI bus, kernel driver, render node, OpenVINO, and what `doctor` says of it.

use crate::engine::openvino::DeviceKind;
use crate::judge::first_light::{Evidence, Judged, no, not_observed, yes};
use crate::record::ProvenDevice;
use crate::record::first_light::{Check, CheckStatus, GpuOnBus, MachineLook, RuntimeDevice, RuntimeLook};
use crate::sys::Observed;

/// The kernel's drivers that OpenVINO can work with.
const DRIVERS: [&str; 2] = ["xe", "i915"];
/// The subjects of `doctor` that are about the way to a GPU.
const DOCTOR_SUBJECTS: [&str; 5] =
    ["intel gpu", "render node", "opencl loader", "opencl driver", "gpu in openvino"];

const NO_GPU: &str = "there is no Intel GPU on the PCI bus";

pub(super) fn pci_bus(evidence: &Evidence) -> Judged {
    let machine = evidence.machine.reported()?;
    if machine.gpus.is_empty() {
        return match machine.gpus_in_openvino() {
            Some(names) if !names.is_empty() => {
                no(format!("the PCI bus shows none, and OpenVINO lists {}", quoted(names)))
            }
            _ => not_observed(NO_GPU),
        };
    }
    let mut ids: Vec<&str> = machine.gpus.iter().map(|gpu| gpu.pci_id.as_str()).collect();
    ids.sort_unstable();
    // What a record calls the machine is taken from the bus as well, by another process.
    if let Ok(record) = evidence.bench.reported()
        && record.machine.gpu_pci_ids != ids
    {
        let stored = quoted(record.machine.gpu_pci_ids.iter().map(String::as_str));
        return no(format!("the bus shows {}, and the record's machine has {stored}", quoted(ids)));
    }
    Ok(yes(format!("the bus shows {}", quoted(ids))))
}

pub(super) fn kernel_driver(evidence: &Evidence) -> Judged {
    let gpus = on_bus(evidence)?;
    let held = |gpu: &GpuOnBus| gpu.driver.as_deref().is_some_and(|driver| DRIVERS.contains(&driver));
    let reported = gpus.iter().map(|gpu| match &gpu.driver {
        Some(driver) => format!("`{}` is held by `{driver}`", gpu.pci_id),
        None => format!("no driver holds `{}`", gpu.pci_id),
    });
    let reported = reported.collect::<Vec<_>>().join(", ");
    if gpus.iter().any(held) { Ok(yes(reported)) } else { no(reported) }
}

pub(super) fn render_node(evidence: &Evidence) -> Judged {
    let gpus = on_bus(evidence)?;
    let nodes: Vec<_> = gpus.iter().flat_map(|gpu| &gpu.render_nodes).collect();
    let reported = nodes.iter().map(|node| match &node.refused_reason {
        None => format!("`{}` opens for reading and writing", node.name),
        Some(reason) => format!("`{}` does not open: {reason}", node.name),
    });
    let reported = reported.collect::<Vec<_>>().join(", ");
    if nodes.iter().any(|node| node.refused_reason.is_none()) {
        Ok(yes(reported))
    } else if nodes.is_empty() {
        no("the GPU has no render node")
    } else {
        no(reported)
    }
}

/// The GPUs that the bus shows: at least one.
fn on_bus(evidence: &Evidence) -> Judged<&[GpuOnBus]> {
    match &evidence.machine.reported()?.gpus[..] {
        [] => not_observed(NO_GPU),
        gpus => Ok(gpus),
    }
}

fn openvino(machine: &MachineLook) -> Judged<&RuntimeLook> {
    match &machine.runtime {
        Observed::Observed(runtime) => Ok(runtime),
        Observed::NotObserved { reason } => not_observed(format!("OpenVINO was not queried: {reason}")),
    }
}

/// The GPUs that OpenVINO lists.
fn listed_gpus(runtime: &RuntimeLook) -> Vec<&RuntimeDevice> {
    runtime.devices.iter().filter(|device| device.name.starts_with("GPU")).collect()
}

pub(super) fn openvino_lists_gpu(evidence: &Evidence) -> Judged {
    let machine = evidence.machine.reported()?;
    let runtime = openvino(machine)?;
    let gpus = listed_gpus(runtime);
    if gpus.is_empty() {
        let listed = quoted(runtime.devices.iter().map(|device| device.name.as_str()));
        let reported = format!("OpenVINO {} lists {listed}", runtime.version);
        return if machine.gpus.is_empty() {
            not_observed(format!("{reported}, and {NO_GPU}"))
        } else {
            no(format!("{reported}, though there is a GPU; `cargo xtask doctor` says what is missing"))
        };
    }
    let reported = gpus.iter().map(|gpu| {
        let facts = &gpu.facts;
        let units = facts.execution_units.map_or("unknown".to_owned(), |units| units.to_string());
        format!("`{}` is {}, {units} execution units", gpu.name, facts.gpu_in_words())
    });
    let reported = reported.collect::<Vec<_>>().join("; ");
    if gpus.iter().any(|gpu| gpu.facts.full_name.is_some()) { Ok(yes(reported)) } else { no(reported) }
}

pub(super) fn arc_140v(evidence: &Evidence) -> Judged {
    let machine = evidence.machine.reported()?;
    let arc = &evidence.arc_140v;
    let Some(on_bus) = machine.gpus.iter().find(|gpu| arc.pci_ids.contains(&gpu.pci_id)) else {
        return not_observed(if machine.gpus.is_empty() {
            NO_GPU.to_owned()
        } else {
            let ids = quoted(machine.gpus.iter().map(|gpu| gpu.pci_id.as_str()));
            format!("this is another GPU: the bus shows {ids}")
        });
    };
    let runtime = openvino(machine)?;
    let id = &on_bus.pci_id;
    let gpus = listed_gpus(runtime);
    if gpus.is_empty() {
        return not_observed(format!("the bus shows `{id}`, and OpenVINO lists no GPU"));
    }
    let Some(listed) = gpus.iter().find(|gpu| gpu.facts.pci_id.as_ref() == Some(id)) else {
        return no(format!("the bus shows `{id}`, and OpenVINO reports no GPU with that PCI id"));
    };
    if let Some(reason) = &listed.facts.emulated_reason {
        return no(format!("`{}` is emulated: {reason}", listed.name));
    }
    let name = listed.facts.full_name.as_deref().unwrap_or("a GPU without a name");
    match listed.facts.execution_units {
        Some(units) if units == arc.execution_units => {
            Ok(yes(format!("`{id}` with {units} execution units, which OpenVINO calls {name}"))
                .with("execution_units", f64::from(units)))
        }
        // The Arc 130V has the same PCI id.
        Some(units) => not_observed(format!(
            "`{id}` has {units} execution units here: not {}, and so no Arc 140V",
            arc.execution_units
        )),
        None => no(format!("`{id}` is {name}, and OpenVINO reports no execution units")),
    }
}

pub(super) fn doctor_gpu(evidence: &Evidence) -> Judged {
    let checks = evidence.doctor.reported()?;
    if !evidence.has_a_gpu() {
        return not_observed(NO_GPU);
    }
    let ran = evidence.bench.reported().ok().and_then(|record| record.subject().arm.device.ran.as_ref());
    if ran.map(ProvenDevice::kind) != Some(DeviceKind::Gpu) {
        return not_observed("no GPU ran, so that what `doctor` says of it cannot be compared with anything");
    }
    let about_the_gpu = |check: &&Check| {
        DOCTOR_SUBJECTS.contains(&check.subject.as_str()) || check.subject.starts_with("device GPU")
    };
    let about: Vec<&Check> = checks.iter().filter(about_the_gpu).collect();
    if let Some(fault) = about.iter().find(|check| check.status != CheckStatus::Ok) {
        return no(format!(
            "a GPU ran, and `doctor` says `{}` of `{}`: {}",
            fault.status.as_str(),
            fault.subject,
            fault.found
        ));
    }
    if about.is_empty() {
        return no("a GPU ran, and `doctor` says nothing of it");
    }
    Ok(yes(format!("{} lines about the GPU are all `ok`, and it ran", about.len())))
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
