//! Memory of a process, and the processor's caches.

use std::cell::Cell;
use std::path::Path;

use windows_sys::Win32::System::ProcessStatus::{GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::SystemInformation::{
    CacheInstruction, GetLogicalProcessorInformationEx, RelationCache,
    SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX,
};

use crate::sys::os::process::OpenProcess;
use crate::sys::{MemoryReading, SysfsRoot, clients_of, family};

/// A process. The system's peak never falls, so that no phase has one of its own after the first.
#[derive(Debug, Clone)]
pub struct ProcessMemory {
    pid: u32,
    peak_is_the_phase_s: Cell<bool>,
}

impl ProcessMemory {
    /// The process of this number.
    pub fn of(pid: u32) -> Self {
        Self { pid, peak_is_the_phase_s: Cell::new(true) }
    }

    /// Begins a new phase, whose peak is unknown.
    pub fn reset_peak(&self) {
        self.peak_is_the_phase_s.set(false);
    }

    /// The peak of the phase, and what is resident on GPUs. What is resident elsewhere is not distinguished by where it
    /// comes from.
    pub fn read(&self) -> MemoryReading {
        let peak_rss_bytes = self.peak_working_set_bytes().filter(|_| self.peak_is_the_phase_s.get());
        let root = SysfsRoot::this_machine();
        let clients = clients_of(&root, &family(&root, self.pid)).unwrap_or_default();
        let device_resident_bytes =
            clients.values().filter_map(|client| client.resident_bytes).reduce(u64::saturating_add);
        MemoryReading { peak_rss_bytes, device_resident_bytes, ..MemoryReading::default() }
    }

    fn peak_working_set_bytes(&self) -> Option<u64> {
        let process = OpenProcess::to_query(self.pid)?;
        let size = u32::try_from(size_of::<PROCESS_MEMORY_COUNTERS>()).ok()?;
        let mut counters = PROCESS_MEMORY_COUNTERS { cb: size, ..PROCESS_MEMORY_COUNTERS::default() };
        // SAFETY: the process is open, and the structure has the size that is given.
        let is_read = unsafe { GetProcessMemoryInfo(process.raw(), &raw mut counters, size) };
        (is_read != 0).then(|| counters.PeakWorkingSetSize as u64)
    }
}

/// Bytes of the last-level cache: of all its parts, where groups of cores have one each. None where the system does not
/// report.
pub fn last_level_cache_bytes(_sysfs: &Path) -> Option<u64> {
    let mut size = 0;
    // SAFETY: without a buffer the size that one needs is written to where it points.
    unsafe { GetLogicalProcessorInformationEx(RelationCache, std::ptr::null_mut(), &raw mut size) };
    // Of numbers, so that what is written there is aligned.
    let mut buffer = vec![0_u64; usize::try_from(size).ok()?.div_ceil(8)];
    // SAFETY: the buffer has the size that the system needs.
    let is_read =
        unsafe { GetLogicalProcessorInformationEx(RelationCache, buffer.as_mut_ptr().cast(), &raw mut size) };
    if is_read == 0 {
        return None;
    }
    let (mut last_level, mut bytes, mut at) = (0, 0_u64, 0_usize);
    while at + size_of::<SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX>() <= buffer.len() * 8 {
        // SAFETY: the system wrote an entry here, which lies in the buffer as a whole, and says how long it is; of a
        // request for caches each entry is one.
        let (cache, length) = unsafe {
            let entry = &*buffer.as_ptr().byte_add(at).cast::<SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX>();
            (entry.Anonymous.Cache, entry.Size)
        };
        if cache.Type != CacheInstruction && cache.Level > last_level {
            (last_level, bytes) = (cache.Level, 0);
        }
        if cache.Type != CacheInstruction && cache.Level == last_level {
            bytes += u64::from(cache.CacheSize);
        }
        if length == 0 {
            break;
        }
        at += usize::try_from(length).ok()?;
        if at >= usize::try_from(size).ok()? {
            break;
        }
    }
    (bytes > 0).then_some(bytes)
}
