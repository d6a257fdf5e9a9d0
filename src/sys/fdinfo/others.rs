//! How much other programs use the GPU while one is measured.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::client::{ClientId, GpuClient, add_clients_of};
use crate::sys::{SysfsRoot, Unavailable};

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
    /// clients and engines, so that it can be above 1; None in the first scan. A client counts from
    /// the second scan that sees it.
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
        let busy_share = self.previous.as_ref().map(|previous| {
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

/// The share of an interval in which engines worked for a client, summed over its engines.
fn busy_share(before: &GpuClient, now: &GpuClient, elapsed_ns: u64) -> f64 {
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
    cycles.chain(times).sum()
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::fdinfo::clients_of;
    use crate::sys::kernel_tree::{PCI, Tree, i915_client, xe_client};

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
