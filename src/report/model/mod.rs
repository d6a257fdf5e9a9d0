//! Models on this machine: which there are, and whether one is whole.

mod list;
mod verification;

pub use list::{ListedModel, ModelState, model_list};
pub use verification::verification;
