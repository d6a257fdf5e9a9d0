//! A pair, told when it is measured.

use std::time::Duration;

use crate::gate::PairTold;

/// One line: the pair, its ratio, what all come to, when it is looked at next, and how long that may take.
pub(super) fn of(pair: &PairTold<'_>) -> String {
    let percent = |ln: f64| ln.exp_m1() * 100.0;
    let mut line = format!(
        "pair {} ({} first): head {:+.2} %",
        pair.pair + 1,
        pair.first.word(),
        percent(pair.measured.difference_ln)
    );
    match (pair.measured.spoilt_because.first(), pair.counts) {
        (Some(why), false) => line += &format!("; spoilt, and drawn again: {why}"),
        (Some(why), true) => line += &format!("; counted in spite of {why}"),
        (None, _) => {}
    }
    if let Some(interval) = pair.so_far.interval() {
        line += &format!(
            "; all {}: {:+.2} % [{:+.2}, {:+.2}]",
            interval.pairs,
            percent(interval.mean_ln),
            percent(interval.lower_ln()),
            percent(interval.upper_ln())
        );
    }
    match (pair.so_far.next_look(), pair.left) {
        (Some(next), Some(left)) => {
            line + &format!(
                "; next look at {next} pairs, {} to {} left",
                told(left.at_least),
                told(left.at_most)
            )
        }
        _ => line + "; decided",
    }
}

fn told(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=99 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}
