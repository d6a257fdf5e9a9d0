//! Intel GPUs on the PCI bus, by what sysfs shows: whoever holds them, and whether OpenVINO sees them
//! or not. Tested on fixtures.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::files::{FileKind, bytes_of};

const INTEL: &str = "0x8086";

/// An Intel GPU on the PCI bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntelGpu {
    /// Vendor and device, as in "8086:64a0".
    pub pci_id: String,
    /// The kernel driver that holds it.
    pub driver: Option<String>,
    /// Names of its nodes below `/dev/dri`.
    pub render_nodes: Vec<String>,
}

/// The Intel GPUs by the system's `sysfs` (usually `/sys`), in the order of their addresses: by the
/// kernel's cards, and by the PCI bus, where a GPU stands too that no driver holds.
pub fn intel_gpus(sysfs: &Path) -> Vec<IntelGpu> {
    let is_display = |path: &PathBuf| reported(path, "class").is_some_and(|class| class.starts_with("0x03"));
    let cards = entries(&sysfs.join("class/drm")).map(|card| card.join("device"));
    let displays = entries(&sysfs.join("bus/pci/devices")).filter(is_display);
    let devices: BTreeSet<PathBuf> =
        cards.chain(displays).filter_map(|device| fs::canonicalize(device).ok()).collect();
    let intel = devices.iter().filter(|device| reported(device, "vendor").as_deref() == Some(INTEL));
    intel.map(|device| intel_gpu(device)).collect()
}

fn intel_gpu(device: &Path) -> IntelGpu {
    let name = |path: PathBuf| Some(path.file_name()?.to_str()?.to_owned());
    let id = reported(device, "device").unwrap_or_else(|| "unknown".to_owned());
    let mut nodes: Vec<String> = entries(&device.join("drm")).filter_map(name).collect();
    nodes.retain(|node| node.starts_with("renderD"));
    nodes.sort_unstable();
    IntelGpu {
        pci_id: format!("8086:{}", id.trim_start_matches("0x")),
        driver: fs::read_link(device.join("driver")).ok().and_then(name),
        render_nodes: nodes,
    }
}

fn reported(device: &Path, file: &str) -> Option<String> {
    let bytes = bytes_of(&device.join(file), FileKind::Kernel).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_lowercase())
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::kernel_tree::Tree;

    fn pci_ids(devices: &[(&str, &str, &str)]) -> Vec<String> {
        let mut tree = Tree::new();
        for (index, (class, vendor, device)) in devices.iter().enumerate() {
            let folder = format!("sys/bus/pci/devices/0000:0{index}:00.0");
            for (name, text) in [("class", class), ("vendor", vendor), ("device", device)] {
                tree = tree.file(&format!("{folder}/{name}"), &format!("{text}\n"));
            }
        }
        intel_gpus(&tree.path("sys")).into_iter().map(|gpu| gpu.pci_id).collect()
    }

    #[test]
    fn a_pipe_in_place_of_a_file_is_not_waited_for() {
        let tree = Tree::new();
        tree.pipe("sys/bus/pci/devices/0000:00:02.0/class");
        assert_eq!(intel_gpus(&tree.path("sys")), []);
    }

    #[test]
    fn only_what_displays_and_is_intel_s_is_an_intel_gpu() {
        let (display, controller) = ("0x030000", "0x038000");
        assert_eq!(
            pci_ids(&[(display, "0x8086", "0x64A0"), (controller, "0x8086", "0xe20b")]),
            ["8086:64a0", "8086:e20b"]
        );
        assert_eq!(pci_ids(&[(display, "0x10de", "0x64a0"), ("0x040300", "0x8086", "0x64a0")]), [""; 0]);
        assert_eq!(pci_ids(&[]), [""; 0]);
    }
}
