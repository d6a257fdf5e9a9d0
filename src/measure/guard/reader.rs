//! Takes readings: a few dozen small files each.

use std::collections::BTreeMap;

use crate::measure::guard::load::{self, Resource, Waiting};
use crate::measure::guard::{CpuPolicy, MachineFacts, MachineReading, Phase, Temperatures, WorkerGpuUse};
use crate::measure::guard::{cpu, gpu, power};
use crate::sys::fdinfo::{ClientId, GpuClient, OtherClients, clients_of, family};
use crate::sys::{SysfsRoot, Unavailable};

/// Reads one machine, again and again.
#[derive(Debug)]
pub struct MachineReader {
    root: SysfsRoot,
    worker: Option<u32>,
    memory_events: Result<String, Unavailable>,
    others: OtherClients,
}

impl MachineReader {
    /// A reader of the machine; the worker may be named later.
    #[must_use]
    pub fn new(root: SysfsRoot, worker: Option<u32>) -> Self {
        // A child is in its parent's group, so the group is known before the worker is.
        let memory_events = load::memory_events_file(&root, worker);
        Self { root, worker, memory_events, others: OtherClients::default() }
    }

    /// Names the process whose use of the GPU is read.
    pub fn set_worker(&mut self, process: u32) {
        self.worker = Some(process);
    }

    /// What should not change.
    #[must_use]
    pub fn facts(&self) -> MachineFacts {
        let root = &self.root;
        MachineFacts {
            cpu: CpuPolicy::read(root),
            platform_profile: power::platform_profile(root).into(),
            gpus: gpu::facts(root).into(),
            energy_range_microjoules: power::energy_range_microjoules(root).into(),
        }
    }

    /// The machine now.
    pub fn read(&mut self, at_ns: u64, phase: Phase) -> MachineReading {
        let root = &self.root;
        let gpus = gpu::readings(root);
        let own = self.worker.map_or_else(Vec::new, |worker| family(root, worker));
        let clients = match self.worker {
            Some(_) => clients_of(root, &own),
            None => Err(Unavailable::because("there was no worker yet")),
        };
        // Without a GPU there is no one to look for.
        let other_gpu = match &gpus {
            Ok(_) => self.others.scan(root, at_ns, &own, clients.as_ref().unwrap_or(&BTreeMap::new())),
            Err(reason) => Err(reason.clone()),
        };
        let kills = self.memory_events.as_ref().map_err(Clone::clone);
        MachineReading {
            at_ns,
            phase,
            temperatures_celsius: Temperatures::read(root).into(),
            cpu_throttle_count: cpu::throttle_count(root).into(),
            is_on_ac_power: power::on_ac_power(root).into(),
            cpu_some_avg10_percent: pressure(root, Resource::Cpu, Waiting::Some).into(),
            memory_full_avg10_percent: pressure(root, Resource::Memory, Waiting::Full).into(),
            io_some_avg10_percent: pressure(root, Resource::Io, Waiting::Some).into(),
            pages_swapped_in: load::pages_swapped_in(root).into(),
            oom_kills: kills.and_then(|file| load::oom_kills(root, file)).into(),
            energy_microjoules: power::energy_microjoules(root).into(),
            worker_gpus: clients.as_ref().map(usage_of).map_err(Clone::clone).into(),
            other_gpu: other_gpu.into(),
            gpus: gpus.into(),
        }
    }
}

fn pressure(root: &SysfsRoot, resource: Resource, waiting: Waiting) -> Result<f64, Unavailable> {
    load::pressure_avg10_percent(root, resource, waiting)
}

/// The clients of a worker, those of one GPU taken together.
fn usage_of(clients: &BTreeMap<ClientId, GpuClient>) -> Vec<WorkerGpuUse> {
    // The clients are in the order of their GPUs.
    let mut gpus: Vec<WorkerGpuUse> = Vec::new();
    for (id, client) in clients {
        if gpus.last().is_none_or(|gpu| gpu.pci_address != id.pci_address) {
            gpus.push(WorkerGpuUse {
                pci_address: id.pci_address.clone(),
                clients: 0,
                busy_cycles: BTreeMap::new(),
                busy_ns: BTreeMap::new(),
                resident_bytes: None,
            });
        }
        if let Some(gpu) = gpus.last_mut() {
            gpu.clients += 1;
            add(&mut gpu.busy_cycles, &client.busy_cycles);
            add(&mut gpu.busy_ns, &client.busy_ns);
            let resident = [gpu.resident_bytes, client.resident_bytes].into_iter().flatten();
            gpu.resident_bytes = resident.reduce(u64::saturating_add);
        }
    }
    gpus
}

fn add(sums: &mut BTreeMap<String, u64>, engines: &BTreeMap<String, u64>) {
    for (engine, used) in engines.iter().filter(|(_, used)| **used > 0) {
        let sum = sums.entry(engine.clone()).or_default();
        *sum = sum.saturating_add(*used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Observed;
    use crate::sys::kernel_tree::{CARD, PCI, Tree, xe_client};

    #[test]
    fn a_whole_reading_of_a_machine_with_a_gpu_has_no_gap() {
        let tree =
            Tree::xe().client(7, 3, &xe_client(1, 40, 100, 64)).client(7, 5, &xe_client(2, 2, 100, 64));
        let mut reader = MachineReader::new(tree.root(), None);
        reader.set_worker(7);
        let reading = reader.read(5, Phase::During);
        let text = serde_json::to_string(&reading).unwrap();
        assert!(!text.contains("not_observed"), "{text}");
        let [usage] = &reading.worker_gpus.value().unwrap()[..] else { panic!() };
        assert_eq!((usage.clients, usage.pci_address.as_str()), (2, PCI));
        assert_eq!(usage.busy_cycles, [("ccs".to_owned(), 42)].into(), "an idle engine is not named");
        assert_eq!(usage.resident_bytes, Some(2 * ((64 << 10) + (1 << 20))));
        assert!(!serde_json::to_string(&reader.facts()).unwrap().contains("not_observed"));
        assert_eq!(serde_json::from_str::<MachineReading>(&text).unwrap(), reading);
    }

    #[test]
    fn a_machine_that_tells_nothing_has_a_reason_for_everything_and_no_zero() {
        let mut reader = MachineReader::new(Tree::new().root(), Some(7));
        let reading = reader.read(5, Phase::Before);
        let serde_json::Value::Object(fields) = serde_json::to_value(&reading).unwrap() else { panic!() };
        for (name, value) in fields.iter().filter(|(name, _)| !["at_ns", "phase"].contains(&name.as_str())) {
            assert!(
                value["not_observed"].as_str().is_some_and(|reason| !reason.is_empty()),
                "{name}: {value}"
            );
        }
        let text = serde_json::to_string(&reading).unwrap();
        assert_eq!(serde_json::from_str::<MachineReading>(&text).unwrap(), reading);
    }

    #[test]
    fn what_a_child_of_the_worker_does_is_the_worker_s() {
        let tree = Tree::xe().client(7, 3, "pos:\t0\n").file("proc/7/task/7/children", "8 ").client(
            8,
            3,
            &xe_client(1, 40, 100, 64),
        );
        let reading = MachineReader::new(tree.root(), Some(7)).read(0, Phase::During);
        assert_eq!(reading.worker_gpus.value().unwrap()[0].clients, 1);
        assert_eq!(reading.other_gpu.value().unwrap().clients, 0);
    }

    #[test]
    fn what_a_worker_uses_is_kept_apart_by_gpu() {
        let second = xe_client(1, 7, 100, 0).replace(PCI, "0000:03:00.0");
        let tree = Tree::xe().client(7, 3, &xe_client(1, 40, 100, 0)).client(7, 4, &second);
        let reading = MachineReader::new(tree.root(), Some(7)).read(0, Phase::During);
        let gpus = reading.worker_gpus.value().unwrap();
        assert_eq!(gpus.iter().map(|gpu| gpu.busy_cycles["ccs"]).collect::<Vec<_>>(), [40, 7]);
    }

    #[test]
    fn what_goes_is_not_observed_from_then_on() {
        let tree = Tree::xe();
        let mut reader = MachineReader::new(tree.root(), None);
        assert!(reader.read(0, Phase::Before).gpus.value().is_some());
        tree.remove(CARD);
        tree.write("proc/vmstat", "pswpin many\n");
        let later = reader.read(1, Phase::During);
        assert!(later.gpus.value().is_none() && later.other_gpu.value().is_none());
        assert_eq!(later.pages_swapped_in, Observed::not("`/proc/vmstat` has no number after `pswpin`"));
    }
}
