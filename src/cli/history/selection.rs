//! Which records of a store: filters that several verbs share.

use clap::Args;

use crate::cli::root::Root;
use crate::cli::{say, warn};
use crate::error::{Error, Result};
use crate::record::{Ancestry, Entry, Index, sort_along};

/// Filters.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Only records of this machine: its slug, or a part of it
    #[arg(long, value_name = "TEXT")]
    machine: Option<String>,

    /// Only records of this commit: the first digits of its sha
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,

    /// Only records of this series, as `list --format json` names it
    #[arg(long, value_name = "ID")]
    series: Option<String>,

    /// At most so many, the newest
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl Selection {
    /// Whether nothing is left out.
    pub(super) fn is_everything(&self) -> bool {
        let Self { machine, commit, series, limit } = self;
        machine.is_none() && commit.is_none() && series.is_none() && limit.is_none()
    }

    /// The records that are meant, along the commits of the checkout, newest first.
    pub(super) fn of<'a>(&self, index: &'a Index, root: &Root) -> Result<Vec<&'a Entry>> {
        if let Some(sha) = &self.commit
            && (sha.is_empty() || !sha.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            return Err(Error::input(format!("`{sha}` does not begin a commit's sha"))
                .hint("`git log` tells them; \"HEAD\" is `git rev-parse HEAD`"));
        }
        let ancestry = Ancestry::of_head(root.path())?;
        if let Some(warning) = ancestry.warning() {
            warn(&warning);
        }
        let mut chosen: Vec<&Entry> = index.entries.iter().filter(|entry| self.has(entry)).collect();
        sort_along(&mut chosen, &ancestry);
        chosen.truncate(self.limit.unwrap_or(usize::MAX));
        Ok(chosen)
    }

    fn has(&self, entry: &Entry) -> bool {
        let sha = entry.commit.as_ref().map_or("", |commit| commit.sha.as_str());
        let series = &entry.setting.series;
        self.machine.as_ref().is_none_or(|part| series.machine.contains(part))
            && self.commit.as_ref().is_none_or(|begin| sha.starts_with(&begin.to_lowercase()))
            && self.series.as_ref().is_none_or(|id| series.id == *id)
    }
}

/// Names what is damaged, and why the index could not be kept.
pub(in crate::cli) fn complain_of(index: &Index) {
    for (_, error) in &index.damaged {
        say(&format!("warning: {error}"));
    }
    if !index.damaged.is_empty() {
        say("  `cargo xtask doctor` says what fixes it");
    }
    if let Some(error) = &index.unkept {
        say(&format!("warning: the index is not kept: {error}"));
    }
}
