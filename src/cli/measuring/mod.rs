//! What verbs that measure have in common: which program runs as a worker and under which limits, what is
//! done around each process, and what is known of a run before it begins.

mod asked;
mod attendant;
mod environment;
mod identity;
mod in_turns;
mod interruption;
mod load_command;
mod lock;
mod supervision;
mod surroundings;

pub(super) use asked::{asked_prompts, planned};
pub(super) use attendant::StandBy;
pub(super) use environment::warnings;
pub(super) use identity::Identity;
pub(super) use in_turns::InTurns;
pub(super) use interruption::stoppable;
pub(super) use load_command::load_command;
pub(super) use lock::LockFlags;
pub(super) use supervision::{SupervisionArgs, own_program};
pub(super) use surroundings::Around;
