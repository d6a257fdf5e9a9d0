//! A decision as it is told: on a terminal, in a pull request, to programs and to a CI.
//!
//! Every form is a pure function of what was measured and what was decided of it. Branches, subjects,
//! names and reasons are text of others: each form writes them so that they stay text.

mod form;
mod github;
mod headline;
mod json;
mod junit;
mod mark;
pub mod markdown;
mod pair_lines;
mod parts;
mod subject;
mod text;
mod words;

pub use github::github_annotations;
pub use headline::headline;
pub use json::decision_json;
pub use junit::decision_junit;
pub(in crate::report) use junit::decision_suite;
pub use mark::Mark;
pub use markdown::decision_markdown;
pub use pair_lines::pair_lines;
pub use parts::{CheckRow, ComparisonRow, DecisionParts, decision_parts};
pub use subject::{PairLine, Subject};
pub use text::{ab_text, decision_text};
pub(in crate::report) use text::{interrupted_after, interrupted_after_pairs};
