//! What a worker, or cargo, writes: passed on to stderr up to a limit, and beyond it only the end.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::visible;

/// What is passed on as it comes, bytes.
const PASSED_ON_BYTES: usize = 256 << 10;
/// What is kept of the rest, bytes: the last lines explain a crash.
const TAIL_BYTES: usize = 16 << 10;
/// Read at once, bytes.
const CHUNK_BYTES: usize = 64 << 10;
/// A longer line is passed on in pieces, bytes.
const LONGEST_LINE_BYTES: usize = 8 << 10;

/// The stderr of a worker, or what cargo prints, read by a thread of its own.
pub(in crate::measure) struct ErrorOutput {
    ended: Receiver<()>,
}

impl ErrorOutput {
    /// Passes on what comes from the pipe.
    pub(super) fn pass_on(pipe: impl Read + Send + 'static) -> Self {
        Self::pass_on_to(pipe, std::io::stderr())
    }

    /// Passes it on to `out`.
    pub(in crate::measure) fn pass_on_to(
        pipe: impl Read + Send + 'static,
        out: impl Write + Send + 'static,
    ) -> Self {
        let (sender, ended) = mpsc::channel::<()>();
        thread::spawn(move || {
            copy(pipe, out);
            drop(sender);
        });
        Self { ended }
    }

    /// Waits, at most this long, until everything was passed on.
    pub(in crate::measure) fn wait(&self, patience: Duration) {
        let _ = self.ended.recv_timeout(patience);
    }
}

/// A reader of ours that is gone is no reason to stop the worker: what it writes is still read.
fn copy(pipe: impl Read, mut out: impl Write) {
    let mut pipe = BufReader::with_capacity(CHUNK_BYTES, pipe);
    let mut room = PASSED_ON_BYTES;
    while room > 0 {
        let mut line = Vec::new();
        let longest = LONGEST_LINE_BYTES.min(room) as u64;
        match pipe.by_ref().take(longest).read_until(b'\n', &mut line) {
            Ok(read) if read > 0 => room -= read,
            _ => return,
        }
        pass_on(&line, &mut out);
    }
    let mut tail: VecDeque<u8> = VecDeque::with_capacity(TAIL_BYTES + CHUNK_BYTES);
    let mut dropped = 0_u64;
    loop {
        let chunk = match pipe.fill_buf() {
            Ok([]) => break,
            Ok(chunk) => chunk,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let read = chunk.len();
        tail.extend(chunk);
        pipe.consume(read);
        let surplus = tail.len().saturating_sub(TAIL_BYTES);
        tail.drain(..surplus);
        dropped += surplus as u64;
    }
    if dropped > 0 {
        let _ = writeln!(out, "\n[{dropped} bytes of this output are not shown]");
    }
    pass_on(tail.make_contiguous(), &mut out);
}

/// It is text of others.
fn pass_on(bytes: &[u8], out: &mut impl Write) {
    let text = visible::lines(&String::from_utf8_lossy(bytes));
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use std::io::{self, Cursor};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Terminal(Arc<Mutex<Vec<u8>>>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn shown(written: impl Read + Send + 'static) -> String {
        let terminal = Terminal::default();
        ErrorOutput::pass_on_to(written, terminal.clone()).wait(Duration::from_mins(1));
        String::from_utf8(terminal.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn stderr_of_usual_length_is_passed_on_whole() {
        assert_eq!(shown(Cursor::new("a warning\n")), "a warning\n");
        assert_eq!(
            shown(Cursor::new("\x1b[2J\u{202e}\n::error::x\nend")),
            "\\u{1b}[2J\\u{202e}\n: :error::x\nend"
        );
        let long = "x".repeat(PASSED_ON_BYTES + TAIL_BYTES);
        assert_eq!(shown(Cursor::new(long.clone())), long);
    }

    #[test]
    fn of_stderr_without_end_the_beginning_and_the_end_are_shown_and_how_much_is_not() {
        let flood = io::repeat(b'y').take(64 << 20);
        let text =
            shown(Cursor::new("the first words\n").chain(flood).chain(Cursor::new("\nthe last words\n")));
        assert!(text.starts_with("the first words\nyyy") && text.ends_with("yyy\nthe last words\n"));
        assert!(text.len() < 300_000, "{} bytes are shown", text.len());
        let dropped = (64 << 20) + 32 - PASSED_ON_BYTES - TAIL_BYTES;
        assert!(text.contains(&format!("\n[{dropped} bytes of this output are not shown]\n")));
    }
}
