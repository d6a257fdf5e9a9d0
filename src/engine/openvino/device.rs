//! Which device is requested, which one is there, and which one really ran.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The two kinds of device that arcgauge measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A GPU, of whichever vendor.
    Gpu,
}

impl DeviceKind {
    /// "CPU" or "GPU".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Gpu => "GPU",
        }
    }

    /// Of a device as OpenVINO names it: "GPU", "GPU.1" and the like are GPUs.
    #[must_use]
    pub fn of_name(device: &str) -> Self {
        if device.starts_with(Self::Gpu.name()) { Self::Gpu } else { Self::Cpu }
    }
}

/// What was requested and what will be compiled for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceChoice {
    /// As the user wrote it.
    pub requested: String,
    /// The device that the model is compiled for.
    pub target: String,
    /// Why that is not what was requested.
    pub fallback_reason: Option<String>,
}

impl DeviceChoice {
    /// The kind of the device that the model is compiled for.
    #[must_use]
    pub fn kind(&self) -> DeviceKind {
        kind_of(&self.target).unwrap_or(DeviceKind::Cpu)
    }

    /// Settles the device before anything is compiled.
    ///
    /// `GPU`, and nothing else, falls back to the CPU where there is no GPU: it is the default, and
    /// a machine without one shall still run the same pipeline. Whoever names a device exactly gets
    /// that device or an error.
    ///
    /// # Errors
    /// A device that is not there, or not one that arcgauge measures.
    pub fn settle(requested: &str, available: &[String]) -> Result<Self> {
        let has = |name: &str| available.iter().any(|device| device == name);
        let any_gpu = available.iter().any(|device| is_gpu(device));
        let list = available.iter().map(|device| format!("`{device}`")).collect::<Vec<_>>().join(", ");
        let chosen = |target: &str, fallback_reason| {
            Ok(Self { requested: requested.to_owned(), target: target.to_owned(), fallback_reason })
        };
        match requested {
            "CPU" if has("CPU") => chosen("CPU", None),
            "GPU" if any_gpu => chosen("GPU", None),
            "GPU" if has("CPU") => {
                chosen("CPU", Some(format!("OpenVINO sees no GPU on this machine, only {list}")))
            }
            // With a single GPU the list says "GPU", and "GPU.0" is its other name.
            "GPU.0" if has("GPU") => chosen("GPU.0", None),
            named if is_gpu(named) && has(named) => chosen(named, None),
            named if has(named) => Err(Error::input(format!(
                "device `{named}` is there, but arcgauge measures only CPU and GPU"
            ))
            .hint(format!("devices on this machine: {list}"))),
            absent => Err(Error::input(format!("device `{absent}` is not on this machine"))
                .hint(format!("devices on this machine: {list}; try `--device CPU`"))),
        }
    }
}

/// The device that a compiled model really runs on, by its own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceProof {
    /// The kind that ran.
    pub kind: DeviceKind,
    /// `EXECUTION_DEVICES`, verbatim.
    pub execution_devices: String,
}

impl DeviceProof {
    /// Reads `EXECUTION_DEVICES`: all of its entries must be of the kind that was compiled for.
    ///
    /// # Errors
    /// When the model runs elsewhere, or on a mixture: such a run must not be measured.
    pub fn read(execution_devices: &str, target: &str) -> Result<Self> {
        let kinds: Vec<Option<DeviceKind>> = names(execution_devices).map(kind_of).collect();
        let expected = kind_of(target);
        match kinds.first() {
            Some(&Some(kind))
                if Some(kind) == expected
                    && kinds.iter().all(|k| *k == Some(kind))
                    && names(execution_devices).all(|name| is_same_gpu(name, target)) =>
            {
                Ok(Self { kind, execution_devices: execution_devices.to_owned() })
            }
            _ => Err(Error::environment(format!(
                "the model was compiled for `{target}` but OpenVINO runs it on `{execution_devices}`"
            ))
            .hint("run `cargo xtask doctor`")),
        }
    }
}

fn names(execution_devices: &str) -> impl Iterator<Item = &str> {
    execution_devices.split([' ', ',', '(', ')']).filter(|name| !name.is_empty())
}

/// Whether a device that runs is the one that was named; where none was named by number, any is.
fn is_same_gpu(ran: &str, target: &str) -> bool {
    let number = |device: &str| device.split_once('.').map(|(_, number)| number.to_owned());
    match (number(target), number(ran)) {
        (Some(named), Some(ran)) => named == ran,
        _ => true,
    }
}

fn kind_of(device: &str) -> Option<DeviceKind> {
    match device {
        "CPU" => Some(DeviceKind::Cpu),
        gpu if is_gpu(gpu) => Some(DeviceKind::Gpu),
        _ => None,
    }
}

/// `GPU`, `GPU.0`, `GPU.0.1`, and the same behind `OCL_`.
fn is_gpu(device: &str) -> bool {
    let mut parts = device.strip_prefix("OCL_").unwrap_or(device).split('.');
    parts.next() == Some("GPU")
        && parts.all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn settle(requested: &str, available: &[&str]) -> Result<DeviceChoice> {
        let available: Vec<String> = available.iter().map(ToString::to_string).collect();
        DeviceChoice::settle(requested, &available)
    }

    #[test]
    fn gpu_alone_falls_back_to_the_cpu_and_says_why() {
        let choice = settle("GPU", &["CPU"]).unwrap();
        assert_eq!(choice.target, "CPU");
        assert!(choice.fallback_reason.unwrap().contains("no GPU"));
    }

    #[test]
    fn every_other_absent_device_is_bad_input_with_the_list() {
        for requested in
            ["GPU.0", "GPU.3", "NPU", "AUTO", "AUTO:GPU,CPU", "HETERO:GPU,CPU", "MULTI:CPU", "gpu", ""]
        {
            let error = settle(requested, &["CPU"]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Input, "{requested}");
            assert!(error.hint_text().unwrap().contains("`CPU`"), "{requested}");
        }
    }

    #[test]
    fn a_gpu_that_is_there_is_used_by_either_of_its_names() {
        assert_eq!(settle("GPU", &["CPU", "GPU"]).unwrap().target, "GPU");
        assert_eq!(settle("GPU.0", &["CPU", "GPU"]).unwrap().target, "GPU.0");
        assert_eq!(settle("GPU.1", &["CPU", "GPU.0", "GPU.1"]).unwrap().target, "GPU.1");
        assert!(settle("GPU", &["CPU", "GPU.0"]).unwrap().fallback_reason.is_none());
    }

    #[test]
    fn a_device_that_is_there_but_not_measured_is_refused() {
        let error = settle("NPU", &["CPU", "NPU"]).unwrap_err();
        assert!(error.to_string().contains("only CPU and GPU"));
    }

    #[test]
    fn what_ran_is_read_from_the_compiled_model() {
        assert_eq!(DeviceProof::read("CPU", "CPU").unwrap().kind, DeviceKind::Cpu);
        for proof in ["GPU", "GPU.0", "OCL_GPU.0", "(GPU.0)", "GPU.0 GPU.1"] {
            assert_eq!(DeviceProof::read(proof, "GPU").unwrap().kind, DeviceKind::Gpu, "{proof}");
        }
    }

    #[test]
    fn a_model_that_runs_elsewhere_than_it_was_compiled_for_is_never_measured() {
        for (proof, target) in [
            ("CPU", "GPU"),
            ("GPU.0", "GPU.1"),
            ("OCL_GPU.0", "GPU.1"),
            ("GPU.0", "GPU.1"),
            ("OCL_GPU.0", "GPU.1"),
            ("GPU.0,CPU", "GPU"),
            ("", "GPU"),
            ("GPUX", "GPU"),
            ("GPU.", "GPU"),
        ] {
            let error = DeviceProof::read(proof, target).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Environment, "{proof}");
        }
    }
}
