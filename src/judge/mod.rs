//! What it means: statistics of records, and their standing against the published reference.
//!
//! Pure: records in, figures and verdicts out. No files, no clock, no engine.

pub mod change_point;
pub mod comparability;
pub mod environment;
pub mod first_light;
mod foreign;
mod holm;
mod machine_state;
mod mean_interval;
mod pairs;
pub mod peers;
pub mod policy;
mod preflight;
mod prompt_figure;
mod published;
mod roofline;
mod round;
pub mod sequential;
mod spread;
mod steady_state;
mod student;
mod summary;
mod validity;

pub use foreign::{ForeignAverage, foreign_averages, foreign_warm_ups};
pub use holm::{holm_rejects, interval_at, p_value_above};
pub use machine_state::{Ramps, bandwidth_change, energy_per_token, ramps, roofline_of};
pub use mean_interval::{MEAN_CONFIDENCE_PERCENT, MeanInterval};
pub use pairs::{PairFigures, PromptDifference, pair_figures, prompt_differences};
pub use preflight::{Advice, preflight};
pub use prompt_figure::{PromptFigure, prompt_figures};
pub use published::{Standing, check_shows_published_model, no_reference_reason, standing};
pub use roofline::{Roofline, RooflineFacts, bandwidth_changed, roofline};
pub use round::{RoundProcess, invalidated_by};
pub use spread::Spread;
pub use steady_state::{Pace, RAMP_SHARE};
pub use summary::{Figures, PromptSummary, Summary, summarise};
pub use validity::{Validity, invalidating_findings, tripped_guards};
