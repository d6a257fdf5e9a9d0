//! The kernel driver that holds an Intel GPU, by what sysfs shows.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::doctor::check::{Check, Status};
use crate::sys::IntelGpu;

/// The subject of what is reported of a GPU as such.
pub(super) const GPU: &str = "intel gpu";
/// The kernel's drivers that `OpenCL` can work with.
const DRIVERS: [&str; 2] = ["xe", "i915"];

/// Whether a driver that has `OpenCL` holds it.
pub(super) fn kernel_driver(gpu: &IntelGpu, level: Status) -> Check {
    let id = &gpu.pci_id;
    let fix = "`sudo modprobe xe` (`i915` for older GPUs), once nothing else holds it; \
        a kernel that is older than the GPU has no driver for it";
    match gpu.driver.as_deref() {
        Some(driver) if !DRIVERS.contains(&driver) => {
            let found = format!("`{id}` is held by kernel driver `{driver}`, which has no OpenCL");
            Check::trouble(level, GPU, found, fix)
        }
        Some(driver) if gpu.render_nodes.is_empty() => {
            let found = format!("`{id}`, kernel driver `{driver}`, which made no render node for it");
            Check::trouble(level, GPU, found, "look for the reason: `sudo dmesg | grep -E 'xe|i915'`")
        }
        Some(driver) => Check::ok(GPU, format!("`{id}`, kernel driver `{driver}`")),
        None => Check::trouble(level, GPU, format!("`{id}` has no kernel driver"), fix),
    }
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
    use crate::sys::intel_gpus;

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
