//! Noise, the same for the same seed.

use fastrand::Rng;

/// A standard normal deviate, nearly: the sum of twelve uniform ones.
pub(super) fn normal(rng: &mut Rng) -> f64 {
    (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0
}
