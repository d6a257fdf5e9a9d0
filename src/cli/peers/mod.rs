//! `peers`: engines side by side, in rounds of fresh processes; equal tokens first, then speed and memory.

mod args;
mod engine;
mod program;
mod ready;

use std::path::Path;
use std::process::ExitCode;

pub(super) use args::PeersArgs;
pub(super) use program::{environment, python_of};

use args::PeersFormat;
use ready::Common;

use crate::cli::loading::find_model;
use crate::cli::measuring::{requested_prompts, stoppable};
use crate::cli::progress::Progress;
use crate::cli::report::show_commit;
use crate::cli::root::Root;
use crate::cli::{exit_code, print, print_document, say};
use crate::error::{ErrorKind, Result};
use crate::files::{self, FileKind};
use crate::judge::peers::round_figures;
use crate::measure::Metric;
use crate::record::{
    Experiment, HarnessCost, InputsRecord, Outcome, Personal, PlanKind, PublishedFigure, PublishedReference,
    PublishedSeries, utc_now,
};
use crate::report::peers::{peers_document, peers_json};
use crate::run::{EditedGraph, ExperimentPlan, Ran, ResolvedDevice, Schedule, StoppingRule, run};
use crate::sys::{Clock, MonotonicClock};

/// Invalidated rounds that are made again, at most: as many as pairs of `ab`.
const LARGEST_REDRAWS: usize = 3;

/// Measures engines side by side, and tells it.
pub(super) fn peers(args: &PeersArgs) -> Result<ExitCode> {
    let began_ns = MonotonicClock.now_ns();
    let root = Root::find();
    let engines = args.engines()?;
    let store = args.store.find_to_measure(&root)?;
    let published = PublishedReference::read(&root.published())?;
    let published_engines = published_engines(&root.published())?;
    let control = stoppable()?;
    let mut model = find_model(&args.engine.model, &root)?;
    if args.unverified {
        // What counts as a near-tie stays known.
        model.goldens.goldens.clear();
    }
    model.check_goldens_belong()?;
    let requested = requested_prompts(&args.prompts, &model)?;
    model.check_goldens_fit(&requested)?;
    ready::check_order(&engines, &requested, &model)?;
    model.check_takes(&requested, 1, args.max_new_tokens)?;
    let Some(_lock) = args.supervision.take_lock(&control, "peers")? else {
        say("interrupted while waiting for the device: nothing was measured");
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    let edited = EditedGraph::place(&model.identity, args.engine.all_logits)?;
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
        return Ok(ExitCode::from(exit_code::INTERRUPTED));
    };
    if let Some(reason) = &resolved.event.fallback_reason {
        say(&format!(
            "warning: `{}` was requested and {} runs: {reason}",
            args.engine.device, resolved.event.device
        ));
    }
    let plan = ExperimentPlan {
        kind: PlanKind::Peers,
        began_ns,
        when_utc: utc_now(),
        suite: Experiment::suite_of(&requested, &model.prompts),
        prompts: requested,
        new_tokens: args.max_new_tokens,
        arms: resolved.engines.iter().map(|engine| engine.arm(&model, edited.as_ref(), args)).collect(),
        schedule: Schedule {
            arms: resolved.engines.len(),
            stopping: StoppingRule::Rounds(usize::from(args.rounds)),
            largest_redraws: LARGEST_REDRAWS,
            ignore_guards: args.ignore_guards,
            seed: None,
            budget: args.budget,
        },
        limits: args.supervision.limits(),
        warms_cache: true,
        idle_limit: args.supervision.settle_limit(false),
        probe: None,
        inputs: InputsRecord::default(),
        published,
        published_engines,
        criterion: Vec::new(),
        resolved: Some(ResolvedDevice {
            openvino_build: resolved.event.openvino_build.clone(),
            facts: resolved.event.facts.clone(),
            fallback_reason: resolved.event.fallback_reason.clone(),
        }),
        cost: HarnessCost::default(),
    };
    let Ran { record, failed } = run(&plan, &control, &Progress::start(&control, args.max_new_tokens))?;
    // Bad input that was found before an engine could be loaded leaves nothing to keep.
    if let Some(error) = &failed
        && error.kind() == ErrorKind::Input
        && record.rounds.is_empty()
    {
        return Err(error.clone());
    }
    let record = Personal::of_this_user(Vec::new()).taken_from_record(record);
    let path = store.add(&record);
    let printed = match args.format {
        PeersFormat::Text => print_document(peers_document(&record)),
        PeersFormat::Json => print(&peers_json(&record)),
        PeersFormat::Markdown => print(&peers_document(&record).to_markdown()),
    };
    say(&format!("record: {}", path?.display()));
    let commit = record.subject().arm.commit.as_ref();
    show_commit(&root, &store, commit.map(|commit| commit.sha.as_str()));
    match failed {
        Some(error) => Err(error),
        None => printed.map(|()| ExitCode::from(code_of(&record))),
    }
}

/// What was published of each engine: the tables' averages.
fn published_engines(path: &Path) -> Result<Vec<PublishedFigure>> {
    let text = files::read_text(path, FileKind::Text)?;
    let figure = |series: PublishedSeries| PublishedFigure {
        series: series.name,
        metric: Metric::EndToEndThroughput,
        value: series.average_tok_s,
    };
    Ok(PublishedSeries::parse(&text)?.into_iter().map(figure).collect())
}

/// The exit code: wrong output before anything else; rounds without an interval are no number that could be
/// trusted, unless one was requested.
fn code_of(record: &Experiment) -> u8 {
    let counted = round_figures(record).iter().filter(|round| round.counts).count();
    let wanted = record.sampling.rounds_requested.unwrap_or_default().min(2);
    match record.outcome {
        Outcome::Complete if counted < wanted => exit_code::ENVIRONMENT_INVALID,
        outcome => exit_code::of_outcome(outcome),
    }
}
