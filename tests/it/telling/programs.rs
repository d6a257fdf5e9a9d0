//! For a CI: JUnit's XML, and annotations of GitHub's.

use arcgauge::record::Verdict;
use roxmltree::Document;

use super::{ab, annotations_of, identical, junit_of};

#[test]
fn a_pass_as_junit() {
    insta::assert_snapshot!(junit_of(&ab(Verdict::Pass)), @"");
}

#[test]
fn a_regression_as_junit() {
    insta::assert_snapshot!(junit_of(&ab(Verdict::Regressed)), @"");
}

#[test]
fn a_wrong_output_as_junit() {
    insta::assert_snapshot!(junit_of(&ab(Verdict::WrongOutput)), @"");
}

#[test]
fn a_comparison_that_cannot_tell_as_junit() {
    insta::assert_snapshot!(junit_of(&ab(Verdict::Inconclusive)), @"");
}

#[test]
fn an_invalid_environment_as_junit() {
    insta::assert_snapshot!(junit_of(&ab(Verdict::InvalidEnvironment)), @"");
}

#[test]
fn identical_sides_as_junit() {
    insta::assert_snapshot!(junit_of(&identical()), @"");
}

#[test]
fn junit_counts_what_it_holds() {
    for verdict in Verdict::ALL {
        let text = junit_of(&ab(verdict));
        let document = Document::parse(&text).unwrap();
        let of = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
        let root = document.root_element();
        for (attribute, element) in
            [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
        {
            assert_eq!(root.attribute(attribute), Some(of(element).to_string().as_str()), "{text}");
        }
        let ended = |word: &str| of(word) > 0;
        match verdict {
            Verdict::Pass | Verdict::Improved => assert!(!ended("failure") && !ended("error"), "{text}"),
            Verdict::Regressed | Verdict::Mixed | Verdict::WrongOutput => assert!(ended("failure"), "{text}"),
            Verdict::InvalidEnvironment => assert!(ended("error") && !ended("failure"), "{text}"),
            Verdict::Inconclusive => assert!(ended("skipped") && !ended("failure"), "{text}"),
        }
    }
}

#[test]
fn a_regression_as_annotations() {
    insta::assert_snapshot!(annotations_of(&ab(Verdict::Regressed)), @"");
}

#[test]
fn a_comparison_that_cannot_tell_as_annotations() {
    insta::assert_snapshot!(annotations_of(&ab(Verdict::Inconclusive)), @"");
}

#[test]
fn a_pass_is_one_notice() {
    insta::assert_snapshot!(annotations_of(&ab(Verdict::Pass)), @"");
}

#[test]
fn the_verdict_s_annotation_comes_first_and_no_kind_has_more_than_a_runner_shows() {
    let mut told = ab(Verdict::Regressed);
    let decision = told.0.decision.as_mut().unwrap();
    decision.checks = vec![decision.checks[3].clone(); 90];
    let text = annotations_of(&told);
    assert_eq!(text.lines().count(), 10);
    assert!(text.starts_with("::error title=arcgauge%3A regressed::"), "{text}");
}
