//! Makes a site: every page of the index, and of the commits those that would come out otherwise.

use std::fs;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::record::{Entry, History, sha256_of_bytes};
use crate::report::render::Renderer;
use crate::report::site::commits::{CommitPage, CommitPages, record_file};
use crate::report::site::folder::{SiteFolder, Written};
use crate::report::site::pages::SiteSources;

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
    let commits = CommitPages::of(&sources.index.entries, &timelines);
    let identity = format!("{} {}", options.program_sha256, renderer.identity());
    for (done, page) in commits.pages().enumerate() {
        (options.progress)(done, commits.count());
        let sealed: Vec<Sealed<'_>> =
            page.entries.iter().map(|entry| Sealed::of(sources.history, entry)).collect::<Result<_>>()?;
        let made_of = sources_of(&page, &sealed, &identity, sources.is_demo);
        folder.provide(&page.path, made_of, || {
            Ok(commits.make(&page, sources.history, sources.is_demo, renderer)?.text.into_bytes())
        })?;
        for Sealed { entry, sha256 } in sealed {
            let file = sources.history.root().join(&entry.path);
            folder.provide(&record_file(entry), sha256, || {
                fs::read(&file).map_err(|cause| Error::io("read", &file, &cause))
            })?;
        }
    }
    folder.close()
}

/// A record with the hash that seals it.
struct Sealed<'a> {
    entry: &'a Entry,
    sha256: String,
}

impl<'a> Sealed<'a> {
    fn of(history: &History, entry: &'a Entry) -> Result<Self> {
        Ok(Self { entry, sha256: History::payload_sha256(&history.root().join(&entry.path))? })
    }
}

/// A hash over all that a commit's page is made of.
fn sources_of(page: &CommitPage<'_>, sealed: &[Sealed<'_>], identity: &str, is_demo: bool) -> String {
    let mut all = vec![identity.to_owned(), is_demo.to_string(), page.parent.unwrap_or_default().to_owned()];
    all.push(page.linked.join(" "));
    for (sealed, before) in sealed.iter().zip(&page.before) {
        all.push(format!("{} {}", sealed.sha256, sealed.entry.origin.in_words()));
        all.push(sealed.entry.path.display().to_string());
        // Of the commit before the page takes what the index says.
        all.push(format!("{before:?}"));
    }
    sha256_of_bytes(all.join("\n").as_bytes())
}
