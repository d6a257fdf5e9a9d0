//! The machines of the invented history. Nobody has them, and each says so in its name.

use std::collections::BTreeMap;

use crate::engine::openvino::{ActiveWeights, DeviceFacts, DeviceKind};
use crate::error::Result;
use crate::record::{
    DeviceEvidence, DeviceRecord, Machine, ModelFile, ModelRecord, ProvenDevice, RuntimeRecord,
    sha256_of_bytes,
};
use crate::report::demo::story::{CodeCost, DemoPlan, Ground, Noise};

const MIB: f64 = (1 << 20) as f64;
const MS: f64 = 1e6;
/// A commit's times have so much of the one before it: a machine's state lasts for days.
const KEPT: f64 = 0.4;
/// A stream of its own for the drift of each machine.
const DRIFT: u64 = 2;
/// What a new driver and a new OpenVINO are worth on each machine, as factors of the time per token.
const NEW_DRIVER: [f64; 3] = [0.94, 0.965, 1.0];
const NEW_OPENVINO: [f64; 3] = [0.88, 0.92, 0.95];
const DRIVER_VERSIONS: [&str; 2] = ["26.05.30000.1 (demo)", "26.18.31500.4 (demo)"];
const KERNELS: [&str; 2] = ["6.17.0-demo", "6.19.2-demo"];
/// The shipped model's identity, as its goldens name it.
const SHIPPED_SHA256: &str = "62ea3becaa660793322b13ce5f5d12ce58d89fdedb095bdb8765ecd0f9cb7a43";

/// A machine with its device and its model.
#[derive(Debug, Clone)]
pub(super) struct DemoMachine {
    /// Which one, from 0.
    pub(super) number: usize,
    pub(super) model: ModelRecord,
    /// None of a processor.
    pub(super) gpu: Option<DemoGpu>,
    pub(super) spread: Spread,
    identity: Machine,
    /// With the old driver and with the new one.
    devices: [DeviceRecord; 2],
    cost: Cost,
    /// By commit, a factor around 1.
    drift: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct DemoGpu {
    name: &'static str,
    pci_id: &'static str,
    execution_units: u32,
    pub(super) pci_address: &'static str,
    pub(super) mhz: u32,
}

/// How much times differ by chance, as shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    commit: f64,
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

struct Sketch {
    slug: &'static str,
    cpu: &'static str,
    logical_cores: usize,
    memory_gib: u64,
    last_level_cache_mib: u64,
    gpu: Option<DemoGpu>,
    cost: Cost,
    spread: Spread,
}

/// A laptop that the published value holds for, another Arc GPU at another level, and a processor with the shipped
/// model.
const SKETCHES: [Sketch; 3] = [
    Sketch {
        slug: "demo-arc-140v-laptop",
        cpu: "Intel(R) Core(TM) Ultra 7 258V (demo)",
        logical_cores: 8,
        memory_gib: 32,
        last_level_cache_mib: 12,
        gpu: Some(DemoGpu {
            name: "Intel(R) Arc(TM) 140V GPU (16GB) (iGPU) (demo)",
            // PCI id and execution units are those by which the published value's device is recognised.
            pci_id: "8086:64a0",
            execution_units: 64,
            pci_address: "0000:00:02.0",
            mhz: 1_950,
        }),
        // With 60 tokens about 17 token/s, prefill included.
        cost: Cost {
            tpot_ns: 54.0 * MS,
            ttft_ns: 300.0 * MS,
            load_ns: 3_900.0 * MS,
            rss_bytes: 1_450.0 * MIB,
            device_bytes: Some(12_300.0 * MIB),
        },
        spread: Spread { commit: 0.005, process: 0.004 },
    },
    Sketch {
        slug: "demo-arc-b580-desktop",
        cpu: "Intel(R) Core(TM) i5-14400 (demo)",
        logical_cores: 16,
        memory_gib: 64,
        last_level_cache_mib: 20,
        gpu: Some(DemoGpu {
            name: "Intel(R) Arc(TM) B580 Graphics (dGPU) (demo)",
            pci_id: "8086:e20b",
            execution_units: 160,
            pci_address: "0000:03:00.0",
            mhz: 2_850,
        }),
        cost: Cost {
            tpot_ns: 21.5 * MS,
            ttft_ns: 118.0 * MS,
            load_ns: 3_100.0 * MS,
            rss_bytes: 2_300.0 * MIB,
            device_bytes: Some(11_900.0 * MIB),
        },
        spread: Spread { commit: 0.0035, process: 0.003 },
    },
    Sketch {
        slug: "demo-processor-8c",
        cpu: "A processor with 8 cores (demo)",
        logical_cores: 8,
        memory_gib: 24,
        last_level_cache_mib: 32,
        gpu: None,
        cost: Cost {
            tpot_ns: 1.15 * MS,
            ttft_ns: 13.5 * MS,
            load_ns: 1_400.0 * MS,
            rss_bytes: 190.0 * MIB,
            device_bytes: None,
        },
        spread: Spread { commit: 0.009, process: 0.006 },
    },
];

/// The machines of a plan.
///
/// # Errors
/// None in practice: the evidence is made for its proof.
pub(super) fn machines(plan: &DemoPlan) -> Result<Vec<DemoMachine>> {
    let sketches = SKETCHES.iter().take(plan.machines.max(1)).enumerate();
    sketches.map(|(number, sketch)| DemoMachine::of(sketch, plan, number)).collect()
}

impl DemoMachine {
    fn of(sketch: &Sketch, plan: &DemoPlan, number: usize) -> Result<Self> {
        let Sketch { slug, cpu, gpu, spread, cost, .. } = *sketch;
        let noise = &mut Noise::of(plan.seed, &[DRIFT, number as u64]);
        Ok(Self {
            number,
            model: if gpu.is_some() { gpt_oss() } else { tiny() },
            gpu,
            spread,
            cost,
            drift: noise.drift(plan.commits, spread.commit, KEPT),
            devices: [device(cpu, gpu, DRIVER_VERSIONS[0])?, device(cpu, gpu, DRIVER_VERSIONS[1])?],
            identity: Machine {
                slug: slug.to_owned(),
                sha256: sha256_of_bytes(slug.as_bytes()),
                cpu: cpu.to_owned(),
                logical_cores: sketch.logical_cores,
                memory_gib: sketch.memory_gib,
                gpu: gpu.map(|gpu| gpu.name.to_owned()),
                gpu_pci_ids: gpu.map(|gpu| gpu.pci_id.to_owned()).into_iter().collect(),
                kernel: Some(KERNELS[0].to_owned()),
                os: Some("Linux (demo)".to_owned()),
                gpu_driver: gpu.map(|_| DRIVER_VERSIONS[0].to_owned()),
                firmware: Some("A Vendor 1.7 (demo)".to_owned()),
                last_level_cache_bytes: Some(sketch.last_level_cache_mib << 20),
                microcode: Some("0x11d".to_owned()),
            },
        })
    }

    /// What a commit's code costs on this ground, in this machine's state at a commit's time.
    pub(super) fn cost(&self, code: CodeCost, ground: Ground, time: usize) -> Cost {
        let factor = |is_new: bool, of: [f64; 3]| if is_new { of[self.number] } else { 1.0 };
        let ground =
            factor(ground.has_new_driver, NEW_DRIVER) * factor(ground.has_new_openvino, NEW_OPENVINO);
        let drift = self.drift.get(time).copied().unwrap_or(1.0);
        Cost {
            tpot_ns: self.cost.tpot_ns * code.tpot * ground * drift,
            // A prompt is computed and not read: it gains less of either.
            ttft_ns: self.cost.ttft_ns * code.ttft * f64::midpoint(1.0, ground) * drift,
            load_ns: self.cost.load_ns,
            rss_bytes: self.cost.rss_bytes * code.memory,
            device_bytes: self.cost.device_bytes.map(|bytes| bytes * code.memory),
        }
    }

    pub(super) fn identity(&self, ground: Ground) -> Machine {
        let mut machine = self.identity.clone();
        if ground.has_new_driver {
            // A processor has no driver: there it is the kernel that is new.
            match &mut machine.gpu_driver {
                Some(driver) => DRIVER_VERSIONS[1].clone_into(driver),
                None => machine.kernel = Some(KERNELS[1].to_owned()),
            }
        }
        machine
    }

    /// What ran, and by which proof.
    pub(super) fn device(&self, ground: Ground) -> DeviceRecord {
        self.devices[usize::from(ground.has_new_driver)].clone()
    }

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
            properties_requested: set(&[("CACHE_DIR", "cache"), ("PERFORMANCE_HINT", "LATENCY")]),
            properties_effective: set(&[
                ("INFERENCE_PRECISION_HINT", precision),
                ("KV_CACHE_PRECISION", precision),
                ("PERFORMANCE_HINT", "LATENCY"),
            ]),
            properties_warm: BTreeMap::new(),
        }
    }

    pub(super) fn kind(&self) -> DeviceKind {
        if self.gpu.is_some() { DeviceKind::Gpu } else { DeviceKind::Cpu }
    }
}

/// Evidence as good as a machine can give it, so that the pages show what a proven device looks like.
fn device(cpu: &str, gpu: Option<DemoGpu>, driver: &str) -> Result<DeviceRecord> {
    let name = if gpu.is_some() { "GPU" } else { "CPU" };
    let ran = ProvenDevice::establish(DeviceEvidence {
        target: name,
        execution_devices: vec![if gpu.is_some() { "GPU.0" } else { "CPU" }],
        facts: DeviceFacts {
            full_name: Some(gpu.map_or(cpu, |gpu| gpu.name).to_owned()),
            vendor: gpu.map(|_| "Intel(R) Corporation".to_owned()),
            pci_id: gpu.map(|gpu| gpu.pci_id.to_owned()),
            execution_units: gpu.map(|gpu| gpu.execution_units),
            driver_version: gpu.map(|_| driver.to_owned()),
            memory_bytes: gpu.map(|_| 16 << 30),
            ..DeviceFacts::default()
        },
        gpu_counters_grew: gpu.map(|_| true),
        processor_ns: Some(1_000_000_000),
        generation_ns: 1_000_000_000,
    })?;
    Ok(DeviceRecord { requested: name.to_owned(), reason: None, ran: Some(ran) })
}

/// The model that the project is about. Its hash is of a sentence and of no model: the repository accepts no
/// file's hash yet, and an invented record must not name one that it may accept some day.
fn gpt_oss() -> ModelRecord {
    let mib = |count: u64| count << 20;
    ModelRecord {
        sha256: sha256_of_bytes(b"the large model of the demonstration"),
        // Of 20.9 billion weights a token passes 3.6 billion, and 4-bit ones take half a byte.
        active_weights: Some(ActiveWeights {
            total_bytes: mib(12_160),
            active_bytes_per_token: mib(1_950),
            expert_bytes: mib(10_320),
            lookup_bytes: mib(552),
        }),
        ..model("gpt-oss-20b-int4-ov", mib(12_160))
    }
}

/// The shipped model, which runs on any machine.
fn tiny() -> ModelRecord {
    ModelRecord { sha256: SHIPPED_SHA256.to_owned(), ..model("tiny-gpt-oss", 8_280_029) }
}

fn model(name: &str, weights_bytes: u64) -> ModelRecord {
    let file = |path: &str, size_bytes: u64| ModelFile {
        path: path.to_owned(),
        size_bytes,
        sha256: sha256_of_bytes(format!("{path} of {name}").as_bytes()),
    };
    ModelRecord {
        name: name.to_owned(),
        sha256: String::new(),
        files: vec![file("openvino_model.bin", weights_bytes), file("openvino_model.xml", 3 << 20)],
        manifest_verified: true,
        same_after_run: true,
        edited_graph_sha256: Some(sha256_of_bytes(format!("edited graph of {name}").as_bytes())),
        unedited_reason: None,
        shape: None,
        active_weights: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tiny_model_is_the_shipped_one() {
        let golden = include_str!("../../../fixtures/golden/tiny-gpt-oss/fibonacci.json");
        assert!(golden.contains(&format!("\"model_sha256\": \"{}\"", tiny().sha256)));
    }
}
