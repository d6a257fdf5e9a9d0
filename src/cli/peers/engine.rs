//! An engine in words: which one, and in what it runs otherwise than the others.

use std::fmt;
use std::str::FromStr;

use crate::engine::openvino::{DeviceKind, Property};
use crate::error::{Error, Result};
use crate::record::Arm;

/// An engine that is known by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// This program.
    Stateful,
    /// `openvino_genai`'s pipeline.
    Genai(Attention),
    /// optimum-intel.
    Optimum,
    /// One that `--program` names.
    Program(String),
}

/// How `openvino_genai` attends to past tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attention {
    /// Stateful, as this program.
    Sdpa,
    /// Paged.
    Paged,
}

impl Attention {
    /// As `genai.py` takes it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Sdpa => "sdpa",
            Self::Paged => "paged",
        }
    }
}

/// An engine as it was requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EngineWords {
    name: String,
    pub(super) kind: Kind,
    /// Whether its KV cache is compressed to 8 bits, in whatever way its device has.
    has_compressed_cache: bool,
    properties: Vec<Property>,
}

/// The property that a compressed cache is requested by.
const KV_CACHE_PRECISION: &str = "KV_CACHE_PRECISION";

impl EngineWords {
    /// Properties of this engine alone, on this device.
    pub(super) fn properties(&self, device: DeviceKind) -> Vec<Property> {
        let eight_bits = match device {
            DeviceKind::Cpu => "u8",
            DeviceKind::Gpu => "i8",
        };
        let compressed = self.has_compressed_cache.then(|| Property::new(KV_CACHE_PRECISION, eight_bits));
        compressed.into_iter().chain(self.properties.clone()).collect()
    }

    /// Whose loop drives the model.
    pub(super) fn host_loop(&self) -> &str {
        match &self.kind {
            Kind::Stateful => Arm::ARCGAUGE,
            Kind::Genai(_) => Arm::OPENVINO_GENAI,
            Kind::Optimum => Arm::OPTIMUM_INTEL,
            Kind::Program(name) => name,
        }
    }
}

impl FromStr for EngineWords {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, properties) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let (kind, has_compressed_cache) = match name {
            "" => {
                return Err(Error::input("an engine has no name")
                    .hint("as in `--engines stateful,genai,optimum`; `--help` lists them"));
            }
            "stateful" => (Kind::Stateful, false),
            "genai" => (Kind::Genai(Attention::Sdpa), false),
            "genai-pa" => (Kind::Genai(Attention::Paged), false),
            "genai-pa-i8" => (Kind::Genai(Attention::Paged), true),
            "optimum" => (Kind::Optimum, false),
            other => (Kind::Program(other.to_owned()), false),
        };
        let properties = properties.iter().flat_map(|all| all.split('+'));
        let properties = properties.map(str::parse).collect::<Result<Vec<Property>>>()?;
        let is_said_twice = |property: &Property| {
            properties.iter().filter(|other| other.key == property.key).count() > 1
                || (has_compressed_cache && property.key == KV_CACHE_PRECISION)
        };
        if let Some(property) = properties.iter().find(|property| is_said_twice(property)) {
            return Err(Error::input(format!("engine `{text}` sets `{}` twice", property.key))
                .hint("give each property of an engine once"));
        }
        Ok(Self { name: name.to_owned(), kind, has_compressed_cache, properties })
    }
}

impl fmt::Display for EngineWords {
    /// The words again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (at, property) in self.properties.iter().enumerate() {
            let separator = if at == 0 { ':' } else { '+' };
            write!(f, "{separator}{}={}", property.key, property.value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_named_with_what_it_has_for_itself() {
        let engine: EngineWords = "genai-pa:KV_CACHE_PRECISION=u8+NUM_STREAMS=1".parse().unwrap();
        assert_eq!(engine.kind, Kind::Genai(Attention::Paged));
        let reported: Vec<String> =
            engine.properties(DeviceKind::Cpu).iter().map(|it| format!("{}={}", it.key, it.value)).collect();
        assert_eq!(reported, ["KV_CACHE_PRECISION=u8", "NUM_STREAMS=1"]);
        assert_eq!(engine.to_string(), "genai-pa:KV_CACHE_PRECISION=u8+NUM_STREAMS=1");
        assert_eq!("mine".parse::<EngineWords>().unwrap().host_loop(), "mine");
    }

    #[test]
    fn a_compressed_cache_is_requested_as_the_device_has_it() {
        let engine: EngineWords = "genai-pa-i8".parse().unwrap();
        assert_eq!(engine.properties(DeviceKind::Cpu), [Property::new("KV_CACHE_PRECISION", "u8")]);
        assert_eq!(engine.properties(DeviceKind::Gpu), [Property::new("KV_CACHE_PRECISION", "i8")]);
    }

    #[test]
    fn words_that_cannot_be_meant_are_refused() {
        for (text, says) in [
            ("", "has no name"),
            ("genai:", "not of the form KEY=VALUE"),
            ("genai:A=1+A=2", "sets `A` twice"),
            ("genai-pa-i8:KV_CACHE_PRECISION=u8", "sets `KV_CACHE_PRECISION` twice"),
        ] {
            let error = text.parse::<EngineWords>().unwrap_err();
            assert!(error.to_string().contains(says), "{text}: {error}");
        }
    }
}
