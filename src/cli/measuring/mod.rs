//! What verbs that measure have in common: which program runs as a worker, under which limits, and what it loads.

mod interruption;
mod load_command;
mod lock;
mod requested;
mod supervision;

pub(super) use interruption::stoppable;
pub(super) use load_command::load_command;
pub(super) use lock::LockFlags;
pub(super) use requested::requested_prompts;
pub(super) use supervision::{SupervisionArgs, own_program};
