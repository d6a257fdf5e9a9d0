//! An engine that recites a script: it drives the pipeline in tests, fast and always the same.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::engine::transform::{Cache, CacheLayout, EditCost, EditStates, Laps, TransformSpec};
use crate::engine::{CachedTokens, Engine, StateShape};
use crate::error::{Error, Result};
use crate::workload::TokenId;

/// How far the winner stands above the runner-up, where the script does not say otherwise.
const WIDE_MARGIN: f32 = 10.0;

/// The logit of every token that is neither first nor second.
const UNLIKELY: f32 = -100.0;

/// What the engine says, and how long it takes.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// Logits a row.
    pub vocabulary_size: usize,
    /// Answers by the prompt's ids; past its end an answer goes on with token 0.
    pub answers: BTreeMap<Vec<TokenId>, Vec<TokenId>>,
    /// Gap between first and second logit, by step, where it is not wide.
    pub margins: BTreeMap<usize, f32>,
    /// Time that loading takes, ns.
    pub load_ns: u64,
    /// Time that the prompt's inference takes, ns.
    pub prefill_ns: u64,
    /// Time that each further inference takes, ns.
    pub decode_ns: u64,
    /// Tokens that differ from the answers.
    pub slips: Vec<Slip>,
    /// Fail at this inference, counted over all generations.
    pub fails_at_infer: Option<usize>,
    /// Forget to empty the cache.
    pub keeps_state: bool,
    /// Which of its KV states can be read.
    pub states: ScriptedStates,
}

/// Which KV states can be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ScriptedStates {
    /// All, at any time: the CPU plugin.
    #[default]
    Readable,
    /// Value states only after the first inference: the GPU plugin with an uncompressed cache.
    ValuesAfterInference,
    /// None after an inference, and value states not before it: the GPU plugin with a compressed cache.
    Compressed,
}

/// A token that differs from the script.
#[derive(Debug, Clone, Copy)]
pub struct Slip {
    /// Which generation, from 0.
    pub generation: usize,
    /// Which step, from 0.
    pub step: usize,
    /// What is said instead.
    pub token: TokenId,
}

/// Recites a [`Script`], advancing a clock that the test shares.
#[derive(Debug)]
pub struct ScriptedEngine {
    script: Script,
    clock_ns: Rc<Cell<u64>>,
    prompt: Vec<TokenId>,
    generations: usize,
    inferences: usize,
    cached: usize,
    staged: usize,
    step: usize,
    row: Vec<f32>,
}

impl ScriptedEngine {
    /// An engine that has said nothing yet; `clock_ns` moves with each inference.
    pub fn new(script: Script, clock_ns: Rc<Cell<u64>>) -> Self {
        let row = vec![0.0; script.vocabulary_size];
        Self {
            script,
            clock_ns,
            prompt: Vec::new(),
            generations: 0,
            inferences: 0,
            cached: 0,
            staged: 0,
            step: 0,
            row,
        }
    }

    /// The first layer's key and value.
    fn states(&self) -> [StateShape; 2] {
        let shape = Ok(vec![usize::from(self.cached > 0), 8, self.cached, 64]);
        let value = match self.script.states {
            ScriptedStates::Readable => shape.clone(),
            _ if self.cached == 0 => Err("Cannot get length of dynamic dimension".to_owned()),
            ScriptedStates::ValuesAfterInference => shape.clone(),
            ScriptedStates::Compressed => {
                Err("get_state API is supported only when KV-cache compression is disabled".to_owned())
            }
        };
        [("key", shape), ("value", value)].map(|(kind, shape)| StateShape {
            name: format!("past_key_values.0.{kind}present.0.{kind}"),
            shape,
        })
    }

    fn token(&self) -> TokenId {
        let generation = self.generations - 1;
        let slip = self.script.slips.iter().find(|s| s.generation == generation && s.step == self.step);
        let answer = self.script.answers.get(&self.prompt);
        slip.map(|slip| slip.token).or_else(|| answer?.get(self.step).copied()).unwrap_or_default()
    }
}

impl Engine for ScriptedEngine {
    fn vocabulary_size(&self) -> usize {
        self.script.vocabulary_size
    }

    fn context_tokens(&self) -> Option<usize> {
        Some(4096)
    }

    fn reset(&mut self) -> Result<()> {
        if !self.script.keeps_state {
            self.cached = 0;
        }
        Ok(())
    }

    fn cached_tokens(&mut self) -> Result<CachedTokens> {
        CachedTokens::of(&self.states())
    }

    fn stage_prompt(&mut self, prompt: &[TokenId], _new_tokens: usize) -> Result<()> {
        self.prompt = prompt.to_vec();
        self.generations += 1;
        self.staged = prompt.len();
        self.step = 0;
        Ok(())
    }

    fn stage_token(&mut self, _token: TokenId) -> Result<()> {
        self.staged = 1;
        self.step += 1;
        Ok(())
    }

    fn infer(&mut self) -> Result<()> {
        if self.script.fails_at_infer == Some(self.inferences) {
            return Err(Error::harness("the scripted engine fails here"));
        }
        self.inferences += 1;
        self.cached += self.staged;
        let took = if self.step == 0 { self.script.prefill_ns } else { self.script.decode_ns };
        self.clock_ns.set(self.clock_ns.get() + took);
        Ok(())
    }

    fn last_logits(&mut self) -> Result<&[f32]> {
        let token = self.token() as usize;
        let margin = self.script.margins.get(&self.step).copied().unwrap_or(WIDE_MARGIN);
        self.row.fill(UNLIKELY);
        self.row[token] = WIDE_MARGIN;
        let runner_up = if token + 1 < self.row.len() { token + 1 } else { 0 };
        self.row[runner_up] = WIDE_MARGIN - margin;
        Ok(&self.row)
    }
}

/// Its states are zeros; what is changed in them is forgotten, but for their length.
impl EditStates for ScriptedEngine {
    fn prepare(&mut self, spec: &TransformSpec, _layout: &CacheLayout) -> Result<()> {
        if spec.needs_queries() || spec.in_graph().is_some() {
            return Err(Error::input(format!(
                "the KV transform `{spec}` needs a graph, and a script has none"
            )));
        }
        Ok(())
    }

    fn edit_states(
        &mut self,
        layout: &CacheLayout,
        edit: &mut dyn FnMut(&mut Cache<'_>) -> Result<()>,
    ) -> Result<EditCost> {
        if self.script.states == ScriptedStates::Compressed {
            return Err(Error::input("KV state `past_key_values.0.key` cannot be read: it is compressed"));
        }
        let mut laps = Laps::begin();
        let rows = self.cached;
        let mut states = vec![vec![0.0; layout.kv_heads * rows * layout.head_size]; 2 * layout.layers];
        let read_ns = laps.lap_ns();
        let mut cache = Cache::new(layout, states.iter_mut().map(Vec::as_mut_slice).collect(), rows)?;
        edit(&mut cache)?;
        self.cached = cache.rows();
        let transform_ns = laps.lap_ns();
        Ok(EditCost { read_ns, transform_ns, write_ns: laps.lap_ns(), rows, rows_left: self.cached })
    }
}
