//! Whether a run has a valid speed, and whether it may be compared with the previous commit.

use crate::golden::GoldenResult;
use crate::judge::comparability::ComparedSide;
use crate::judge::invalidating_findings;
use crate::record::{ArmView, Entry, Outcome};
use crate::report::decision::Mark;
use crate::report::view::Badge;
use crate::report::view::doubt::is_doubted;
use crate::visible::one_line;

/// How far the times of a run are a speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Every token was checked and is right.
    Verified,
    /// It ended, but not every token was checked: its times are shown, and called unverified.
    Unverified,
    /// Its output is wrong, or it did not end.
    WithoutSpeed,
}

impl Standing {
    /// Of a run with what is believed of it.
    pub(super) fn of(record: ArmView<'_>, side: &ComparedSide) -> Self {
        match (side.no_speed_reason.is_some(), record.outcome) {
            (false, _) => Self::Verified,
            (true, Outcome::Complete) => Self::Unverified,
            (true, _) => Self::WithoutSpeed,
        }
    }

    /// The word on the run.
    pub(super) fn badge(self, record: ArmView<'_>) -> Badge {
        let reasons = invalid_reasons(record);
        match self {
            Self::Verified | Self::Unverified if !reasons.is_empty() => {
                Badge::new(Mark::Warns, format!("INVALID: {}", reasons.join("; ")))
            }
            Self::Unverified => Badge::new(Mark::Unknown, "unverified"),
            Self::Verified => Badge::new(Mark::Holds, "valid"),
            Self::WithoutSpeed => record.outcome.into(),
        }
    }

    /// Stands at the end of a title of times.
    pub(super) fn suffix(self) -> &'static str {
        if self == Self::Unverified { " (unverified)" } else { "" }
    }

    /// Whether the times of a prompt with this word on its output are shown.
    pub(super) fn shows_times_of(self, golden: Option<GoldenResult>) -> bool {
        match self {
            Self::Verified | Self::Unverified => true,
            Self::WithoutSpeed => golden.is_some_and(GoldenResult::is_verified),
        }
    }
}

/// What the guards say that invalidate its times, each guard once.
fn invalid_reasons(record: ArmView<'_>) -> Vec<String> {
    invalidating_findings(&record).iter().map(|finding| one_line(&finding.reason)).collect()
}

/// Why a run is not compared with the one before; None where it may be, and then it is an observation.
pub(super) fn no_change_reason(side: &ComparedSide, entry: &Entry, before: &Entry) -> Option<&'static str> {
    let is_verified =
        before.outcome == Outcome::Complete && before.golden.is_some_and(GoldenResult::is_verified);
    if side.no_speed_reason.is_some() {
        Some("this run has no verified speed")
    } else if !is_verified {
        Some("the run before has no verified speed")
    } else if entry.setting.epoch.id != before.setting.epoch.id {
        Some("the environment changed since, and the difference need not be the commit's")
    } else if side.doubted_reason.is_some() || is_doubted(entry) {
        Some("a guard tripped in this run, and its times are invalid")
    } else if is_doubted(before) {
        Some("a guard tripped in the run before, and its times are invalid")
    } else {
        None
    }
}
