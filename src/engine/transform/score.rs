//! By what rows are chosen that stay.

use fastrand::Rng;

use crate::engine::transform::Held;
use crate::engine::transform::rotation::random_of;

/// One KV head of one layer, with what can be seen of it.
pub(super) struct Rows<'a> {
    pub(super) layer: usize,
    pub(super) head: usize,
    /// Its keys, `(rows, head size)`.
    pub(super) keys: &'a [f32],
    /// The newest queries of the layer, oldest first, each `(query heads, head size)`; empty unless requested.
    pub(super) queries: &'a [f32],
    pub(super) held: Held,
}

/// Scores rows: of two the one with the higher score stays.
pub(super) trait Score {
    /// Begins a generation.
    fn reset(&mut self) {}

    /// Writes a score for each row.
    fn score(&mut self, rows: &Rows<'_>, scores: &mut [f64]);

    /// Bytes of tables and scratch space.
    fn buffer_bytes(&self) -> usize {
        0
    }

    /// How many of the newest queries it needs.
    fn queries(&self) -> usize {
        0
    }
}

/// The newest rows.
pub(super) struct Newest;

impl Score for Newest {
    fn score(&mut self, _rows: &Rows<'_>, scores: &mut [f64]) {
        scores.iter_mut().enumerate().for_each(|(row, score)| *score = row as f64);
    }
}

/// By chance.
pub(super) struct ByChance {
    seed: u64,
    random: Rng,
}

impl ByChance {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, random: random_of(seed) }
    }
}

impl Score for ByChance {
    fn reset(&mut self) {
        self.random = random_of(self.seed);
    }

    fn score(&mut self, _rows: &Rows<'_>, scores: &mut [f64]) {
        scores.fill_with(|| self.random.f64());
    }
}
