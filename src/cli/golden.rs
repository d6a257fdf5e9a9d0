//! `golden check`, `golden bless`, `golden calibrate`; `golden probe` is in `probe.rs`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::cli::flags::EngineFlags;
use crate::cli::loading::{find_model, load};
use crate::cli::measuring::LockFlags;
use crate::cli::root::Root;
use crate::cli::{bless, exit_code, print, probe, say};
use crate::engine::{Path, replay};
use crate::error::{Error, Result};
use crate::golden::{Golden, GoldenResult, Probe, Question, Tolerance, drift, judge};
use crate::run::{FoundModel, epsilon_logit_of};
use crate::visible::one_line;
use crate::workload::TokenId;

/// How far above the largest difference seen a near-tie still reaches.
const TOLERANCE_FACTOR: f32 = 2.0;

/// The largest tolerance, as a share of the median logit margin: beyond it, a check would see nothing.
const LARGEST_SHARE_OF_MEDIAN: f32 = 0.1;

/// Flags of `golden`.
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
    /// and which drift of the probe is normal
    Calibrate(CheckArgs),
    /// Keep how sure of itself the model is at each token of a text that it was not trained on
    Probe(probe::ProbeArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    #[command(flatten)]
    engine: EngineFlags,

    #[command(flatten)]
    lock: LockFlags,
}

/// Runs a verb of `golden`.
pub(super) fn golden(args: &GoldenArgs) -> Result<ExitCode> {
    match &args.verb {
        GoldenVerb::Check(args) => check(args),
        GoldenVerb::Bless(args) => bless::bless(args),
        GoldenVerb::Calibrate(args) => calibrate(args),
        GoldenVerb::Probe(args) => probe::probe(args),
    }
}

fn check(args: &CheckArgs) -> Result<ExitCode> {
    let (model, probe) = find(&args.engine)?;
    let Some(_lock) = args.lock.hold("golden check")? else {
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    let mut loaded = load(&model, &args.engine)?;
    let epsilon_logit = epsilon_logit_of(&model.goldens, &loaded.engine);
    let mut code = exit_code::PASS;
    for golden in model.goldens.goldens.values() {
        let prompt = &golden.prompt_token_ids;
        let free = replay(&mut loaded.engine, prompt, Path::Greedy(golden.token_ids.len()))?;
        let tokens: Vec<TokenId> = free.iter().map(|choice| choice.token).collect();
        let question = Question { prompt, generations: &[&tokens], golden: Some(golden), epsilon_logit };
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
        probe::check(probe, &mut loaded)?;
    }
    Ok(ExitCode::from(code))
}

fn calibrate(args: &CheckArgs) -> Result<ExitCode> {
    let (mut model, probe) = find(&args.engine)?;
    let Some(_lock) = args.lock.hold("golden calibrate")? else {
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    let mut loaded = load(&model, &args.engine)?;
    if let Some(reason) = &loaded.resolved.facts.emulated_reason {
        let why = format!("an emulated device has no limits of its own: {reason}");
        return Err(Error::environment(why).hint("calibrate on the CPU or on a GPU that is there"));
    }
    let mut largest = 0.0_f32;
    let mut widest_flip = 0.0_f32;
    let goldens: Vec<Golden> = model.goldens.goldens.values().cloned().collect();
    for golden in &goldens {
        let forced = replay(&mut loaded.engine, &golden.prompt_token_ids, Path::Forced(&golden.token_ids))?;
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
    let file = calibrated_file(&mut model, tolerance)?;
    say(&format!("near-ties: logit margins below {epsilon_logit} logit, in {}", file.display()));
    if let Some(probe) = probe {
        probe::calibrate(probe, &mut loaded)?;
    }
    Ok(ExitCode::from(exit_code::PASS))
}

fn median_logit_margin(goldens: &[Golden]) -> f32 {
    let mut margins: Vec<f32> =
        goldens.iter().flat_map(|golden| golden.logit_margins.iter().copied()).collect();
    margins.sort_by(f32::total_cmp);
    margins.get(margins.len() / 2).copied().unwrap_or_default()
}

fn calibrated_file(model: &mut FoundModel, tolerance: Tolerance) -> Result<PathBuf> {
    let folder = Root::find().goldens(&model.identity.name);
    model.goldens.calibrate(&folder, tolerance)
}

fn find(flags: &EngineFlags) -> Result<(FoundModel, Option<Probe>)> {
    let model = find_model(&flags.model, &Root::find())?;
    model.check_goldens_belong()?;
    if model.goldens.goldens.is_empty() {
        return Err(Error::input(format!("model `{}` has no goldens", model.identity.name))
            .hint("`cargo xtask bench`, then `cargo xtask golden bless --reason \"...\"`"));
    }
    let probe = probe::of(&model)?;
    Ok((model, probe))
}
