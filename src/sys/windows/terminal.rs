//! The console that shows stdout or stderr.

use std::os::windows::io::{AsHandle, AsRawHandle as _};

use windows_sys::Win32::System::Console::{CONSOLE_SCREEN_BUFFER_INFO, GetConsoleScreenBufferInfo};

/// How many columns it has; None where the stream is no console.
pub fn columns(stream: impl AsHandle) -> Option<usize> {
    let mut console = CONSOLE_SCREEN_BUFFER_INFO::default();
    // SAFETY: the handle is open, and the structure is written to where it points.
    let is_console =
        unsafe { GetConsoleScreenBufferInfo(stream.as_handle().as_raw_handle(), &raw mut console) };
    let columns = i32::from(console.srWindow.Right) - i32::from(console.srWindow.Left) + 1;
    usize::try_from(columns).ok().filter(|columns| is_console != 0 && *columns > 0)
}
