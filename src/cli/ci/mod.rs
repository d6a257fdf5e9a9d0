//! `ci`: what the workflows call, so that their logic is here and can be tested without a forge.

mod admit;
mod event;
mod measure;
mod publish;
mod verdict;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::error::Result;

/// Flags of `ci`.
#[derive(Debug, Args)]
pub(super) struct CiArgs {
    #[command(subcommand)]
    verb: CiVerb,
}

#[derive(Debug, Subcommand)]
enum CiVerb {
    /// Tell which head is to be measured against what, as JSON, and fetch it; exit 2 where it may not be
    Resolve(event::EventFlags),
    /// Measure the head of the event against where it branched off, and write the verdict
    Measure(Box<measure::MeasureArgs>),
    /// Write the verdict from what is stored, where `measure` could not; exits as the gate does
    Verdict(verdict::VerdictArgs),
    /// Check the verdict that a run left as a stranger's, then set the status and edit the comment
    Publish(publish::PublishArgs),
    /// Dispatch the gate for the head of a pull request that a maintainer labelled `arc-gate`
    Admit(event::PayloadFlag),
}

/// Runs it.
pub(super) fn ci(args: &CiArgs) -> Result<ExitCode> {
    match &args.verb {
        CiVerb::Resolve(flags) => event::resolve(flags),
        CiVerb::Measure(args) => measure::measure(args),
        CiVerb::Verdict(args) => verdict::verdict(args),
        CiVerb::Publish(args) => publish::publish(args),
        CiVerb::Admit(flag) => admit::admit(flag),
    }
}
