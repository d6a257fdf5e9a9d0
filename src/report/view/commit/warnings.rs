//! What a reader must know before believing the figures.

use serde::Serialize;

use crate::record::{Side, Warning};
use crate::visible::one_line;

/// A warning.
#[derive(Debug, Clone, Serialize)]
pub(super) struct WarningPart {
    /// Of which side; None where of all.
    side: Option<&'static str>,
    message: String,
    advice: String,
}

/// These warnings, said of a side.
pub(super) fn warnings(warnings: &[Warning], side: Option<Side>) -> Vec<WarningPart> {
    warnings.iter().map(|warning| one(warning, side)).collect()
}

/// A warning, said of a side.
fn one(warning: &Warning, side: Option<Side>) -> WarningPart {
    WarningPart {
        side: side.map(Side::as_str),
        message: one_line(&warning.message),
        advice: one_line(&warning.advice),
    }
}
