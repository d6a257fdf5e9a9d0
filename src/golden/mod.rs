//! What the answer must be: fixtures of token ids, and the check of every generation against them.

mod check;
mod drift;
mod fixture;
mod probe;
mod repetition;

pub use check::{Divergence, Expected, Finding, GoldenResult, Question, drift, judge};
pub use drift::{
    DistributionDrift, DistributionLimit, DriftReference, DriftText, GROUP_SIZE, TextDrift, check_group_size,
};
pub use fixture::{Conditions, Golden, GoldenOrigin, GoldenSet, Tolerance, conditions};
pub use probe::{DriftLimit, LogitDrift, Probe, ProbeOrigin, ProbeTokens};
pub use repetition::Repetition;
