//! Flags that several verbs share. Names and defaults are those of the published benchmark.

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use strum::VariantNames;

use crate::cli::say;
use crate::engine::openvino::Property;
use crate::error::{Error, Result};
use crate::record::RequestedPrompt;
use crate::run::FoundModel;
use crate::workload::Suite;

/// Which model.
#[derive(Debug, Clone, Args)]
pub(super) struct ModelFlags {
    /// Folder with the OpenVINO model [default: the one of `model use`, else the shipped small model]
    #[arg(long, value_name = "DIR")]
    pub(super) model_dir: Option<PathBuf>,

    /// Tokenizer, where the model's folder has no tokenizer.json
    #[arg(long, value_name = "FILE")]
    pub(super) tokenizer: Option<PathBuf>,
}

/// Which model, where and how.
#[derive(Debug, Clone, Args)]
pub(super) struct EngineFlags {
    #[command(flatten)]
    pub(super) model: ModelFlags,

    /// Device to run on; GPU alone falls back to the CPU where there is no GPU, and says so
    #[arg(long, value_name = "DEVICE", default_value = "GPU", value_parser = device_name)]
    pub(super) device: String,

    /// OpenVINO to use: a pinned version, or the folder of an installation
    #[arg(long, value_name = "VERSION|DIR")]
    pub(super) openvino: Option<String>,

    /// Compile property, over the defaults of the device; may be repeated
    #[arg(long = "property", value_name = "KEY=VALUE")]
    pub(super) properties: Vec<Property>,

    /// Compute the logits of every prompt token, as the model's graph says, not of the last alone
    #[arg(long)]
    pub(super) all_logits: bool,
}

/// What is requested of the model.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct PromptFlags {
    /// Set of prompts: `reference`, or `depth` with prompts of 256 tokens and more
    /// [default: reference; of a gate what its policy says]
    #[arg(long, value_name = "SUITE", value_parser = suite_parser())]
    pub(super) suite: Option<Suite>,

    /// With the suite `depth`: its prompt of 16,384 tokens, too, whose prefill takes minutes
    #[arg(long)]
    pub(super) deep: bool,

    /// The id of a prompt of a suite, or a text of your own; may be repeated [default: all prompts of the suite]
    #[arg(long = "prompt", value_name = "ID|TEXT", allow_hyphen_values = true, conflicts_with_all = ["suite", "deep"])]
    pub(super) prompts: Vec<String>,

    /// Tokens of each answer, exactly: end-of-sequence is a token like any other
    /// [default: 200; 64 of the suite `depth`]
    #[arg(long, value_name = "N")]
    max_new_tokens: Option<usize>,
}

/// The name of a suite.
pub(super) fn suite_parser() -> impl TypedValueParser<Value = Suite> {
    PossibleValuesParser::new(Suite::VARIANTS).try_map(|name| name.parse::<Suite>())
}

/// Of a text of the user's own, what stands in the table.
const OWN_TITLE_CHARACTERS: usize = 30;

impl PromptFlags {
    /// Tokens of each answer to these prompts.
    pub(super) fn new_tokens(&self, requested: &[RequestedPrompt], model: &FoundModel) -> usize {
        let suite = model.prompts.suite_of(requested.iter().map(|prompt| prompt.id.as_str()));
        self.max_new_tokens.unwrap_or_else(|| suite.unwrap_or_default().new_tokens())
    }

    /// Tokens of each answer, where they are named.
    pub(super) fn named_new_tokens(&self) -> Option<usize> {
        self.max_new_tokens
    }

    /// The prompts that the flags name, with their tokens; all of the suite where none is named.
    pub(super) fn requested(&self, suite: Suite, model: &FoundModel) -> Result<Vec<RequestedPrompt>> {
        let suite = self.suite.unwrap_or(suite);
        if self.deep && suite != Suite::Depth {
            return Err(Error::input("`--deep` is of the suite `depth`").hint("add `--suite depth`"));
        }
        if !self.prompts.is_empty() {
            return requested_prompts(&self.prompts, model);
        }
        match suite {
            Suite::Reference => requested_prompts(&[], model),
            Suite::Depth => {
                let prompts = model.prompts.depth.prompts.iter();
                prompts.filter(|prompt| self.deep || !prompt.deep).map(|it| model.depth_prompt(it)).collect()
            }
        }
    }
}

/// The prompts of these names, with their tokens; all reference prompts where none is named.
pub(super) fn requested_prompts(named: &[String], model: &FoundModel) -> Result<Vec<RequestedPrompt>> {
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

/// OpenVINO's names are in capitals; people write them in any case.
#[expect(clippy::unnecessary_wraps, reason = "the type of a value parser")]
fn device_name(text: &str) -> std::result::Result<String, Infallible> {
    Ok(text.to_ascii_uppercase())
}

impl EngineFlags {
    /// Refuses a device that no worker measures, before anything is locked, built or loaded.
    pub(super) fn check_device(&self) -> Result<()> {
        let number =
            self.device.strip_prefix("GPU.").map(|number| number.bytes().all(|it| it.is_ascii_digit()));
        if matches!(self.device.as_str(), "CPU" | "GPU") || number == Some(true) {
            return Ok(());
        }
        Err(Error::input(format!("device `{}` is not measured: arcgauge measures CPU and GPU", self.device))
            .hint("try `--device CPU`, `--device GPU` or, of several GPUs, `--device GPU.1`"))
    }

    /// The default series on the CPU.
    pub(super) fn on_cpu(model: ModelFlags, openvino: Option<String>) -> Self {
        Self { model, device: "CPU".to_owned(), openvino, properties: Vec::new(), all_logits: false }
    }

    /// The flags as they are typed, for a process of this program's own.
    pub(super) fn as_typed(&self) -> Vec<OsString> {
        let mut typed = self.model.as_typed();
        typed.extend(["--device".into(), self.device.clone().into()]);
        typed.extend(openvino_as_typed(self.openvino.as_ref()));
        for property in &self.properties {
            typed.extend(["--property".into(), format!("{}={}", property.key, property.value).into()]);
        }
        typed.extend(self.all_logits.then(|| "--all-logits".into()));
        typed
    }
}

impl ModelFlags {
    /// The flags as they are typed, for a process of this program's own.
    pub(super) fn as_typed(&self) -> Vec<OsString> {
        let named = [("--model-dir", &self.model_dir), ("--tokenizer", &self.tokenizer)];
        let given = named.into_iter().filter_map(|(flag, value)| Some((flag, value.as_ref()?)));
        given.flat_map(|(flag, value)| [flag.into(), value.clone().into_os_string()]).collect()
    }
}

/// `--openvino` as it is typed.
pub(super) fn openvino_as_typed(openvino: Option<&String>) -> Vec<OsString> {
    openvino.map(|named| vec!["--openvino".into(), named.into()]).unwrap_or_default()
}
