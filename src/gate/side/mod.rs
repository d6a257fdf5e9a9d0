//! A side of a comparison: from its words to a commit, the program built from it, and its fixtures.

mod builder;
mod cargo;
mod inputs;
mod words;

pub use builder::{Binary, Builder, Stamp};
pub(in crate::gate) use inputs::{POLICY, PUBLISHED};
pub use inputs::{changed_in_use, changed_inputs, goldens_at, inputs_sha256};
pub use words::{NamedSource, SideWords};
