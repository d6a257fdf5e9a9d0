//! The machines of the invented history. Nobody has them, and each says so in its name.

use crate::engine::openvino::DeviceFacts;
use crate::error::Result;
use crate::record::{DeviceEvidence, DeviceRecord, Machine, ModelRecord, ProvenDevice, sha256_of_bytes};
use crate::report::demo::machine::{
    Cost, DemoGpu, DemoMachine, NEW_DRIVER_VERSION, OLD_DRIVER_VERSION, OLD_KERNEL, Spread,
};
use crate::report::demo::model::{gpt_oss, tiny};
use crate::report::demo::noise::Noise;
use crate::report::demo::plan::DemoPlan;

const MIB: f64 = (1 << 20) as f64;
const MS: f64 = 1e6;
/// A commit's figure keeps so much of the one before it: a machine's mood lasts for days.
const KEPT: f64 = 0.4;
/// A stream of its own for the drift of each machine.
const DRIFT: u64 = 2;

/// The machines of a plan: a laptop that the published figure holds for, another Arc GPU at another level,
/// and a processor with the shipped model.
///
/// # Errors
/// None in practice: the evidence is made for its proof.
pub(super) fn machines(plan: &DemoPlan) -> Result<Vec<DemoMachine>> {
    let made = [laptop(), desktop(), processor()];
    let made = made.into_iter().take(plan.machines.max(1)).enumerate();
    let machines = made.map(|(number, sketch)| sketch.drawn(plan, number));
    machines.collect()
}

/// What is to be said of a machine.
struct Sketch {
    slug: &'static str,
    cpu: &'static str,
    logical_cores: usize,
    memory_gib: u64,
    last_level_cache_mib: u64,
    gpu_name: Option<&'static str>,
    gpu_pci_id: Option<&'static str>,
    execution_units: Option<u32>,
    gpu: Option<DemoGpu>,
    model: ModelRecord,
    cost: Cost,
    spread: Spread,
}

fn laptop() -> Sketch {
    Sketch {
        slug: "demo-arc-140v-laptop",
        cpu: "Intel(R) Core(TM) Ultra 7 258V (demo)",
        logical_cores: 8,
        memory_gib: 32,
        last_level_cache_mib: 12,
        gpu_name: Some("Intel(R) Arc(TM) 140V GPU (16GB) (iGPU) (demo)"),
        // PCI id and execution units are those by which the published figure's device is recognised.
        gpu_pci_id: Some("8086:64a0"),
        execution_units: Some(64),
        gpu: Some(DemoGpu { pci_address: "0000:00:02.0", mhz: 1_950, max_mhz: 1_950 }),
        model: gpt_oss(),
        // With 60 tokens about 17 token/s, prefill included.
        cost: Cost {
            tpot_ns: 54.0 * MS,
            ttft_ns: 300.0 * MS,
            load_ns: 3_900.0 * MS,
            rss_bytes: 1_450.0 * MIB,
            device_bytes: Some(12_300.0 * MIB),
        },
        spread: Spread { commit: 0.005, process: 0.004 },
    }
}

fn desktop() -> Sketch {
    Sketch {
        slug: "demo-arc-b580-desktop",
        cpu: "Intel(R) Core(TM) i5-14400 (demo)",
        logical_cores: 16,
        memory_gib: 64,
        last_level_cache_mib: 20,
        gpu_name: Some("Intel(R) Arc(TM) B580 Graphics (dGPU) (demo)"),
        gpu_pci_id: Some("8086:e20b"),
        execution_units: Some(160),
        gpu: Some(DemoGpu { pci_address: "0000:03:00.0", mhz: 2_850, max_mhz: 2_850 }),
        model: gpt_oss(),
        cost: Cost {
            tpot_ns: 21.5 * MS,
            ttft_ns: 118.0 * MS,
            load_ns: 3_100.0 * MS,
            rss_bytes: 2_300.0 * MIB,
            device_bytes: Some(11_900.0 * MIB),
        },
        spread: Spread { commit: 0.0035, process: 0.003 },
    }
}

fn processor() -> Sketch {
    Sketch {
        slug: "demo-processor-8c",
        cpu: "A processor with 8 cores (demo)",
        logical_cores: 8,
        memory_gib: 24,
        last_level_cache_mib: 32,
        gpu_name: None,
        gpu_pci_id: None,
        execution_units: None,
        gpu: None,
        model: tiny(),
        cost: Cost {
            tpot_ns: 1.15 * MS,
            ttft_ns: 13.5 * MS,
            load_ns: 1_400.0 * MS,
            rss_bytes: 190.0 * MIB,
            device_bytes: None,
        },
        spread: Spread { commit: 0.009, process: 0.006 },
    }
}

impl Sketch {
    fn drawn(self, plan: &DemoPlan, number: usize) -> Result<DemoMachine> {
        let Spread { commit, .. } = self.spread;
        let drift = Noise::of(plan.seed, &[DRIFT, number as u64]).drift(plan.commits, commit, KEPT);
        Ok(DemoMachine {
            number,
            devices: [self.proven(OLD_DRIVER_VERSION)?, self.proven(NEW_DRIVER_VERSION)?],
            identity: Machine {
                slug: self.slug.to_owned(),
                sha256: sha256_of_bytes(self.slug.as_bytes()),
                cpu: self.cpu.to_owned(),
                logical_cores: self.logical_cores,
                memory_gib: self.memory_gib,
                gpu: self.gpu_name.map(str::to_owned),
                gpu_pci_ids: self.gpu_pci_id.map(str::to_owned).into_iter().collect(),
                kernel: Some(OLD_KERNEL.to_owned()),
                os: Some("Linux (demo)".to_owned()),
                gpu_driver: self.gpu.map(|_| OLD_DRIVER_VERSION.to_owned()),
                firmware: Some("A Vendor 1.7 (demo)".to_owned()),
                last_level_cache_bytes: Some(self.last_level_cache_mib << 20),
                microcode: Some("0x11d".to_owned()),
            },
            model: self.model,
            gpu: self.gpu,
            cost: self.cost,
            spread: self.spread,
            drift,
        })
    }

    /// Evidence as good as a machine can give it, so that the pages show what a proven device looks like.
    fn proven(&self, driver: &str) -> Result<DeviceRecord> {
        let name = if self.gpu.is_some() { "GPU" } else { "CPU" };
        let ran = ProvenDevice::establish(DeviceEvidence {
            target: name,
            execution_devices: vec![if self.gpu.is_some() { "GPU.0" } else { "CPU" }],
            facts: DeviceFacts {
                full_name: Some(self.gpu_name.unwrap_or(self.cpu).to_owned()),
                vendor: self.gpu.map(|_| "Intel(R) Corporation".to_owned()),
                pci_id: self.gpu_pci_id.map(str::to_owned),
                execution_units: self.execution_units,
                driver_version: self.gpu.map(|_| driver.to_owned()),
                memory_bytes: self.gpu.map(|_| 16 << 30),
                ..DeviceFacts::default()
            },
            gpu_counters_grew: self.gpu.map(|_| true),
            processor_ns: Some(1_000_000_000),
            generation_ns: 1_000_000_000,
        })?;
        Ok(DeviceRecord { requested: name.to_owned(), reason: None, ran: Some(ran) })
    }
}
