//! Memory of a process by `/proc`, and the processor's caches by `sysfs`.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::files::{self, FileKind};
use crate::sys::{MemoryReading, SysfsRoot, clients_of, family};

/// A process, by `/proc/PID`.
#[derive(Debug, Clone)]
pub struct ProcessMemory {
    folder: PathBuf,
    pid: Option<u32>,
    /// Whether the kernel's peak is that of the phase under way.
    peak_is_the_phase_s: Cell<bool>,
}

impl ProcessMemory {
    /// The process of this number.
    pub fn of(pid: u32) -> Self {
        Self { pid: Some(pid), ..Self::at(PathBuf::from("/proc").join(pid.to_string())) }
    }

    /// The same with a folder in place of `/proc/PID`. Until the first reset the phase is the process.
    fn at(folder: PathBuf) -> Self {
        Self { folder, pid: None, peak_is_the_phase_s: Cell::new(true) }
    }

    /// A kernel may refuse, as one built without the file, or one that lets no other process write to it.
    fn clear_peak(&self) -> io::Result<()> {
        OpenOptions::new().write(true).open(self.folder.join("clear_refs"))?.write_all(b"5")
    }

    /// Begins a new phase: the peak falls to what is resident now. Where that is refused, the phase's peak is
    /// unknown.
    pub fn reset_peak(&self) {
        self.peak_is_the_phase_s.set(self.clear_peak().is_ok());
    }

    /// What is resident now, and the peak of the phase.
    pub fn read(&self) -> MemoryReading {
        let status = fs::read_to_string(self.folder.join("status")).unwrap_or_default();
        MemoryReading {
            // A peak of before the phase would be reported as the phase's own.
            peak_rss_bytes: bytes_of(&status, "VmHWM:").filter(|_| self.peak_is_the_phase_s.get()),
            rss_anonymous_bytes: bytes_of(&status, "RssAnon:"),
            rss_file_bytes: bytes_of(&status, "RssFile:"),
            device_resident_bytes: self.pid.and_then(device_resident_bytes),
        }
    }
}

/// All clients of a process and its descendants together; None where it has none.
fn device_resident_bytes(pid: u32) -> Option<u64> {
    let root = SysfsRoot::this_machine();
    let clients = clients_of(&root, &family(&root, pid)).ok()?;
    clients.values().filter_map(|client| client.resident_bytes).reduce(u64::saturating_add)
}

/// A line such as `VmHWM:     1234 kB`.
fn bytes_of(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Bytes of the last-level cache by the system's `sysfs` (usually `/sys`): of all its parts, where
/// groups of cores have one each. None where the system does not report.
///
/// A cache on the memory's side, behind the processor's own, is not in there.
pub fn last_level_cache_bytes(sysfs: &Path) -> Option<u64> {
    let mut last_level = 0;
    // Every core lists the caches that it uses: those of the same cores are the same.
    let mut bytes_by_cores: BTreeMap<String, u64> = BTreeMap::new();
    for core in folders(&sysfs.join("devices/system/cpu"), "cpu") {
        for cache in folders(&core.join("cache"), "index") {
            let read = |name: &str| {
                let bytes = files::bytes_of(&cache.join(name), FileKind::Kernel).ok()?;
                Some(String::from_utf8_lossy(&bytes).trim().to_owned())
            };
            if read("type")? == "Instruction" {
                continue;
            }
            let level: u32 = read("level")?.parse().ok()?;
            if level > last_level {
                last_level = level;
                bytes_by_cores.clear();
            }
            if level == last_level {
                bytes_by_cores.insert(read("shared_cpu_list")?, bytes(&read("size")?)?);
            }
        }
    }
    Some(bytes_by_cores.values().sum()).filter(|bytes| *bytes > 0)
}

/// Folders of a name and a number, as in `cpu0`.
fn folders(parent: &Path, name: &str) -> Vec<PathBuf> {
    let is_numbered = |path: &PathBuf| {
        let number = path.file_name().and_then(|file| file.to_str()).and_then(|file| file.strip_prefix(name));
        number.is_some_and(|digits| digits.parse::<u32>().is_ok())
    };
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(is_numbered).collect()
}

/// From `12288K`.
fn bytes(size: &str) -> Option<u64> {
    let digits = size.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match &size[digits.len()..] {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes_and_unknown_stays_unknown() {
        let status = "VmPeak:\t  9 kB\nVmHWM:\t   2048 kB\nRssAnon:\t 12 kB\nRssFile:\t x kB\n";
        assert_eq!(bytes_of(status, "VmHWM:"), Some(2 * 1024 * 1024));
        assert_eq!(bytes_of(status, "RssAnon:"), Some(12 * 1024));
        assert_eq!(bytes_of(status, "RssFile:"), None);
        assert_eq!(bytes_of(status, "RssShmem:"), None);
    }

    #[test]
    fn after_a_reset_that_was_refused_the_peak_is_unknown_and_not_the_process_s() {
        let process = tempfile::tempdir().unwrap();
        fs::write(process.path().join("status"), "VmHWM: 9 kB\nRssAnon: 3 kB\nRssFile: 4 kB\n").unwrap();
        let meter = ProcessMemory::at(process.path().to_owned());
        let known = MemoryReading {
            peak_rss_bytes: Some(9 << 10),
            rss_anonymous_bytes: Some(3 << 10),
            rss_file_bytes: Some(4 << 10),
            device_resident_bytes: None,
        };
        assert_eq!(meter.read(), known, "nothing was refused yet");
        meter.reset_peak();
        assert_eq!(meter.read(), MemoryReading { peak_rss_bytes: None, ..known });
        let clear_refs = process.path().join("clear_refs");
        assert!(!clear_refs.exists(), "a file that the kernel does not have is not made");
        fs::write(&clear_refs, "").unwrap();
        meter.reset_peak();
        assert_eq!(meter.read(), known);
        assert_eq!(fs::read_to_string(clear_refs).unwrap(), "5");
    }

    #[test]
    fn the_peak_of_a_phase_sees_what_the_phase_allocated() {
        let meter = ProcessMemory::of(std::process::id());
        meter.reset_peak();
        let before = meter.read().peak_rss_bytes.unwrap();
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        drop(block);
        assert!(meter.read().peak_rss_bytes.unwrap() > before + (32 << 20));
    }

    /// Level, type, size, and the cores that share it.
    type Cache<'a> = [&'a str; 4];

    /// A `sysfs` with these caches of each core.
    fn machine(cores: &[&[Cache]]) -> tempfile::TempDir {
        let sysfs = tempfile::tempdir().unwrap();
        fs::create_dir_all(sysfs.path().join("devices/system/cpu/cpufreq")).unwrap();
        for (core, caches) in cores.iter().enumerate() {
            for (index, cache) in caches.iter().enumerate() {
                let folder = sysfs.path().join(format!("devices/system/cpu/cpu{core}/cache/index{index}"));
                fs::create_dir_all(&folder).unwrap();
                for (name, value) in ["level", "type", "size", "shared_cpu_list"].iter().zip(cache) {
                    fs::write(folder.join(name), format!("{value}\n")).unwrap();
                }
            }
        }
        sysfs
    }

    #[test]
    fn a_cache_that_cores_share_counts_once() {
        let core = |own| {
            [["1", "Data", "48K", own], ["1", "Instruction", "64K", own], ["3", "Unified", "12M", "0-1"]]
        };
        let sysfs = machine(&[&core("0"), &core("1")]);
        assert_eq!(last_level_cache_bytes(sysfs.path()), Some(12 << 20));
    }

    #[test]
    fn caches_of_several_groups_of_cores_are_added_up() {
        let group = |cores| [["2", "Unified", "1024K", cores], ["3", "Unified", "32768K", cores]];
        let sysfs = machine(&[&group("0"), &group("1"), &group("1")]);
        assert_eq!(last_level_cache_bytes(sysfs.path()), Some(64 << 20));
    }

    #[test]
    fn cores_without_the_last_level_do_not_hide_it() {
        let small: &[Cache] = &[["2", "Unified", "4096K", "2-3"]];
        let large: &[Cache] = &[["2", "Unified", "2560K", "0"], ["3", "Unified", "12288K", "0-1"]];
        for cores in [[large, small], [small, large]] {
            assert_eq!(last_level_cache_bytes(machine(&cores).path()), Some(12288 << 10));
        }
    }

    #[test]
    fn a_machine_that_does_not_tell_is_unknown_and_not_zero() {
        assert_eq!(last_level_cache_bytes(machine(&[]).path()), None);
        assert_eq!(last_level_cache_bytes(Path::new("/nowhere")), None);
        assert_eq!(last_level_cache_bytes(machine(&[&[["3", "Unified", "0K", "0"]]]).path()), None);
        assert_eq!(last_level_cache_bytes(machine(&[&[["3", "Unified", "lots", "0"]]]).path()), None);
        let sysfs = machine(&[&[["3", "Unified", "8M", "0"]]]);
        let size = sysfs.path().join("devices/system/cpu/cpu0/cache/index0/size");
        fs::remove_file(&size).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&size).status().unwrap().success());
        assert_eq!(last_level_cache_bytes(sysfs.path()), None, "a pipe is not waited for");
        let sysfs = machine(&[&[["3", "Unified", "8M", "0"]], &[["3", "Unified", "8M", "1"]]]);
        fs::remove_file(sysfs.path().join("devices/system/cpu/cpu1/cache/index0/size")).unwrap();
        assert_eq!(last_level_cache_bytes(sysfs.path()), None, "half of the caches is not the cache");
    }
}
