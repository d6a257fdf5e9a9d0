//! One client of the GPU, and the descriptors of a process that lead to it.

use std::collections::BTreeMap;

use crate::sys::{SysfsRoot, Unavailable};

/// Which client: the kernel counts them for each device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId {
    /// As in `0000:00:02.0`.
    pub pci_address: String,
    /// The kernel's number.
    pub number: u64,
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
    pub(super) fn computed(&self) -> u64 {
        compute_work(&self.busy_cycles, &self.busy_ns)
    }
}

/// The work of the engines that can compute, out of cycles (xe) and times (i915) by class.
#[must_use]
pub fn compute_work(busy_cycles: &BTreeMap<String, u64>, busy_ns: &BTreeMap<String, u64>) -> u64 {
    let cycles = ["rcs", "ccs"].iter().filter_map(|engine| busy_cycles.get(*engine));
    let times = ["render", "compute"].iter().filter_map(|engine| busy_ns.get(*engine));
    cycles.chain(times).copied().fold(0, u64::saturating_add)
}

/// Adds the clients of a process to those that are known.
pub(super) fn add_clients_of(
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
        clients.extend(parse(&text, node));
    }
    Ok(())
}

/// The PCI address of the device behind a node such as `renderD128`.
fn address_of_node(root: &SysfsRoot, node: &str) -> Option<String> {
    let uevent = root.text(&format!("sys/class/drm/{node}/device/uevent")).ok()?;
    uevent.lines().find_map(|line| line.strip_prefix("PCI_SLOT_NAME=")).map(str::to_owned)
}

/// A descriptor's text, where it is that of a GPU's client and of no other vendor's driver. A client
/// that does not name its driver or its device is read all the same, at the address of its node.
fn parse(text: &str, address_of_node: impl FnOnce() -> Option<String>) -> Option<(ClientId, GpuClient)> {
    let lines =
        || text.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key, value.trim()));
    let reported = |key: &str| lines().find(|(name, _)| *name == key).map(|(_, value)| value);
    if !matches!(reported("drm-driver"), None | Some("xe" | "i915")) {
        return None;
    }
    let number = reported("drm-client-id")?.parse().ok()?;
    let pci_address = reported("drm-pdev").map(str::to_owned).or_else(address_of_node)?;
    let id = ClientId { pci_address, number };
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
    Some((id, client))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::fdinfo::clients_of;
    use crate::sys::kernel_tree::{PCI, Tree, i915_client, xe_client};

    fn parse(text: &str) -> Option<(ClientId, GpuClient)> {
        super::parse(text, || None)
    }

    #[test]
    fn xe_tells_cycles_and_the_memory_of_all_regions() {
        let (id, client) = parse(&xe_client(3, 500, 9_000, 192)).unwrap();
        assert_eq!(id, ClientId { pci_address: PCI.to_owned(), number: 3 });
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
        assert!(parse("drm-driver:\txe\ndrm-pdev:\tp\n").is_none(), "it has no number");
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
        std::os::unix::fs::symlink("/dev/dri/renderD129", tree.path("proc/7/fd/3")).unwrap();
        let clients = clients_of(&tree.root(), &[7]).unwrap();
        let found: Vec<_> = clients.keys().map(|id| (id.pci_address.as_str(), id.number)).collect();
        assert_eq!(found, [("0000:03:00.0", 3)]);
    }

    #[test]
    fn every_unit_of_memory_is_understood() {
        let read = ["7", "7 KiB", "7 MiB", "7 GiB"].map(bytes);
        assert_eq!(read, [Some(7), Some(7 << 10), Some(7 << 20), Some(7 << 30)]);
        assert_eq!(bytes(&format!("{} GiB", u64::MAX)), None);
    }
}
