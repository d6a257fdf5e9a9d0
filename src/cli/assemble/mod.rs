//! Puts a run record together from what was found, measured and judged.

mod cost;
mod drift;
mod in_turns;
mod outcome;
mod prompts;
mod proof;
mod record;

use crate::measure::protocol::LoadedEvent;
use crate::measure::supervisor::Session;

pub(super) use drift::{drift_record, drift_warning, epsilon_logit, epsilon_logit_here};
pub(super) use in_turns::{BesideTurns, RunInTurns, run_in_turns};
pub(super) use outcome::{Judging, fill_in, slept};
pub(super) use prompts::{golden_warnings, prompt_records};
pub(super) use proof::prove;
pub(super) use record::{Measured, record, warnings};

/// What the first process that came so far has loaded.
fn loaded(session: &Session) -> Option<&LoadedEvent> {
    session.processes.iter().find_map(|process| process.loaded.as_ref())
}
