//! The worker's side: one fresh process that loads once and answers commands until it is told to end.

mod openvino_loader;
mod outbox;
mod serve;

use std::fs::File;
use std::io::{self, stderr, stdout};

use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::stdio::dup2_stdout;

use crate::error::{Error, Result};

pub use openvino_loader::OpenVinoLoader;
pub use serve::{Brought, Loader, Model, serve};

/// The pipe to the supervisor, for the protocol alone. What a library prints from now on goes to stderr:
/// half a line of it on the pipe would swallow an event.
///
/// # Errors
/// When the system has no file descriptor to give.
pub fn stdout_of_its_own() -> Result<File> {
    let failed = |cause: io::Error| Error::harness(format!("the worker cannot keep its pipe: {cause}"));
    let own = rustix::io::dup(stdout()).map_err(|cause| failed(cause.into()))?;
    dup2_stdout(stderr()).map_err(|cause| failed(cause.into()))?;
    Ok(File::from(own))
}

/// Lets the system end this process when its supervisor ends, however that does. A supervisor that has
/// gone before is noticed by its pipe.
pub fn end_with_supervisor() {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
}

#[cfg(test)]
mod tests;
