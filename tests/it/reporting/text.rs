//! For a terminal.

use arcgauge::record::{Outcome, Verdict};
use arcgauge::report::decision::{Subject, decision_document};

use super::{ab, identical, text_of};
use crate::forged;

#[test]
fn a_pass() {
    insta::assert_snapshot!(text_of(&ab(Verdict::Pass)), @r#"
    head `topic` compared with base `main`: 5 pairs of fresh processes, interleaved
    model  tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    base   47.00 ms/token (tpot@1), 444444444444 Say what it is
    head   47.00 ms/token (tpot@1), 555555555555 Größer und "schneller"

    PASS: a slow-down of 3 % or more is excluded

    metric  prompt      change            interval  pairs  better  result
    tpot@1  mean       +0.20 %  [-0.80 %, +1.20 %]      5  lower   ok not worse
    ttft@1  fibonacci  +0.10 %  [-0.90 %, +1.10 %]      5  lower   ok not worse
    Change: from base to head, over the pairs that count. Where better is lower, + is worse. Intervals: 99.4 % for the first row, the policy's level for the others.

    Checks
    ok  goldens           every token of both sides is the golden's
    ok  guards            no guard tripped of those that were observed
    ok  speed             at most 1.2 % slower
    -   published-anchor  another model

    Pairs: the head's mean tpot@1 compared with the base's
    pair  order       difference  state
       1  base first      0.00 %  counts
       2  head first      0.00 %  counts
       3  base first      0.00 %  counts
       4  head first      0.00 %  counts
       5  base first      0.00 %  counts

    Minimum detectable slow-down of 5 pairs (sd 1.2 %): 2.1 % at 80 % power; slow-downs of 1.7 % or more are excluded.

    next: nothing to do
    "#);
}

#[test]
fn a_regression() {
    insta::assert_snapshot!(text_of(&ab(Verdict::Regressed)), @r#"
    head `topic` compared with base `main`: 5 pairs of fresh processes, interleaved
    model  tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    base   47.00 ms/token (tpot@1), 444444444444 Say what it is
    head   49.35 ms/token (tpot@1), 555555555555 Größer und "schneller"

    REGRESSED: the head is slower by at least 4.0 %

    metric  prompt      change            interval  pairs  better  result
    tpot@1  mean       +5.00 %  [+4.00 %, +6.00 %]      5  lower   FAIL regressed
    ttft@1  fibonacci   0.00 %  [-1.00 %, +1.00 %]      5  lower   ok not worse
    Change: from base to head, over the pairs that count. Where better is lower, + is worse. Intervals: 99.4 % for the first row, the policy's level for the others.

    Checks
    FAIL  tpot@1 mean       it is regressed
    ok    goldens           every token of both sides is the golden's
    ok    guards            no guard tripped of those that were observed
    warn  noise             pairs differ by 2.6 % (sd), more than 2.5 %
    FAIL  speed             at least 4.0 % slower, and 1 % matters
    -     published-anchor  another model

    Pairs: the head's mean tpot@1 compared with the base's
    pair  order       difference  state
       1  base first     +5.00 %  counts
       2  head first     +5.00 %  counts
       3  base first     +5.00 %  counts
       4  head first     +5.00 %  counts
       5  base first     +5.00 %  counts

    Minimum detectable slow-down of 5 pairs (sd 1.2 %): 2.1 % at 80 % power; slow-downs of 1.7 % or more are excluded.

    next: find what made it worse; or, where it is worth it, waive it in the base's `ci/gate.json`, with an issue and a date
    "#);
}

#[test]
fn a_wrong_output() {
    insta::assert_snapshot!(text_of(&ab(Verdict::WrongOutput)), @r#"
    head `topic` compared with base `main`: 5 pairs of fresh processes, interleaved
    model  tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    base   47.00 ms/token (tpot@1), 444444444444 Say what it is
    head   555555555555 Größer und "schneller"

    WRONG OUTPUT: the head's answer to `fibonacci` breaks at token 2

    Checks
    FAIL  goldens  head: `fibonacci` breaks at token 2
    ok    guards   no guard tripped of those that were observed

    Pairs: the head's mean tpot@1 compared with the base's
    pair  order       difference  state
       1  base first           -  has no speed
       2  head first           -  has no speed
       3  base first           -  has no speed
       4  head first           -  has no speed
       5  base first           -  has no speed

    next: see what differs with `cargo xtask golden check`; where the new output is right, `cargo xtask golden bless --reason "..."` in a pull request of its own, and merge that first
    "#);
}

#[test]
fn a_comparison_that_cannot_tell() {
    insta::assert_snapshot!(text_of(&ab(Verdict::Inconclusive)), @r#"
    head `topic` compared with base `main`: 5 pairs of fresh processes, interleaved
    model  tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    base   47.00 ms/token (tpot@1), 444444444444 Say what it is
    head   47.00 ms/token (tpot@1), 555555555555 Größer und "schneller"

    INCONCLUSIVE WITH WARNING: 15 pairs cannot tell; a slow-down of 10 % or more is excluded

    metric  prompt      change            interval  pairs  better  result
    tpot@1  mean       +2.00 %  [+1.00 %, +3.00 %]      5  lower   ? undecided
    ttft@1  fibonacci   0.00 %  [-1.00 %, +1.00 %]      5  lower   ? undecided
    Change: from base to head, over the pairs that count. Where better is lower, + is worse. Intervals: 99.4 % for the first row, the policy's level for the others.

    Checks
    ?     tpot@1 mean       it is undecided
    ?     ttft@1 fibonacci  it is undecided
    ok    goldens           every token of both sides is the golden's
    ok    guards            no guard tripped of those that were observed
    warn  noise             pairs differ by 2.6 % (sd), more than 2.5 %
    warn  speed             between 1.0 % faster and 5.0 % slower

    Pairs: the head's mean tpot@1 compared with the base's
    pair  order       difference  state
       1  base first      0.00 %  counts
       2  head first      0.00 %  counts
       3  base first      0.00 %  counts
       4  head first      0.00 %  counts
       5  base first      0.00 %  counts

    Minimum detectable slow-down of 5 pairs (sd 1.2 %): 2.1 % at 80 % power; slow-downs of 1.7 % or more are excluded.

    next: follow the checks above, then measure again:
      cargo xtask ab --base 444444444444 --head 555555555555 --measure-identical --device CPU --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1
    "#);
}

#[test]
fn an_invalid_environment() {
    insta::assert_snapshot!(text_of(&ab(Verdict::InvalidEnvironment)), @r#"
    INVALID: 4 pairs were invalidated by guards, more than may be measured again

    head `topic` compared with base `main`: 5 pairs of fresh processes, interleaved
    model  tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    base   47.00 ms/token (tpot@1), 444444444444 Say what it is
    head   47.00 ms/token (tpot@1), 555555555555 Größer und "schneller"

    INVALID ENVIRONMENT: 4 pairs were invalidated by guards, more than may be measured again

    metric  prompt   change            interval  pairs  better  result
    tpot@1  mean    +20.0 %  [+19.0 %, +21.0 %]      5  lower   -
    Change: from base to head, over the pairs that count. Where better is lower, + is worse. Intervals: 99.4 % for the first row, the policy's level for the others.

    Checks
    -     tpot@1 mean  it is regressed
    ok    goldens      every token of both sides is the golden's
    FAIL  guards       swap-in tripped in 4 of 5 pairs

    Pairs: the head's mean tpot@1 compared with the base's
    pair  order       difference  state
       1  base first      0.00 %  counts
       2  head first      0.00 %  invalidated: `swap-in` on `head`
       3  base first      0.00 %  invalidated: `swap-in` on `head`
       4  head first      0.00 %  invalidated: `swap-in` on `head`
       5  base first      0.00 %  invalidated: `swap-in` on `head`
    `swap-in` on `head`, 4 pairs, at first: `12` pages were read back from swap

    next: reduce the background load (`top` shows it), then measure again:
      cargo xtask ab --base 444444444444 --head 555555555555 --measure-identical --device CPU --max-new-tokens 3 --prompt fibonacci --openvino 2026.4.1
    "#);
}

#[test]
fn identical_sides() {
    insta::assert_snapshot!(text_of(&identical()), @r#"
    head `topic` compared with base `main`: not measured
    model  tiny-gpt-oss, machine a-machine, 1 prompt x 3 tokens
    base   444444444444 Say what it is
    head   555555555555 Größer und "schneller"

    PASS: both sides are the same, byte for byte
    Both sides are identical: nothing was measured.

    next: nothing to do
    "#);
}

#[test]
fn a_run_that_is_compared_with_no_other() {
    let decision = ab(Verdict::Inconclusive).decision.unwrap();
    let record = forged::record();
    insta::assert_snapshot!(decision_document(Subject::of(&record), Some(&decision)).to_text(None), @r#"
    one run, compared with no other
    model  tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    head   47.00 ms/token (tpot@1), 555555555555 Größer, schneller "und" richtig

    INCONCLUSIVE WITH WARNING: 15 pairs cannot tell; a slow-down of 10 % or more is excluded

    metric  prompt      change            interval  pairs  better  result
    tpot@1  mean       +2.00 %  [+1.00 %, +3.00 %]      5  lower   ? undecided
    ttft@1  fibonacci   0.00 %  [-1.00 %, +1.00 %]      5  lower   ? undecided
    Change: from base to head, over the pairs that count. Where better is lower, + is worse. Intervals: 99.4 % for the first row, the policy's level for the others.

    Checks
    ?     tpot@1 mean       it is undecided
    ?     ttft@1 fibonacci  it is undecided
    ok    goldens           every token of both sides is the golden's
    ok    guards            no guard tripped of those that were observed
    warn  noise             pairs differ by 2.6 % (sd), more than 2.5 %
    warn  speed             between 1.0 % faster and 5.0 % slower

    Minimum detectable slow-down of 5 pairs (sd 1.2 %): 2.1 % at 80 % power; slow-downs of 1.7 % or more are excluded.

    next: measure it against its base:
      cargo xtask ab --base HEAD~1 --device CPU

    warning (head): what is the case
      what to do about it
    "#);
}

#[test]
fn an_ab_that_did_not_come_to_its_end_has_no_verdict() {
    let mut reported = ab(Verdict::Pass);
    reported.decision = None;
    reported.outcome = Outcome::Interrupted;
    reported.rounds.truncate(1);
    insta::assert_snapshot!(text_of(&reported), @r#"
    head `topic` compared with base `main`: 1 pair of fresh processes, interleaved
    model  tiny-gpt-oss on CPU (A CPU), OpenVINO 2026.4.1, machine a-machine, 1 prompt x 3 tokens
    base   47.00 ms/token (tpot@1), 444444444444 Say what it is
    head   47.00 ms/token (tpot@1), 555555555555 Größer und "schneller"

    INTERRUPTED: after 1 complete pair; nothing is decided

    Pairs: the head's mean tpot@1 compared with the base's
    pair  order       difference  state
       1  base first      0.00 %  counts
    "#);
}
