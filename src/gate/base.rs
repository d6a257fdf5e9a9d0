//! What an A/B is judged by: the base commit's, read in the repository. A record says what it was measured by, and
//! that must be the same; it is not trusted.

use crate::error::{Error, Result};
use crate::gate::side::{POLICY, PUBLISHED, goldens_at};
use crate::gate::{Strictness, decide};
use crate::judge::policy::Policy;
use crate::record::{
    DecisionRecord, Experiment, PublishedReference, Repository, check_answers, sha256_of_bytes,
};

/// What a gate makes of an A/B by the policy, the published values and the goldens of its base commit.
///
/// # Errors
/// A base that is no commit of the repository, or has no policy; a record that was measured by another policy, or
/// for other prompts, than the base has; answers that are not what its goldens say.
pub fn judged_by_base(record: &Experiment, repository: &Repository, now_utc: &str) -> Result<DecisionRecord> {
    Ok(decide(record, &policy_of_base(record, repository)?, now_utc, Strictness::Gate))
}

/// The policy of the base commit, for a record whose answers are right by that commit's goldens.
fn policy_of_base(record: &Experiment, repository: &Repository) -> Result<Policy> {
    let by_record = policy_in(record)?;
    let Some(base) = &record.base().commit else { return Ok(by_record) };
    let file = |path: &str| -> Result<String> {
        repository.text_at(&base.sha, path)?.ok_or_else(|| {
            Error::input(format!(
                "commit {} has no `{path}`, by which its successors are judged",
                base.short()
            ))
            .hint("name a base that has one: `cargo xtask gate --base COMMIT`")
        })
    };
    let refuse = |what: &str, path: &str| {
        let what =
            format!("record `{}` {what} than `{path}` of its base {} says", record.run_id, base.short());
        Err(Error::input(what).hint("measure again: `cargo xtask ab`"))
    };
    let policy = file(POLICY)?;
    if policy != record.inputs.policy.text {
        return refuse("was measured by another policy", POLICY);
    }
    let published = PublishedReference::parse(&file(PUBLISHED)?)?;
    if record.published.as_ref().is_some_and(|recorded| *recorded != published) {
        return refuse("has other published values or reference prompts", PUBLISHED);
    }
    check_answers(record, |run| goldens_at(repository, &base.sha, run)).map_err(|error| {
        Error::input(format!("record `{}` {error}", record.run_id)).hint("measure again: `cargo xtask ab`")
    })?;
    Policy::parse(&policy, &format!("{POLICY} of {}", base.short()))
}

/// The policy that stands in a record: enough to replay its decision, for nothing else.
///
/// # Errors
/// A policy that is not the one whose hash stands beside it, or is not of its form.
pub fn policy_in(record: &Experiment) -> Result<Policy> {
    if sha256_of_bytes(record.inputs.policy.text.as_bytes()) != record.inputs.policy.sha256 {
        let what = format!(
            "record `{}` is altered: the policy in it is not the one that its hash names",
            record.run_id
        );
        return Err(Error::input(what).hint("measure again: `cargo xtask ab`"));
    }
    Policy::parse(&record.inputs.policy.text, "of the record")
}
