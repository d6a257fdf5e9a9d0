//! Whoever waits for a fetch: a line that is redrawn on a terminal, else a line when a file begins and ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::loading::announce_hashing;
use crate::cli::measuring::stoppable;
use crate::cli::say;
use crate::error::Result;
use crate::measure::supervisor::Control;
use crate::record::hub::{Attendant, Event};
use crate::report::file_size;

/// How often it is looked whether Ctrl-C was pressed.
const LISTEN: Duration = Duration::from_millis(100);
const LINE: &str = "{prefix}  {decimal_bytes} of {decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left";

/// Tells what is under way, and stops it by Ctrl-C; a second one ends the process at once.
pub(super) struct Waiting {
    control: Arc<Control>,
    bar: ProgressBar,
}

impl Waiting {
    /// Begins to listen for Ctrl-C.
    pub(super) fn start() -> Result<Self> {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(2));
        if let Ok(style) = ProgressStyle::with_template(LINE) {
            bar.set_style(style);
        }
        Ok(Self { control: stoppable()?, bar })
    }

    /// Ends the line that is redrawn.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| say(line));
    }
}

impl Attendant for Waiting {
    fn goes_on(&mut self) -> bool {
        !self.control.stop.load(Ordering::Relaxed)
    }

    fn pause(&mut self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        while self.goes_on() && Instant::now() < end {
            thread::sleep(LISTEN.min(end.saturating_duration_since(Instant::now())));
        }
        self.goes_on()
    }

    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::WaitsForAnother => self.say("another fetch into this folder is under way; waiting for it"),
            Event::Hashing { name, size_bytes } => self.bar.suspend(|| announce_hashing(name, size_bytes)),
            Event::Room { missing_bytes: 0, .. } => {}
            Event::Room { folder, missing_bytes, free_bytes } => {
                let free = free_bytes.map_or("?".to_owned(), file_size);
                let missing = file_size(missing_bytes);
                self.say(&format!("{missing} to fetch into `{}`, where {free} are free", folder.display()));
            }
            Event::Begins { name, size_bytes, there_bytes } => {
                self.bar.set_prefix(name.to_owned());
                self.bar.set_length(size_bytes);
                self.bar.set_position(there_bytes);
                // What was there already has not come at this speed.
                self.bar.reset_eta();
                self.bar.reset_elapsed();
                let resumed = match there_bytes {
                    0 => String::new(),
                    there => format!(", {} of it there already", file_size(there)),
                };
                if self.bar.is_hidden() {
                    say(&format!("fetching {name} ({}{resumed})", file_size(size_bytes)));
                }
            }
            Event::Received { there_bytes } => self.bar.set_position(there_bytes),
            Event::BeginsAnew { because } => self.say(&format!("begins anew: {because}")),
            Event::Finished { name } => self.say(&format!("fetched {name}")),
            Event::Waits { because, pause } => {
                self.say(&format!("{because}; trying again in {} s", pause.as_secs()));
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.finish();
    }
}
