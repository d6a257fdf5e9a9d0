//! Takes readings of a machine, a few dozen small files each: the processor's clock and throttling, load, and what the
//! worker and others use of GPUs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::measure::guard::{MachineFacts, MachineReading, Phase, Temperatures, WorkerGpuUse, gpu, power};
use crate::sys::fdinfo::{ClientId, GpuClient, OtherClients};
use crate::sys::{CpuTime, Observed, SysfsRoot, Unavailable, clients_of, family, on_ac_power};

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
    pub fn new(root: SysfsRoot, worker: Option<u32>) -> Self {
        // A child is in its parent's group, so the group is known before the worker is.
        let memory_events = memory_events_file(&root, worker);
        Self { root, worker, memory_events, others: OtherClients::default() }
    }

    /// Names the process whose use of the GPU is read.
    pub fn set_worker(&mut self, process: u32) {
        self.worker = Some(process);
    }

    /// What should not change.
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
        let events = self.memory_events.as_ref().map_err(Clone::clone);
        MachineReading {
            at_ns,
            phase,
            temperatures_celsius: Temperatures::read(root).into(),
            cpu_throttle_count: throttle_count(root).into(),
            is_on_ac_power: on_ac_power(root).into(),
            cpu_some_avg10_percent: pressure(root, "cpu", "some").into(),
            // Workers and what else this program starts are below it.
            cpu_time: CpuTime::read(root, &family(root, std::process::id())).into(),
            memory_full_avg10_percent: pressure(root, "memory", "full").into(),
            io_some_avg10_percent: pressure(root, "io", "some").into(),
            pages_swapped_in: counter(root, "proc/vmstat", "pswpin").into(),
            oom_kills: events.and_then(|file| counter(root, file, "oom_kill")).into(),
            energy_microjoules: power::energy_microjoules(root).into(),
            worker_gpus: clients.as_ref().map(usage_of).map_err(Clone::clone).into(),
            other_gpu: other_gpu.into(),
            gpus: gpus.into(),
        }
    }
}

/// The clients of a worker, those of one GPU taken together.
fn usage_of(clients: &BTreeMap<ClientId, GpuClient>) -> Vec<WorkerGpuUse> {
    // The clients are in the order of their GPUs.
    let mut gpus: Vec<WorkerGpuUse> = Vec::new();
    for (id, client) in clients {
        if gpus.last().is_none_or(|gpu| gpu.pci_address != id.pci_address) {
            gpus.push(WorkerGpuUse { pci_address: id.pci_address.clone(), ..WorkerGpuUse::default() });
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

const CPU: &str = "sys/devices/system/cpu";

/// How the clock is governed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuPolicy {
    /// The governors in use, each once; one on most machines.
    pub governors: Observed<Vec<String>>,
    /// The energy preferences in use, each once.
    pub energy_preferences: Observed<Vec<String>>,
    /// Whether turbo is switched off.
    pub is_turbo_off: Observed<bool>,
}

impl CpuPolicy {
    /// What is set now.
    pub fn read(root: &SysfsRoot) -> Self {
        let no_turbo = root.number::<u32>(&format!("{CPU}/intel_pstate/no_turbo"));
        Self {
            governors: each_once(root, "cpufreq/scaling_governor").into(),
            energy_preferences: each_once(root, "cpufreq/energy_performance_preference").into(),
            is_turbo_off: no_turbo.map(|off| off != 0).into(),
        }
    }
}

/// How often the processor throttled for heat since it was started: the sum over the cores, and the package's
/// own count once, for every core repeats it. Errors: when no core reports it.
fn throttle_count(root: &SysfsRoot) -> Result<u64, Unavailable> {
    let mut cores: Option<u64> = None;
    let mut package: Option<u64> = None;
    let mut reason = None;
    for core in root.numbered(CPU, "cpu")? {
        let count = |which: &str| {
            root.number::<u64>(&format!("{CPU}/cpu{core}/thermal_throttle/{which}_throttle_count"))
        };
        match count("core") {
            Ok(more) => cores = Some(cores.unwrap_or_default().saturating_add(more)),
            // A core that is switched off has no counts.
            Err(unavailable) => reason = reason.or(Some(unavailable)),
        }
        package = package.max(count("package").ok());
    }
    match (cores, package, reason) {
        (None, None, Some(reason)) => Err(reason),
        (cores, package, _) => Ok(cores.unwrap_or_default().saturating_add(package.unwrap_or_default())),
    }
}

/// The values of a file of every core, each once, sorted.
fn each_once(root: &SysfsRoot, file: &str) -> Result<Vec<String>, Unavailable> {
    let mut values = BTreeSet::new();
    let mut reason = Unavailable::because(format!("there is no `/{CPU}/cpu*/{file}`"));
    for core in root.numbered(CPU, "cpu")? {
        match root.text(&format!("{CPU}/cpu{core}/{file}")) {
            Ok(value) => drop(values.insert(value)),
            Err(unavailable) => reason = unavailable,
        }
    }
    if values.is_empty() { Err(reason) } else { Ok(values.into_iter().collect()) }
}

/// The share of the last ten seconds in which "some" tasks waited for a resource, or all that could run ("full"),
/// percent. Errors: when the kernel does not report.
fn pressure(root: &SysfsRoot, resource: &str, tasks: &str) -> Result<f64, Unavailable> {
    let path = format!("proc/pressure/{resource}");
    let text = root.text(&path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(tasks)).unwrap_or_default();
    let average = line.split(' ').find_map(|field| field.strip_prefix("avg10=")?.parse::<f64>().ok());
    average
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| Unavailable::because(format!("`/{path}` has no share of ten seconds after `{tasks}`")))
}

/// The file that counts the events of a process's memory group; `None` is the calling process.
///
/// A process is found by its group once, for when it has ended it has none. Errors: when the process is in no
/// group of the unified hierarchy.
fn memory_events_file(root: &SysfsRoot, process: Option<u32>) -> Result<String, Unavailable> {
    let process = process.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let path = format!("proc/{process}/cgroup");
    let groups = root.text(&path)?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    let group = group.ok_or_else(|| Unavailable::because(format!("`/{path}` names no unified group")))?;
    let folder = format!("sys/fs/cgroup/{group}");
    Ok(format!("{}/memory.events", folder.trim_end_matches('/')))
}

/// The number in a line such as `pswpin 12`.
fn counter(root: &SysfsRoot, path: &str, name: &str) -> Result<u64, Unavailable> {
    let text = root.text(path)?;
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    let number = line.and_then(|line| line.split(' ').nth(1)?.trim().parse().ok());
    number.ok_or_else(|| Unavailable::because(format!("`/{path}` has no number after `{name}`")))
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

    #[test]
    fn the_policy_names_every_setting_once() {
        let tree = Tree::xe().file(&format!("{CPU}/cpu1/cpufreq/scaling_governor"), "powersave");
        let policy = CpuPolicy::read(&tree.root());
        assert_eq!(policy.governors, Observed::Observed(vec!["performance".into(), "powersave".into()]));
        assert_eq!(policy.energy_preferences, Observed::Observed(vec!["performance".into()]));
        assert_eq!(policy.is_turbo_off, Observed::Observed(false));
    }

    #[test]
    fn a_virtual_machine_without_governors_says_so() {
        let tree = Tree::new().file(&format!("{CPU}/cpu0/online"), "1").file(&format!("{CPU}/cpufreq/x"), "");
        let policy = CpuPolicy::read(&tree.root());
        assert!(policy.governors.known().unwrap_err().reason.contains("scaling_governor"));
        assert!(policy.is_turbo_off.value().is_none());
        assert!(throttle_count(&tree.root()).is_err());
    }

    #[test]
    fn throttle_counts_add_up_over_the_cores_and_count_the_package_once() {
        assert_eq!(throttle_count(&Tree::xe().root()), Ok(3 + 3 + 7));
        let off = Tree::xe();
        off.remove(&format!("{CPU}/cpu1/thermal_throttle"));
        assert_eq!(throttle_count(&off.root()), Ok(3 + 7));
    }

    #[test]
    fn pressure_is_the_share_of_ten_seconds() {
        let root = Tree::xe();
        let read = |resource, tasks| pressure(&root.root(), resource, tasks);
        assert_eq!(read("cpu", "some"), Ok(1.25));
        assert_eq!(read("memory", "full"), Ok(0.0));
        assert_eq!(read("io", "some"), Ok(0.5));
    }

    #[test]
    fn pressure_that_is_no_share_is_not_observed() {
        for text in
            ["", "full avg10=1.00", "some avg60=1.00", "some avg10=NaN", "some avg10=-1", "some avg10=inf"]
        {
            let tree = Tree::new().file("proc/pressure/cpu", text);
            let read = pressure(&tree.root(), "cpu", "some");
            assert!(read.unwrap_err().reason.contains("`some`"), "{text}");
        }
        assert!(pressure(&Tree::new().root(), "io", "some").is_err());
    }

    #[test]
    fn counters_are_found_by_their_whole_name() {
        let root = Tree::xe();
        assert_eq!(counter(&root.root(), "proc/vmstat", "pswpin"), Ok(12));
        let file = memory_events_file(&root.root(), None).unwrap();
        assert_eq!(counter(&root.root(), &file, "oom_kill"), Ok(2), "and not the `oom` before it");
        let torn = Tree::new().file("proc/vmstat", "pswpin x\n");
        assert!(counter(&torn.root(), "proc/vmstat", "pswpin").is_err());
    }

    #[test]
    fn the_group_is_that_of_the_process_requested() {
        let tree = Tree::new()
            .file("proc/7/cgroup", "1:name=systemd:/x\n0::/system.slice/a.service\n")
            .file("proc/8/cgroup", "0::/\n")
            .file("proc/9/cgroup", "4:memory:/old\n");
        let file = |pid| memory_events_file(&tree.root(), Some(pid));
        assert_eq!(file(7).as_deref(), Ok("sys/fs/cgroup/system.slice/a.service/memory.events"));
        assert_eq!(file(8).as_deref(), Ok("sys/fs/cgroup/memory.events"));
        assert!(file(9).unwrap_err().reason.contains("no unified group"));
        assert!(file(10).is_err());
    }
}
