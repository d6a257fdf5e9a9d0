//! `golden drift`: how far next-token distributions have moved from those that the model's folder of goldens has, with
//! dynamic quantisation off.

use std::fs;

use clap::{Args, ValueEnum};

use crate::cli::flags::EngineFlags;
use crate::cli::golden::{kind, refuse_emulated};
use crate::cli::loading::{Loaded, find_model, load};
use crate::cli::measuring::LockFlags;
use crate::cli::root::Root;
use crate::cli::{exit_code, print_document, say};
use crate::engine::openvino::Property;
use crate::error::{Error, Result};
use crate::files::{self, FileKind};
use crate::golden::{
    DistributionDrift, DistributionLimit, DriftReference, DriftText, GROUP_SIZE, ProbeOrigin,
    check_group_size,
};
use crate::record::{ModelIdentity, utc_now, whoami};
use crate::report::drift_document;
use crate::run::{DriftPlan, FoundModel};

#[derive(Debug, Args)]
pub(super) struct DriftArgs {
    /// Make the reference from this model in f32 on the CPU; the reason says why the model is right
    #[arg(long, value_name = "REASON", conflicts_with_all = ["calibrate", "against"])]
    make: Option<String>,

    /// Derive the limits for this device and precision from this pass
    #[arg(long, conflicts_with = "against")]
    calibrate: bool,

    /// Compare with this model on the CPU, in f32, and not with the stored reference: an observation without a limit
    #[arg(long, value_name = "DEVICE")]
    against: Option<Against>,

    #[command(flatten)]
    engine: EngineFlags,

    #[command(flatten)]
    lock: LockFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Against {
    Cpu,
}

pub(super) fn drift(args: &DriftArgs) -> Result<u8> {
    let root = Root::find();
    let model = find_model(&args.engine.model, args.engine.openvino.as_ref(), &root)?;
    let folder = root.goldens(&model.identity.name);
    if let Some(reason) = &args.make {
        if reason.trim().is_empty() {
            return Err(Error::input("`--make` has no reason").hint("say why the model is right as it is"));
        }
        let Some(_lock) = args.lock.hold("golden drift")? else { return Ok(exit_code::INTERRUPTED) };
        let reference = make(args, &model, &root, reason)?;
        say(&format!("reference of {} texts: {}", reference.texts.len(), reference.save(&folder)?.display()));
        say(
            "next: `cargo xtask golden drift --calibrate` on each device and precision that is to be watched",
        );
        return Ok(exit_code::PASS);
    }
    let stored = match args.against {
        Some(Against::Cpu) => None,
        None => Some(DriftReference::of_model(&folder, &model.identity.name, &model.identity.sha256)?),
    };
    say("the model is loaded with dynamic quantisation off; each text is fed token by token");
    let Some(_lock) = args.lock.hold("golden drift")? else { return Ok(exit_code::INTERRUPTED) };
    let mut reference = stored.map_or_else(|| make(args, &model, &root, "a comparison of devices"), Ok)?;
    let mut loaded = load_exactly(&model, &args.engine)?;
    if args.calibrate {
        refuse_emulated(&loaded)?;
    }
    let texts = reference.drift(&mut loaded.engine)?;
    let whole = DistributionDrift::of(&texts).ok_or_else(|| Error::harness("no step was compared"))?;
    let [device, inference_precision, kv_cache_precision] = kind(&loaded);
    let conditions = [device.as_str(), &inference_precision, &kv_cache_precision];
    if args.calibrate {
        let openvino = loaded.resolved.runtime.version();
        reference.calibrate(DistributionLimit::calibrated(&whole, conditions, openvino));
        say(&format!("limit of {}: {}", conditions.join(", "), reference.save(&folder)?.display()));
    }
    let limit = if args.against.is_some() { None } else { reference.limit(conditions) };
    print_document(drift_document(&texts, &whole, limit))?;
    if args.against.is_none() && limit.is_none() {
        let conditions = conditions.join(", ");
        say(&format!("no limit is known for {conditions}: `cargo xtask golden drift --calibrate` finds one"));
    }
    let is_exceeded = limit.is_some_and(|limit| limit.is_exceeded_by(&whole));
    Ok(if is_exceeded { exit_code::WRONG_OUTPUT } else { exit_code::PASS })
}

/// The reference that the arms of an experiment are compared with; prints what that will cost.
pub(in crate::cli) fn plan_drift(model: &FoundModel, root: &Root, arms: usize) -> Result<DriftPlan> {
    let ModelIdentity { name, sha256, .. } = &model.identity;
    let goldens = root.goldens(name);
    let reference = DriftReference::of_model(&goldens, name, sha256)?;
    let steps: usize = reference.texts.iter().map(|text| text.steps.len()).sum();
    let loads = if arms == 1 { "one more load,".to_owned() } else { format!("{arms} more loads, each") };
    say(&format!("drift: {loads} followed by {steps} untimed steps, after all that is timed"));
    Ok(DriftPlan { goldens, reference })
}

/// The reference of this model, in f32 on the CPU.
fn make(args: &DriftArgs, model: &FoundModel, root: &Root, reason: &str) -> Result<DriftReference> {
    let flags = EngineFlags::on_cpu(args.engine.model.clone(), args.engine.openvino.clone());
    let texts = texts(model, root)?;
    let mut loaded = load_exactly(model, &flags)?;
    let texts = texts.iter().map(|(id, ids)| DriftText::of(id, ids, &mut loaded.engine));
    Ok(DriftReference {
        schema: DriftReference::SCHEMA,
        model: model.identity.name.clone(),
        model_sha256: model.identity.sha256.clone(),
        texts: texts.collect::<Result<_>>()?,
        made: ProbeOrigin {
            when_utc: utc_now(),
            who: whoami(root.path()),
            reason: reason.trim().to_owned(),
            openvino: loaded.resolved.runtime.version().to_owned(),
            device: loaded.engine.device().kind.name().to_owned(),
            properties: loaded.engine.properties().clone(),
        },
        limits: Vec::new(),
    })
}

/// The texts of `fixtures/prompts/drift` with their tokens, by name.
fn texts(model: &FoundModel, root: &Root) -> Result<Vec<(String, Vec<u32>)>> {
    let folder = root.prompts().join("drift");
    let entries = fs::read_dir(&folder).map_err(|cause| Error::io("read", &folder, &cause).as_input())?;
    let mut paths: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = files::read_text(path, FileKind::Fixture)?;
        let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok((id, model.encode(&text)?))
    };
    paths.iter().map(read).collect()
}

/// Loads with dynamic quantisation off, and refuses a device that does not turn it off.
fn load_exactly(model: &FoundModel, flags: &EngineFlags) -> Result<Loaded> {
    let mut flags = flags.clone();
    if flags.properties.iter().all(|property| property.key != GROUP_SIZE) {
        flags.properties.push(Property { key: GROUP_SIZE.to_owned(), value: "0".to_owned() });
    }
    let loaded = load(model, &flags)?;
    check_group_size(loaded.engine.properties())?;
    Ok(loaded)
}
