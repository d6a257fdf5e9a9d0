//! What runs in a browser: styles, scripts and the chart library.

mod library;

pub use library::ChartLibrary;
