//! `history changes`: where a series of commits became slower, and where only the machine changed.

use arcgauge::golden::GoldenResult;
use arcgauge::record::{Experiment, History};

use crate::checkout::Checkout;
use crate::{forged, laid_out};

/// So many commits, each with a record of this time per token.
fn measured(checkout: &Checkout, tpot_ms: &[f64], adjust: impl Fn(usize, &mut Experiment)) -> Vec<String> {
    checkout.commit();
    let store = History::at(checkout.path("reports/history"));
    let commits = tpot_ms.iter().enumerate().map(|(at, tpot_ms)| {
        checkout.git(&["commit", "--quiet", "--allow-empty", "--message", &format!("Number {at}")]);
        let sha = checkout.git(&["rev-parse", "HEAD"]).trim().to_owned();
        let mut record = forged::record();
        record.run_id = format!("{at:012x}");
        record.arms[0].commit.as_mut().unwrap().sha.clone_from(&sha);
        record.arms[0].prompts[0].golden = GoldenResult::Match;
        let times = record.arms[0].samples[0].times.as_mut().unwrap();
        for (token, known_ns) in times.token_ns.iter_mut().enumerate() {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds")]
            let step_ns = (tpot_ms * 1e6) as u64 * token as u64;
            *known_ns = times.submitted_ns + 200_000_000 + step_ns;
        }
        laid_out::record(&mut record);
        adjust(at, &mut record);
        store.add(&record).unwrap();
        sha
    });
    commits.collect()
}

/// Twelve at one pace and twelve at another, each a little off it.
fn a_step() -> Vec<f64> {
    let wobble = [0.0, 0.1, -0.1, 0.05, -0.05, 0.12];
    (0..24).map(|at| if at < 12 { 47.0 } else { 52.0 } + wobble[at % 6]).collect()
}

#[test]
fn the_commit_from_which_on_decoding_is_slower_is_named_with_both_paces() {
    let checkout = Checkout::new();
    let commits = measured(&checkout, &a_step(), |_, _| ());
    let ended = checkout.run(["history", "changes"]);
    let reported: Vec<&str> = ended.exits(0).stdout.lines().collect();
    let [head, change] = reported[..] else { panic!("{ended}") };
    assert!(head.ends_with("24 records, tpot@1 (lower is better)"), "{head}");
    assert!(change.contains(&commits[12][..12]), "{change}");
    assert!(change.contains("+10.6 %: 47.02 ms/token before, 52.02 from here on"), "{change}");
}

#[test]
fn records_of_another_branch_are_no_part_of_the_line() {
    let checkout = Checkout::new();
    measured(&checkout, &a_step(), |_, _| ());
    checkout.git(&["checkout", "--quiet", "-b", "side"]);
    checkout.git(&["commit", "--quiet", "--allow-empty", "--message", "Aside"]);
    let mut aside = forged::record();
    aside.run_id = "00000000beef".into();
    aside.arms[0].commit.as_mut().unwrap().sha = checkout.git(&["rev-parse", "HEAD"]).trim().to_owned();
    aside.arms[0].prompts[0].golden = GoldenResult::Match;
    History::at(checkout.path("reports/history")).add(&aside).unwrap();
    checkout.git(&["checkout", "--quiet", "-"]);
    let ended = checkout.run(["history", "changes"]);
    assert!(ended.exits(0).stdout.contains(": 24 records, "), "{ended}");
}

#[test]
fn a_step_that_came_with_a_new_kernel_is_an_epoch_and_no_change_of_the_commit() {
    let checkout = Checkout::new();
    let commits = measured(&checkout, &a_step(), |at, record| {
        record.machine.kernel = Some(if at < 12 { "6.1" } else { "6.2" }.to_owned());
    });
    let ended = checkout.run(["history", "changes"]);
    let reported: Vec<&str> = ended.exits(0).stdout.lines().skip(1).collect();
    let expected = format!("  {}  a new epoch: kernel 6.1 to 6.2", &commits[12][..12]);
    assert_eq!(reported, [expected.as_str()]);
}

#[test]
fn where_nothing_can_be_compared_with_anything_it_says_what_to_do() {
    let checkout = Checkout::new();
    measured(&checkout, &[47.0], |_, record| record.arms[0].prompts[0].golden = GoldenResult::None);
    let ended = checkout.run(["history", "changes"]);
    assert_eq!(ended.exits(0).stdout, "");
    assert!(ended.stderr.contains("`cargo xtask bench` makes one"), "{ended}");
}
