//! A decision in every form: on a terminal, in a pull request, for programs and for a CI.
//!
//! Every form is a pure function of what was measured and what was decided of it.

mod document;
mod json;
mod subject;
mod words;

pub use crate::report::junit::decision_junit;
pub(in crate::report) use document::{add_decision, add_reasons, divergence, guard_of, interrupted_after};
pub use document::{decision_document, decision_markdown, github_annotations};
pub use json::decision_json;
pub use subject::{PairLine, Subject, pair_lines};
pub use words::title;
pub(in crate::report) use words::{standing, with_warning};
