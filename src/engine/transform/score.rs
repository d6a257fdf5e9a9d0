//! By what rows are chosen that stay.

use fastrand::Rng;

use crate::engine::transform::calibration::rope_of;
use crate::engine::transform::rope::{Complex, bands};
use crate::engine::transform::rotation::random_of;
use crate::engine::transform::{CacheLayout, Calibration, Held, Rope};
use crate::error::Result;

/// One KV head of one layer, with what can be seen of it.
pub(super) struct Rows<'a> {
    pub(super) layer: usize,
    pub(super) head: usize,
    /// Its keys, `(rows, head size)`.
    pub(super) keys: &'a [f32],
    /// The newest queries of the layer, oldest first, each `(query heads, head size)`; empty unless requested.
    pub(super) queries: &'a [f32],
    /// The sink of each query head; empty where the model has none.
    pub(super) sinks: &'a [f32],
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

/// By the attention that the newest queries pay, the sinks of the heads included.
pub(super) struct Snap {
    query_heads: usize,
    per_group: usize,
    of_head: Vec<f64>,
    of_query: Vec<f64>,
}

/// Queries whose attention counts.
const SNAP_QUERIES: usize = 16;

impl Snap {
    pub(super) fn new(layout: &CacheLayout) -> Self {
        Self {
            query_heads: layout.query_heads,
            per_group: layout.query_heads / layout.kv_heads,
            of_head: Vec::new(),
            of_query: Vec::new(),
        }
    }
}

impl Score for Snap {
    fn score(&mut self, rows: &Rows<'_>, scores: &mut [f64]) {
        scores.fill(f64::NEG_INFINITY);
        let size = rows.keys.len() / scores.len();
        let count = rows.queries.len() / (self.query_heads * size);
        self.of_head.resize(scores.len(), 0.0);
        self.of_query.resize(scores.len(), 0.0);
        for query_head in rows.head * self.per_group..(rows.head + 1) * self.per_group {
            self.of_head.fill(0.0);
            let sink = rows.sinks.get(query_head).map_or(f64::NEG_INFINITY, |sink| f64::from(*sink));
            for index in 0..count {
                let query = &rows.queries[(index * self.query_heads + query_head) * size..][..size];
                // The last query is that of the newest row; each sees itself and what was before.
                let seen = (scores.len() + index + 1).saturating_sub(count);
                let attention = &mut self.of_query[..seen];
                for (attention, key) in attention.iter_mut().zip(rows.keys.chunks_exact(size)) {
                    *attention = dot(query, key) / (size as f64).sqrt();
                }
                let most = attention.iter().copied().fold(sink, f64::max);
                for it in attention.iter_mut() {
                    *it = (*it - most).exp();
                }
                let total = attention.iter().sum::<f64>() + (sink - most).exp();
                for (of_head, attention) in self.of_head.iter_mut().zip(attention) {
                    *of_head += *attention / total / count as f64;
                }
            }
            take_larger(&mut self.of_head, scores);
        }
    }

    fn buffer_bytes(&self) -> usize {
        8 * (self.of_head.capacity() + self.of_query.capacity())
    }

    fn queries(&self) -> usize {
        SNAP_QUERIES
    }
}

/// By what calibrated queries at later positions would attend to.
pub(super) struct Calibrated {
    calibration: Calibration,
    rope: Rope,
    bands: usize,
    per_group: usize,
    /// The mean over the offsets of what a position turns each band by.
    turns: Vec<Complex>,
    of_head: Vec<f64>,
}

/// How far ahead the next queries lie: 1, 2, 4 and so on to 65,536 positions.
const OFFSETS: u32 = 17;

impl Calibrated {
    pub(super) fn new(calibration: Calibration, layout: &CacheLayout) -> Result<Self> {
        let rope = rope_of(layout)?.clone();
        let bands = rope.frequencies.len();
        let per_group = layout.query_heads / layout.kv_heads;
        Ok(Self {
            calibration,
            rope,
            bands,
            per_group,
            turns: vec![Complex::default(); bands],
            of_head: Vec::new(),
        })
    }
}

impl Score for Calibrated {
    fn score(&mut self, rows: &Rows<'_>, scores: &mut [f64]) {
        let position = rows.held.positions as f64;
        for (turn, frequency) in self.turns.iter_mut().zip(&self.rope.frequencies) {
            let offsets = (0..OFFSETS).map(|power| f64::from(1_u32 << power));
            let all = offsets.map(|offset| Complex::at_angle((position + offset) * frequency));
            *turn = all.fold(Complex::default(), Complex::plus).scaled(1.0 / f64::from(OFFSETS));
        }
        scores.fill(f64::NEG_INFINITY);
        self.of_head.resize(scores.len(), 0.0);
        let layer = &self.calibration.layers[rows.layer];
        for query_head in rows.head * self.per_group..(rows.head + 1) * self.per_group {
            let from = query_head * self.bands;
            for (score, key) in self.of_head.iter_mut().zip(rows.keys.chunks_exact(2 * self.bands)) {
                // A key holds its position already, so what it is turned by needs not be undone.
                *score = bands(key).enumerate().fold(0.0, |score, (band, key)| {
                    let key = key.scaled(1.0 / self.rope.attention_factor);
                    let mean = Complex { re: layer.mean_re[from + band], im: layer.mean_im[from + band] };
                    let turned = mean.times(self.turns[band]);
                    let spread = layer.mean_length[from + band] - mean.length();
                    score + turned.re * key.re + turned.im * key.im + spread * key.length()
                });
            }
            take_larger(&mut self.of_head, scores);
        }
    }

    fn buffer_bytes(&self) -> usize {
        let means: usize = self.calibration.layers.iter().map(|layer| 3 * layer.mean_re.len()).sum();
        8 * (means + 3 * self.bands + self.of_head.capacity())
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Makes a query head's scores comparable with those of the others of its group, and keeps the larger.
fn take_larger(of_head: &mut [f64], scores: &mut [f64]) {
    let count = of_head.len() as f64;
    let mean = of_head.iter().sum::<f64>() / count;
    let deviation =
        (of_head.iter().map(|it| (it - mean) * (it - mean)).sum::<f64>() / count).sqrt().max(1e-6);
    for (score, it) in scores.iter_mut().zip(of_head) {
        *score = score.max((*it - mean) / deviation);
    }
}

#[cfg(test)]
mod tests;
