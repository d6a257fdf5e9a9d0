//! For a pull request.

use arcgauge::record::{CheckRecord, CheckResult, Verdict, Warning};

use super::{ab, identical, markdown_of};
use crate::forged_ab::hostile;

#[test]
fn a_regression() {
    insta::assert_snapshot!(markdown_of(&ab(Verdict::Regressed)), @r#"
    ### arcgauge: REGRESSED: the head is slower by at least 4.0 %

    head **topic** compared with base **main**: 5 pairs of fresh processes, interleaved. tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens.

    - base: 47.00 ms/token (`tpot@1`), 444444444444 Say what it is
    - head: 49.35 ms/token (`tpot@1`), 555555555555 Größer und "schneller"

    | metric | prompt | change | interval | pairs | better | result |
    | --- | --- | --: | --: | --: | --- | --- |
    | `tpot@1` | mean | +5.00 % | \[+4.00 %, +6.00 %\] | 5 | lower | FAIL regressed |

    Change: from base to head, over the pairs that count. Where better is lower, + is worse. Intervals: 99.4 % for the first row, the policy's level for the others. 1 row not shown.

    - FAIL **speed**: at least 4.0 % slower, and 1 % matters
    - warn **noise**: pairs differ by 2.6 % (sd), more than 2.5 %
    - ok goldens, ok guards, - published-anchor

    Minimum detectable slow-down of 5 pairs (sd 1.2 %): 2.1 % at 80 % power; slow-downs of 1.7 % or more are excluded.

    Next: find what made it worse; or, where it is worth it, waive it in the base's `ci/gate.json`, with an issue and a date. Record `abcdef012345`.
    "#);
}

#[test]
fn a_wrong_output() {
    insta::assert_snapshot!(markdown_of(&ab(Verdict::WrongOutput)), @r#"
    ### arcgauge: WRONG OUTPUT: the head's answer to \`fibonacci\` breaks at token 2

    head **topic** compared with base **main**: 5 pairs of fresh processes, interleaved. tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens.

    - base: 47.00 ms/token (`tpot@1`), 444444444444 Say what it is
    - head: 555555555555 Größer und "schneller"
    - FAIL **goldens**: head: \`fibonacci\` breaks at token 2
    - ok guards

    Next: see what differs with `cargo xtask golden check`; where the new output is right, `cargo xtask golden bless --reason "..."` in a pull request of its own, and merge that first. Record `abcdef012345`.
    "#);
}

#[test]
fn identical_sides() {
    insta::assert_snapshot!(markdown_of(&identical()), @r#"
    ### arcgauge: PASS: both sides are the same, byte for byte

    head **topic** compared with base **main**: not measured. tiny-gpt-oss, machine a-machine, 1 prompt x 3 tokens.

    - base: 444444444444 Say what it is
    - head: 555555555555 Größer und "schneller"

    Both sides are identical: nothing was measured.

    Next: nothing to do. Record `abcdef012345`.
    "#);
}

#[test]
fn it_stays_short_however_much_there_is_to_tell() {
    let mut reported = ab(Verdict::Regressed);
    let decision = reported.decision.as_mut().unwrap();
    let row = decision.comparisons[0].clone();
    decision.comparisons.extend(vec![row; 90]);
    let check = |word| CheckRecord { id: "one-of-many".into(), result: word, reason: "x".repeat(10_000) };
    decision.checks.extend(vec![check(CheckResult::Fails); 50]);
    decision.checks.extend(vec![check(CheckResult::NotJudged); 50]);
    let warning = |number: usize| Warning::new(&format!("kind-{number}"), "x", "y");
    reported.warnings = (0..90).map(warning).collect();
    let text = markdown_of(&reported);
    assert!(text.lines().count() < 30, "{text}");
    assert!(text.len() < 10_000, "a comment on GitHub holds 65,536");
    assert!(text.contains("rows not shown") && text.contains("90 warnings"), "{text}");
    assert!(text.contains("- FAIL **speed**"), "the weightiest of those that fail comes first: {text}");
}

#[test]
fn a_record_full_of_text_still_fits_into_a_comment() {
    let mut record = hostile(Verdict::Regressed, &"|".repeat(10_000));
    let check = record.decision.as_ref().unwrap().checks[0].clone();
    record.decision.as_mut().unwrap().checks = vec![check; 500];
    let text = markdown_of(&record);
    assert!(text.len() < 65_536, "{} bytes", text.len());
    assert!(text.ends_with("There is more than a comment holds.\n"), "{text}");
}
