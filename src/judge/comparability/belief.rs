//! Whether a run has a speed at all, and whether it can be believed.

use crate::judge::comparability::{ComparedSide, summary_of};
use crate::judge::validity::{guard_reasons, unverified_reason};
use crate::record::{Arm, Outcome};

impl ComparedSide {
    /// A run as far as its figures can be believed.
    #[must_use]
    pub fn of(run: &Arm) -> Self {
        let refused = no_speed_reason(run);
        let summary = summary_of(run, refused.is_none());
        let no_times = || summary.average.is_none().then(|| "a prompt of it has no times".to_owned());
        Self { no_speed_reason: refused.or_else(no_times), doubted_reason: doubted_reason(run), summary }
    }
}

/// Only output that was compared with goldens and found right has a speed.
fn no_speed_reason(run: &Arm) -> Option<String> {
    let ended = match run.outcome {
        Outcome::Complete => {
            return unverified_reason(run).map(|reason| format!("its output is unverified: {reason}"));
        }
        Outcome::WrongOutput => "its output is wrong",
        Outcome::Interrupted => "it was interrupted",
        Outcome::Failed => "it failed",
        Outcome::NotMeasured => "nothing was measured",
    };
    Some(ended.to_owned())
}

/// An emulated device, or the guards that tripped.
fn doubted_reason(run: &Arm) -> Option<String> {
    let emulated = run.device.emulated_reason().map(|reason| format!("the device is emulated: {reason}"));
    emulated.or_else(|| Some(guard_reasons(run).join("; ")).filter(|reasons| !reasons.is_empty()))
}
