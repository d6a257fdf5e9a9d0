//! `model fetch`, `verify`, `list`, `describe`: models and whether they are whole; `model use`, `forget`,
//! `show`: the folder that bare verbs take.

use std::fs;
use std::io::{IsTerminal as _, stderr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};

use crate::cli::loading::{announce_hashing, snapshot_of, tokenizer_ir};
use crate::cli::measuring::{own_program, stoppable};
use crate::cli::reporting::TextOrJson;
use crate::cli::root::Root;
use crate::cli::settings::Settings;
use crate::cli::{exit_code, print, print_data, print_document, print_line, say, shell, warn};
use crate::engine::ModelFolder;
use crate::engine::openvino::{FoundBy, Graph, Sources, TokenizerIr};
use crate::error::{Error, ErrorKind, Result};
use crate::places;
use crate::record::hub::{
    DEFAULT_REPOSITORY, Fetch, FetchEvent, FetchedFrom, FetchedModel, HubClient, RepositoryName,
    check_revision, fetched_folders, folder_of, list, unfinished,
};
use crate::record::{
    FaultyFile, FileFault, ModelDescription, VerifiedModels, Warning, check_files, read_manifest,
};
use crate::report::file_size;
use crate::report::model::{
    ListedModel, ModelState, model_description, model_description_json, model_list, verification,
};
use crate::run::known_hashes;
use crate::sys::canonicalize;
use crate::visible::one_line;
use crate::workload::{PromptSet, TextTokenizer, compare_tokenizers};

#[derive(Debug, Args)]
pub(super) struct ModelArgs {
    #[command(subcommand)]
    verb: ModelVerb,
}

#[derive(Debug, Subcommand)]
enum ModelVerb {
    /// Download a model from the Hugging Face hub, or what is missing of it, and check every file by its hash
    ///
    /// `huggingface_hub` downloads it and reads its own variables, such as `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME` and
    /// `SSL_CERT_FILE`. Run again after an interruption, it resumes. `HF_HUB_DISABLE_XET=0` uses Xet, which cannot.
    Fetch(FetchArgs),
    /// Read every file of a model and compare it with the model's manifest, and its tokenizers with each other
    ///
    /// Where a folder has a `tokenizer.json` and a tokenizer IR, both must give the same ids for the reference prompts and for
    /// texts of all kinds of characters, and the same text for these ids.
    Verify(VerifyArgs),
    /// List the models of this machine, and whether they are complete
    List,
    /// Print what a model is made of: layers, experts, precision by kind of weight, bytes a token
    Describe(DescribeArgs),
    /// Remember a model folder, or a repository's folder in the Hugging Face cache
    Use {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Forget the remembered folder and go back to the shipped small model
    Forget,
    /// Print the folder that bare verbs use
    Show,
}

pub(super) fn model(args: &ModelArgs) -> Result<u8> {
    match &args.verb {
        ModelVerb::Fetch(args) => return fetch(args),
        ModelVerb::Verify(args) => verify(args)?,
        ModelVerb::List => list_models()?,
        ModelVerb::Describe(args) => describe(args)?,
        ModelVerb::Use { folder } => {
            let mut settings = Settings::load()?;
            let folder = ModelFolder::open(&snapshot_of(folder))?;
            // A model that no verb could use is not remembered.
            Graph::read(&folder)?;
            settings.model_dir = Some(folder.path().to_owned());
            let file = settings.save()?;
            say(&format!("bare verbs now use `{}` (in `{}`)", folder.path().display(), file.display()));
        }
        ModelVerb::Forget => {
            let mut settings = Settings::load()?;
            settings.model_dir = None;
            settings.save()?;
            say("bare verbs now use the shipped small model");
        }
        ModelVerb::Show => print_line(&used()?.display().to_string())?,
    }
    Ok(exit_code::PASS)
}

/// The folder that bare verbs use.
fn used() -> Result<PathBuf> {
    Ok(Settings::load()?.model_dir.unwrap_or_else(|| Root::find().shipped_model()))
}

/// The model that a verb of `model` looks at.
#[derive(Debug, Args)]
struct FolderArgs {
    /// The model's folder [default: the one that bare verbs use]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,

    /// The same, as the verbs that run a model name it
    #[arg(long, value_name = "DIR", conflicts_with = "folder")]
    model_dir: Option<PathBuf>,
}

impl FolderArgs {
    /// The folder that was named, else the one that bare verbs use.
    fn named_or_used(&self) -> Result<PathBuf> {
        let named = self.folder.as_ref().or(self.model_dir.as_ref());
        named.map_or_else(used, |named| Ok(snapshot_of(named)))
    }
}

#[derive(Debug, Args)]
struct FetchArgs {
    /// The repository: any text generator in OpenVINO's format
    #[arg(value_name = "REPO", default_value = DEFAULT_REPOSITORY)]
    repository: String,

    /// A branch, a tag or a commit
    #[arg(long, value_name = "REV", default_value = "main")]
    revision: String,

    /// The folder to fetch into [default: one of the repository and its commit, in the cache folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Fetches a model, or what is missing of it.
fn fetch(args: &FetchArgs) -> Result<u8> {
    let repository = RepositoryName::parse(&args.repository)?;
    check_revision(&args.revision)?;
    let scripts = Root::find().hub_client();
    let client = HubClient::find(&scripts, own_program()?, Arc::clone(&stoppable()?.stop))?;
    if let Some(other) = args.output.as_ref().filter(|folder| folder.exists() && !folder.is_dir()) {
        return Err(Error::input(format!("`{}` is not a folder", other.display()))
            .hint("name a folder that is new or empty: `--output DIR`"));
    }
    let Some(listing) = list(&client, &repository, &args.revision, &mut note)? else { return Ok(stopped()) };
    let folder = match &args.output {
        Some(folder) => folder.clone(),
        None => folder_of(&repository, &listing.commit)?,
    };
    say(&format!(
        "`{repository}` at {}: {} files, {}",
        listing.commit,
        listing.files.len(),
        file_size(listing.size_bytes())
    ));
    let mut known = known_hashes();
    let fetched = Fetch { client: &client, listing: &listing, folder: &folder }.run(&mut known, &mut show);
    known.save();
    let Some(FetchedModel { manifest, fetched_files }) = fetched? else { return Ok(stopped()) };
    let folder = canonicalize(&folder).unwrap_or(folder);
    if let Some(cache) = places::cache_dir() {
        VerifiedModels::load(&cache).remember(&folder, &manifest);
    }
    match fetched_files {
        0 => say("nothing had to be fetched: every file is as the hub has it"),
        count => {
            say(&format!("fetched {count} of {} files; all are as the hub has them", listing.files.len()));
        }
    }
    print_line(&folder.display().to_string())?;
    say(&format!("next: cargo xtask model use {}", shell::word(&folder)));
    Ok(exit_code::PASS)
}

fn stopped() -> u8 {
    say_below_bar("interrupted: what was downloaded stays there; the same command resumes it");
    exit_code::INTERRUPTED
}

/// Shows what is under way. On a terminal `huggingface_hub` draws a bar for each file.
fn show(event: FetchEvent<'_>) {
    let has_bar = stderr().is_terminal();
    match event {
        FetchEvent::WaitsForAnother => say("another fetch into this folder is under way; waiting for it"),
        FetchEvent::Hashing(file) => announce_hashing(&file.name, file.size_bytes),
        FetchEvent::Room { missing_bytes: 0, .. } => {}
        FetchEvent::Room { folder, missing_bytes, free_bytes } => {
            let (missing, free) = (file_size(missing_bytes), free_bytes.map_or("?".to_owned(), file_size));
            say(&format!("{missing} to fetch into `{}`, where {free} are free", folder.display()));
        }
        FetchEvent::Begins { file, there_bytes: 0 } if !has_bar => {
            say(&format!("downloading {} ({})", file.name, file_size(file.size_bytes)));
        }
        FetchEvent::Begins { file, there_bytes } if !has_bar => say(&format!(
            "downloading {} ({}, {} of it there already)",
            file.name,
            file_size(file.size_bytes),
            file_size(there_bytes)
        )),
        FetchEvent::Finished(file) if !has_bar => say(&format!("downloaded {}", file.name)),
        FetchEvent::Begins { .. } | FetchEvent::Finished(_) => {}
        FetchEvent::Note(text) => note(text),
    }
}

/// A message of `huggingface_hub`.
fn note(text: &str) {
    say_below_bar(&format!("huggingface_hub: {}", one_line(text)));
}

/// Says a line below a bar that may be on the terminal.
fn say_below_bar(line: &str) {
    if stderr().is_terminal() {
        say("");
    }
    say(line);
}

#[derive(Debug, Args)]
struct VerifyArgs {
    #[command(flatten)]
    folder: FolderArgs,

    /// OpenVINO that runs a tokenizer IR: a pinned version, or the folder of an installation
    #[arg(long, value_name = "VERSION|DIR")]
    openvino: Option<String>,
}

/// Holds a model against its manifest.
fn verify(args: &VerifyArgs) -> Result<()> {
    let named = args.folder.named_or_used()?;
    let folder = canonicalize(&named).map_err(|_| {
        Error::input(format!("model folder `{}` does not exist", named.display()))
            .hint("`cargo xtask model list` names those that do")
    })?;
    let manifest = read_manifest(&folder)?.ok_or_else(|| {
        let missing =
            Error::input(format!("`{}` has no `manifest.json` to be compared with", folder.display()));
        missing.hint(fix_of(&folder, &[]).unwrap_or_else(|| {
            "fetch the model by `cargo xtask model fetch`, which writes one; or write it down as it is: \
             `python3 ci/runner/model-manifest.py DIR > manifest.json`"
                .to_owned()
        }))
    })?;
    let mut known = known_hashes();
    let faulty =
        check_files(&folder, &manifest, &mut known, &mut |name, bytes| announce_hashing(name, bytes));
    known.save();
    let faulty = faulty?;
    print(&verification(&manifest, &faulty))?;
    if faulty.is_empty() {
        if let Some(cache) = places::cache_dir() {
            VerifiedModels::load(&cache).remember(&folder, &manifest);
        }
        return compare_tokenizers_of(&folder, args.openvino.as_ref());
    }
    let count = faulty.len();
    let what = format!("`{}` is not as its manifest says: {count} files differ", folder.display());
    let what = if count == 1 { what.replace("1 files differ", "1 file differs") } else { what };
    Err(Error::input(what).hint(fix_of(&folder, &faulty).unwrap_or_else(|| {
        "restore the folder (`git checkout -- fixtures/models` for the shipped model), or fetch the model again"
            .to_owned()
    })))
}

/// Compares the two tokenizers of a folder that has both.
fn compare_tokenizers_of(folder: &Path, openvino: Option<&String>) -> Result<()> {
    // A folder of something else than a text generator has none.
    let Ok(folder) = ModelFolder::open(folder) else { return Ok(()) };
    let Some(json) = folder.tokenizer().filter(|_| folder.has_tokenizer_ir()) else { return Ok(()) };
    let json = TextTokenizer::from_file(&json)?;
    let release = TokenizerIr::read(&folder)?.release().to_owned();
    let runs = Sources::from_environment(openvino.cloned()).locate().map(|location| location.found_by);
    let is_of_another = matches!(runs, Ok(FoundBy::Release(version)) if version != release);
    let ir = match tokenizer_ir(&folder, openvino) {
        Ok(ir) => ir,
        // It is not used beside a `tokenizer.json`; but what is damaged is a fault.
        Err(error) if is_of_another || error.kind() == ErrorKind::Harness => {
            warn(&Warning::new(
                "tokenizers-not-compared",
                format!("`tokenizer.json` was not compared with the tokenizer IR: {error}"),
                error.hint_text().unwrap_or("run `cargo xtask doctor`"),
            ));
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let prompts = PromptSet::load(&Root::find().prompts())?.prompts;
    let texts: Vec<_> = prompts.into_iter().map(|prompt| (prompt.id, prompt.text)).collect();
    match compare_tokenizers(&json, &ir, &texts)? {
        (None, texts) => {
            print_line(&format!("`tokenizer.json` and the tokenizer IR are the same on {texts} texts"))
        }
        (Some(difference), _) => {
            let what = format!(
                "`tokenizer.json` and the tokenizer IR in `{}` differ: {difference}",
                folder.path().display()
            );
            Err(Error::input(what).hint("`tokenizer.json` is what is used; convert it again: docs/models.md"))
        }
    }
}

/// The command that fixes a fetched model.
fn fix_of(folder: &Path, faulty: &[FaultyFile]) -> Option<String> {
    let fetched = FetchedFrom::read(folder)?;
    let extra = faulty.iter().any(|file| file.fault == FileFault::Extra);
    let first = if extra { "remove what is extra, then fetch" } else { "fetch" };
    let output =
        if fetched.is_at_home(folder) { String::new() } else { format!(" --output {}", shell::word(folder)) };
    let FetchedFrom { repository, commit, .. } = fetched;
    Some(format!("{first} what differs: `cargo xtask model fetch {repository} --revision {commit}{output}`"))
}

/// Lists what was fetched, what is shipped, and what is remembered.
fn list_models() -> Result<()> {
    let used = used()?;
    let used = canonicalize(&used).unwrap_or(used);
    let mut folders = places::models_dir().map_or_else(Vec::new, |models| fetched_folders(&models));
    folders.extend([Root::find().shipped_model(), used.clone()]);
    let verified =
        places::cache_dir().map_or_else(VerifiedModels::default, |cache| VerifiedModels::load(&cache));
    let mut models: Vec<ListedModel> = Vec::new();
    for folder in folders {
        let folder = canonicalize(&folder).unwrap_or(folder);
        if models.iter().all(|model| model.folder != folder) {
            models.push(listed(folder, &used, &verified));
        }
    }
    print_document(model_list(&models))?;
    if let Some(cut) = models.iter().find(|model| model.state == ModelState::Unfinished) {
        say(&format!(
            "unfinished: the same `model fetch` resumes it; or remove it: rm -r {}",
            shell::word(&cut.folder)
        ));
    }
    Ok(())
}

fn listed(folder: PathBuf, used: &Path, verified: &VerifiedModels) -> ListedModel {
    let manifest = read_manifest(&folder).ok().flatten();
    let fetched_from = FetchedFrom::read(&folder);
    let state = match &manifest {
        Some(manifest) => match verified.when_utc(&folder, manifest) {
            Some(when_utc) => ModelState::Verified { when_utc: when_utc.to_owned() },
            None => ModelState::NotVerified,
        },
        None if unfinished(&folder).is_dir() => ModelState::Unfinished,
        None if folder.join("openvino_model.xml").is_file() => ModelState::NoManifest,
        None => ModelState::Gone,
    };
    ListedModel {
        name: manifest.as_ref().map_or_else(|| name_of(&folder), |manifest| manifest.name.clone()),
        size_bytes: size_of(&folder),
        fetched_from,
        state,
        is_used: folder == used,
        folder,
    }
}

/// The repository's of one that was not finished, else the folder's.
fn name_of(folder: &Path) -> String {
    let name = |folder: &Path| folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let around = folder.parent().map(name).unwrap_or_default();
    match around.split_once("--") {
        Some((_, repository)) => repository.to_owned(),
        None => name(folder),
    }
}

/// Bytes of what lies in a folder, and in the one of its unfinished parts.
fn size_of(folder: &Path) -> u64 {
    let sizes = |folder: &Path| -> u64 {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| fs::metadata(entry.path()).ok())
            .filter(fs::Metadata::is_file)
            .map(|reported| reported.len())
            .sum()
    };
    sizes(folder) + sizes(&unfinished(folder))
}

#[derive(Debug, Args)]
struct DescribeArgs {
    #[command(flatten)]
    folder: FolderArgs,

    /// For people or for programs
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = TextOrJson::Text)]
    format: TextOrJson,
}

/// Prints what a model is made of. The graph is read; nothing is loaded.
fn describe(args: &DescribeArgs) -> Result<()> {
    let folder = ModelFolder::open(&args.folder.named_or_used()?)?;
    let mut known = known_hashes();
    let description = ModelDescription::of(&folder, &mut known, announce_hashing);
    known.save();
    match args.format {
        TextOrJson::Text => print_document(model_description(&description?)),
        TextOrJson::Json => print_data(&model_description_json(&description?)?),
    }
}
