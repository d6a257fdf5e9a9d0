//! What must be alike for figures to be compared with each other, and what may have moved between them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::openvino::DeviceFacts;
use crate::record::encoded::hex;
use crate::record::{ArmView, ProvenDevice, RuntimeRecord};

/// Figures of one series can be compared: the same machine, model, runtime, device and workload.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Series {
    /// Names it: a hash of all below but the names for people.
    pub id: String,
    /// The machine's slug.
    pub machine: String,
    /// The machine's identity.
    pub machine_sha256: String,
    /// The model's name.
    pub model: String,
    /// The model's identity.
    pub model_sha256: String,
    /// What ran: "CPU" or "GPU"; "none" where nothing did.
    pub device: String,
    /// Which GPU: PCI id and execution units, as in "8086:64a0 x64", or vendor and name where the id is not
    /// known; None for a processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<String>,
    /// Whether the device is known to be emulated.
    #[serde(default)]
    pub emulated: bool,
    /// The version of OpenVINO; None where the run failed before it was loaded.
    pub openvino: Option<String>,
    /// The hash of the properties in force.
    pub properties_sha256: String,
    /// The identity of prompts and protocol.
    pub workload_sha256: String,
}

impl Series {
    /// The series of a run.
    #[must_use]
    pub fn of(record: ArmView<'_>) -> Self {
        let runtime = record.runtime.as_ref();
        let properties = runtime.map(RuntimeRecord::setting);
        let openvino = runtime.map(|runtime| runtime.openvino_version.clone());
        let properties_sha256 = sha256_of(&properties);
        let device = record.device.actual();
        let gpu = record.device.gpu_identity();
        let emulated = record.device.emulated_reason().is_some();
        let ran = gpu.as_ref().map_or(device.to_owned(), |gpu| format!("{device} {gpu} {emulated}"));
        let key = (
            &record.experiment.machine.sha256,
            &record.model.sha256,
            ran,
            &openvino,
            &properties_sha256,
            &record.workload.sha256,
        );
        Self {
            id: short(&sha256_of(&key)),
            machine: record.experiment.machine.slug.clone(),
            machine_sha256: record.experiment.machine.sha256.clone(),
            model: record.model.name.clone(),
            model_sha256: record.model.sha256.clone(),
            device: device.to_owned(),
            gpu,
            emulated,
            openvino,
            properties_sha256,
            workload_sha256: record.workload.sha256.clone(),
        }
    }

    /// What ran, as in "emulated GPU".
    #[must_use]
    pub fn device_in_words(&self) -> String {
        format!("{}{}", if self.emulated { "emulated " } else { "" }, self.device)
    }
}

/// A stretch of time in which nothing under the measurement was exchanged. Where the epoch changes, a
/// step in the figures need not be the commit's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Epoch {
    /// Names it: a hash of its parts.
    pub id: String,
    /// Its parts by name, as in "kernel"; what is not known is not there.
    pub parts: BTreeMap<String, String>,
}

/// A part that differs between two epochs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochChange {
    /// Which, as in "gpu driver".
    pub part: String,
    /// What it was; None where it was not known.
    pub from: Option<String>,
    /// What it is.
    pub to: Option<String>,
}

impl Epoch {
    /// The epoch of a run.
    #[must_use]
    pub fn of(record: ArmView<'_>) -> Self {
        let (machine, runtime) = (&record.experiment.machine, record.runtime.as_ref());
        let facts = record.device.ran.as_ref().map(ProvenDevice::facts);
        let known = [
            ("gpu driver", machine.gpu_driver.clone()),
            ("gpu driver's opencl", facts.and_then(|facts| facts.opencl_version.clone())),
            ("gpu kernel driver", facts.and_then(DeviceFacts::kernel_driver_in_words)),
            ("kernel", machine.kernel.clone()),
            ("firmware", machine.firmware.clone()),
            ("microcode", machine.microcode.clone()),
            ("machine", Some(machine.sha256.clone())),
            ("model", Some(record.model.sha256.clone())),
            ("openvino", runtime.map(|runtime| runtime.openvino_build.clone())),
        ];
        let known = known.into_iter().filter_map(|(part, value)| Some((part.to_owned(), value?)));
        let properties = runtime.into_iter().flat_map(RuntimeRecord::setting);
        let properties = properties.map(|(key, value)| (format!("property {key}"), value));
        let parts: BTreeMap<String, String> = known.chain(properties).collect();
        Self { id: short(&sha256_of(&parts)), parts }
    }

    /// What has changed since an earlier one, in the order of the parts' names.
    #[must_use]
    pub fn changes_since(&self, earlier: &Self) -> Vec<EpochChange> {
        let mut names: Vec<&String> = self.parts.keys().chain(earlier.parts.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let changed = names.into_iter().filter(|name| self.parts.get(*name) != earlier.parts.get(*name));
        changed
            .map(|part| EpochChange {
                part: part.clone(),
                from: earlier.parts.get(part).cloned(),
                to: self.parts.get(part).cloned(),
            })
            .collect()
    }
}

/// The hash of a value's JSON; maps are in the order of their keys.
fn sha256_of(value: &impl Serialize) -> String {
    hex(&Sha256::digest(serde_json::to_vec(value).unwrap_or_default()))
}

fn short(sha256: &str) -> String {
    sha256[..12].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Experiment, open};

    #[test]
    fn a_property_that_is_set_and_not_read_back_is_a_setting_of_its_own() {
        let run: Experiment =
            open(include_bytes!("../../../fixtures/records/bench-3.0.json"), "a record").unwrap();
        let with = |key: &str, value: &str| {
            let mut run = run.clone();
            let runtime = run.arms[0].runtime.as_mut().unwrap();
            runtime.properties_requested.insert(key.to_owned(), value.to_owned());
            (Series::of(run.subject()).id, Epoch::of(run.subject()).id)
        };
        assert_ne!(with("A_HIDDEN_SWITCH", "1"), with("A_HIDDEN_SWITCH", "2"));
        let read_back = run.arms[0].runtime.as_ref().unwrap().properties_effective.keys().next().unwrap();
        assert_eq!(with(read_back, "1"), with(read_back, "2"), "what is read back is in force");
    }

    #[test]
    fn what_a_warm_load_reads_back_changes_neither_series_nor_epoch() {
        let cold: Experiment =
            open(include_bytes!("../../../fixtures/records/bench-3.0.json"), "a record").unwrap();
        let mut warm = cold.clone();
        let runtime = warm.arms[0].runtime.as_mut().unwrap();
        runtime.properties_warm = [("KV_CACHE_PRECISION".to_owned(), "dynamic".to_owned())].into();
        assert_eq!(
            (Series::of(warm.subject()), Epoch::of(warm.subject())),
            (Series::of(cold.subject()), Epoch::of(cold.subject()))
        );
    }
}
