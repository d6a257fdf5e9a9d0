//! KIVI (arXiv 2402.02750): keys have a scale and an offset for each channel over a block of tokens, values for each
//! group of a token.

use crate::engine::transform::absmax::level;
use crate::engine::transform::packing::{get_half, pack, packed_length, put_half, unpack};
use crate::engine::transform::quantise::{Quantiser, RowCodec, check_group};
use crate::engine::transform::{CacheLayout, KiviSpec, Schedule};
use crate::error::Result;

pub(super) fn transform(spec: &KiviSpec, layout: &CacheLayout, schedule: Schedule) -> Result<Quantiser> {
    let size = layout.head_size;
    check_group(spec.group, size)?;
    // A key's group is a channel of so many rows, one element of each; a value's lies in one row.
    let keys = MinMax::new(spec.keys, spec.group * size, spec.group, size, spec.group);
    let values = MinMax::new(spec.values, size, spec.group, 1, 1);
    Ok(Quantiser::new(Box::new(keys), Box::new(values), layout, schedule))
}

/// Numbers between the least and the largest of a group.
struct MinMax {
    bits: u8,
    /// Elements of a group, and how far apart they lie.
    group: usize,
    stride: usize,
    /// Rows that are quantised together.
    rows: usize,
    numbers: Vec<u8>,
}

impl MinMax {
    fn new(bits: u8, elements: usize, group: usize, stride: usize, rows: usize) -> Self {
        Self { bits, group, stride, rows, numbers: vec![0; elements] }
    }

    /// Where the elements of a group lie.
    fn places(&self, group: usize) -> impl Iterator<Item = usize> + use<> {
        let (stride, length) = (self.stride, self.group);
        let from = if stride == 1 { group * length } else { group };
        (0..length).map(move |index| from + index * stride)
    }

    fn scales(&self) -> usize {
        4 * self.numbers.len() / self.group
    }
}

impl RowCodec for MinMax {
    fn rows(&self) -> usize {
        self.rows
    }

    fn packed_bytes(&self) -> usize {
        self.scales() + packed_length(self.numbers.len(), self.bits)
    }

    fn encode(&mut self, rows: &[f32], packed: &mut [u8]) {
        let levels = f32::from((1_u16 << self.bits) - 1);
        let (scales, numbers) = packed.split_at_mut(self.scales());
        for (group, scale) in scales.chunks_exact_mut(4).enumerate() {
            let (mut least, mut most) = (f32::INFINITY, f32::NEG_INFINITY);
            for place in self.places(group) {
                (least, most) = (least.min(rows[place]), most.max(rows[place]));
            }
            let step = put_half((most - least) / levels, scale);
            let step = if step == 0.0 { 1.0 } else { step };
            let least = put_half(least, &mut scale[2..]);
            for place in self.places(group) {
                self.numbers[place] =
                    level(((rows[place] - least) / step).round_ties_even().clamp(0.0, levels));
            }
        }
        pack(&self.numbers, self.bits, numbers);
    }

    fn decode(&mut self, packed: &[u8], rows: &mut [f32]) {
        let (scales, numbers) = packed.split_at(self.scales());
        unpack(numbers, self.bits, &mut self.numbers);
        for (group, scale) in scales.chunks_exact(4).enumerate() {
            let (step, least) = (get_half(scale), get_half(&scale[2..]));
            for place in self.places(group) {
                rows[place] = f32::from(self.numbers[place]) * step + least;
            }
        }
    }

    fn buffer_bytes(&self) -> usize {
        self.numbers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::transform::quantise::tests::{gaussian_rows, relative_error};

    #[test]
    fn a_channel_of_large_keys_does_not_spoil_the_others() {
        let mut rows = gaussian_rows(64, 64, 1);
        rows.chunks_exact_mut(64).for_each(|row| row[5] += 40.0);
        let mut keys = MinMax::new(4, 32 * 64, 32, 64, 32);
        let mut values = MinMax::new(4, 64, 32, 1, 1);
        assert_eq!((keys.packed_bytes(), values.packed_bytes()), (32 * 32 + 64 * 4, 32 + 8));
        let (per_channel, per_token) = (relative_error(&mut keys, &rows), relative_error(&mut values, &rows));
        assert!(per_channel * 20.0 < per_token, "{per_channel} and {per_token}");
    }

    #[test]
    fn a_constant_group_comes_back_as_it_is() {
        let mut values = MinMax::new(2, 64, 32, 1, 1);
        let (mut packed, mut back) = (vec![0; values.packed_bytes()], vec![0.0; 64]);
        values.encode(&[0.25; 64], &mut packed);
        values.decode(&packed, &mut back);
        assert_eq!(back, [0.25; 64]);
    }
}
