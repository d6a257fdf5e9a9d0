//! From a view to a page: templates that escape what they are given, and a policy that lets nothing run but
//! what is named by its hash.

mod inline;
mod shell;
mod templates;

pub use inline::json_block;
pub use shell::{PageKind, Shell, Site};
pub use templates::{Parts, Renderer};
