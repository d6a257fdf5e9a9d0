//! Compile-time properties: stated, never left to defaults, and read back after compiling.
//!
//! Defaults differ by processor (a CPU with `AVX512_BF16` infers in bf16 with a u8 KV cache) and by
//! version, so a number taken under defaults could not be repeated elsewhere.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::engine::openvino::DeviceKind;
use crate::error::{Error, Result};

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
    #[must_use]
    pub fn new(key: &str, value: &str) -> Self {
        Self { key: key.to_owned(), value: value.to_owned() }
    }
}

impl FromStr for Property {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok(Self::new(key, value)),
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
#[must_use]
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

    #[test]
    fn what_the_user_asks_for_replaces_the_default() {
        let requested = ["KV_CACHE_PRECISION=u8".parse().unwrap(), Property::new("NUM_STREAMS", "1")];
        let properties = default_properties(DeviceKind::Gpu, &requested);
        let text: Vec<String> = properties.iter().map(|p| format!("{}={}", p.key, p.value)).collect();
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
