//! An engine whose KV cache is transformed after each inference.

use std::time::Instant;

use crate::engine::transform::{Cache, CacheLayout, Footprint, Held, Transform, TransformSpec};
use crate::engine::{CachedTokens, Engine};
use crate::error::Result;
use crate::workload::TokenId;

/// An engine whose KV states can be changed between two inferences.
pub trait EditStates: Engine {
    /// Makes ready for a transform: what the graph needs of it, and what the transform needs of the graph.
    ///
    /// # Errors
    /// When the engine was loaded without what the transform needs.
    fn prepare(&mut self, spec: &TransformSpec, layout: &CacheLayout) -> Result<()>;

    /// Reads all states, lets `edit` change them or remove rows, and writes them back. Nothing is written when `edit`
    /// fails. The next tokens go on at the positions at which they would have been.
    ///
    /// # Errors
    /// States that cannot be read or written, or are not those of the layout; what `edit` returns.
    fn edit_states(
        &mut self,
        layout: &CacheLayout,
        edit: &mut dyn FnMut(&mut Cache<'_>) -> Result<()>,
    ) -> Result<EditCost>;
}

/// What one change of the states took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EditCost {
    /// Reading all states, ns.
    pub read_ns: u64,
    /// Changing them, ns.
    pub transform_ns: u64,
    /// Writing all states, ns.
    pub write_ns: u64,
    /// Rows before.
    pub rows: usize,
    /// Rows after.
    pub rows_left: usize,
}

/// Times of parts that follow each other.
pub(in crate::engine) struct Laps(Instant);

impl Laps {
    pub(in crate::engine) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Since the lap before.
    pub(in crate::engine) fn lap_ns(&mut self) -> u64 {
        let begun = std::mem::replace(&mut self.0, Instant::now());
        u64::try_from((self.0 - begun).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// One change of the states in a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransformEvent {
    /// After which inference, from 0: the prompt's.
    pub step: usize,
    /// What it took.
    pub cost: EditCost,
}

/// An engine with a transform behind it: an [`Engine`] like any other. What the transform takes is part of
/// [`Engine::infer`].
pub struct TransformedEngine<E> {
    engine: E,
    transform: Option<Box<dyn Transform>>,
    layout: CacheLayout,
    held: Held,
    staged: usize,
    step: usize,
    events: Vec<TransformEvent>,
}

impl<E: EditStates> TransformedEngine<E> {
    /// Puts a transform behind an engine. One that is done in the graph, and `none`, change nothing here.
    ///
    /// # Errors
    /// What the model's cache does not allow.
    pub fn new(mut engine: E, spec: &TransformSpec, layout: CacheLayout) -> Result<Self> {
        engine.prepare(spec, &layout)?;
        let transform = spec.build(&layout)?;
        let held = Held { rows: 0, positions: 0, prompt: 0 };
        Ok(Self { engine, transform, layout, held, staged: 0, step: 0, events: Vec::new() })
    }

    /// Puts another transform in the place of this one, from an empty cache on.
    ///
    /// # Errors
    /// What the model's cache does not allow.
    pub fn set_transform(&mut self, spec: &TransformSpec) -> Result<()> {
        self.engine.prepare(spec, &self.layout)?;
        self.transform = spec.build(&self.layout)?;
        self.reset()
    }

    /// The engine without the transform.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// The same, to use it; what is changed there, the transform does not know.
    pub fn engine_mut(&mut self) -> &mut E {
        &mut self.engine
    }

    /// The changes of this generation, in order.
    pub fn events(&self) -> &[TransformEvent] {
        &self.events
    }

    /// Tokens that were fed.
    pub fn positions(&self) -> usize {
        self.held.positions
    }

    /// Rows that each layer holds.
    pub fn rows(&self) -> usize {
        self.held.rows
    }

    /// Bytes of the cache as it is now, with elements of this size where it is not packed.
    pub fn footprint(&self, element_bytes: usize) -> Footprint {
        let (packed, packed_rows) = self.transform.as_ref().map_or((0, 0), |transform| transform.packed());
        let exact = (self.held.rows - packed_rows) * self.layout.row_bytes(element_bytes);
        Footprint { packed_bytes: packed as u64, exact_bytes: exact as u64 }
    }

    /// The most bytes that the transform's own buffers have held.
    pub fn buffer_bytes(&self) -> usize {
        self.transform.as_ref().map_or(0, |transform| transform.buffer_bytes())
    }

    fn transform(&mut self) -> Result<()> {
        let Some(transform) = &mut self.transform else { return Ok(()) };
        let held = self.held;
        let Some(due) = transform.due(held) else { return Ok(()) };
        let cost = self.engine.edit_states(&self.layout, &mut |cache| transform.apply(&due, held, cache))?;
        self.held.rows = cost.rows_left;
        self.events.push(TransformEvent { step: self.step, cost });
        Ok(())
    }
}

impl<E: EditStates> Engine for TransformedEngine<E> {
    fn vocabulary_size(&self) -> usize {
        self.engine.vocabulary_size()
    }

    fn context_tokens(&self) -> Option<usize> {
        self.engine.context_tokens()
    }

    fn reset(&mut self) -> Result<()> {
        self.held = Held { rows: 0, positions: 0, prompt: 0 };
        self.events.clear();
        if let Some(transform) = &mut self.transform {
            transform.reset();
        }
        self.engine.reset()
    }

    /// Rows that the transform has removed count: what was fed is what is compared with.
    fn cached_tokens(&mut self) -> Result<CachedTokens> {
        let removed = self.held.positions - self.held.rows;
        Ok(match self.engine.cached_tokens()? {
            CachedTokens::Observed(rows) => CachedTokens::Observed(rows + removed),
            hidden @ CachedTokens::NotObservable(_) => hidden,
        })
    }

    fn stage_prompt(&mut self, prompt: &[TokenId], new_tokens: usize) -> Result<()> {
        self.staged = prompt.len();
        self.held.prompt = self.held.positions + prompt.len();
        self.step = 0;
        self.events.reserve(new_tokens);
        self.engine.stage_prompt(prompt, new_tokens)
    }

    fn stage_token(&mut self, token: TokenId) -> Result<()> {
        self.staged = 1;
        self.step += 1;
        self.engine.stage_token(token)
    }

    fn infer(&mut self) -> Result<()> {
        self.engine.infer()?;
        self.held.rows += self.staged;
        self.held.positions += self.staged;
        self.transform()
    }

    fn last_logits(&mut self) -> Result<&[f32]> {
        self.engine.last_logits()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;
    use crate::engine::scripted::{Script, ScriptedEngine, ScriptedStates};
    use crate::engine::transform::cache::layout;
    use crate::engine::{Path, replay};

    fn engine(name: &str, states: ScriptedStates) -> Result<TransformedEngine<ScriptedEngine>> {
        let answers = [(vec![1, 2, 3], vec![5, 6, 7, 8, 9, 10])].into();
        let script = Script { vocabulary_size: 16, answers, states, ..Script::default() };
        TransformedEngine::new(
            ScriptedEngine::new(script, Rc::new(Cell::new(0))),
            &name.parse()?,
            layout(2, 1, 64),
        )
    }

    #[track_caller]
    fn generated(engine: &mut TransformedEngine<ScriptedEngine>) -> Vec<(usize, usize, usize)> {
        let choices = replay(engine, &[1, 2, 3], Path::Greedy(6)).unwrap();
        assert!(choices.iter().map(|choice| choice.token).eq([5, 6, 7, 8, 9, 10]));
        engine.events().iter().map(|event| (event.step, event.cost.rows, event.cost.rows_left)).collect()
    }

    #[test]
    fn states_are_copied_only_when_rows_are_due_and_what_was_fed_is_still_counted() {
        for (name, events, rows) in [
            ("none", vec![], 8),
            ("copy", (0..6).map(|step| (step, step + 3, step + 3)).collect(), 8),
            ("absmax:int8,block=4", vec![(1, 4, 4), (5, 8, 8)], 8),
            ("streaming-llm:4,sinks=1,period=2", vec![(3, 6, 4), (5, 6, 4)], 4),
        ] {
            let mut engine = engine(name, ScriptedStates::Readable).unwrap();
            for _ in 0..2 {
                assert_eq!(generated(&mut engine), events, "{name}");
                assert_eq!(engine.rows(), rows, "{name}");
                assert_eq!(engine.cached_tokens().unwrap(), CachedTokens::Observed(8), "{name}");
            }
        }
    }

    #[test]
    fn the_footprint_is_what_is_packed_and_the_exact_rows_at_the_size_of_an_element() {
        let mut engine = engine("absmax:int8,block=3,window=1", ScriptedStates::Readable).unwrap();
        generated(&mut engine);
        let row = 2 * 2 * (64 + 4);
        assert_eq!(engine.footprint(2), Footprint { packed_bytes: 6 * row, exact_bytes: 2 * 2 * 2 * 64 * 2 });
        assert_eq!(engine.footprint(4).exact_bytes, 2 * engine.footprint(2).exact_bytes);
        assert!(engine.buffer_bytes() > 6 * 2 * 2 * 68);
    }

    #[test]
    fn states_that_cannot_be_read_end_the_generation_with_the_reason() {
        let mut engine = engine("copy", ScriptedStates::Compressed).unwrap();
        let error = replay(&mut engine, &[1, 2, 3], Path::Greedy(6)).unwrap_err();
        assert!(error.to_string().contains("it is compressed"), "{error}");
    }

    #[test]
    fn an_engine_without_the_graph_that_a_transform_needs_refuses_it() {
        for name in ["snapkv:128", "turboquant:k4v4,in-graph"] {
            let error = engine(name, ScriptedStates::Readable).err().unwrap();
            assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
        }
    }
}
