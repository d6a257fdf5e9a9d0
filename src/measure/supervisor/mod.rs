//! The supervisor's side: fresh worker processes, each with a limit on every word, and none left
//! behind.

mod attend;
mod conversation;
mod ending;
mod error_output;
mod facts;
mod limits;
mod link;
mod process;
mod scripted;
mod session;
mod settling;
mod warm_load;

pub use conversation::Conversation;
pub use ending::{Ending, Exit};
pub use facts::{PhaseMemory, ProcessFacts, Purpose};
pub use limits::{Awaited, Limits};
pub use link::{Link, Received};
pub use process::{WorkerProcess, WorkerProgram};
pub use scripted::ScriptedWorker;
pub use session::{Aim, Attendant, Control, Job, Session, Start, supervise};
pub use settling::ask_what_will_run;
pub use warm_load::{DifferingAnswer, WarmLoad};
