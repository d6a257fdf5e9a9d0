//! Against the values of the papers, and what follows from the forms.

use super::*;
use crate::engine::transform::quantise::tests::{gaussian_rows, relative_error};
use crate::engine::transform::{Method, TransformSpec};

const SIZE: usize = 64;

fn codec(name: &str) -> TurboQuant {
    let spec: TransformSpec = name.parse().unwrap();
    let Method::TurboQuant(spec) = spec.method else { panic!("{name}") };
    let rotation = Rc::new(Rotation::new(spec.rotation, spec.seed, SIZE).unwrap());
    TurboQuant::new(&spec, spec.keys, SIZE, rotation).unwrap()
}

/// Rows that were packed and unpacked.
fn passed(codec: &mut TurboQuant, rows: &[f32]) -> Vec<f32> {
    let mut packed = vec![0; codec.packed_bytes()];
    let mut back = rows.to_vec();
    for row in back.chunks_exact_mut(SIZE) {
        codec.encode(row, &mut packed);
        codec.decode(&packed, row);
    }
    back
}

fn unit_rows(count: usize, seed: u64) -> Vec<f32> {
    let mut rows = gaussian_rows(count, SIZE, seed);
    for row in rows.chunks_exact_mut(SIZE) {
        let length = norm(row);
        for it in row {
            *it /= length;
        }
    }
    rows
}

fn products<'a>(a: &'a [f32], b: &'a [f32]) -> impl Iterator<Item = f64> + 'a {
    let product = |(a, b): (&[f32], &[f32])| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum();
    a.chunks_exact(SIZE).zip(b.chunks_exact(SIZE)).map(product)
}

/// Least-squares slope of inner products with correlated queries; 1 is unbiased.
fn slope(codec: &mut TurboQuant, rows: &[f32]) -> f64 {
    let others = unit_rows(rows.len() / SIZE, 77);
    let queries: Vec<f32> = rows.iter().zip(&others).map(|(row, other)| 0.8 * row + 0.6 * other).collect();
    let back = passed(codec, rows);
    let (mut both, mut exact) = (0.0, 0.0);
    for (product, truth) in products(&back, &queries).zip(products(rows, &queries)) {
        both += product * truth;
        exact += truth * truth;
    }
    both / exact
}

#[test]
fn the_squared_error_is_the_paper_s_at_1_to_4_bits_and_below_its_bound() {
    let rows = unit_rows(6000, 5);
    for (bits, expected) in [(1, 0.3584), (2, 0.1145), (3, 0.0334), (4, 0.0091)] {
        for rotation in ["haar", "hadamard"] {
            // Few dense products: without optimisation each takes long.
            let rows = if rotation == "haar" { &rows[..1500 * SIZE] } else { &rows };
            let error =
                relative_error(&mut codec(&format!("turboquant:k{bits}v4,rotation={rotation}")), rows);
            assert!((error / expected - 1.0).abs() < 0.015, "{bits} bits, {rotation}: {error}");
            assert!(error < 3.0_f64.sqrt() * std::f64::consts::PI / 2.0 * 0.25_f64.powi(bits));
        }
    }
}

#[test]
fn the_error_of_inner_products_in_the_form_prod_is_that_of_the_paper_s_formula() {
    const PAIRS: usize = 800;
    let (rows, queries) = (unit_rows(PAIRS, 6), unit_rows(PAIRS, 7));
    // Half of pi times the squared error with one bit less. The paper's 0.047 at 4 bits is that of its rounded 0.03;
    // of the exact 0.0334 it is 0.0525.
    for (bits, expected) in [(1, 1.57), (2, 0.56), (3, 0.18), (4, 0.0525)] {
        // One random projection is up to 5 % off the mean of all.
        let of_seed = |seed| {
            let name = format!("turboquant:k{bits}v4,form=prod,rotation=hadamard,seed={seed}");
            let back = passed(&mut codec(&name), &rows);
            let errors = products(&back, &queries).zip(products(&rows, &queries));
            errors.map(|(a, b)| (a - b) * (a - b)).sum::<f64>() * SIZE as f64 / PAIRS as f64
        };
        let error = (1..=5).map(of_seed).sum::<f64>() / 5.0;
        assert!((error / expected - 1.0).abs() < 0.08, "{bits} bits: {error}");
    }
}

#[test]
fn the_form_prod_is_unbiased_and_the_form_mse_shrinks_inner_products() {
    let rows = unit_rows(4000, 8);
    for bits in 1..=4 {
        let slope = slope(&mut codec(&format!("turboquant:k{bits}v4,form=prod,rotation=hadamard")), &rows);
        assert!((slope - 1.0).abs() < 0.01, "{bits} bits: {slope}");
    }
    let slope = slope(&mut codec("turboquant:k4v4,rotation=hadamard"), &rows);
    assert!((slope - 0.991).abs() < 0.002, "{slope}");
}

#[test]
fn with_norm_correction_a_second_pass_changes_nothing_and_without_it_fifty_lose_the_row() {
    let rows = gaussian_rows(50, SIZE, 9);
    let error = |a: &[f32], b: &[f32]| {
        let squared: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
        (squared / b.iter().map(|it| it * it).sum::<f32>()).sqrt()
    };
    let mut corrected = codec("turboquant:k4v4,norm-correction,rotation=hadamard");
    let once = passed(&mut corrected, &rows);
    let twice = passed(&mut corrected, &once);
    assert!(error(&twice, &once) < 1e-3, "{}", error(&twice, &once));
    assert!(error(&once, &rows) < 0.11);

    // Which is why a row is quantised once.
    let mut plain = codec("turboquant:k4v4,rotation=hadamard");
    let mut worn = rows.clone();
    for _ in 0..50 {
        worn = passed(&mut plain, &worn);
    }
    let one_pass = error(&passed(&mut plain, &rows), &rows);
    assert!(one_pass < 0.11 && error(&worn, &rows) > 3.0 * one_pass, "{one_pass} {}", error(&worn, &rows));
}

#[test]
fn a_row_of_zeros_stays_zero_and_a_huge_one_finite() {
    for form in ["mse", "prod"] {
        let mut codec = codec(&format!("turboquant:k3v3,form={form}"));
        assert_eq!(passed(&mut codec, &[0.0; SIZE]), [0.0; SIZE]);
        assert!(passed(&mut codec, &[1e6; SIZE]).iter().all(|it| it.is_finite()));
    }
}
