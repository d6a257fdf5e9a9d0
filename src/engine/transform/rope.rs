//! Rotary positions as a model's config states them: what turns a vector from one position to another.

use std::f64::consts::TAU;

use serde_json::Value;

/// The angle that a position adds to each band of a head, and the factor on queries and keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// Radians a position, for each band: of the halves of a head, elements f and f + bands are a band's two parts.
    pub frequencies: Vec<f64>,
    /// What queries and keys are multiplied by; 1 without YaRN.
    pub attention_factor: f64,
}

impl Rope {
    /// Reads it from a model's config; None where it states none, or a kind that is not known here.
    pub(super) fn from_config(config: &Value, head_size: usize) -> Option<Self> {
        let base = config["rope_theta"].as_f64()?;
        let bands = head_size / 2;
        let plain = |band: usize| base.powf(-2.0 * band as f64 / head_size as f64);
        let scaling = &config["rope_scaling"];
        if scaling.is_null() {
            let plain = Self { frequencies: (0..bands).map(plain).collect(), attention_factor: 1.0 };
            return Some(plain).filter(Self::is_usable);
        }
        if scaling["rope_type"].as_str() != Some("yarn") {
            return None;
        }
        let number = |name: &str| scaling[name].as_f64();
        let factor = number("factor")?;
        let trained = number("original_max_position_embeddings")?;
        // The band that turns so many times within the trained length.
        let band_of = |turns: f64| head_size as f64 * (trained / (turns * TAU)).ln() / (2.0 * base.ln());
        let (low, high) =
            (band_of(number("beta_fast").unwrap_or(32.0)), band_of(number("beta_slow").unwrap_or(1.0)));
        let truncate = scaling["truncate"].as_bool().unwrap_or(true);
        let (low, high) = if truncate { (low.floor(), high.ceil()) } else { (low, high) };
        let (low, high) = (low.max(0.0), high.min(head_size as f64 - 1.0));
        let width = if high > low { high - low } else { 0.001 };
        let frequency = |band: usize| {
            let interpolated = ((band as f64 - low) / width).clamp(0.0, 1.0);
            plain(band) / factor * interpolated + plain(band) * (1.0 - interpolated)
        };
        let attention_factor = number("attention_factor").unwrap_or_else(|| 0.1 * factor.ln() + 1.0);
        Some(Self { frequencies: (0..bands).map(frequency).collect(), attention_factor })
            .filter(Self::is_usable)
    }

    /// Whether a config's numbers gave numbers.
    fn is_usable(&self) -> bool {
        self.attention_factor.is_normal() && self.frequencies.iter().all(|it| it.is_finite())
    }
}

/// A complex number: the two parts of a band.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Complex {
    pub(super) re: f64,
    pub(super) im: f64,
}

impl Complex {
    pub(super) fn at_angle(angle: f64) -> Self {
        let (im, re) = angle.sin_cos();
        Self { re, im }
    }

    pub(super) fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }

    pub(super) fn scaled(self, factor: f64) -> Self {
        Self { re: self.re * factor, im: self.im * factor }
    }

    pub(super) fn length(self) -> f64 {
        self.re.hypot(self.im)
    }
}

/// The bands of a vector: its two halves, paired.
pub(super) fn bands(vector: &[f32]) -> impl Iterator<Item = Complex> {
    let (re, im) = vector.split_at(vector.len() / 2);
    re.iter().zip(im).map(|(re, im)| Complex { re: f64::from(*re), im: f64::from(*im) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_shipped_config_gives_the_factor_of_yarn_and_bands_between_trained_and_interpolated() {
        let config = json!({"rope_theta": 150_000.0, "rope_scaling": {
            "rope_type": "yarn", "beta_fast": 32.0, "beta_slow": 1.0, "factor": 32.0,
            "original_max_position_embeddings": 4096, "truncate": false}});
        let rope = Rope::from_config(&config, 64).unwrap();
        assert!((rope.attention_factor - 1.346_573_6).abs() < 1e-7);
        assert_eq!((rope.frequencies.len(), rope.frequencies[0]), (32, 1.0));
        let plain = |band: f64| 150_000.0_f64.powf(-band / 32.0);
        assert!(
            (rope.frequencies[31] * 32.0 / plain(31.0) - 1.0).abs() < 1e-12,
            "slow bands are interpolated"
        );
        assert!((rope.frequencies[5] / plain(5.0) - 1.0).abs() < 1e-12, "fast bands are as trained");
        let between = rope.frequencies[12] / plain(12.0);
        assert!(between < 0.9 && between > 1.0 / 32.0, "{between}");
    }

    #[test]
    fn without_scaling_the_bands_are_plain_and_an_unknown_kind_is_none() {
        let rope = Rope::from_config(&json!({"rope_theta": 100.0, "rope_scaling": null}), 4).unwrap();
        assert_eq!((rope.attention_factor, rope.frequencies), (1.0, vec![1.0, 0.1]));
        assert_eq!(
            Rope::from_config(&json!({"rope_theta": 1e4, "rope_scaling": {"rope_type": "x"}}), 4),
            None
        );
        assert_eq!(Rope::from_config(&json!({}), 4), None);
    }
}
