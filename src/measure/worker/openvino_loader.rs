//! Brings a model through OpenVINO.

use std::collections::BTreeMap;

use crate::engine::openvino::{
    CompiledModelFolder, DeviceKind, FoundBy, Graph, LastTokenOnly, OpenVinoEngine, Property,
    RuntimeLocation, Settled,
};
use crate::engine::{Engine, ModelFolder};
use crate::error::{Error, Result};
use crate::measure::Clock;
use crate::measure::protocol::{CacheState, InferSpan, KvCache, LoadCommand, LoadedEvent, SettledEvent};
use crate::measure::worker::serve::{Brought, Loader, Model};

/// Loads through OpenVINO; times are of this clock.
pub struct OpenVinoLoader<'a> {
    /// The clock.
    pub clock: &'a dyn Clock,
}

impl Loader for OpenVinoLoader<'_> {
    fn load(
        &mut self,
        command: &LoadCommand,
        told: &mut dyn FnMut(SettledEvent) -> Result<()>,
    ) -> Result<Brought> {
        let folder = ModelFolder::open(&command.model_dir)?;
        let graph = Graph::read(&folder)?;
        let asked: Vec<Property> =
            command.properties.iter().map(|property| property.parse()).collect::<Result<_>>()?;
        let mut settled = Settled::on(location(command), &command.device, &asked)?;
        let compiled_models = compiled_models(command, &settled);
        told(settled_event(&settled, compiled_models.as_ref()))?;
        let filling = compiled_models.clone().filter(|cache| !cache.is_warm());
        if let Some(cache) = &compiled_models {
            cache.prepare().map_err(|cause| Error::io("write", cache.path(), &cause))?;
        }
        let load_started_ns = self.clock.now_ns();
        let engine = settled.load(
            &folder,
            &graph,
            command.edited_graph.as_deref(),
            compiled_models.as_ref().map(CompiledModelFolder::path),
        )?;
        let load_ended_ns = self.clock.now_ns();
        let event = LoadedEvent {
            load_started_ns,
            load_ended_ns,
            execution_devices: engine.device().execution_devices.clone(),
            properties_effective: engine.properties().clone(),
            vocabulary_size: engine.vocabulary_size(),
            context_tokens: engine.context_tokens(),
            states_hidden_because: engine.states_hidden_because().map(str::to_owned),
            unedited_because: match engine.last_token_only() {
                LastTokenOnly::Applied => None,
                LastTokenOnly::NotApplied(because) => Some(because.clone()),
            },
            attention: Some("sdpa".to_owned()),
            infer_span: InferSpan::Inference,
            device_memory_bytes: device_memory_bytes(&settled),
        };
        Ok(Brought { model: Box::new(OpenVinoModel { engine, settled, filling }), event })
    }
}

fn location(command: &LoadCommand) -> RuntimeLocation {
    RuntimeLocation {
        c_library: command.c_library.clone(),
        found_by: command.pinned_version.clone().map_or(FoundBy::Flag, FoundBy::Pinned),
    }
}

/// On a GPU, where compiling takes minutes. The CPU compiles in seconds, and its plugin keeps no
/// compiled kernels.
fn compiled_models(command: &LoadCommand, settled: &Settled) -> Option<CompiledModelFolder> {
    let root = command.compiled_models.as_ref().filter(|_| settled.choice.kind() == DeviceKind::Gpu)?;
    Some(CompiledModelFolder::of(root, &command.model_sha256, settled))
}

fn settled_event(settled: &Settled, compiled_models: Option<&CompiledModelFolder>) -> SettledEvent {
    SettledEvent {
        openvino_version: settled.runtime.version().to_owned(),
        openvino_build: settled.runtime.build().to_owned(),
        device: settled.choice.target.clone(),
        fallback_because: settled.choice.fallback_because.clone(),
        facts: settled.facts.clone(),
        gpu_name: settled.gpu_name(),
        properties_asked: settled.properties.iter().map(|p| (p.key.clone(), p.value.clone())).collect(),
        compiled_model_cache: match compiled_models {
            None => CacheState::Off,
            Some(folder) if folder.is_warm() => CacheState::Warm,
            Some(_) => CacheState::Cold,
        },
    }
}

/// `GPU_MEMORY_STATISTICS`, as in `{cl_mem: 0, usm_host: 1024}`; a CPU has none.
fn device_memory_bytes(settled: &Settled) -> BTreeMap<String, u64> {
    if settled.choice.kind() != DeviceKind::Gpu {
        return BTreeMap::new();
    }
    let told = settled.runtime.device_property(&settled.choice.target, "GPU_MEMORY_STATISTICS");
    told.as_deref().map(memory_by_kind).unwrap_or_default()
}

fn memory_by_kind(told: &str) -> BTreeMap<String, u64> {
    let separators = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ':' | ',' | '=' | '"');
    let words: Vec<&str> = told.split(separators).filter(|word| !word.is_empty()).collect();
    let pairs = words.chunks_exact(2).filter_map(|pair| Some((pair[0].to_owned(), pair[1].parse().ok()?)));
    pairs.collect()
}

struct OpenVinoModel {
    engine: OpenVinoEngine,
    settled: Settled,
    /// The cache of compiled models that the first generation completes.
    filling: Option<CompiledModelFolder>,
}

impl Model for OpenVinoModel {
    fn engine(&mut self) -> &mut dyn Engine {
        &mut self.engine
    }

    fn kv_cache(&mut self) -> Option<KvCache> {
        self.engine.states_hidden_because().is_none().then_some(())?;
        let elements = self.engine.kv_elements().ok()?;
        let precision = self.engine.properties().get("KV_CACHE_PRECISION")?.clone();
        Some(KvCache {
            tokens: self.engine.held_tokens() as u64,
            elements,
            bytes: bits_of(&precision).map(|bits| elements * bits / 8),
            precision,
        })
    }

    fn device_memory_bytes(&self) -> BTreeMap<String, u64> {
        device_memory_bytes(&self.settled)
    }

    fn generated(&mut self) {
        if let Some(cache) = self.filling.take() {
            // Where the mark cannot be written, the next load is a cold one, and says so.
            let _ = cache.mark_complete();
        }
    }
}

/// Bits of an element, by OpenVINO's name of the type.
fn bits_of(precision: &str) -> Option<u64> {
    match precision {
        "f32" => Some(32),
        "f16" | "bf16" => Some(16),
        "u8" | "i8" => Some(8),
        "u4" | "i4" => Some(4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_statistics_are_read_by_kind() {
        let read = memory_by_kind("{cl_mem: 0, usm_device: 12 usm_host:7}");
        assert_eq!(
            read,
            [("cl_mem", 0), ("usm_device", 12), ("usm_host", 7)].map(|(k, v)| (k.into(), v)).into()
        );
        assert!(memory_by_kind("").is_empty());
        assert!(memory_by_kind("nonsense without numbers").is_empty());
    }
}
