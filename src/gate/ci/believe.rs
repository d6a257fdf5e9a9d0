//! Whether the verdict of a runner can be believed, and what it then is.
//!
//! The head's own code was built and run on the machine that wrote it, so every byte may be its author's. What
//! can be known without the runner is known from the repository: the commits, the policy, the goldens, what the
//! head changes. The decision is not read: it is computed again, from the raw samples. What is left is that
//! samples, guards and the proof of the device could be made up, or sides be called the same, by code that
//! somebody who may write has let run. And who may write can set any status by a workflow of their own.

use std::path::Path;

use crate::error::{Error, Result};
use crate::gate::ci::artifact::{JudgedArtifact, Word};
use crate::gate::ci::goldens::check_again;
use crate::gate::ci::resolved::{refuse_another_judge, short};
use crate::gate::ci::wire::shortened;
use crate::gate::side::ChangedInputs;
use crate::gate::{Asker, decide};
use crate::golden::{GoldenResult, GoldenSet};
use crate::judge::policy::Policy;
use crate::record::{
    AbRecord, ChangedInput, Commit, DecisionRecord, Kept, Outcome, PairRecord, ProcessPurpose,
    PublishedReference, Repository, RunRecord, Source, Undecided, is_plain, sha256_of_bytes,
};

const POLICY: &str = "ci/gate.json";
const PUBLISHED: &str = "fixtures/baselines/published.json";
const GOLDENS: &str = "fixtures/golden";
/// What decides whose workflow ran.
const WORKFLOWS: &str = ".github";

const MOST_PROCESSES: usize = 400;
const MOST_PROMPTS: usize = 50;
const MOST_SAMPLES: usize = 20_000;

/// What is known without the runner.
pub(super) struct Known<'a> {
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
pub(super) struct Believed {
    pub(super) record: Box<AbRecord>,
    pub(super) decision: DecisionRecord,
}

impl Known<'_> {
    /// The commit that the head must have been held against.
    pub(super) fn merge_base(&self) -> Result<String> {
        self.repository.merge_base(self.tip, self.head)
    }

    /// The verdict of an artifact. `checkout` is a clean one of the merge base.
    ///
    /// # Errors
    /// Why it is none: it is of something else, it is not true, or the gate itself says that there is none.
    pub(super) fn verdict_of(
        &self,
        artifact: JudgedArtifact,
        merge_base: &str,
        checkout: &Path,
        now_utc: &str,
    ) -> Result<Believed> {
        let JudgedArtifact { verdict, record } = artifact;
        if verdict.head != self.head {
            let of = shortened(short(&verdict.head));
            return Err(untrue(&format!("it is of `{of}`, and the run was of {}", short(self.head))));
        }
        if verdict.repository != self.name || self.pull_request != verdict.pull_request {
            return Err(untrue("it is of another pull request"));
        }
        if verdict.word != Word::Judged {
            let because = verdict.because.as_deref().map(shortened_reason).unwrap_or_default();
            let word = if verdict.word == Word::Refused { "refused" } else { "failed" };
            return Err(Error::input(format!("the gate {word}: {because}")));
        }
        let Some(mut record) = record else { return Err(untrue("it has no record")) };
        self.check_definition(merge_base)?;
        record.check().map_err(|error| untrue(&error.to_string()))?;
        check_size(&record)?;
        check_ended(&record)?;
        self.check_sides(&mut record, merge_base)?;
        self.check_inputs(&record, merge_base)?;
        self.check_asked(&record, merge_base)?;
        check_tokens(&record, checkout)?;
        let policy = Policy::parse(&record.policy.text, "ci/gate.json of the base")?;
        let decision = decide(&record, &policy, now_utc, Asker::Gate);
        Ok(Believed { record, decision })
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
        .hint(format!("let main's workflow run it: {}", word_for(Some(self.pull_request), self.head))))
    }

    /// Both sides are the commits that they must be; what is told of them is the repository's word.
    fn check_sides(&self, record: &mut AbRecord, merge_base: &str) -> Result<()> {
        refuse_another_judge(self.repository, merge_base, &self.repository.resolve(self.tip)?)?;
        for (side, word, sha) in
            [(&mut record.base, "base", merge_base), (&mut record.head, "head", self.head)]
        {
            match &side.run.commit {
                Some(commit) if commit.sha == sha && commit.dirty => {
                    return Err(untrue(&format!("its {word} has changes over {}", short(sha))));
                }
                Some(commit) if commit.sha == sha => {}
                other => {
                    let is = other.as_ref().map_or("no commit", Commit::short);
                    return Err(untrue(&format!("its {word} is {is}, and not {}", short(sha))));
                }
            }
            if side.run.device.requested != self.device {
                let device = shortened(&side.run.device.requested);
                return Err(untrue(&format!(
                    "its {word} was to run on `{device}`, and not on `{}`",
                    self.device
                )));
            }
            if let Some(ran) = side.run.device.ran.as_ref().map(|ran| ran.kind().name())
                && self.device.split('.').next() != Some(ran)
            {
                return Err(untrue(&format!("its {word} ran on `{ran}`, and not on `{}`", self.device)));
            }
            side.run.commit = Some(self.repository.resolve(sha)?);
            short(sha).clone_into(&mut side.asked);
        }
        let identical = record.undecided == Some(Undecided::Identical);
        let (base, head) = (&record.base.run, &record.head.run);
        let not_measured = [base.outcome, head.outcome, record.outcome].contains(&Outcome::NotMeasured);
        let is_same = base.worker.sha256.is_some()
            && base.worker.sha256 == head.worker.sha256
            && base.model.files == head.model.files;
        if identical != not_measured || (identical && !is_same) {
            return Err(untrue("it was not measured, and its sides are not the same"));
        }
        Ok(())
    }

    /// Prompts, goldens and policy are the base's, and what the head changes of them is what it says.
    fn check_inputs(&self, record: &AbRecord, merge_base: &str) -> Result<()> {
        let policy = self.repository.file_at(merge_base, POLICY)?.unwrap_or_default();
        let is_policy =
            record.policy.text.as_bytes() == policy && record.policy.sha256 == sha256_of_bytes(&policy);
        if !is_policy {
            return Err(untrue("it was judged by another policy than the base's"));
        }
        let head = Source::Commit(self.repository.resolve(self.head)?);
        let changed = ChangedInputs::between(self.repository, merge_base, &head)?;
        let changed = changed.kinds().into_iter().flat_map(|(kind, paths)| {
            paths.iter().map(move |path| ChangedInput { kind: kind.to_owned(), path: path.clone() })
        });
        if record.inputs.changed_by_head != changed.collect::<Vec<_>>() {
            return Err(untrue("what it says of what the head changes is not so"));
        }
        Ok(())
    }

    /// What should have been asked is what the base says.
    fn check_asked(&self, record: &AbRecord, merge_base: &str) -> Result<()> {
        let text = self.repository.file_at(merge_base, PUBLISHED)?.unwrap_or_default();
        let published = PublishedReference::parse(&String::from_utf8_lossy(&text))?;
        let differs = [&record.base.run, &record.head.run]
            .iter()
            .any(|run| run.published.as_ref().is_some_and(|said| *said != published));
        if differs { Err(untrue("its published figures are not the base's")) } else { Ok(()) }
    }
}

/// It is of a size that can be judged in a moment: no policy draws a tenth of it.
fn check_size(record: &AbRecord) -> Result<()> {
    let runs = [&record.base.run, &record.head.run];
    let is_large = |run: &&RunRecord| {
        run.samples.len() > MOST_SAMPLES
            || run.processes.len() > MOST_PROCESSES
            || run.workload.prompts.len() > MOST_PROMPTS
    };
    if record.pairs.len() > MOST_PROCESSES || runs.iter().any(is_large) {
        return Err(untrue("it has more pairs, prompts or samples than any gate draws"));
    }
    Ok(())
}

/// It came to its end, and its pairs are those that were measured: pair k is of process k of both sides, and
/// none is left out or told twice.
fn check_ended(record: &AbRecord) -> Result<()> {
    if matches!(record.outcome, Outcome::Failed | Outcome::Interrupted) {
        return Err(untrue("it did not come to its end"));
    }
    let is_wrong = |run: &RunRecord| run.prompts.iter().any(|prompt| prompt.golden == GoldenResult::Break);
    let by_wrong_output = record.undecided == Some(Undecided::WrongOutput);
    // Of an A/B that a wrong output ended no speed is looked at.
    if by_wrong_output && !is_wrong(&record.base.run) && !is_wrong(&record.head.run) {
        return Err(untrue("no output of it is wrong, and one is said to have ended it"));
    }
    let is_strange = |(at, pair): (usize, &PairRecord)| pair.base_process != at || pair.head_process != at;
    if let Some(at) = record.pairs.iter().enumerate().position(is_strange) {
        return Err(untrue(&format!("pair {} is not of its own processes", at + 1)));
    }
    let mut processes = record.base.run.processes.iter().chain(&record.head.run.processes);
    // Where an output is wrong the last pair may have one side alone, and the verdict is red.
    let is_left_out =
        processes.any(|it| it.purpose == ProcessPurpose::Measured && it.index >= record.pairs.len());
    let is_whole = record.outcome == Outcome::Complete && !by_wrong_output;
    if is_whole && is_left_out {
        return Err(untrue("a process of it is of no pair"));
    }
    Ok(())
}

/// Every token of both sides, against the base's goldens.
fn check_tokens(record: &AbRecord, checkout: &Path) -> Result<()> {
    for run in [&record.base.run, &record.head.run] {
        if !is_plain(&run.model.name) {
            return Err(untrue(&format!("its model is named `{}`", shortened(&run.model.name))));
        }
        let goldens = GoldenSet::load(&checkout.join(GOLDENS).join(&run.model.name))?;
        check_again(run, &goldens)?;
    }
    Ok(())
}

/// The command by which somebody who may write has one head measured.
pub(super) fn word_for(pull_request: Option<u64>, head: &str) -> String {
    let number = pull_request.map_or("N".to_owned(), |number| number.to_string());
    format!("`gh workflow run gate.yml -f pull_request={number} -f head={head}`")
}

fn untrue(what: &str) -> Error {
    Error::input(format!("the artifact is refused: {what}"))
}

fn shortened_reason(text: &str) -> String {
    crate::report::one_line(text)
}
