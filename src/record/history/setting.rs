//! On what a record was measured, as far as lists and charts need it.

use serde::{Deserialize, Serialize};

use crate::record::history::epoch::{Epoch, Series};
use crate::record::{ProvenDevice, RunRecord, sha256_of_bytes};

/// What stands for a device where nothing ran.
const NONE: &str = "none";

/// On what a record was measured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Setting {
    /// What its figures can be compared with.
    pub series: Series,
    /// What lay under the measurement.
    pub epoch: Epoch,
    /// Which device of its kind: PCI id and execution units, as in "8086:64a0 x64"; None where the runtime
    /// does not tell.
    pub device_id: Option<String>,
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
    device_id: Option<String>,
}

impl Setting {
    /// The setting of a run.
    #[must_use]
    pub fn of(run: &RunRecord) -> Self {
        let facts = run.device.ran.as_ref().map(ProvenDevice::facts);
        let device_id = facts.and_then(|facts| {
            let units = facts.execution_units.map(|units| format!(" x{units}")).unwrap_or_default();
            Some(format!("{}{units}", facts.pci_id.as_ref()?))
        });
        Self {
            series: Series::of(run),
            epoch: Epoch::of(run),
            device_id,
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
            device: self.series.device.clone(),
            device_id: self.device_id.clone(),
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
            self.device_id.as_ref().unwrap_or(&self.device),
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
    use crate::record::open;

    #[test]
    fn another_gpu_of_the_same_machine_is_another_line() {
        let run = open(include_bytes!("../../../fixtures/records/schema-2.0.json"), "a record").unwrap();
        let of = |device_id: Option<&str>| {
            Setting { device_id: device_id.map(str::to_owned), ..Setting::of(&run) }.line()
        };
        let lines = [of(None), of(Some("8086:64a0 x64")), of(Some("8086:e20b x160"))];
        for (at, one) in lines.iter().enumerate() {
            for other in &lines[at + 1..] {
                assert!(one != other && one.id() != other.id() && one.is_beside(other), "{one:?} {other:?}");
            }
        }
    }
}
