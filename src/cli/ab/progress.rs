//! A pair, told when it is measured.

use crate::cli::progress::time_left;
use crate::gate::PairTold;
use crate::judge::sequential::SequentialOutcome;

/// Pairs from which on an interval says something to people.
const FEWEST_FOR_INTERVAL: usize = 3;

/// One line: the pair, what all come to, when they are looked at next, and how long that may take.
pub(super) fn of(pair: &PairTold<'_>) -> String {
    let parts = [Some(this_pair(pair)), all_pairs(pair), Some(what_next(pair))];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn this_pair(pair: &PairTold<'_>) -> String {
    let difference = percent(pair.measured.difference_ln);
    let told = format!("pair {} ({} first): head {difference:+.2} %", pair.pair + 1, pair.first.word());
    match (pair.measured.spoilt_because.first(), pair.counts) {
        (Some(why), false) => format!("{told}, spoilt, and drawn again: {why}"),
        (Some(why), true) => format!("{told}, counted in spite of {why}"),
        (None, _) => told,
    }
}

fn all_pairs(pair: &PairTold<'_>) -> Option<String> {
    let interval = pair.so_far.interval.as_ref()?;
    let mean = format!("all {}: {:+.2} %", interval.pairs, percent(interval.mean_ln));
    // Of two pairs the interval reaches from nothing to a hundred times.
    if interval.pairs < FEWEST_FOR_INTERVAL {
        return Some(mean);
    }
    Some(format!("{mean} [{:+.2}, {:+.2}]", percent(interval.lower_ln()), percent(interval.upper_ln())))
}

fn what_next(pair: &PairTold<'_>) -> String {
    match (pair.so_far.outcome, pair.left) {
        (SequentialOutcome::Undecided { next_look }, Some(left)) => {
            format!(
                "next look at {next_look} pairs, {} to {} left",
                time_left(left.at_least),
                time_left(left.at_most)
            )
        }
        (SequentialOutcome::Inconclusive, _) => "the last look, and they cannot tell".to_owned(),
        _ => "decided".to_owned(),
    }
}

fn percent(ln: f64) -> f64 {
    ln.exp_m1() * 100.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::gate::{MeasuredPair, TimeLeft};
    use crate::judge::sequential::{Rule, sequential};
    use crate::record::Side;

    fn line(differences_ln: &[f64], spoilt_because: &[&str], counts: bool) -> String {
        let rule = Rule { regressed_beyond_percent: 1.0, passes_within_percent: 3.0 };
        let so_far = sequential(differences_ln, &rule).unwrap();
        let measured = MeasuredPair {
            difference_ln: 0.05_f64.ln_1p(),
            spoilt_because: spoilt_because.iter().map(ToString::to_string).collect(),
        };
        let left = TimeLeft { at_least: Duration::from_secs(90), at_most: Duration::from_secs(601) };
        let left = (!so_far.is_final()).then_some(left);
        of(&PairTold { pair: 2, first: Side::Head, measured: &measured, counts, so_far: &so_far, left })
    }

    #[test]
    fn a_line_says_the_pair_what_all_come_to_and_how_long_it_may_take() {
        insta::assert_snapshot!(
            line(&[0.04, 0.05, 0.05], &[], true),
            @"pair 3 (head first): head +5.00 %; all 3: +4.78 % [+0.31, +9.44]; next look at 5 pairs, 90 s to 11 min left"
        );
        insta::assert_snapshot!(
            line(&[0.04], &["`cpu-pressure` on the head: 20 %"], false),
            @"pair 3 (head first): head +5.00 %, spoilt, and drawn again: `cpu-pressure` on the head: 20 %; next look at 5 pairs, 90 s to 11 min left"
        );
        assert!(line(&[0.04, 0.05], &[], true).contains("; all 2: +4.60 %; next look"));
        assert!(line(&[0.05; 5], &["`mains`"], true).ends_with("; decided"));
        let torn: Vec<f64> = (0..15).map(|pair| if pair % 2 == 0 { 0.3 } else { -0.3 }).collect();
        assert!(line(&torn, &[], true).ends_with("; the last look, and they cannot tell"));
    }
}
