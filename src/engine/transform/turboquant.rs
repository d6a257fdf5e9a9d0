//! TurboQuant (arXiv 2504.19874): a row is its length and the direction, rotated, each coordinate rounded to the nearest
//! centroid. The form `prod` spends one of the bits on the signs of a random projection of what is left over (QJL,
//! arXiv 2406.03482), which makes inner products unbiased.

use std::f32::consts::PI;
use std::rc::Rc;

use crate::engine::transform::packing::{get_half, pack, packed_length, put_half, unpack};
use crate::engine::transform::quantise::{Quantiser, RowCodec};
use crate::engine::transform::rotation::{gaussian, multiply, random_of, transposed};
use crate::engine::transform::{CacheLayout, Codebook, Rotation, Schedule, TurboQuantForm, TurboQuantSpec};
use crate::error::{Error, Result};

/// Below this a row counts as zero.
const NO_LENGTH: f32 = 1e-30;
/// The random projection has a seed of its own.
const PROJECTION_SEED: u64 = 999;

pub(super) fn transform(
    spec: &TurboQuantSpec,
    layout: &CacheLayout,
    schedule: Schedule,
) -> Result<Quantiser> {
    let rotation = Rc::new(Rotation::new(spec.rotation, spec.seed, layout.head_size)?);
    let codec = |bits| TurboQuant::new(spec, bits, layout.head_size, Rc::clone(&rotation));
    Ok(Quantiser::new(Box::new(codec(spec.keys)?), Box::new(codec(spec.values)?), layout, schedule))
}

/// TurboQuant for one number of bits.
pub(super) struct TurboQuant {
    rotation: Rc<Rotation>,
    codebook: Codebook,
    bits: u8,
    norm_correction: bool,
    projection: Option<Projection>,
    unit: Vec<f32>,
    rotated: Vec<f32>,
    numbers: Vec<u8>,
}

/// The Gaussian matrix of QJL and its transpose.
struct Projection {
    matrix: Vec<f32>,
    transpose: Vec<f32>,
    signs: Vec<u8>,
    spread: Vec<f32>,
}

impl TurboQuant {
    pub(super) fn new(spec: &TurboQuantSpec, bits: u8, size: usize, rotation: Rc<Rotation>) -> Result<Self> {
        if size < 3 {
            return Err(Error::input(format!("heads of `{size}` are too narrow for TurboQuant"))
                .hint("use `absmax:int8`"));
        }
        let prod = spec.form == TurboQuantForm::Prod;
        let bits = if prod { bits - 1 } else { bits };
        Ok(Self {
            rotation,
            codebook: Codebook::new(bits, size),
            bits,
            norm_correction: spec.norm_correction,
            projection: prod.then(|| Projection::new(spec.seed, size)),
            unit: vec![0.0; size],
            rotated: vec![0.0; size],
            numbers: vec![0; size],
        })
    }

    /// The direction that the numbers stand for, into `unit`.
    fn direction(&mut self) {
        for (rotated, number) in self.rotated.iter_mut().zip(&self.numbers) {
            *rotated = self.codebook.centroids[usize::from(*number)];
        }
        if self.norm_correction {
            let length = norm(&self.rotated).max(NO_LENGTH);
            self.rotated.iter_mut().for_each(|it| *it /= length);
        }
        self.rotation.invert(&self.rotated, &mut self.unit);
    }

    fn codes(&self) -> usize {
        packed_length(self.unit.len(), self.bits)
    }
}

impl Projection {
    #[expect(clippy::cast_possible_truncation, reason = "vectors are multiplied as f32")]
    fn new(seed: u64, size: usize) -> Self {
        let mut random = random_of(seed.wrapping_add(PROJECTION_SEED));
        let matrix: Vec<f32> = (0..size * size).map(|_| gaussian(&mut random) as f32).collect();
        let transpose = transposed(&matrix, size);
        Self { matrix, transpose, signs: vec![0; size], spread: vec![0.0; size] }
    }
}

impl RowCodec for TurboQuant {
    fn packed_bytes(&self) -> usize {
        let projected = if self.projection.is_some() { 2 + packed_length(self.unit.len(), 1) } else { 0 };
        2 + self.codes() + projected
    }

    fn encode(&mut self, row: &[f32], packed: &mut [u8]) {
        let length = norm(row);
        put_half(length, packed);
        let scale = 1.0 / length.max(NO_LENGTH);
        for (unit, row) in self.unit.iter_mut().zip(row) {
            *unit = row * scale;
        }
        self.rotation.apply(&self.unit, &mut self.rotated);
        for (number, rotated) in self.numbers.iter_mut().zip(&self.rotated) {
            *number = self.codebook.index(*rotated);
        }
        let codes = self.codes();
        let (numbers, projected) = packed[2..].split_at_mut(codes);
        pack(&self.numbers, self.bits, numbers);
        if self.projection.is_none() {
            return;
        }
        self.direction();
        let Some(projection) = &mut self.projection else { return };
        for (unit, row) in self.unit.iter_mut().zip(row) {
            *unit = row * scale - *unit;
        }
        put_half(norm(&self.unit), projected);
        multiply(&projection.transpose, &self.unit, &mut projection.spread);
        for (sign, spread) in projection.signs.iter_mut().zip(&projection.spread) {
            *sign = u8::from(*spread >= 0.0);
        }
        pack(&projection.signs, 1, &mut projected[2..]);
    }

    fn decode(&mut self, packed: &[u8], row: &mut [f32]) {
        let (numbers, projected) = packed[2..].split_at(self.codes());
        unpack(numbers, self.bits, &mut self.numbers);
        self.direction();
        if let Some(projection) = &mut self.projection {
            unpack(&projected[2..], 1, &mut projection.signs);
            for (sign, spread) in projection.signs.iter().zip(&mut projection.spread) {
                *spread = if *sign == 1 { 1.0 } else { -1.0 };
            }
            multiply(&projection.matrix, &projection.spread, &mut self.rotated);
            let scale = (PI / 2.0).sqrt() / row.len() as f32 * get_half(projected);
            for (unit, rotated) in self.unit.iter_mut().zip(&self.rotated) {
                *unit += scale * rotated;
            }
        }
        let length = get_half(packed);
        for (row, unit) in row.iter_mut().zip(&self.unit) {
            *row = length * unit;
        }
    }

    fn buffer_bytes(&self) -> usize {
        let projection = self.projection.as_ref();
        let projection =
            projection.map_or(0, |it| 4 * (2 * it.matrix.len() + it.spread.len()) + it.signs.len());
        self.rotation.table_bytes() + self.codebook.table_bytes() + 9 * self.unit.len() + projection
    }
}

/// The length of a vector: in lanes, which vectorises.
fn norm(row: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let chunks = row.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().map(|it| it * it).sum();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, it)| *lane += it * it);
    }
    (lanes.iter().sum::<f32>() + rest).sqrt()
}

#[cfg(test)]
mod tests;
