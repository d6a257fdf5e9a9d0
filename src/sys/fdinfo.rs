//! What the kernel reports of a process's use of an Intel GPU: `/proc/PID/fdinfo`, as the xe and i915
//! drivers document it. Tested on fixtures.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::sys::{SysfsRoot, Unavailable};

/// The clients of the GPU that these processes hold, each once, however many descriptors lead to it.
///
/// # Errors
/// When none of the processes may be looked at, or all have ended.
pub fn clients_of(root: &SysfsRoot, processes: &[u32]) -> Result<BTreeMap<ClientId, GpuClient>, Unavailable> {
    let mut clients = BTreeMap::new();
    let mut was_read = false;
    let mut reason = Unavailable::because("there is no process to look at");
    for process in processes {
        match add_clients_of(root, *process, &mut clients) {
            Ok(()) => was_read = true,
            Err(unavailable) => reason = unavailable,
        }
    }
    if was_read { Ok(clients) } else { Err(reason) }
}

/// A process and all that it started, directly or not, and that still run.
pub fn family(root: &SysfsRoot, process: u32) -> Vec<u32> {
    let mut family = vec![process];
    let mut at = 0;
    while let Some(parent) = family.get(at).copied() {
        at += 1;
        // Every thread may have started some.
        for thread in root.entries(&format!("proc/{parent}/task")).unwrap_or_default() {
            let children = root.text(&format!("proc/{parent}/task/{thread}/children")).unwrap_or_default();
            for child in children.split(' ').filter_map(|child| child.parse().ok()) {
                // A number that was given again must not lead in a circle.
                if !family.contains(&child) {
                    family.push(child);
                }
            }
        }
    }
    family
}

/// Which client of a device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId {
    /// As in `0000:00:02.0`.
    pub pci_address: String,
    /// Which of its clients.
    pub holder: Holder,
}

/// How a client is distinguished from the others of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// By the kernel's number.
    Client(u64),
    /// By its process, where the kernel gives no number. A library duplicates its descriptors, and nothing distinguishes a
    /// duplicate from a second client: the one that has worked most stands for all of the process.
    Process(u32),
}

/// What a client has used. An engine that the kernel does not name is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GpuClient {
    /// Cycles in which an engine worked for it (xe), by class: rcs, ccs, bcs, vcs, vecs.
    pub busy_cycles: BTreeMap<String, u64>,
    /// All cycles of that engine until now, busy or not (xe).
    pub total_cycles: BTreeMap<String, u64>,
    /// Time in which an engine worked for it (i915), ns, by class: render, copy, video, compute.
    pub busy_ns: BTreeMap<String, u64>,
    /// Its memory that is resident, of all regions, bytes; None where the kernel does not report.
    pub resident_bytes: Option<u64>,
}

impl GpuClient {
    /// What engines that can compute have done for it: cycles or ns, whichever its driver reports.
    fn computed(&self) -> u64 {
        compute_work(&self.busy_cycles, &self.busy_ns)
    }
}

/// The work of the engines that can compute, out of cycles (xe) and times (i915) by class.
pub fn compute_work(busy_cycles: &BTreeMap<String, u64>, busy_ns: &BTreeMap<String, u64>) -> u64 {
    let cycles = ["rcs", "ccs"].iter().filter_map(|engine| busy_cycles.get(*engine));
    let times = ["render", "compute"].iter().filter_map(|engine| busy_ns.get(*engine));
    cycles.chain(times).copied().fold(0, u64::saturating_add)
}

/// Adds the clients of a process to those that are known.
fn add_clients_of(
    root: &SysfsRoot,
    process: u32,
    clients: &mut BTreeMap<ClientId, GpuClient>,
) -> Result<(), Unavailable> {
    let folder = format!("proc/{process}/fdinfo");
    for descriptor in root.entries(&folder)? {
        // Reading a link costs less than a file of this folder, and most lead elsewhere.
        let target = root.link(&format!("proc/{process}/fd/{descriptor}"));
        if target.as_ref().is_some_and(|target| !target.to_string_lossy().contains("/dri/")) {
            continue;
        }
        // A descriptor may be closed while the folder is read.
        let Ok(text) = root.text(&format!("{folder}/{descriptor}")) else { continue };
        let node = || address_of_node(root, target.as_ref()?.file_name()?.to_str()?);
        let Some((id, client)) = parse(&text, process, node) else { continue };
        match clients.entry(id) {
            Entry::Occupied(known) if known.get().computed() > client.computed() => {}
            Entry::Occupied(mut known) => drop(known.insert(client)),
            Entry::Vacant(place) => drop(place.insert(client)),
        }
    }
    Ok(())
}

/// The PCI address of the device behind a node such as `renderD128`.
fn address_of_node(root: &SysfsRoot, node: &str) -> Option<String> {
    let uevent = root.text(&format!("sys/class/drm/{node}/device/uevent")).ok()?;
    uevent.lines().find_map(|line| line.strip_prefix("PCI_SLOT_NAME=")).map(str::to_owned)
}

/// A descriptor's text, where it is that of a GPU's client and of no other vendor's driver. A client
/// that does not name its driver, its device or its number is read all the same, at the address of its node.
fn parse(
    text: &str,
    process: u32,
    address_of_node: impl FnOnce() -> Option<String>,
) -> Option<(ClientId, GpuClient)> {
    let lines =
        || text.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key, value.trim()));
    let reported = |key: &str| lines().find(|(name, _)| *name == key).map(|(_, value)| value);
    if !matches!(reported("drm-driver"), None | Some("xe" | "i915")) {
        return None;
    }
    let number = reported("drm-client-id").and_then(|number| number.parse().ok());
    let mut client = GpuClient::default();
    for (key, value) in lines() {
        if let Some(engine) = key.strip_prefix("drm-cycles-") {
            insert(&mut client.busy_cycles, engine, value.parse().ok());
        } else if let Some(engine) = key.strip_prefix("drm-total-cycles-") {
            insert(&mut client.total_cycles, engine, value.parse().ok());
        } else if let Some(engine) = key.strip_prefix("drm-engine-") {
            // How many engines a class has stands under such a key too, without a unit.
            let ns = value.strip_suffix("ns").and_then(|number| number.trim().parse().ok());
            insert(&mut client.busy_ns, engine, ns);
        } else if let Some(more) = key.strip_prefix("drm-resident-").and_then(|_| bytes(value)) {
            client.resident_bytes = Some(client.resident_bytes.unwrap_or_default().saturating_add(more));
        }
    }
    if number.is_none() && client == GpuClient::default() {
        return None;
    }
    let pci_address = reported("drm-pdev").map(str::to_owned).or_else(address_of_node)?;
    Some((ClientId { pci_address, holder: number.map_or(Holder::Process(process), Holder::Client) }, client))
}

fn insert(engines: &mut BTreeMap<String, u64>, engine: &str, value: Option<u64>) {
    if let Some(value) = value {
        engines.insert(engine.to_owned(), value);
    }
}

/// `192 KiB`, `16 MiB`, `1 GiB`, or plain bytes.
fn bytes(value: &str) -> Option<u64> {
    let mut parts = value.split_whitespace();
    let number: u64 = parts.next()?.parse().ok()?;
    let unit: u64 = match parts.next() {
        None => 1,
        Some("KiB") => 1 << 10,
        Some("MiB") => 1 << 20,
        Some("GiB") => 1 << 30,
        Some(_) => return None,
    };
    number.checked_mul(unit)
}

/// A process without a client is looked at again in every so manyth scan: a desktop has hundreds of
/// them, and looking must not become the load that it looks for.
const SCANS_PER_ROUND: u32 = 10;

/// Other clients of the measured GPU between two scans. Until the worker has opened a GPU, and where
/// there is no worker, every GPU counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherGpuUse {
    /// How many there are.
    pub clients: usize,
    /// The share of the time since the last scan in which engines worked for them, summed over
    /// clients and engines, so that it can be above 1; None in the first scan, and where the kernel does
    /// not show what the engines did for one of them. A client counts from the second scan that sees it.
    pub busy_share: Option<f64>,
    /// Processes that this user may not look at: what they do on the GPU is not in the share.
    pub hidden_processes: usize,
}

/// Finds them, scan after scan.
#[derive(Debug, Default)]
pub struct OtherClients {
    scans: u32,
    /// Processes that were looked at, and whether they had a client.
    known: BTreeMap<u32, bool>,
    hidden: BTreeSet<u32>,
    /// Addresses of the GPUs whose other clients count; empty while none is known. It is kept when the
    /// worker ends, since the scan after its end covers the time before it.
    measured: BTreeSet<String>,
    previous: Option<Scan>,
}

#[derive(Debug)]
struct Scan {
    at_ns: u64,
    clients: BTreeMap<ClientId, GpuClient>,
}

impl OtherClients {
    /// Looks at all processes but those of `own`, and leaves out the clients that `own` shares.
    ///
    /// # Errors
    /// When the processes cannot be listed.
    pub fn scan(
        &mut self,
        root: &SysfsRoot,
        at_ns: u64,
        own: &[u32],
        own_clients: &BTreeMap<ClientId, GpuClient>,
    ) -> Result<OtherGpuUse, Unavailable> {
        let processes: BTreeSet<u32> = root.numbered("proc", "")?.into_iter().collect();
        self.known.retain(|process, _| processes.contains(process));
        self.hidden.retain(|process| processes.contains(process));
        let turn = self.scans % SCANS_PER_ROUND;
        self.scans = self.scans.wrapping_add(1);
        let mut clients = BTreeMap::new();
        for process in processes.into_iter().filter(|process| !own.contains(process)) {
            let is_due = process % SCANS_PER_ROUND == turn;
            if !is_due && (self.known.get(&process) == Some(&false) || self.hidden.contains(&process)) {
                continue;
            }
            let mut its = BTreeMap::new();
            if add_clients_of(root, process, &mut its).is_ok() {
                self.hidden.remove(&process);
                self.known.insert(process, !its.is_empty());
                clients.extend(its);
            } else if root.has(&format!("proc/{process}")) {
                self.hidden.insert(process);
            }
        }
        clients.retain(|id, _| !own_clients.contains_key(id));
        if !own_clients.is_empty() {
            self.measured = measured_gpus(own_clients);
        }
        let counts = |id: &ClientId| self.measured.is_empty() || self.measured.contains(&id.pci_address);
        let counted = || clients.iter().filter(|(id, _)| counts(id));
        let busy_share = self.previous.as_ref().and_then(|previous| {
            let elapsed_ns = at_ns.saturating_sub(previous.at_ns);
            let seen_twice = counted().filter_map(|(id, now)| Some((previous.clients.get(id)?, now)));
            seen_twice.map(|(before, now)| busy_share(before, now, elapsed_ns)).sum()
        });
        let found =
            OtherGpuUse { clients: counted().count(), busy_share, hidden_processes: self.hidden.len() };
        self.previous = Some(Scan { at_ns, clients });
        Ok(found)
    }
}

/// The GPU on which these clients have computed most. A runtime opens every GPU of the machine before it
/// computes on one, so until then each that is open may be it.
fn measured_gpus(own: &BTreeMap<ClientId, GpuClient>) -> BTreeSet<String> {
    let mut work: BTreeMap<&str, u64> = BTreeMap::new();
    for (id, client) in own {
        let sum = work.entry(&id.pci_address).or_default();
        *sum = sum.saturating_add(client.computed());
    }
    let most = work.values().copied().max().unwrap_or_default();
    work.retain(|_, done| *done == most);
    work.into_keys().map(str::to_owned).collect()
}

/// The share of an interval in which engines worked for a client, summed over its engines; None where the
/// kernel shows none of them, as older ones and those of a virtual GPU do.
fn busy_share(before: &GpuClient, now: &GpuClient, elapsed_ns: u64) -> Option<f64> {
    let is_shown = |engine: &String| now.total_cycles.contains_key(engine);
    if now.busy_ns.is_empty() && !now.busy_cycles.keys().any(is_shown) {
        return None;
    }
    let grown = |before: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>, engine: &str| {
        Some(now.get(engine)?.saturating_sub(*before.get(engine)?))
    };
    let cycles = now.busy_cycles.keys().filter_map(|engine| {
        let busy = grown(&before.busy_cycles, &now.busy_cycles, engine)?;
        share(busy, grown(&before.total_cycles, &now.total_cycles, engine)?)
    });
    let times = now
        .busy_ns
        .keys()
        .filter_map(|engine| share(grown(&before.busy_ns, &now.busy_ns, engine)?, elapsed_ns));
    Some(cycles.chain(times).sum())
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::{clients_of, *};
    use crate::sys::kernel_tree::{PCI, Tree, i915_client, xe_client};

    #[test]
    fn several_descriptors_of_one_client_count_once() {
        let tree = Tree::new()
            .client(7, 3, &xe_client(1, 10, 100, 64))
            .client(7, 4, &xe_client(1, 10, 100, 64))
            .client(7, 5, &xe_client(2, 30, 100, 64))
            .client(7, 6, "pos:\t0\nflags:\t02\n")
            .client(8, 3, &xe_client(1, 10, 100, 64));
        let clients = clients_of(&tree.root(), &[7, 8]).unwrap();
        assert_eq!(clients.len(), 2);
        assert_eq!(clients.values().map(|client| client.busy_cycles["ccs"]).sum::<u64>(), 40);
    }

    #[test]
    fn a_process_without_the_gpu_has_no_client_and_one_that_ended_is_unknown() {
        let tree = Tree::new().client(7, 3, "pos:\t0\n");
        assert!(clients_of(&tree.root(), &[7]).unwrap().is_empty());
        assert!(clients_of(&tree.root(), &[9]).is_err());
        assert!(clients_of(&tree.root(), &[9, 7]).is_ok(), "one of them can be looked at");
    }

    #[test]
    fn a_descriptor_that_leads_elsewhere_is_not_opened() {
        let tree =
            Tree::new().client(7, 3, &xe_client(1, 10, 100, 64)).client(7, 4, &xe_client(2, 9, 100, 64));
        std::fs::create_dir_all(tree.path("proc/7/fd")).unwrap();
        crate::sys::symlink("/tmp/log", tree.path("proc/7/fd/3")).unwrap();
        crate::sys::symlink("/dev/dri/renderD128", tree.path("proc/7/fd/4")).unwrap();
        let clients = clients_of(&tree.root(), &[7]).unwrap();
        assert_eq!(clients.values().map(|client| client.busy_cycles["ccs"]).collect::<Vec<_>>(), [9]);
    }

    #[test]
    fn children_belong_to_the_family() {
        let tree = Tree::new()
            .file("proc/7/task/7/children", "8 ")
            .file("proc/7/task/70/children", "9 ")
            .file("proc/9/task/9/children", "10 7 ");
        assert_eq!(family(&tree.root(), 7), [7, 8, 9, 10]);
        assert_eq!(family(&tree.root(), 99), [99]);
    }

    fn parse(text: &str) -> Option<(ClientId, GpuClient)> {
        super::parse(text, 7, || None)
    }

    #[test]
    fn xe_tells_cycles_and_the_memory_of_all_regions() {
        let (id, client) = parse(&xe_client(3, 500, 9_000, 192)).unwrap();
        assert_eq!(id, ClientId { pci_address: PCI.to_owned(), holder: Holder::Client(3) });
        assert_eq!(client.busy_cycles, [("ccs".to_owned(), 500), ("rcs".to_owned(), 0)].into());
        assert_eq!(client.total_cycles["ccs"], 9_000);
        assert_eq!(client.resident_bytes, Some((192 << 10) + (1 << 20)));
        assert!(client.busy_ns.is_empty());
    }

    #[test]
    fn i915_tells_nanoseconds() {
        let (_, client) = parse(&i915_client(4, 70)).unwrap();
        assert_eq!(client.busy_ns, [("copy".to_owned(), 0), ("render".to_owned(), 70)].into());
        assert_eq!(client.resident_bytes, Some((2 << 20) + 4096));
        assert!(client.busy_cycles.is_empty());
    }

    #[test]
    fn what_is_no_number_is_left_out_and_not_zero() {
        let text = "drm-driver:\txe\ndrm-client-id:\t1\ndrm-pdev:\tp\ndrm-cycles-ccs:\t?\n\
                    drm-engine-render:\t5 ms\ndrm-resident-gtt:\t3 TiB\ndrm-resident-vram0:\t-1\n";
        let (_, client) = parse(text).unwrap();
        assert_eq!(client, GpuClient::default());
    }

    #[test]
    fn other_drivers_and_descriptors_are_no_clients() {
        assert!(parse("drm-driver:\tamdgpu\ndrm-client-id:\t1\ndrm-pdev:\tp\n").is_none());
        assert!(parse("drm-driver:\txe\ndrm-pdev:\tp\n").is_none(), "it has used nothing");
        assert!(parse("pos:\t0\nflags:\t02\n").is_none());
    }

    #[test]
    fn a_client_that_does_not_name_its_driver_or_device_is_read_all_the_same() {
        let unnamed = xe_client(3, 500, 9_000, 192).replace("drm-driver:\txe\n", "");
        assert_eq!(parse(&unnamed), parse(&xe_client(3, 500, 9_000, 192)));
        let nowhere = unnamed.replace(&format!("drm-pdev:\t{PCI}\n"), "");
        assert!(parse(&nowhere).is_none(), "nothing says on which GPU it works");
        let tree = Tree::new()
            .client(7, 3, &nowhere)
            .file("sys/class/drm/renderD129/device/uevent", "DRIVER=xe\nPCI_SLOT_NAME=0000:03:00.0\n");
        std::fs::create_dir_all(tree.path("proc/7/fd")).unwrap();
        crate::sys::symlink("/dev/dri/renderD129", tree.path("proc/7/fd/3")).unwrap();
        let clients = clients_of(&tree.root(), &[7]).unwrap();
        let found: Vec<_> = clients.keys().map(|id| (id.pci_address.as_str(), id.holder)).collect();
        assert_eq!(found, [("0000:03:00.0", Holder::Client(3))]);
    }

    #[test]
    fn a_client_without_a_number_counts_once_for_its_process() {
        let unnumbered = |ccs, total| xe_client(3, ccs, total, 64).replace("drm-client-id:\t3\n", "");
        let tree = Tree::new()
            .client(7, 3, &xe_client(1, 10, 100, 64))
            .client(8, 3, &unnumbered(400, 1_000))
            .client(8, 4, &unnumbered(400, 1_000))
            .client(8, 5, &unnumbered(0, 1_000))
            .client(9, 3, &unnumbered(100, 1_000));
        let found = clients_of(&tree.root(), &[8]).unwrap();
        assert_eq!(found.values().map(|client| client.busy_cycles["ccs"]).collect::<Vec<_>>(), [400]);
        let mut others = OtherClients::default();
        assert_eq!(scan(&mut others, &tree, 0, &[7]).clients, 2);
        for descriptor in ["proc/8/fdinfo/3", "proc/8/fdinfo/4"] {
            tree.write(descriptor, &unnumbered(650, 2_000));
        }
        assert_eq!(scan(&mut others, &tree, 1_000, &[7]).busy_share, Some(0.25));
        assert_eq!(scan(&mut OtherClients::default(), &tree, 0, &[7, 8]).clients, 1, "those of the worker");
    }

    #[test]
    fn every_unit_of_memory_is_understood() {
        let read = ["7", "7 KiB", "7 MiB", "7 GiB"].map(bytes);
        assert_eq!(read, [Some(7), Some(7 << 10), Some(7 << 20), Some(7 << 30)]);
        assert_eq!(bytes(&format!("{} GiB", u64::MAX)), None);
    }

    fn scan(others: &mut OtherClients, tree: &Tree, at_ns: u64, own: &[u32]) -> OtherGpuUse {
        let own_clients = clients_of(&tree.root(), own).unwrap_or_default();
        others.scan(&tree.root(), at_ns, own, &own_clients).unwrap()
    }

    #[test]
    fn only_the_work_of_others_between_two_scans_counts() {
        let tree = Tree::new()
            .client(7, 3, &xe_client(1, 0, 0, 1))
            .client(8, 3, &xe_client(2, 500, 0, 1))
            .client(9, 3, &i915_client(3, 100));
        let mut others = OtherClients::default();
        let first = scan(&mut others, &tree, 0, &[7]);
        assert_eq!(first, OtherGpuUse { clients: 2, busy_share: None, hidden_processes: 0 });
        tree.write("proc/7/fdinfo/3", &xe_client(1, 990, 1_000, 1));
        tree.write("proc/8/fdinfo/3", &xe_client(2, 600, 1_000, 1));
        tree.write("proc/9/fdinfo/3", &i915_client(3, 350));
        let share = scan(&mut others, &tree, 1_000, &[7]).busy_share.unwrap();
        assert!((share - (0.1 + 0.25)).abs() < 1e-12, "{share}");
    }

    #[test]
    fn a_client_whose_engines_the_kernel_does_not_show_makes_the_share_unknown_and_not_zero() {
        let engines = |text: &str| text.starts_with("drm-cycles") || text.starts_with("drm-total-cycles");
        let without =
            |text: &str| -> String { text.split_inclusive('\n').filter(|line| !engines(line)).collect() };
        let tree = Tree::new()
            .client(7, 3, &xe_client(1, 10, 0, 1))
            .client(8, 3, &without(&xe_client(2, 0, 0, 1)))
            .client(9, 3, &xe_client(3, 0, 0, 1));
        let mut others = OtherClients::default();
        assert_eq!(scan(&mut others, &tree, 0, &[7]).clients, 2);
        tree.write("proc/9/fdinfo/3", &xe_client(3, 100, 1_000, 1));
        let second = scan(&mut others, &tree, 1_000, &[7]);
        assert_eq!((second.clients, second.busy_share), (2, None));
        tree.remove("proc/8");
        tree.write("proc/9/fdinfo/3", &xe_client(3, 200, 2_000, 1));
        assert_eq!(scan(&mut others, &tree, 2_000, &[7]).busy_share, Some(0.1));
    }

    #[test]
    fn a_client_that_another_process_holds_too_is_still_one_s_own() {
        let tree = Tree::new().client(7, 3, &xe_client(1, 0, 0, 1)).client(8, 9, &xe_client(1, 0, 0, 1));
        assert_eq!(scan(&mut OtherClients::default(), &tree, 0, &[7]).clients, 0);
    }

    #[test]
    fn work_on_another_gpu_is_no_share_of_the_measured_one() {
        // A desktop is drawn on the integrated GPU; the worker has opened both and computes on the other.
        let integrated = |client: String| client.replace(PCI, "0000:99:02.0");
        let tree = Tree::new()
            .client(7, 3, &xe_client(1, 10, 0, 1))
            .client(7, 4, &integrated(i915_client(4, 0)))
            .client(8, 3, &xe_client(2, 0, 0, 1))
            .client(9, 3, &integrated(i915_client(3, 0)));
        let mut others = OtherClients::default();
        assert_eq!(scan(&mut others, &tree, 0, &[7]).clients, 1);
        tree.write("proc/8/fdinfo/3", &xe_client(2, 100, 1_000, 1));
        tree.write("proc/9/fdinfo/3", &integrated(i915_client(3, 900)));
        assert_eq!(scan(&mut others, &tree, 1_000, &[7]).busy_share, Some(0.1));
        tree.remove("proc/7");
        tree.write("proc/9/fdinfo/3", &integrated(i915_client(3, 1_800)));
        assert_eq!(scan(&mut others, &tree, 2_000, &[7]).busy_share, Some(0.0), "the worker has ended");
    }

    #[test]
    fn until_the_worker_has_computed_every_gpu_that_it_has_opened_counts() {
        let second = |client: String| client.replace(PCI, "0000:99:02.0");
        let tree = Tree::new()
            .client(7, 3, &xe_client(1, 0, 0, 1))
            .client(7, 4, &second(xe_client(1, 0, 0, 1)))
            .client(8, 3, &xe_client(2, 0, 0, 1))
            .client(9, 3, &second(xe_client(2, 0, 0, 1)))
            .client(10, 3, &xe_client(2, 0, 0, 1).replace(PCI, "0000:aa:00.0"));
        let mut others = OtherClients::default();
        assert_eq!(scan(&mut others, &tree, 0, &[]).clients, 5, "without a worker");
        assert_eq!(scan(&mut others, &tree, 1, &[7]).clients, 2);
        tree.write("proc/7/fdinfo/4", &second(xe_client(1, 5, 10, 1)));
        assert_eq!(scan(&mut others, &tree, 2, &[7]).clients, 1);
    }

    #[test]
    fn a_client_that_comes_counts_from_its_second_scan_and_one_that_goes_takes_nothing_away() {
        let tree = Tree::new().client(8, 3, &xe_client(2, 500, 1_000, 1));
        let mut others = OtherClients::default();
        scan(&mut others, &tree, 0, &[]);
        tree.write("proc/9/fdinfo/3", &xe_client(3, 700, 2_000, 1));
        tree.remove("proc/8");
        let later = scan(&mut others, &tree, 1, &[]);
        assert_eq!((later.clients, later.busy_share), (1, Some(0.0)));
        tree.write("proc/9/fdinfo/3", &xe_client(3, 1_700, 4_000, 1));
        assert_eq!(scan(&mut others, &tree, 2, &[]).busy_share, Some(0.5));
    }

    #[test]
    fn a_process_that_takes_up_the_gpu_is_found_within_a_round() {
        let tree = Tree::new().client(8, 3, "pos:\t0\n");
        let mut others = OtherClients::default();
        assert_eq!(scan(&mut others, &tree, 0, &[]).clients, 0);
        tree.write("proc/8/fdinfo/4", &xe_client(2, 0, 0, 1));
        let found: Vec<usize> = (1..=10).map(|at| scan(&mut others, &tree, at, &[]).clients).collect();
        assert_eq!(found.last(), Some(&1));
        assert!(found.contains(&0), "it is not looked at every time: {found:?}");
    }

    #[test]
    fn processes_that_may_not_be_looked_at_are_counted() {
        let tree = Tree::new().file("proc/5/status", "").client(8, 3, "pos:\t0\n").file("proc/meminfo", "");
        assert_eq!(scan(&mut OtherClients::default(), &tree, 0, &[]).hidden_processes, 1);
        assert!(OtherClients::default().scan(&Tree::new().root(), 0, &[], &BTreeMap::new()).is_err());
    }
}
