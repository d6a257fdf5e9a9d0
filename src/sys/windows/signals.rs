//! Events of the console.

use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;
use windows_sys::core::BOOL;

/// What an event sets, and the code with which the next one ends this process: the system gives a handler nothing of its
/// own.
static STOPS: Mutex<Vec<(Arc<AtomicBool>, u8)>> = Mutex::new(Vec::new());

/// Sets a flag by Ctrl-C, Ctrl-Break and the end of the session; where it is set, the next one ends this process with this
/// code.
///
/// # Errors
/// When the system refuses.
pub fn stop_by_signal(stop: &Arc<AtomicBool>, code: u8) -> io::Result<()> {
    let mut stops = STOPS.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: the handler is a function of this program, which takes any event.
    if stops.is_empty() && unsafe { SetConsoleCtrlHandler(Some(on_event), 1) } == 0 {
        return Err(io::Error::last_os_error());
    }
    stops.push((Arc::clone(stop), code));
    Ok(())
}

/// Runs in a thread that the system makes for it.
unsafe extern "system" fn on_event(_event: u32) -> BOOL {
    for (stop, code) in STOPS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        if stop.swap(true, Ordering::Relaxed) {
            process::exit(i32::from(*code));
        }
    }
    1
}

/// There is no such request here.
pub fn ignore_termination() {}

/// A file that may grow no more is an error of the write already.
pub fn survive_large_files() {}
