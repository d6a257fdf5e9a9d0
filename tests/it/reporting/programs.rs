//! For a CI: JUnit's XML, and annotations of GitHub's.

use arcgauge::record::Verdict;
use roxmltree::Document;

use super::{ab, annotations_of, junit_of};

#[test]
fn a_regression_as_junit() {
    insta::assert_snapshot!(junit_of(&ab(Verdict::Regressed)), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="arcgauge" tests="8" failures="3" errors="0">
        <testsuite name="head `topic` compared with base `main`: 5 pairs of fresh processes, interleaved" tests="8" failures="3" errors="0" skipped="1" timestamp="2026-11-23T05:10:00Z">
            <testcase name="verdict" classname="verdict"><failure message="the head is slower by at least 4.0 %" type="regressed"/></testcase>
            <testcase name="goldens" classname="check"/>
            <testcase name="guards" classname="check"/>
            <testcase name="noise" classname="check"><system-out>warns: pairs differ by 2.6 % (sd), more than 2.5 %</system-out></testcase>
            <testcase name="speed" classname="check"><failure message="at least 4.0 % slower, and 1 % matters" type="fails"/></testcase>
            <testcase name="published-anchor" classname="check"><skipped message="another model" type="not-judged"/></testcase>
            <testcase name="tpot@1 mean" classname="comparison"><failure message="it is regressed" type="regressed"/></testcase>
            <testcase name="ttft@1 fibonacci" classname="comparison"/>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn a_comparison_that_cannot_tell_as_junit() {
    insta::assert_snapshot!(junit_of(&ab(Verdict::Inconclusive)), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="arcgauge" tests="7" failures="0" errors="0">
        <testsuite name="head `topic` compared with base `main`: 5 pairs of fresh processes, interleaved" tests="7" failures="0" errors="0" skipped="3" timestamp="2026-11-23T05:10:00Z">
            <testcase name="verdict" classname="verdict"><skipped message="15 pairs cannot tell; a slow-down of 10 % or more is excluded" type="inconclusive"/></testcase>
            <testcase name="goldens" classname="check"/>
            <testcase name="guards" classname="check"/>
            <testcase name="noise" classname="check"><system-out>warns: pairs differ by 2.6 % (sd), more than 2.5 %</system-out></testcase>
            <testcase name="speed" classname="check"><system-out>warns: between 1.0 % faster and 5.0 % slower</system-out></testcase>
            <testcase name="tpot@1 mean" classname="comparison"><skipped message="it is undecided" type="undecided"/></testcase>
            <testcase name="ttft@1 fibonacci" classname="comparison"><skipped message="it is undecided" type="undecided"/></testcase>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn an_invalid_environment_as_junit() {
    insta::assert_snapshot!(junit_of(&ab(Verdict::InvalidEnvironment)), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="arcgauge" tests="4" failures="0" errors="2">
        <testsuite name="head `topic` compared with base `main`: 5 pairs of fresh processes, interleaved" tests="4" failures="0" errors="2" skipped="1" timestamp="2026-11-23T05:10:00Z">
            <testcase name="verdict" classname="verdict"><error message="4 pairs were invalidated by guards, more than may be measured again" type="invalid-environment"/></testcase>
            <testcase name="goldens" classname="check"/>
            <testcase name="guards" classname="check"><error message="swap-in tripped in 4 of 5 pairs" type="fails"/></testcase>
            <testcase name="tpot@1 mean" classname="comparison"><skipped message="it is regressed" type="not-judged"/></testcase>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn junit_counts_what_it_holds() {
    for verdict in Verdict::ALL {
        let text = junit_of(&ab(verdict));
        let document = Document::parse(&text).unwrap();
        let of = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
        let root = document.root_element();
        let suite = root.first_element_child().unwrap();
        for (attribute, element) in
            [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
        {
            let counted = of(element).to_string();
            assert_eq!(suite.attribute(attribute), Some(counted.as_str()), "{text}");
            // Jenkins' schema has no count of skipped cases there.
            let of_all = root.attribute(attribute);
            assert_eq!(of_all, (attribute != "skipped").then_some(counted.as_str()), "{text}");
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
    insta::assert_snapshot!(annotations_of(&ab(Verdict::Regressed)), @r#"
    ::error title=arcgauge%3A regressed::the head is slower by at least 4.0 %25 (head `topic` compared with base `main`: 5 pairs of fresh processes, interleaved)
    ::error title=arcgauge%3A speed::at least 4.0 %25 slower, and 1 %25 matters
    ::error title=arcgauge%3A tpot@1 mean::+5.00 %25 [+4.00 %25, +6.00 %25]: it is regressed
    ::warning title=arcgauge%3A noise::pairs differ by 2.6 %25 (sd), more than 2.5 %25
    "#);
}

#[test]
fn a_comparison_that_cannot_tell_as_annotations() {
    insta::assert_snapshot!(annotations_of(&ab(Verdict::Inconclusive)), @r#"
    ::warning title=arcgauge%3A inconclusive::15 pairs cannot tell; a slow-down of 10 %25 or more is excluded (head `topic` compared with base `main`: 5 pairs of fresh processes, interleaved)
    ::warning title=arcgauge%3A noise::pairs differ by 2.6 %25 (sd), more than 2.5 %25
    ::warning title=arcgauge%3A speed::between 1.0 %25 faster and 5.0 %25 slower
    "#);
}

#[test]
fn a_pass_is_one_notice() {
    insta::assert_snapshot!(
        annotations_of(&ab(Verdict::Pass)),
        @r#"::notice title=arcgauge%3A pass::a slow-down of 3 %25 or more is excluded (head `topic` compared with base `main`: 5 pairs of fresh processes, interleaved)"#
    );
}

#[test]
fn the_verdict_s_annotation_comes_first_and_no_kind_has_more_than_a_runner_shows() {
    let mut reported = ab(Verdict::Regressed);
    let decision = reported.decision.as_mut().unwrap();
    decision.checks = vec![decision.checks[3].clone(); 90];
    let text = annotations_of(&reported);
    assert_eq!(text.lines().count(), 10);
    assert!(text.starts_with("::error title=arcgauge%3A regressed::"), "{text}");
}
