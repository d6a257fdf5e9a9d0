//! A model that was found and identified: its prompts, and what it must answer.

use crate::engine::ModelFolder;
use crate::engine::openvino::Graph;
use crate::error::{Error, Result};
use crate::golden::GoldenSet;
use crate::measure::Plan;
use crate::places;
use crate::record::{HashCache, ModelIdentity, RequestedPrompt, Warning};
use crate::workload::{
    DepthPrompt, Prompt, PromptSet, TemplateTokens, TextTokenizer, TokenId, TokenizerIdentity,
};

/// A model that was found and identified, before anything is loaded.
pub struct FoundModel {
    /// Its folder.
    pub folder: ModelFolder,
    /// Which files it is made of.
    pub identity: ModelIdentity,
    /// Its tokenizer, or why there is none: a prompt whose tokens are pinned needs none.
    pub tokenizer: Result<TextTokenizer>,
    /// By what its tokenizer is recognised.
    pub tokenizer_identity: TokenizerIdentity,
    /// The reference prompts.
    pub prompts: PromptSet,
    /// What it must answer.
    pub goldens: GoldenSet,
    /// Its graph.
    pub graph: Graph,
}

/// The hashes of files that were read before, in the cache folder.
pub fn known_hashes() -> HashCache {
    places::cache_dir().map_or_else(HashCache::default, |folder| HashCache::load(folder.join("hashes.json")))
}

/// The tokens that a tokenizer's own template puts around a text, for people; None where there are none.
pub fn template_line(tokenizer: &TextTokenizer) -> Option<String> {
    let TemplateTokens { before, after } = tokenizer.template_tokens();
    let named = |ids: &[TokenId], place: &str| {
        let words = ids.iter().map(|id| format!("`{}` ({id})", tokenizer.token(*id)));
        (!ids.is_empty()).then(|| format!("{} {place} the text", words.collect::<Vec<_>>().join(", ")))
    };
    let parts: Vec<String> = [named(before, "before"), named(after, "after")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("its template puts {}", parts.join(" and ")))
}

impl FoundModel {
    /// The tokens of a reference prompt: pinned ones, else by the tokenizer.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn prompt_tokens(&self, id: &str, text: &str) -> Result<Vec<TokenId>> {
        let pinned = self.prompts.pinned_for(&self.tokenizer_identity);
        match pinned.and_then(|pinned| pinned.prompts.get(id)) {
            Some(ids) => Ok(ids.clone()),
            None => self.encode(text),
        }
    }

    /// A reference prompt with its tokens.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn reference_prompt(&self, prompt: &Prompt) -> Result<RequestedPrompt> {
        let token_ids = self.prompt_tokens(&prompt.id, &prompt.text)?;
        Ok(RequestedPrompt { title: prompt.title.clone(), ..RequestedPrompt::new(&prompt.id, token_ids) })
    }

    /// A prompt of the suite `depth` with its tokens: its golden's, else by the tokenizer.
    ///
    /// # Errors
    /// An ending that is no reference prompt; else as [`Self::encode`].
    pub fn depth_prompt(&self, prompt: &DepthPrompt) -> Result<RequestedPrompt> {
        let golden = self.goldens.goldens.get(&prompt.id);
        let token_ids = match golden.filter(|_| self.tokenizer.is_err()) {
            Some(golden) => golden.prompt_token_ids.clone(),
            None => self.cut(prompt)?,
        };
        Ok(RequestedPrompt {
            title: prompt.title.clone(),
            cache_tokens: prompt.cache_tokens,
            ..RequestedPrompt::new(&prompt.id, token_ids)
        })
    }

    fn cut(&self, prompt: &DepthPrompt) -> Result<Vec<TokenId>> {
        let ending = prompt.ending.as_deref().map_or(Ok(Vec::new()), |id| {
            let ending = self.prompts.get(id).ok_or_else(|| {
                Error::input(format!("prompt `{}` ends with `{id}`, which is no reference prompt", prompt.id))
                    .hint("restore it: `git checkout -- fixtures/prompts`")
            })?;
            self.prompt_tokens(&ending.id, &ending.text)
        })?;
        Ok(prompt.token_ids(&self.encode(&self.prompts.depth.text)?, &ending))
    }

    /// The tokens of a text.
    ///
    /// # Errors
    /// An empty text; a model without a tokenizer.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>> {
        if text.trim().is_empty() {
            return Err(Error::input("the prompt is empty").hint("give some text: `--prompt \"Hello\"`"));
        }
        self.tokenizer()?.encode(text)
    }

    /// The tokenizer, which turning text into tokens and back needs.
    ///
    /// # Errors
    /// A model without one.
    pub fn tokenizer(&self) -> Result<&TextTokenizer> {
        self.tokenizer.as_ref().map_err(Clone::clone)
    }

    /// What the tokenizer's file asks for and is not done, or why a tokenizer IR is not used.
    pub fn tokenizer_warning(&self) -> Option<Warning> {
        let switched_off = match &self.tokenizer {
            Ok(tokenizer) => tokenizer.switched_off(),
            Err(error) if self.folder.has_tokenizer_ir() => {
                let advice = error.hint_text().unwrap_or("run `cargo xtask doctor`");
                return Some(Warning::new("no-tokenizer", error.to_string(), advice));
            }
            Err(_) => return None,
        };
        (!switched_off.is_empty()).then(|| {
            Warning::new(
                "tokenizer-settings-off",
                format!("the tokenizer was saved with {}: not done here", switched_off.join(" and ")),
                "prompts are fed whole and without padding, as the tokenizer of a text generator feeds them",
            )
        })
    }

    /// The tokens that the tokenizer's own template puts around a text, for people.
    pub fn template_line(&self) -> Option<String> {
        template_line(self.tokenizer.as_ref().ok()?)
    }

    /// Refuses goldens that were made from other files than these.
    ///
    /// # Errors
    /// The first golden that was.
    pub fn check_goldens_belong(&self) -> Result<()> {
        let of_other_model =
            self.goldens.goldens.values().find(|golden| golden.model_sha256 != self.identity.sha256);
        let Some(golden) = of_other_model else { return Ok(()) };
        Err(Error::input(format!(
            "model `{}` in `{}` is not the one its goldens were made from: its sha256 is {}, the golden of `{}` has {}",
            self.identity.name,
            self.folder.path().display(),
            self.identity.sha256,
            golden.prompt_id,
            golden.model_sha256
        ))
        .hint("restore the model's files; or measure it without goldens by `--unverified`, and bless the record"))
    }

    /// Refuses prompts that the model cannot take.
    ///
    /// # Errors
    /// Tokens that it does not have, or more than it has positions for.
    pub fn check_takes(
        &self,
        requested: &[RequestedPrompt],
        processes: usize,
        new_tokens: usize,
    ) -> Result<()> {
        let config = self.folder.config();
        Plan { prompts: requested.to_vec(), processes, new_tokens }
            .check(config.vocab_size.unwrap_or(usize::MAX), config.max_position_embeddings)
    }

    /// Refuses a prompt whose tokens are not those that its golden answers.
    ///
    /// # Errors
    /// The first such prompt.
    pub fn check_goldens_fit(&self, requested: &[RequestedPrompt]) -> Result<()> {
        let golden_of = |id: &str| self.goldens.goldens.get(id);
        let unfit = requested
            .iter()
            .find(|prompt| golden_of(&prompt.id).is_some_and(|golden| !golden.answers(prompt.input())));
        let Some(prompt) = unfit else { return Ok(()) };
        Err(Error::input(format!(
            "prompt `{}` has other tokens than those that its golden answers: the golden, the pinned ids or the tokenizer was changed",
            prompt.id
        ))
        .hint("restore them: `git checkout -- fixtures`; or measure without goldens by `--unverified`"))
    }
}
