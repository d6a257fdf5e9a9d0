//! Flags of `peers`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::ab::budget;
use crate::cli::flags::EngineFlags;
use crate::cli::measuring::SupervisionArgs;
use crate::cli::peers::engine::EngineWords;
use crate::cli::store::StoreFlag;
use crate::error::Result;

/// The way from optimum-intel to `openvino_genai` as each comes, one step at a time, and where arcgauge stands.
const ALL: &str = "stateful,genai,genai-pa,genai-pa-i8,optimum";

/// Flags of `peers`.
#[derive(Debug, Args)]
pub(in crate::cli) struct PeersArgs {
    /// Engines, separated by commas; the first is what the others are compared with. There are stateful (this
    /// program), genai and genai-pa (`LLMPipeline`, stateful and with paged attention), genai-pa-i8 (the same
    /// with a compressed KV cache), optimum (`OVModelForCausalLM`), and those of `--program`. After a colon
    /// compile properties of this engine alone: `genai-pa:KV_CACHE_PRECISION=u8`; more of them with a `+`
    #[arg(long, value_name = "ENGINE,...", value_delimiter = ',', default_value = ALL)]
    engines: Vec<String>,

    /// Another program that speaks the worker's protocol, as an engine of this name; may be repeated
    #[arg(long = "program", value_name = "NAME=FILE", value_parser = named_program)]
    pub(super) programs: Vec<NamedProgram>,

    /// Rounds that count: in each, every engine runs once, in a fresh process; twice as many as engines give each
    /// every place in the order
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) rounds: u16,

    /// Longest time for all rounds, as in 90s, 30m or 2h
    #[arg(long, value_name = "TIME", value_parser = budget)]
    pub(super) budget: Option<Duration>,

    /// Let rounds count in which a guard tripped
    #[arg(long, alias = "despite-guards")]
    pub(super) ignore_guards: bool,

    /// Tokens of each answer, exactly
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(super) max_new_tokens: usize,

    /// A reference prompt's id, or a text of your own; may be repeated [default: all reference prompts]
    #[arg(long = "prompt", value_name = "ID|TEXT", allow_hyphen_values = true)]
    pub(super) prompts: Vec<String>,

    /// Compare the answers with each other alone, not with goldens
    #[arg(long)]
    pub(super) unverified: bool,

    /// How the result is reported
    #[arg(long, value_enum, default_value_t = PeersFormat::Text)]
    pub(super) format: PeersFormat,

    #[command(flatten)]
    pub(super) store: StoreFlag,

    #[command(flatten)]
    pub(super) engine: EngineFlags,

    #[command(flatten)]
    pub(super) supervision: SupervisionArgs,
}

impl PeersArgs {
    /// The engines in words; read here and not with the flags, so that each refusal comes with its hint.
    pub(super) fn engines(&self) -> Result<Vec<EngineWords>> {
        self.engines.iter().map(|words| words.parse()).collect()
    }
}

/// The forms of `peers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PeersFormat {
    /// For people, on a terminal
    Text,
    /// For programs
    Json,
    /// For a page or an issue
    Markdown,
}

/// A program with the name that its engine goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedProgram {
    pub(super) name: String,
    pub(super) file: std::path::PathBuf,
}

fn named_program(text: &str) -> std::result::Result<NamedProgram, String> {
    let wrong = || format!("`{text}` is not of the form NAME=FILE");
    let (name, file) = text.split_once('=').filter(|(_, file)| !file.is_empty()).ok_or_else(wrong)?;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(is_plain) {
        return Err(format!("`{name}` is no name: use lower-case letters, digits and `-`"));
    }
    Ok(NamedProgram { name: name.to_owned(), file: file.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_a_plain_name_and_any_file() {
        let named = named_program("my-engine2=/opt/a=b c").unwrap();
        assert_eq!((named.name.as_str(), named.file.as_path()), ("my-engine2", "/opt/a=b c".as_ref()));
        for wrong in ["", "x", "=y", "x=", "A=b", "a b=c"] {
            assert!(named_program(wrong).is_err(), "{wrong}");
        }
    }
}
