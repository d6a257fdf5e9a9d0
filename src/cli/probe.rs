//! `golden probe`, and the probe's part of `golden check` and `golden calibrate`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::flags::{EngineFlags, ModelFlags};
use crate::cli::loading::{Loaded, find_model, load};
use crate::cli::measuring::LockFlags;
use crate::cli::root::Root;
use crate::cli::{exit_code, print, say};
use crate::engine::{Path, replay};
use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::golden::{DriftLimit, LogitDrift, Probe, ProbeOrigin, ProbeTokens};
use crate::record::{utc_now, whoami};
use crate::run::FoundModel;

/// Flags of `golden probe`.
#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// Why the model is right as it is; kept in the fixture
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
pub(super) fn probe(args: &ProbeArgs) -> Result<ExitCode> {
    let root = Root::find();
    if args.reason.trim().is_empty() {
        return Err(Error::input("`--reason` is empty").hint("say why the model is right as it is"));
    }
    let model = find_model(&args.model, &root)?;
    let file = root.prompts().join("probe.txt");
    let text = files::read_text(&file, FileKind::Fixture)
        .map_err(|error| error.or_hint("restore it: `git checkout -- fixtures/prompts`"))?;
    let text = text.trim();
    let tokens = ProbeTokens::cut(&model.encode(text)?)?;
    let Some(_lock) = args.lock.hold("golden probe")? else {
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
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
    Ok(ExitCode::from(exit_code::PASS))
}

/// The probe of a model, where it has one; refused where it is that of other files.
pub(super) fn of(model: &FoundModel) -> Result<Option<Probe>> {
    let probe = Probe::load(&Root::find().goldens(&model.identity.name))?;
    if let Some(probe) = &probe {
        probe.check_belongs(&model.identity.sha256)?;
    }
    Ok(probe)
}

/// Prints how far the logits have moved on the probe.
pub(super) fn check(probe: &Probe, loaded: &mut Loaded) -> Result<()> {
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
pub(super) fn calibrate(mut probe: Probe, loaded: &mut Loaded) -> Result<()> {
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

/// Device, inference precision and KV-cache precision, as a limit is found by.
fn kind(loaded: &Loaded) -> [String; 3] {
    let effective = |key: &str| loaded.engine.properties().get(key).cloned().unwrap_or_default();
    [
        loaded.engine.device().kind.name().to_owned(),
        effective("INFERENCE_PRECISION_HINT"),
        effective("KV_CACHE_PRECISION"),
    ]
}
