//! The one comment on a pull request, which is edited in place.

use std::fmt::Write;

use serde::Deserialize;

use crate::error::Result;
use crate::gate::ci::believe::Believed;
use crate::gate::ci::forge::{Forge, Method};
use crate::gate::ci::resolved::short;
use crate::gate::ci::wire::{OURS, UserWire, parse};
use crate::record::DecisionRecord;
use crate::report::decision::{Subject, decision_markdown, pair_lines};
use crate::report::document::escape;

/// By which the comment is found again.
const MARK: &str = "<!-- arcgauge: the gate's verdict -->";
const COMMENTS_A_PAGE: usize = 100;
/// A pull request of more comments than this gets another one of ours.
const MOST_PAGES: usize = 20;
const LARGEST_PAGE_BYTES: u64 = 32 << 20;

/// What is reported of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    body: String,
}

impl Comment {
    /// The verdict, in full.
    pub(super) fn of(believed: &Believed, head: &str, page: &str) -> Self {
        let record = &believed.record;
        let pairs = pair_lines(record);
        let decision: &DecisionRecord = &believed.decision;
        let reported = decision_markdown(Subject { record, pairs: &pairs }, decision);
        Self::with(&reported, head, page)
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
        match find(forge, repository, pull_request)? {
            Some(id) => forge.send(Method::Patch, &format!("repos/{repository}/issues/comments/{id}"), &body),
            None => {
                forge.send(Method::Post, &format!("repos/{repository}/issues/{pull_request}/comments"), &body)
            }
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

fn find(forge: &mut dyn Forge, repository: &str, pull_request: u64) -> Result<Option<u64>> {
    for page in 1..=MOST_PAGES {
        let path = format!(
            "repos/{repository}/issues/{pull_request}/comments?per_page={COMMENTS_A_PAGE}&page={page}"
        );
        let comments: Vec<CommentWire> =
            parse(&forge.get(&path, LARGEST_PAGE_BYTES)?, "the comments of the pull request")?;
        let ours = comments.iter().find(|comment| {
            comment.user.as_ref().is_some_and(|user| user.login == OURS)
                && comment.body.as_deref().is_some_and(|body| body.starts_with(MARK))
        });
        if let Some(ours) = ours {
            return Ok(Some(ours.id));
        }
        if comments.len() < COMMENTS_A_PAGE {
            break;
        }
    }
    Ok(None)
}
