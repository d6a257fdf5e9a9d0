//! What runs in a browser: styles, scripts and the chart library.

mod library;

pub use library::ChartLibrary;

/// The style and the script of the page that compares.
pub(in crate::report) const COMPARE_STYLE: &str = include_str!("compare.css");
pub(in crate::report) const COMPARE_SCRIPT: &str = include_str!("compare.js");
/// The style of the page of the history.
pub(in crate::report) const HISTORY_STYLE: &str = include_str!("history.css");
/// Its scripts, in their order: what the page knows, one chart of it, and all of them together.
pub(in crate::report) const HISTORY_SCRIPTS: [&str; 3] =
    [include_str!("history-data.js"), include_str!("history-chart.js"), include_str!("history.js")];
