//! What is stored of a commit, as far as a gate can judge it.

use crate::error::{Error, Result};
use crate::record::{Arm, Commit, Experiment, History, Outcome, PlanKind, Repository, Verdict};

/// What was found.
pub(super) enum Found {
    /// The A/B of the commit that counts.
    Ab {
        record: Experiment,
        /// What a reader must know of the others.
        note: Option<String>,
    },
    /// There is none, and this is its newest run.
    Run(Experiment),
    /// Nothing that may decide.
    Nothing {
        /// Whether it was compared with itself.
        itself: bool,
    },
}

/// What was found, and what was not looked at.
pub(super) struct Search {
    pub(super) found: Found,
    /// That records of the commit were measured elsewhere.
    pub(super) elsewhere: Option<String>,
}

impl Search {
    /// Looks in the store, among what was measured here. A/B runs of a working tree, of other things than commits,
    /// or against another base do not judge a commit; neither does one against the commit itself, as a calibration
    /// makes them, unless it is the base that was named. The newest counts, but for one in which the head was shown
    /// to be wrong or worse: measuring until it is green would find green at last.
    pub(super) fn of(store: &History, head: &Commit, base: &AcceptedBase) -> Result<Self> {
        let (mut run, mut itself) = (None, false);
        let mut abs: Vec<Experiment> = Vec::new();
        // One that is damaged or misplaced could be the one that counts: the gate refuses.
        let records = store.of_commit(&head.sha)?;
        let elsewhere = (records.others > 0).then(|| {
            let (records_are, they) = match records.others {
                1 => ("1 record".to_owned(), "was not measured here"),
                others => (format!("{others} records"), "were not measured here"),
            };
            let origins = records.origins.join(", ");
            format!(
                "{records_are} of {} {they} ({origins}): no decision rests on it; see docs/trust.md",
                head.short()
            )
        });
        for record in records.measured_here {
            let subject = record.subject();
            match record.plan {
                PlanKind::Ab if is_clean(&subject) && subject.differences.is_empty() => {
                    if !base.accepts(&record.base(), head) {
                        itself |= is_of(&record.base(), head);
                    } else if record.outcome != Outcome::Interrupted {
                        abs.push(record);
                    }
                }
                PlanKind::Bench
                    if is_clean(&subject)
                        && matches!(subject.outcome, Outcome::Complete | Outcome::WrongOutput) =>
                {
                    run.get_or_insert(record);
                }
                PlanKind::Ab | PlanKind::Bench | PlanKind::Peers | PlanKind::Kv | PlanKind::Soak => {}
            }
        }
        let found = match one_that_counts(abs) {
            Some(found) => found?,
            None => run.map_or(Found::Nothing { itself }, Found::Run),
        };
        Ok(Self { found, elsewhere })
    }
}

/// Of A/B runs, newest first.
fn one_that_counts(mut abs: Vec<Experiment>) -> Option<Result<Found>> {
    let newest = abs.first()?;
    if newest.gate_decision.is_none() {
        let why = newest.failure.clone().unwrap_or_else(|| "it came to no decision".to_owned());
        return Some(Err(Error::harness(format!("the newest A/B of the commit failed: {why}"))
            .hint("fix that, and measure again with `cargo xtask ab`")));
    }
    let standing = find(&abs, &[Verdict::WrongOutput], |_| true)
        .or_else(|| find(&abs, &LOSSES, |at| !is_cleared(&abs, at)));
    let at = standing.unwrap_or(0);
    let note = match standing {
        Some(0) => None,
        Some(newer) => Some(format!(
            "{newer} newer A/B of this head do not clear what this one has shown. A regression is cleared only by \
             as many like experiments that pass (same base, machine, device, model, workload and runtime) as \
             showed it; wrong output never"
        )),
        None => find(&abs, &LOSSES, |_| true).map(|loss| {
            format!(
                "the regression that A/B {} showed was cleared by like experiments since",
                abs[loss].run_id
            )
        }),
    };
    Some(Ok(Found::Ab { record: abs.swap_remove(at), note }))
}

/// What shows a head to be worse.
const LOSSES: [Verdict; 2] = [Verdict::Regressed, Verdict::Mixed];

/// The newest of these verdicts.
fn find(abs: &[Experiment], verdicts: &[Verdict], counts: impl Fn(usize) -> bool) -> Option<usize> {
    (0..abs.len()).find(|at| verdict(&abs[*at]).is_some_and(|it| verdicts.contains(&it)) && counts(*at))
}

fn verdict(record: &Experiment) -> Option<Verdict> {
    record.gate_decision.as_ref().map(|decision| decision.verdict)
}

/// Whether like experiments have passed since a loss as often as they have shown one. One that came to no
/// decision neither clears nor shows anything.
fn is_cleared(abs: &[Experiment], loss: usize) -> bool {
    let like: Vec<Option<Verdict>> =
        abs.iter().filter(|record| is_like(record, &abs[loss])).map(verdict).collect();
    let is_loss = |verdict: &&Option<Verdict>| verdict.is_some_and(|it| LOSSES.contains(&it));
    let losses = like.iter().filter(is_loss).count();
    let since = like.iter().take_while(|verdict| !is_loss(verdict));
    let passes = since.filter(|verdict| matches!(verdict, Some(Verdict::Pass | Verdict::Improved))).count();
    passes >= losses
}

/// Whether both are the same experiment: of the same base, on the same machine and device, with the same model,
/// workload and runtime.
fn is_like(one: &Experiment, other: &Experiment) -> bool {
    let base = |record: &Experiment| record.base().commit.as_ref().map(|commit| commit.sha.clone());
    let is_like_side = |one: &Arm, other: &Arm| {
        let runtime = |run: &Arm| {
            run.runtime.as_ref().map(|runtime| (runtime.openvino_version.clone(), runtime.setting()))
        };
        one.model.sha256 == other.model.sha256
            && one.workload.sha256 == other.workload.sha256
            && one.device.actual() == other.device.actual()
            && one.device.gpu_identity() == other.device.gpu_identity()
            && runtime(one) == runtime(other)
            && one.environment_variables == other.environment_variables
    };
    base(one) == base(other)
        && one.machine.sha256 == other.machine.sha256
        && is_like_side(&one.base(), &other.base())
        && is_like_side(&one.head(), &other.head())
}

fn is_of(run: &Arm, commit: &Commit) -> bool {
    run.commit.as_ref().is_some_and(|of| of.sha == commit.sha)
}

fn is_clean(run: &Arm) -> bool {
    run.commit.as_ref().is_some_and(|commit| !commit.dirty)
}

/// The names of the line that a head is to be merged into, where nobody says another.
const MAIN: [&str; 2] = ["main", "origin/main"];

/// Which bases count.
pub(super) enum AcceptedBase {
    /// This commit, or the one at which the head branched off from its line.
    Line { commit: Box<Commit>, merge_base: String },
    /// Any but the head itself: the head is the line, or there is none of that name.
    AnyOther,
}

impl AcceptedBase {
    /// What was named. Named as its own base, a head is compared with itself.
    pub(super) fn named(repository: &Repository, revision: &str, head: &Commit) -> Result<Self> {
        let commit = Box::new(repository.resolve(revision)?);
        let merge_base = repository.merge_base(&commit.sha, &head.sha)?;
        Ok(Self::Line { commit, merge_base })
    }

    /// The line that heads are merged into.
    pub(super) fn of_main(repository: &Repository, head: &Commit) -> Result<Self> {
        let main = MAIN.iter().find(|name| repository.resolve(name).is_ok());
        let Some(main) = main else { return Ok(Self::AnyOther) };
        let named = Self::named(repository, main, head)?;
        let is_on_it = matches!(&named, Self::Line { merge_base, .. } if *merge_base == head.sha);
        Ok(if is_on_it { Self::AnyOther } else { named })
    }

    /// What was named, if anything was.
    pub(super) fn commit(&self) -> Option<&Commit> {
        match self {
            Self::Line { commit, .. } => Some(commit),
            Self::AnyOther => None,
        }
    }

    /// Whether a run was of such a commit.
    pub(super) fn accepts(&self, base: &Arm, head: &Commit) -> bool {
        let Some(base) = &base.commit else { return false };
        match self {
            Self::Line { commit, merge_base } => base.sha == commit.sha || base.sha == *merge_base,
            Self::AnyOther => base.sha != head.sha,
        }
    }
}
