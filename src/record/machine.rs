//! Which machine: by what it is made of, never by its name, for runners come and go.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::error::{Error, Result};
use crate::measure::last_level_cache_bytes;
use crate::record::sealed::hex;

/// A machine's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// A readable name with the hash's first digits, safe as a folder's name.
    pub slug: String,
    /// The hash of processor, cores, memory and GPU.
    pub sha256: String,
    /// The processor's brand.
    pub cpu: String,
    /// Logical processors.
    pub logical_cores: usize,
    /// Memory, rounded to GiB: what the firmware keeps for itself varies by boot.
    pub memory_gib: u64,
    /// The GPU's name, as OpenVINO tells it, where one was seen.
    pub gpu: Option<String>,
    /// The kernel's version.
    pub kernel: Option<String>,
    /// The system's name and version.
    pub os: Option<String>,
    /// The GPU driver's version, as OpenVINO tells it.
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
    /// This machine, with the GPU that the runtime sees.
    ///
    /// # Errors
    /// When the system does not tell its processor and memory.
    pub fn of_this_host(gpu: Option<String>) -> Result<Self> {
        let what = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(what)
            .map_err(|cause| Error::harness(format!("the system does not tell what it is: {cause:?}")))?;
        let cpus = system.cpus();
        let cpu = cpus.first().map_or("", |cpu| cpu.brand().trim()).to_owned();
        let memory_gib = (system.total_memory() + (1 << 29)) >> 30;
        Ok(Self::identify(&cpu, cpus.len(), memory_gib, gpu))
    }

    fn identify(cpu: &str, logical_cores: usize, memory_gib: u64, gpu: Option<String>) -> Self {
        let made_of = format!("{cpu}\n{logical_cores}\n{memory_gib}\n{}", gpu.as_deref().unwrap_or("none"));
        let sha256 = hex(&Sha256::digest(made_of));
        let name = slug(gpu.as_deref().unwrap_or(cpu));
        Self {
            slug: format!("{name}-{logical_cores}c-{memory_gib}g-{}", &sha256[..8]),
            sha256,
            cpu: cpu.to_owned(),
            logical_cores,
            memory_gib,
            gpu,
            kernel: System::kernel_version().ok(),
            os: System::long_os_version().ok(),
            gpu_driver: None,
            last_level_cache_bytes: last_level_cache_bytes(Path::new("/sys")),
            firmware: firmware(Path::new("/sys/class/dmi/id")),
            microcode: fs::read_to_string("/proc/cpuinfo").ok().and_then(|cpuinfo| microcode(&cpuinfo)),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_named_by_what_it_is_made_of() {
        let arc = Some("Intel(R) Arc(TM) 140V GPU (16GB) (iGPU)".to_owned());
        let machine = Machine::identify("Intel(R) Core(TM) Ultra 7 258V", 8, 32, arc);
        assert!(machine.slug.starts_with("intel-arc-140v-gpu-16gb-igpu-8c-32g-"), "{}", machine.slug);
        let same = Machine::identify("Intel(R) Core(TM) Ultra 7 258V", 8, 32, machine.gpu.clone());
        assert_eq!(machine.sha256, same.sha256);
        let less = Machine::identify("Intel(R) Core(TM) Ultra 7 258V", 8, 16, machine.gpu.clone());
        assert_ne!(machine.sha256, less.sha256);
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
}
