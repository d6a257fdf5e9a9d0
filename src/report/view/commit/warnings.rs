//! What a reader must know before believing the figures.

use serde::Serialize;

use crate::record::{AbRecord, Side, Warning};
use crate::report::one_line;

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

/// What an A/B and its sides warn of: once where both sides say it.
pub(super) fn warnings_of(record: &AbRecord) -> Vec<WarningPart> {
    let (base, head) = (&record.base.run.warnings, &record.head.run.warnings);
    let of_base = |warning| if head.contains(warning) { None } else { Some(Side::Base) };
    let heads_own = head.iter().filter(|warning| !base.contains(warning));
    let mut told = warnings(&record.warnings, None);
    told.extend(base.iter().map(|warning| one(warning, of_base(warning))));
    told.extend(heads_own.map(|warning| one(warning, Some(Side::Head))));
    told
}

/// A warning, said of a side.
fn one(warning: &Warning, side: Option<Side>) -> WarningPart {
    WarningPart {
        side: side.map(Side::word),
        message: one_line(&warning.message),
        advice: one_line(&warning.advice),
    }
}
