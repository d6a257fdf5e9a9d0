//! What lay under a run, and what of it was exchanged since the commit before.

use serde::Serialize;

use crate::record::{ArmView, Epoch};
use crate::report::view::commit::RecordOfCommit;
use crate::report::view::{CommitLink, exchanged};
use crate::visible::one_line;

/// What lay under a run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct EnvironmentPart {
    /// The commit that it is compared with.
    before: Option<CommitLink>,
    /// What was exchanged since.
    changes: Vec<String>,
    /// Every part.
    parts: Vec<EnvironmentLine>,
}

#[derive(Debug, Clone, Serialize)]
struct EnvironmentLine {
    part: String,
    value: String,
}

impl EnvironmentPart {
    pub(super) fn of(record: ArmView<'_>, of_commit: &RecordOfCommit<'_>) -> Self {
        let epoch = Epoch::of(record);
        let before = of_commit.before;
        let changes = before.map(|before| epoch.changes_since(&before.setting.epoch)).unwrap_or_default();
        let variables = record.environment_variables.iter().map(|(name, value)| EnvironmentLine {
            part: one_line(&format!("variable {name}")),
            value: one_line(value),
        });
        let parts = epoch
            .parts
            .iter()
            .map(|(part, value)| EnvironmentLine { part: one_line(part), value: one_line(value) });
        Self {
            before: before.and_then(|entry| CommitLink::of(&entry.commit.as_ref()?.sha)),
            changes: changes.iter().map(exchanged).collect(),
            parts: parts.chain(variables).collect(),
        }
    }
}
