//! `golden check`, `golden calibrate`, `golden probe`; `golden bless` is in `bless.rs`.

mod bless;
mod drift;

pub(super) use drift::plan_drift;

use clap::{Args, Subcommand};

use crate::cli::flags::{EngineFlags, ModelFlags};
use crate::cli::loading::{Loaded, find_model, load};
use crate::cli::measuring::LockFlags;
use crate::cli::root::Root;
use crate::cli::workload::suite_parser;
use crate::cli::{exit_code, print, say};
use crate::engine::{Choice, Engine, Path, replay};
use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::golden::{
    DriftLimit, Golden, GoldenResult, LogitDrift, Probe, ProbeOrigin, ProbeTokens, Question, Tolerance,
    drift, judge,
};
use crate::record::{utc_now, whoami};
use crate::run::{FoundModel, epsilon_logit_of};
use crate::visible::one_line;
use crate::workload::{Input, Suite, TokenId};

/// How far above the largest difference seen a near-tie still reaches.
const TOLERANCE_FACTOR: f32 = 2.0;

/// The largest tolerance, as a share of the median logit margin: beyond it, a check would see nothing.
const LARGEST_SHARE_OF_MEDIAN: f32 = 0.1;

#[derive(Debug, Args)]
pub(super) struct GoldenArgs {
    #[command(subcommand)]
    verb: GoldenVerb,
}

#[derive(Debug, Subcommand)]
enum GoldenVerb {
    /// Decode every golden's prompt, compare the tokens, and measure how far the logits have moved
    Check(CheckArgs),
    /// Make the answers of a record the goldens of its model, without running again
    Bless(bless::BlessArgs),
    /// Derive from a teacher-forced pass which logit margins count as near-ties on this device and precision,
    /// and the limit of the logit difference on the probe text
    Calibrate(CheckArgs),
    /// Store the model's logit margin at each token of the probe text, one that it was not trained on
    Probe(ProbeArgs),
    /// Compare next-token distributions with stored ones, with dynamic quantisation off: it sees far smaller damage
    /// than greedy tokens do, and loads the model once more
    Drift(drift::DriftArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// The prompts whose goldens are fed: `reference` or `depth`
    #[arg(long, value_name = "SUITE", default_value = Suite::Reference.as_str(), value_parser = suite_parser())]
    suite: Suite,

    #[command(flatten)]
    engine: EngineFlags,

    #[command(flatten)]
    lock: LockFlags,
}

pub(super) fn golden(args: &GoldenArgs) -> Result<u8> {
    match &args.verb {
        GoldenVerb::Check(args) => check(args),
        GoldenVerb::Bless(args) => bless::bless(args),
        GoldenVerb::Calibrate(args) => calibrate(args),
        GoldenVerb::Probe(args) => make_probe(args),
        GoldenVerb::Drift(args) => drift::drift(args),
    }
}

fn check(args: &CheckArgs) -> Result<u8> {
    let (model, probe) = find(args)?;
    let Some(_lock) = args.lock.hold("golden check")? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let mut loaded = load(&model, &args.engine)?;
    let epsilon_logit = epsilon_logit_of(&model.goldens, &loaded.engine);
    let mut code = exit_code::PASS;
    let precision = loaded.engine.properties().get("INFERENCE_PRECISION_HINT").map(String::as_str);
    let goldens = model.goldens.holding_at(precision).goldens;
    for id in model.goldens.goldens.keys().filter(|id| !goldens.contains_key(*id)) {
        say(&format!(
            "`{id}` is not compared: its golden holds at the inference precision of its making alone"
        ));
    }
    for golden in goldens.values() {
        let input = golden.input();
        let free = replay(&mut loaded.engine, input, Path::Greedy(golden.token_ids.len()))?;
        let tokens: Vec<TokenId> = free.iter().map(|choice| choice.token).collect();
        let question = Question { input, generations: &[&tokens], golden: Some(golden), epsilon_logit };
        let finding = judge(&mut loaded.engine, question)?;
        let moved = finding.logit_margin_drift.unwrap_or_else(|| drift(golden, &free));
        let smallest = golden.logit_margins.iter().copied().fold(f32::INFINITY, f32::min);
        print(&format!(
            "{}\t{}\t{} tokens, smallest logit margin {smallest:.3} logit, logit margins moved by at most {moved:.4} logit\n",
            one_line(&golden.prompt_id),
            finding.result.as_str(),
            tokens.len(),
        ))?;
        if finding.result == GoldenResult::Break {
            code = exit_code::WRONG_OUTPUT;
            if let Some(divergence) = &finding.divergence {
                print(&format!(
                    "\tfirst at token {}: expected {}, got {} (logit margin {:.3} logit)\n",
                    divergence.position + 1,
                    divergence.expected,
                    divergence.got,
                    divergence.logit_margin
                ))?;
            }
        }
    }
    if let Some(probe) = &probe {
        check_probe(probe, &mut loaded)?;
    }
    Ok(code)
}

fn calibrate(args: &CheckArgs) -> Result<u8> {
    let (mut model, probe) = find(args)?;
    let Some(_lock) = args.lock.hold("golden calibrate")? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let mut loaded = load(&model, &args.engine)?;
    refuse_emulated(&loaded)?;
    let mut largest = 0.0_f32;
    let mut widest_flip = 0.0_f32;
    let goldens: Vec<Golden> = model.goldens.goldens.values().cloned().collect();
    for golden in &goldens {
        let forced = replay(&mut loaded.engine, golden.input(), Path::Forced(&golden.token_ids))?;
        largest = largest.max(drift(golden, &forced));
        let steps = forced.iter().zip(golden.token_ids.iter().zip(&golden.logit_margins));
        let flipped =
            steps.filter(|(choice, (token, _))| choice.token != **token).map(|(_, (_, margin))| *margin);
        widest_flip = flipped.fold(widest_flip, f32::max);
    }
    let epsilon_logit = largest * TOLERANCE_FACTOR;
    let ceiling = median_logit_margin(&goldens) * LARGEST_SHARE_OF_MEDIAN;
    if epsilon_logit > ceiling || (widest_flip > 0.0 && widest_flip >= epsilon_logit) {
        return Err(Error::wrong_output(format!(
            "the logits moved by up to {largest:.3}, and tokens flipped at logit margins of up to {widest_flip:.3} logit: \
             that is no rounding (a tolerance may be {ceiling:.3} at the most)"
        ))
        .hint("find out what changed the output with `cargo xtask golden check`; nothing was written"));
    }
    let effective = |key: &str| loaded.engine.properties().get(key).cloned().unwrap_or_default();
    let steps: usize = goldens.iter().map(|golden| golden.token_ids.len()).sum();
    let tolerance = Tolerance {
        device: loaded.engine.device().kind.name().to_owned(),
        inference_precision: effective("INFERENCE_PRECISION_HINT"),
        kv_cache_precision: effective("KV_CACHE_PRECISION"),
        epsilon_logit,
        reason: format!(
            "{TOLERANCE_FACTOR} x the largest difference of logit margins ({largest} logit) over {steps} teacher-forced steps, OpenVINO {}",
            loaded.resolved.runtime.version()
        ),
    };
    let folder = Root::find().goldens(&model.identity.name);
    let file = model.goldens.calibrate(&folder, tolerance)?;
    say(&format!("near-ties: logit margins below {epsilon_logit} logit, in {}", file.display()));
    if let Some(probe) = probe {
        calibrate_probe(probe, &mut loaded)?;
    }
    Ok(exit_code::PASS)
}

fn median_logit_margin(goldens: &[Golden]) -> f32 {
    let mut margins: Vec<f32> =
        goldens.iter().flat_map(|golden| golden.logit_margins.iter().copied()).collect();
    margins.sort_by(f32::total_cmp);
    margins.get(margins.len() / 2).copied().unwrap_or_default()
}

fn find(args: &CheckArgs) -> Result<(FoundModel, Option<Probe>)> {
    let mut model = find_model(&args.engine.model, args.engine.openvino.as_ref(), &Root::find())?;
    model.check_goldens_belong()?;
    let is_deep = |id: &str| model.prompts.depth.get(id).is_some();
    model.goldens.goldens.retain(|id, _| is_deep(id) == (args.suite == Suite::Depth));
    if model.goldens.goldens.is_empty() {
        return Err(Error::input(format!(
            "model `{}` has no goldens of the suite `{}`",
            model.identity.name,
            args.suite.as_str()
        ))
        .hint("`cargo xtask bench`, then `cargo xtask golden bless --reason \"...\"`"));
    }
    let probe = probe_of(&model)?;
    Ok((model, probe))
}

#[derive(Debug, Args)]
struct ProbeArgs {
    /// Why the model is right as it is; stored in the fixture
    #[arg(long, alias = "because", value_name = "REASON")]
    reason: String,

    /// OpenVINO to use: a pinned version, or the folder of an installation
    #[arg(long, value_name = "VERSION|DIR")]
    openvino: Option<String>,

    #[command(flatten)]
    model: ModelFlags,

    #[command(flatten)]
    lock: LockFlags,
}

/// Makes the probe of a model by a pass over its text, in f32 on the CPU.
fn make_probe(args: &ProbeArgs) -> Result<u8> {
    let root = Root::find();
    if args.reason.trim().is_empty() {
        return Err(Error::input("`--reason` is empty").hint("say why the model is right as it is"));
    }
    let model = find_model(&args.model, args.openvino.as_ref(), &root)?;
    let file = root.prompts().join("probe.txt");
    let text = files::read_text(&file, FileKind::Fixture)
        .map_err(|error| error.or_hint("restore it: `git checkout -- fixtures/prompts`"))?;
    let text = text.trim();
    let tokens = ProbeTokens::cut(&model.encode(text)?)?;
    let Some(_lock) = args.lock.hold("golden probe")? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let mut loaded = load(&model, &EngineFlags::on_cpu(args.model.clone(), args.openvino.clone()))?;
    let pass = replay(&mut loaded.engine, &tokens.prompt_ids, Path::Forced(&tokens.forced_ids))?;
    let probe = Probe {
        schema: Probe::SCHEMA,
        model: model.identity.name.clone(),
        model_sha256: model.identity.sha256.clone(),
        text: text.to_owned(),
        tokens,
        preferred_ids: pass.iter().map(|choice| choice.token).collect(),
        runner_up_ids: pass.iter().map(|choice| choice.runner_up).collect(),
        logit_margins: pass.iter().map(|choice| choice.margin).collect(),
        made: ProbeOrigin {
            when_utc: utc_now(),
            who: whoami(root.path()),
            reason: args.reason.trim().to_owned(),
            openvino: loaded.resolved.runtime.version().to_owned(),
            device: loaded.engine.device().kind.name().to_owned(),
            properties: loaded.engine.properties().clone(),
        },
        // Limits of an earlier probe were distances from another one.
        limits: Vec::new(),
    };
    let file = probe.save(&root.goldens(&probe.model))?;
    say(&format!("probe of {} steps: {}", pass.len(), file.display()));
    say("next: `cargo xtask golden calibrate` on each device and precision that is to be watched");
    Ok(exit_code::PASS)
}

/// The probe of a model, where it has one; refused where it is that of other files.
pub(super) fn probe_of(model: &FoundModel) -> Result<Option<Probe>> {
    let probe = Probe::load(&Root::find().goldens(&model.identity.name))?;
    if let Some(probe) = &probe {
        probe.check_belongs(&model.identity.sha256)?;
    }
    Ok(probe)
}

/// Prints how far the logits have moved on the probe.
fn check_probe(probe: &Probe, loaded: &mut Loaded) -> Result<()> {
    let drift = run(probe, loaded)?;
    let [device, inference_precision, kv_cache_precision] = kind(loaded);
    let limit = probe.limit([&device, &inference_precision, &kv_cache_precision]);
    let word = match limit {
        None => "no limit",
        Some(limit) if limit.is_exceeded_by(&drift) => "above limit",
        Some(_) => "within limit",
    };
    let of = |limit: Option<f32>| limit.map_or_else(String::new, |limit| format!(" of {limit:.4}"));
    print(&format!(
        "probe\t{word}\t{} steps, {} flips, logit margins moved by at most {:.4}{} logit, {:.4}{} on average\n",
        drift.steps,
        drift.flips,
        drift.largest_logit,
        of(limit.map(|limit| limit.largest_logit)),
        drift.mean_logit,
        of(limit.map(|limit| limit.mean_logit)),
    ))?;
    match limit {
        None => {
            say(&format!(
                "no limit is known for {device}, {inference_precision}, KV cache {kv_cache_precision}"
            ));
            say("  `cargo xtask golden calibrate` with the same flags finds one, on a model that is right");
        }
        Some(limit) if limit.is_exceeded_by(&drift) => {
            say("warning: on the probe the logits have moved further than is normal");
            say(
                "  every token may still be right; find out what changed the arithmetic before it is blessed",
            );
        }
        Some(_) => {}
    }
    Ok(())
}

/// Adds the limit of the loaded device and precisions to the probe.
fn calibrate_probe(mut probe: Probe, loaded: &mut Loaded) -> Result<()> {
    let drift = run(&probe, loaded)?;
    let [device, inference_precision, kv_cache_precision] = kind(loaded);
    let (largest_logit, mean_logit) = (drift.largest_limit_logit(), drift.mean_limit_logit());
    probe.calibrate(DriftLimit {
        device,
        inference_precision,
        kv_cache_precision,
        largest_logit,
        mean_logit,
        reason: drift.limits_reason(loaded.resolved.runtime.version()),
    });
    let file = probe.save(&Root::find().goldens(&probe.model))?;
    say(&format!(
        "drift of the probe: up to {largest_logit} logit, {mean_logit} on average, in {}",
        file.display()
    ));
    Ok(())
}

fn run(probe: &Probe, loaded: &mut Loaded) -> Result<LogitDrift> {
    probe.drift(&replay(&mut loaded.engine, probe.prompt(), Path::Forced(probe.forced()))?)
}

/// Refuses to learn a limit from a device that is not there.
fn refuse_emulated(loaded: &Loaded) -> Result<()> {
    let Some(reason) = &loaded.resolved.facts.emulated_reason else { return Ok(()) };
    let why = format!("an emulated device has no limits of its own: {reason}");
    Err(Error::environment(why).hint("calibrate on the CPU or on a GPU that is there"))
}

/// Device, inference precision and KV-cache precision, as a limit is found by.
fn kind(loaded: &Loaded) -> [String; 3] {
    let effective = |key: &str| loaded.engine.properties().get(key).cloned().unwrap_or_default();
    [
        loaded.engine.device().kind.name().to_owned(),
        effective("INFERENCE_PRECISION_HINT"),
        effective("KV_CACHE_PRECISION"),
    ]
}

/// Below this logit margin the CPU's f32 and a GPU's f16 may prefer different tokens without either being
/// wrong.
pub(super) const LIMIT_LOGIT: f32 = 0.5;

/// A step at which another token is preferred.
pub(super) struct OtherChoice {
    /// Which token of the answer, from 0.
    pub(super) step: usize,
    /// What is preferred there.
    pub(super) choice: Choice,
}

/// Feeds an answer to the engine, and gives the steps at which it prefers another token.
pub(super) fn other_choices(
    engine: &mut dyn Engine,
    input: Input<'_>,
    answer: &[TokenId],
) -> Result<Vec<OtherChoice>> {
    let choices = replay(engine, input, Path::Forced(answer))?;
    let steps = choices.into_iter().zip(answer).enumerate();
    let others = steps.filter(|(_, (choice, token))| choice.token != **token);
    Ok(others.map(|(step, (choice, _))| OtherChoice { step, choice }).collect())
}
