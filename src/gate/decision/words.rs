//! From the words of all rules to one.

use crate::gate::decision::finding::Finding;
use crate::gate::decision::speed::Speed;
use crate::record::{CheckResult, DecisionRecord, Status, Verdict};

/// The weightiest verdict first: one that takes the ground from under the others comes before them.
const WEIGHT: [Verdict; 4] =
    [Verdict::WrongOutput, Verdict::InvalidEnvironment, Verdict::Regressed, Verdict::Inconclusive];

/// One verdict, with its reason and what a check shows.
pub(super) fn combine(findings: Vec<Finding>, speed: Speed, judged_utc: &str) -> DecisionRecord {
    let decisive = WEIGHT.iter().find_map(|verdict| {
        let finding = findings.iter().find(|finding| finding.alone == Some(*verdict))?;
        Some((*verdict, finding.check.reason.clone()))
    });
    let (verdict, reason) = match decisive {
        Some((Verdict::Regressed, reason)) if speed.improves => (Verdict::Mixed, reason),
        Some((verdict, reason)) => (verdict, reason),
        None => (if speed.improves { Verdict::Improved } else { Verdict::Pass }, because_of_pass(&findings)),
    };
    let warned = findings.iter().any(|finding| finding.check.result == CheckResult::Warns);
    let status = match verdict {
        Verdict::Pass | Verdict::Improved if warned => Status::GreenWithWarning,
        Verdict::Pass | Verdict::Improved => Status::Green,
        // Undecided by the pairs alone, where a slow-down that would matter much is excluded.
        Verdict::Inconclusive if findings.iter().all(|finding| !finding.is_red) => Status::GreenWithWarning,
        _ => Status::Red,
    };
    DecisionRecord {
        judged_utc: judged_utc.to_owned(),
        verdict,
        reason,
        status,
        checks: findings.into_iter().map(|finding| finding.check).collect(),
        comparisons: speed.comparisons,
        sensitivity: speed.sensitivity,
    }
}

/// The paired test, where there is one; else what was judged first.
fn because_of_pass(findings: &[Finding]) -> String {
    let speed = findings.iter().find(|finding| finding.check.id == "speed");
    speed.or(findings.first()).map(|finding| finding.check.reason.clone()).unwrap_or_default()
}
