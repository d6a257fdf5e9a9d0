//! What the runtime tells of a device. Of a GPU, none of this has run on the hardware.

use std::fs;
use std::path::Path;

use crate::engine::openvino::Runtime;

/// A device's name, and a GPU's identity and limits; what is not told is None.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceFacts {
    /// `FULL_DEVICE_NAME`; it differs by system and inside containers.
    pub full_name: Option<String>,
    /// Vendor and device, as in "8086:64a0".
    pub pci_id: Option<String>,
    /// Execution units.
    pub execution_units: Option<u32>,
    /// The driver's version.
    pub driver_version: Option<String>,
    /// Memory that the device can use, bytes.
    pub memory_bytes: Option<u64>,
}

impl DeviceFacts {
    /// Asks the runtime, and the system's `sysfs` (usually `/sys`) for the PCI id.
    #[must_use]
    pub fn read(runtime: &Runtime, device: &str, sysfs: &Path) -> Self {
        let full_name = runtime.device_property(device, "FULL_DEVICE_NAME");
        if !device.starts_with("GPU") {
            return Self { full_name, ..Self::default() };
        }
        let property = |key| runtime.device_property(device, key);
        Self {
            full_name,
            pci_id: property("DEVICE_PCI_INFO")
                .and_then(|told| pci_address(&told))
                .and_then(|address| pci_id(sysfs, &address)),
            execution_units: property("GPU_EXECUTION_UNITS_COUNT").and_then(|units| units.parse().ok()),
            driver_version: property("GPU_DRIVER_VERSION"),
            memory_bytes: property("GPU_DEVICE_TOTAL_MEM_SIZE").and_then(|bytes| bytes.parse().ok()),
        }
    }
}

/// From `{domain: 0 bus: 0 device: 0x2 function: 0}` to `0000:00:02.0`.
fn pci_address(told: &str) -> Option<String> {
    let mut numbers =
        told.trim_matches(['{', '}']).split_whitespace().filter(|word| !word.ends_with(':')).map(|word| {
            match word.strip_prefix("0x") {
                Some(digits) => u32::from_str_radix(digits, 16).ok(),
                None => word.parse().ok(),
            }
        });
    let mut next = || numbers.next().flatten();
    let (domain, bus, device, function) = (next()?, next()?, next()?, next()?);
    Some(format!("{domain:04x}:{bus:02x}:{device:02x}.{function:x}"))
}

fn pci_id(sysfs: &Path, address: &str) -> Option<String> {
    let folder = sysfs.join("bus/pci/devices").join(address);
    let read = |name: &str| {
        let text = fs::read_to_string(folder.join(name)).ok()?;
        Some(text.trim().trim_start_matches("0x").to_lowercase())
    };
    Some(format!("{}:{}", read("vendor")?, read("device")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pci_address_is_read_as_openvino_writes_it() {
        assert_eq!(pci_address("{domain: 0 bus: 0 device: 0x2 function: 0}").unwrap(), "0000:00:02.0");
        assert_eq!(pci_address("{domain: 0 bus: 3 device: 0x1f function: 1}").unwrap(), "0000:03:1f.1");
        assert_eq!(pci_address("no PCI"), None);
    }

    #[test]
    fn a_gpu_is_known_by_the_ids_that_the_system_gives_its_address() {
        let sysfs = tempfile::tempdir().unwrap();
        let folder = sysfs.path().join("bus/pci/devices/0000:00:02.0");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("vendor"), "0x8086\n").unwrap();
        fs::write(folder.join("device"), "0x64a0\n").unwrap();
        assert_eq!(pci_id(sysfs.path(), "0000:00:02.0").unwrap(), "8086:64a0");
        assert_eq!(pci_id(sysfs.path(), "0000:00:03.0"), None);
    }
}
