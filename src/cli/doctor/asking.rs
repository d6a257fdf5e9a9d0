//! What is asked and what must be answered: tokenizer, prompts, goldens.

use std::path::Path;

use crate::cli::doctor::check::Check;
use crate::cli::doctor::model::FoundModel;
use crate::cli::flags::ModelFlags;
use crate::cli::loading::tokenizer_identity;
use crate::cli::root::Root;
use crate::error::Result;
use crate::golden::GoldenSet;
use crate::record::{ModelIdentity, sha256_of_file};
use crate::run::template_line;
use crate::workload::{PromptSet, TextTokenizer, TokenizerIdentity};

const TOKENIZER: &str = "tokenizer";
const PROMPTS: &str = "prompts";
const GOLDENS: &str = "goldens";
const BLESS: &str = "`cargo xtask bench`, then `cargo xtask golden bless --reason \"...\"`";

/// Looks at what a model is asked, and at what it must answer.
pub(super) fn examine(flags: &ModelFlags, model: Option<&FoundModel>, root: &Root) -> Vec<Check> {
    let file = flags.tokenizer.clone().or_else(|| model?.folder.tokenizer());
    let config = model.map(|model| model.folder.config().clone()).unwrap_or_default();
    let sha256 = file.as_deref().and_then(|file| sha256_of_file(file).ok());
    let identity = tokenizer_identity(&config, sha256);
    let prompts = PromptSet::load(&root.prompts());
    let pins = prompts.as_ref().ok().and_then(|prompts| pins(prompts, &identity));
    let first = match (&file, model) {
        (None, None) => Check::skip(TOKENIZER, "not looked at: no model folder"),
        (Some(file), _) => tokenizer(file, identity.vocabulary_size),
        (None, Some(_)) => no_tokenizer(pins.as_ref()),
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

fn tokenizer(file: &Path, vocabulary_size: Option<usize>) -> Check {
    let tokenizer = match TextTokenizer::from_file(file) {
        Ok(tokenizer) => tokenizer,
        Err(error) => return Check::of_error(TOKENIZER, &error, "name one with `--tokenizer FILE`"),
    };
    let (file, tokens) = (file.display(), tokenizer.vocabulary_size());
    match vocabulary_size {
        Some(limit) if tokens > limit => Check::warn(
            TOKENIZER,
            format!("`{file}` knows {tokens} tokens and the model {limit}: it is another model's"),
            "name the model's own with `--tokenizer FILE`",
        ),
        _ => {
            let switched_off = tokenizer.switched_off();
            let saved = (!switched_off.is_empty())
                .then(|| format!("saved with {}, which is not done here", switched_off.join(" and ")));
            let template = template_line(&tokenizer).unwrap_or("its template adds no token".to_owned());
            let facts = [Some(format!("`{file}`, {tokens} tokens")), Some(template), saved];
            Check::ok(TOKENIZER, facts.into_iter().flatten().collect::<Vec<_>>().join("; "))
        }
    }
}

fn no_tokenizer(pins: Option<&Pins>) -> Check {
    let found = "the model's folder has no `tokenizer.json`";
    match pins {
        Some(pins) if pins.unpinned.is_empty() => Check::warn(
            TOKENIZER,
            format!("{found}: reference prompts are pinned, other texts cannot be asked nor answers read"),
            "for these, name one with `--tokenizer FILE`",
        ),
        _ => Check::fail(
            TOKENIZER,
            format!("{found}, and not every reference prompt is pinned for it"),
            "name one with `--tokenizer FILE`",
        ),
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
        return Check::warn(GOLDENS, format!("none for `{name}`: every figure would be unverified"), BLESS);
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
mod tests;
