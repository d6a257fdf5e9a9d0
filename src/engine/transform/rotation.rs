//! Random rotations of a vector, by a seed: a Haar-distributed matrix, or random signs and a Hadamard transform.

use std::f64::consts::TAU;

use fastrand::Rng;

use crate::engine::transform::RotationKind;
use crate::error::{Error, Result};

/// A rotation of vectors of one size, the same for all layers and heads.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    size: usize,
    way: Way,
}

#[derive(Debug, Clone, PartialEq)]
enum Way {
    /// The matrix, and its transpose; row by row.
    Dense { matrix: Vec<f32>, transpose: Vec<f32> },
    /// Signs, already divided by the root of the size.
    Hadamard { signs: Vec<f32> },
}

impl Rotation {
    /// The rotation of a seed.
    ///
    /// # Errors
    /// A Hadamard transform of a size that is no power of two.
    pub fn new(kind: RotationKind, seed: u64, size: usize) -> Result<Self> {
        let way = match kind {
            RotationKind::Haar => {
                let matrix = haar(seed, size);
                Way::Dense { transpose: transposed(&matrix, size), matrix }
            }
            RotationKind::Hadamard if size.is_power_of_two() => {
                let mut random = random_of(seed);
                let scale = 1.0 / (size as f32).sqrt();
                Way::Hadamard {
                    signs: (0..size).map(|_| if random.bool() { scale } else { -scale }).collect(),
                }
            }
            RotationKind::Hadamard => {
                return Err(Error::input(format!(
                    "heads of `{size}` cannot be rotated by a Hadamard transform, which needs a power of two"
                ))
                .hint("use `rotation=haar`"));
            }
        };
        Ok(Self { size, way })
    }

    /// Rotates.
    pub fn apply(&self, from: &[f32], to: &mut [f32]) {
        match &self.way {
            Way::Dense { transpose, .. } => multiply(transpose, from, to),
            Way::Hadamard { signs } => {
                for ((to, from), sign) in to.iter_mut().zip(from).zip(signs) {
                    *to = from * sign;
                }
                hadamard(to);
            }
        }
    }

    /// Rotates back.
    pub fn invert(&self, from: &[f32], to: &mut [f32]) {
        match &self.way {
            Way::Dense { matrix, .. } => multiply(matrix, from, to),
            Way::Hadamard { signs } => {
                to.copy_from_slice(from);
                hadamard(to);
                to.iter_mut().zip(signs).for_each(|(to, sign)| *to *= sign);
            }
        }
    }

    /// The matrix, row by row: what a graph multiplies with.
    pub fn matrix(&self) -> Vec<f32> {
        let mut columns = vec![0.0; self.size * self.size];
        let mut unit = vec![0.0; self.size];
        for (index, column) in columns.chunks_exact_mut(self.size).enumerate() {
            unit.fill(0.0);
            unit[index] = 1.0;
            self.apply(&unit, column);
        }
        transposed(&columns, self.size)
    }

    /// Bytes of its tables.
    pub fn table_bytes(&self) -> usize {
        match &self.way {
            Way::Dense { matrix, transpose } => 4 * (matrix.len() + transpose.len()),
            Way::Hadamard { signs } => 4 * signs.len(),
        }
    }
}

/// Random numbers of a seed. Seeds that lie close give streams that are alike, so the seed is mixed first (as in
/// SplitMix64): arms that differ in their seed alone must be independent.
pub(super) fn random_of(seed: u64) -> Rng {
    let mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    Rng::with_seed(mixed ^ (mixed >> 31))
}

/// A normally distributed number, by Box and Muller.
pub(super) fn gaussian(random: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (TAU * random.f64()).cos()
}

/// `to` = the transpose of `matrix` times `from`: a row of the matrix at a time, which vectorises.
pub(super) fn multiply(matrix: &[f32], from: &[f32], to: &mut [f32]) {
    to.fill(0.0);
    for (row, from) in matrix.chunks_exact(to.len()).zip(from) {
        for (to, weight) in to.iter_mut().zip(row) {
            *to += from * weight;
        }
    }
}

pub(super) fn transposed(matrix: &[f32], size: usize) -> Vec<f32> {
    (0..size * size).map(|index| matrix[index % size * size + index / size]).collect()
}

/// The Hadamard transform, without a scale.
fn hadamard(values: &mut [f32]) {
    // The steps over short distances for 8 values at once, of which the compiler makes vectors.
    let (eights, rest) = values.as_chunks_mut::<8>();
    let short = if rest.is_empty() { 8 } else { 1 };
    for eight in eights.iter_mut().filter(|_| short == 8) {
        pairs::<1>(eight);
        pairs::<2>(eight);
        pairs::<4>(eight);
    }
    let mut half = short;
    while half < values.len() {
        for pair in values.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) {
                (*low, *high) = (*low + *high, *low - *high);
            }
        }
        half *= 2;
    }
}

/// Sum and difference of each two that lie this far apart.
#[inline]
fn pairs<const HALF: usize>(eight: &mut [f32; 8]) {
    for low in (0..8).filter(|index| index & HALF == 0) {
        (eight[low], eight[low + HALF]) = (eight[low] + eight[low + HALF], eight[low] - eight[low + HALF]);
    }
}

/// The rows of a Gaussian matrix, made orthonormal one after another: uniform among all rotations and reflections.
#[expect(clippy::cast_possible_truncation, reason = "rotations are applied as f32")]
fn haar(seed: u64, size: usize) -> Vec<f32> {
    let mut random = random_of(seed);
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(size);
    for _ in 0..size {
        let mut row: Vec<f64> = (0..size).map(|_| gaussian(&mut random)).collect();
        // Twice is enough for full precision.
        for _ in 0..2 {
            for other in &rows {
                let along: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
            }
        }
        let norm = row.iter().map(|a| a * a).sum::<f64>().sqrt();
        rows.push(row.into_iter().map(|a| a / norm).collect());
    }
    rows.into_iter().flatten().map(|a| a as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_keeps_lengths_and_is_undone_and_is_what_its_matrix_says() {
        let from: Vec<f32> = (0..64_u8).map(|it| f32::from(it) - 20.0).collect();
        for kind in [RotationKind::Haar, RotationKind::Hadamard] {
            let rotation = Rotation::new(kind, 3, 64).unwrap();
            let (mut there, mut back) = (vec![0.0; 64], vec![0.0; 64]);
            rotation.apply(&from, &mut there);
            rotation.invert(&there, &mut back);
            let norm = |x: &[f32]| x.iter().map(|a| a * a).sum::<f32>().sqrt();
            assert!((norm(&there) / norm(&from) - 1.0).abs() < 1e-5);
            assert!(from.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-4));
            let matrix = rotation.matrix();
            for (row, there) in matrix.chunks_exact(64).zip(&there) {
                let product: f32 = row.iter().zip(&from).map(|(a, b)| a * b).sum();
                assert!((product - there).abs() < 1e-3, "{kind:?}: {product} and {there}");
            }
            assert_ne!(matrix, Rotation::new(kind, 4, 64).unwrap().matrix());
            assert_eq!(matrix, Rotation::new(kind, 3, 64).unwrap().matrix());
        }
    }

    #[test]
    fn a_hadamard_transform_of_any_power_of_two_is_a_rotation() {
        for size in [2, 4, 8, 16, 128] {
            let matrix = Rotation::new(RotationKind::Hadamard, 2, size).unwrap().matrix();
            for (index, row) in matrix.chunks_exact(size).enumerate() {
                for (other, column) in matrix.chunks_exact(size).enumerate() {
                    let product: f32 = row.iter().zip(column).map(|(a, b)| a * b).sum();
                    assert!((product - f32::from(u8::from(index == other))).abs() < 1e-5, "{size}");
                }
            }
        }
    }

    #[test]
    fn rotations_of_neighbouring_seeds_are_independent() {
        for kind in [RotationKind::Haar, RotationKind::Hadamard] {
            for seed in 0..12 {
                let [one, next] =
                    [seed, seed + 1].map(|seed| Rotation::new(kind, seed, 64).unwrap().matrix());
                // The trace of one rotation times the inverse of another is about normal for the Haar measure; of
                // signs it is a sum of 64.
                let alike: f32 = one.iter().zip(&next).map(|(a, b)| a * b).sum();
                let most = if kind == RotationKind::Haar { 4.5 } else { 36.0 };
                assert!(alike.abs() < most, "{kind:?} {seed}: {alike}");
            }
        }
    }

    #[test]
    fn a_hadamard_transform_of_80_is_refused_and_says_what_to_use() {
        let error = Rotation::new(RotationKind::Hadamard, 1, 80).unwrap_err();
        assert!(error.to_string().contains("`80`"));
        assert_eq!(error.hint_text(), Some("use `rotation=haar`"));
        assert!(Rotation::new(RotationKind::Haar, 1, 80).is_ok());
    }
}
