//! Whether the verdict of a runner can be verified, and what it then is.
//!
//! The head's own code was built and run on the machine that wrote it, so every byte may be its author's. What
//! can be known without the runner is known from the repository: the commits, the policy, the goldens, what the
//! head changes. The decision is not read: it is computed again, from the raw samples. What is left is that
//! samples, guards and the proof of the device could be made up by code that somebody who may write has let run:
//! see `docs/consistency.md`. And who may write can set any status by a workflow of their own.

use crate::error::{Error, Result};
use crate::gate::ci::artifact::{GateEnd, JudgedArtifact};
use crate::gate::ci::event::{refuse_another_judge, short};
use crate::gate::ci::forge::shortened;
use crate::gate::side::{POLICY, PUBLISHED, changed_in_use, changed_inputs, goldens_at};
use crate::gate::{Strictness, decide};
use crate::judge::policy::Policy;
use crate::record::{
    Arm, Commit, DecisionRecord, Experiment, Outcome, PlanKind, PublishedReference, Repository, Source,
    StopReason, StoredRecord, check_answers, sha256_of_bytes,
};
use crate::visible::one_line;

/// What decides whose workflow ran.
const WORKFLOWS: &str = ".github";

const MOST_PROCESSES: usize = 400;
const MOST_PROMPTS: usize = 50;
const MOST_SAMPLES: usize = 20_000;

/// What is known without the runner.
pub(super) struct TrustedContext<'a> {
    pub(super) repository: &'a Repository,
    /// As in "owner/name".
    pub(super) name: &'a str,
    pub(super) pull_request: u64,
    pub(super) head: &'a str,
    /// The tip of the branch that the head goes into.
    pub(super) tip: &'a str,
    /// On which device a head is judged here.
    pub(super) device: &'a str,
    /// Whether the head's own workflow ran, and not main's.
    pub(super) by_own_workflow: bool,
}

/// A verdict that was computed again, and the record that it is of.
pub(super) struct VerifiedVerdict {
    pub(super) record: Experiment,
    pub(super) decision: DecisionRecord,
}

impl TrustedContext<'_> {
    /// The commit that the head must have been compared with.
    pub(super) fn merge_base(&self) -> Result<String> {
        self.repository.merge_base(self.tip, self.head)
    }

    /// The verdict of an artifact, whose record does not contradict itself.
    ///
    /// # Errors
    /// Why it is none: it is of something else, it is not true, or the gate itself says that there is none.
    pub(super) fn verdict_of(
        &self,
        artifact: JudgedArtifact,
        merge_base: &str,
        now_utc: &str,
    ) -> Result<VerifiedVerdict> {
        let JudgedArtifact { verdict, record } = artifact;
        if verdict.head != self.head {
            let of = shortened(short(&verdict.head));
            return Err(rejected(&format!("it is of `{of}`, and the run was of {}", short(self.head))));
        }
        if verdict.repository != self.name || self.pull_request != verdict.pull_request {
            return Err(rejected("it is of another pull request"));
        }
        if verdict.end != GateEnd::Judged {
            let reason = verdict.reason.as_deref().map(one_line).unwrap_or_default();
            let word = if verdict.end == GateEnd::Refused { "refused" } else { "failed" };
            return Err(Error::input(format!("the gate {word}: {reason}")));
        }
        let Some(mut record) = record else { return Err(rejected("it has no record")) };
        self.check_definition(merge_base)?;
        record.check().map_err(|error| rejected(&error.to_string()))?;
        if record.plan != PlanKind::Ab {
            return Err(rejected(&format!("it is of `{}`, and not of two sides", record.plan.as_str())));
        }
        check_size(&record)?;
        if matches!(record.outcome, Outcome::Failed | Outcome::Interrupted) {
            return Err(rejected("it did not come to its end"));
        }
        self.check_sides(&mut record, merge_base)?;
        self.check_inputs(&record, merge_base)?;
        self.check_requested(&record, merge_base)?;
        self.check_identical(&record, merge_base)?;
        // Every token of both sides once more.
        check_answers(&record, |run| goldens_at(self.repository, merge_base, run))
            .map_err(|error| rejected(&format!("it {error}")))?;
        let policy = Policy::parse(&record.inputs.policy.text, "ci/gate.json of the base")?;
        let decision = decide(&record, &policy, now_utc, Strictness::Gate);
        Ok(VerifiedVerdict { record, decision })
    }

    /// A head that changes the workflows was judged by its own.
    fn check_definition(&self, merge_base: &str) -> Result<()> {
        if !self.by_own_workflow {
            return Ok(());
        }
        let head = Source::Commit(self.repository.resolve(self.head)?);
        let changed = self.repository.changed_between(merge_base, &head, &[WORKFLOWS])?;
        let Some(path) = changed.first() else { return Ok(()) };
        Err(Error::input(format!(
            "the head changes `{}`, by which it was run: that is no judge of it",
            shortened(path)
        ))
        .hint(format!("let main's workflow run it: {}", command_for(Some(self.pull_request), self.head))))
    }

    /// Both sides are the commits that they must be; what is reported of them is the repository's word.
    fn check_sides(&self, record: &mut Experiment, merge_base: &str) -> Result<()> {
        refuse_another_judge(self.repository, merge_base, &self.repository.resolve(self.tip)?)?;
        for (side, (word, sha)) in record.arms.iter_mut().zip([("base", merge_base), ("head", self.head)]) {
            match &side.commit {
                Some(commit) if commit.sha == sha && commit.dirty => {
                    return Err(rejected(&format!("its {word} has changes over {}", short(sha))));
                }
                Some(commit) if commit.sha == sha => {}
                other => {
                    let is = other.as_ref().map_or("no commit", Commit::short);
                    return Err(rejected(&format!("its {word} is {is}, and not {}", short(sha))));
                }
            }
            if side.device.requested != self.device {
                let device = shortened(&side.device.requested);
                return Err(rejected(&format!(
                    "its {word} was to run on `{device}`, and not on `{}`",
                    self.device
                )));
            }
            if let Some(ran) = side.device.ran.as_ref().map(|ran| ran.kind().name())
                && self.device.split('.').next() != Some(ran)
            {
                return Err(rejected(&format!("its {word} ran on `{ran}`, and not on `{}`", self.device)));
            }
            side.commit = Some(self.repository.resolve(sha)?);
            short(sha).clone_into(&mut side.label);
        }
        Ok(())
    }

    /// Prompts, goldens and policy are the base's, and what the head changes of them is what it says.
    fn check_inputs(&self, record: &Experiment, merge_base: &str) -> Result<()> {
        let policy = self.repository.text_at(merge_base, POLICY)?.unwrap_or_default();
        let is_policy = record.inputs.policy.text == policy
            && record.inputs.policy.sha256 == sha256_of_bytes(policy.as_bytes());
        if !is_policy {
            return Err(rejected("it was judged by another policy than the base's"));
        }
        let head = Source::Commit(self.repository.resolve(self.head)?);
        if record.inputs.changed_by_head != changed_inputs(self.repository, merge_base, &head)? {
            return Err(rejected("what it says of what the head changes is not so"));
        }
        Ok(())
    }

    /// The prompts that should have been run are the base's.
    fn check_requested(&self, record: &Experiment, merge_base: &str) -> Result<()> {
        let text = self.repository.text_at(merge_base, PUBLISHED)?.unwrap_or_default();
        let published = PublishedReference::parse(&text)?;
        if record.published.as_ref().is_some_and(|recorded| *recorded != published) {
            return Err(rejected("its published values are not the base's"));
        }
        for run in &record.arms {
            let workload = &run.workload;
            let prompts = workload.prompts.iter().map(|prompt| &prompt.id);
            if !prompts.eq(&published.prompts) || workload.new_tokens != published.new_tokens {
                return Err(rejected(&format!(
                    "its workload is {} prompts of {} tokens, and the base's is {} of {}",
                    workload.prompts.len(),
                    workload.new_tokens,
                    published.prompts.len(),
                    published.new_tokens
                )));
            }
        }
        Ok(())
    }

    /// Sides are the same without a measurement only where the repository says so: that the runner built the same
    /// program from changed sources cannot be seen here.
    fn check_identical(&self, record: &Experiment, merge_base: &str) -> Result<()> {
        if record.stop_reason != Some(StopReason::Identical) {
            return Ok(());
        }
        let head = Source::Commit(self.repository.resolve(self.head)?);
        let changed = changed_in_use(self.repository, merge_base, &head)?;
        let Some(path) = changed.first() else { return Ok(()) };
        let what = format!("it was not measured, and the head changes `{}`", shortened(path));
        Err(rejected(&what).hint("measure both sides: `cargo xtask ab --measure-identical`"))
    }
}

/// It is of a size that can be judged in a moment: no policy draws a tenth of it.
fn check_size(record: &Experiment) -> Result<()> {
    let is_large = |run: &Arm| {
        run.samples.len() > MOST_SAMPLES
            || run.processes.len() > MOST_PROCESSES
            || run.workload.prompts.len() > MOST_PROMPTS
    };
    if record.rounds.len() > MOST_PROCESSES || record.arms.iter().any(is_large) {
        return Err(rejected("it has more pairs, prompts or samples than any gate draws"));
    }
    Ok(())
}

/// The command by which somebody who may write has one head measured.
pub(super) fn command_for(pull_request: Option<u64>, head: &str) -> String {
    let number = pull_request.map_or("N".to_owned(), |number| number.to_string());
    format!("`gh workflow run gate.yml -f pull_request={number} -f head={head}`")
}

fn rejected(what: &str) -> Error {
    Error::input(format!("the artifact is refused: {what}"))
}
