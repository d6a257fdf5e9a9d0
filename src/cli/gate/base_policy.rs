//! What an A/B is judged by: the base commit's, read in the repository. A record says what it was measured by, and
//! that must be the same; it is not believed.

use crate::error::{Error, Result};
use crate::judge::policy::Policy;
use crate::record::{AbRecord, PublishedReference, Repository, sha256_of_bytes};

const POLICY: &str = "ci/gate.json";
const PUBLISHED: &str = "fixtures/baselines/published.json";

/// The policy of the base commit.
///
/// # Errors
/// A base that is no commit of the repository, or has no policy; a record that was measured by another policy, or
/// for other prompts, than the base has.
pub(super) fn policy_of_base(record: &AbRecord, repository: &Repository) -> Result<Policy> {
    let by_record = policy_in(record)?;
    let Some(base) = &record.base.run.commit else { return Ok(by_record) };
    let file = |path: &str| -> Result<String> {
        let bytes = repository.file_at(&base.sha, path)?.ok_or_else(|| {
            Error::input(format!(
                "commit {} has no `{path}`, by which its successors are judged",
                base.short()
            ))
            .hint("name a base that has one: `cargo xtask gate --base COMMIT`")
        })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let refuse = |what: &str, path: &str| {
        let what =
            format!("record `{}` {what} than `{path}` of its base {} says", record.run_id, base.short());
        Err(Error::input(what).hint("measure again: `cargo xtask ab`"))
    };
    let policy = file(POLICY)?;
    if policy != record.policy.text {
        return refuse("was measured by another policy", POLICY);
    }
    let published = PublishedReference::parse(&file(PUBLISHED)?)?;
    let differs = [&record.base.run, &record.head.run]
        .iter()
        .any(|run| run.published.as_ref().is_some_and(|recorded| *recorded != published));
    if differs {
        return refuse("has other published figures or reference prompts", PUBLISHED);
    }
    Policy::parse(&policy, &format!("{POLICY} of {}", base.short()))
}

/// The policy that stands in a record: enough to replay its decision, for nothing else.
pub(super) fn policy_in(record: &AbRecord) -> Result<Policy> {
    if sha256_of_bytes(record.policy.text.as_bytes()) != record.policy.sha256 {
        let what = format!(
            "record `{}` is altered: the policy in it is not the one that its hash names",
            record.run_id
        );
        return Err(Error::input(what).hint("measure again: `cargo xtask ab`"));
    }
    Policy::parse(&record.policy.text, "of the record")
}
