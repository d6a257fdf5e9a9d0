//! Ctrl-C.

use std::sync::Arc;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::cli::exit_code;
use crate::error::{Error, Result};
use crate::measure::supervisor::Control;

/// A control that Ctrl-C stops; a second one ends the process at once.
pub(in crate::cli) fn stoppable() -> Result<Arc<Control>> {
    let control = Arc::new(Control::default());
    for signal in [SIGINT, SIGTERM] {
        let code = i32::from(exit_code::INTERRUPTED);
        flag::register_conditional_shutdown(signal, code, Arc::clone(&control.stop))
            .and_then(|_| flag::register(signal, Arc::clone(&control.stop)))
            .map_err(|cause| Error::harness(format!("cannot listen for Ctrl-C: {cause}")))?;
    }
    Ok(control)
}
