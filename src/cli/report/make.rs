//! Makes a site of a store.

use std::fs;
use std::path::PathBuf;

use crate::cli::bench::read_published;
use crate::cli::root::Root;
use crate::error::{Error, Result};
use crate::judge::policy::Policy;
use crate::record::{Ancestry, History, sha256_of_bytes};
use crate::report::render::Renderer;
use crate::report::site::{MakeOptions, SiteSources, make_site};

/// Renders the site of a store into a folder, and gives its first page.
pub(in crate::cli) fn site_of(
    root: &Root,
    history: &History,
    output: PathBuf,
    anew: bool,
) -> Result<PathBuf> {
    let file = root.policy();
    let text = fs::read_to_string(&file).map_err(|cause| Error::io("read", &file, &cause).as_input())?;
    let policy = Policy::parse(&text, &file.display().to_string())?;
    let published = read_published(&root.published())?;
    let index = history.index();
    let ancestry = Ancestry::of_head(root.path())?;
    let sources = SiteSources {
        history,
        index: &index,
        ancestry: &ancestry,
        policy: &policy,
        policy_sha256: &sha256_of_bytes(text.as_bytes()),
        published: &published,
        is_demo: false,
    };
    let first = output.join("index.html");
    let options = MakeOptions { output, anew, progress: &mut |_, _| () };
    make_site(sources, &Renderer::new(None)?, options)?;
    Ok(first)
}
