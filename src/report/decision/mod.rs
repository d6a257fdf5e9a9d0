//! A decision in every form: on a terminal, in a pull request, for programs and for a CI.
//!
//! Every form is a pure function of what was measured and what was decided of it.

mod document;
mod github;
mod json;
mod junit;
mod mark;
mod pair_lines;
mod subject;
mod title;
mod words;

pub(in crate::report) use document::{add_decision, divergence, interrupted_after};
pub use document::{decision_document, decision_markdown};
pub use github::github_annotations;
pub use json::decision_json;
pub use junit::decision_junit;
pub(in crate::report) use junit::decision_suite;
pub use mark::Mark;
pub use pair_lines::pair_lines;
pub use subject::{PairLine, Subject};
pub use title::title;
pub(in crate::report) use words::with_warning;
