//! The examples that need no model, on the records of `fixtures/records`. `measure_one_prompt` is compiled by
//! `cargo test` and by clippy.

use arcgauge::record::History;

use crate::checkout::{Checkout, repository};

#[expect(dead_code, reason = "`main` belongs to the example")]
#[path = "../../examples/judge_two_experiments.rs"]
mod judge_two_experiments;
#[expect(dead_code, reason = "`main` belongs to the example")]
#[path = "../../examples/read_history.rs"]
mod read_history;

#[test]
fn a_history_is_read_in_lines_with_the_speed_of_verified_records() {
    let checkout = Checkout::new();
    for name in ["ab-3.0.json", "bench-3.0.json"] {
        let stored = History::read(&repository().join("fixtures/records").join(name)).unwrap();
        checkout.store().add(&stored.record).unwrap();
    }
    let lines = read_history::lines(checkout.store().root().to_owned());
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains(" tok/s, TPOT ")), "{lines:#?}");
}

#[test]
fn a_record_compared_with_itself_is_the_same_and_with_another_workload_is_not() {
    let record = |name| History::read(&repository().join("fixtures/records").join(name)).unwrap().record;
    let (bench, ab) = (record("bench-3.0.json"), record("ab-3.0.json"));
    let lines = judge_two_experiments::lines(&bench, &bench);
    assert_eq!(lines[0], "comparability: Same");
    assert!(lines.contains(&"tpot@1 mean: x 1.000".to_owned()), "{lines:#?}");
    let lines = judge_two_experiments::lines(&bench, &ab);
    assert_eq!(lines[0], "comparability: Unlike");
    assert!(lines.iter().any(|line| line.starts_with("differs: machine: ")), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains(": x ")), "{lines:#?}");
}
