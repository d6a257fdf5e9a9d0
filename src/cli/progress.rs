//! What is under way, on a terminal only, redrawn at most once a second from a thread of its own:
//! drawing inside the timed loop would be measured.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::{round_line, say, warn};
use crate::measure::supervisor::Control;
use crate::record::Warning;
use crate::run::{Observer, RoundReport};
use crate::visible::one_line;

const REDRAW: Duration = Duration::from_secs(1);

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

    fn on_round(&self, report: &RoundReport<'_>, figures: &str) {
        self.say(&round_line::of(report, figures));
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
