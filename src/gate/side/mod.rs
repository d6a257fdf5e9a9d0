//! A side of a comparison: from its words to a commit, the program built from it, and its fixtures.

mod binaries;
mod builder;
mod cargo;
mod environment;
mod inputs;
mod words;

pub use binaries::{Binary, Stamp};
pub use builder::Builder;
pub use inputs::{ChangedInputs, Inputs, changed_in_use, goldens_at};
pub use words::{NamedSource, SideWords};
