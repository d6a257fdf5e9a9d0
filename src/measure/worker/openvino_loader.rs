//! Brings a model through OpenVINO.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter};

use crate::engine::openvino::{
    CompiledModelFolder, DeviceKind, EffectiveProperties, FoundBy, Graph, LastTokenOnly, OpenVinoEngine,
    Property, ResolvedRuntime, RuntimeLocation,
};
use crate::engine::transform::{CacheLayout, EditCost, TransformSpec, TransformedEngine};
use crate::engine::{CachedTokens, Engine, ModelFolder, capture_logits, compare_logits};
use crate::error::{Error, Result};
use crate::golden::{DriftReference, TextDrift, check_group_size};
use crate::measure::kv::{KvAgreement, KvMethod, KvUse, StateAccess};
use crate::measure::protocol::{
    CacheEvent, CacheState, DeviceResolvedEvent, DistributionsCommand, InferSpan, KvBytesSource, KvCache,
    LoadCommand, LoadedEvent, LogitsCommand,
};
use crate::measure::worker::{Brought, Loader, Model};
use crate::sys::Clock;

/// Rows that are not packed count as 16-bit elements, whatever the plugin stores them in.
const UNPACKED_ELEMENT_BYTES: usize = 2;

/// Loads through OpenVINO; times are of this clock.
pub struct OpenVinoLoader<'a> {
    /// The clock.
    pub clock: &'a dyn Clock,
}

impl Loader for OpenVinoLoader<'_> {
    fn load(
        &mut self,
        command: &LoadCommand,
        reported: &mut dyn FnMut(DeviceResolvedEvent) -> Result<()>,
    ) -> Result<Brought> {
        let folder = ModelFolder::open(&command.model_dir)?;
        let spec: TransformSpec = command.kv_transform.as_deref().unwrap_or("none").parse()?;
        let graph = Graph::read(&folder)?.for_transform(&spec, &folder)?;
        let requested: Vec<Property> =
            command.properties.iter().map(|property| property.parse()).collect::<Result<_>>()?;
        let mut resolved = ResolvedRuntime::on(location(command), &command.device, &requested)?;
        // Another graph must not be taken from, or put into, the cache of the model's own.
        let is_own_graph = spec.in_graph().is_none() && !spec.needs_queries();
        let compiled_models = compiled_models(command, &resolved).filter(|_| is_own_graph);
        reported(device_resolved_event(&resolved, compiled_models.as_ref()))?;
        let cold_properties = compiled_models.as_ref().and_then(CompiledModelFolder::cold_properties);
        let filling = compiled_models.clone().filter(|_| cold_properties.is_none());
        if let Some(cache) = &compiled_models {
            cache.prepare().map_err(|cause| Error::io("write", cache.path(), &cause))?;
        }
        let load_started_ns = self.clock.now_ns();
        let engine = resolved.load(
            &folder,
            &graph,
            command.edited_graph.as_deref(),
            compiled_models.as_ref().map(CompiledModelFolder::path),
        )?;
        let load_ended_ns = self.clock.now_ns();
        let loaded_from_cache = engine.loaded_from_cache();
        let read_back = engine.properties().clone();
        let (properties, properties_warm) = in_force(cold_properties, loaded_from_cache, read_back);
        let event = LoadedEvent {
            load_started_ns,
            load_ended_ns,
            execution_devices: engine.device().execution_devices.clone(),
            properties_effective: properties.clone(),
            properties_warm,
            loaded_from_cache,
            vocabulary_size: engine.vocabulary_size(),
            context_tokens: engine.context_tokens(),
            states_hidden_reason: engine.states_hidden_reason().map(str::to_owned),
            reads_cache: true,
            unedited_reason: match engine.last_token_only() {
                LastTokenOnly::Applied => None,
                LastTokenOnly::NotApplied(reason) => Some(reason.clone()),
            },
            attention: Some("sdpa".to_owned()),
            infer_span: InferSpan::Inference,
            device_memory_bytes: device_memory_bytes(&resolved),
            kv_method: KvMethod::of(&spec),
            times_states: true,
            // An engine around which a transform stands would have to tell it of the rows.
            fills_cache: command.kv_transform.is_none()
                && engine.states_hidden_reason().is_none()
                && !hides_states(&resolved, &properties),
        };
        let loaded_bytes = total(&event.device_memory_bytes);
        let model_sha256 = Some(command.model_sha256.clone());
        let layout = CacheLayout::of(&folder).map(|layout| CacheLayout { model_sha256, ..layout });
        let engine = if command.kv_transform.is_none() {
            Loaded::AsIs(engine)
        } else {
            Loaded::Transformed(TransformedEngine::new(engine, &spec, layout.clone()?)?)
        };
        Ok(Brought {
            model: Box::new(OpenVinoModel {
                engine,
                resolved,
                properties,
                filling,
                loaded_bytes,
                spec,
                layout,
            }),
            event,
        })
    }
}

/// The engine, with a change of its KV cache behind it where one was requested.
enum Loaded {
    AsIs(OpenVinoEngine),
    Transformed(TransformedEngine<OpenVinoEngine>),
}

impl Loaded {
    fn engine(&mut self) -> &mut dyn Engine {
        match self {
            Self::AsIs(engine) => engine,
            Self::Transformed(engine) => engine,
        }
    }

    fn openvino(&mut self) -> &mut OpenVinoEngine {
        match self {
            Self::AsIs(engine) => engine,
            Self::Transformed(engine) => engine.engine_mut(),
        }
    }
}

/// The properties in force, and what a warm load read back itself. A plugin that refuses what is in the
/// cache compiles again, and that load is a cold one.
fn in_force(
    cold: Option<EffectiveProperties>,
    loaded_from_cache: Option<bool>,
    read_back: EffectiveProperties,
) -> (EffectiveProperties, EffectiveProperties) {
    match cold {
        Some(cold) if loaded_from_cache != Some(false) => (cold, read_back),
        _ => (read_back, EffectiveProperties::new()),
    }
}

fn location(command: &LoadCommand) -> RuntimeLocation {
    RuntimeLocation {
        c_library: command.c_library.clone(),
        found_by: command.pinned_version.clone().map_or(FoundBy::Flag, FoundBy::Release),
    }
}

/// On a GPU, where compiling takes minutes. The CPU compiles in seconds, and its plugin keeps no
/// compiled kernels.
fn compiled_models(command: &LoadCommand, resolved: &ResolvedRuntime) -> Option<CompiledModelFolder> {
    let root = command.compiled_models.as_ref().filter(|_| resolved.choice.kind() == DeviceKind::Gpu)?;
    Some(CompiledModelFolder::of(root, &command.model_sha256, resolved))
}

fn device_resolved_event(
    resolved: &ResolvedRuntime,
    compiled_models: Option<&CompiledModelFolder>,
) -> DeviceResolvedEvent {
    DeviceResolvedEvent {
        openvino_version: resolved.runtime.version().to_owned(),
        openvino_build: resolved.runtime.build().to_owned(),
        device: resolved.choice.target.clone(),
        fallback_reason: resolved.choice.fallback_reason.clone(),
        facts: resolved.facts.clone(),
        gpu_name: resolved.gpu_name(),
        properties_requested: resolved.properties.iter().map(|p| (p.key.clone(), p.value.clone())).collect(),
        compiled_model_cache: match compiled_models {
            None => CacheState::Off,
            Some(folder) if folder.is_warm() => CacheState::Warm,
            Some(_) => CacheState::Cold,
        },
        compiled_model_folder: compiled_models.map(|folder| folder.path().to_owned()),
    }
}

/// `GPU_MEMORY_STATISTICS`, as in `{cl_mem: 0, usm_host: 1024}`; a CPU has none.
fn device_memory_bytes(resolved: &ResolvedRuntime) -> BTreeMap<String, u64> {
    if resolved.choice.kind() != DeviceKind::Gpu {
        return BTreeMap::new();
    }
    let reported = resolved.runtime.device_property(&resolved.choice.target, "GPU_MEMORY_STATISTICS");
    reported.as_deref().map(memory_by_kind).unwrap_or_default()
}

fn memory_by_kind(reported: &str) -> BTreeMap<String, u64> {
    let separators = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ':' | ',' | '=' | '"');
    let words: Vec<&str> = reported.split(separators).filter(|word| !word.is_empty()).collect();
    let pairs = words.chunks_exact(2).filter_map(|pair| Some((pair[0].to_owned(), pair[1].parse().ok()?)));
    pairs.collect()
}

struct OpenVinoModel {
    engine: Loaded,
    resolved: ResolvedRuntime,
    properties: EffectiveProperties,
    /// The cache of compiled models that the first generation completes.
    filling: Option<CompiledModelFolder>,
    /// `GPU_MEMORY_STATISTICS` after loading, all kinds together.
    loaded_bytes: u64,
    /// What is done to the KV cache.
    spec: TransformSpec,
    /// What the cache is made of, or why that is not known.
    layout: Result<CacheLayout>,
}

impl Model for OpenVinoModel {
    fn engine(&mut self) -> &mut dyn Engine {
        self.engine.engine()
    }

    fn read_cache(&mut self, all_states: bool) -> Result<CacheEvent> {
        let event = match self.engine.engine().cached_tokens()? {
            CachedTokens::Observed(tokens) => CacheEvent { tokens: Some(tokens), ..CacheEvent::default() },
            CachedTokens::NotObservable(reason) => {
                CacheEvent { not_observable: Some(reason), ..CacheEvent::default() }
            }
        };
        let kv_cache = if all_states { self.kv_cache(event.tokens)? } else { None };
        Ok(CacheEvent { kv_cache, ..event })
    }

    fn device_memory_bytes(&self) -> BTreeMap<String, u64> {
        device_memory_bytes(&self.resolved)
    }

    fn generated(&mut self) {
        if let Some(cache) = self.filling.take() {
            // Where the mark cannot be written, the next load is a cold one, and says so.
            let _ = cache.mark_complete(&self.properties);
        }
    }

    fn time_states(&mut self, repeats: usize) -> Result<StateAccess> {
        let layout = self.layout.clone()?;
        let engine = self.engine.openvino();
        let rows = engine.held_tokens() as u64;
        let mut access = StateAccess { rows, ..StateAccess::default() };
        for _ in 0..repeats {
            let cost = engine.time_state_access(&layout)?;
            access.read_ns.push(cost.read_ns);
            access.write_ns.push(cost.write_ns);
        }
        let elements: usize =
            engine.states()?.iter().map(|state| state.shape().iter().product::<usize>()).sum();
        access.bytes = (elements * size_of::<f32>()) as u64;
        Ok(access)
    }

    fn capture_logits(&mut self, command: &LogitsCommand) -> Result<()> {
        let LogitsCommand { text, reference, .. } = command;
        let file = File::create(reference).map_err(|cause| Error::io("write", reference, &cause))?;
        let engine = self.engine.engine();
        capture_logits(engine, &text.prompt, &text.forced, &mut BufWriter::new(file)).map(|_| ())
    }

    fn compare_logits(&mut self, command: &LogitsCommand) -> Result<KvAgreement> {
        let LogitsCommand { text, reference, seed } = command;
        if let (Some(seed), Loaded::Transformed(engine)) = (seed, &mut self.engine) {
            engine.set_transform(&self.spec.clone().with_seed(*seed))?;
        }
        let file = File::open(reference).map_err(|cause| Error::io("read", reference, &cause))?;
        let engine = self.engine.engine();
        let steps = compare_logits(engine, &text.prompt, &text.forced, &mut BufReader::new(file))?;
        Ok(KvAgreement::of(&text.id, *seed, &steps))
    }

    fn distribution_drift(&mut self, command: &DistributionsCommand) -> Result<Vec<TextDrift>> {
        check_group_size(&self.properties)?;
        let reference = DriftReference::load(&command.goldens)?.ok_or_else(|| {
            Error::input(format!("no reference distributions in `{}`", command.goldens.display()))
        })?;
        reference.drift(self.engine.engine())
    }

    fn kv_use(&mut self) -> Option<KvUse> {
        let Loaded::Transformed(engine) = &self.engine else { return None };
        let events = engine.events();
        let sum = |of: fn(&EditCost) -> u64| events.iter().map(|event| of(&event.cost)).sum();
        Some(KvUse {
            tokens: engine.positions() as u64,
            rows: engine.rows() as u64,
            packed_bytes: engine.footprint(UNPACKED_ELEMENT_BYTES).total_bytes(),
            buffer_bytes: engine.buffer_bytes() as u64,
            changes: events.len() as u64,
            read_ns: sum(|cost| cost.read_ns),
            transform_ns: sum(|cost| cost.transform_ns),
            write_ns: sum(|cost| cost.write_ns),
        })
    }
}

impl OpenVinoModel {
    fn kv_cache(&mut self, tokens: Option<usize>) -> Result<Option<KvCache>> {
        let property = |key| self.properties.get(key).cloned();
        let Some(precision) = property("KV_CACHE_PRECISION") else { return Ok(None) };
        let Some(tokens) = tokens else {
            let growth = total(&device_memory_bytes(&self.resolved)).checked_sub(self.loaded_bytes);
            return Ok(growth.filter(|bytes| *bytes > 0).map(|bytes| KvCache {
                tokens: self.engine.openvino().held_tokens() as u64,
                elements: 0,
                precision,
                bytes: Some(bytes),
                bytes_source: KvBytesSource::DeviceMemoryGrowth,
            }));
        };
        let inference_precision = property("INFERENCE_PRECISION_HINT");
        let states = self.engine.openvino().states()?;
        let elements: u64 = states.iter().map(|state| state.shape().iter().product::<usize>() as u64).sum();
        let (element, bytes_source) =
            stored_as(self.resolved.choice.kind(), &precision, inference_precision.as_deref());
        let bytes = bits_of(element).map(|bits| elements * bits / 8);
        Ok(Some(KvCache { tokens: tokens as u64, elements, bytes, precision, bytes_source }))
    }
}

/// Whether a GPU plugin is expected to hide the states, of a compressed cache, by what was read back.
fn hides_states(resolved: &ResolvedRuntime, properties: &EffectiveProperties) -> bool {
    let precision = properties.get("KV_CACHE_PRECISION");
    resolved.choice.kind() == DeviceKind::Gpu && precision.is_some_and(|it| is_compressed(it))
}

fn is_compressed(cache_precision: &str) -> bool {
    !matches!(cache_precision, "f16" | "bf16" | "f32")
}

/// The element type that a cache with readable states is stored in, and by what that is known.
fn stored_as<'a>(
    kind: DeviceKind,
    cache_precision: &'a str,
    inference_precision: Option<&'a str>,
) -> (&'a str, KvBytesSource) {
    match inference_precision {
        Some(precision) if kind == DeviceKind::Gpu && is_compressed(cache_precision) => {
            (precision, KvBytesSource::InferencePrecision)
        }
        _ => (cache_precision, KvBytesSource::CachePrecision),
    }
}

/// Bytes of all kinds together.
fn total(by_kind: &BTreeMap<String, u64>) -> u64 {
    by_kind.values().copied().fold(0, u64::saturating_add)
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
    fn a_warm_load_is_of_the_setting_that_the_cold_load_read_back() {
        let read = |precision: &str, group: &str| -> EffectiveProperties {
            [("KV_CACHE_PRECISION", precision), ("DYNAMIC_QUANTIZATION_GROUP_SIZE", group)]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into()
        };
        let (cold, warm) = (read("i8", "32"), read("dynamic", "0"));
        let nothing = EffectiveProperties::new();
        assert_eq!(in_force(None, Some(false), cold.clone()), (cold.clone(), nothing.clone()));
        assert_eq!(in_force(Some(cold.clone()), Some(true), warm.clone()), (cold.clone(), warm.clone()));
        // Where the plugin refuses the blob it compiles again, and what it reads back is in force.
        let recompiled = read("i8", "64");
        assert_eq!(in_force(Some(cold), Some(false), recompiled.clone()), (recompiled, nothing));
    }

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

    #[test]
    fn the_bytes_of_a_cache_follow_what_its_states_show_and_not_a_property_that_proves_nothing() {
        let by = |kind, cache, inference| stored_as(kind, cache, inference);
        let (gpu, cpu) = (DeviceKind::Gpu, DeviceKind::Cpu);
        assert_eq!(by(gpu, "i8", Some("f16")), ("f16", KvBytesSource::InferencePrecision));
        assert_eq!(by(gpu, "dynamic", Some("f32")), ("f32", KvBytesSource::InferencePrecision));
        assert_eq!(by(gpu, "f16", Some("f32")), ("f16", KvBytesSource::CachePrecision));
        assert_eq!(by(cpu, "u8", Some("f32")), ("u8", KvBytesSource::CachePrecision));
    }
}
