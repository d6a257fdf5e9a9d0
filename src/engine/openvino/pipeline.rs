//! The stateful OpenVINO pipeline as an [`Engine`].
//!
//! Inputs are tensors that the request keeps for the whole generation and that are written in
//! place. Only the attention mask grows, a column a token, inside the room made for it at the
//! start. Submitting and waiting (`infer_async`, `wait`) is faster under contention than `infer`.

use std::path::Path;
use std::rc::Rc;

use openvino::{InferRequest, Tensor};

use crate::engine::openvino::compile::{Compiled, compile};
use crate::engine::openvino::kv_cache::KvExperiment;
use crate::engine::openvino::state::StateBridge;
use crate::engine::openvino::tensor::{Row, f32_elements, f32_tensor, known_f32_elements};
use crate::engine::openvino::{
    DeviceKind, DeviceProof, EffectiveProperties, Graph, KvState, LastTokenOnly, NamedState, ResolvedRuntime,
    failed,
};
use crate::engine::{CachedTokens, Engine, ModelFolder, StateShape};
use crate::error::{Error, Result};
use crate::workload::TokenId;

/// A compiled model with its request.
pub struct OpenVinoEngine {
    bridge: Result<Rc<StateBridge>, String>,
    pub(super) compiled: Compiled,
    pub(super) request: InferRequest,
    inputs: Option<Inputs>,
    output: Option<Tensor>,
    /// A row that the runtime writes the logits into, where that spares asking for it each step.
    own_row: Option<Tensor>,
    logits_output: usize,
    vocabulary_size: usize,
    context_tokens: Option<usize>,
    /// Rows that the KV cache holds, which is how long the attention mask is: one that is shorter gives wrong output
    /// without an error.
    pub(super) cached: usize,
    /// Inferences of the compiled model, of which a profile is a mean.
    pub(super) inferences: u64,
    /// The position of the next token, which is more where rows were removed.
    position: usize,
    /// What KV experiments need beside that.
    pub(super) kv: KvExperiment,
    /// Whether a row of this generation was seen to be f32.
    logits_are_f32: bool,
}

/// The input tensors of one generation.
struct Inputs {
    input_ids: Row<i64>,
    attention_mask: Row<i64>,
    position_ids: Row<i64>,
    beam_idx: Row<i32>,
    staged: usize,
}

impl ResolvedRuntime {
    /// Compiles the model; the edited graph is written to `edited_graph`, and compiled models are stored in and taken
    /// from `compiled_models` (`CACHE_DIR`). Without the one the graph is used as it is, without the other it is
    /// always compiled.
    ///
    /// # Errors
    /// When the runtime refuses the model or a property, or the model does not run on the device that
    /// it was compiled for.
    pub fn load(
        &mut self,
        folder: &ModelFolder,
        graph: &Graph,
        edited_graph: Option<&Path>,
        compiled_models: Option<&Path>,
    ) -> Result<OpenVinoEngine> {
        let config = folder.config();
        let vocabulary_size = graph.vocabulary_size.or(config.vocab_size).ok_or_else(|| {
            Error::input(format!("`{}` does not state its `vocab_size`", folder.config_file().display()))
        })?;
        let mut compiled = compile(self, folder, graph, edited_graph, compiled_models)?;
        let request =
            compiled.model.create_infer_request().map_err(|cause| failed("make a request", &cause))?;
        Ok(OpenVinoEngine {
            bridge: self.runtime.state_bridge(),
            compiled,
            request,
            inputs: None,
            output: None,
            own_row: None,
            logits_output: graph.logits_output,
            vocabulary_size,
            context_tokens: config.max_position_embeddings,
            cached: 0,
            inferences: 0,
            position: 0,
            kv: KvExperiment::of(graph),
            logits_are_f32: false,
        })
    }
}

impl OpenVinoEngine {
    /// The device that the model runs on.
    pub fn device(&self) -> &DeviceProof {
        &self.compiled.proof
    }

    /// The properties in force, read back after compiling.
    pub fn properties(&self) -> &EffectiveProperties {
        &self.compiled.effective
    }

    /// `LOADED_FROM_CACHE`: whether the compiled model came from the cache of compiled models; None where
    /// the plugin does not report it.
    pub fn loaded_from_cache(&self) -> Option<bool> {
        self.compiled.loaded_from_cache
    }

    /// Whether the prefill computes the last position's logits only.
    pub fn last_token_only(&self) -> &LastTokenOnly {
        &self.compiled.last_token_only
    }

    /// Why the states of this OpenVINO cannot be read at all; None where they can. Whether a plugin hides
    /// those of a compressed cache shows when they are read.
    pub fn states_hidden_reason(&self) -> Option<&str> {
        self.bridge.as_ref().err().map(String::as_str)
    }

    /// All KV states by name, each a copy or why the plugin cannot read it: not for timed loops. Before
    /// the first inference of a generation a GPU plugin has states that are not there yet.
    ///
    /// # Errors
    /// When they are out of reach, or the runtime refuses.
    pub fn named_states(&mut self) -> Result<Vec<NamedState>> {
        self.bridge()?.read(&mut self.request, &|_| true)
    }

    /// The KV states, copied out: not for timed loops.
    ///
    /// # Errors
    /// When they are out of reach, one of them cannot be read, or the runtime refuses.
    pub fn states(&mut self) -> Result<Vec<KvState>> {
        let inferred = self.cached > 0;
        self.named_states()?.into_iter().map(|named| readable(named, inferred)).collect()
    }

    /// Tokens that the KV cache holds.
    pub fn held_tokens(&self) -> usize {
        self.cached
    }

    /// Puts states back that were read before, so that decoding goes on from there. On a GPU only into a
    /// cache that an inference has filled: into an empty one the plugin takes them with a wrong shape or,
    /// with some kernels, without an error and with wrong output.
    ///
    /// # Errors
    /// When they are out of reach, are not all there, do not hold the same number of tokens, do not fit,
    /// or the cache is empty on a GPU.
    pub fn restore(&mut self, states: &[KvState]) -> Result<()> {
        refuse_empty_cache(self.compiled.proof.kind, self.cached)?;
        refuse_four_bits(self.compiled.effective.get("KV_CACHE_PRECISION"))?;
        tokens_held(states)?;
        let bridge = self.bridge()?;
        let names = bridge.names(&mut self.request)?;
        if let Some(missing) = names.iter().find(|name| states.iter().all(|state| state.name() != **name)) {
            return Err(Error::input(format!("KV state `{missing}` is not among those to be put back"))
                .hint("put back all states that `states` gave, or the cache would be a mixture"));
        }
        bridge.write(&mut self.request, states)?;
        self.cached = tokens_held(states)?;
        self.cached = tokens_held(&self.states()?)?;
        self.position = self.cached;
        Ok(())
    }

    /// Gives the runtime a row of ours to write the logits into. On the CPU only: there it is written
    /// in place, where a GPU would have to copy into it; and only where one row is all that comes.
    /// Where the runtime does not want it, the logits are requested each step.
    fn offer_own_row(&mut self) -> Option<Tensor> {
        let one_row = self.compiled.last_token_only == LastTokenOnly::Applied;
        if !one_row || self.compiled.proof.kind != DeviceKind::Cpu {
            return None;
        }
        let row = f32_tensor(&[1, 1, self.vocabulary_size]).ok()?;
        self.request.set_output_tensor_by_index(self.logits_output, &row).ok()?;
        Some(row)
    }

    pub(super) fn bridge(&self) -> Result<Rc<StateBridge>> {
        let bridge = self.bridge.clone();
        bridge.map_err(|reason| Error::input(reason).hint("use a release of the tested list"))
    }
}

impl Engine for OpenVinoEngine {
    fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    fn context_tokens(&self) -> Option<usize> {
        self.context_tokens
    }

    fn reset(&mut self) -> Result<()> {
        self.output = None;
        self.inputs = None;
        self.cached = 0;
        self.position = 0;
        self.kv.forget();
        if let Ok(bridge) = &self.bridge {
            return bridge.reset(&mut self.request);
        }
        // A new request has empty states, too.
        self.request =
            self.compiled.model.create_infer_request().map_err(|cause| failed("make a request", &cause))?;
        Ok(())
    }

    fn cached_tokens(&mut self) -> Result<CachedTokens> {
        let bridge = match &self.bridge {
            Ok(bridge) => Rc::clone(bridge),
            Err(reason) => return Ok(CachedTokens::NotObservable(reason.clone())),
        };
        // The states are sorted: the first layer's key and value.
        let names = bridge.names(&mut self.request)?;
        let first_two = names.get(..2).unwrap_or(&names);
        let read = bridge.read(&mut self.request, &|name| first_two.iter().any(|first| first == name))?;
        let shapes = read.into_iter().map(|NamedState { name, state }| StateShape {
            name,
            shape: state.map(|state| state.shape().to_owned()),
        });
        CachedTokens::of(&shapes.collect::<Vec<_>>())
    }

    fn fill_cache(&mut self, prompt: &[TokenId], rows: usize) -> Result<()> {
        refuse_four_bits(self.compiled.effective.get("KV_CACHE_PRECISION"))?;
        let bridge = self.bridge()?;
        self.stage_prompt(prompt, 0)?;
        self.infer()?;
        // One after another: at a great depth all of them are gigabytes.
        let repeated = rows - 1;
        for name in bridge.names(&mut self.request)? {
            for named in bridge.read(&mut self.request, &|other| other == name)? {
                let state = readable(named, true)?.repeated(repeated)?;
                bridge.write(&mut self.request, &[state])?;
            }
        }
        (self.cached, self.position) = (repeated, repeated);
        // The inference after states were written takes them into the plugin's own layout.
        self.stage_prompt(&[prompt[repeated % prompt.len()]], 0)?;
        self.infer()?;
        self.inputs = None;
        Ok(())
    }

    fn stage_prompt(&mut self, prompt: &[TokenId], new_tokens: usize) -> Result<()> {
        self.logits_are_f32 = false;
        let end = self.cached + prompt.len() + new_tokens;
        let mut inputs = Inputs {
            input_ids: Row::with_capacity(prompt.len())?,
            attention_mask: Row::with_capacity(end)?,
            position_ids: Row::with_capacity(prompt.len())?,
            beam_idx: Row::single()?,
            staged: prompt.len(),
        };
        for (input, token) in inputs.input_ids.elements()?.iter_mut().zip(prompt) {
            *input = i64::from(*token);
        }
        for (input, position) in inputs.position_ids.elements()?.iter_mut().zip(self.position..) {
            *input = as_i64(position)?;
        }
        inputs.attention_mask.elements()?.fill(1);
        inputs.attention_mask.prepare_lengths(self.cached + prompt.len())?;
        inputs.attention_mask.set_length(self.cached + prompt.len())?;
        for (name, tensor) in [
            ("input_ids", inputs.input_ids.tensor()),
            ("attention_mask", inputs.attention_mask.tensor()),
            ("position_ids", inputs.position_ids.tensor()),
            ("beam_idx", inputs.beam_idx.tensor()),
        ] {
            self.request
                .set_tensor(name, tensor)
                .map_err(|cause| failed(&format!("take the input `{name}`"), &cause))?;
        }
        self.kv.feed(&mut self.request)?;
        self.inputs = Some(inputs);
        self.own_row = self.offer_own_row();
        Ok(())
    }

    fn stage_token(&mut self, token: TokenId) -> Result<()> {
        let Some(inputs) = &mut self.inputs else {
            return Err(Error::harness("a token was staged before a prompt"));
        };
        inputs.input_ids.write(&[i64::from(token)])?;
        inputs.position_ids.write(&[as_i64(self.position)?])?;
        inputs.attention_mask.set_length(self.cached + 1)?;
        inputs.staged = 1;
        Ok(())
    }

    fn infer(&mut self) -> Result<()> {
        // The output shares its memory with the request and must not be held while it runs.
        self.output = None;
        let staged = self.inputs.as_ref().map_or(0, |inputs| inputs.staged);
        self.request.infer_async().map_err(|cause| failed("start the inference", &cause))?;
        self.request.wait(LONGEST_WAIT_MS).map_err(|cause| failed("finish the inference", &cause))?;
        self.inferences += 1;
        self.cached += staged;
        self.position += staged;
        self.kv.observe(&self.request)
    }

    fn last_logits(&mut self) -> Result<&[f32]> {
        if let Some(row) = &self.own_row {
            return known_f32_elements(row);
        }
        let output = self
            .request
            .get_output_tensor_by_index(self.logits_output)
            .map_err(|cause| failed("give the logits", &cause))?;
        let output = self.output.insert(output);
        // What the first row of a generation is, the others are: no call for it in every step.
        let logits = if self.logits_are_f32 { known_f32_elements(output)? } else { f32_elements(output)? };
        self.logits_are_f32 = true;
        logits.len().checked_sub(self.vocabulary_size).map(|start| &logits[start..]).ok_or_else(|| {
            Error::harness(format!(
                "the model gave `{}` logits, fewer than one row of {}",
                logits.len(),
                self.vocabulary_size
            ))
        })
    }
}

/// A day: the C API has no wait without a limit.
const LONGEST_WAIT_MS: i64 = 24 * 60 * 60 * 1000;

/// The number of tokens that all states hold.
fn tokens_held(states: &[KvState]) -> Result<usize> {
    let shapes: Vec<StateShape> = states
        .iter()
        .map(|state| StateShape { name: state.name().to_owned(), shape: Ok(state.shape().to_owned()) })
        .collect();
    match CachedTokens::of(&shapes)? {
        CachedTokens::Observed(tokens) => Ok(tokens),
        CachedTokens::NotObservable(reason) => Err(Error::harness(reason)),
    }
}

pub(super) fn readable(NamedState { name, state }: NamedState, inferred: bool) -> Result<KvState> {
    state.map_err(|reason| {
        let error = Error::input(format!("KV state `{name}` cannot be read: {reason}"));
        if inferred {
            error.hint("a GPU hides the states of a compressed cache: `--property KV_CACHE_PRECISION=f16`")
        } else {
            error.hint("a GPU has some states only after the first inference: read them then")
        }
    })
}

/// Refuses what a GPU plugin takes for right and is not.
pub(super) fn refuse_empty_cache(kind: DeviceKind, cached: usize) -> Result<()> {
    if kind == DeviceKind::Cpu || cached > 0 {
        return Ok(());
    }
    Err(Error::input("KV states cannot be put into an empty cache on a GPU: its next output would be wrong")
        .hint("run one inference first, then put them back over what it left"))
}

fn as_i64(position: usize) -> Result<i64> {
    i64::try_from(position).map_err(|_| Error::harness(format!("position `{position}` does not fit 63 bits")))
}

/// Refuses what ends the process inside the CPU plugin.
pub(super) fn refuse_four_bits(precision: Option<&String>) -> Result<()> {
    match precision.map(String::as_str) {
        Some(four_bits @ ("u4" | "i4")) => Err(Error::input(format!(
            "KV states cannot be put into a cache of `{four_bits}`: OpenVINO does not encode them"
        ))
        .hint("use `--property KV_CACHE_PRECISION=u8`, f16 or f32")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_never_put_into_a_cache_of_four_bits() {
        assert!(refuse_four_bits(Some(&"u4".to_owned())).unwrap_err().to_string().contains("`u4`"));
        assert_eq!(refuse_four_bits(Some(&"u8".to_owned())), Ok(()));
        assert_eq!(refuse_four_bits(None), Ok(()));
    }

    #[test]
    fn on_a_gpu_states_are_put_back_over_a_filled_cache_only_and_on_the_cpu_always() {
        let error = refuse_empty_cache(DeviceKind::Gpu, 0).unwrap_err();
        assert!(error.to_string().contains("into an empty cache on a GPU"), "{error}");
        assert!(error.hint_text().unwrap().contains("run one inference first"));
        assert_eq!(refuse_empty_cache(DeviceKind::Gpu, 5), Ok(()));
        assert_eq!(refuse_empty_cache(DeviceKind::Cpu, 0), Ok(()));
    }
}
