//! One client of the GPU, and the descriptors of a process that lead to it.

use std::collections::BTreeMap;

use crate::measure::{SysfsRoot, Unavailable};

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
    /// Its memory that is resident, of all regions, bytes; None where the kernel does not tell.
    pub resident_bytes: Option<u64>,
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
        if target.is_some_and(|target| !target.to_string_lossy().contains("/dri/")) {
            continue;
        }
        // A descriptor may be closed while the folder is read.
        let Ok(text) = root.text(&format!("{folder}/{descriptor}")) else { continue };
        clients.extend(parse(&text));
    }
    Ok(())
}

/// A descriptor's text, where it is that of an Intel GPU.
fn parse(text: &str) -> Option<(ClientId, GpuClient)> {
    let lines =
        || text.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key, value.trim()));
    let told = |key: &str| lines().find(|(name, _)| *name == key).map(|(_, value)| value);
    if !matches!(told("drm-driver")?, "xe" | "i915") {
        return None;
    }
    let id =
        ClientId { pci_address: told("drm-pdev")?.to_owned(), number: told("drm-client-id")?.parse().ok()? };
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
    use crate::measure::guard::tests::{PCI, i915_client, xe_client};

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
    fn every_unit_of_memory_is_understood() {
        let read = ["7", "7 KiB", "7 MiB", "7 GiB"].map(bytes);
        assert_eq!(read, [Some(7), Some(7 << 10), Some(7 << 20), Some(7 << 30)]);
        assert_eq!(bytes(&format!("{} GiB", u64::MAX)), None);
    }
}
