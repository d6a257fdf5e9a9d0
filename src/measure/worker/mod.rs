//! The worker's side: one fresh process that loads once and answers commands until it is told to end.

mod openvino_loader;
mod outbox;
mod serve;

use rustix::process::{Signal, set_parent_process_death_signal};

pub use openvino_loader::OpenVinoLoader;
pub use serve::{Brought, Loader, Model, serve};

/// Lets the system end this process when its supervisor ends, however that does. A supervisor that has
/// gone before is noticed by its pipe.
pub fn end_with_supervisor() {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
}
