//! Random numbers of the invented history: from a seed, and by additions and square roots alone, so that
//! every machine draws the same bits.

use std::time::Duration;

use fastrand::Rng;

/// An odd number whose bits look random (2^64 divided by the golden ratio): it keeps the streams of
/// neighbouring commits apart.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(super) struct Noise(Rng);

impl Noise {
    /// The stream of one thing: as of a commit on a machine. What is drawn for one thing changes nothing of
    /// another.
    pub(super) fn of(seed: u64, thing: &[u64]) -> Self {
        let mix = |state: u64, word: &u64| Rng::with_seed(state ^ word.wrapping_mul(SPREAD)).u64(..);
        Self(Rng::with_seed(thing.iter().fold(seed, mix)))
    }

    /// A standard normal deviate, by the sum of twelve uniform ones less six (Irwin 1927, Hall 1927: the sum
    /// has variance 1 and is nearly normal). It has no tail beyond six, which nothing here needs, and no
    /// logarithm, whose last bit differs between libraries.
    pub(super) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.0.f64()).sum::<f64>() - 6.0
    }

    /// A factor around 1 with this standard deviation.
    pub(super) fn factor(&mut self, sd: f64) -> f64 {
        1.0 + sd * self.normal()
    }

    /// True with this probability.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.0.f64() < probability
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0.u64(..end)
    }

    /// Factors around 1 of which each keeps a part of the one before: a first-order autoregression, whose
    /// innovations have `sd * sqrt(1 - kept^2)`, so that all have the same spread.
    pub(super) fn drift(&mut self, length: usize, sd: f64, kept: f64) -> Vec<f64> {
        let innovation = sd * (1.0 - kept * kept).sqrt();
        let mut now = sd * self.normal();
        let mut factors = Vec::with_capacity(length);
        for _ in 0..length {
            factors.push(1.0 + now);
            now = kept * now + innovation * self.normal();
        }
        factors
    }
}

/// The nearest whole number of nanoseconds or bytes; 0 for what is none.
pub(super) fn nearest(value: f64) -> u64 {
    let whole = Duration::try_from_secs_f64(value / 1e9).map(|whole| whole.as_nanos());
    whole.ok().and_then(|whole| u64::try_from(whole).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviates_have_the_mean_and_the_spread_that_were_requested_and_neighbours_are_alike() {
        let moments = |values: &[f64]| {
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            let pairs = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean));
            (mean, variance.sqrt(), pairs.sum::<f64>() / count / variance)
        };
        let mut noise = Noise::of(1, &[2]);
        let values: Vec<f64> = (0..20_000).map(|_| noise.normal()).collect();
        let (mean, sd, alike) = moments(&values);
        assert!(mean.abs() < 0.02 && (sd - 1.0).abs() < 0.02 && alike.abs() < 0.03, "{mean} {sd} {alike}");
        let (mean, sd, alike) = moments(&noise.drift(20_000, 0.01, 0.5));
        assert!((mean - 1.0).abs() < 1e-3 && (sd - 0.01).abs() < 1e-3, "{mean} {sd}");
        assert!((alike - 0.5).abs() < 0.05, "{alike}");
    }

    #[test]
    fn a_stream_is_its_own() {
        let first = |thing: &[u64]| Noise::of(7, thing).below(u64::MAX);
        assert_eq!(first(&[1, 2]), first(&[1, 2]));
        let others = [
            first(&[1, 2]),
            first(&[2, 1]),
            first(&[1]),
            first(&[1, 3]),
            Noise::of(8, &[1, 2]).below(u64::MAX),
        ];
        let different: std::collections::BTreeSet<u64> = others.into_iter().collect();
        assert_eq!(different.len(), others.len());
    }

    #[test]
    fn the_nearest_whole_number_is_taken_and_none_for_what_is_none() {
        assert_eq!(nearest(47_000_000.4), 47_000_000);
        assert_eq!(nearest(12_800_000_000.0), 12_800_000_000);
        assert_eq!((nearest(-1.0), nearest(f64::NAN)), (0, 0));
    }
}
