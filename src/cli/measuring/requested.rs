//! What the flags ask for: prompts with their tokens.

use crate::cli::say;
use crate::error::Result;
use crate::record::RequestedPrompt;
use crate::run::FoundModel;
use crate::workload::Prompt;

/// Of a text of the user's own, what stands in the table.
const OWN_TITLE_CHARACTERS: usize = 30;

/// The prompts that the flags name, with their tokens; all reference prompts where none is named.
pub(in crate::cli) fn requested_prompts(
    named: &[String],
    model: &FoundModel,
) -> Result<Vec<RequestedPrompt>> {
    let reference = |prompt: &Prompt| -> Result<RequestedPrompt> {
        Ok(RequestedPrompt {
            id: prompt.id.clone(),
            title: prompt.title.clone(),
            token_ids: model.prompt_tokens(&prompt.id, &prompt.text)?,
        })
    };
    if named.is_empty() {
        return model.prompts.prompts.iter().map(reference).collect();
    }
    let own = |index: usize, text: &str| -> Result<RequestedPrompt> {
        if !text.contains(char::is_whitespace) {
            let ids: Vec<&str> = model.prompts.prompts.iter().map(|prompt| prompt.id.as_str()).collect();
            say(&format!(
                "no reference prompt is called `{text}` (there are `{}`): it is asked as a text",
                ids.join("`, `")
            ));
        }
        Ok(RequestedPrompt {
            id: RequestedPrompt::own_id(index),
            title: text.chars().take(OWN_TITLE_CHARACTERS).collect(),
            token_ids: model.encode(text)?,
        })
    };
    let named = named.iter().enumerate();
    let requested =
        named.map(|(index, named)| model.prompts.get(named).map_or_else(|| own(index, named), reference));
    requested.collect()
}
