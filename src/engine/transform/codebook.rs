//! The centroids to which TurboQuant rounds a coordinate of a rotated unit vector.
//!
//! A coordinate of a vector that is uniform on the unit sphere of d dimensions has the density (1 - x²)^((d-3)/2). The
//! codebook is the Lloyd-Max quantiser of that density: each boundary is the midpoint of two centroids, each centroid
//! the mean of what lies between two boundaries. It is computed, for any number of bits and any d.

/// Cells of the table of the distribution.
const CELLS: usize = 1 << 15;
/// Beyond this many standard deviations nothing is left for 8 bits to distinguish.
const WIDEST: f64 = 9.0;
const MOST_ROUNDS: usize = 20_000;
const SETTLED: f64 = 1e-10;
/// Cells of the table that finds a centroid; a power of two.
const BINS: usize = 1 << 12;

/// The centroids for one number of bits and one width of a head.
#[derive(Debug, Clone, PartialEq)]
pub struct Codebook {
    /// Ascending, of a unit vector's coordinate.
    pub centroids: Vec<f32>,
    /// Between them, one less.
    pub boundaries: Vec<f32>,
    /// The mean squared error of a unit vector.
    pub distortion: f64,
    /// The boundaries with an end that nothing reaches.
    edges: Vec<f32>,
    /// For each bin how many boundaries lie in those before it.
    bins: Vec<u8>,
    /// The most boundaries in one bin.
    most_in_bin: usize,
    /// Where the first bin begins, and bins per unit.
    bins_from: f32,
    bins_per_unit: f32,
}

/// The integral of the density from the left end, by a table; and its first moment, which has a closed form.
struct Distribution {
    from: f64,
    step: f64,
    power: f64,
    mass: Vec<f64>,
}

impl Distribution {
    fn new(head_size: usize) -> Self {
        let dimensions = head_size as f64;
        let end = (WIDEST / dimensions.sqrt()).min(1.0);
        let (from, step, power) = (-end, 2.0 * end / CELLS as f64, (dimensions - 3.0) / 2.0);
        let density = |x: f64| (1.0 - x * x).max(0.0).powf(power);
        let mut mass = Vec::with_capacity(CELLS + 1);
        let mut sum = 0.0;
        mass.push(0.0);
        for cell in 0..CELLS {
            let left = from + cell as f64 * step;
            // Simpson's rule.
            sum += step / 6.0 * (density(left) + 4.0 * density(left + step / 2.0) + density(left + step));
            mass.push(sum);
        }
        Self { from, step, power, mass }
    }

    fn mass_below(&self, x: f64) -> f64 {
        let place = ((x - self.from) / self.step).clamp(0.0, CELLS as f64);
        let cell = (whole(place)).min(CELLS - 1);
        // Simpson's rule again for the part of the cell.
        let left = self.from + cell as f64 * self.step;
        let width = (place - cell as f64) * self.step;
        let density = |x: f64| (1.0 - x * x).max(0.0).powf(self.power);
        self.mass[cell]
            + width / 6.0 * (density(left) + 4.0 * density(left + width / 2.0) + density(left + width))
    }

    /// The integral of x times the density between two places.
    fn moment(&self, left: f64, right: f64) -> f64 {
        let upper = |x: f64| (1.0 - x * x).max(0.0).powf(self.power + 1.0) / (2.0 * (self.power + 1.0));
        upper(left) - upper(right)
    }

    fn total(&self) -> f64 {
        self.mass[CELLS]
    }

    /// Where to begin: quantiles of the cube root of the density, which is where many centroids end up.
    fn starting_points(&self, count: usize) -> Vec<f64> {
        let mut below = Vec::with_capacity(CELLS);
        let mut sum = 0.0;
        for cell in 0..CELLS {
            let x = self.from + (cell as f64 + 0.5) * self.step;
            sum += (1.0 - x * x).max(0.0).powf(self.power / 3.0);
            below.push(sum);
        }
        let quantile = |part: f64| below.partition_point(|it| *it < part * sum);
        (0..count)
            .map(|index| self.from + quantile((index as f64 + 0.5) / count as f64) as f64 * self.step)
            .collect()
    }
}

impl Codebook {
    /// Computes it; `bits` of 0 has the one centroid 0.
    pub fn new(bits: u8, head_size: usize) -> Self {
        let distribution = Distribution::new(head_size);
        let count = 1_usize << bits;
        let mut centroids = distribution.starting_points(count);
        for _ in 0..MOST_ROUNDS {
            let better = improved(&distribution, &centroids);
            let moved = better.iter().zip(&centroids).map(|(new, old)| (new - old).abs()).fold(0.0, f64::max);
            centroids = better;
            if moved < SETTLED {
                break;
            }
        }
        let cells = cells(&distribution, &centroids);
        let kept: f64 =
            cells.iter().zip(&centroids).map(|((mass, _), centroid)| mass * centroid * centroid).sum();
        let distortion = 1.0 - head_size as f64 * kept / distribution.total();
        Self::of(&centroids, distortion)
    }

    fn of(centroids: &[f64], distortion: f64) -> Self {
        let boundaries: Vec<f32> =
            centroids.windows(2).map(|two| single(f64::midpoint(two[0], two[1]))).collect();
        let centroids: Vec<f32> = centroids.iter().copied().map(single).collect();
        let bins_from = boundaries.first().copied().unwrap_or(-1.0);
        let extent = boundaries.last().copied().unwrap_or(1.0) - bins_from;
        let bins_per_unit = if extent > 0.0 { BINS as f32 / extent } else { 1.0 };
        let mut book = Self {
            edges: boundaries.iter().copied().chain([f32::INFINITY]).collect(),
            centroids,
            boundaries,
            distortion,
            bins: Vec::new(),
            most_in_bin: 0,
            bins_from,
            bins_per_unit,
        };
        let in_bins: Vec<usize> = book.boundaries.iter().map(|boundary| book.bin(*boundary)).collect();
        let before = |bin: usize| in_bins.partition_point(|it| *it < bin);
        book.bins = (0..=BINS).map(|bin| u8::try_from(before(bin)).unwrap_or(u8::MAX)).collect();
        book.most_in_bin = (0..=BINS).map(|bin| before(bin + 1) - before(bin)).max().unwrap_or(0);
        book
    }

    /// Never a lower bin for a larger number, so what lies in a bin before is smaller.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "below 0 it is 0, and it has an end"
    )]
    fn bin(&self, x: f32) -> usize {
        (((x - self.bins_from) * self.bins_per_unit) as usize).min(BINS)
    }

    /// The index of the centroid that is nearest; of two the lower.
    #[inline]
    pub fn index(&self, x: f32) -> u8 {
        let mut index = self.bins[self.bin(x)];
        // Once, unless boundaries lie very close; without a branch that depends on x.
        for _ in 0..self.most_in_bin {
            index += u8::from(self.edges[usize::from(index)] < x);
        }
        index
    }

    /// Bytes of its tables.
    pub fn table_bytes(&self) -> usize {
        self.bins.len() + 4 * (self.centroids.len() + self.boundaries.len() + self.edges.len())
    }
}

/// Mass and first moment of what is nearest to each centroid.
fn cells(distribution: &Distribution, centroids: &[f64]) -> Vec<(f64, f64)> {
    let end = -distribution.from;
    let mut left = (-end, 0.0);
    let count = centroids.len();
    let mut cells = Vec::with_capacity(count);
    for index in 0..count {
        let right = match centroids.get(index + 1) {
            Some(next) => {
                let boundary = f64::midpoint(centroids[index], *next);
                (boundary, distribution.mass_below(boundary))
            }
            None => (end, distribution.total()),
        };
        cells.push((right.1 - left.1, distribution.moment(left.0, right.0)));
        left = right;
    }
    cells
}

/// Each centroid at the mean of what is nearest to it, and the two halves alike.
fn improved(distribution: &Distribution, centroids: &[f64]) -> Vec<f64> {
    let means: Vec<f64> = cells(distribution, centroids)
        .into_iter()
        .zip(centroids)
        .map(|((mass, moment), old)| if mass > 1e-16 { moment / mass } else { *old })
        .collect();
    means.iter().zip(means.iter().rev()).map(|(low, high)| (low - high) / 2.0).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and below the cells"
)]
fn whole(place: f64) -> usize {
    place as usize
}

#[expect(clippy::cast_possible_truncation, reason = "centroids are used as f32")]
fn single(x: f64) -> f32 {
    x as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn upper_half(bits: u8, expected: &[f32]) {
        let codebook = Codebook::new(bits, 64);
        let upper = &codebook.centroids[codebook.centroids.len() / 2..];
        assert_eq!(upper.len(), expected.len());
        for (centroid, expected) in upper.iter().zip(expected) {
            assert!(
                (centroid * 8.0 - expected).abs() < 2e-4,
                "{bits} bits: {} and {expected}",
                centroid * 8.0
            );
        }
    }

    #[test]
    fn the_centroids_at_64_dimensions_are_those_of_the_paper_s_density() {
        upper_half(1, &[0.801]);
        upper_half(2, &[0.4521, 1.5000]);
        upper_half(3, &[0.2437, 0.7506, 1.3292, 2.1112]);
        // To 1e-15 by another program, with the same two conditions.
        upper_half(4, &[0.12735, 0.38472, 0.65049, 0.93189, 1.2394, 1.59085, 2.02331, 2.64637]);
    }

    #[test]
    fn the_distortion_is_that_of_the_paper_and_below_its_bound() {
        for (bits, expected) in [(1_u8, 0.3584), (2, 0.1145), (3, 0.0334), (4, 0.0091)] {
            let found = Codebook::new(bits, 64).distortion;
            assert!((found / expected - 1.0).abs() < 0.015, "{bits} bits: {found} and {expected}");
        }
        for bits in 1..=8 {
            let bound = 3.0_f64.sqrt() * std::f64::consts::PI / 2.0 * 0.25_f64.powi(i32::from(bits));
            let found = Codebook::new(bits, 64).distortion;
            assert!(0.0 < found && found < bound, "{bits} bits: {found} and {bound}");
        }
    }

    #[test]
    fn any_number_of_dimensions_has_a_codebook_and_many_are_like_a_gaussian() {
        for head_size in [3, 80, 256] {
            for bits in [0, 4, 8] {
                let codebook = Codebook::new(bits, head_size);
                assert_eq!(codebook.centroids.len(), 1 << bits);
                assert!(codebook.centroids.is_sorted() && codebook.distortion > 0.0, "{head_size} {bits}");
            }
        }
        assert!((Codebook::new(2, 4096).distortion / 0.1175 - 1.0).abs() < 0.003);
    }

    #[test]
    fn the_nearest_centroid_is_found_wherever_a_coordinate_lies() {
        for bits in 0..=8 {
            let codebook = Codebook::new(bits, 64);
            let places =
                (0..=20_000).map(|step| (f32::from(i16::try_from(step).unwrap()) - 10_000.0) / 9_000.0);
            for x in places.chain(codebook.boundaries.iter().copied()) {
                let nearest = codebook.boundaries.partition_point(|boundary| *boundary < x);
                assert_eq!(usize::from(codebook.index(x)), nearest, "{bits} bits at {x}");
            }
        }
    }
}
