//! The invented line of commits.

use crate::record::{Commit, sha256_of_bytes};
use crate::report::demo::calendar::utc;
use crate::report::demo::noise::Noise;
use crate::report::demo::plan::DemoPlan;
use crate::report::demo::story::Story;

/// Commits are at most a day apart, and a long line still is of two years, s.
const A_DAY: u64 = 86_400;
const TWO_YEARS: u64 = 2 * 365 * A_DAY;
/// A stream of its own for the times of day.
const TIMES: u64 = 1;

/// The line, oldest first. Nobody has made these commits, and no repository has them.
#[must_use]
pub fn commits(plan: &DemoPlan) -> Vec<Commit> {
    let story = Story::of(plan.commits);
    let mut line: Vec<Commit> = Vec::with_capacity(plan.commits);
    for at in 0..plan.commits {
        let hash =
            |what: &str| sha256_of_bytes(format!("{what} {at} of {}", plan.seed).as_bytes())[..40].to_owned();
        line.push(Commit {
            sha: hash("commit"),
            parents: line.last().map(|parent| parent.sha.clone()).into_iter().collect(),
            tree: hash("tree"),
            branch: Some("main".to_owned()),
            subject: story.subject(at).to_owned(),
            author_date_utc: utc(authored(plan, at)),
            dirty: false,
            difference_sha256: None,
        });
    }
    line
}

/// When a commit was authored, seconds after the history began. Commits come at odd times of the day.
pub(super) fn authored(plan: &DemoPlan, at: usize) -> u64 {
    let step = A_DAY.min(TWO_YEARS / (plan.commits as u64).max(1)).max(2);
    at as u64 * step + Noise::of(plan.seed, &[TIMES, at as u64]).below(step / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_stands_on_the_one_before_it_and_was_authored_later() {
        for plan in [DemoPlan::sample(), DemoPlan::of_commits(2_000)] {
            let line = commits(&plan);
            assert_eq!(line.len(), plan.commits);
            assert!(line[0].parents.is_empty());
            assert!(line[0].author_date_utc.starts_with("2026-01-05T"));
            for pair in line.windows(2) {
                assert_eq!(pair[1].parents, [pair[0].sha.clone()]);
                assert!(pair[0].author_date_utc < pair[1].author_date_utc);
                assert_ne!(pair[0].sha, pair[1].sha);
            }
        }
    }
}
