//! What a supervisor and its worker say to each other: a JSON object a line, commands on the
//! worker's stdin, events on its stdout.
//!
//! ```text
//! worker                                supervisor
//! hello {protocol, worker}          ->
//!                                   <-  load {runtime, model, device, properties}
//! resolved {device, cache}           ->
//! loaded {times, what runs}         ->
//!                                   <-  generate {token_ids, new_tokens, split_phases}
//! ready                             ->
//!                                   <-  acknowledge
//! tokens {ids, times} once a second ->
//! phase-ended {prefill}             ->      only with split_phases, never in a timed generation
//!                                   <-  acknowledge
//! phase-ended {decode}              ->      likewise, after the last token
//!                                   <-  acknowledge
//! generated {t0}                    ->
//!                                   <-  read-cache {all_states}       after the memory was read
//! cache {tokens}                    ->
//!                                   <-  replay {token_ids, path}
//! replayed {choices}                ->
//!                                   <-  finish
//! done                              ->
//! ```
//!
//! While the worker waits for a command or an acknowledgement nothing is timed, so that the
//! supervisor can read `/proc/PID`. `failed` may stand in place of any event and ends the worker.
//! Times are `CLOCK_MONOTONIC`, ns, which all processes of a machine share. Lines that are no event
//! are a library's talk. A field that one side does not know is left alone; a change that the other
//! side must know raises the version, and a supervisor understands every version that was released.

mod command;
mod event;

pub use command::{Command, GenerateCommand, LoadCommand, ReadCacheCommand, ReplayCommand, ReplayPath};
pub use event::{
    CacheEvent, CacheState, DeviceResolvedEvent, Event, Failed, GeneratedEvent, Handshake, InferSpan,
    KvBytesSource, KvCache, LoadedEvent, Phase, ReplayedEvent, TokensEvent,
};

/// The version that is spoken.
pub const PROTOCOL_VERSION: u32 = 3;
/// The versions that are understood: all that were released.
pub const UNDERSTOOD_VERSIONS: [u32; 3] = [1, 2, 3];
/// From this version on, a replay is called so.
pub(super) const REPLAY_SINCE: u32 = 3;
