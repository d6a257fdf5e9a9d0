//! What was decided of a record, and why: the words that a gate acts on, in a form that can be stored.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use crate::measure::Metric;

/// A decision. It is a function of a record, a policy and the moment at which it was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// When it was judged, UTC: waivers expire.
    pub judged_utc: String,
    /// The word.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
    /// What a pull request's check shows.
    pub status: Status,
    /// Every rule that was looked at, in the order of their weight.
    pub checks: Vec<CheckRecord>,
    /// Every comparison, mean time per output token first.
    pub comparisons: Vec<ComparisonRecord>,
    /// How small a change these pairs could have seen; None where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<SensitivityRecord>,
}

/// What it comes to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No change that matters.
    Pass,
    /// Better, and nothing worse.
    Improved,
    /// Worse.
    Regressed,
    /// Better in one thing, worse in another.
    Mixed,
    /// The pairs do not decide, or the head changed what it would be judged by.
    Inconclusive,
    /// The machine was not in a state in which a number could be trusted.
    InvalidEnvironment,
    /// The output is wrong: there is no speed.
    WrongOutput,
}

impl Verdict {
    /// Every word.
    pub const ALL: [Self; 7] = *Self::VARIANTS.as_array().unwrap();

    /// As it is serialised.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// As it is shown.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::WrongOutput => "wrong output",
            Self::InvalidEnvironment => "invalid environment",
            other => other.as_str(),
        }
    }
}

/// What a pull request's check shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Green.
    Green,
    /// Green, with a warning to be read.
    GreenWithWarning,
    /// Red.
    Red,
}

impl Status {
    /// As it is serialised.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A rule and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// Which rule: as in "goldens", "inputs", "guards", "noise", "speed", "published-anchor".
    pub id: String,
    /// Whether it holds.
    pub result: CheckResult,
    /// Why, with the values.
    pub reason: String,
}

/// Whether a rule holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum CheckResult {
    /// It holds.
    Holds,
    /// It does not, and that is said, not acted upon.
    Warns,
    /// It does not.
    Fails,
    /// It could not be or is not to be judged here.
    NotJudged,
}

impl CheckResult {
    /// As it is serialised.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One value of the head as a multiple of the base's, with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparisonRecord {
    /// By which definition.
    pub metric: Metric,
    /// The prompt; None for the mean over all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Pairs that count.
    pub pairs: usize,
    /// Geometric mean of head / base.
    pub ratio: f64,
    /// Lower bound of the interval.
    pub lower: f64,
    /// Upper bound of the interval.
    pub upper: f64,
    /// What the comparison shows.
    pub result: ComparisonResult,
    /// Why, in words.
    pub reason: String,
}

/// What a comparison shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum ComparisonResult {
    /// Worse by more than matters.
    Regressed,
    /// Better.
    Improved,
    /// No change that matters.
    Unchanged,
    /// The pairs do not decide.
    Undecided,
    /// Worse, and accepted until a date.
    Waived,
}

impl ComparisonResult {
    /// As it is serialised.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What the pairs could and could not have seen, percent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SensitivityRecord {
    /// Pairs that count.
    pub pairs: usize,
    /// Standard deviation of a pair's ratio, percent.
    pub pair_sd_percent: f64,
    /// The smallest slow-down that pairs of this spread find in four of five sessions, percent.
    pub smallest_seen_percent: f64,
    /// Slow-downs from here on are excluded, percent.
    pub excluded_from_percent: f64,
}
