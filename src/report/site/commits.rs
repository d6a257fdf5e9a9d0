//! The commits that have a page, and of which records each page is made.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::record::{Entry, Experiment, History, Line};
use crate::report::number::counted;
use crate::report::render::{Page, PageKind, Parts, Renderer, Site};
use crate::report::view::commit::{Neighbours, RecordOfCommit, commit_page};
use crate::report::view::{Forge, Timeline, short};

/// What stands in the place of a sha where there is no commit.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// A commit on one line: of one machine, model, device and workload.
type Spot<'a> = (Line, &'a str);

/// Every commit with a record, and what each is compared with.
pub(super) struct CommitPages<'a> {
    /// Records by the first digits of the sha, newest first.
    by_commit: BTreeMap<&'a str, Vec<&'a Entry>>,
    /// The commit before with values, by place on a timeline.
    before: HashMap<Spot<'a>, &'a Entry>,
    /// Of every commit with values, the entry that has them.
    with_values: HashMap<Spot<'a>, &'a Entry>,
    shas: HashSet<&'a str>,
    /// The commits before and after each, on the first timeline that has it.
    beside: HashMap<&'a str, (Option<&'a str>, Option<&'a str>)>,
    forge: Option<&'a Forge>,
}

/// A page that is to be made.
pub(super) struct CommitPage<'a> {
    pub(super) path: PathBuf,
    /// Its records, newest first.
    pub(super) entries: Vec<&'a Entry>,
    /// What each of them is compared with.
    pub(super) before: Vec<Option<&'a Entry>>,
    pub(super) neighbours: Neighbours<'a>,
    /// The bases of its A/Bs that have a page, in order, each once.
    pub(super) linked: Vec<&'a str>,
}

impl<'a> CommitPages<'a> {
    /// The commits of these records.
    pub(super) fn of(entries: &'a [Entry], timelines: &[Timeline<'a>], forge: Option<&'a Forge>) -> Self {
        let mut by_commit: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in entries {
            by_commit.entry(short(sha_of(entry))).or_default().push(entry);
        }
        for entries in by_commit.values_mut() {
            entries.sort_by(|one, other| (&other.when_utc, &other.run_id).cmp(&(&one.when_utc, &one.run_id)));
        }
        let (mut before, mut with_values) = (HashMap::new(), HashMap::new());
        for timeline in timelines {
            let mut last: Option<&Entry> = None;
            for point in &timeline.points {
                let spot = (point.entry.setting.line(), point.sha);
                if let Some(last) = last {
                    before.insert(spot.clone(), last);
                }
                if point.metric_values().is_some() {
                    with_values.insert(spot, point.entry);
                    last = Some(point.entry);
                }
            }
        }
        let shas = entries.iter().map(sha_of).collect();
        let mut beside = HashMap::new();
        for points in timelines.iter().map(|timeline| &timeline.points) {
            let sha = |at: usize| points.get(at).map(|point| point.sha);
            for (at, point) in points.iter().enumerate() {
                beside.entry(point.sha).or_insert((at.checked_sub(1).and_then(sha), sha(at + 1)));
            }
        }
        Self { by_commit, before, with_values, shas, beside, forge }
    }

    pub(super) fn count(&self) -> usize {
        self.by_commit.len()
    }

    /// Each page that is to be made.
    pub(super) fn pages(&self) -> impl Iterator<Item = CommitPage<'a>> + '_ {
        self.by_commit.iter().map(|(short, entries)| {
            let bases: BTreeSet<&str> =
                entries.iter().filter_map(|entry| entry.ab.as_ref()?.base_sha.as_deref()).collect();
            let parent = entries.iter().find_map(|entry| entry.commit.as_ref()?.first_parent.as_deref());
            let parent = parent.filter(|sha| self.shas.contains(sha));
            let (previous, next) = self.beside.get(sha_of(entries[0])).copied().unwrap_or((parent, None));
            CommitPage {
                path: page_file(short),
                entries: entries.clone(),
                before: entries.iter().map(|entry| self.before(entry)).collect(),
                neighbours: Neighbours { previous, next, forge: self.forge },
                linked: bases.into_iter().filter(|sha| self.shas.contains(sha)).collect(),
            }
        })
    }

    /// What a record is compared with. Beside the line of commits that is its first parent alone.
    fn before(&self, entry: &Entry) -> Option<&'a Entry> {
        let setting = &entry.setting;
        let on_line = self.before.get(&(setting.line(), sha_of(entry)));
        let parent = || {
            let sha: &str = entry.commit.as_ref()?.first_parent.as_ref()?;
            self.with_values.get(&(setting.line(), sha))
        };
        on_line.or_else(parent).copied()
    }
}

impl CommitPage<'_> {
    /// Makes a page from its records. Errors: a record that cannot be read.
    pub(super) fn make(&self, history: &History, is_demo: bool, renderer: &Renderer) -> Result<Page> {
        let read = |entry: &&Entry| Ok(History::read(&history.root().join(&entry.path))?.record);
        let records: Vec<Experiment> = self.entries.iter().map(read).collect::<Result<_>>()?;
        let reported = self.entries.iter().zip(&records).zip(&self.before);
        let reported: Vec<RecordOfCommit<'_>> = reported
            .map(|((entry, record), before)| RecordOfCommit {
                entry,
                record,
                file: record_file(entry).display().to_string(),
                before: *before,
                linked: &self.linked,
            })
            .collect();
        let commit = records.iter().find_map(|record| record.subject().arm.commit.as_ref());
        let (title, view) = commit_page(commit, self.neighbours, &reported);
        let site = Site {
            made_of: counted(self.entries.len(), "record"),
            newest_utc: self.entries.first().map(|entry| entry.when_utc.clone()),
            is_demo,
        };
        let made = renderer.page(PageKind::Commit, &title, &site, &view, Parts::default())?;
        Ok(Page { path: self.path.clone(), ..made })
    }
}

fn sha_of(entry: &Entry) -> &str {
    entry.commit.as_ref().map_or(NO_COMMIT, |commit| commit.sha.as_str())
}

/// The page of a commit, below the site's folder.
fn page_file(short: &str) -> PathBuf {
    [PageKind::Commit.file(), &format!("{short}.html")].iter().collect()
}

/// The page on which a record is reported, below the site's folder.
pub fn page_of(sha: Option<&str>) -> PathBuf {
    page_file(short(sha.unwrap_or(NO_COMMIT)))
}

/// The copy of a record, below the site's folder.
pub(super) fn record_file(entry: &Entry) -> PathBuf {
    Path::new("records").join(entry.path.file_name().unwrap_or_default())
}
