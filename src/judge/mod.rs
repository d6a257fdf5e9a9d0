//! What it means: statistics of records, and their standing against the published reference.
//!
//! Pure: records in, values and verdicts out. No files, no clock, no engine.

pub mod bisect;
pub mod change_point;
pub mod comparability;
mod depth;
pub mod environment;
pub mod first_light;
mod imported;
pub mod kv;
mod machine_state;
mod pairs;
pub mod peers;
pub mod policy;
mod preflight;
mod profile;
pub mod sequential;
pub mod soak;
mod statistics;
mod summary;
mod validity;

pub use depth::{CostLine, DepthCost, DepthGrowth, LINE_TOLERANCE, depth_growth};
pub use imported::{ImportedAverage, imported_averages, imported_warm_ups};
pub use machine_state::{
    Pace, RAMP_SHARE, Ramps, Roofline, RooflineFacts, bandwidth_change, bandwidth_changed, energy_per_token,
    ramps, roofline, roofline_of,
};
pub use pairs::{
    PairValues, PromptDifference, RoundProcess, invalidated_by, mean_ln, mean_tpot_ln, pair_values,
    prompt_differences,
};
pub use preflight::{Advice, preflight};
pub use profile::{OperatorChange, ProfileChange};
pub use statistics::{
    MEAN_CONFIDENCE_PERCENT, MeanInterval, Spread, holm_rejects, interval_at, p_value_above,
};
pub use summary::{MeanValues, PromptSummary, PromptValue, Summary, prompt_values, summarise};
pub use validity::{
    NO_VALID_ROUND, Standing, Validity, check_shows_published_model, invalid_round_reason,
    invalidating_findings, no_reference_reason, standing, tripped_guards,
};
