//! What is known of a device: from OpenVINO, OpenCL and the PCI bus. Of a GPU, none of this has run on the
//! hardware.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::engine::openvino::Runtime;
use crate::engine::openvino::opencl::{self, OpenClDevice};

/// What is shown where nothing was observed.
const NOT_OBSERVED: &str = "not observed";

/// A device's name, and a GPU's identity, drivers and limits; what was not observed is None.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceFacts {
    /// `FULL_DEVICE_NAME`; it differs by system and inside containers.
    pub full_name: Option<String>,
    /// Who made it, as OpenCL names it or by the PCI id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Vendor and device, as in "8086:64a0".
    pub pci_id: Option<String>,
    /// Execution units.
    pub execution_units: Option<u32>,
    /// The driver's version, `CL_DRIVER_VERSION`.
    pub driver_version: Option<String>,
    /// What OpenCL the driver speaks, `CL_DEVICE_VERSION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opencl_version: Option<String>,
    /// The kernel driver that holds the device, as in "xe".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_driver: Option<String>,
    /// Its version or the hash of its source; None where it is as old as the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_driver_version: Option<String>,
    /// Memory that the device can use, bytes.
    pub memory_bytes: Option<u64>,
    /// Why the device is known to be emulated; None where nothing proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emulated_reason: Option<String>,
}

impl DeviceFacts {
    /// Asks the runtime, and of a GPU OpenCL and the system's `sysfs` (usually `/sys`).
    pub fn read(runtime: &Runtime, device: &str, sysfs: &Path) -> Self {
        let property = |key| runtime.device_property(device, key);
        let full_name = property("FULL_DEVICE_NAME");
        if !device.starts_with("GPU") {
            return Self { full_name, ..Self::default() };
        }
        let pci = property("DEVICE_PCI_INFO").and_then(|info| pci_address(&info));
        let devices = opencl::devices();
        let opencl = opencl::matching(&devices, property("DEVICE_UUID").as_deref(), full_name.as_deref());
        Self {
            full_name,
            execution_units: property("GPU_EXECUTION_UNITS_COUNT").and_then(|units| units.parse().ok()),
            memory_bytes: property("GPU_DEVICE_TOTAL_MEM_SIZE").and_then(|bytes| bytes.parse().ok()),
            ..Self::of_gpu(
                opencl,
                &opencl::loaded_layers(),
                pci.and_then(|address| PciGpu::at(sysfs, &address)),
            )
        }
    }

    /// What OpenCL and the PCI bus report of a GPU.
    fn of_gpu(opencl: Option<&OpenClDevice>, layers: &[String], pci: Option<PciGpu>) -> Self {
        let pci = pci.unwrap_or_default();
        let of_pci = pci.id.as_ref().and_then(|id| u32::from_str_radix(id.split(':').next()?, 16).ok());
        let opencl_vendor = opencl.and_then(|device| device.vendor.clone());
        let vendor_id = of_pci.or_else(|| opencl.and_then(|device| device.vendor_id));
        Self {
            vendor: opencl_vendor.or_else(|| vendor_id.map(vendor_name)),
            pci_id: pci.id,
            driver_version: opencl.and_then(|device| device.driver_version.clone()),
            opencl_version: opencl.and_then(|device| device.device_version.clone()),
            kernel_driver: pci.driver,
            kernel_driver_version: pci.driver_version,
            emulated_reason: opencl::emulated_reason(opencl, layers),
            ..Self::default()
        }
    }

    /// A GPU in words: its name, vendor, PCI id and driver. What was not observed is said to be so.
    pub fn gpu_in_words(&self) -> String {
        let or_not = |fact: &Option<String>| fact.clone().unwrap_or_else(|| NOT_OBSERVED.to_owned());
        format!(
            "{}, vendor {}, PCI id {}, driver {}",
            self.full_name.as_deref().unwrap_or("a GPU without a name"),
            or_not(&self.vendor),
            or_not(&self.pci_id),
            or_not(&self.driver_version),
        )
    }

    /// The kernel driver with its version, as in "xe 1.2"; an in-tree driver has the kernel's.
    pub fn kernel_driver_in_words(&self) -> Option<String> {
        let driver = self.kernel_driver.as_ref()?;
        let version = self.kernel_driver_version.as_ref().map(|version| format!(" {version}"));
        Some(format!("{driver}{}", version.unwrap_or_default()))
    }

    /// What else is known of its drivers, as in "OpenCL 3.0 NEO, kernel driver xe".
    pub fn drivers_in_words(&self) -> String {
        let opencl = self.opencl_version.as_deref().map(|version| version.trim_start_matches("OpenCL "));
        let kernel_driver = self.kernel_driver_in_words();
        format!(
            "OpenCL {}, kernel driver {}",
            opencl.unwrap_or(NOT_OBSERVED),
            kernel_driver.as_deref().unwrap_or(NOT_OBSERVED)
        )
    }

    /// What distinguishes a GPU from others, as in "8086:64a0 x64" with its execution units. A name can be any, and
    /// is taken only where there is no PCI id.
    pub fn gpu_identity(&self) -> String {
        let or_unknown = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "unknown".to_owned());
        let id = self.pci_id.clone().unwrap_or_else(|| {
            format!("unknown, {}, {}", or_unknown(&self.vendor), or_unknown(&self.full_name))
        });
        let units = self.execution_units.map(|units| format!(" x{units}")).unwrap_or_default();
        format!("{id}{units}")
    }
}

fn vendor_name(id: u32) -> String {
    match id {
        0x8086 => "Intel".to_owned(),
        0x10de => "NVIDIA".to_owned(),
        0x1002 => "AMD".to_owned(),
        _ => format!("{id:04x}"),
    }
}

/// From `{domain: 0 bus: 0 device: 0x2 function: 0}` to `0000:00:02.0`.
fn pci_address(reported: &str) -> Option<String> {
    let mut numbers =
        reported.trim_matches(['{', '}']).split_whitespace().filter(|word| !word.ends_with(':')).map(
            |word| match word.strip_prefix("0x") {
                Some(digits) => u32::from_str_radix(digits, 16).ok(),
                None => word.parse().ok(),
            },
        );
    let mut next = || numbers.next().flatten();
    let address = [next()?, next()?, next()?, next()?];
    // What the driver does not report is zeros, where the host bridge stands.
    let [domain, bus, device, function] = (address != [0; 4]).then_some(address)?;
    Some(format!("{domain:04x}:{bus:02x}:{device:02x}.{function:x}"))
}

#[derive(Debug, Default, PartialEq, Eq)]
struct PciGpu {
    id: Option<String>,
    driver: Option<String>,
    driver_version: Option<String>,
}

impl PciGpu {
    /// What stands at an address; None where that is no display controller.
    fn at(sysfs: &Path, address: &str) -> Option<Self> {
        let folder = sysfs.join("bus/pci/devices").join(address);
        let read = |path: &Path| Some(fs::read_to_string(path).ok()?.trim().to_owned());
        let number = |name: &str| Some(read(&folder.join(name))?.trim_start_matches("0x").to_lowercase());
        let is_display = number("class")?.starts_with("03");
        let id = is_display.then(|| Some(format!("{}:{}", number("vendor")?, number("device")?)))??;
        let link = fs::read_link(folder.join("driver")).ok();
        let driver = link.and_then(|link| Some(link.file_name()?.to_str()?.to_owned()));
        let version = |driver: &String| {
            let module = sysfs.join("module").join(driver);
            ["version", "srcversion"].iter().find_map(|name| read(&module.join(name)))
        };
        Some(Self { id: Some(id), driver_version: driver.as_ref().and_then(version), driver })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::symlink;

    /// A `sysfs` with one device on the PCI bus, held by this driver.
    fn sysfs(address: &str, class: &str, id: [&str; 2], driver: Option<&str>) -> tempfile::TempDir {
        let sysfs = tempfile::tempdir().unwrap();
        let folder = sysfs.path().join("bus/pci/devices").join(address);
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in [("class", class), ("vendor", id[0]), ("device", id[1])] {
            fs::write(folder.join(name), format!("{text}\n")).unwrap();
        }
        if let Some(driver) = driver {
            symlink(format!("../../../drivers/{driver}"), folder.join("driver")).unwrap();
            fs::create_dir_all(sysfs.path().join("module").join(driver)).unwrap();
        }
        sysfs
    }

    const ARC: [&str; 2] = ["0x8086", "0x64A0"];

    #[test]
    fn a_pci_address_is_read_as_openvino_writes_it() {
        assert_eq!(pci_address("{domain: 0 bus: 0 device: 0x2 function: 0}").unwrap(), "0000:00:02.0");
        assert_eq!(pci_address("{domain: 0 bus: 3 device: 0x1f function: 1}").unwrap(), "0000:03:1f.1");
        assert_eq!(pci_address("no PCI"), None);
    }

    #[test]
    fn an_address_of_zeros_is_unknown_and_not_the_host_bridge() {
        assert_eq!(pci_address("{domain: 0 bus: 0 device: 0 function: 0}"), None);
        assert_eq!(pci_address("{domain: 0 bus: 0 device: 0x0 function: 0}"), None);
    }

    #[test]
    fn what_is_no_display_controller_is_never_named_as_the_gpu() {
        for class in ["0x060000", "0x020000", ""] {
            let bridge = sysfs("0000:00:02.0", class, ["0x8086", "0x0d57"], None);
            assert_eq!(PciGpu::at(bridge.path(), "0000:00:02.0"), None, "{class}");
        }
    }

    #[test]
    fn a_gpu_is_known_by_the_ids_that_the_system_gives_its_address() {
        for class in ["0x030000", "0x038000"] {
            let sysfs = sysfs("0000:00:02.0", class, ARC, None);
            let gpu = PciGpu::at(sysfs.path(), "0000:00:02.0").unwrap();
            assert_eq!(gpu, PciGpu { id: Some("8086:64a0".into()), ..PciGpu::default() });
            assert_eq!(PciGpu::at(sysfs.path(), "0000:00:03.0"), None);
        }
    }

    #[test]
    fn the_kernel_driver_has_its_own_version_before_the_hash_of_its_source_and_else_the_kernel_s() {
        let sysfs = sysfs("0000:00:02.0", "0x030000", ARC, Some("xe"));
        let driver = || {
            let gpu = PciGpu::at(sysfs.path(), "0000:00:02.0");
            DeviceFacts::of_gpu(None, &[], gpu).kernel_driver_in_words().unwrap()
        };
        assert_eq!(driver(), "xe");
        fs::write(sysfs.path().join("module/xe/srcversion"), "AB12\n").unwrap();
        assert_eq!(driver(), "xe AB12");
        fs::write(sysfs.path().join("module/xe/version"), "1.2.3\n").unwrap();
        assert_eq!(driver(), "xe 1.2.3");
    }

    #[test]
    fn a_gpu_of_another_vendor_is_named_and_is_no_arc_whatever_its_name() {
        let opencl = OpenClDevice {
            vendor: Some("NVIDIA Corporation".into()),
            vendor_id: Some(0x10de),
            driver_version: Some("570.86".into()),
            ..OpenClDevice::default()
        };
        let gpu = DeviceFacts {
            full_name: Some("Intel(R) Arc(TM) 140V GPU".into()),
            ..DeviceFacts::of_gpu(Some(&opencl), &[], None)
        };
        assert_eq!(
            gpu.gpu_in_words(),
            "Intel(R) Arc(TM) 140V GPU, vendor NVIDIA Corporation, PCI id not observed, driver 570.86"
        );
        assert_eq!(gpu.gpu_identity(), "unknown, NVIDIA Corporation, Intel(R) Arc(TM) 140V GPU");
        let unnamed = OpenClDevice { vendor: None, ..opencl };
        assert_eq!(DeviceFacts::of_gpu(Some(&unnamed), &[], None).vendor.unwrap(), "NVIDIA");
        let by_pci = PciGpu { id: Some("1002:744c".into()), ..PciGpu::default() };
        assert_eq!(DeviceFacts::of_gpu(None, &[], Some(by_pci)).vendor.unwrap(), "AMD");
    }

    #[test]
    fn what_was_not_observed_of_a_gpu_is_said_and_not_left_out() {
        assert_eq!(
            DeviceFacts::default().gpu_in_words(),
            "a GPU without a name, vendor not observed, PCI id not observed, driver not observed"
        );
        assert_eq!(
            DeviceFacts::default().drivers_in_words(),
            "OpenCL not observed, kernel driver not observed"
        );
    }
}
