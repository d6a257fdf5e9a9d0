//! Signals as flags.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

/// Sets a flag by Ctrl-C and by a request to end; where it is set, the next one ends this process with this code.
///
/// # Errors
/// When the system refuses.
pub fn stop_by_signal(stop: &Arc<AtomicBool>, code: u8) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, i32::from(code), Arc::clone(stop))?;
        flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}

/// Lets a request to end pass by.
pub fn ignore_termination() {
    let _ = flag::register(SIGTERM, Arc::default());
}

/// A file that may grow no more is an error of the write, not the end of the process.
pub fn survive_large_files() {
    let _ = flag::register(SIGXFSZ, Arc::default());
}
