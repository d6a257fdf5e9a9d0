//! `kv`: changes of the KV cache side by side, in rounds of fresh processes: agreement of the output, bytes, time.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::cli::arms::{ArmsArgs, store_and_print};
use crate::cli::flags::EngineFlags;
use crate::cli::golden::probe_of;
use crate::cli::loading::{find_model, load};
use crate::cli::measuring::{LockFlags, MeasuringArgs, load_command, stoppable};
use crate::cli::progress::Progress;
use crate::cli::root::Root;
use crate::cli::settings::{cache_folder, unit_id};
use crate::cli::workload::{RequestedWorkload, WorkloadArgs};
use crate::cli::{exit_code, print_line, say, shell};
use crate::engine::openvino::{Graph, Property, Sources, calibrate};
use crate::engine::transform::{CacheLayout, Calibration, TransformSpec};
use crate::error::{Error, Result};
use crate::files::{self, FileKind, Overwrite, check_writable, write_whole};
use crate::measure::kv::{KvMethod, KvText};
use crate::measure::protocol::LoadCommand;
use crate::record::{Arm, PlanKind, PublishedReference, PublishedValue, RequestedPrompt};
use crate::report::kv::{kv_document, kv_json};
use crate::run::{
    EditedGraph, ExperimentPlan, FoundModel, Identity, KvComparison, ReadyArm, RequestedKv, run,
};
use crate::sys::{Clock, MonotonicClock};
use crate::workload::{Suite, TokenId};

const NAME_A_TEXT: &str = "name a file of plain text: `--text FILE`";
/// Of a text of the user's own, tokens that are fed at once.
const TEXT_PROMPT_TOKENS: usize = 64;
/// Of a text of the user's own, tokens that are compared at most: each takes a row of logits on disk.
const TEXT_FORCED_TOKENS: usize = 512;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct KvArgs {
    #[command(subcommand)]
    verb: Option<KvVerb>,

    /// A change of the KV cache; may be repeated, and the first must be `none`. There are none, copy (reads and writes
    /// all states at each token), turboquant:k6v4, absmax:int8, absmax:int4, hadamard-int4, kivi:k2v2,
    /// streaming-llm:ROWS, snapkv:ROWS, random:ROWS, triattention:ROWS,calibration=FILE, each with options as in
    /// turboquant:k4v4,window=128,in-graph; and plugin:KEY=VALUE+KEY=VALUE for codecs of OpenVINO's own
    #[arg(long = "arm", value_name = "ARM", required = true)]
    arms: Vec<String>,

    /// Rounds that count: in each, every arm runs once, in a fresh process
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,

    /// Seeds of rotation or choice with which the distributions are compared, where an arm has a seed
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,2,3")]
    seeds: Vec<u64>,

    /// A text on which distributions are compared, beside the reference answers and the probe text; may be repeated
    #[arg(long = "text", value_name = "FILE")]
    texts: Vec<PathBuf>,

    #[command(flatten)]
    workload: WorkloadArgs,

    #[command(flatten)]
    reporting: ArmsArgs,

    #[command(flatten)]
    measuring: MeasuringArgs,
}

#[derive(Debug, Subcommand)]
enum KvVerb {
    /// Compute the calibration that `triattention` needs: a model's mean query of each head and band, over texts
    Calibrate(CalibrateArgs),
}

#[derive(Debug, Args)]
struct CalibrateArgs {
    /// A text, in place of the golden answers and the probe text; may be repeated
    #[arg(long = "text", value_name = "FILE")]
    texts: Vec<PathBuf>,

    /// File to write the calibration to [default: one per model in the cache folder]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    engine: EngineFlags,

    #[command(flatten)]
    lock: LockFlags,
}

/// An arm as it was requested.
#[derive(Debug, Clone, PartialEq)]
enum RequestedArm {
    /// A change of ours, or none.
    Transform(TransformSpec),
    /// A codec of the plugin.
    Plugin(Vec<Property>),
}

/// How an arm of the plugin begins.
const PLUGIN: &str = "plugin:";

impl RequestedArm {
    fn parse(text: &str) -> Result<Self> {
        let Some(properties) = text.strip_prefix(PLUGIN) else { return text.parse().map(Self::Transform) };
        let properties = properties.split('+').map(str::parse).collect::<Result<Vec<Property>>>()?;
        let is_again = |at: usize| properties[..at].iter().any(|before| before.key == properties[at].key);
        match (0..properties.len()).find(|at| is_again(*at)) {
            Some(at) => Err(Error::input(format!("arm `{text}` sets `{}` twice", properties[at].key))
                .hint("give each property of an arm once")),
            None => Ok(Self::Plugin(properties)),
        }
    }

    fn label(&self) -> String {
        match self {
            Self::Transform(spec) => spec.to_string(),
            Self::Plugin(_) => format!("{PLUGIN}{}", self.properties().join("+")),
        }
    }

    /// The properties that it has for itself, as in `KEY=VALUE`.
    fn properties(&self) -> Vec<String> {
        let Self::Plugin(properties) = self else { return Vec::new() };
        properties.iter().map(ToString::to_string).collect()
    }

    fn method(&self) -> KvMethod {
        match self {
            Self::Transform(spec) => KvMethod::of(spec),
            Self::Plugin(_) => KvMethod::Plugin,
        }
    }

    fn requested(&self) -> RequestedKv {
        let is_seeded = matches!(self, Self::Transform(spec) if spec.seed().is_some());
        RequestedKv { transform: self.label(), method: self.method(), is_seeded }
    }
}

/// An arm that can be measured.
struct PreparedArm {
    requested: RequestedArm,
    edited: Option<EditedGraph>,
    load: LoadCommand,
}

/// Measures changes of the KV cache side by side, and reports them.
pub(super) fn kv(args: &KvArgs) -> Result<u8> {
    if let Some(KvVerb::Calibrate(args)) = &args.verb {
        return write_calibration(args);
    }
    let began_ns = MonotonicClock.now_ns();
    let root = Root::find();
    let requested_arms = requested_arms(&args.arms)?;
    args.measuring.engine.check_device()?;
    let store = args.measuring.store.find_to_measure(&root)?;
    let published = PublishedReference::read(&root.published())?;
    let published_kv = PublishedValue::of_kv(&files::read_text(&root.published(), FileKind::Text)?)?;
    let control = stoppable()?;
    let program = args.measuring.supervision.program()?;
    let model = args.workload.find_model(&args.measuring.engine, &root)?;
    let RequestedWorkload { prompts, new_tokens } = args.workload.requested(Suite::Reference, &model, 1)?;
    let texts = texts(args, &model, &prompts, new_tokens)?;
    check_arms(&requested_arms, &model)?;
    let Some(_lock) = args.measuring.supervision.take_lock(&control, "kv")? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let identity =
        Identity::of(root.path(), &program.program, args.measuring.supervision.is_other_program())?;
    let arms = requested_arms
        .into_iter()
        .enumerate()
        .map(|(at, requested)| prepared(args, &model, at, requested))
        .collect::<Result<Vec<_>>>()?;
    let ready = arms.iter().map(|arm| ReadyArm {
        label: arm.requested.label(),
        differences: arm.requested.properties(),
        host_loop: Arm::ARCGAUGE.to_owned(),
        program: &program,
        load: &arm.load,
        model: &model,
        edited: arm.edited.as_ref(),
        requested: &args.measuring.engine.device,
        identity: &identity,
        can_replay: true,
        kv: Some(arm.requested.requested()),
    });
    let ready: Vec<_> = ready.collect();
    let schedule = args.reporting.schedule(ready.len(), args.rounds);
    let kind = PlanKind::Kv;
    let plan = ExperimentPlan {
        limits: args.measuring.supervision.limits(),
        idle_limit: args.measuring.supervision.settle_limit(false),
        kv: Some(KvComparison::new(texts, args.seeds.clone())?),
        published_engines: published_kv,
        unit_id: unit_id()?,
        ..ExperimentPlan::new(kind, began_ns, prompts, new_tokens, ready, schedule, published)
    };
    let ran = run(&plan, &control, &Progress::start(&control, new_tokens))?;
    ran.bad_input().map_or(Ok(()), Err)?;
    store_and_print(ran, &args.reporting, kv_document, kv_json, &store, &root)
}

/// Feeds the texts to the model, and writes the means of its queries.
fn write_calibration(args: &CalibrateArgs) -> Result<u8> {
    let root = Root::find();
    args.engine.check_device()?;
    let mut model = find_model(&args.engine.model, args.engine.openvino.as_ref(), &root)?;
    let output = match &args.output {
        Some(output) => output.clone(),
        None => calibration_file(&model)?,
    };
    let mut texts: Vec<Vec<TokenId>> =
        args.texts.iter().map(|file| tokens_of(file, &model)).collect::<Result<_>>()?;
    if texts.is_empty() {
        let goldens = model.goldens.goldens.values();
        texts.extend(goldens.map(|golden| [golden.prompt_token_ids.as_slice(), &golden.token_ids].concat()));
        texts.extend(probe_of(&model)?.map(|probe| [probe.prompt(), probe.forced()].concat()));
    }
    if texts.is_empty() {
        return Err(Error::input("there is no text to calibrate with").hint(NAME_A_TEXT));
    }
    for (at, text) in texts.iter().enumerate() {
        let fed_at_once = RequestedPrompt::new(&format!("text {}", at + 1), text.clone());
        model.check_takes(&[fed_at_once], 1, 1)?;
    }
    check_writable(&output)?;
    let layout = layout_of(&model)?;
    let mut calibration = Calibration::begin(&layout)?;
    let Some(_lock) = args.lock.hold("kv calibrate")? else {
        return Ok(exit_code::INTERRUPTED);
    };
    model.graph = Graph::read(&model.folder)?.with_queries(&model.folder)?;
    let mut engine = load(&model, &args.engine)?.engine;
    for text in &texts {
        calibrate(&mut engine, &layout, &mut calibration, text)?;
    }
    let text = serde_json::to_string(&calibration)
        .map_err(|cause| Error::harness(format!("the calibration cannot be written: {cause}")))?;
    write_whole(&output, text.as_bytes(), Overwrite::Replace)?;
    say(&format!("calibrated with {} tokens of {} texts", calibration.tokens, texts.len()));
    let arm = format!("triattention:128,calibration={}", output.display());
    let next = shell::command(["kv", "--arm", "none", "--arm", &arm], &args.engine.as_typed());
    say(&format!("next: `{next}`"));
    print_line(&output.display().to_string())?;
    Ok(exit_code::PASS)
}

/// The file of a model's calibration in the cache folder.
fn calibration_file(model: &FoundModel) -> Result<PathBuf> {
    let folder = cache_folder()?.join("calibrations");
    fs::create_dir_all(&folder).map_err(|cause| Error::io("write", &folder, &cause))?;
    Ok(folder.join(format!("{}.json", &model.identity.sha256[..16])))
}

/// The arms in words: the unchanged cache first, at least one change, and none twice.
fn requested_arms(named: &[String]) -> Result<Vec<RequestedArm>> {
    let arms = named.iter().map(|text| RequestedArm::parse(text)).collect::<Result<Vec<_>>>()?;
    let hint = "as in `--arm none --arm turboquant:k6v4`";
    if arms.first().is_some_and(|first| first.method() != KvMethod::Unchanged) {
        return Err(Error::input(format!("the first arm is `{}`, not `none`", named[0])).hint(hint));
    }
    if arms.len() < 2 {
        return Err(Error::input("one arm is no comparison").hint(hint));
    }
    let twice = arms.iter().enumerate().find(|(at, arm)| arms[..*at].contains(arm));
    match twice {
        Some((_, arm)) => {
            Err(Error::input(format!("arm `{}` is named twice", arm.label())).hint("name each once"))
        }
        None => Ok(arms),
    }
}

/// Refuses what the model's cache does not allow before anything waits or is loaded.
fn check_arms(arms: &[RequestedArm], model: &FoundModel) -> Result<()> {
    let changes = arms.iter().filter_map(|arm| match arm {
        RequestedArm::Transform(spec) if arm.method() != KvMethod::Unchanged => Some((arm, spec)),
        _ => None,
    });
    for (arm, spec) in changes {
        spec.build(&layout_of(model)?).map_err(|error| error.of(&format!("arm `{}`", arm.label())))?;
    }
    Ok(())
}

fn layout_of(model: &FoundModel) -> Result<CacheLayout> {
    let model_sha256 = Some(model.identity.sha256.clone());
    Ok(CacheLayout { model_sha256, ..CacheLayout::of(&model.folder)? })
}

fn prepared(args: &KvArgs, model: &FoundModel, at: usize, requested: RequestedArm) -> Result<PreparedArm> {
    let mut engine = args.measuring.engine.clone();
    let kv_transform = match &requested {
        RequestedArm::Transform(spec) => {
            (requested.method() != KvMethod::Unchanged).then(|| spec.to_string())
        }
        RequestedArm::Plugin(properties) => {
            engine.properties.retain(|common| properties.iter().all(|own| own.key != common.key));
            engine.properties.extend(properties.clone());
            None
        }
    };
    let edited = EditedGraph::place(&model.identity, engine.all_logits, at)?;
    let location = Sources::from_environment(engine.openvino.clone()).locate()?;
    let load = load_command(&engine, model, location, edited.as_ref());
    Ok(PreparedArm { requested, edited, load: LoadCommand { kv_transform, ..load } })
}

/// What distributions are compared over: the golden answers, the probe text, and texts of the user's own.
fn texts(
    args: &KvArgs,
    model: &FoundModel,
    prompts: &[RequestedPrompt],
    new_tokens: usize,
) -> Result<Vec<KvText>> {
    let of_golden = |prompt: &RequestedPrompt| {
        let golden = model.goldens.goldens.get(&prompt.id)?;
        let steps = new_tokens.min(golden.token_ids.len());
        Some(KvText {
            id: prompt.id.clone(),
            prompt: golden.prompt_token_ids.clone(),
            forced: golden.token_ids[..steps].to_vec(),
        })
    };
    let mut texts: Vec<KvText> = prompts.iter().filter_map(of_golden).collect();
    if let Some(probe) = probe_of(model)? {
        texts.push(KvText {
            id: "probe".to_owned(),
            prompt: probe.prompt().to_vec(),
            forced: probe.forced().to_vec(),
        });
    }
    for file in &args.texts {
        let text = own_text(file, model)?;
        if texts.iter().any(|other| other.id == text.id) {
            let what = format!("two texts are called `{}`, one of them `{}`", text.id, file.display());
            return Err(Error::input(what).hint("give each file a name of its own"));
        }
        texts.push(text);
    }
    if texts.is_empty() {
        return Err(
            Error::input("there is no text on which distributions could be compared").hint(NAME_A_TEXT)
        );
    }
    Ok(texts)
}

fn tokens_of(file: &Path, model: &FoundModel) -> Result<Vec<TokenId>> {
    let text = files::read_text(file, FileKind::Text).map_err(|error| error.or_hint(NAME_A_TEXT))?;
    model.encode(&text).map_err(|error| error.of(&format!("`{}`", file.display())).hint(NAME_A_TEXT))
}

fn own_text(file: &Path, model: &FoundModel) -> Result<KvText> {
    let ids = tokens_of(file, model)?;
    if ids.len() <= TEXT_PROMPT_TOKENS {
        return Err(Error::input(format!(
            "`{}` has {} tokens, and {TEXT_PROMPT_TOKENS} are fed before the first comparison",
            file.display(),
            ids.len()
        ))
        .hint("give a longer text"));
    }
    let (prompt, rest) = ids.split_at(TEXT_PROMPT_TOKENS);
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(KvText {
        id: name.unwrap_or_else(|| "text".to_owned()),
        prompt: prompt.to_vec(),
        forced: rest[..rest.len().min(TEXT_FORCED_TOKENS)].to_vec(),
    })
}
