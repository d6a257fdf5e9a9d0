//! Symmetric integers of 4 or 8 bits, with a scale for each group of a row: what runtimes and model files use. With a
//! Hadamard rotation before it, large values of single channels are spread over all.

use crate::engine::transform::packing::{get_half, pack, packed_length, put_half, unpack};
use crate::engine::transform::quantise::{Quantiser, RowCodec, check_group};
use crate::engine::transform::{AbsmaxSpec, CacheLayout, Rotation, RotationKind, Schedule};
use crate::error::Result;

pub(super) fn transform(spec: &AbsmaxSpec, layout: &CacheLayout, schedule: Schedule) -> Result<Quantiser> {
    let codec = || Absmax::new(spec, layout.head_size);
    Ok(Quantiser::new(Box::new(codec()?), Box::new(codec()?), layout, schedule))
}

struct Absmax {
    bits: u8,
    group: usize,
    rotation: Option<Rotation>,
    rotated: Vec<f32>,
    numbers: Vec<u8>,
}

impl Absmax {
    fn new(spec: &AbsmaxSpec, size: usize) -> Result<Self> {
        check_group(spec.group, size)?;
        let rotation = spec.hadamard.map(|seed| Rotation::new(RotationKind::Hadamard, seed, size));
        Ok(Self {
            bits: spec.bits,
            group: spec.group,
            rotation: rotation.transpose()?,
            rotated: vec![0.0; size],
            numbers: vec![0; size],
        })
    }

    /// The largest number; the smallest is one below its negative.
    fn largest(&self) -> f32 {
        f32::from((1_u16 << (self.bits - 1)) - 1)
    }

    fn scales(&self) -> usize {
        2 * self.rotated.len() / self.group
    }
}

impl RowCodec for Absmax {
    fn packed_bytes(&self) -> usize {
        self.scales() + packed_length(self.rotated.len(), self.bits)
    }

    fn encode(&mut self, row: &[f32], packed: &mut [u8]) {
        match &self.rotation {
            Some(rotation) => rotation.apply(row, &mut self.rotated),
            None => self.rotated.copy_from_slice(row),
        }
        let largest = self.largest();
        let (scales, numbers) = packed.split_at_mut(self.scales());
        let groups = self.rotated.chunks_exact(self.group).zip(self.numbers.chunks_exact_mut(self.group));
        for ((group, numbers), scale) in groups.zip(scales.chunks_exact_mut(2)) {
            let most = group.iter().fold(0.0_f32, |most, it| most.max(it.abs()));
            let scale = put_half(most / largest, scale);
            let scale = if scale == 0.0 { 1.0 } else { scale };
            for (number, it) in numbers.iter_mut().zip(group) {
                *number =
                    level((it / scale).round_ties_even().clamp(-largest - 1.0, largest) + largest + 1.0);
            }
        }
        pack(&self.numbers, self.bits, numbers);
    }

    fn decode(&mut self, packed: &[u8], row: &mut [f32]) {
        let largest = self.largest();
        let (scales, numbers) = packed.split_at(self.scales());
        unpack(numbers, self.bits, &mut self.numbers);
        let groups = self.rotated.chunks_exact_mut(self.group).zip(self.numbers.chunks_exact(self.group));
        for ((group, numbers), scale) in groups.zip(scales.chunks_exact(2)) {
            let scale = get_half(scale);
            for (it, number) in group.iter_mut().zip(numbers) {
                *it = (f32::from(*number) - largest - 1.0) * scale;
            }
        }
        match &self.rotation {
            Some(rotation) => rotation.invert(&self.rotated, row),
            None => row.copy_from_slice(&self.rotated),
        }
    }

    fn buffer_bytes(&self) -> usize {
        5 * self.rotated.len() + self.rotation.as_ref().map_or(0, Rotation::table_bytes)
    }
}

/// A level of a quantiser, which the caller has clamped.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to 255 by the caller's clamp"
)]
pub(super) fn level(number: f32) -> u8 {
    number as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::transform::quantise::tests::{gaussian_rows, relative_error};

    fn codec(bits: u8, group: usize, hadamard: Option<u64>) -> Absmax {
        Absmax::new(&AbsmaxSpec { bits, group, hadamard }, 64).unwrap()
    }

    #[test]
    fn rows_of_integers_come_back_exactly() {
        let mut codec = codec(4, 32, None);
        let row: Vec<f32> = (0..64_i16).map(|it| f32::from(it % 15 - 7) * 0.5).collect();
        let (mut packed, mut back) = (vec![0; codec.packed_bytes()], vec![0.0; 64]);
        codec.encode(&row, &mut packed);
        codec.decode(&packed, &mut back);
        assert_eq!((back, packed.len()), (row, 32 + 4));
    }

    #[test]
    fn the_packed_bytes_of_a_token_are_those_of_the_table_and_more_bits_have_less_error() {
        let rows = gaussian_rows(500, 64, 1);
        let error = |bits, group, hadamard| relative_error(&mut codec(bits, group, hadamard), &rows);
        assert_eq!(codec(8, 32, None).packed_bytes() * 384, 26_112);
        assert_eq!(codec(4, 32, None).packed_bytes() * 384, 13_824);
        assert!(error(8, 32, None) < 5e-5);
        assert!((0.005..0.02).contains(&error(4, 32, None)), "{}", error(4, 32, None));
        assert!(error(4, 64, None) > error(4, 32, None));
    }

    #[test]
    fn a_rotation_spreads_one_large_channel_over_all() {
        let mut rows = gaussian_rows(500, 64, 2);
        rows.chunks_exact_mut(64).for_each(|row| row[5] *= 30.0);
        // As a share of the other channels, which one large neighbour drowns.
        let error = |hadamard| {
            let mut codec = codec(4, 64, hadamard);
            let (mut packed, mut back) = (vec![0; codec.packed_bytes()], vec![0.0; 64]);
            let mut sum = 0.0;
            for row in rows.chunks_exact(64) {
                codec.encode(row, &mut packed);
                codec.decode(&packed, &mut back);
                sum += row.iter().zip(&back).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
            }
            sum
        };
        assert!(error(Some(1)) < 0.8 * error(None));
    }

    #[test]
    fn a_row_of_zeros_stays_zero() {
        let mut codec = codec(4, 32, Some(1));
        let (mut packed, mut back) = (vec![0; codec.packed_bytes()], vec![1.0; 64]);
        codec.encode(&[0.0; 64], &mut packed);
        codec.decode(&packed, &mut back);
        assert_eq!(back, [0.0; 64]);
    }
}
