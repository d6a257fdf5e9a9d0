//! Makes a site of a store.

use std::fs;
use std::path::PathBuf;

use crate::cli::bench::read_published;
use crate::cli::root::Root;
use crate::error::{Error, Result};
use crate::judge::policy::Policy;
use crate::record::{Ancestry, History, PublishedSeries};
use crate::report::render::Renderer;
use crate::report::site::{SiteFolder, SiteSources, pages};

/// Renders the site of a store into a folder, and gives its first page.
pub(in crate::cli) fn make_site(root: &Root, history: &History, output: PathBuf) -> Result<PathBuf> {
    let file = root.policy();
    let text = fs::read_to_string(&file).map_err(|cause| Error::io("read", &file, &cause).as_input())?;
    let policy = Policy::parse(&text, &file.display().to_string())?;
    let published = read_published(&root.published())?;
    let file = root.published();
    let text = fs::read_to_string(&file).map_err(|cause| Error::io("read", &file, &cause).as_input())?;
    let published_series = PublishedSeries::parse(&text)?;
    let index = history.index();
    let ancestry = Ancestry::of_head(root.path())?;
    let sources = SiteSources {
        history,
        index: &index,
        ancestry: &ancestry,
        policy: &policy,
        published: &published,
        published_series: &published_series,
        is_demo: false,
    };
    let folder = SiteFolder::at(output);
    folder.write(&pages(sources, &Renderer::new(None)?)?)?;
    Ok(folder.root().join("index.html"))
}
