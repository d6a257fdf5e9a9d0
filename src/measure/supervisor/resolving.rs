//! Asks a worker what would run where, and lets nothing be loaded.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::measure::protocol::{Command, DeviceResolvedEvent, Event, LoadCommand};
use crate::measure::supervisor::conversation::Conversation;
use crate::measure::supervisor::exit_reason::ExitReason;
use crate::measure::supervisor::limits::{Awaited, Limits};
use crate::measure::supervisor::link::Link;

/// What a worker settles on for this load: runtime, device and properties. The worker is ended before it has
/// compiled anything.
///
/// # Errors
/// How the worker ended, where it did not come so far.
pub fn resolve_device(
    link: Box<dyn Link>,
    load: &LoadCommand,
    limits: Limits,
    stop: &Arc<AtomicBool>,
) -> Result<DeviceResolvedEvent, ExitReason> {
    let mut conversation = Conversation::new(link, limits, Arc::clone(stop));
    conversation.handshake()?;
    conversation.send(&Command::Load(load.clone()));
    match conversation.next(Awaited::DeviceResolved)? {
        Event::DeviceResolved(resolved) => {
            conversation.end_as(ExitReason::Done);
            Ok(resolved)
        }
        other => Err(conversation.unexpected(&other, Awaited::DeviceResolved)),
    }
}
