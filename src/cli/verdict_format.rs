//! In which form a verdict is reported.

use clap::ValueEnum;

/// The forms of `ab` and `gate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum VerdictFormat {
    /// For people, on a terminal
    Text,
    /// For programs
    Json,
    /// For a pull request
    Markdown,
    /// For test reports
    Junit,
}
