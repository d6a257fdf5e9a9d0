//! `cargo xtask setup`: the OpenVINO runtime and the chart library, in the user's cache folder, each complete
//! or not at all. The browser tests and the linters get there in the same way, when they are requested.

mod environment;
mod gpu_plugin;
mod install;
mod linters;
mod npm;
mod python;
#[cfg(test)]
mod tests;
mod tokenizer_ir;
pub(crate) mod windows;
mod workbench;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::release::{self, Release, Releases, Wanted};
use crate::{places, say};
use environment::Environments;
pub(crate) use gpu_plugin::{ACCEPT, GpuPlugin, Parts};
use install::Install;
pub(crate) use linters::Linters;
pub(crate) use tokenizer_ir::{compares_tokenizers, reads_tokenizer_ir};

/// The flag of what a model needs whose tokenizer is an OpenVINO IR.
const TOKENIZERS: &str = "--tokenizers";

/// The verb itself, which also says so when there was nothing to do.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Failure> {
    check(args)?;
    provide(args, say)?;
    if args.iter().any(|arg| arg == TOKENIZERS) {
        provide_tokenizers(args, say)?;
    }
    npm::provide_chart_library(say);
    let named = args.iter().filter_map(|arg| environment::named(&arg.to_string_lossy())).flatten();
    named.into_iter().try_for_each(|peer| Environments::default().provide(peer, say))?;
    Ok(ExitCode::SUCCESS)
}

/// What a verb of the binary needs, without a word where it is there.
pub(crate) fn for_verb(args: &[OsString]) -> Result<(), Failure> {
    provide(args, |_ready| ())?;
    let releases = Releases::pinned()?;
    // A folder is for the binary to judge.
    let mut named = release::of_sides(args).filter_map(|version| releases.named(version).ok());
    named.try_for_each(|release| install(&releases, &release, |_ready| ()))
}

/// What a verb needs that reads a tokenizer IR, likewise. An installation of the user's own has its own extension.
pub(crate) fn for_tokenizer_ir(args: &[OsString]) -> Result<(), Failure> {
    provide_tokenizers(args, |_ready| ())
}

/// What a verb that renders pages is better off with. Only a verb that renders pages reports that it is missing.
pub(crate) fn for_pages(is_reported: bool) {
    npm::provide_chart_library_for_verb(is_reported);
}

/// The client of the Hugging Face hub, without a word where it is there.
pub(crate) fn for_model_fetch() -> Result<(), Failure> {
    Environments::default().provide(environment::HUB_CLIENT, |_ready| ())
}

/// Every pinned release, because the tests run on all of them, and what the tests of the pages, of the peers, of
/// `model fetch` and of a fleet's data set need.
pub(crate) fn all() -> Result<(), Failure> {
    releases_and_genai()?;
    Environments::default().provide(environment::HUB_CLIENT, say)?;
    Environments::default().provide(environment::DUCKDB, say)?;
    npm::provide_chart_library(say);
    npm::provide_browser_tests();
    Ok(())
}

/// Every pinned release.
pub(crate) fn releases() -> Result<(), Failure> {
    let releases = Releases::pinned()?;
    releases.list.iter().try_for_each(|release| install(&releases, release, say))
}

/// What the tests of a fleet's data set need, on DuckDB and on Spark.
pub(crate) fn fleet() -> Result<(), Failure> {
    releases()?;
    Environments::default().provide(environment::DUCKDB, say)?;
    Environments::default().provide(environment::SPARK, say)
}

/// Every pinned release with its tokenizers extension, and the smaller of the peers.
pub(crate) fn releases_and_genai() -> Result<(), Failure> {
    let releases = Releases::pinned()?;
    for release in &releases.list {
        install(&releases, release, say)?;
        install_tokenizers(&releases, release, say)?;
    }
    // The other peer is twenty times as large; what it is tested with runs where it was set up.
    Environments::default().provide(environment::GENAI, say)
}

fn provide(args: &[OsString], ready: impl Fn(&str)) -> Result<(), Failure> {
    let releases = Releases::pinned()?;
    match Wanted::decide(&releases, release::flag(args), |name| env::var_os(name))? {
        Wanted::Release(release) => install(&releases, &release, ready)?,
        Wanted::Own { folder, named_by } => {
            say(&format!("your own OpenVINO in `{}` ({named_by}): nothing is fetched", folder.display()));
        }
    }
    Ok(())
}

fn install(releases: &Releases, release: &Release, ready: impl Fn(&str)) -> Result<(), Failure> {
    provide_wheel(&Install::here(&releases.wheel, release, places::openvino_dir)?, ready)
}

fn provide_tokenizers(args: &[OsString], ready: impl Fn(&str)) -> Result<(), Failure> {
    let releases = Releases::pinned()?;
    match Wanted::decide(&releases, release::flag(args), |name| env::var_os(name))? {
        Wanted::Release(release) => install_tokenizers(&releases, &release, ready),
        Wanted::Own { .. } => Ok(()),
    }
}

fn install_tokenizers(releases: &Releases, release: &Release, ready: impl Fn(&str)) -> Result<(), Failure> {
    let Some(extension) = &release.tokenizers else { return Ok(()) };
    let place = places::openvino_tokenizers_dir;
    provide_wheel(&Install::here(&releases.tokenizers_wheel, extension, place)?, ready)
}

fn provide_wheel(install: &Install<'_>, ready: impl Fn(&str)) -> Result<(), Failure> {
    install.run()?;
    let (title, version) = (install.wheel.title, &install.release.version);
    ready(&format!("ready: {title} {version} in `{}`", install.folder.display()));
    Ok(())
}

/// `setup` takes `--openvino X` or `--openvino=X`, `--tokenizers`, `--peers` or `--peers=NAME`, and nothing else.
fn check(args: &[OsString]) -> Result<(), Failure> {
    let usage = |message| {
        let form = "cargo xtask setup [--openvino VERSION] [--tokenizers] [--peers[=genai|optimum]]";
        Err(Failure::usage(message, form))
    };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let arg = arg.to_string_lossy();
        if arg == release::FLAG && rest.next().is_none() {
            return usage(format!("`{arg}` needs a version"));
        }
        if arg != release::FLAG
            && arg != TOKENIZERS
            && environment::named(&arg).is_none()
            && !arg.starts_with(&format!("{}=", release::FLAG))
        {
            return usage(format!("`setup` does not take `{arg}`"));
        }
    }
    Ok(())
}
