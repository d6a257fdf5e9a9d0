//! The memory of a process, read from outside while it waits. Nothing of this runs inside a timed step.

use std::cell::Cell;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::sys::SysfsRoot;
use crate::sys::fdinfo::{clients_of, family};

/// Memory at one moment, and the peak since the last reset. Zero is never a stand-in for unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryReading {
    /// Highest resident set since the last reset (`VmHWM`), bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_rss_bytes: Option<u64>,
    /// Resident anonymous memory (`RssAnon`), bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_anonymous_bytes: Option<u64>,
    /// Resident file-backed memory (`RssFile`), bytes: memory-mapped weights count here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_file_bytes: Option<u64>,
    /// What the process has resident on GPUs (`fdinfo`), bytes; it is in none of the above. Not run on an
    /// Intel GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_resident_bytes: Option<u64>,
}

/// Who reads memory.
pub trait MemoryMeter {
    /// Begins a new phase: the peak falls to what is resident now. Where that is refused, the phase's
    /// peak is unknown.
    fn reset_peak(&self);
    /// What is resident now, and the peak of the phase.
    fn read(&self) -> MemoryReading;
}

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
    #[must_use]
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
}

impl MemoryMeter for ProcessMemory {
    fn reset_peak(&self) {
        self.peak_is_the_phase_s.set(self.clear_peak().is_ok());
    }

    fn read(&self) -> MemoryReading {
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

/// Reads nothing; every figure stays unknown.
#[derive(Debug, Clone, Copy)]
pub struct NoMemory;

impl MemoryMeter for NoMemory {
    fn reset_peak(&self) {}

    fn read(&self) -> MemoryReading {
        MemoryReading::default()
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
}
