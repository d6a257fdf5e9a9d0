//! `ci admit`: a maintainer's label becomes a dispatch.

use std::process::ExitCode;

use crate::cli::ci::event::PayloadFlag;
use crate::cli::{exit_code, say};
use crate::error::Result;
use crate::gate::ci::{GhProgram, admit as admit_label};

/// Dispatches the gate where the label is a word.
pub(super) fn admit(flag: &PayloadFlag) -> Result<ExitCode> {
    match admit_label(&flag.read()?, &mut GhProgram)? {
        Some(admitted) => say(&format!(
            "the gate was dispatched for {} of pull request #{}, on the word of {}",
            admitted.head, admitted.pull_request, admitted.by
        )),
        None => say("this label is no word for the gate: nothing was done"),
    }
    Ok(ExitCode::from(exit_code::PASS))
}
