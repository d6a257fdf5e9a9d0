//! On what a record was measured, as far as lists and charts need it.

use serde::{Deserialize, Serialize};

use crate::record::history::epoch::{Epoch, Series};
use crate::record::{ArmView, sha256_of_bytes};

/// What stands for a device where nothing ran.
const NONE: &str = "none";

/// On what a record was measured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Setting {
    /// What its figures can be compared with.
    pub series: Series,
    /// What lay under the measurement.
    pub epoch: Epoch,
    /// Prompts that were asked.
    pub prompts: usize,
    /// Tokens of each answer.
    pub new_tokens: usize,
}

/// What is the same all along a chart: records of one line differ by commit and runtime alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line {
    machine_sha256: String,
    model_sha256: String,
    workload_sha256: String,
    device: String,
    gpu: Option<String>,
}

impl Setting {
    /// The setting of a run.
    #[must_use]
    pub fn of(run: ArmView<'_>) -> Self {
        Self {
            series: Series::of(run),
            epoch: Epoch::of(run),
            prompts: run.workload.prompts.len(),
            new_tokens: run.workload.new_tokens,
        }
    }

    /// The line that it is of.
    #[must_use]
    pub fn line(&self) -> Line {
        Line {
            machine_sha256: self.series.machine_sha256.clone(),
            model_sha256: self.series.model_sha256.clone(),
            workload_sha256: self.series.workload_sha256.clone(),
            device: self.series.device_in_words(),
            gpu: self.series.gpu.clone(),
        }
    }
}

impl Line {
    /// Names it: a hash of all that makes it.
    #[must_use]
    pub fn id(&self) -> String {
        let parts = [
            &self.machine_sha256,
            &self.model_sha256,
            &self.workload_sha256,
            &self.device,
            self.gpu.as_ref().unwrap_or(&self.device),
        ];
        let all = parts.map(String::as_str).join("\n");
        sha256_of_bytes(all.as_bytes())[..12].to_owned()
    }

    /// Whether nothing ran: such a run failed on its way to a device.
    #[must_use]
    pub fn is_of_no_device(&self) -> bool {
        self.device == NONE
    }

    /// Whether both are of one machine, model and workload, on whichever device.
    #[must_use]
    pub fn is_beside(&self, other: &Self) -> bool {
        self.machine_sha256 == other.machine_sha256
            && self.model_sha256 == other.model_sha256
            && self.workload_sha256 == other.workload_sha256
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::openvino::DeviceFacts;
    use crate::record::Experiment;
    use crate::record::{DeviceEvidence, DeviceRecord, ProvenDevice, open};

    fn ran(facts: DeviceFacts) -> DeviceRecord {
        let ran = ProvenDevice::establish(DeviceEvidence {
            target: "GPU",
            execution_devices: vec!["GPU.0"],
            facts,
            gpu_counters_grew: Some(true),
            processor_ns: None,
            generation_ns: 1,
        });
        DeviceRecord { requested: "GPU".into(), reason: None, ran: Some(ran.unwrap()) }
    }

    #[test]
    fn another_gpu_of_the_same_machine_is_another_line_and_another_series() {
        let mut run: Experiment =
            open(include_bytes!("../../../fixtures/records/bench-3.0.json"), "a record").unwrap();
        let on_cpu = Setting::of(run.subject());
        let mut of = |facts: DeviceFacts| {
            run.arms[0].device = ran(facts);
            Setting::of(run.subject())
        };
        let named = |name: &str| DeviceFacts { full_name: Some(name.into()), ..DeviceFacts::default() };
        let arc_140v = DeviceFacts {
            pci_id: Some("8086:64a0".into()),
            execution_units: Some(64),
            ..named("Intel(R) Arc(TM) 140V GPU (iGPU)")
        };
        let settings = [
            on_cpu,
            of(arc_140v.clone()),
            of(DeviceFacts { execution_units: Some(56), ..arc_140v.clone() }),
            of(DeviceFacts { pci_id: Some("8086:e20b".into()), ..arc_140v.clone() }),
            of(DeviceFacts { emulated_reason: Some("a layer".into()), ..arc_140v.clone() }),
            of(DeviceFacts { pci_id: None, ..arc_140v }),
            of(named("NVIDIA H200 (dGPU)")),
            of(named("NVIDIA L4 (dGPU)")),
        ];
        for (at, one) in settings.iter().enumerate() {
            for other in &settings[at + 1..] {
                let lines = [one.line(), other.line()];
                assert!(lines[0] != lines[1] && lines[0].id() != lines[1].id(), "{one:?} {other:?}");
                assert!(
                    lines[0].is_beside(&lines[1]) && one.series.id != other.series.id,
                    "{one:?} {other:?}"
                );
            }
        }
    }
}
