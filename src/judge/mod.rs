//! What it means: statistics of records, and their standing against the published reference.
//!
//! Pure: records in, figures and verdicts out. No files, no clock, no engine.

mod published;
mod roofline;
mod summary;

pub use published::{Standing, standing};
pub use roofline::{Roofline, RooflineFacts, canary_moved, roofline};
pub use summary::{Figures, PromptSummary, RunFigures, Summary, summarise};
