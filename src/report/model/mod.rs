//! Models on this machine: which there are, whether one is whole, and what it is made of.

mod description;
mod list;
mod made_by;
mod verification;

pub use description::{model_description, model_description_json};
pub use list::{ListedModel, ModelState, model_list};
pub use verification::verification;
