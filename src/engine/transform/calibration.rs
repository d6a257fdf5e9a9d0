//! What a model's queries are like, before their positions: the mean of each band and of its length, per query head.
//! TriAttention scores keys by it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::engine::transform::rope::{Complex, bands};
use crate::engine::transform::{CacheLayout, Rope};
use crate::error::{Error, Result};
use crate::files::{self, FileKind};

/// The means over the texts of a calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The model, by the hash of its weights.
    pub model_sha256: String,
    /// Tokens that the means are of.
    pub tokens: u64,
    /// For each layer.
    pub layers: Vec<LayerQueries>,
}

/// The queries of a layer; each for query head and band, head by head.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerQueries {
    /// The mean's real part.
    pub mean_re: Vec<f64>,
    /// The mean's imaginary part.
    pub mean_im: Vec<f64>,
    /// The mean length.
    pub mean_length: Vec<f64>,
}

impl Calibration {
    /// A calibration of no tokens yet.
    ///
    /// # Errors
    /// A model whose rotary positions are not known.
    pub fn begin(layout: &CacheLayout) -> Result<Self> {
        rope_of(layout)?;
        let model_sha256 = layout.model_sha256.clone().unwrap_or_default();
        Ok(Self { model_sha256, tokens: 0, layers: vec![LayerQueries::default(); layout.layers] })
    }

    /// Adds the queries of one layer, `(query heads, tokens, head size)`, of the positions from 0. Each text is added for
    /// all layers and then counted with [`Self::count`].
    ///
    /// # Errors
    /// A model whose rotary positions are not known, or queries of another shape.
    pub fn add(&mut self, layout: &CacheLayout, layer: usize, queries: &[f32]) -> Result<()> {
        let rope = rope_of(layout)?;
        let per_head = queries.len() / layout.query_heads;
        let tokens = per_head / layout.head_size;
        if tokens * layout.head_size * layout.query_heads != queries.len() {
            return Err(Error::harness(format!("`{}` elements are no queries of this model", queries.len())));
        }
        let sums = &mut self.layers[layer];
        for means in [&mut sums.mean_re, &mut sums.mean_im, &mut sums.mean_length] {
            means.resize(layout.query_heads * rope.frequencies.len(), 0.0);
        }
        for (head, queries) in queries.chunks_exact(per_head).enumerate() {
            for (position, query) in queries.chunks_exact(layout.head_size).enumerate() {
                for (band, (query, frequency)) in bands(query).zip(&rope.frequencies).enumerate() {
                    let before = query
                        .times(Complex::at_angle(-(position as f64) * frequency))
                        .scaled(1.0 / rope.attention_factor);
                    let at = head * rope.frequencies.len() + band;
                    // Running means, weighted by what came before.
                    let share = 1.0 / (self.tokens as f64 + position as f64 + 1.0);
                    sums.mean_re[at] += share * (before.re - sums.mean_re[at]);
                    sums.mean_im[at] += share * (before.im - sums.mean_im[at]);
                    sums.mean_length[at] += share * (before.length() - sums.mean_length[at]);
                }
            }
        }
        Ok(())
    }

    /// Counts the tokens of a text, after all its layers were added.
    pub fn count(&mut self, tokens: usize) {
        self.tokens += tokens as u64;
    }

    /// Reads a file and checks that it is of this model.
    ///
    /// # Errors
    /// What cannot be read, is no calibration, or is one of another model or shape.
    pub fn read(path: &Path, layout: &CacheLayout) -> Result<Self> {
        let hint = "calibrate this model: `cargo xtask kv calibrate`";
        let text = files::read_text(path, FileKind::ModelText).map_err(|error| error.or_hint(hint))?;
        let wrong = |what: String| Error::input(format!("`{}` {what}", path.display())).hint(hint);
        let found: Self =
            serde_json::from_str(&text).map_err(|cause| wrong(format!("is not a calibration: {cause}")))?;
        if layout.model_sha256.as_ref().is_some_and(|expected| *expected != found.model_sha256) {
            return Err(wrong(format!("is the calibration of another model, `{}`", found.model_sha256)));
        }
        if found.tokens == 0 {
            return Err(wrong("has the means of no tokens".to_owned()));
        }
        let count = layout.query_heads * rope_of(layout)?.frequencies.len();
        let fits = |layer: &LayerQueries| {
            let lists = [&layer.mean_re, &layer.mean_im, &layer.mean_length];
            lists.iter().all(|list| list.len() == count && list.iter().all(|it| it.is_finite()))
        };
        if found.layers.len() != layout.layers || !found.layers.iter().all(fits) {
            return Err(wrong(format!(
                "is not of {} layers with {} query heads of {}",
                layout.layers, layout.query_heads, layout.head_size
            )));
        }
        Ok(found)
    }
}

pub(super) fn rope_of(layout: &CacheLayout) -> Result<&Rope> {
    layout.rope.as_ref().ok_or_else(|| {
        Error::input("the model's config states no rotary positions that are known here")
            .hint("`triattention` needs `rope_theta`, and of `rope_scaling` the type `yarn` or none")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::transform::cache::layout;

    fn with_rope() -> CacheLayout {
        let rope = Rope { frequencies: vec![1.0, 0.1], attention_factor: 1.5 };
        CacheLayout { rope: Some(rope), model_sha256: Some("abc".to_owned()), ..layout(2, 1, 4) }
    }

    /// Queries of one head that are alike before their positions.
    fn queries(tokens: u8) -> Vec<f32> {
        #[expect(clippy::cast_possible_truncation, reason = "queries are f32")]
        let query = |position: u8| {
            let turned = |re: f64, im: f64, frequency: f64| {
                Complex { re, im }.times(Complex::at_angle(f64::from(position) * frequency)).scaled(1.5)
            };
            let (a, b) = (turned(3.0, 4.0, 1.0), turned(-1.0, 0.0, 0.1));
            [a.re as f32, b.re as f32, a.im as f32, b.im as f32]
        };
        (0..tokens).flat_map(query).collect()
    }

    #[test]
    fn positions_and_the_attention_factor_are_taken_out_of_the_queries() {
        let layout = with_rope();
        let mut calibration = Calibration::begin(&layout).unwrap();
        for tokens in [7, 12] {
            for layer in 0..2 {
                let two_heads = [queries(tokens), queries(tokens)].concat();
                calibration.add(&layout, layer, &two_heads).unwrap();
            }
            calibration.count(usize::from(tokens));
        }
        assert_eq!(calibration.tokens, 19);
        let LayerQueries { mean_re, mean_im, mean_length } = &calibration.layers[1];
        for (found, expected) in [
            (mean_re, [3.0, -1.0, 3.0, -1.0]),
            (mean_im, [4.0, 0.0, 4.0, 0.0]),
            (mean_length, [5.0, 1.0, 5.0, 1.0]),
        ] {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} {expected:?}");
        }
    }

    #[test]
    fn a_calibration_of_another_model_or_shape_or_of_nothing_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calibration.json");
        let layout = with_rope();
        let mut calibration = Calibration::begin(&layout).unwrap();
        let store = |calibration: &Calibration| {
            std::fs::write(&file, serde_json::to_string(calibration).unwrap()).unwrap();
        };
        store(&calibration);
        let refused = |layout: &CacheLayout| Calibration::read(&file, layout).unwrap_err().to_string();
        assert!(refused(&layout).contains("no tokens"));
        for layer in 0..2 {
            calibration.add(&layout, layer, &[queries(5), queries(5)].concat()).unwrap();
        }
        calibration.count(5);
        store(&calibration);
        assert_eq!(Calibration::read(&file, &layout).unwrap(), calibration);
        let other = CacheLayout { model_sha256: Some("def".to_owned()), ..with_rope() };
        assert!(refused(&other).contains("another model, `abc`"));
        assert!(refused(&CacheLayout { layers: 3, ..with_rope() }).contains("not of 3 layers"));
        assert!(refused(&CacheLayout { rope: None, ..with_rope() }).contains("rotary positions"));
        std::fs::write(&file, "{}").unwrap();
        assert!(refused(&layout).contains("is not a calibration"));
    }
}
