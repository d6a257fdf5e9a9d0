//! Asks a worker what would run where, and lets nothing be loaded.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::measure::protocol::{Command, Event, LoadCommand, SettledEvent};
use crate::measure::supervisor::conversation::Conversation;
use crate::measure::supervisor::ending::Ending;
use crate::measure::supervisor::limits::{Awaited, Limits};
use crate::measure::supervisor::link::Link;

/// What a worker settles on for this load: runtime, device and properties. The worker is ended before it has
/// compiled anything.
///
/// # Errors
/// How the worker ended, where it did not come so far.
pub fn ask_what_will_run(
    link: Box<dyn Link>,
    load: &LoadCommand,
    limits: Limits,
    stop: &Arc<AtomicBool>,
) -> Result<SettledEvent, Ending> {
    let mut conversation = Conversation::new(link, limits, Arc::clone(stop));
    conversation.hello()?;
    conversation.send(&Command::Load(load.clone()));
    match conversation.next(Awaited::Settled)? {
        Event::Settled(settled) => {
            conversation.end_as(Ending::Done);
            Ok(settled)
        }
        other => Err(conversation.unexpected(&other, Awaited::Settled)),
    }
}
