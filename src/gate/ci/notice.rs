//! What a verdict is on a forge: the status of a commit, which lets it be merged or not.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::gate::ci::event::short;
use crate::gate::ci::forge::{Forge, Method, OURS, UserWire, find_in_pages, read, shortened};
use crate::gate::ci::verify::VerifiedVerdict;
use crate::record::{DecisionRecord, Status, Verdict};
use crate::report::decision::{Subject, decision_markdown, title};
use crate::report::document::escape;

/// What the status is called; to be required of the default branch.
const CONTEXT: &str = "arcgauge/gate";
/// How the description begins where there is none.
const NO_VERDICT: &str = "no verdict: ";
/// As much as a forge shows.
const LONGEST_DESCRIPTION: usize = 140;

/// What a status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It may be merged.
    Success,
    /// It may not.
    Failure,
}

/// The status of a commit, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommitStatus {
    /// What it says.
    pub state: State,
    /// Its name.
    pub context: &'static str,
    /// Why, in a line.
    pub description: String,
    /// The run that it comes from.
    pub target_url: String,
}

impl CommitStatus {
    /// Of a verdict.
    pub fn of(decision: &DecisionRecord, page: String) -> Self {
        let state = match decision.status {
            Status::Green | Status::GreenWithWarning => State::Success,
            Status::Red => State::Failure,
        };
        Self { state, context: CONTEXT, description: cut(&title(decision)), target_url: page }
    }

    /// Where there is none: what was not judged may not be merged.
    pub fn none(reason: &str, page: String) -> Self {
        let description = cut(&format!("{NO_VERDICT}{reason}"));
        Self { state: State::Failure, context: CONTEXT, description, target_url: page }
    }
}

fn cut(text: &str) -> String {
    let text = crate::visible::one_line(text);
    if text.chars().count() <= LONGEST_DESCRIPTION {
        return text;
    }
    text.chars().take(LONGEST_DESCRIPTION - 3).collect::<String>() + "..."
}

/// By which the comment is found again.
const MARK: &str = "<!-- arcgauge: the gate's verdict -->";

/// What is reported of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    body: String,
}

impl Comment {
    /// The verdict, in full.
    pub(super) fn of(verified: &VerifiedVerdict, head: &str, page: &str) -> Self {
        let VerifiedVerdict { record, decision } = verified;
        Self::with(&decision_markdown(Subject::of(record), decision), head, page)
    }

    /// Why there is none; `reason` may hold text of others.
    pub(super) fn none(reason: &str, hint: Option<&str>, head: &str, page: &str) -> Self {
        let mut reported = format!("### arcgauge: no verdict\n\n{}.\n", escape(reason));
        if let Some(hint) = hint {
            let _ = writeln!(reported, "\nNext: {}.", escape(hint));
        }
        Self::with(&reported, head, page)
    }

    fn with(reported: &str, head: &str, page: &str) -> Self {
        let foot = format!(
            "Of {}; [the run]({page}). This comment is edited when there is another verdict.",
            short(head)
        );
        Self { body: format!("{MARK}\n{}\n\n{foot}\n", reported.trim_end()) }
    }

    /// Puts it in the place of the one before, or adds it.
    ///
    /// # Errors
    /// When the forge does not take it.
    pub(super) fn put(&self, forge: &mut dyn Forge, repository: &str, pull_request: u64) -> Result<()> {
        let body = serde_json::json!({ "body": self.body });
        let comments = format!("repos/{repository}/issues/{pull_request}/comments");
        let is_ours = |comment: &CommentWire| {
            comment.user.as_ref().is_some_and(|user| user.login == OURS)
                && comment.body.as_deref().is_some_and(|body| body.starts_with(MARK))
        };
        match find_in_pages(forge, &comments, "the comments of the pull request", is_ours)? {
            Some(CommentWire { id, .. }) => {
                forge.send(Method::Patch, &format!("repos/{repository}/issues/comments/{id}"), &body)
            }
            None => forge.send(Method::Post, &comments, &body),
        }
    }
}

#[derive(Deserialize)]
struct CommentWire {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<UserWire>,
}

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
        let statuses: Vec<StatusWire> = read(forge, &path, "the statuses of the head")?;
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
