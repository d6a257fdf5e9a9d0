//! Numbers of 1 to 8 bits in bytes, and scales and norms as f16.

use half::f16;

/// Bytes that this many numbers take.
pub(super) const fn packed_length(count: usize, bits: u8) -> usize {
    (count * bits as usize).div_ceil(8)
}

/// Writes numbers of `bits` bits one after another, lowest bit first; the last byte is filled up with zeros.
pub(super) fn pack(numbers: &[u8], bits: u8, packed: &mut [u8]) {
    // Eight numbers fill as many bytes as one has bits.
    for (numbers, bytes) in numbers.chunks(8).zip(packed.chunks_mut(usize::from(bits.max(1)))) {
        let mut together = 0_u64;
        for (number, at) in numbers.iter().zip((0_u32..).step_by(usize::from(bits.max(1)))) {
            together |= u64::from(*number) << at;
        }
        bytes.copy_from_slice(&together.to_le_bytes()[..bytes.len()]);
    }
}

/// Reads what [`pack`] wrote.
pub(super) fn unpack(packed: &[u8], bits: u8, numbers: &mut [u8]) {
    if bits == 0 {
        return numbers.fill(0);
    }
    let mask = (1_u64 << bits) - 1;
    for (numbers, bytes) in numbers.chunks_mut(8).zip(packed.chunks(usize::from(bits))) {
        let mut together = [0; 8];
        together[..bytes.len()].copy_from_slice(bytes);
        let together = u64::from_le_bytes(together);
        for (number, at) in numbers.iter_mut().zip((0_u32..).step_by(usize::from(bits))) {
            *number = ((together >> at) & mask).to_le_bytes()[0];
        }
    }
}

/// Writes a number as f16 and gives what was written; one that is too large becomes the largest.
pub(super) fn put_half(number: f32, packed: &mut [u8]) -> f32 {
    let half = f16::from_f32(number.clamp(f16::MIN.to_f32(), f16::MAX.to_f32()));
    packed[..2].copy_from_slice(&half.to_le_bytes());
    half.to_f32()
}

/// Reads an f16.
pub(super) fn get_half(packed: &[u8]) -> f32 {
    f16::from_le_bytes([packed[0], packed[1]]).to_f32()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_1_to_8_bits_come_back_for_any_count() {
        for bits in 1..=8 {
            for count in [1, 3, 7, 64, 65] {
                let largest = u8::MAX >> (8 - bits);
                let numbers: Vec<u8> = (0..count).map(|it: u8| it.wrapping_mul(37) & largest).collect();
                let mut packed = vec![0xAA; packed_length(numbers.len(), bits)];
                pack(&numbers, bits, &mut packed);
                let mut back = vec![0; numbers.len()];
                unpack(&packed, bits, &mut back);
                assert_eq!(back, numbers, "{count} numbers of {bits} bits");
            }
        }
        assert_eq!(packed_length(64, 3), 24);
    }

    #[test]
    fn a_norm_is_stored_to_eleven_bits_and_never_as_infinity() {
        let mut packed = [0; 2];
        let third = put_half(1.0 / 3.0, &mut packed);
        assert!((third - 0.333_251_95).abs() < 1e-7);
        assert_eq!(get_half(&packed).to_bits(), third.to_bits());
        assert!((put_half(1e9, &mut packed) - 65_504.0).abs() < 1.0);
    }
}
