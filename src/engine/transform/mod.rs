//! What can be done to a KV cache between two steps: quantising its rows, removing some of them, or only copying it.
//!
//! `spec` is the name of an arm and what it asks for; `cache` is the cache as it was read, and its layout in a model.
//! A [`Transform`] says after each step whether anything is due, so that states are copied only then, and changes the
//! rows in place. `codebook`, `rotation` and `packing` are the parts of the quantisers in `turboquant`, `absmax` and
//! `kivi`, which `quantise` applies to rows as they leave the exact window; `prune` removes rows by the scores of
//! `score`, for which `rope` has the positions and `calibration` the queries of a model. Nothing here knows OpenVINO; [`TransformedEngine`] puts a transform behind any engine whose states can be
//! edited.

mod absmax;
mod cache;
mod calibration;
mod codebook;
mod kivi;
mod options;
mod packing;
mod prune;
mod quantise;
mod rope;
mod rotation;
mod score;
mod spec;
mod transformed;
mod turboquant;

use std::ops::Range;

pub use cache::{Cache, CacheLayout, ObservedQueries};
pub use calibration::{Calibration, LayerQueries};
pub use codebook::Codebook;
pub use rope::Rope;
pub use rotation::Rotation;
pub use spec::{
    AbsmaxSpec, KiviSpec, Method, PruneSpec, RotationKind, Schedule, Scorer, TransformSpec, TurboQuantForm,
    TurboQuantSpec,
};
pub(in crate::engine) use transformed::Laps;
pub use transformed::{EditCost, EditStates, TransformEvent, TransformedEngine};

use crate::error::Result;

/// Where a generation stands after an inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Rows that the cache of each layer holds.
    pub rows: usize,
    /// Tokens that were fed: the position of the next one.
    pub positions: usize,
    /// Tokens of the prompt.
    pub prompt: usize,
}

/// Which rows of which layers a transform wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Rows that are changed; of a transform that removes rows, those among which it chooses.
    pub rows: Range<usize>,
    /// Layers, from 0.
    pub layers: Range<usize>,
}

/// The bytes that a cache would take if what is packed were stored packed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Footprint {
    /// The length of the packed buffers, norms and scales included.
    pub packed_bytes: u64,
    /// The rows that are not packed, at the size of the cache's elements.
    pub exact_bytes: u64,
}

impl Footprint {
    /// Both together.
    pub fn total_bytes(self) -> u64 {
        self.packed_bytes + self.exact_bytes
    }
}

/// A change of the KV cache between two steps.
pub trait Transform {
    /// Forgets the generation before.
    fn reset(&mut self);

    /// What is due; None where nothing is, and then no state is copied.
    fn due(&self, held: Held) -> Option<Due>;

    /// Changes the rows that are due, in place.
    ///
    /// # Errors
    /// When they cannot be changed as requested, as when a prompt is longer than what is to be kept.
    fn apply(&mut self, due: &Due, held: Held, cache: &mut Cache<'_>) -> Result<()>;

    /// Bytes of the packed buffers, and rows per layer that are in them.
    fn packed(&self) -> (usize, usize);

    /// The most bytes that the transform's own buffers have held: packed rows, tables, scratch space.
    fn buffer_bytes(&self) -> usize;

    /// How many of the newest queries of each layer it needs.
    fn queries(&self) -> usize {
        0
    }
}

/// Reads and writes back all states at each token and changes nothing: the cost of transforming at every step.
struct Copy {
    layers: usize,
}

impl Transform for Copy {
    fn reset(&mut self) {}

    fn due(&self, held: Held) -> Option<Due> {
        Some(Due { rows: 0..held.rows, layers: 0..self.layers })
    }

    fn apply(&mut self, _due: &Due, _held: Held, _cache: &mut Cache<'_>) -> Result<()> {
        Ok(())
    }

    fn packed(&self) -> (usize, usize) {
        (0, 0)
    }

    fn buffer_bytes(&self) -> usize {
        0
    }
}

impl TransformSpec {
    /// The transform for a model; None where the spec asks for nothing between two steps: `none`, and what is done in
    /// the graph.
    ///
    /// # Errors
    /// What the model's cache does not allow.
    pub fn build(&self, layout: &CacheLayout) -> Result<Option<Box<dyn Transform>>> {
        Ok(match &self.method {
            Method::None => None,
            Method::Copy => Some(Box::new(Copy { layers: layout.layers })),
            Method::TurboQuant(spec) if spec.in_graph => None,
            Method::TurboQuant(spec) => Some(Box::new(turboquant::transform(spec, layout, self.schedule)?)),
            Method::Absmax(spec) => Some(Box::new(absmax::transform(spec, layout, self.schedule)?)),
            Method::Kivi(spec) => Some(Box::new(kivi::transform(spec, layout, self.schedule)?)),
            Method::Prune(spec) => Some(Box::new(prune::Pruner::new(spec, layout)?)),
        })
    }
}
