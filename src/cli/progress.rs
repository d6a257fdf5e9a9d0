//! What is under way, on a terminal only, redrawn at most once a second from a thread of its own:
//! drawing inside the timed loop would be measured.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::{say, warn};
use crate::judge::sequential::{SequentialOutcome, SequentialResult};
use crate::measure::supervisor::Control;
use crate::record::{Side, Warning};
use crate::run::{Observer, RoundReport, TimeLeft};
use crate::visible::one_line;

const REDRAW: Duration = Duration::from_secs(1);

/// A line on stderr, on a terminal only, that says how much of something is done.
pub(super) fn counting_bar(template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// A line on stderr that says what is under way.
pub(super) struct Progress {
    bar: ProgressBar,
    control: Arc<Control>,
    done: Arc<AtomicBool>,
    thread: RefCell<Option<JoinHandle<()>>>,
}

impl Progress {
    /// Begins to show a session that is steered by `control`.
    pub(super) fn start(control: &Arc<Control>, new_tokens: usize) -> Self {
        let bar =
            ProgressBar::with_draw_target(Some(new_tokens as u64), ProgressDrawTarget::stderr_with_hz(2));
        if let Ok(style) = ProgressStyle::with_template("{prefix}  {pos}/{len} tokens  {msg}") {
            bar.set_style(style);
        }
        let done = Arc::new(AtomicBool::new(false));
        let thread = (!bar.is_hidden()).then(|| {
            let (bar, control, done) = (bar.clone(), Arc::clone(control), Arc::clone(&done));
            thread::spawn(move || redraw(&bar, &control, &done))
        });
        Self { bar, control: Arc::clone(control), done, thread: RefCell::new(thread) }
    }
}

impl Observer for Progress {
    fn say(&self, line: &str) {
        self.bar.suspend(|| say(line));
    }

    fn aim(&self, what: &str) {
        // What the one before had reached is not this one's.
        self.bar.set_position(0);
        self.bar.set_message("");
        self.bar.set_prefix(one_line(what));
    }

    fn is_live(&self) -> bool {
        self.thread.borrow().is_some()
    }

    fn warn(&self, warning: &Warning) {
        self.bar.suspend(|| warn(warning));
    }

    fn on_round(&self, report: &RoundReport<'_>, metric_values: &str) {
        self.say(&round_line(report, metric_values));
    }

    fn finish(&self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
        self.control.tokens_done.store(0, Ordering::Relaxed);
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

fn redraw(bar: &ProgressBar, control: &Control, done: &AtomicBool) {
    let mut before = (0, Instant::now());
    while !done.load(Ordering::Relaxed) {
        let tokens = control.tokens_done.load(Ordering::Relaxed);
        let now = Instant::now();
        if tokens > before.0 {
            let speed = (tokens - before.0) as f64 / (now - before.1).as_secs_f64();
            bar.set_message(format!("{speed:.1} tok/s"));
        }
        before = (tokens, now);
        bar.set_position(tokens as u64);
        thread::park_timeout(REDRAW);
    }
}

/// Pairs from which on an interval says something to people.
const FEWEST_FOR_INTERVAL: usize = 3;

/// One line: the round, what all come to, and how long the others may take. `metric_values` is what each arm gave.
fn round_line(report: &RoundReport<'_>, metric_values: &str) -> String {
    match report.so_far {
        Some(so_far) => pair(report, so_far),
        None => format!(
            "round {}: TPOT ms {metric_values}{}; {} count, {} left",
            report.round + 1,
            invalidated(report, "; "),
            report.counted,
            time_left(report.left.map_or(Duration::ZERO, |left| left.at_most))
        ),
    }
}

/// A time that something may still take, no more exact than an estimate is.
pub(super) fn time_left(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=99 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

fn pair(report: &RoundReport<'_>, so_far: &SequentialResult) -> String {
    let first = if report.order.first() == Some(&Side::Head.arm()) { Side::Head } else { Side::Base };
    let difference = percent(report.measured.difference_ln.unwrap_or_default());
    let this = format!(
        "pair {} ({} first): head {difference:+.2} %{}",
        report.round + 1,
        first.as_str(),
        invalidated(report, ", ")
    );
    let parts = [Some(this), all_pairs(so_far), Some(what_next(so_far, report.left))];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn invalidated(report: &RoundReport<'_>, separator: &str) -> String {
    match (report.measured.invalidated_by.first(), report.counts) {
        (Some(why), false) => format!("{separator}invalidated, does not count: {why}"),
        (Some(why), true) => format!("{separator}kept, guards ignored: {why}"),
        (None, _) => String::new(),
    }
}

fn all_pairs(so_far: &SequentialResult) -> Option<String> {
    let interval = so_far.interval.as_ref()?;
    let mean = format!("all {}: {:+.2} %", interval.pairs, percent(interval.mean_ln));
    // Of two pairs the interval reaches from nothing to a hundred times.
    if interval.pairs < FEWEST_FOR_INTERVAL {
        return Some(mean);
    }
    Some(format!("{mean} [{:+.2}, {:+.2}]", percent(interval.lower_ln()), percent(interval.upper_ln())))
}

fn what_next(so_far: &SequentialResult, left: Option<TimeLeft>) -> String {
    match (so_far.outcome, left) {
        (SequentialOutcome::Undecided { next_look }, Some(left)) => format!(
            "next interim analysis at {next_look} pairs, {} to {} left",
            time_left(left.at_least),
            time_left(left.at_most)
        ),
        (SequentialOutcome::Inconclusive, _) => "the last interim analysis: undecided".to_owned(),
        _ => "decided".to_owned(),
    }
}

fn percent(ln: f64) -> f64 {
    ln.exp_m1() * 100.0
}

#[cfg(test)]
mod tests {
    use crate::judge::sequential::{Rule, sequential};
    use crate::run::MeasuredRound;

    use super::*;

    fn line(differences_ln: &[f64], invalidated_by: &[&str], counts: bool) -> String {
        let rule = Rule { regressed_beyond_percent: 1.0, passes_within_percent: 3.0 };
        let so_far = sequential(differences_ln, &rule).unwrap();
        let measured = MeasuredRound {
            difference_ln: Some(0.05_f64.ln_1p()),
            invalidated_by: invalidated_by.iter().map(ToString::to_string).collect(),
            wrong: Vec::new(),
        };
        let left = TimeLeft { at_least: Duration::from_secs(90), at_most: Duration::from_secs(601) };
        let report = RoundReport {
            round: 2,
            order: &[1, 0],
            measured: &measured,
            counts,
            counted: differences_ln.len(),
            so_far: Some(&so_far),
            left: (!so_far.is_final()).then_some(left),
        };
        round_line(&report, "")
    }

    #[test]
    fn a_line_says_the_pair_what_all_come_to_and_how_long_it_may_take() {
        insta::assert_snapshot!(
            line(&[0.04, 0.05, 0.05], &[], true),
            @"pair 3 (head first): head +5.00 %; all 3: +4.78 % [+0.31, +9.44]; next interim analysis at 5 pairs, 90 s to 11 min left"
        );
        insta::assert_snapshot!(
            line(&[0.04], &["`cpu-pressure` on `head`: 20 %"], false),
            @"pair 3 (head first): head +5.00 %, invalidated, does not count: `cpu-pressure` on `head`: 20 %; next interim analysis at 5 pairs, 90 s to 11 min left"
        );
        assert!(line(&[0.04, 0.05], &[], true).contains("; all 2: +4.60 %; next interim analysis"));
        assert!(line(&[0.05; 5], &["`ac-power`"], true).ends_with("; decided"));
        let torn: Vec<f64> = (0..15).map(|pair| if pair % 2 == 0 { 0.3 } else { -0.3 }).collect();
        assert!(line(&torn, &[], true).ends_with("; the last interim analysis: undecided"));
    }
}
