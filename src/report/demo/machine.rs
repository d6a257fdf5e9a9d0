//! A machine of the invented history: what a commit's code takes on it, and what it says of itself.

use std::collections::BTreeMap;

use crate::engine::openvino::DeviceKind;
use crate::record::{DeviceRecord, Machine, ModelRecord, RuntimeRecord};
use crate::report::demo::story::{CodeCost, Ground};

/// A machine with its device and its model.
#[derive(Debug, Clone)]
pub(super) struct DemoMachine {
    /// Which one, from 0.
    pub(super) number: usize,
    pub(super) model: ModelRecord,
    /// The GPU's address, clock and highest clock; None of a processor.
    pub(super) gpu: Option<DemoGpu>,
    pub(super) spread: Spread,
    pub(super) identity: Machine,
    /// Before and after the driver was exchanged.
    pub(super) devices: [DeviceRecord; 2],
    pub(super) cost: Cost,
    /// By commit, a factor around 1.
    pub(super) drift: Vec<f64>,
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
            properties_requested: set(&[("CACHE_DIR", "cache"), ("PERFORMANCE_HINT", "LATENCY")]),
            properties_effective: set(&[
                ("INFERENCE_PRECISION_HINT", precision),
                ("KV_CACHE_PRECISION", precision),
                ("PERFORMANCE_HINT", "LATENCY"),
            ]),
            properties_warm: BTreeMap::new(),
        }
    }

    /// What it ran on.
    pub(super) fn kind(&self) -> DeviceKind {
        if self.gpu.is_some() { DeviceKind::Gpu } else { DeviceKind::Cpu }
    }
}

pub(super) const OLD_DRIVER_VERSION: &str = "26.05.30000.1 (demo)";
pub(super) const NEW_DRIVER_VERSION: &str = "26.18.31500.4 (demo)";
pub(super) const OLD_KERNEL: &str = "6.17.0-demo";
const NEW_KERNEL: &str = "6.19.2-demo";
