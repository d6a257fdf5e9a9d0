//! What a site is made with, and making it while its progress is shown; `report --demo` makes that of an invented history.

use std::path::{Path, PathBuf};
use std::{fs, process};

use crate::cli::history::report_damaged;
use crate::cli::measuring::own_program;
use crate::cli::progress::counting_bar;
use crate::cli::root::Root;
use crate::cli::settings::cache_folder;
use crate::cli::warn;
use crate::error::Result;
use crate::files::{self, FileKind};
use crate::gate::{Strictness, decide};
use crate::judge::policy::Policy;
use crate::record::{
    Ancestry, Commit, Experiment, History, Index, PublishedReference, PublishedSeries, Repository,
    sha256_of_bytes,
};
use crate::report::demo::{DemoDecisions, DemoInputs, DemoPlan, commits, fill, published};
use crate::report::render::Renderer;
use crate::report::site::{MakeOptions, SiteSources, make_site};
use crate::report::view::Forge;
use crate::report::web::ChartLibrary;
use crate::run::known_hashes;
use crate::sys::SysfsRoot;

/// What the checkout gives to a site.
pub(super) struct Making {
    policy_text: String,
    policy_sha256: String,
    policy: Policy,
    published: PublishedReference,
    published_series: Vec<PublishedSeries>,
    renderer: Renderer,
    program_sha256: String,
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
            policy_sha256: sha256_of_bytes(policy_text.as_bytes()),
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
        render_all: bool,
    ) -> Result<PathBuf> {
        let index = history.index();
        report_damaged(&index);
        let ancestry = Ancestry::of_head(root.path())?;
        if let Some(warning) = ancestry.warning() {
            warn(&warning);
        }
        let (along, forge) = (along(root)?, forge(root));
        let sources = SiteSources {
            along: along.as_deref(),
            forge: forge.as_ref(),
            ..self.sources(history, &index, &ancestry)
        };
        self.make(sources, output, render_all)
    }

    /// The sources of a site of which no line of commits and no forge is known.
    fn sources<'a>(
        &'a self,
        history: &'a History,
        index: &'a Index,
        ancestry: &'a Ancestry,
    ) -> SiteSources<'a> {
        SiteSources {
            history,
            index,
            ancestry,
            along: None,
            forge: None,
            policy: &self.policy,
            policy_sha256: &self.policy_sha256,
            published: &self.published,
            published_series: &self.published_series,
            is_demo: false,
        }
    }

    /// Renders a site, and gives its folder.
    fn make(&self, sources: SiteSources<'_>, output: PathBuf, render_all: bool) -> Result<PathBuf> {
        let bar = counting_bar("pages  {pos}/{len} commits");
        let mut progress = |done: usize, all: usize| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        };
        let options = MakeOptions {
            output: output.clone(),
            render_all,
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
    let program = own_program()?;
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

/// Along which commits the pages go, in words.
const ALONG: &str = "the first parents of an invented main";
/// How the folders of invented records begin in the cache folder; the id of their process follows.
const STORE: &str = "demo-";

/// Invents a history, renders its pages, and gives their folder. The records are kept only in the pages.
pub(super) fn make_demo(root: &Root, output: PathBuf, render_all: bool) -> Result<PathBuf> {
    let making = Making::of(root)?;
    let cache = cache_folder()?;
    sweep(&cache, &SysfsRoot::this_machine());
    let store = cache.join(format!("{STORE}{}", process::id()));
    let _ = fs::remove_dir_all(&store);
    let made = make_of(&making, &History::at(store.clone()), output, render_all);
    let _ = fs::remove_dir_all(&store);
    made
}

fn make_of(making: &Making, history: &History, output: PathBuf, render_all: bool) -> Result<PathBuf> {
    let plan = DemoPlan::sample();
    // The real gate, so that the demonstration cannot show what a gate would not say.
    let decide = |record: &Experiment, judged_utc: &str| DemoDecisions {
        decision: decide(record, &making.policy, judged_utc, Strictness::Ab),
        gate_decision: decide(record, &making.policy, judged_utc, Strictness::Gate),
    };
    let inputs =
        DemoInputs { policy_text: &making.policy_text, published: &making.published, decide: &decide };
    fill(history, plan, inputs)?;
    let line = commits(&plan).into_iter().rev().map(|commit| commit.sha);
    let (index, ancestry) = (history.index(), Ancestry::of_line(line));
    let published = published(plan, &making.published)?;
    let sources = SiteSources {
        along: Some(ALONG),
        is_demo: true,
        published: &published,
        ..making.sources(history, &index, &ancestry)
    };
    making.make(sources, output, render_all)
}

/// Removes what demonstrations left behind that were ended half-way. What cannot be removed is no trouble now.
fn sweep(cache: &Path, machine: &SysfsRoot) {
    if !machine.has("proc/self") {
        return;
    }
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let process = process_of(&entry.file_name().to_string_lossy());
        if process.is_some_and(|process| !machine.has(&format!("proc/{process}"))) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The process that invented the records of a folder of this name, by its id.
fn process_of(name: &str) -> Option<u32> {
    name.strip_prefix(STORE)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_of_demonstrations_that_are_gone_go_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["demo-8", "demo-7", "demo-notes", "openvino"];
        let [gone, runs, notes, openvino] = names.map(|name| folder.path().join("cache").join(name));
        for store in [&gone, &runs, &notes, &openvino] {
            fs::create_dir_all(store.join("below")).unwrap();
        }
        let machine = SysfsRoot::at(folder.path());
        fs::create_dir_all(folder.path().join("proc/7")).unwrap();
        sweep(&folder.path().join("cache"), &machine);
        assert!(gone.exists(), "where processes are not listed, none is known to be gone");
        fs::create_dir(folder.path().join("proc/self")).unwrap();
        sweep(&folder.path().join("cache"), &machine);
        assert!(!gone.exists() && runs.exists() && notes.exists() && openvino.exists());
    }
}
