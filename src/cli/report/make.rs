//! What a site is made with, and making it with a word on how far that is.

use std::env;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::history::complain_of;
use crate::cli::root::Root;
use crate::cli::warn;
use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::judge::policy::Policy;
use crate::record::{
    Ancestry, Commit, History, Index, PublishedReference, PublishedSeries, Repository, sha256_of_bytes,
};
use crate::report::render::Renderer;
use crate::report::site::{MakeOptions, SiteSources, make_site};
use crate::report::view::Forge;
use crate::report::web::ChartLibrary;
use crate::run::known_hashes;

/// What the checkout gives to a site.
pub(super) struct Making {
    pub(super) policy_text: String,
    pub(super) policy: Policy,
    pub(super) published: PublishedReference,
    published_series: Vec<PublishedSeries>,
    renderer: Renderer,
    program_sha256: String,
}

/// Of what a site is made.
#[derive(Clone, Copy)]
pub(super) struct Records<'a> {
    pub(super) history: &'a History,
    pub(super) index: &'a Index,
    pub(super) ancestry: &'a Ancestry,
    /// The line of commits, in words.
    pub(super) along: Option<&'a str>,
    pub(super) forge: Option<&'a Forge>,
    pub(super) is_demo: bool,
}

impl Making {
    pub(super) fn of(root: &Root) -> Result<Self> {
        let file = root.policy();
        let policy_text = files::read_text(&file, FileKind::Text)?;
        let file = root.published();
        let published = files::read_text(&file, FileKind::Text)?;
        let library = ChartLibrary::folder().and_then(|folder| ChartLibrary::load(&folder));
        Ok(Self {
            policy: Policy::parse(&policy_text, &root.policy().display().to_string())?,
            policy_text,
            published: PublishedReference::read(&file)?,
            published_series: PublishedSeries::parse(&published)?,
            renderer: Renderer::new(library)?,
            program_sha256: own_sha256()?,
        })
    }

    /// Renders the site of a store into a folder, along the commits of what is checked out.
    pub(super) fn site(
        &self,
        root: &Root,
        history: &History,
        output: PathBuf,
        anew: bool,
    ) -> Result<PathBuf> {
        let index = history.index();
        complain_of(&index);
        let ancestry = Ancestry::of_head(root.path())?;
        if let Some(warning) = ancestry.warning() {
            warn(&warning);
        }
        let along = along(root)?;
        let along = along.as_deref();
        let forge = forge(root);
        let forge = forge.as_ref();
        let records = Records { history, index: &index, ancestry: &ancestry, along, forge, is_demo: false };
        self.make(records, output, anew)
    }

    /// Renders a site, and gives its folder.
    pub(super) fn make(&self, records: Records<'_>, output: PathBuf, anew: bool) -> Result<PathBuf> {
        let Records { history, index, ancestry, along, forge, is_demo } = records;
        let sources = SiteSources {
            history,
            index,
            ancestry,
            along,
            forge,
            policy: &self.policy,
            policy_sha256: &sha256_of_bytes(self.policy_text.as_bytes()),
            published: &self.published,
            published_series: &self.published_series,
            is_demo,
        };
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
        if let Ok(style) = ProgressStyle::with_template("pages  {pos}/{len} commits") {
            bar.set_style(style);
        }
        let mut progress = |done: usize, all: usize| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        };
        let options = MakeOptions {
            output: output.clone(),
            anew,
            program_sha256: &self.program_sha256,
            progress: &mut progress,
        };
        let made = make_site(sources, &self.renderer, options);
        bar.finish_and_clear();
        made?;
        Ok(output)
    }
}

/// The hash of this program, remembered for as long as its file is the same.
fn own_sha256() -> Result<String> {
    let program = env::current_exe()
        .map_err(|cause| Error::harness(format!("this program does not know its own file: {cause}")))?;
    let mut known = known_hashes();
    let sha256 = known.sha256_of(&program, || ())?;
    known.save();
    Ok(sha256)
}

/// Where the commits of this repository are compared on the web: by `arcgauge.compareUrl` of git's configuration, else
/// by the address of its remote `origin`.
fn forge(root: &Root) -> Option<Forge> {
    let repository = Repository::open(root.path()).ok()?;
    match repository.setting("arcgauge.compareUrl") {
        Some(template) => Forge::of_template(&template),
        None => Forge::of_remote(&repository.setting("remote.origin.url")?),
    }
}

/// What is checked out, in words; None where that is nothing.
fn along(root: &Root) -> Result<Option<String>> {
    let head = Commit::at(root.path())?;
    Ok(head.map(|head| match &head.branch {
        Some(branch) => format!("the first parents of {branch} up to {}", head.short()),
        None => format!("the first parents of {}", head.short()),
    }))
}
