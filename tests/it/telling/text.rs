//! For a terminal.

use arcgauge::record::{Outcome, Verdict};
use arcgauge::report::decision::{Subject, decision_text};

use super::{ab, identical, text_of};
use crate::forged;

#[test]
fn a_pass() {
    insta::assert_snapshot!(text_of(&ab(Verdict::Pass)), @r#"
    head `topic` against base `main`: 5 pairs of fresh processes, in turns
    model tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    base  47.00 ms/token (tpot@1), 444444444444 Say what it is
    head  47.00 ms/token (tpot@1), 555555555555 Größer und "schneller"

    ok pass: a slow-down of 3 % or more is excluded

     metric  prompt      change            interval  pairs  better  word
     tpot@1  mean       +0.20 %  [-0.80 %, +1.20 %]      5  lower   ok unchanged
     ttft@1  fibonacci  +0.10 %  [-0.90 %, +1.10 %]      5  lower   ok unchanged

    Change: head against base, over the pairs that count. Where better is lower, + is worse.

    checks
     ok  goldens           every token of both sides is the golden's
     ok  guards            no guard tripped of those that were observed
     ok  speed             at most 1.2 % slower
     -   published-anchor  another model

    pairs, by the head's mean tpot@1 against the base's
     1  base first  0.00 %  counts
     2  head first  0.00 %  counts
     3  base first  0.00 %  counts
     4  head first  0.00 %  counts
     5  base first  0.00 %  counts

    These 5 pairs (sd 1.2 %) would have seen a slow-down of 2.1 % in four of five sessions; slow-downs of 1.7 % or more are excluded.

    next: nothing to do
    "#);
}

#[test]
fn a_regression() {
    insta::assert_snapshot!(text_of(&ab(Verdict::Regressed)), @r#"
    head `topic` against base `main`: 5 pairs of fresh processes, in turns
    model tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    base  47.00 ms/token (tpot@1), 444444444444 Say what it is
    head  49.35 ms/token (tpot@1), 555555555555 Größer und "schneller"

    FAIL regressed: the head is slower by at least 4.0 %

     metric  prompt      change            interval  pairs  better  word
     tpot@1  mean       +5.00 %  [+4.00 %, +6.00 %]      5  lower   FAIL regressed
     ttft@1  fibonacci   0.00 %  [-1.00 %, +1.00 %]      5  lower   ok unchanged

    Change: head against base, over the pairs that count. Where better is lower, + is worse.
      FAIL tpot@1 mean: it is regressed

    checks
     ok    goldens           every token of both sides is the golden's
     ok    guards            no guard tripped of those that were observed
     warn  noise             pairs differ by 2.6 % (sd), more than 2.5 %
     FAIL  speed             at least 4.0 % slower, and 1 % matters
     -     published-anchor  another model

    pairs, by the head's mean tpot@1 against the base's
     1  base first  +5.00 %  counts
     2  head first  +5.00 %  counts
     3  base first  +5.00 %  counts
     4  head first  +5.00 %  counts
     5  base first  +5.00 %  counts

    These 5 pairs (sd 1.2 %) would have seen a slow-down of 2.1 % in four of five sessions; slow-downs of 1.7 % or more are excluded.

    next: find what made it worse; or, where it is worth it, waive it in the base's `ci/gate.json`, with an issue and a date
    "#);
}

#[test]
fn a_wrong_output() {
    insta::assert_snapshot!(text_of(&ab(Verdict::WrongOutput)), @r#"
    head `topic` against base `main`: 5 pairs of fresh processes, in turns
    model tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    base  47.00 ms/token (tpot@1), 444444444444 Say what it is
    head  555555555555 Größer und "schneller"

    FAIL wrong-output: the head's answer to `fibonacci` breaks at token 2

    checks
     FAIL  goldens  head: `fibonacci` breaks at token 2
     ok    guards   no guard tripped of those that were observed

    pairs, by the head's mean tpot@1 against the base's
     1  base first  -  has no speed
     2  head first  -  has no speed
     3  base first  -  has no speed
     4  head first  -  has no speed
     5  base first  -  has no speed

    next: see what differs with `cargo xtask golden check`; where the new answer is right, bless it on the base
    "#);
}

#[test]
fn a_comparison_that_cannot_tell() {
    insta::assert_snapshot!(text_of(&ab(Verdict::Inconclusive)), @r#"
    head `topic` against base `main`: 5 pairs of fresh processes, in turns
    model tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    base  47.00 ms/token (tpot@1), 444444444444 Say what it is
    head  47.00 ms/token (tpot@1), 555555555555 Größer und "schneller"

    warn inconclusive: 15 pairs cannot tell; a slow-down of 10 % or more is excluded

     metric  prompt      change            interval  pairs  better  word
     tpot@1  mean       +2.00 %  [+1.00 %, +3.00 %]      5  lower   ? undecided
     ttft@1  fibonacci   0.00 %  [-1.00 %, +1.00 %]      5  lower   ? undecided

    Change: head against base, over the pairs that count. Where better is lower, + is worse.
      ? tpot@1 mean: it is undecided
      ? ttft@1 fibonacci: it is undecided

    checks
     ok    goldens  every token of both sides is the golden's
     ok    guards   no guard tripped of those that were observed
     warn  noise    pairs differ by 2.6 % (sd), more than 2.5 %
     warn  speed    between 1.0 % faster and 5.0 % slower

    pairs, by the head's mean tpot@1 against the base's
     1  base first  0.00 %  counts
     2  head first  0.00 %  counts
     3  base first  0.00 %  counts
     4  head first  0.00 %  counts
     5  base first  0.00 %  counts

    These 5 pairs (sd 1.2 %) would have seen a slow-down of 2.1 % in four of five sessions; slow-downs of 1.7 % or more are excluded.

    next: do what the checks above ask for, then measure with `cargo xtask ab --base main`
    "#);
}

#[test]
fn an_invalid_environment() {
    insta::assert_snapshot!(text_of(&ab(Verdict::InvalidEnvironment)), @r#"
    head `topic` against base `main`: 5 pairs of fresh processes, in turns
    model tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    base  47.00 ms/token (tpot@1), 444444444444 Say what it is
    head  47.00 ms/token (tpot@1), 555555555555 Größer und "schneller"

    FAIL invalid-environment: 4 pairs were spoilt by guards, more than may be drawn again

     metric  prompt   change            interval  pairs  better  word
     tpot@1  mean    +20.0 %  [+19.0 %, +21.0 %]      5  lower   - not-judged

    Change: head against base, over the pairs that count. Where better is lower, + is worse.
      - tpot@1 mean: it is regressed

    checks
     ok    goldens  every token of both sides is the golden's
     FAIL  guards   swap-in tripped in 4 of 5 pairs

    pairs, by the head's mean tpot@1 against the base's
     1  base first  0.00 %  counts
     2  head first  0.00 %  spoilt: swap-in: 12 pages during decode
     3  base first  0.00 %  spoilt: swap-in: 12 pages during decode
     4  head first  0.00 %  spoilt: swap-in: 12 pages during decode
     5  base first  0.00 %  spoilt: swap-in: 12 pages during decode

    next: bring the machine to rest (`cargo xtask doctor` says what it sees), then measure with `cargo xtask ab --base main`
    "#);
}

#[test]
fn identical_sides() {
    insta::assert_snapshot!(text_of(&identical()), @r#"
    head `topic` against base `main`: not measured
    model tiny-gpt-oss, machine a-machine, 1 prompt x 3 tokens
    base  444444444444 Say what it is
    head  555555555555 Größer und "schneller"

    ok pass: both sides are the same, byte for byte
    Both sides are identical: nothing was measured.

    next: nothing to do
    "#);
}

#[test]
fn a_run_that_is_held_against_no_other() {
    let decision = ab(Verdict::Inconclusive).0.decision.unwrap();
    insta::assert_snapshot!(decision_text(Subject::Run(&forged::record()), &decision), @r#"
    one run, held against no other
    model tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    head  47.00 ms/token (tpot@1), 555555555555 Größer, schneller "und" richtig

    warn inconclusive: 15 pairs cannot tell; a slow-down of 10 % or more is excluded

     metric  prompt      change            interval  pairs  better  word
     tpot@1  mean       +2.00 %  [+1.00 %, +3.00 %]      5  lower   ? undecided
     ttft@1  fibonacci   0.00 %  [-1.00 %, +1.00 %]      5  lower   ? undecided

    Change: head against base, over the pairs that count. Where better is lower, + is worse.
      ? tpot@1 mean: it is undecided
      ? ttft@1 fibonacci: it is undecided

    checks
     ok    goldens  every token of both sides is the golden's
     ok    guards   no guard tripped of those that were observed
     warn  noise    pairs differ by 2.6 % (sd), more than 2.5 %
     warn  speed    between 1.0 % faster and 5.0 % slower

    These 5 pairs (sd 1.2 %) would have seen a slow-down of 2.1 % in four of five sessions; slow-downs of 1.7 % or more are excluded.

    next: measure it against its base: `cargo xtask ab --base main`
    warning: what is the case
      what to do about it
    "#);
}

#[test]
fn an_ab_that_did_not_come_to_its_end_has_no_verdict() {
    let mut told = ab(Verdict::Pass);
    told.0.decision = None;
    told.0.outcome = Outcome::Interrupted;
    told.1.truncate(1);
    insta::assert_snapshot!(text_of(&told), @r#"
    head `topic` against base `main`: 5 pairs of fresh processes, in turns
    model tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    base  47.00 ms/token (tpot@1), 444444444444 Say what it is
    head  47.00 ms/token (tpot@1), 555555555555 Größer und "schneller"

    interrupted after 1 complete pair: nothing is decided on

    pairs, by the head's mean tpot@1 against the base's
     1  base first  0.00 %  counts
    "#);
}
