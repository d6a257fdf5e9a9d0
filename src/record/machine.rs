//! Which machine: by what it is made of, never by its name, for runners come and go.
//!
//! Its GPUs are taken from the PCI bus and not from OpenVINO, whose name for a GPU differs by system
//! and inside containers, and is not known where a run failed before OpenVINO was loaded. What the bus
//! does not show, as under WSL, is not in the identity.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::engine::openvino::DeviceKind;
use crate::error::{Error, Result};
use crate::record::{ProvenDevice, sha256_of_bytes};
use crate::sys::{SysfsRoot, intel_gpus, last_level_cache_bytes, sysfs};

/// How Intel's PCI ids begin.
const INTEL: &str = "8086:";

/// A machine's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// A readable name with the hash's first digits, safe as a folder's name.
    pub slug: String,
    /// The hash of processor, cores, memory and Intel GPUs.
    pub sha256: String,
    /// The processor's brand.
    pub cpu: String,
    /// Logical processors.
    pub logical_cores: usize,
    /// Memory, rounded to GiB: what the firmware keeps for itself varies by boot.
    pub memory_gib: u64,
    /// The GPU's name, as OpenVINO reports it, where one was seen; no part of the identity.
    pub gpu: Option<String>,
    /// Vendor and device of each Intel GPU on the PCI bus, as in "8086:64a0", sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpu_pci_ids: Vec<String>,
    /// The kernel's version.
    pub kernel: Option<String>,
    /// The system's name and version.
    pub os: Option<String>,
    /// The GPU driver's version, `CL_DRIVER_VERSION`, where a GPU was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_driver: Option<String>,
    /// The firmware's vendor, version and date, where they can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// Bytes of the processor's last-level cache, all its instances together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_level_cache_bytes: Option<u64>,
    /// The processor's microcode, as in "0xa101144".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microcode: Option<String>,
}

impl Machine {
    /// This machine, with the name of the GPU that the runtime sees.
    ///
    /// # Errors
    /// When the system does not report its processor and memory.
    pub fn of_this_host(gpu: Option<String>) -> Result<Self> {
        Ok(Self { gpu, ..Self::at(sysfs())? })
    }

    /// Why a device cannot have run here; None where it can, or is emulated. GPUs of other makers are not among a
    /// machine's identity, and under WSL no GPU is on the PCI bus.
    pub fn lacks(&self, ran: &ProvenDevice) -> Option<String> {
        let facts = ran.facts();
        let is_wsl = self.kernel.as_ref().is_some_and(|kernel| kernel.to_lowercase().contains("microsoft"));
        let has_it = match &facts.pci_id {
            Some(id) => !id.starts_with(INTEL) || self.gpu_pci_ids.contains(id),
            None => !self.gpu_pci_ids.is_empty(),
        };
        if ran.kind() == DeviceKind::Cpu || facts.emulated_reason.is_some() || has_it || is_wsl {
            return None;
        }
        let id = facts.pci_id.as_deref().unwrap_or("not observed");
        let has = if self.gpu_pci_ids.is_empty() { "none".to_owned() } else { self.gpu_pci_ids.join(", ") };
        Some(format!("it is a GPU with the PCI id `{id}`, and the machine's Intel GPUs are `{has}`"))
    }

    fn at(sysfs: &Path) -> Result<Self> {
        let what = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(what)
            .map_err(|cause| Error::harness(format!("the system does not report what it is: {cause:?}")))?;
        let cpus = system.cpus();
        let cpu = cpus.first().map_or("", |cpu| cpu.brand().trim()).to_owned();
        let memory_gib = (system.total_memory() + (1 << 29)) >> 30;
        Ok(Self {
            kernel: System::kernel_version().ok(),
            os: System::long_os_version().ok(),
            last_level_cache_bytes: last_level_cache_bytes(sysfs),
            firmware: firmware(&sysfs.join("class/dmi/id")),
            microcode: SysfsRoot::this_machine()
                .text("proc/cpuinfo")
                .ok()
                .and_then(|cpuinfo| microcode(&cpuinfo)),
            ..Self::identify(&cpu, cpus.len(), memory_gib, gpu_pci_ids(sysfs))
        })
    }

    fn identify(cpu: &str, logical_cores: usize, memory_gib: u64, gpu_pci_ids: Vec<String>) -> Self {
        let gpus = if gpu_pci_ids.is_empty() { "none".to_owned() } else { gpu_pci_ids.join(",") };
        let sha256 = sha256_of_bytes(format!("{cpu}\n{logical_cores}\n{memory_gib}\n{gpus}"));
        let name = slug(if gpu_pci_ids.is_empty() { cpu } else { &gpus });
        Self {
            slug: format!("{name}-{logical_cores}c-{memory_gib}g-{}", &sha256[..8]),
            sha256,
            cpu: cpu.to_owned(),
            logical_cores,
            memory_gib,
            gpu: None,
            gpu_pci_ids,
            kernel: None,
            os: None,
            gpu_driver: None,
            firmware: None,
            last_level_cache_bytes: None,
            microcode: None,
        }
    }
}

/// Sorted, for a GPU's address may change with what else is plugged in.
fn gpu_pci_ids(sysfs: &Path) -> Vec<String> {
    let mut ids: Vec<String> = intel_gpus(sysfs).into_iter().map(|gpu| gpu.pci_id).collect();
    ids.sort_unstable();
    ids
}

/// Vendor, version and date of the firmware; the version alone decides whether there is any.
fn firmware(folder: &Path) -> Option<String> {
    let read = |name: &str| {
        let text = fs::read_to_string(folder.join(name)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let version = read("bios_version")?;
    let parts = [read("bios_vendor"), Some(version), read("bios_date")];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// The first processor's; all of a machine run the same.
fn microcode(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("microcode"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Lower-case words joined by hyphens, without what brands add.
fn slug(name: &str) -> String {
    let name = name.to_lowercase().replace("(r)", " ").replace("(tm)", " ");
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.take(6).collect::<Vec<_>>().join("-");
    if slug.is_empty() { "unknown".to_owned() } else { slug }
}

/// Beginnings of names that matter: OpenVINO, oneDNN, threading, Intel's GPU drivers and compilers, OpenCL,
/// the loader, the allocator.
const PREFIXES: [&str; 20] = [
    "OV_",
    "OPENVINO_",
    "INTEL_OPENVINO_",
    "ONEDNN_",
    "DNNL_",
    "OMP_",
    "KMP_",
    "TBB_",
    "ZE_",
    "ZES_",
    "SYCL_",
    "NEO",
    "IGC_",
    "OCL_",
    "OPENCL_",
    "POCL_",
    "ONEAPI_",
    "LD_",
    "MALLOC_",
    "GLIBC_TUNABLES",
];

/// Those of these variables that matter; values as they are.
pub fn variables_that_matter(variables: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    variables.filter(|(name, _)| PREFIXES.iter().any(|prefix| name.starts_with(prefix))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `sysfs` with these devices on the PCI bus, by vendor and device.
    fn sysfs(gpus: &[(&str, &str)]) -> tempfile::TempDir {
        let sysfs = tempfile::tempdir().unwrap();
        for (index, (vendor, device)) in gpus.iter().enumerate() {
            let folder = sysfs.path().join(format!("bus/pci/devices/0000:0{index}:00.0"));
            fs::create_dir_all(&folder).unwrap();
            for (name, text) in [("class", "0x030000"), ("vendor", *vendor), ("device", *device)] {
                fs::write(folder.join(name), format!("{text}\n")).unwrap();
            }
        }
        sysfs
    }

    fn at(gpus: &[(&str, &str)]) -> Machine {
        Machine::at(sysfs(gpus).path()).unwrap()
    }

    const ARC: (&str, &str) = ("0x8086", "0x64a0");
    const BATTLEMAGE: (&str, &str) = ("0x8086", "0xe20b");

    #[test]
    fn a_machine_is_named_by_what_it_is_made_of() {
        let machine = |memory_gib, gpus: &[&str]| {
            let gpus = gpus.iter().map(ToString::to_string).collect();
            Machine::identify("Intel(R) Core(TM) Ultra 7 258V", 8, memory_gib, gpus)
        };
        let lunar_lake = machine(32, &["8086:64a0"]);
        assert_eq!(lunar_lake.slug, format!("8086-64a0-8c-32g-{}", &lunar_lake.sha256[..8]));
        assert_eq!(lunar_lake, machine(32, &["8086:64a0"]));
        for other in [machine(16, &["8086:64a0"]), machine(32, &["8086:e20b"]), machine(32, &[])] {
            assert_ne!(other.sha256, lunar_lake.sha256, "{}", other.slug);
        }
        assert!(machine(32, &[]).slug.starts_with("intel-core-ultra-7-258v-8c-32g-"));
    }

    #[test]
    fn a_machine_without_an_intel_gpu_keeps_the_name_that_its_records_stand_under() {
        let machine = Machine::identify("AMD EPYC", 2, 24, Vec::new());
        assert_eq!(machine.slug, "amd-epyc-2c-24g-f4146bfd");
        assert_eq!(at(&[("0x10de", "0x2684")]).sha256, at(&[]).sha256, "another maker's is not measured");
    }

    #[test]
    fn a_machine_is_the_same_whether_openvino_was_loaded_or_not_and_whatever_it_calls_the_gpu() {
        let failed = at(&[ARC]);
        let spellings = ["Intel(R) Arc(TM) 140V GPU (16GB) (iGPU)", "Intel(R) Graphics [0x64a0] (iGPU)"];
        for name in spellings {
            let good = Machine { gpu: Some(name.to_owned()), ..at(&[ARC]) };
            assert_eq!((&good.sha256, &good.slug), (&failed.sha256, &failed.slug));
        }
        assert_eq!(failed.gpu_pci_ids, ["8086:64a0"]);
        let named = |name: &str| Machine::of_this_host(Some(name.to_owned())).unwrap();
        let (unnamed, named) = (Machine::of_this_host(None).unwrap(), named(spellings[0]));
        assert_eq!((&named.sha256, &named.slug), (&unnamed.sha256, &unnamed.slug));
        assert_eq!(named.gpu.as_deref(), Some(spellings[0]));
    }

    #[test]
    fn every_intel_gpu_counts_and_not_the_slot_that_it_is_in() {
        assert_eq!(at(&[ARC, BATTLEMAGE]).sha256, at(&[BATTLEMAGE, ARC]).sha256);
        assert_eq!(at(&[BATTLEMAGE, ARC]).gpu_pci_ids, ["8086:64a0", "8086:e20b"]);
        for other in [&[ARC][..], &[BATTLEMAGE], &[ARC, ARC], &[]] {
            assert_ne!(at(other).sha256, at(&[ARC, BATTLEMAGE]).sha256, "{other:?}");
        }
    }

    #[test]
    fn firmware_is_named_where_it_has_a_version_and_microcode_where_the_kernel_tells_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bios_vendor"), "A Vendor\n").unwrap();
        assert_eq!(firmware(folder.path()), None);
        fs::write(folder.path().join("bios_version"), "1.7\n").unwrap();
        assert_eq!(firmware(folder.path()).unwrap(), "A Vendor 1.7");
        assert_eq!(microcode("model : 1\nmicrocode\t: 0xa1\n").unwrap(), "0xa1");
        assert_eq!(microcode("model : 1\n"), None);
    }

    #[test]
    fn a_slug_cannot_leave_its_folder() {
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("../.."), "unknown");
    }

    #[test]
    fn what_changes_the_runtime_is_kept_and_what_is_private_is_not() {
        let kept = variables_that_matter(
            [
                ("OMP_NUM_THREADS", "1"),
                ("LD_PRELOAD", "x.so"),
                ("OCL_ICD_FILENAMES", "/opt/libigdrcl.so"),
                ("OCL_ICD_VENDORS", "/opt/vendors"),
                ("OPENCL_LAYERS", "/opt/liblayer.so"),
                ("HOME", "/home/me"),
                ("TOKEN", "secret"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter(),
        );
        let names =
            ["LD_PRELOAD", "OCL_ICD_FILENAMES", "OCL_ICD_VENDORS", "OMP_NUM_THREADS", "OPENCL_LAYERS"];
        assert_eq!(kept.into_keys().collect::<Vec<_>>(), names);
    }
}
