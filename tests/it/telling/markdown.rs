//! For a pull request.

use arcgauge::record::{CheckRecord, CheckWord, Verdict, Warning};

use super::{ab, identical, markdown_of};

#[test]
fn a_pass() {
    insta::assert_snapshot!(markdown_of(&ab(Verdict::Pass)), @"");
}

#[test]
fn a_regression() {
    insta::assert_snapshot!(markdown_of(&ab(Verdict::Regressed)), @"");
}

#[test]
fn a_wrong_output() {
    insta::assert_snapshot!(markdown_of(&ab(Verdict::WrongOutput)), @"");
}

#[test]
fn a_comparison_that_cannot_tell() {
    insta::assert_snapshot!(markdown_of(&ab(Verdict::Inconclusive)), @"");
}

#[test]
fn an_invalid_environment() {
    insta::assert_snapshot!(markdown_of(&ab(Verdict::InvalidEnvironment)), @"");
}

#[test]
fn identical_sides() {
    insta::assert_snapshot!(markdown_of(&identical()), @"");
}

#[test]
fn it_stays_short_however_much_there_is_to_tell() {
    let mut told = ab(Verdict::Regressed);
    let decision = told.0.decision.as_mut().unwrap();
    let row = decision.comparisons[0].clone();
    decision.comparisons.extend(vec![row; 90]);
    let check = |word| CheckRecord { id: "one-of-many".into(), word, because: "x".repeat(10_000) };
    decision.checks.extend(vec![check(CheckWord::Fails); 50]);
    decision.checks.extend(vec![check(CheckWord::NotJudged); 50]);
    let warning = |number: usize| Warning::new(&format!("kind-{number}"), "x", "y");
    told.0.warnings = (0..90).map(warning).collect();
    let text = markdown_of(&told);
    assert!(text.lines().count() < 30, "{text}");
    assert!(text.len() < 10_000, "a comment on GitHub holds 65,536");
    assert!(text.contains("rows not shown") && text.contains("90 warnings"), "{text}");
    assert!(text.contains("- FAIL **speed**"), "the weightiest of those that fail comes first: {text}");
}
