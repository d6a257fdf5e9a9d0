//! The machines of the invented history. Nobody has them, and each says so in its name.

use crate::engine::openvino::DeviceKind;
use crate::error::Result;
use crate::measure::protocol::DeviceEvent;
use crate::record::{
    DeviceEvidence, DeviceRecord, Machine, ModelRecord, ProvenDevice, RuntimeRecord, sha256_of_bytes,
};
use crate::report::demo::model::{gpt_oss, tiny};
use crate::report::demo::noise::Noise;
use crate::report::demo::plan::DemoPlan;
use crate::report::demo::story::{CodeCost, Ground};

const MIB: f64 = (1 << 20) as f64;
const MS: f64 = 1e6;
/// A commit's figure keeps so much of the one before it: a machine's mood lasts for days.
const KEPT: f64 = 0.4;
/// A stream of its own for the drift of each machine.
const DRIFT: u64 = 2;

/// A machine with its device and its model.
#[derive(Debug, Clone)]
pub(super) struct DemoMachine {
    /// Which one, from 0.
    pub(super) number: usize,
    pub(super) model: ModelRecord,
    /// The GPU's address, clock and highest clock; None of a processor.
    pub(super) gpu: Option<DemoGpu>,
    pub(super) spread: Spread,
    identity: Machine,
    /// Before and after the driver was exchanged.
    devices: [DeviceRecord; 2],
    cost: Cost,
    /// By commit, a factor around 1.
    drift: Vec<f64>,
}

/// A GPU as its kernel driver shows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct DemoGpu {
    pub(super) pci_address: &'static str,
    pub(super) mhz: u32,
    pub(super) max_mhz: u32,
}

/// How much figures differ by chance, as shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    /// From commit to commit.
    pub(super) commit: f64,
    /// From process to process.
    pub(super) process: f64,
}

/// What the first commit takes on this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) tpot_ns: f64,
    pub(super) ttft_ns: f64,
    pub(super) load_ns: f64,
    pub(super) rss_bytes: f64,
    /// None of a processor.
    pub(super) device_bytes: Option<f64>,
}

/// What exchanging a driver and OpenVINO is worth, as factors of the time per token.
const NEW_DRIVER: [f64; 3] = [0.94, 0.965, 1.0];
const NEW_OPENVINO: [f64; 3] = [0.88, 0.92, 0.95];

impl DemoMachine {
    /// What a commit's code costs on this ground, in this machine's mood at a commit's time.
    pub(super) fn cost(&self, code: CodeCost, ground: Ground, mood: usize) -> Cost {
        let factor = |is_new: bool, of: [f64; 3]| if is_new { of[self.number] } else { 1.0 };
        let ground =
            factor(ground.has_new_driver, NEW_DRIVER) * factor(ground.has_new_openvino, NEW_OPENVINO);
        let mood = self.drift.get(mood).copied().unwrap_or(1.0);
        Cost {
            tpot_ns: self.cost.tpot_ns * code.tpot * ground * mood,
            // A prompt is computed and not read: it gains less of either.
            ttft_ns: self.cost.ttft_ns * code.ttft * f64::midpoint(1.0, ground) * mood,
            load_ns: self.cost.load_ns,
            rss_bytes: self.cost.rss_bytes * code.memory,
            device_bytes: self.cost.device_bytes.map(|bytes| bytes * code.memory),
        }
    }

    /// Its identity on this ground.
    pub(super) fn identity(&self, ground: Ground) -> Machine {
        let mut machine = self.identity.clone();
        if ground.has_new_driver {
            // A processor has no driver: there it is the kernel that is exchanged.
            match &mut machine.gpu_driver {
                Some(driver) => NEW_DRIVER_VERSION.clone_into(driver),
                None => machine.kernel = Some(NEW_KERNEL.to_owned()),
            }
        }
        machine
    }

    /// What ran, and by which proof.
    pub(super) fn device(&self, ground: Ground) -> DeviceRecord {
        self.devices[usize::from(ground.has_new_driver)].clone()
    }

    /// OpenVINO on this ground.
    pub(super) fn runtime(&self, ground: Ground) -> RuntimeRecord {
        let (version, build) =
            if ground.has_new_openvino { ("2026.4.1", "22381") } else { ("2026.1.0", "20911") };
        let precision = if self.gpu.is_some() { "f16" } else { "f32" };
        let set = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        RuntimeRecord {
            openvino_version: version.to_owned(),
            openvino_build: format!("{version}-{build}-demo"),
            properties_asked: set(&[("CACHE_DIR", "cache"), ("PERFORMANCE_HINT", "LATENCY")]),
            properties_effective: set(&[
                ("INFERENCE_PRECISION_HINT", precision),
                ("KV_CACHE_PRECISION", precision),
                ("PERFORMANCE_HINT", "LATENCY"),
            ]),
        }
    }

    /// What it ran on.
    pub(super) fn kind(&self) -> DeviceKind {
        if self.gpu.is_some() { DeviceKind::Gpu } else { DeviceKind::Cpu }
    }
}

const OLD_DRIVER_VERSION: &str = "26.05.30000.1 (demo)";
const NEW_DRIVER_VERSION: &str = "26.18.31500.4 (demo)";
const OLD_KERNEL: &str = "6.17.0-demo";
const NEW_KERNEL: &str = "6.19.2-demo";

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
            facts: DeviceEvent {
                full_name: Some(self.gpu_name.unwrap_or(self.cpu).to_owned()),
                pci_id: self.gpu_pci_id.map(str::to_owned),
                execution_units: self.execution_units,
                driver_version: self.gpu.map(|_| driver.to_owned()),
                memory_bytes: self.gpu.map(|_| 16 << 30),
            },
            gpu_counters_grew: self.gpu.map(|_| true),
            processor_ns: Some(1_000_000_000),
            generation_ns: 1_000_000_000,
        })?;
        Ok(DeviceRecord { requested: name.to_owned(), reason: None, ran: Some(ran) })
    }
}
