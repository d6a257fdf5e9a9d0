//! The chart library, as set-up left it.

/// Its script and style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartLibrary {
    /// The script, as one file.
    pub script: String,
    /// The style.
    pub style: String,
    /// The version.
    pub version: String,
}
