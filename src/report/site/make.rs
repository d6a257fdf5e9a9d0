//! Makes a site: every page of the index, and of the commits those that would come out otherwise.

use std::path::PathBuf;

use crate::error::Result;
use crate::files::{self, FileKind};
use crate::record::{Entry, History, sha256_of_bytes};
use crate::report::render::Renderer;
use crate::report::site::commits::{CommitPage, CommitPages, record_file};
use crate::report::site::folder::{SiteFolder, Written};
use crate::report::site::pages::SiteSources;
use crate::report::view::Forge;
use crate::report::view::commit::Neighbours;

/// How a site is made.
pub struct MakeOptions<'a> {
    /// Its folder.
    pub output: PathBuf,
    /// Make every file, also those that are there.
    pub anew: bool,
    /// The hash of the program that makes it: another one may tell the same records otherwise.
    pub program_sha256: &'a str,
    /// Called with the commits done and all of them.
    pub progress: &'a mut dyn FnMut(usize, usize),
}

/// Makes the site of these records.
///
/// # Errors
/// When a file cannot be read or written; what stands in the folder is whole pages.
pub fn make_site(sources: SiteSources<'_>, renderer: &Renderer, options: MakeOptions<'_>) -> Result<Written> {
    let mut folder = SiteFolder::open(options.output, options.anew)?;
    let timelines = sources.timelines()?;
    for page in sources.index_pages(&timelines, renderer)? {
        // They are made of every record, so they are made each time.
        let sha256 = sha256_of_bytes(page.text.as_bytes());
        folder.provide(&page.path, sha256, || Ok(page.text.clone().into_bytes()))?;
    }
    let commits = CommitPages::of(&sources.index.entries, &timelines, sources.forge);
    let identity = format!("{} {}", options.program_sha256, renderer.identity());
    for (done, page) in commits.pages().enumerate() {
        (options.progress)(done, commits.count());
        let encoded: Vec<Encoded<'_>> =
            page.entries.iter().map(|entry| Encoded::of(sources.history, entry)).collect::<Result<_>>()?;
        let made_of = sources_of(&page, &encoded, &identity, sources.is_demo);
        folder.provide(&page.path, made_of, || {
            Ok(commits.make(&page, sources.history, sources.is_demo, renderer)?.text.into_bytes())
        })?;
        for Encoded { entry, sha256 } in encoded {
            let file = sources.history.root().join(&entry.path);
            folder.provide(&record_file(entry), sha256, || files::read(&file, FileKind::Record))?;
        }
    }
    folder.close()
}

/// A record with the hash that seals it.
struct Encoded<'a> {
    entry: &'a Entry,
    sha256: String,
}

impl<'a> Encoded<'a> {
    fn of(history: &History, entry: &'a Entry) -> Result<Self> {
        Ok(Self { entry, sha256: History::payload_sha256(&history.root().join(&entry.path))? })
    }
}

/// A hash over all that a commit's page is made of.
fn sources_of(page: &CommitPage<'_>, encoded: &[Encoded<'_>], identity: &str, is_demo: bool) -> String {
    let Neighbours { previous, next, forge } = page.neighbours;
    let mut all = vec![identity.to_owned(), is_demo.to_string()];
    all.extend([previous, next, forge.map(Forge::template)].map(|it| it.unwrap_or_default().to_owned()));
    all.push(page.linked.join(" "));
    for (encoded, before) in encoded.iter().zip(&page.before) {
        all.push(format!("{} {}", encoded.sha256, encoded.entry.origin.in_words()));
        all.push(encoded.entry.path.display().to_string());
        // Of the commit before the page takes what the index says.
        all.push(format!("{before:?}"));
    }
    sha256_of_bytes(all.join("\n").as_bytes())
}
