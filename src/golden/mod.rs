//! What the answer must be: fixtures of token ids, and the check of every generation against them.

mod check;
mod fixture;

pub use check::{Divergence, Finding, GoldenResult, Question, drift, judge};
pub use fixture::{Golden, GoldenOrigin, GoldenSet, Tolerance};
