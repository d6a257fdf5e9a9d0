//! What Windows counts of a process's use of GPUs: the counters `GPU Engine` and `GPU Process Memory` of its display
//! driver model, which Task Manager shows. **Untried**: Wine has none, and no GPU under Windows has run this. No gate
//! passes by them.

use std::collections::BTreeMap;

use windows_sys::Win32::Foundation::ERROR_SUCCESS;
use windows_sys::Win32::System::Performance::{
    PDH_HCOUNTER, PDH_HQUERY, PDH_MORE_DATA, PDH_RAW_COUNTER_ITEM_W, PdhAddEnglishCounterW, PdhCloseQuery,
    PdhCollectQueryData, PdhGetRawCounterArrayW, PdhOpenQueryW,
};

use crate::sys::fdinfo::{ClientId, GpuClient, Holder};
use crate::sys::os::process::descendants;
use crate::sys::{SysfsRoot, Unavailable};

/// How long engines worked for a process, in units of 100 ns.
const RUNNING_TIME: &str = r"\GPU Engine(*)\Running Time";
/// What a process has in memory of a GPU of its own, and in memory that the GPU shares, bytes.
const MEMORY: [&str; 2] = [r"\GPU Process Memory(*)\Dedicated Usage", r"\GPU Process Memory(*)\Shared Usage"];

/// A process and all that descends from it.
pub fn family(_root: &SysfsRoot, process: u32) -> Vec<u32> {
    [vec![process], descendants(process)].concat()
}

/// What these processes have used of each GPU, all engines of a kind together.
///
/// # Errors
/// When Windows has no such counters, as without a GPU or a driver that counts.
pub fn clients_of(
    _root: &SysfsRoot,
    processes: &[u32],
) -> Result<BTreeMap<ClientId, GpuClient>, Unavailable> {
    let query = Query::new()?;
    let running_time = query.add(RUNNING_TIME)?;
    // Nothing is said of memory where nothing counts it.
    let memory: Vec<PDH_HCOUNTER> = MEMORY.into_iter().filter_map(|path| query.add(path).ok()).collect();
    query.collect()?;
    let mut clients: BTreeMap<ClientId, GpuClient> = BTreeMap::new();
    let used = query.values(running_time)?;
    for (instance, hundreds_of_ns) in Instance::of(&used, processes) {
        let Some(engine) = instance.engine else { continue };
        let busy_ns = &mut clients.entry(instance.client).or_default().busy_ns;
        let sum = busy_ns.entry(engine).or_default();
        *sum = sum.saturating_add(hundreds_of_ns.saturating_mul(100));
    }
    for counter in memory {
        let resident = query.values(counter).unwrap_or_default();
        for (instance, bytes) in Instance::of(&resident, processes) {
            let sum = &mut clients.entry(instance.client).or_default().resident_bytes;
            *sum = Some(sum.unwrap_or_default().saturating_add(bytes));
        }
    }
    Ok(clients)
}

/// Which process, GPU and engine a counter is of, by its name.
#[derive(Debug, PartialEq, Eq)]
struct Instance {
    client: ClientId,
    engine: Option<String>,
}

impl Instance {
    /// Those of some processes, each with its value.
    fn of(values: &[Counted], processes: &[u32]) -> Vec<(Self, u64)> {
        let of_process = |counted: &Counted| {
            let instance = Self::parse(&counted.name)?;
            let Holder::Process(process) = instance.client.holder else { return None };
            processes.contains(&process).then_some((instance, counted.value))
        };
        values.iter().filter_map(of_process).collect()
    }

    /// As in `pid_4321_luid_0x00000000_0x0000C3D1_phys_0_eng_5_engtype_Compute`; of memory it ends after `phys`. What
    /// the driver calls 3D also computes, and is `render` on Linux.
    fn parse(name: &str) -> Option<Self> {
        let (process, rest) = name.strip_prefix("pid_")?.split_once('_')?;
        let (adapter, engine) = match rest.split_once("_eng_") {
            Some((adapter, engine)) => (adapter, Some(engine.split_once("_engtype_")?.1)),
            None => (rest, None),
        };
        let engine = engine.map(|kind| match kind {
            "3D" => "render".to_owned(),
            kind => kind.to_lowercase(),
        });
        let holder = Holder::Process(process.parse().ok()?);
        Some(Self { client: ClientId { pci_address: adapter.to_owned(), holder }, engine })
    }
}

/// A counter's value, as it was counted.
struct Counted {
    name: String,
    value: u64,
}

/// A set of counters that are read together.
struct Query {
    handle: PDH_HQUERY,
}

impl Query {
    fn new() -> Result<Self, Unavailable> {
        let mut handle: PDH_HQUERY = std::ptr::null_mut();
        // SAFETY: the source is this machine's counters, and the handle is written where it is pointed.
        succeeded(unsafe { PdhOpenQueryW(std::ptr::null(), 0, &raw mut handle) })?;
        Ok(Self { handle })
    }

    fn add(&self, path: &str) -> Result<PDH_HCOUNTER, Unavailable> {
        let path: Vec<u16> = path.encode_utf16().chain([0]).collect();
        let mut counter: PDH_HCOUNTER = std::ptr::null_mut();
        // SAFETY: the query is open, and the path ends with a zero; the counter is closed with its query.
        succeeded(unsafe { PdhAddEnglishCounterW(self.handle, path.as_ptr(), 0, &raw mut counter) })?;
        Ok(counter)
    }

    fn collect(&self) -> Result<(), Unavailable> {
        // SAFETY: the query is open.
        succeeded(unsafe { PdhCollectQueryData(self.handle) })
    }

    /// The values of a counter by instance.
    fn values(&self, counter: PDH_HCOUNTER) -> Result<Vec<Counted>, Unavailable> {
        let (mut bytes, mut count) = (0, 0);
        // SAFETY: without a buffer the size that one needs is written.
        let status =
            unsafe { PdhGetRawCounterArrayW(counter, &raw mut bytes, &raw mut count, std::ptr::null_mut()) };
        if status == ERROR_SUCCESS {
            return Ok(Vec::new());
        }
        if status != PDH_MORE_DATA {
            succeeded(status)?;
        }
        let size = usize::try_from(bytes).unwrap_or_default();
        let mut items =
            vec![PDH_RAW_COUNTER_ITEM_W::default(); size.div_ceil(size_of::<PDH_RAW_COUNTER_ITEM_W>())];
        // SAFETY: the buffer has the size that the system needs.
        succeeded(unsafe {
            PdhGetRawCounterArrayW(counter, &raw mut bytes, &raw mut count, items.as_mut_ptr())
        })?;
        let count = usize::try_from(count).unwrap_or_default().min(items.len());
        let named = |item: &PDH_RAW_COUNTER_ITEM_W| Counted {
            // SAFETY: a name lies behind the items in the same buffer, and ends with a zero.
            name: unsafe { text_at(item.szName) },
            value: u64::try_from(item.RawValue.FirstValue).unwrap_or_default(),
        };
        Ok(items[..count].iter().map(named).collect())
    }
}

impl Drop for Query {
    fn drop(&mut self) {
        // SAFETY: the query is open, and nobody uses it or its counters from here on.
        unsafe { PdhCloseQuery(self.handle) };
    }
}

/// # Safety
/// The text must end with a zero.
unsafe fn text_at(text: *const u16) -> String {
    let mut letters = Vec::new();
    let mut at = text;
    // SAFETY: no letter behind the zero is read.
    while let letter @ 1.. = unsafe { *at } {
        letters.push(letter);
        // SAFETY: the text goes on to its zero at least.
        at = unsafe { at.add(1) };
    }
    String::from_utf16_lossy(&letters)
}

fn succeeded(status: u32) -> Result<(), Unavailable> {
    if status == ERROR_SUCCESS {
        return Ok(());
    }
    Err(Unavailable::because(format!("Windows has no counters of GPUs (PDH status 0x{status:08x})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(name: &str, value: u64) -> Counted {
        Counted { name: name.to_owned(), value }
    }

    #[test]
    fn a_counter_s_name_says_whose_it_is() {
        let engine = Instance::parse("pid_4321_luid_0x00000000_0x0000C3D1_phys_0_eng_5_engtype_Compute");
        let engine = engine.unwrap();
        assert_eq!(engine.client.pci_address, "luid_0x00000000_0x0000C3D1_phys_0");
        assert_eq!(
            (engine.client.holder, engine.engine.as_deref()),
            (Holder::Process(4321), Some("compute"))
        );
        let memory = Instance::parse("pid_4321_luid_0x00000000_0x0000C3D1_phys_0").unwrap();
        assert_eq!((memory.client, memory.engine), (engine.client, None));
        let drawing = Instance::parse("pid_7_luid_0x0_0x1_phys_0_eng_0_engtype_3D").unwrap();
        assert_eq!(drawing.engine.as_deref(), Some("render"), "as what computes is called on Linux");
        for other in ["", "_Total", "pid_", "pid_x_luid_0", "pid_7_luid_0_eng_3"] {
            assert_eq!(Instance::parse(other), None, "{other}");
        }
    }

    #[test]
    fn only_counters_of_the_worker_and_what_it_started_count() {
        let values = [
            counted("pid_7_luid_0x0_0x1_phys_0_eng_0_engtype_Compute", 5),
            counted("pid_71_luid_0x0_0x1_phys_0_eng_0_engtype_Compute", 6),
            counted("pid_8_luid_0x0_0x1_phys_0_eng_1_engtype_Copy", 7),
        ];
        let found: Vec<u64> = Instance::of(&values, &[7, 8]).into_iter().map(|(_, value)| value).collect();
        assert_eq!(found, [5, 7]);
    }

    #[test]
    fn without_such_counters_nothing_is_observed_and_nothing_is_zero() {
        let root = SysfsRoot::this_machine();
        if let Ok(clients) = clients_of(&root, &[std::process::id()]) {
            assert!(
                clients.values().all(|client| !client.busy_ns.is_empty() || client.resident_bytes.is_some())
            );
        }
    }
}
