//! The model: its folder, its graph, its files.

use std::fs;
use std::path::Path;

use crate::cli::flags::ModelFlags;
use crate::cli::loading::{announce_hashing, model_dir, tokenizer_identity, tokenizer_ir};
use crate::cli::root::Root;
use crate::engine::ModelFolder;
use crate::engine::openvino::Graph;
use crate::error::{Error, Result};
use crate::golden::GoldenSet;
use crate::record::first_light::Check;
use crate::record::{ManifestCheck, ModelIdentity, sha256_of_file};
use crate::report::file_size;
use crate::run::{known_hashes, template_line};
use crate::workload::{PromptSet, TextTokenizer, TokenizerIdentity};

const FOLDER: &str = "model folder";
const GRAPH: &str = "model graph";
const FILES: &str = "model files";
const NAME_ANOTHER: &str =
    "name another with `--model-dir DIR`, or once and for all `cargo xtask model use DIR`";

/// What later checks need to know of a model whose folder opened.
pub(super) struct FoundModel {
    /// Its folder.
    pub(super) folder: ModelFolder,
    /// The size of its weights, where the file shows it.
    pub(super) weights_bytes: Option<u64>,
    /// None where its files are not what they ought to be.
    pub(super) identity: Option<ModelIdentity>,
}

/// Looks at the model that a verb with these flags would use.
pub(super) fn examine(flags: &ModelFlags, root: &Root) -> (Vec<Check>, Option<FoundModel>) {
    let Ok(path) = model_dir(flags, root) else {
        let reason = "not looked at: the settings, which name it, cannot be read";
        return (vec![Check::skip(FOLDER, reason)], None);
    };
    examine_folder(&path)
}

fn examine_folder(path: &Path) -> (Vec<Check>, Option<FoundModel>) {
    let folder = match ModelFolder::open(path) {
        Ok(folder) => folder,
        Err(error) => {
            let rest = [GRAPH, FILES].map(|subject| Check::skip(subject, "not looked at: no model folder"));
            let checks = [Check::of_error(FOLDER, &error, NAME_ANOTHER)].into_iter().chain(rest);
            return (checks.collect(), None);
        }
    };
    let identity = ModelIdentity::of(&folder, &mut known_hashes(), announce_hashing);
    let checks = vec![
        Check::ok(FOLDER, format!("`{}`", folder.path().display())),
        graph(Graph::read(&folder)),
        files(&identity),
    ];
    let weights_bytes = fs::metadata(folder.weights()).ok().map(|weights| weights.len());
    (checks, Some(FoundModel { folder, weights_bytes, identity: identity.ok() }))
}

fn graph(read: Result<Graph>) -> Check {
    match read {
        Ok(graph) => Check::ok(GRAPH, format!("stateful, {} KV states", graph.state_names.len())),
        Err(error) => Check::of_error(GRAPH, &error, NAME_ANOTHER),
    }
}

fn files(identity: &Result<ModelIdentity>) -> Check {
    let identity = match identity {
        Ok(identity) => identity,
        Err(error) => return Check::of_error(FILES, error, NAME_ANOTHER),
    };
    let bytes = identity.files.iter().map(|file| file.size_bytes).sum();
    let checked = match identity.manifest {
        ManifestCheck::Verified => "as their manifest says",
        ManifestCheck::Absent => "no manifest to compare them with",
    };
    let found = format!(
        "`{}`, sha256 {}, {} in {} files, {checked}",
        identity.name,
        identity.sha256.get(..12).unwrap_or(&identity.sha256),
        file_size(bytes),
        identity.files.len()
    );
    Check::ok(FILES, found)
}

const TOKENIZER: &str = "tokenizer";
const PROMPTS: &str = "prompts";
const GOLDENS: &str = "goldens";
const BLESS: &str = "`cargo xtask bench`, then `cargo xtask golden bless --reason \"...\"`";

/// Checks the prompts of a model and its goldens.
pub(super) fn examine_prompts(
    flags: &ModelFlags,
    openvino: Option<&String>,
    model: Option<&FoundModel>,
    root: &Root,
) -> Vec<Check> {
    let file = flags.tokenizer.clone().or_else(|| model?.folder.tokenizer());
    let config = model.map(|model| model.folder.config().clone()).unwrap_or_default();
    let sha256 = file.as_deref().and_then(|file| sha256_of_file(file).ok());
    let identity = tokenizer_identity(&config, sha256);
    let prompts = PromptSet::load(&root.prompts());
    let pins = prompts.as_ref().ok().and_then(|prompts| pins(prompts, &identity));
    let first = match (&file, model) {
        (None, None) => Check::skip(TOKENIZER, "not looked at: no model folder"),
        (Some(file), _) => match TextTokenizer::from_file(file) {
            Ok(opened) => tokenizer(&format!("`{}`", file.display()), &opened, identity.vocabulary_size),
            Err(error) => Check::of_error(TOKENIZER, &error, NAME_A_TOKENIZER),
        },
        (None, Some(model)) => match tokenizer_ir(&model.folder, openvino) {
            Ok(opened) => tokenizer("the model's tokenizer IR", &opened, identity.vocabulary_size),
            Err(error) => no_tokenizer(&error, pins.as_ref()),
        },
    };
    let known = prompts.as_ref().ok();
    let last = match model.and_then(|model| model.identity.as_ref()) {
        None => Check::skip(GOLDENS, "not looked at: the model's files are not known"),
        Some(identity) => goldens(&GoldenSet::load(&root.goldens(&identity.name)), identity, known),
    };
    vec![first, requested(&prompts, pins.as_ref(), model.is_some()), last]
}

/// The token ids that are pinned for a model's tokenizer.
struct Pins {
    tokenizer: String,
    /// Reference prompts that have none.
    unpinned: Vec<String>,
}

fn pins(prompts: &PromptSet, identity: &TokenizerIdentity) -> Option<Pins> {
    let pinned = prompts.pinned_for(identity)?;
    let ids = prompts.prompts.iter().map(|prompt| prompt.id.clone());
    let unpinned = ids.filter(|id| !pinned.prompts.contains_key(id)).collect();
    Some(Pins { tokenizer: pinned.tokenizer.clone(), unpinned })
}

const NAME_A_TOKENIZER: &str = "name one with `--tokenizer FILE`";

fn tokenizer(name: &str, tokenizer: &TextTokenizer, vocabulary_size: Option<usize>) -> Check {
    match (tokenizer.vocabulary_size(), vocabulary_size) {
        (Some(tokens), Some(limit)) if tokens > limit => Check::warn(
            TOKENIZER,
            format!("{name} knows {tokens} tokens and the model {limit}: it is another model's"),
            "name the model's own with `--tokenizer FILE`",
        ),
        (tokens, _) => {
            let switched_off = tokenizer.switched_off();
            let saved = (!switched_off.is_empty())
                .then(|| format!("saved with {}, which is not done here", switched_off.join(" and ")));
            let template = template_line(tokenizer).unwrap_or("its template adds no token".to_owned());
            let tokens = tokens.map(|tokens| format!(", {tokens} tokens")).unwrap_or_default();
            let facts = [Some(format!("{name}{tokens}")), Some(template), saved];
            Check::ok(TOKENIZER, facts.into_iter().flatten().collect::<Vec<_>>().join("; "))
        }
    }
}

fn no_tokenizer(error: &Error, pins: Option<&Pins>) -> Check {
    let (found, fix) = (error.to_string(), error.hint_text().unwrap_or(NAME_A_TOKENIZER));
    match pins {
        Some(pins) if pins.unpinned.is_empty() => Check::warn(
            TOKENIZER,
            format!(
                "{found}: reference prompts are pinned, other prompts cannot be encoded and answers cannot be decoded"
            ),
            format!("for these, {fix}"),
        ),
        _ => Check::fail(TOKENIZER, format!("{found}, and not every reference prompt is pinned for it"), fix),
    }
}

fn requested(prompts: &Result<PromptSet>, pins: Option<&Pins>, has_model: bool) -> Check {
    let prompts = match prompts {
        Ok(prompts) => prompts,
        Err(error) => return Check::of_error(PROMPTS, error, "`git checkout -- fixtures/prompts`"),
    };
    let pinned = match pins {
        _ if !has_model => "whether they are pinned depends on the model".to_owned(),
        None => "no token ids pinned for this model's tokenizer".to_owned(),
        Some(pins) if pins.unpinned.is_empty() => format!("token ids pinned for `{}`", pins.tokenizer),
        Some(pins) => {
            format!("token ids pinned for `{}`, but not of `{}`", pins.tokenizer, pins.unpinned.join("`, `"))
        }
    };
    Check::ok(PROMPTS, format!("{} reference prompts, {pinned}", prompts.prompts.len()))
}

fn goldens(loaded: &Result<GoldenSet>, model: &ModelIdentity, prompts: Option<&PromptSet>) -> Check {
    let goldens = match loaded {
        Ok(set) => &set.goldens,
        Err(error) => return Check::of_error(GOLDENS, error, "`git checkout -- fixtures/golden`"),
    };
    let name = &model.name;
    if goldens.is_empty() {
        return Check::warn(GOLDENS, format!("none for `{name}`: every value would be unverified"), BLESS);
    }
    let of_others = goldens.values().filter(|golden| golden.model_sha256 != model.sha256).count();
    if of_others > 0 {
        return Check::fail(
            GOLDENS,
            format!(
                "{of_others} of {} for `{name}` were made from other files than the model's",
                goldens.len()
            ),
            "restore the model's files; or `cargo xtask bench --unverified`, then `cargo xtask golden bless`",
        );
    }
    let prompts = prompts.into_iter().flat_map(|set| &set.prompts);
    let without: Vec<&str> =
        prompts.map(|prompt| prompt.id.as_str()).filter(|id| !goldens.contains_key(*id)).collect();
    let found = format!("{} for `{name}`, all made from this model's files", goldens.len());
    if without.is_empty() {
        return Check::ok(GOLDENS, found);
    }
    Check::warn(GOLDENS, format!("{found}; none for prompt `{}`", without.join("`, `")), BLESS)
}

#[cfg(test)]
mod tests {
    use crate::record::first_light::CheckStatus as Status;

    use super::*;

    fn statuses(folder: &Path) -> Vec<(String, Status)> {
        examine_folder(folder).0.into_iter().map(|check| (check.subject, check.status)).collect()
    }

    fn each(folder: Status, graph: Status, files: Status) -> Vec<(String, Status)> {
        vec![(FOLDER.to_owned(), folder), (GRAPH.to_owned(), graph), (FILES.to_owned(), files)]
    }

    /// A folder with the shipped model's files.
    fn copy_of_the_shipped_model() -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/tiny-gpt-oss");
        for entry in
            fs::read_dir(shipped).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
        {
            fs::copy(&entry, copy.path().join(entry.file_name().unwrap())).unwrap();
        }
        copy
    }

    #[test]
    fn the_shipped_model_is_whole() {
        let copy = copy_of_the_shipped_model();
        assert_eq!(statuses(copy.path()), each(Status::Ok, Status::Ok, Status::Ok));
        let (checks, found) = examine_folder(copy.path());
        let found = found.unwrap();
        let sha256 = &found.identity.unwrap().sha256[..12];
        assert!(
            checks[2].found.contains(&format!("`tiny-gpt-oss`, sha256 {sha256}, ")),
            "{}",
            checks[2].found
        );
        assert!(checks[2].found.ends_with("as their manifest says"), "{}", checks[2].found);
        assert_eq!(
            found.weights_bytes,
            Some(fs::metadata(copy.path().join("openvino_model.bin")).unwrap().len())
        );
    }

    #[test]
    fn damage_fails_where_it_is_and_a_folder_that_is_not_there_fails_once() {
        use Status::{Fail, Ok, Skip};
        let copy = copy_of_the_shipped_model();
        let weights = copy.path().join("openvino_model.bin");
        let mut bytes = fs::read(&weights).unwrap();
        bytes[100] ^= 1;
        fs::write(&weights, bytes).unwrap();
        assert_eq!(statuses(copy.path()), each(Ok, Ok, Fail), "altered weights, by the manifest");
        fs::remove_file(copy.path().join("manifest.json")).unwrap();
        assert_eq!(statuses(copy.path()), each(Ok, Ok, Ok));
        fs::write(&weights, "short").unwrap();
        assert_eq!(statuses(copy.path()), each(Ok, Fail, Ok), "a truncated download");
        fs::write(copy.path().join("openvino_model.xml"), "<net/>").unwrap();
        assert_eq!(statuses(copy.path()), each(Ok, Fail, Ok), "a graph that is none");
        assert_eq!(statuses(Path::new("/nowhere")), each(Fail, Skip, Skip));
    }

    fn repository() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn prompts() -> PromptSet {
        PromptSet::load(&repository().join("fixtures/prompts")).unwrap()
    }

    fn model() -> ModelIdentity {
        let goldens = shipped_goldens();
        let sha256 = goldens.goldens.values().next().unwrap().model_sha256.clone();
        ModelIdentity {
            name: "tiny-gpt-oss".into(),
            sha256,
            files: Vec::new(),
            manifest: ManifestCheck::Absent,
        }
    }

    fn shipped_goldens() -> GoldenSet {
        GoldenSet::load(&repository().join("fixtures/golden/tiny-gpt-oss")).unwrap()
    }

    #[test]
    fn a_tokenizer_that_knows_more_tokens_than_the_model_is_another_model_s() {
        let file = repository().join("fixtures/models/tiny-gpt-oss/tokenizer.json");
        let tokenizer = TextTokenizer::from_file(&file).unwrap();
        let known = tokenizer.vocabulary_size().unwrap();
        for (size, status) in [(Some(known), Status::Ok), (None, Status::Ok), (Some(known - 1), Status::Warn)]
        {
            let check = super::tokenizer("it", &tokenizer, size);
            assert_eq!(check.status, status);
            assert!(status == Status::Ok || check.fix.unwrap().contains("`--tokenizer FILE`"));
        }
    }

    #[test]
    fn without_a_tokenizer_pinned_prompts_suffice_and_unpinned_ones_do_not() {
        let pins = |unpinned: &[&str]| Pins {
            tokenizer: "o200k".into(),
            unpinned: unpinned.iter().map(ToString::to_string).collect(),
        };
        let error = Error::input("there is none");
        assert_eq!(no_tokenizer(&error, Some(&pins(&[]))).status, Status::Warn);
        assert_eq!(no_tokenizer(&error, Some(&pins(&["fibonacci"]))).status, Status::Fail);
        assert_eq!(no_tokenizer(&error, None).status, Status::Fail);
    }

    #[test]
    fn the_reference_prompts_are_pinned_for_gpt_oss_and_one_that_is_not_is_named() {
        let gpt_oss = TokenizerIdentity {
            model_type: Some("gpt_oss".into()),
            vocabulary_size: Some(201_088),
            tokenizer_sha256: None,
        };
        let other = TokenizerIdentity { model_type: Some("llama".into()), ..gpt_oss.clone() };
        let mut without_one = prompts();
        without_one.pinned[0].recognised_by = gpt_oss.clone();
        without_one.pinned[0].prompts.remove("fibonacci");
        for (set, identity, found) in [
            (prompts(), &gpt_oss, "token ids pinned for `o200k-harmony`"),
            (prompts(), &other, "no token ids pinned for this model's tokenizer"),
            (without_one, &gpt_oss, "token ids pinned for `o200k-harmony`, but not of `fibonacci`"),
        ] {
            let known = pins(&set, identity);
            let check = requested(&Ok(set), known.as_ref(), true);
            assert_eq!(check.found, format!("3 reference prompts, {found}"));
        }
        assert_eq!(requested(&PromptSet::load(Path::new("/nowhere")), None, true).status, Status::Fail);
    }

    #[test]
    fn a_golden_of_other_files_fails_and_a_missing_one_warns() {
        let with = |change: fn(&mut GoldenSet)| {
            let mut set = shipped_goldens();
            change(&mut set);
            goldens(&Ok(set), &model(), Some(&prompts()))
        };
        let whole = with(|_| ());
        assert_eq!(whole, Check::ok(GOLDENS, "3 for `tiny-gpt-oss`, all made from this model's files"));
        let of_others = with(|set| set.goldens.values_mut().next().unwrap().model_sha256 = "another".into());
        assert_eq!(of_others.status, Status::Fail);
        assert!(of_others.found.starts_with("1 of 3 for"), "{}", of_others.found);
        let missing = with(|set| _ = set.goldens.remove("fibonacci"));
        assert_eq!(missing.status, Status::Warn);
        assert!(missing.found.ends_with("none for prompt `fibonacci`"), "{}", missing.found);
        assert_eq!(with(|set| set.goldens.clear()).status, Status::Warn);
    }
}
