//! A side of a comparison: from its words to a commit, the program built from it, and its fixtures.

mod inputs;
mod words;

pub use inputs::{ChangedInputs, Inputs};
pub use words::{NamedSource, SideWords};
