//! Scores against the formulas, computed the long way.

use super::*;
use crate::engine::transform::cache::layout;
use crate::engine::transform::quantise::tests::gaussian_rows;
use crate::engine::transform::{Calibration, LayerQueries};

const SIZE: usize = 8;
const ROWS: usize = 20;

fn held(positions: usize) -> Held {
    Held { rows: ROWS, positions, prompt: 3 }
}

fn normalised(scores: &[f64]) -> Vec<f64> {
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    let deviation = (scores.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / scores.len() as f64).sqrt();
    scores.iter().map(|it| (it - mean) / deviation).collect()
}

#[track_caller]
fn assert_alike(found: &[f64], expected: &[f64]) {
    let alike = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(alike && found.len() == expected.len(), "{found:?}\n{expected:?}");
}

/// The formula of the paper with angles and lengths, from keys whose positions were taken out again.
#[test]
fn calibrated_scores_are_those_of_the_paper_s_formula_with_the_factor_of_yarn() {
    let rope = Rope { frequencies: vec![1.0, 0.3, 0.05, 0.002], attention_factor: 1.346_573_6 };
    let layout = CacheLayout { rope: Some(rope.clone()), ..layout(1, 1, SIZE) };
    let list = |seed| gaussian_rows(1, 8, seed).into_iter().map(f64::from).collect::<Vec<_>>();
    let (mean_re, mean_im) = (list(1), list(2));
    let mean_length: Vec<f64> = mean_re.iter().zip(&mean_im).map(|(re, im)| re.hypot(*im) + 0.3).collect();
    let queries = LayerQueries { mean_re, mean_im, mean_length };
    let calibration = Calibration { model_sha256: String::new(), tokens: 9, layers: vec![queries.clone()] };

    let keys = gaussian_rows(ROWS, SIZE, 3);
    let next = 57;
    let of_head = |head: usize| -> Vec<f64> {
        let score = |(row, key): (usize, &[f32])| {
            let key_position = 2 * row;
            let mut score = 0.0;
            for band in 0..4 {
                let (re, im) = (f64::from(key[band]), f64::from(key[band + 4]));
                // Before its position, and without the factor.
                let length = re.hypot(im) / 1.346_573_6;
                let angle = im.atan2(re) - key_position as f64 * rope.frequencies[band];
                let (re, im) = (queries.mean_re[4 * head + band], queries.mean_im[4 * head + band]);
                let phase = im.atan2(re) - angle;
                let distance = (next - key_position) as f64;
                let cosines = (0..17)
                    .map(|power| (rope.frequencies[band] * (distance + 2.0_f64.powi(power)) + phase).cos());
                score += re.hypot(im) * length * cosines.sum::<f64>() / 17.0;
                score += (queries.mean_length[4 * head + band] - re.hypot(im)) * length;
            }
            score
        };
        normalised(&keys.chunks_exact(SIZE).enumerate().map(score).collect::<Vec<_>>())
    };
    let expected: Vec<f64> = of_head(0).into_iter().zip(of_head(1)).map(|(a, b)| a.max(b)).collect();

    let mut found = vec![0.0; ROWS];
    let rows = Rows { layer: 0, head: 0, keys: &keys, queries: &[], sinks: &[], held: held(next) };
    Calibrated::new(calibration, &layout).unwrap().score(&rows, &mut found);
    assert_alike(&found, &expected);
}

#[test]
fn snap_scores_are_the_mean_attention_of_the_newest_queries_with_sinks_and_without_the_future() {
    let keys = gaussian_rows(ROWS, SIZE, 4);
    // Three queries of two heads each.
    let queries = gaussian_rows(6, SIZE, 5);
    let sinks = [0.5_f32, -1.0];
    let of_head = |head: usize| -> Vec<f64> {
        let mut mean = vec![0.0; ROWS];
        for index in 0..3 {
            let query = &queries[(2 * index + head) * SIZE..][..SIZE];
            let seen = ROWS - 2 + index;
            let exponent = |key: &[f32]| {
                (query.iter().zip(key).map(|(a, b)| f64::from(a * b)).sum::<f64>() / 8.0_f64.sqrt()).exp()
            };
            let exponents: Vec<f64> = keys.chunks_exact(SIZE).take(seen).map(exponent).collect();
            let total = exponents.iter().sum::<f64>() + f64::from(sinks[head]).exp();
            mean.iter_mut().zip(&exponents).for_each(|(mean, it)| *mean += it / total / 3.0);
        }
        normalised(&mean)
    };
    let expected: Vec<f64> = of_head(0).into_iter().zip(of_head(1)).map(|(a, b)| a.max(b)).collect();
    let mut found = vec![0.0; ROWS];
    let rows = Rows { layer: 0, head: 0, keys: &keys, queries: &queries, sinks: &sinks, held: held(ROWS) };
    Snap::new(&layout(1, 1, SIZE)).score(&rows, &mut found);
    assert_alike(&found, &expected);
}
