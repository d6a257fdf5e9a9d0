//! The terminal that reads stdout or stderr.

use std::os::fd::AsFd;

/// How many columns it has; None where the stream is no terminal.
pub fn columns(stream: impl AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}
