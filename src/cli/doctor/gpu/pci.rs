//! Intel GPUs on the PCI bus and the kernel driver that holds each, by what sysfs shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::doctor::check::{Check, Status};

/// The subject of what is told of a GPU as such.
pub(super) const GPU: &str = "intel gpu";
const INTEL: &str = "0x8086";
/// The kernel's drivers that `OpenCL` can work with.
const DRIVERS: [&str; 2] = ["xe", "i915"];

/// An Intel GPU on the PCI bus.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IntelGpu {
    /// Vendor and device, as in "8086:64a0".
    pub(super) pci_id: String,
    /// The kernel driver that holds it.
    pub(super) driver: Option<String>,
    /// Names of its nodes below `/dev/dri`.
    pub(super) render_nodes: Vec<String>,
}

/// By the kernel's cards, and by the PCI bus, where a GPU stands too that no driver holds.
pub(super) fn intel_gpus(sysfs: &Path) -> Vec<IntelGpu> {
    let is_display = |path: &PathBuf| told(path, "class").is_some_and(|class| class.starts_with("0x03"));
    let cards = entries(&sysfs.join("class/drm")).into_iter().map(|card| card.join("device"));
    let displays = entries(&sysfs.join("bus/pci/devices")).into_iter().filter(is_display);
    let devices: BTreeSet<PathBuf> =
        cards.chain(displays).filter_map(|device| fs::canonicalize(device).ok()).collect();
    let intel = devices.iter().filter(|device| told(device, "vendor").as_deref() == Some(INTEL));
    intel.map(|device| intel_gpu(device)).collect()
}

fn intel_gpu(device: &Path) -> IntelGpu {
    let name = |path: PathBuf| Some(path.file_name()?.to_str()?.to_owned());
    let id = told(device, "device").unwrap_or_else(|| "unknown".to_owned());
    let nodes = entries(&device.join("drm")).into_iter().filter_map(name);
    IntelGpu {
        pci_id: format!("8086:{}", id.trim_start_matches("0x")),
        driver: fs::read_link(device.join("driver")).ok().and_then(name),
        render_nodes: nodes.filter(|node| node.starts_with("renderD")).collect(),
    }
}

/// Whether a driver that has `OpenCL` holds it.
pub(super) fn kernel_driver(gpu: &IntelGpu, level: Status) -> Check {
    let id = &gpu.pci_id;
    let mend = "`sudo modprobe xe` (`i915` for older GPUs), once nothing else holds it; \
        a kernel that is older than the GPU has no driver for it";
    match gpu.driver.as_deref() {
        Some(driver) if !DRIVERS.contains(&driver) => {
            let found = format!("`{id}` is held by kernel driver `{driver}`, which has no OpenCL");
            Check::trouble(level, GPU, found, mend)
        }
        Some(driver) if gpu.render_nodes.is_empty() => {
            let found = format!("`{id}`, kernel driver `{driver}`, which made no render node for it");
            Check::trouble(level, GPU, found, "look for the reason: `sudo dmesg | grep -E 'xe|i915'`")
        }
        Some(driver) => Check::ok(GPU, format!("`{id}`, kernel driver `{driver}`")),
        None => Check::trouble(level, GPU, format!("`{id}` has no kernel driver"), mend),
    }
}

/// What a file of sysfs says.
fn told(device: &Path, file: &str) -> Option<String> {
    Some(fs::read_to_string(device.join(file)).ok()?.trim().to_lowercase())
}

/// What a folder holds, by name; nothing where there is none.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::gpu::scene::Scene;

    fn report(scene: &Scene) -> String {
        let gpus = intel_gpus(&scene.root().join("sys"));
        gpus.iter().map(|gpu| kernel_driver(gpu, Status::Warn).render()).collect()
    }

    #[test]
    fn a_gpu_that_no_driver_holds_is_found_on_the_bus() {
        let scene = Scene::new();
        scene.device("0000:00:02.0", "0x038000", "0x8086", None);
        let report = report(&scene);
        assert!(
            report.starts_with("warn  intel gpu          `8086:64a0` has no kernel driver\n"),
            "{report}"
        );
        assert!(report.contains("`sudo modprobe xe`"), "{report}");
    }

    #[test]
    fn a_gpu_that_is_given_to_a_virtual_machine_is_told_by_its_driver() {
        let scene = Scene::new();
        scene.device("0000:00:02.0", "0x030000", "0x8086", Some("vfio-pci"));
        assert!(report(&scene).contains("held by kernel driver `vfio-pci`"));
    }

    #[test]
    fn a_driver_that_made_no_render_node_is_told() {
        let scene = Scene::new();
        scene.device("0000:00:02.0", "0x030000", "0x8086", Some("i915"));
        assert!(report(&scene).contains("made no render node"));
    }
}
