//! The machines of the invented history, from `machines.json`. Nobody has them, and each says so in its name.
//!
//! The first is written out; what differs on another, with a new driver or with a new OpenVINO, is a JSON merge patch.
//! The hash of the large model is of a sentence and of no model: the repository accepts no file's hash yet, and an
//! invented record must not name one that it may accept some day.

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::measure::BandwidthReading;
use crate::measure::guard::{GuardLog, MachineReading};
use crate::record::{Arm, Machine, ProcessRecord};
use crate::report::demo::story::{CodeCost, DemoPlan, Ground, Noise, nearest};

const MACHINES: &str = include_str!("machines.json");
const MIB: f64 = (1 << 20) as f64;
/// A commit's times have so much of the one before it: a machine's state lasts for days.
const KEPT: f64 = 0.4;
/// A stream of its own for the drift of each machine.
const DRIFT: u64 = 2;

#[derive(Deserialize)]
struct File {
    base: Value,
    machines: Vec<Differences>,
    new_openvino: Value,
}

#[derive(Deserialize)]
struct Differences {
    differs: Value,
    new_driver: Value,
}

/// What stands in every record of a machine on one ground.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Template {
    metric_values: MachineValues,
    pub(super) identity: Machine,
    /// Without commit, tokens and processes.
    pub(super) arm: Arm,
    /// A measured one; its KV cache is of one token.
    pub(super) process: ProcessRecord,
    /// Without readings.
    pub(super) guards: GuardLog,
    /// While tokens are made.
    pub(super) reading: MachineReading,
}

/// What the first commit takes on a machine, and how much that differs by chance.
#[derive(Debug, Clone, Copy, Deserialize)]
struct MachineValues {
    tpot_ms: f64,
    ttft_ms: f64,
    load_ms: f64,
    rss_mib: f64,
    /// None of a processor.
    device_mib: Option<f64>,
    /// A worker that waits for its GPU leaves the processor to others.
    processor_share: f64,
    bandwidth_pass_ns: f64,
    commit_spread: f64,
    process_spread: f64,
    /// What a new driver and a new OpenVINO are worth, as factors of the time per token.
    new_driver: f64,
    new_openvino: f64,
}

/// What a commit takes at a moment, before chance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) tpot_ns: f64,
    pub(super) ttft_ns: f64,
    pub(super) load_ns: f64,
    pub(super) rss_bytes: f64,
    pub(super) device_bytes: Option<f64>,
    pub(super) processor_share: f64,
    /// How much a process differs, as a share.
    pub(super) spread: f64,
}

/// A machine with its device and its model.
#[derive(Debug, Clone)]
pub(super) struct DemoMachine {
    /// Which one, from 0.
    pub(super) number: usize,
    /// By their ground: with the old OpenVINO and the new one, and of each with the old driver and the new one.
    templates: Vec<Template>,
    /// By commit, a factor around 1.
    drift: Vec<f64>,
}

/// The machines of a plan.
///
/// # Errors
/// None in practice: the file is part of the program.
pub(super) fn machines(plan: &DemoPlan) -> Result<Vec<DemoMachine>> {
    let unreadable =
        |cause| Error::harness(format!("the machines of the demonstration cannot be read: {cause}"));
    let file: File = serde_json::from_str(MACHINES).map_err(unreadable)?;
    let mut machines = Vec::new();
    for (number, machine) in file.machines.iter().take(plan.machines.max(1)).enumerate() {
        let mut templates: Vec<Template> = Vec::new();
        for (has_new_openvino, has_new_driver) in [(false, false), (false, true), (true, false), (true, true)]
        {
            let mut template = patched(file.base.clone(), &machine.differs);
            if has_new_driver {
                template = patched(template, &machine.new_driver);
            }
            if has_new_openvino {
                template = patched(template, &file.new_openvino);
            }
            templates.push(serde_json::from_value(template).map_err(unreadable)?);
        }
        let noise = &mut Noise::of(plan.seed, &[DRIFT, number as u64]);
        let drift = noise.drift(plan.commits, templates[0].metric_values.commit_spread, KEPT);
        machines.push(DemoMachine { number, templates, drift });
    }
    Ok(machines)
}

/// A JSON merge patch, RFC 7396.
fn patched(mut value: Value, patch: &Value) -> Value {
    let (Some(fields), Some(patch)) = (value.as_object_mut(), patch.as_object()) else {
        return patch.clone();
    };
    for (key, patch) in patch {
        let before = fields.remove(key).unwrap_or_default();
        if !patch.is_null() {
            fields.insert(key.clone(), patched(before, patch));
        }
    }
    value
}

impl DemoMachine {
    pub(super) fn template(&self, ground: Ground) -> &Template {
        &self.templates[2 * usize::from(ground.has_new_openvino) + usize::from(ground.has_new_driver)]
    }

    pub(super) fn has_gpu(&self) -> bool {
        self.templates[0].identity.gpu.is_some()
    }

    /// What a commit's code costs on this ground, in this machine's state at a commit's time.
    pub(super) fn cost(&self, code: CodeCost, ground: Ground, time: usize) -> Cost {
        let metric_values = self.templates[0].metric_values;
        let factor = |is_new: bool, of: f64| if is_new { of } else { 1.0 };
        let ground = factor(ground.has_new_driver, metric_values.new_driver)
            * factor(ground.has_new_openvino, metric_values.new_openvino);
        let drift = self.drift.get(time).copied().unwrap_or(1.0);
        Cost {
            tpot_ns: metric_values.tpot_ms * 1e6 * code.tpot * ground * drift,
            // A prompt is computed and not read: it gains less of either.
            ttft_ns: metric_values.ttft_ms * 1e6 * code.ttft * f64::midpoint(1.0, ground) * drift,
            load_ns: metric_values.load_ms * 1e6,
            rss_bytes: metric_values.rss_mib * MIB * code.memory,
            device_bytes: metric_values.device_mib.map(|mib| mib * MIB * code.memory),
            processor_share: metric_values.processor_share,
            spread: metric_values.process_spread,
        }
    }

    /// About 100 GB/s beside an integrated GPU, and half of that elsewhere.
    pub(super) fn bandwidth(&self, noise: &mut Noise) -> BandwidthReading {
        let pass_ns = self.templates[0].metric_values.bandwidth_pass_ns;
        let mut pass = || nearest(pass_ns * (1.0 + 0.004 * noise.normal().abs()));
        BandwidthReading { buffer_bytes: 256 << 20, threads: 8, pass_ns: (0..5).map(|_| pass()).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tiny_model_is_the_shipped_one() {
        let golden = include_str!("../../../fixtures/golden/tiny-gpt-oss/fibonacci.json");
        let machine = &machines(&DemoPlan::sample()).unwrap()[2];
        let sha256 = &machine.templates[0].arm.model.sha256;
        assert!(golden.contains(&format!("\"model_sha256\": \"{sha256}\"")));
    }
}
