//! What a worker has to tell. Tokens are kept back and reported once a second by a thread: writing a line
//! for each would cost as much as all else that the host does for a token.

use std::io::Write;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::measure::generation::KnownToken;
use crate::measure::protocol::{Event, TokensEvent};

/// How often tokens are reported; a heartbeat for whoever waits.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// A worker's mouth.
pub(super) struct Outbox {
    shared: Arc<Shared>,
    flusher: Option<JoinHandle<()>>,
}

struct Shared {
    out: Mutex<Box<dyn Write + Send>>,
    pending: Mutex<TokensEvent>,
    closed: AtomicBool,
}

impl Outbox {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Self {
        let shared = Arc::new(Shared {
            out: Mutex::new(out),
            pending: Mutex::new(TokensEvent::default()),
            closed: AtomicBool::new(false),
        });
        let flusher = Arc::clone(&shared);
        let flusher = thread::spawn(move || {
            while !flusher.closed.load(Ordering::Relaxed) {
                thread::park_timeout(FLUSH_EVERY);
                // A supervisor that has gone is noticed by the main thread's next word.
                let _ = flusher.flush();
            }
        });
        Self { shared, flusher: Some(flusher) }
    }

    /// Makes room for the tokens of a generation, so that noting one allocates nothing.
    pub(super) fn expect_tokens(&self, tokens: usize) {
        let mut pending = lock(&self.shared.pending);
        pending.ids.reserve(tokens);
        pending.known_ns.reserve(tokens);
        pending.infer_ns.reserve(tokens);
    }

    /// Notes a token, to be reported within a second. Stands in the timed loop.
    pub(super) fn note(&self, token: KnownToken) {
        let mut pending = lock(&self.shared.pending);
        pending.ids.push(token.id);
        pending.known_ns.push(token.known_ns);
        pending.infer_ns.push(token.infer_ns);
    }

    /// Tells an event at once, and before it the tokens that were noted.
    pub(super) fn report(&self, event: &Event) -> Result<()> {
        self.shared.flush()?;
        self.shared.write(event)
    }
}

impl Shared {
    fn flush(&self) -> Result<()> {
        // Held while writing, so that no later token overtakes an earlier one.
        let mut out = lock(&self.out);
        let tokens = {
            let mut pending = lock(&self.pending);
            let room = pending.ids.capacity() - pending.ids.len();
            let reported = mem::take(&mut *pending);
            // The rest of the generation finds the room that it was promised.
            pending.ids.reserve_exact(room);
            pending.known_ns.reserve_exact(room);
            pending.infer_ns.reserve_exact(room);
            reported
        };
        if tokens.ids.is_empty() {
            return Ok(());
        }
        write_line(&mut **out, &Event::Tokens(tokens))
    }

    fn write(&self, event: &Event) -> Result<()> {
        write_line(&mut **lock(&self.out), event)
    }
}

fn write_line(out: &mut dyn Write, event: &Event) -> Result<()> {
    let failed = |cause: String| Error::harness(format!("the supervisor cannot be told: {cause}"));
    let mut line = serde_json::to_vec(event).map_err(|cause| failed(cause.to_string()))?;
    line.push(b'\n');
    out.write_all(&line).and_then(|()| out.flush()).map_err(|cause| failed(cause.to_string()))
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking thread leaves here is whole tokens or none.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        if let Some(flusher) = self.flusher.take() {
            flusher.thread().unpark();
            let _ = flusher.join();
        }
    }
}
