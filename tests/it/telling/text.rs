//! For a terminal.

use arcgauge::record::{Outcome, Verdict, Warning};
use arcgauge::report::decision::{Subject, decision_text};

use super::{ab, decided, identical, text_of};
use crate::forged;

#[test]
fn a_pass() {
    insta::assert_snapshot!(text_of(&ab(Verdict::Pass)), @"");
}

#[test]
fn a_regression() {
    insta::assert_snapshot!(text_of(&ab(Verdict::Regressed)), @"");
}

#[test]
fn a_wrong_output() {
    insta::assert_snapshot!(text_of(&ab(Verdict::WrongOutput)), @"");
}

#[test]
fn a_comparison_that_cannot_tell() {
    insta::assert_snapshot!(text_of(&ab(Verdict::Inconclusive)), @"");
}

#[test]
fn an_invalid_environment() {
    insta::assert_snapshot!(text_of(&ab(Verdict::InvalidEnvironment)), @"");
}

#[test]
fn identical_sides() {
    insta::assert_snapshot!(text_of(&identical()), @"");
}

#[test]
fn a_run_that_is_held_against_no_other() {
    let decision = ab(Verdict::Inconclusive).0.decision.unwrap();
    insta::assert_snapshot!(decision_text(Subject::Run(&forged::record()), &decision), @"");
}

#[test]
fn an_ab_that_did_not_come_to_its_end_has_no_verdict() {
    let mut told = ab(Verdict::Pass);
    told.0.decision = None;
    told.0.outcome = Outcome::Interrupted;
    told.1.truncate(1);
    insta::assert_snapshot!(text_of(&told), @"");
}

#[test]
fn what_differs_between_the_sides_is_told_of_both() {
    let mut told = ab(Verdict::Pass);
    let base = &mut told.0.base.run;
    base.runtime.as_mut().unwrap().openvino_version = "2026.1.0".into();
    base.model.sha256 = "9".repeat(64);
    base.commit.as_mut().unwrap().dirty = true;
    base.device = forged::a_gpu();
    let text = text_of(&told);
    let title: Vec<_> = text.lines().take(4).collect();
    insta::assert_snapshot!(title.join("\n"), @"");
}

#[test]
fn a_warning_of_both_sides_is_told_once() {
    let mut told = ab(Verdict::Pass);
    let warning = |id: &str| Warning::new(id, format!("what {id} says"), "what to do");
    told.0.warnings.push(warning("all"));
    told.0.base.run.warnings.extend([warning("both"), warning("one")]);
    told.0.head.run.warnings.extend([warning("both"), warning("other")]);
    let text = text_of(&told);
    let warnings: Vec<_> = text.lines().filter(|line| line.starts_with("warning")).collect();
    let expected = [
        "warning: what all says",
        "warning: what both says",
        "warning (base): what one says",
        "warning (head): what other says",
    ];
    assert_eq!(warnings, expected);
}

#[test]
fn a_command_to_be_pasted_holds_no_name_that_a_shell_would_run() {
    let mut told = ab(Verdict::InvalidEnvironment);
    let next = |told: &super::Told| {
        let text = decision_text(decided(told).0, decided(told).1);
        text.lines().find(|line| line.starts_with("next: ")).unwrap().to_owned()
    };
    for plain in ["main", "release/2026.1", "openvino=2026.1.0"] {
        told.0.base.asked = plain.into();
        assert!(next(&told).ends_with(&format!("`cargo xtask ab --base {plain}`")), "{}", next(&told));
    }
    for hostile in ["$(touch x)", "a;b", "`x`", "--output=x", "a b", "", "a\nb", "ä", &"a".repeat(101)] {
        told.0.base.asked = hostile.into();
        assert!(next(&told).ends_with("`cargo xtask ab --base BASE`"), "{}", next(&told));
    }
}
