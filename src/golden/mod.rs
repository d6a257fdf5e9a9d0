//! What the answer must be: fixtures of token ids, and the check of every generation against them.

mod check;
mod fixture;
mod known_answer;
mod logit_drift;
mod probe;

pub use check::{Divergence, Finding, GoldenResult, Question, drift, judge};
pub use fixture::{Golden, GoldenOrigin, GoldenSet, Tolerance};
pub use known_answer::Expected;
pub use logit_drift::LogitDrift;
pub use probe::{DriftLimit, Probe, ProbeOrigin, ProbeTokens};
