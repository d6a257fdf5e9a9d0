//! `peers`: engines side by side, in rounds of fresh processes; equal tokens first, then speed and memory.

mod engine;

use clap::Args;

use crate::cli::arms::{ArmsArgs, store_and_print};
use crate::cli::measuring::{MeasuringArgs, stoppable};
use crate::cli::peers::engine::{Common, EngineWords, check_order};
use crate::cli::progress::Progress;
use crate::cli::root::Root;
use crate::cli::settings::unit_id;
use crate::cli::workload::{RequestedWorkload, WorkloadArgs};
use crate::cli::{exit_code, say};
use crate::error::{ErrorKind, Result};
use crate::files::{self, FileKind};
use crate::record::{PlanKind, PublishedReference, PublishedValue};
use crate::report::peers::{peers_document, peers_json};
use crate::run::{EditedGraph, ExperimentPlan, ResolvedDevice, run};
use crate::sys::{Clock, MonotonicClock};
use crate::workload::Suite;

pub(super) use crate::cli::peers::engine::environment;

/// Measures engines side by side, and reports it.
pub(super) fn peers(args: &PeersArgs) -> Result<u8> {
    let began_ns = MonotonicClock.now_ns();
    let root = Root::find();
    let engines = args.engines()?;
    let store = args.measuring.store.find_to_measure(&root)?;
    let published = PublishedReference::read(&root.published())?;
    let published_engines =
        PublishedValue::of_engines(&files::read_text(&root.published(), FileKind::Text)?)?;
    let control = stoppable()?;
    let model = args.workload.find_model(&args.measuring.engine, &root)?;
    let RequestedWorkload { prompts, new_tokens } = args.workload.requested(Suite::Reference, &model, 1)?;
    check_order(&engines, &prompts, &model)?;
    let Some(_lock) = args.measuring.supervision.take_lock(&control, "peers")? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let edited = EditedGraph::place(&model.identity, args.measuring.engine.all_logits, 0)?;
    let common = Common {
        args,
        engines: &engines,
        root: &root,
        model: &model,
        edited: edited.as_ref(),
        control: &control,
    };
    let Some(resolved) = common.settle()? else {
        say("interrupted: nothing was measured");
        return Ok(exit_code::INTERRUPTED);
    };
    if let Some(reason) = &resolved.event.fallback_reason {
        say(&format!(
            "warning: `{}` was requested and {} runs: {reason}",
            args.measuring.engine.device, resolved.event.device
        ));
    }
    let arms: Vec<_> =
        resolved.engines.iter().map(|engine| engine.arm(&model, edited.as_ref(), args)).collect();
    let kind = PlanKind::Peers;
    let schedule = args.reporting.schedule(arms.len(), args.rounds);
    let plan = ExperimentPlan {
        limits: args.measuring.supervision.limits(),
        idle_limit: args.measuring.supervision.settle_limit(false),
        published_engines,
        resolved: Some(ResolvedDevice {
            openvino_build: resolved.event.openvino_build.clone(),
            facts: resolved.event.facts.clone(),
            fallback_reason: resolved.event.fallback_reason.clone(),
        }),
        unit_id: unit_id()?,
        ..ExperimentPlan::new(kind, began_ns, prompts, new_tokens, arms, schedule, published)
    };
    let ran = run(&plan, &control, &Progress::start(&control, new_tokens))?;
    // Bad input that was found before a round was whole, as engines of two runtimes, leaves nothing to keep.
    if let Some(error) = &ran.failed
        && error.kind() == ErrorKind::Input
        && ran.record.rounds.is_empty()
    {
        return Err(error.clone());
    }
    store_and_print(ran, &args.reporting, peers_document, peers_json, &store, &root)
}

/// The way from optimum-intel to `openvino_genai` as each comes, one step at a time, and where arcgauge stands.
const ALL: &str = "stateful,genai,genai-pa,genai-pa-i8,optimum";

#[derive(Debug, Args)]
pub(super) struct PeersArgs {
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

    #[command(flatten)]
    workload: WorkloadArgs,

    #[command(flatten)]
    reporting: ArmsArgs,

    #[command(flatten)]
    pub(super) measuring: MeasuringArgs,
}

impl PeersArgs {
    /// The engines in words; read here and not with the flags, so that each refusal comes with its hint.
    fn engines(&self) -> Result<Vec<EngineWords>> {
        self.engines.iter().map(|words| words.parse()).collect()
    }
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
