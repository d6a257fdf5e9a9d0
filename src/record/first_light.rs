//! What the steps of a first day on a GPU saw, as they tell it to the process that walks through them.
//!
//! A step is a process of its own: a driver that hangs must not hold up whoever waits for it.

use serde::{Deserialize, Serialize};

use crate::engine::openvino::DeviceFacts;
use crate::measure::guard::GuardLog;
use crate::sys::Observed;

/// The machine and what OpenVINO sees of it, before anything is loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineLook {
    /// Every Intel GPU that the kernel shows.
    pub gpus: Vec<GpuOnBus>,
    /// OpenVINO, and the devices that it lists.
    pub runtime: Observed<RuntimeLook>,
    /// One look at clocks, counters and other programs.
    pub guards: GuardLog,
}

impl MachineLook {
    /// The names of the GPUs that OpenVINO lists; None where OpenVINO was not queried.
    #[must_use]
    pub fn gpus_in_openvino(&self) -> Option<Vec<&str>> {
        let devices = &self.runtime.value()?.devices;
        let names = devices.iter().map(|device| device.name.as_str());
        Some(names.filter(|name| name.starts_with("GPU")).collect())
    }
}

/// An Intel GPU, as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuOnBus {
    /// Vendor and device, as in "8086:64a0".
    pub pci_id: String,
    /// The kernel driver that holds it.
    pub driver: Option<String>,
    /// Its nodes below `/dev/dri`.
    pub render_nodes: Vec<RenderNode>,
}

/// A node through which a program reaches a GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderNode {
    /// As in "renderD128".
    pub name: String,
    /// Why it does not open for reading and writing; None where it does.
    pub refused_reason: Option<String>,
}

/// OpenVINO, loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeLook {
    /// As in "2026.4.1".
    pub version: String,
    /// Every device that it lists.
    pub devices: Vec<RuntimeDevice>,
}

/// A device that OpenVINO lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeDevice {
    /// As in "GPU.0".
    pub name: String,
    /// What OpenVINO tells of it.
    pub facts: DeviceFacts,
}

/// What came of something that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trial {
    /// It holds, as was seen.
    Held(String),
    /// It was tried and does not hold.
    Failed(String),
    /// It was not tried.
    NotTried(String),
}

/// The KV states of a model: read, emptied and put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatesLook {
    /// "CPU" or "GPU": what ran, by `EXECUTION_DEVICES`.
    pub ran: String,
    /// How many states there are; None where they were not read.
    pub count: Option<usize>,
    /// Whether they were read, with the shape that the prompt gives them.
    pub read: Trial,
    /// Whether they were seen empty after a reset.
    pub reset: Trial,
    /// Whether decoding went on from states that were put back as it had before.
    pub put_back: Trial,
}

/// Answers of a run, fed to the model on the CPU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossCheckLook {
    /// From this logit margin on, a token that the CPU does not prefer is wrong, logit.
    pub limit_logit: f32,
    /// Each answer.
    pub answers: Vec<CrossCheckedAnswer>,
}

/// An answer, and where the CPU prefers other tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossCheckedAnswer {
    /// The prompt's id.
    pub prompt_id: String,
    /// Its tokens.
    pub tokens: usize,
    /// At how many of them the CPU prefers another.
    pub other_preferred: usize,
    /// The largest of the CPU's logit margins at these, logit.
    pub largest_logit_margin: f32,
    /// At which token that is, from 1.
    pub widest_at: Option<usize>,
}

/// A line of `doctor`'s report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorLine {
    /// "ok", "warn", "FAIL" or "skip".
    pub word: String,
    /// What was looked at.
    pub subject: String,
    /// What was found.
    pub found: String,
}

impl DoctorLine {
    /// The lines of a report; hints are left out.
    #[must_use]
    pub fn all_of(report: &str) -> Vec<Self> {
        let line = |line: &str| {
            let (word, rest) = line.split_once(' ')?;
            let (subject, found) = rest.trim_start().split_once("  ")?;
            let owned = |text: &str| text.trim().to_owned();
            (!word.is_empty()).then(|| Self {
                word: owned(word),
                subject: owned(subject),
                found: owned(found),
            })
        };
        report.lines().filter_map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doctor_s_report_is_taken_apart_and_its_hints_are_left_out() {
        let report = "ok    render node        `/dev/dri/renderD128` opens\n\
                      FAIL  device requested   no `GPU.1`\n      hint: try  `--device CPU`\n\
                      ok    a subject of many words  fine\n";
        let lines = DoctorLine::all_of(report);
        let reported: Vec<[&str; 3]> =
            lines.iter().map(|line| [&*line.word, &line.subject, &line.found]).collect();
        assert_eq!(
            reported,
            [
                ["ok", "render node", "`/dev/dri/renderD128` opens"],
                ["FAIL", "device requested", "no `GPU.1`"],
                ["ok", "a subject of many words", "fine"],
            ]
        );
    }

    #[test]
    fn the_gpus_of_openvino_are_known_only_where_it_was_asked() {
        let device = |name: &str| RuntimeDevice { name: name.into(), facts: DeviceFacts::default() };
        let runtime = RuntimeLook { version: "1".into(), devices: vec![device("CPU"), device("GPU.0")] };
        let seen = MachineLook {
            gpus: Vec::new(),
            runtime: Observed::Observed(runtime),
            guards: serde_json::from_value(no_guards()).unwrap(),
        };
        assert_eq!(seen.gpus_in_openvino(), Some(vec!["GPU.0"]));
        let unseen = MachineLook { runtime: Observed::not("it hangs"), ..seen };
        assert_eq!(unseen.gpus_in_openvino(), None);
    }

    /// A log of a machine that tells nothing.
    fn no_guards() -> serde_json::Value {
        let not = serde_json::json!({ "not_observed": "not here" });
        serde_json::json!({
            "facts": {
                "cpu": { "governors": not, "energy_preferences": not, "is_turbo_off": not },
                "platform_profile": not, "gpus": not, "energy_range_microjoules": not,
            },
            "clocks_before": not, "clocks_after": not, "readings": [],
        })
    }
}
