//! A side of a comparison: from its words to a commit, the program built from it, and its fixtures.

mod builder;
mod cargo;
mod inputs;
mod words;

pub use builder::{Binary, Builder, Stamp};
pub use inputs::{ChangedInputs, Inputs, changed_in_use, goldens_at};
pub use words::{NamedSource, SideWords};
