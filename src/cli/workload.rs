//! Which prompts verbs that measure request, how long the answers are, and whether they are checked.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use strum::VariantNames;

use crate::cli::flags::EngineFlags;
use crate::cli::loading::find_model;
use crate::cli::root::Root;
use crate::cli::say;
use crate::error::{Error, Result};
use crate::record::RequestedPrompt;
use crate::run::FoundModel;
use crate::workload::Suite;

/// Which answers are measured, and whether they are checked.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct WorkloadArgs {
    /// Set of prompts: `reference`, or `depth` with prompts of 256 tokens and more
    /// [default: reference; for an A/B the policy's suite]
    #[arg(long, value_name = "SUITE", value_parser = suite_parser())]
    suite: Option<Suite>,

    /// With the suite `depth`: its prompt of 16,384 tokens, too, whose prefill takes minutes
    #[arg(long)]
    deep: bool,

    /// The id of a prompt of a suite, or a text of your own; may be repeated [default: all prompts of the suite]
    #[arg(long = "prompt", value_name = "ID|TEXT", allow_hyphen_values = true, conflicts_with_all = ["suite", "deep"])]
    prompts: Vec<String>,

    /// Tokens of each answer, exactly: end-of-sequence is a token like any other
    /// [default: 200; 64 of the suite `depth`]
    #[arg(long, value_name = "N")]
    pub(super) max_new_tokens: Option<usize>,

    /// Measure without goldens: answers are compared with each other alone, and every value is unverified
    #[arg(long)]
    pub(super) unverified: bool,
}

/// Prompts with their tokens, and how long each answer is.
pub(super) struct RequestedWorkload {
    pub(super) prompts: Vec<RequestedPrompt>,
    pub(super) new_tokens: usize,
}

impl WorkloadArgs {
    /// Finds the model with the goldens that its answers are checked against.
    pub(super) fn find_model(&self, flags: &EngineFlags, root: &Root) -> Result<FoundModel> {
        let mut model = find_model(&flags.model, flags.openvino.as_ref(), root)?;
        if self.unverified {
            // What counts as a near-tie stays known.
            model.goldens.goldens.clear();
        }
        model.check_goldens_belong()?;
        Ok(model)
    }

    /// The prompts that the flags name, else all of the suite. Refuses those that are not the goldens', or that the
    /// model cannot take.
    pub(super) fn requested(
        &self,
        default: Suite,
        model: &FoundModel,
        processes: usize,
    ) -> Result<RequestedWorkload> {
        let suite = self.suite.unwrap_or(default);
        if self.deep && suite != Suite::Depth {
            return Err(Error::input("`--deep` is of the suite `depth`").hint("add `--suite depth`"));
        }
        let prompts = match suite {
            Suite::Depth if self.prompts.is_empty() => {
                let prompts = model.prompts.depth.prompts.iter();
                let prompts = prompts.filter(|prompt| self.deep || !prompt.deep);
                prompts.map(|prompt| model.depth_prompt(prompt)).collect::<Result<_>>()?
            }
            _ => requested_prompts(&self.prompts, model)?,
        };
        let suite = model.prompts.suite_of(prompts.iter().map(|prompt| prompt.id.as_str()));
        let new_tokens = self.max_new_tokens.unwrap_or_else(|| suite.unwrap_or_default().new_tokens());
        let requested = RequestedWorkload { prompts, new_tokens };
        requested.check(model, processes)?;
        Ok(requested)
    }
}

impl RequestedWorkload {
    /// Refuses prompts that are not the goldens', or that the model cannot take.
    pub(super) fn check(&self, model: &FoundModel, processes: usize) -> Result<()> {
        model.check_goldens_fit(&self.prompts)?;
        model.check_takes(&self.prompts, processes, self.new_tokens)
    }
}

/// The name of a suite.
pub(super) fn suite_parser() -> impl TypedValueParser<Value = Suite> {
    PossibleValuesParser::new(Suite::VARIANTS).try_map(|name| name.parse::<Suite>())
}

/// Of a text of the user's own, what stands in the table.
const OWN_TITLE_CHARACTERS: usize = 30;

/// The prompts of these names, with their tokens; all reference prompts where none is named.
fn requested_prompts(named: &[String], model: &FoundModel) -> Result<Vec<RequestedPrompt>> {
    if named.is_empty() {
        return model.prompts.prompts.iter().map(|prompt| model.reference_prompt(prompt)).collect();
    }
    let own = |index: usize, text: &str| -> Result<RequestedPrompt> {
        if !text.contains(char::is_whitespace) {
            let ids: Vec<&str> = model.prompts.ids().collect();
            say(&format!(
                "no prompt is called `{text}` (there are `{}`): it is used as a text",
                ids.join("`, `")
            ));
        }
        let title = text.chars().take(OWN_TITLE_CHARACTERS).collect();
        let token_ids = model.encode(text)?;
        Ok(RequestedPrompt { title, ..RequestedPrompt::new(&RequestedPrompt::own_id(index), token_ids) })
    };
    let requested = named.iter().enumerate().map(|(index, named)| {
        let prompts = &model.prompts;
        let reference = prompts.get(named).map(|prompt| model.reference_prompt(prompt));
        let depth = || prompts.depth.get(named).map(|prompt| model.depth_prompt(prompt));
        reference.or_else(depth).unwrap_or_else(|| own(index, named))
    });
    requested.collect()
}
