//! The supervisor's side: fresh worker processes, each with a limit on every word, and none left
//! behind.

mod conversation;
mod error_output;
mod exit_reason;
mod facts;
mod limits;
mod link;
mod process;
mod resolving;
#[cfg(any(test, feature = "scripted"))]
mod scripted;
mod session;
mod warm_load;
mod worker_run;

pub use conversation::Conversation;
pub(in crate::measure) use error_output::ErrorOutput;
pub use exit_reason::{Exit, ExitReason};
pub use facts::{PhaseMemory, ProcessFacts, Purpose};
pub use limits::{Awaited, Limits};
pub use link::{Link, Received};
pub use process::{WorkerProcess, WorkerProgram};
pub use resolving::resolve_device;
#[cfg(any(test, feature = "scripted"))]
pub use scripted::ScriptedWorker;
pub use session::{Aim, Control, Job, ProcessObserver, Session, Start};
pub use warm_load::{DifferingAnswer, WarmLoad};
