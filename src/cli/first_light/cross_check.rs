//! The answers of a record, fed to the model on the CPU, as `golden bless --cross-check` does.

use std::path::Path;

use crate::cli::cross_check::{LIMIT_LOGIT, other_choices};
use crate::cli::flags::{EngineFlags, ModelFlags};
use crate::cli::loading::{find_model, load};
use crate::cli::root::Root;
use crate::cli::say;
use crate::error::{Error, Result};
use crate::measure::Role;
use crate::record::first_light::{CrossCheckLook, CrossCheckedAnswer};
use crate::record::{History, RequestedPrompt};

/// Loads the model on the CPU and feeds it each prompt's first answer.
pub(super) fn look(record: &Path, model: &ModelFlags, openvino: Option<&String>) -> Result<CrossCheckLook> {
    let record = History::read(record)?.record;
    let record = record.subject();
    let flags = EngineFlags::on_cpu(model.clone(), openvino.cloned());
    let model = find_model(&flags.model, &Root::find())?;
    if model.identity.sha256 != record.model.sha256 {
        return Err(Error::input(format!("the record measured another model, `{}`", record.model.name))
            .hint("name its folder with `--model-dir DIR`"));
    }
    let answer_of = |prompt: &RequestedPrompt| {
        let mut made = record.samples.iter().filter(|sample| {
            sample.role == Role::Measured && sample.prompt_id == prompt.id && !sample.token_ids.is_empty()
        });
        made.next()
    };
    let mut engine = load(&model, &flags)?.engine;
    let mut answers = Vec::new();
    for prompt in &record.workload.prompts {
        let Some(sample) = answer_of(prompt) else { continue };
        let others = other_choices(&mut engine, &prompt.token_ids, &sample.token_ids)?;
        let widest = others.iter().max_by(|one, other| one.choice.margin.total_cmp(&other.choice.margin));
        let answer = CrossCheckedAnswer {
            prompt_id: prompt.id.clone(),
            tokens: sample.token_ids.len(),
            other_preferred: others.len(),
            largest_logit_margin: widest.map_or(0.0, |other| other.choice.margin),
            widest_at: widest.map(|other| other.step + 1),
        };
        say(&format!("{}: {} of {} tokens", answer.prompt_id, answer.tokens - others.len(), answer.tokens));
        answers.push(answer);
    }
    Ok(CrossCheckLook { limit_logit: LIMIT_LOGIT, answers })
}
