//! What continuous integration needs on a forge: which head is to be judged and whether it may be; the verdict
//! as it leaves the runner; and, on another machine, whether that verdict can be verified, and how it is reported.
//!
//! ```text
//! event -> candidate -> resolved -> (A/B, gate) -> artifact ... artifact -> verified -> notice -> forge
//! ------------------- on the runner -----------------------    ------------ on a hosted one ----------
//! ```
//!
//! Everything that comes from a pull request is text of others: names, titles, and the artifact as a whole.
//! None of this has run on GitHub itself; payloads and answers are those of its documentation.

mod artifact;
mod event;
mod forge;
mod label;
mod notice;
mod publish;
mod verify;
mod workflow_run;

pub use artifact::{GateEnd, JudgedArtifact, VERDICT_FILE, VerdictArtifact};
pub use event::{Candidate, GateEvent, Resolved, candidate_of};
pub use forge::{Forge, GhProgram, Method};
pub use label::{Admitted, admit};
pub use notice::{CommitStatus, State};
pub use publish::{Published, Request, publish};
