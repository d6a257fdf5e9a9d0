//! What was reported of a head before: a loss that was shown stands, and a verdict is not lost to a run that had none.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::gate::ci::forge::Forge;
use crate::gate::ci::notice::{CONTEXT, NO_VERDICT};
use crate::gate::ci::wire::{OURS, UserWire, parse, shortened};
use crate::record::Verdict;

const LARGEST_ANSWER_BYTES: u64 = 8 << 20;
/// What a head stays, once it was shown to be.
const LOSSES: [Verdict; 3] = [Verdict::WrongOutput, Verdict::Regressed, Verdict::Mixed];

/// Our statuses of one commit, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Earlier {
    descriptions: Vec<String>,
}

#[derive(Deserialize)]
struct StatusWire {
    context: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    creator: Option<UserWire>,
}

impl Earlier {
    /// Asks the forge.
    ///
    /// # Errors
    /// When it does not answer: then nobody knows.
    pub(super) fn of(forge: &mut dyn Forge, repository: &str, head: &str) -> Result<Self> {
        let path = format!("repos/{repository}/commits/{head}/statuses?per_page=100");
        let statuses: Vec<StatusWire> =
            parse(&forge.get(&path, LARGEST_ANSWER_BYTES)?, "the statuses of the head")?;
        let ours = statuses.into_iter().filter(|status| {
            status.context == CONTEXT && status.creator.as_ref().is_some_and(|user| user.login == OURS)
        });
        Ok(Self { descriptions: ours.filter_map(|status| status.description).collect() })
    }

    /// Whether there is a verdict on it, whichever.
    pub(super) fn has_verdict(&self) -> bool {
        self.descriptions.iter().any(|description| !description.starts_with(NO_VERDICT))
    }

    /// Refuses a green word on a head that was shown to be worse: measuring until it is green would find green
    /// at last.
    ///
    /// # Errors
    /// The loss that was shown.
    pub(super) fn refuse_after_a_loss(&self) -> Result<()> {
        let is_loss =
            |description: &&String| LOSSES.iter().any(|loss| description.starts_with(loss.as_str()));
        let Some(shown) = self.descriptions.iter().find(is_loss) else { return Ok(()) };
        Err(Error::input(format!(
            "an earlier run of this commit showed a loss, and that stands: {}",
            shortened(shown)
        ))
        .hint("fix it and push; or, where it is worth it, waive it on the base, and bring the branch up to date"))
    }
}
