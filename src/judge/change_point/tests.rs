//! Our change points against apache-otava's, and what a series may not be.

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Fixture {
    series: Vec<f64>,
    change_indices: Vec<usize>,
}

macro_rules! fixtures {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../../fixtures/change-points/", $name, ".json")))),+]
    };
}

/// Every one that otava answers as we do.
const ALIKE: [(&str, &str); 19] = fixtures![
    "constant",
    "drift",
    "flat",
    "late-step",
    "near-zero",
    "noise-grows",
    "noiseless-step",
    "one-value",
    "short-step",
    "small-step",
    "spikes",
    "stairs",
    "step",
    "two-steps",
    "two-values",
    "up-and-back",
    "walk-a",
    "walk-b",
    "walk-c",
];
/// Where otava goes by a p-value that no longer holds; the folder's README says how.
const UNLIKE: [(&str, &str); 2] = fixtures!["stale-neighbour-a", "stale-neighbour-b"];

fn read(text: &str) -> Fixture {
    serde_json::from_str(text).unwrap()
}

fn found(series: &[f64]) -> Vec<usize> {
    let points = change_points(series, &Detection::OTAVA).unwrap();
    points.iter().map(|point| point.index).collect()
}

#[test]
fn our_change_points_are_those_of_otava() {
    for (name, text) in ALIKE {
        let fixture = read(text);
        assert_eq!(found(&fixture.series), fixture.change_indices, "{name}");
    }
}

#[test]
fn a_neighbour_of_a_dropped_candidate_is_tested_anew_on_either_side() {
    let ours = [vec![71, 103], vec![28, 79, 103]];
    let theirs = [vec![103], vec![15, 28, 79, 103]];
    for (((name, text), ours), theirs) in UNLIKE.into_iter().zip(ours).zip(theirs) {
        let fixture = read(text);
        assert_eq!((found(&fixture.series), fixture.change_indices), (ours, theirs), "{name}");
    }
}

#[test]
fn every_change_point_holds_between_its_neighbours() {
    for (name, text) in ALIKE.into_iter().chain(UNLIKE) {
        let series = read(text).series;
        let points = change_points(&series, &Detection::OTAVA).unwrap();
        let ends: Vec<usize> = points.iter().map(|point| point.index).chain([series.len()]).collect();
        let mut start = 0;
        for (at, point) in points.iter().enumerate() {
            let sides = Sides::compare(&series[start..point.index], &series[point.index..ends[at + 1]]);
            assert!(point.p_value < 0.001 && point.p_value.to_bits() == sides.p_value.to_bits(), "{name}");
            start = point.index;
        }
    }
}

#[test]
fn a_change_point_tells_what_was_before_and_after() {
    let point = change_points(&[[40.0; 30], [44.0; 30]].concat(), &Detection::OTAVA).unwrap()[0];
    assert_eq!((point.index, point.mean_before, point.mean_after, point.p_value), (30, 40.0, 44.0, 0.0));
    assert!((point.ratio().unwrap() - 1.1).abs() < 1e-12);
    assert_eq!(ChangePoint { mean_before: 0.0, ..point }.ratio(), None);
}

#[test]
fn a_change_too_small_to_matter_is_dropped() {
    let series = [[40.0; 30], [40.4; 30], [44.0; 30]].concat();
    let beyond = |smallest_magnitude| {
        let detection = Detection { smallest_magnitude, ..Detection::OTAVA };
        let points = change_points(&series, &detection).unwrap();
        points.iter().map(|point| point.index).collect::<Vec<_>>()
    };
    assert_eq!(beyond(0.0), [30, 60]);
    assert_eq!(beyond(0.02), [60]);
    assert!(beyond(0.2).is_empty());
}

#[test]
fn a_series_without_values_has_no_change() {
    assert!(found(&[]).is_empty());
    assert!(found(&[1.0, 1.0, 1.0]).is_empty());
}

#[test]
fn what_is_no_number_and_what_cannot_be_looked_for_is_refused() {
    for value in [f64::NAN, f64::INFINITY] {
        let refused = change_points(&[1.0, value], &Detection::OTAVA).unwrap_err().to_string();
        assert!(refused.ends_with("of a series at place 1 is no number"), "{refused}");
    }
    let default = Detection::OTAVA;
    for detection in [
        Detection { window: 1, ..default },
        Detection { largest_p_value: 0.05, ..default },
        Detection { largest_p_value: f64::NAN, ..default },
        Detection { smallest_magnitude: -0.1, ..default },
    ] {
        assert!(change_points(&[1.0], &detection).is_err(), "{detection:?}");
    }
}

#[test]
fn a_level_has_at_least_five_values_on_each_side_of_a_change() {
    let wave = |level: f64, count: usize| (0..count).map(move |at| level + 0.1 * (at % 3) as f64);
    let found = |series: Vec<f64>| {
        let points = change_points(&series, &Detection::default()).unwrap();
        points.iter().map(|point| point.index).collect::<Vec<_>>()
    };
    assert_eq!(found(wave(60.0, 2).chain(wave(50.0, 12)).collect()), [] as [usize; 0]);
    assert_eq!(found(wave(50.0, 12).chain(wave(60.0, 4)).collect()), [] as [usize; 0]);
    assert_eq!(found(wave(50.0, 12).chain(wave(60.0, 5)).collect()), [12]);
    // The outlier before the step takes nothing from it.
    let step = wave(50.0, 12).chain([90.0]).chain(wave(60.0, 12));
    assert_eq!(found(step.collect()).len(), 1);
}
