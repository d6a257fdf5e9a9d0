//! Records shared on a branch of their own.
//!
//! They travel through a bare repository in the cache folder, by objects alone: nothing is checked out,
//! and the user's index, branches and work tree are never touched. Nothing is ever forced: who comes late
//! adds to what came first.

mod git;
mod pull;
mod push;
mod relay;
mod tip;

pub(in crate::record) use git::{git, reported};
pub use pull::Pulled;
pub use push::Pushed;
pub use relay::Relay;
