//! Numbers of 1 to 8 bits in bytes, and scales and norms as f16.

use half::f16;

/// Bytes that this many numbers take.
pub(super) const fn packed_length(count: usize, bits: u8) -> usize {
    (count * bits as usize).div_ceil(8)
}

/// Writes numbers of `bits` bits one after another, lowest bit first; the last byte is filled up with zeros.
pub(super) fn pack(numbers: &[u8], bits: u8, packed: &mut [u8]) {
    if bits == 8 {
        packed[..numbers.len()].copy_from_slice(numbers);
        return;
    }
    let mut bytes = packed.iter_mut();
    let (mut pending, mut held) = (0_u32, 0);
    for number in numbers {
        pending |= u32::from(*number) << held;
        held += bits;
        while held >= 8 {
            put(&mut bytes, pending);
            pending >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        put(&mut bytes, pending);
    }
}

fn put<'a>(bytes: &mut impl Iterator<Item = &'a mut u8>, pending: u32) {
    if let Some(byte) = bytes.next() {
        *byte = pending.to_le_bytes()[0];
    }
}

/// Reads what [`pack`] wrote.
pub(super) fn unpack(packed: &[u8], bits: u8, numbers: &mut [u8]) {
    if bits == 8 {
        let length = numbers.len();
        numbers.copy_from_slice(&packed[..length]);
        return;
    }
    let mask = (1_u32 << bits) - 1;
    let mut bytes = packed.iter();
    let (mut pending, mut held) = (0_u32, 0);
    for number in numbers {
        if held < bits {
            pending |= u32::from(bytes.next().copied().unwrap_or_default()) << held;
            held += 8;
        }
        *number = (pending & mask).to_le_bytes()[0];
        pending >>= bits;
        held -= bits;
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
        assert_eq!(put_half(1.0 / 3.0, &mut packed), 0.333_251_95);
        assert_eq!(get_half(&packed), 0.333_251_95);
        assert_eq!(put_half(1e9, &mut packed), 65_504.0);
    }
}
