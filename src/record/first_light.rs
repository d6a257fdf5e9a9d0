//! What the steps of a first day on a GPU saw, as they report it to the process that walks through them.
//!
//! A step is a process of its own: a driver that hangs must not hold up whoever waits for it.

use serde::{Deserialize, Serialize};

use crate::engine::openvino::DeviceFacts;
use crate::error::Error;
use crate::measure::guard::GuardLog;
use crate::sys::Observed;
use crate::visible::line;

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
    /// What OpenVINO reports of it.
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

/// Room for the longest subject.
const SUBJECT_WIDTH: usize = 17;

/// The status of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckStatus {
    /// Ready.
    Ok,
    /// Usable, and something is not as it ought to be.
    Warn,
    /// Verbs that need it will fail.
    Fail,
    /// Not looked at, and why.
    Skip,
}

impl CheckStatus {
    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::Skip => "skip",
        }
    }
}

/// A check of `doctor`: a line of its report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// How it stands.
    pub status: CheckStatus,
    /// What was looked at.
    pub subject: String,
    /// What was found.
    pub found: String,
    /// The command that fixes it; there for every warning and failure.
    pub fix: Option<String>,
}

impl Check {
    /// All is well.
    pub fn ok(subject: &str, found: impl Into<String>) -> Self {
        Self { status: CheckStatus::Ok, subject: subject.to_owned(), found: found.into(), fix: None }
    }

    /// It was not looked at.
    pub fn skip(subject: &str, reason: impl Into<String>) -> Self {
        Self { status: CheckStatus::Skip, subject: subject.to_owned(), found: reason.into(), fix: None }
    }

    /// It can be worked with.
    pub fn warn(subject: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::trouble(CheckStatus::Warn, subject, found, fix)
    }

    /// It cannot be worked with.
    pub fn fail(subject: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::trouble(CheckStatus::Fail, subject, found, fix)
    }

    /// Something to fix that is a warning to one and a failure to another.
    pub fn trouble(
        status: CheckStatus,
        subject: &str,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { status, subject: subject.to_owned(), found: found.into(), fix: Some(fix.into()) }
    }

    /// An error as a failure; `fix` is for one that brings no hint of its own.
    pub fn of_error(subject: &str, error: &Error, fix: &str) -> Self {
        Self::fail(subject, error.to_string(), error.hint_text().unwrap_or(fix))
    }

    /// The check as it is printed: one line, and an indented one with the command that fixes it.
    pub fn render(&self) -> String {
        let (word, subject, found) = (self.status.as_str(), &self.subject, line(self.found.trim()));
        let hint = self.fix.as_ref().map(|fix| format!("      hint: {}\n", line(fix.trim())));
        format!("{word:<4}  {subject:<SUBJECT_WIDTH$}  {found}\n{}", hint.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// A log of a machine that reports nothing.
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
