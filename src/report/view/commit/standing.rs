//! What may be said of a run's speed, and whether it may be held against the commit before.

use crate::golden::GoldenResult;
use crate::judge::likeness::ComparedSide;
use crate::record::{Entry, Outcome, RunRecord};
use crate::report::decision::Mark;
use crate::report::view::Badge;
use crate::report::view::doubt::is_doubted;

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
    pub(super) fn of(record: &RunRecord, side: &ComparedSide) -> Self {
        match (side.no_speed_because.is_some(), record.outcome) {
            (false, _) => Self::Verified,
            (true, Outcome::Complete) => Self::Unverified,
            (true, _) => Self::WithoutSpeed,
        }
    }

    /// The word on the run.
    pub(super) fn badge(self, record: &RunRecord) -> Badge {
        match self {
            Self::Unverified => Badge::new(Mark::Unknown, "unverified"),
            Self::Verified | Self::WithoutSpeed => record.outcome.into(),
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

/// Why a run is not held against the one before; None where it may be, and then it is an observation.
pub(super) fn no_change_because(side: &ComparedSide, entry: &Entry, before: &Entry) -> Option<&'static str> {
    let is_verified =
        before.outcome == Outcome::Complete && before.golden.is_some_and(GoldenResult::is_verified);
    if side.no_speed_because.is_some() {
        Some("this run has no verified speed")
    } else if !is_verified {
        Some("the run before has no verified speed")
    } else if entry.setting.epoch.id != before.setting.epoch.id {
        Some("something under the measurement was exchanged since, and the step need not be the commit's")
    } else if side.doubted_because.is_some() || is_doubted(entry) {
        Some("a guard tripped in this run, and its times cannot be believed")
    } else if is_doubted(before) {
        Some("a guard tripped in the run before, and its times cannot be believed")
    } else {
        None
    }
}
