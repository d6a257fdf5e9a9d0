//! What the OpenVINO engine offers to KV experiments: its states edited between two steps, the newest queries, and the
//! constants of a quantiser in the graph.

use openvino::{InferRequest, Tensor};

use crate::engine::Engine;
use crate::engine::openvino::kv_graph::{Added, BOUNDARIES, CENTROIDS, ROTATION};
use crate::engine::openvino::pipeline::{readable, refuse_empty_cache, refuse_four_bits};
use crate::engine::openvino::tensor::{dimensions, f32_elements, f32_tensor};
use crate::engine::openvino::{Graph, KvState, OpenVinoEngine, failed};
use crate::engine::transform::{
    Cache, CacheLayout, Calibration, Codebook, EditCost, EditStates, Laps, ObservedQueries, Rotation,
    TransformSpec, TurboQuantSpec,
};
use crate::error::{Error, Result};
use crate::workload::TokenId;

/// What an engine holds for a KV experiment.
pub(super) struct KvExperiment {
    added: Added,
    /// The constants of the quantiser in the graph, by the names of the inputs.
    constants: Vec<(&'static str, Tensor)>,
    /// The newest queries of each layer, of those layers that are wanted.
    pub(super) observed: Vec<ObservedQueries>,
    wanted: Vec<bool>,
    /// States to write in place of longer ones, kept for the next time.
    pub(super) shorter: Vec<KvState>,
}

/// The newest queries that are held.
const MOST_QUERIES: usize = 16;

impl KvExperiment {
    pub(super) fn of(graph: &Graph) -> Self {
        Self {
            added: graph.added.clone(),
            constants: Vec::new(),
            observed: Vec::new(),
            wanted: Vec::new(),
            shorter: Vec::new(),
        }
    }

    fn prepare(&mut self, spec: &TransformSpec, layout: &CacheLayout) -> Result<()> {
        self.constants.clear();
        self.observed.clear();
        self.wanted.clear();
        let edit = |what: &str| {
            Error::input(format!("the KV transform `{spec}` needs {what}, and this graph was loaded without"))
                .hint("load the model with the graph that `Graph::for_transform` gives")
        };
        if let Some(quantiser) = spec.in_graph() {
            if self.added.norm_correction != Some(quantiser.norm_correction) {
                return Err(edit("a quantiser in the graph"));
            }
            self.constants = constants(quantiser, layout.head_size)?;
        } else if self.added.norm_correction.is_some() {
            return Err(Error::input(format!("the graph quantises, and `{spec}` does not ask for it"))
                .hint("load the model with the graph that `Graph::for_transform` gives"));
        }
        if spec.needs_queries() {
            let Some(outputs) = &self.added.queries else { return Err(edit("the queries as outputs")) };
            if outputs.sinks.len() != layout.layers {
                return Err(edit("the queries of all layers"));
            }
            self.wanted = layout.sliding.iter().map(|sliding| !sliding).collect();
            let observed = |sinks: &Vec<f32>| ObservedQueries { queries: Vec::new(), sinks: sinks.clone() };
            self.observed = outputs.sinks.iter().map(observed).collect();
        }
        Ok(())
    }

    /// Gives the request the constants of the quantiser.
    pub(super) fn feed(&self, request: &mut InferRequest) -> Result<()> {
        if self.added.norm_correction.is_some() && self.constants.is_empty() {
            return Err(Error::harness("the graph quantises, and was not given its constants")
                .hint("put a `TransformedEngine` around the engine"));
        }
        self.constants.iter().try_for_each(|(name, tensor)| {
            request
                .set_tensor(name, tensor)
                .map_err(|cause| failed(&format!("take the input `{name}`"), &cause))
        })
    }

    /// Takes the newest queries of an inference that has ended.
    pub(super) fn observe(&mut self, request: &InferRequest) -> Result<()> {
        let Some(outputs) = &self.added.queries else { return Ok(()) };
        for (layer, observed) in self.observed.iter_mut().enumerate().filter(|(layer, _)| self.wanted[*layer])
        {
            let tensor = added_output(request, outputs.first_output + layer)?;
            let [_, heads, tokens, size] = dimensions(&tensor)?[..] else {
                return Err(Error::harness("the queries have not four dimensions"));
            };
            let elements = f32_elements(&tensor)?;
            for token in tokens.saturating_sub(MOST_QUERIES)..tokens {
                for head in 0..heads {
                    observed.queries.extend_from_slice(&elements[(head * tokens + token) * size..][..size]);
                }
            }
            let surplus = observed.queries.len().saturating_sub(MOST_QUERIES * heads * size);
            observed.queries.drain(..surplus);
        }
        Ok(())
    }

    pub(super) fn forget(&mut self) {
        self.observed.iter_mut().for_each(|observed| observed.queries.clear());
    }
}

fn added_output(request: &InferRequest, index: usize) -> Result<Tensor> {
    request.get_output_tensor_by_index(index).map_err(|cause| failed("give an added output", &cause))
}

/// The attention of one layer in the inference before.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionLook {
    /// The queries, `(query heads, tokens, head size)`.
    pub queries: Vec<f32>,
    /// What came out, of the same shape.
    pub output: Vec<f32>,
    /// The sink of each query head.
    pub sinks: Vec<f32>,
}

fn constants(spec: &TurboQuantSpec, head_size: usize) -> Result<Vec<(&'static str, Tensor)>> {
    let filled = |shape: &[usize], values: &[f32]| -> Result<Tensor> {
        let mut tensor = f32_tensor(shape)?;
        let elements = tensor.get_data_mut::<f32>().map_err(|cause| failed("write a constant", &cause))?;
        elements.copy_from_slice(values);
        Ok(tensor)
    };
    let rotation = Rotation::new(spec.rotation, spec.seed, head_size)?.matrix();
    let mut constants = vec![(ROTATION, filled(&[head_size, head_size], &rotation)?)];
    for (kind, bits) in [spec.keys, spec.values].into_iter().enumerate() {
        let codebook = Codebook::new(bits, head_size);
        let list = |values: &[f32]| filled(&[values.len()], values);
        constants.push((BOUNDARIES[kind], list(&codebook.boundaries)?));
        constants.push((CENTROIDS[kind], list(&codebook.centroids)?));
    }
    Ok(constants)
}

/// Adds the queries of a text to a calibration: the model is fed it at once.
///
/// # Errors
/// When the model was loaded without the queries as outputs, or the runtime refuses.
pub fn calibrate(
    engine: &mut OpenVinoEngine,
    layout: &CacheLayout,
    calibration: &mut Calibration,
    text: &[TokenId],
) -> Result<()> {
    let outputs = engine.kv.added.queries.as_ref().filter(|outputs| outputs.sinks.len() == layout.layers);
    let first_output = outputs.map(|outputs| outputs.first_output).ok_or_else(|| {
        Error::input("the queries are no outputs of this graph")
            .hint("load the model with the graph that `Graph::with_queries` gives")
    })?;
    engine.reset()?;
    engine.stage_prompt(text, 0)?;
    engine.infer()?;
    for layer in 0..layout.layers {
        let tensor = added_output(&engine.request, first_output + layer)?;
        let (found, expected) = (dimensions(&tensor)?, [1, layout.query_heads, text.len(), layout.head_size]);
        if found != expected {
            return Err(Error::input(format!(
                "the queries of layer `{layer}` have the shape `{found:?}` where the model's config says {expected:?}"
            ))
            .hint("the model's `config.json` is of another model"));
        }
        calibration.add(layout, layer, f32_elements(&tensor)?)?;
    }
    calibration.count(text.len());
    engine.reset()
}

impl OpenVinoEngine {
    /// The attention of a layer in the inference before, of a model loaded with [`Graph::with_attention`].
    ///
    /// # Errors
    /// When the model was loaded without, or the runtime refuses.
    pub fn attention(&self, layer: usize) -> Result<AttentionLook> {
        let outputs = self.kv.added.queries.as_ref().filter(|outputs| layer < outputs.sinks.len());
        let places = outputs.and_then(|it| Some((it.first_output, it.first_attention?, &it.sinks[layer])));
        let (first_query, first_attention, sinks) = places.ok_or_else(|| {
            Error::input(format!("the attention of layer `{layer}` is no output of this graph"))
                .hint("load the model with the graph that `Graph::with_attention` gives")
        })?;
        let elements =
            |first: usize| f32_elements(&added_output(&self.request, first + layer)?).map(<[f32]>::to_vec);
        let (queries, output) = (elements(first_query)?, elements(first_attention)?);
        Ok(AttentionLook { queries, output, sinks: sinks.clone() })
    }

    /// How long all states take to be read and to be written back, at the rows that the cache holds now.
    ///
    /// # Errors
    /// As for [`EditStates::edit_states`].
    pub fn time_state_access(&mut self, layout: &CacheLayout) -> Result<EditCost> {
        self.edit_states(layout, &mut |_| Ok(()))
    }
}

impl EditStates for OpenVinoEngine {
    fn prepare(&mut self, spec: &TransformSpec, layout: &CacheLayout) -> Result<()> {
        self.kv.prepare(spec, layout)
    }

    fn edit_states(
        &mut self,
        layout: &CacheLayout,
        edit: &mut dyn FnMut(&mut Cache<'_>) -> Result<()>,
    ) -> Result<EditCost> {
        refuse_empty_cache(self.compiled.proof.kind, self.cached)?;
        refuse_four_bits(self.compiled.effective.get("KV_CACHE_PRECISION"))?;
        let (bridge, rows) = (self.bridge()?, self.cached);
        let mut laps = Laps::begin();
        let read = bridge.read(&mut self.request, &|_| true)?;
        let mut states: Vec<KvState> =
            read.into_iter().map(|named| readable(named, rows > 0)).collect::<Result<_>>()?;
        let read_ns = laps.lap_ns();

        states.iter().try_for_each(|state| check_shape(state.name(), state.shape(), layout, rows))?;
        let elements = states.iter_mut().map(KvState::elements_mut).collect::<Result<_>>()?;
        let mut cache = Cache::new(layout, elements, rows)?;
        cache.observed = &self.kv.observed;
        edit(&mut cache)?;
        let rows_left = cache.rows();
        let transform_ns = laps.lap_ns();

        if rows_left < rows {
            shorten(&mut self.kv.shorter, &states, rows_left)?;
            bridge.write(&mut self.request, &self.kv.shorter)?;
        } else {
            bridge.write(&mut self.request, &states)?;
        }
        self.cached = rows_left;
        Ok(EditCost { read_ns, transform_ns, write_ns: laps.lap_ns(), rows, rows_left })
    }
}

/// Fills `shorter` with the rows that are left, which lie at the beginning of each state.
fn shorten(shorter: &mut Vec<KvState>, states: &[KvState], rows: usize) -> Result<()> {
    if shorter.first().is_none_or(|state| state.tokens() != rows) {
        *shorter = states.iter().map(|state| KvState::with_rows(state, rows)).collect::<Result<_>>()?;
    }
    for (shorter, state) in shorter.iter_mut().zip(states) {
        let to = shorter.elements_mut()?;
        to.copy_from_slice(&state.elements()?[..to.len()]);
    }
    Ok(())
}

/// Refuses a state of another shape: OpenVINO runs with keys shorter than values, and its output is wrong.
fn check_shape(name: &str, shape: &[usize], layout: &CacheLayout, rows: usize) -> Result<()> {
    let expected = [1, layout.kv_heads, rows, layout.head_size];
    if shape == expected {
        return Ok(());
    }
    Err(Error::input(format!("KV state `{name}` has the shape `{shape:?}` where {expected:?} is expected"))
        .hint("KV experiments need states of one batch and one length: use `none` for this model"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_of_another_length_or_shape_is_refused_before_anything_is_written() {
        let layout = CacheLayout { layers: 1, kv_heads: 2, head_size: 4, ..CacheLayout::default() };
        assert_eq!(check_shape("0.key", &[1, 2, 3, 4], &layout, 3), Ok(()));
        for shape in [[1, 2, 2, 4], [0, 2, 3, 4], [1, 4, 3, 2], [2, 2, 3, 4]] {
            let error = check_shape("0.key", &shape, &layout, 3).unwrap_err();
            assert!(error.to_string().starts_with("KV state `0.key` has the shape"), "{error}");
        }
    }

    #[test]
    fn a_transform_that_needs_another_graph_is_refused_and_says_which() {
        let layout = CacheLayout { layers: 1, kv_heads: 2, head_size: 4, ..CacheLayout::default() };
        let (plain, _folder) = crate::engine::openvino::graph::tests::decoder();
        let mut kv = KvExperiment::of(&plain);
        let mut refused = |name: &str| {
            let error = kv.prepare(&name.parse().unwrap(), &layout).unwrap_err();
            assert!(error.hint_text().unwrap().contains("for_transform"));
            error.to_string()
        };
        assert!(refused("snapkv:128").contains("the queries as outputs"));
        assert!(refused("turboquant:k4v4,in-graph").contains("a quantiser in the graph"));
        assert_eq!(kv.prepare(&TransformSpec::none(), &layout), Ok(()));
        kv.added.norm_correction = Some(false);
        let mut refused = |name: &str| kv.prepare(&name.parse().unwrap(), &layout).is_err();
        assert!(refused("none") && refused("turboquant:k4v4,in-graph,norm-correction"));
    }
}
