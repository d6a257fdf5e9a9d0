//! Which device is requested, which one is there, and which one really ran; and its compile-time properties: stated,
//! never left to defaults, and read back after compiling.
//!
//! Defaults differ by processor (a CPU with `AVX512_BF16` infers in bf16 with a u8 KV cache) and by
//! version, so a number taken under defaults could not be repeated elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

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
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Gpu => "GPU",
        }
    }

    /// Of a device as OpenVINO names it: "GPU", "GPU.1" and the like are GPUs.
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

/// Properties as the runtime states them after compiling, by name.
pub type EffectiveProperties = BTreeMap<String, String>;

/// Read back after compiling, whether requested or not.
pub(super) const READ_BACK: [&str; 8] = [
    "PERFORMANCE_HINT",
    "EXECUTION_MODE_HINT",
    "INFERENCE_PRECISION_HINT",
    "KV_CACHE_PRECISION",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE",
    "NUM_STREAMS",
    "INFERENCE_NUM_THREADS",
    "EXECUTION_DEVICES",
];

/// One `KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// OpenVINO's name of it.
    pub key: String,
    /// Its value, as text.
    pub value: String,
}

impl Property {
    /// A property of this name and value.
    pub fn new(key: &str, value: &str) -> Self {
        Self { key: key.to_owned(), value: value.to_owned() }
    }
}

/// Properties of OpenVINO's plugins that are set when a model is compiled; any other may be set, too.
const COMMON: [&str; 20] = [
    "ACTIVATIONS_SCALE_FACTOR",
    "CACHE_MODE",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE",
    "ENABLE_CPU_PINNING",
    "ENABLE_HYPER_THREADING",
    "EXECUTION_MODE_HINT",
    "INFERENCE_NUM_THREADS",
    "INFERENCE_PRECISION_HINT",
    "KEY_CACHE_GROUP_SIZE",
    "KEY_CACHE_PRECISION",
    "KV_CACHE_PRECISION",
    "LOG_LEVEL",
    "MODEL_DISTRIBUTION_POLICY",
    "NUM_STREAMS",
    "PERFORMANCE_HINT",
    "PERFORMANCE_HINT_NUM_REQUESTS",
    "PERF_COUNT",
    "SCHEDULING_CORE_TYPE",
    "VALUE_CACHE_GROUP_SIZE",
    "VALUE_CACHE_PRECISION",
];
/// Letters of a name that may be mistyped.
const TYPING_ERRORS: usize = 2;

/// The property that is meant by a mistyped name: found while arguments are read, before any wait for the machine.
fn meant(key: &str) -> Option<&'static str> {
    if COMMON.contains(&key) {
        return None;
    }
    let upper = key.to_ascii_uppercase();
    COMMON.into_iter().find(|known| strsim::osa_distance(&upper, known) <= TYPING_ERRORS)
}

impl fmt::Display for Property {
    /// As in `KEY=VALUE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

impl FromStr for Property {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => match meant(key) {
                None => Ok(Self::new(key, value)),
                Some(known) => Err(Error::input(format!("there is no property `{key}`; `{known}` is one"))
                    .hint(format!("`{known}={value}`"))),
            },
            _ => Err(Error::input(format!("property `{text}` is not of the form KEY=VALUE"))
                .hint("as in `--property INFERENCE_PRECISION_HINT=f32`")),
        }
    }
}

/// The properties of the default series on a device, with those the user requested put over them.
///
/// On the CPU: f32 throughout, and activations not quantised on the way (which the plugin does by
/// default, by other kernels in each version), so that the same tokens come out everywhere, with
/// logits that can be compared. On the GPU: f16 with an f16 KV cache, for with a compressed cache
/// the states cannot be read.
pub fn default_properties(kind: DeviceKind, requested: &[Property]) -> Vec<Property> {
    let precision = match kind {
        DeviceKind::Cpu => "f32",
        DeviceKind::Gpu => "f16",
    };
    let mut properties = vec![
        Property::new("PERFORMANCE_HINT", "LATENCY"),
        Property::new("INFERENCE_PRECISION_HINT", precision),
        Property::new("KV_CACHE_PRECISION", precision),
    ];
    if kind == DeviceKind::Cpu {
        properties.push(Property::new("DYNAMIC_QUANTIZATION_GROUP_SIZE", "0"));
    }
    for property in requested {
        properties.retain(|stated| stated.key != property.key);
        properties.push(property.clone());
    }
    properties
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
    fn a_mistyped_property_is_refused_with_the_one_that_is_meant() {
        let refused = "KV_CACHE_PRECISON=u8".parse::<Property>().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "there is no property `KV_CACHE_PRECISON`; `KV_CACHE_PRECISION` is one"
        );
        assert!("kv_cache_precision=u8".parse::<Property>().is_err(), "names are in capitals");
        for known in COMMON.into_iter().chain(READ_BACK).chain(["GPU_A_NEW_PROPERTY"]) {
            assert!(format!("{known}=1").parse::<Property>().is_ok(), "{known}");
        }
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

    #[test]
    fn what_the_user_asks_for_replaces_the_default() {
        let requested = ["KV_CACHE_PRECISION=u8".parse().unwrap(), Property::new("NUM_STREAMS", "1")];
        let properties = default_properties(DeviceKind::Gpu, &requested);
        let text: Vec<String> = properties.iter().map(Property::to_string).collect();
        assert_eq!(
            text,
            [
                "PERFORMANCE_HINT=LATENCY",
                "INFERENCE_PRECISION_HINT=f16",
                "KV_CACHE_PRECISION=u8",
                "NUM_STREAMS=1"
            ]
        );
    }

    #[test]
    fn a_property_without_a_name_or_a_value_is_refused() {
        for text in ["", "A", "=B", "A="] {
            assert!(text.parse::<Property>().is_err(), "`{text}`");
        }
    }
}
